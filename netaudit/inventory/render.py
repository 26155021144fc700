"""Shows an inventory as Ansible's own commands would: the JSON of a list, the tree of a graph, names, variables.

Pure functions from an inventory to data or text; nothing is printed here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from itertools import islice

from netaudit.errors import InventoryError
from netaudit.inventory.inventory import Inventory
from netaudit.inventory.values import Value, plain

MAX_LINES = 1_000_000  # a group with several parents is shown under each of them

# Variables that Ansible makes itself and leaves out of what it shows.
_INTERNAL = frozenset(
    """
    ansible_async_path ansible_collection_name ansible_config_file ansible_dependent_role_names ansible_diff_mode
    ansible_facts ansible_forks ansible_inventory_sources ansible_limit ansible_play_batch ansible_play_hosts
    ansible_play_hosts_all ansible_play_role_names ansible_playbook_python ansible_role_name ansible_role_names
    ansible_run_tags ansible_skip_tags ansible_verbosity ansible_version group_names groups hostvars inventory_dir
    inventory_file inventory_hostname inventory_hostname_short play_hosts playbook_dir role_name role_names role_path
    role_uuid
    """.split()  # noqa: SIM905 - as a list it would be thirty lines
)


def as_list(inventory: Inventory, limit: str | None = None) -> dict[str, Value]:
    """The inventory in the shape of ``ansible-inventory --list``: groups, and under ``_meta`` the hosts' variables."""
    shown = inventory.select("all", limit)
    listing: dict[str, Value] = {}
    _add_group(inventory, "all", frozenset(shown), listing)
    hostvars = {host: variables for host in shown if (variables := as_host(inventory, host))}
    return {"_meta": {"hostvars": hostvars}, **listing}


def _add_group(inventory: Inventory, name: str, shown: Collection[str], listing: dict[str, Value]) -> None:
    """The groups from this one down; one that has neither hosts nor children is named by its parent alone."""
    stack, seen = [name], {name}
    while stack:
        group = inventory.groups[stack.pop()]
        hosts = [host for host in group.hosts if host in shown] if group.name != "all" else []
        body: dict[str, Value] = {}
        if hosts:
            body["hosts"] = hosts
        if group.children:
            body["children"] = list(group.children)
        if body:
            listing[group.name] = body
        stack.extend(child for child in group.children if child not in seen)
        seen.update(group.children)


def as_host(inventory: Inventory, host: str) -> dict[str, Value]:
    """The variables of one host as ``ansible-inventory --host`` gives them."""
    return _shown(inventory.hostvars(host))


def _shown(variables: Mapping[str, Value]) -> dict[str, Value]:
    return {key: plain(value) for key, value in variables.items() if key not in _INTERNAL}


def list_text(inventory: Inventory, limit: str | None = None) -> str:
    """The JSON text of ``inventory list``, keys sorted."""
    return _json(as_list(inventory, limit))


def host_text(inventory: Inventory, pattern: str) -> str:
    """The JSON text of ``inventory host``. Raises InventoryError unless the pattern selects exactly one host."""
    hosts = inventory.select(pattern)
    if len(hosts) != 1:
        raise InventoryError(f"{pattern!r} is {len(hosts)} hosts", None, "name exactly one")
    return _json(as_host(inventory, hosts[0]))


def hosts_text(inventory: Inventory, pattern: str, limit: str | None = None) -> str:
    """The selected hosts, one a line."""
    return "".join(f"{host}\n" for host in inventory.select(pattern, limit))


def graph_text(inventory: Inventory, group: str = "all") -> str:
    """The tree of groups and hosts from a group down. Raises InventoryError when there is no such group."""
    if group not in inventory.groups:
        raise InventoryError(f"there is no group {group!r} in the inventory")
    lines = list(islice(_tree(inventory, group), MAX_LINES + 1))
    if len(lines) > MAX_LINES:
        raise InventoryError(
            f"the tree of group {group!r} has more than {MAX_LINES} lines", None, "name a smaller group"
        )
    return "".join(f"{line}\n" for line in lines)


def _tree(inventory: Inventory, name: str) -> Iterator[str]:
    """The lines of the tree: below each group its children, then its hosts; those of ``all`` are left out."""
    stack: list[tuple[str, int, bool]] = [(name, 0, True)]
    while stack:
        name, depth, is_group = stack.pop()
        yield _indented(f"@{name}:" if is_group else name, depth)
        if not is_group:
            continue
        group = inventory.groups[name]
        if name != "all":
            stack.extend((host, depth + 1, False) for host in reversed(group.hosts))
        stack.extend((child, depth + 1, True) for child in reversed(group.children))


def _indented(text: str, depth: int) -> str:
    return "  |" * depth + "--" + text if depth else text


def _json(value: Value) -> str:
    return json.dumps(value, indent=4, sort_keys=True) + "\n"
