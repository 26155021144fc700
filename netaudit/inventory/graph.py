"""Hosts, groups and who belongs to whom, while sources are being read.

The readers (INI, YAML, scripts) call these few operations; each refuses what would make the inventory
ambiguous, naming the place. ``settle`` brings the whole into its final form once all sources are read.
Knows nothing of files and formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from netaudit.errors import InventoryError, Where
from netaudit.inventory.values import Value, Vars, kind_of

LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")  # each means this machine when no source names it
MAX_HOSTS = 500_000  # a range with a digit too many must not eat the memory
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
_KEPT_ORIGINS = ("ansible_", "netaudit_")


class Host:
    """One host while reading: its own variables, and the groups that list it directly."""

    __slots__ = ("groups", "name", "origins", "vars", "where")

    def __init__(self, name: str, where: Where) -> None:
        self.name = name
        self.where = where  # its first mention
        self.vars: Vars = {}
        self.origins: dict[str, Where] = {}
        self.groups: dict[str, None] = {}


class Group:
    """One group while reading; hosts and children in the order in which they were added."""

    __slots__ = ("children", "hosts", "name", "origins", "parents", "priority", "vars")

    def __init__(self, name: str) -> None:
        self.name = name
        self.vars: Vars = {}
        self.origins: dict[str, Where] = {}
        self.hosts: dict[str, None] = {}
        self.children: dict[str, Where] = {}
        self.parents: dict[str, None] = {}
        self.priority = 1


class Graph:
    """All hosts and groups of an inventory; the groups ``all`` and ``ungrouped`` always exist."""

    def __init__(self) -> None:
        self.groups: dict[str, Group] = {}
        self.hosts: dict[str, Host] = {}
        self.warnings: list[str] = []
        self.localhost: str | None = None  # the first host named like this machine
        nowhere = Where("")
        self.add_group("all", nowhere)
        self.add_group("ungrouped", nowhere)
        self.add_child("all", "ungrouped", nowhere)

    def warn(self, message: str, where: Where | None = None) -> None:
        """Keep one line for the operator; the same line is kept once."""
        line = f"{where}: {message}" if where else message
        if line not in self.warnings:
            self.warnings.append(line)

    def add_group(self, name: object, where: Where) -> str:
        """The group exists; returns its name. Raises InventoryError when the name is no text or empty."""
        if not isinstance(name, str):
            raise InventoryError(
                f"a group name must be a text, not {kind_of(name)} ({name!r:.40})", where, "put it in quotes"
            )
        if not name:
            raise InventoryError("a group name is empty", where)
        if name not in self.groups:
            self.groups[name] = Group(name)
            if not _PLAIN_NAME.match(name):
                self.warn(f"group name {name!r} has characters that Ansible calls invalid; it is kept as it is", where)
        return name

    def add_host(self, name: object, group: str | None, where: Where, port: int | None = None) -> None:
        """The host exists and, if one is named, the group lists it. A port counts at the first mention only."""
        if not isinstance(name, str):
            raise InventoryError(
                f"a host name must be a text, not {kind_of(name)} ({name!r:.40})", where, "put it in quotes"
            )
        if not name:
            raise InventoryError("a host name is empty", where)
        if name not in self.hosts:
            self._new_host(name, where, port)
        if group is not None:
            self.groups[group].hosts[name] = None
            self.hosts[name].groups[group] = None

    def _new_host(self, name: str, where: Where, port: int | None) -> None:
        if len(self.hosts) >= MAX_HOSTS:
            raise InventoryError(f"more than {MAX_HOSTS} hosts", where, "is a range wider than meant?")
        host = self.hosts[name] = Host(name, where)
        if port:
            host.vars["ansible_port"] = port
            host.origins["ansible_port"] = where
        if name in LOCAL_NAMES:
            if self.localhost is None:
                self.localhost = name
            else:
                self.warn(f"{name!r} and {self.localhost!r} both mean this machine", where)

    def set_host_vars(self, names: Sequence[str], variables: Mapping[str, Value], where: Where) -> None:
        """The hosts have these variables. A name that is also a group's sets them on the group, as in Ansible."""
        for name in names:
            if name in self.groups:
                for key, value in variables.items():
                    self.set_group_var(name, key, value, where)
                continue
            host = self.hosts[name]
            host.vars.update(variables)
            for key in variables:
                if key.startswith(_KEPT_ORIGINS):
                    host.origins[key] = where

    def set_group_var(self, name: str, key: str, value: Value, where: Where) -> None:
        """The group has this variable; ``ansible_group_priority`` is its rank among groups of its depth instead."""
        group = self.groups[name]
        if key == "ansible_group_priority":
            group.priority = _priority(value, where)
            return
        group.vars[key] = value
        if key.startswith(_KEPT_ORIGINS):
            group.origins[key] = where

    def add_child(self, parent: str, child: str, where: Where) -> None:
        """The parent lists the child: a group of that name if there is one, else a host."""
        if child not in self.groups:
            if child not in self.hosts:
                raise InventoryError(f"{child!r} is neither a group nor a host", where)
            self.add_host(child, parent, where)
            return
        above, below = self.groups[parent], self.groups[child]
        if parent == child:
            raise InventoryError(f"group {parent!r} is a child of itself", where)
        if child in above.children:
            return
        if below.children and child in self.ancestors(parent):
            raise InventoryError(f"group {child!r} is both above and below group {parent!r}", where)
        above.children[child] = where
        below.parents[parent] = None

    def ancestors(self, name: str) -> set[str]:
        """All groups above a group, not itself."""
        found: set[str] = set()
        stack = list(self.groups[name].parents)
        while stack:
            parent = stack.pop()
            if parent not in found:
                found.add(parent)
                stack.extend(self.groups[parent].parents)
        return found

    def settle(self) -> None:
        """Every group is below ``all``, and ``ungrouped`` holds just the hosts of no other group."""
        for name, group in list(self.groups.items()):
            if name != "all" and not group.parents:
                self.add_child("all", name, self._edge_above_all(name))
        ancestors = {name: self.ancestors(name) for name, group in self.groups.items() if group.hosts}
        ungrouped = self.groups["ungrouped"]
        for host in list(self.hosts.values()):
            member_of = set(host.groups).union(*(ancestors[name] for name in host.groups))
            if "ungrouped" in member_of:
                if member_of - {"all", "ungrouped"} and ungrouped.hosts.pop(host.name, 0) is None:
                    del host.groups["ungrouped"]
            elif not member_of - {"all"}:
                self.add_child("ungrouped", host.name, host.where)
        for name in self.groups:
            if name in self.hosts:
                self.warn(f"{name!r} is the name of both a group and a host", self.hosts[name].where)

    def _edge_above_all(self, name: str) -> Where:
        """Where ``all`` was made a child of the group or of one below it, if that is what someone did."""
        for parent in self.groups["all"].parents:
            if parent == name or name in self.ancestors(parent):
                return self.groups[parent].children["all"]
        return Where("")


def breadth_first(groups: Mapping[str, Group], start: str) -> Iterator[str]:
    """The group and all below it, level by level, each once."""
    seen = {start}
    level = [start]
    while level:
        yield from level
        below: list[str] = []
        for name in level:
            for child in groups[name].children:
                if child not in seen:
                    seen.add(child)
                    below.append(child)
        level = below


def _priority(value: Value, where: Where) -> int:
    if isinstance(value, str | int | float):
        try:
            return int(value)
        except (ValueError, OverflowError):
            pass
    raise InventoryError(f"ansible_group_priority must be an integer, not {value!r:.40}", where)
