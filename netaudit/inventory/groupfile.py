"""Reads an inventory of nested groups, in YAML, JSON or TOML, into the graph.

The top level maps names of groups to mappings with ``hosts``, ``children`` and ``vars``. What Ansible refuses is an
InventoryError with its place; what it skips with a warning is skipped with one.
"""

from __future__ import annotations

from datetime import date, time

from netaudit.errors import InventoryError, Where
from netaudit.inventory import hostrange
from netaudit.inventory.graph import Graph
from netaudit.inventory.tree import Branch, DataTree, Tree
from netaudit.inventory.values import Value, Vars, key_text, kind_of

_SECTIONS = ("vars", "children", "hosts")


def read_groups(graph: Graph, tree: Tree) -> None:
    """The graph holds what the document says; its root must be a mapping."""
    reader = _Reader(graph, tree)
    for name, where, body in tree.entries(tree.root):
        reader.group(name, where, body)


def read_toml(graph: Graph, text: str, file: str) -> None:
    """The graph holds what a TOML text says; there, ``children`` is a list of names."""
    import tomllib

    try:
        root = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise InventoryError(f"is not TOML: {error}", Where(file)) from error
    if not root:
        raise InventoryError("is empty", Where(file))
    if root.get("plugin"):
        raise InventoryError("configures an inventory plugin", Where(file), "such a file must end in .yml")
    reader = _Reader(graph, DataTree(root, file))
    for name, body in root.items():
        reader.group(name, Where(file), _as_mappings(body, file))


def _as_mappings(body: Value, file: str) -> Value:
    """The body of a TOML group with its list of children as YAML would nest them, and dates as text."""
    if not isinstance(body, dict) or "children" not in body:
        return _without_dates(body)
    children = body["children"]
    if not isinstance(children, list):
        raise InventoryError(f"'children' must be a list in TOML, not {kind_of(children)}", Where(file))
    return _without_dates({**body, "children": dict.fromkeys(children)})


def _without_dates(value: Value) -> Value:
    if isinstance(value, dict):
        return {key: _without_dates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_dates(item) for item in value]
    return value.isoformat() if isinstance(value, date | time) else value


class _Reader:
    """Walks one document."""

    def __init__(self, graph: Graph, tree: Tree) -> None:
        self._graph = graph
        self._tree = tree

    def group(self, name: Value, where: Where, body: Branch) -> Value:
        """The group exists with all that its body says; a body that is neither mapping nor nothing is skipped."""
        if not self._tree.is_mapping(body) and self._tree.value(body) is not None:
            self._graph.warn(f"{name!r} is skipped: a group is a mapping of hosts, children and vars", where)
            return name
        group = self._graph.add_group(name, where)
        sections = [(key, place, branch) for key, place, branch in self._tree.entries(body)]
        given = {key: self._section(group, key, place, branch) for key, place, branch in sections if key in _SECTIONS}
        for key, place, branch in sections:
            if key in _SECTIONS:
                self._fill(group, str(key), given[key])
            elif self._tree.value(branch) is not None:
                self._graph.warn(
                    f"{key!r} in group {group!r} is skipped: only hosts, children and vars may stand there", place
                )
        return group

    def _section(
        self, group: str, key: Value, where: Where, branch: Branch
    ) -> list[tuple[Value, Where, Branch | None]]:
        """The entries of a section; a plain text is one name with nothing under it."""
        if self._tree.is_mapping(branch):
            return list(self._tree.entries(branch))
        value = self._tree.value(branch)
        if value is None:
            return []
        if isinstance(value, str):
            return [(value, self._tree.where(branch), None)]
        raise InventoryError(
            f"{key!r} of group {group!r} must be a mapping, not {kind_of(value)}",
            where,
            "write each name as a key: the name, then a colon",
        )

    def _fill(self, group: str, key: str, entries: list[tuple[Value, Where, Branch | None]]) -> None:
        for name, where, branch in entries:
            if key == "vars":
                value = None if branch is None else self._tree.value(branch)
                self._graph.set_group_var(group, key_text(name), value, where)
            elif key == "children":
                self._child(group, name, where, branch)
            else:
                self._hosts(group, name, where, branch)

    def _child(self, group: str, name: Value, where: Where, branch: Branch | None) -> None:
        child = self._graph.add_group(name, where) if branch is None else self.group(name, where, branch)
        if not isinstance(child, str):
            raise InventoryError(f"a group name must be a text, not {kind_of(child)}", where, "put it in quotes")
        self._graph.add_child(group, child, where)

    def _hosts(self, group: str, expression: Value, where: Where, branch: Branch | None) -> None:
        if not isinstance(expression, str):
            raise InventoryError(
                f"a host name must be a text, not {kind_of(expression)} ({expression!r:.40})", where, "put it in quotes"
            )
        try:
            names, port = hostrange.expand(expression)
        except ValueError as error:
            raise InventoryError(str(error), where) from None
        variables = self._host_vars(expression, where, branch)
        for name in names:
            self._graph.add_host(name, group, where, port)
        if variables:
            self._graph.set_host_vars(names, variables, where)

    def _host_vars(self, expression: str, where: Where, branch: Branch | None) -> Vars:
        if branch is None:
            return {}
        if self._tree.is_mapping(branch):
            return {key_text(key): self._tree.value(item) for key, _, item in self._tree.entries(branch)}
        value = self._tree.value(branch)
        if value:
            raise InventoryError(
                f"what stands under host {expression!r} must be a mapping of variables, not {kind_of(value)}", where
            )
        return {}
