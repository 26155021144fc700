"""Hands what netaudit does not read itself to the Ansible that is installed here.

``ansible-inventory`` reads an inventory in which some source configures a plugin, or some file is encrypted: all
sources go to it together, since plugins build on what other sources say, and its answer is taken whole.
``ansible-vault`` decrypts single values. Both find their passwords as they always do (ansible.cfg, environment).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from netaudit.errors import InventoryError, Where
from netaudit.inventory.graph import Graph
from netaudit.inventory.programs import Answer, ProgramError, first_line, run
from netaudit.inventory.sources import NeedsAnsible, is_host_list
from netaudit.inventory.values import Value, Vaulted, decode_wrappers, kind_of

INVENTORY_TIMEOUT_S = 300.0
VAULT_TIMEOUT_S = 60.0
_MAX_SECRET_BYTES = 64 * 2**10
_INSTALL = "install it with 'pip install ansible-core' or the package 'ansible' of your distribution"


def read_with_ansible(sources: Sequence[str], need: NeedsAnsible) -> Graph:
    """The inventory as ``ansible-inventory`` reads it: every host has all of its variables as its own.

    Raises InventoryError when there is no such program, or when it refuses or only half reads the sources.
    """
    program = shutil.which("ansible-inventory")
    if program is None:
        raise InventoryError(
            f"{need.problem}, which takes the program ansible-inventory to read, and there is none in PATH",
            need.where,
            _INSTALL,
        )
    named = [source if is_host_list(source) else str(Path(source).absolute()) for source in sources]
    options = [word for source in named for word in ("--inventory", source)]
    # Ansible's own default is to warn and go on with the half that it could read.
    env = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1", "ANSIBLE_NOCOLOR": "1"}
    answer = _answer([program, *options, "--list"], INVENTORY_TIMEOUT_S, need.where, env)
    graph = Graph()
    try:
        listing = json.loads(answer.stdout.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InventoryError(f"ansible-inventory did not print JSON: {error}", need.where) from error
    _take(graph, listing, need.where)
    graph.settle()
    return graph


def _answer(command: Sequence[str], timeout_s: float, where: Where, env: dict[str, str], stdin: bytes = b"") -> Answer:
    name = Path(command[0]).name
    try:
        answer = run(command, timeout_s, stdin=stdin, env={**os.environ, **env})
    except ProgramError as error:
        raise InventoryError(f"{name} {error}", where) from error
    if answer.status != 0:
        complaint = _complaint(answer.stderr)
        hint = "ANSIBLE_VAULT_PASSWORD_FILE names the file of the password" if "vault" in complaint else ""
        raise InventoryError(f"{name} ended with exit status {answer.status}: {complaint}", where, hint)
    return answer


def _complaint(stderr: bytes) -> str:
    """The line that says why, among warnings: the first of the most telling kind."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    for sign in (b"Failed to parse", b"ERROR"):
        if telling := [line for line in lines if sign in line[:40]]:
            return first_line(telling[0])
    return first_line((lines or [b"no reason given"])[0])


def _take(graph: Graph, listing: Value, where: Where) -> None:
    if not isinstance(listing, dict):
        raise InventoryError(f"ansible-inventory printed {kind_of(listing)} instead of an object", where)
    meta = listing.pop("_meta", {})
    hostvars = meta.get("hostvars", {}) if isinstance(meta, dict) else {}
    for name in _top_down(listing):
        _take_group(graph, name, listing.get(name, {}), where)
    for name, variables in hostvars.items():
        if name not in graph.hosts:
            graph.add_host(name, None, where)
        host = graph.hosts[name]
        for key, value in variables.items():
            host.vars[key] = decode_wrappers(value, where)
            host.origins[key] = where


def _top_down(listing: dict[str, Value]) -> list[str]:
    """All groups, parents before their children."""
    order: dict[str, None] = {}
    stack = ["all"]
    while stack:
        name = stack.pop()
        order.pop(name, None)
        order[name] = None
        body = listing.get(name)
        if isinstance(body, dict):
            stack.extend(reversed(body.get("children", [])))
    return [*order, *(name for name in listing if name not in order)]


def _take_group(graph: Graph, name: str, body: Value, where: Where) -> None:
    graph.add_group(name, where)
    if not isinstance(body, dict):
        return
    for child in body.get("children", []):
        graph.add_child(name, graph.add_group(child, where), where)
    for host in body.get("hosts", []):
        graph.add_host(host, name, where)


@lru_cache(maxsize=1024)
def decrypt(value: Vaulted) -> str:
    """The clear text of a vaulted value. Raises InventoryError when it cannot be decrypted here."""
    program = shutil.which("ansible-vault")
    if program is None:
        raise InventoryError(
            "is a vaulted value, and there is no ansible-vault in PATH to decrypt it", value.where, _INSTALL
        )
    data = value.ciphertext.strip().encode() + b"\n"
    answer = _answer(
        [program, "decrypt", "--output", "-"], VAULT_TIMEOUT_S, value.where, {"ANSIBLE_NOCOLOR": "1"}, data
    )
    try:
        return answer.stdout[:_MAX_SECRET_BYTES].decode("utf-8")
    except UnicodeDecodeError as error:
        raise InventoryError("is a vaulted value that is not UTF-8", value.where) from error
