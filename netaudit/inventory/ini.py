"""Reads an inventory file in INI form into the graph.

Sections are ``[group]``, ``[group:children]`` and ``[group:vars]``; lines before the first one belong to
``ungrouped``. A group may be used before it is declared, and must be declared somewhere in the file or in a
source before it. On host lines quoting and comments are the shell's, in ``:vars`` there is neither.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from netaudit.errors import InventoryError, Where
from netaudit.inventory import hostrange
from netaudit.inventory.graph import Graph
from netaudit.inventory.literal import parse_literal
from netaudit.inventory.values import Value, Vars

_SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?\Z")
_CHILD = re.compile(r"([^:\]\s]+)\s*(?:#.*)?\Z")
_NEEDS_SHELL = re.compile(r"[\"'\\#\x1f]")
_KINDS = ("hosts", "children", "vars")


def read_ini(graph: Graph, data: bytes, file: str) -> None:
    """The graph holds what the file says. Raises InventoryError with the line of the first fault.

    Bytes that are not UTF-8 are kept as surrogates: they are harmless in comments and in most variables, and no host
    whose name has some becomes a target.
    """
    _Reader(graph, file).read(data.decode("utf-8", "surrogateescape").splitlines())


@dataclass(slots=True)
class _Pending:
    """A group that was used and is not yet declared."""

    where: Where
    parents: list[str] = field(default_factory=list)  # empty: used by a [group:vars]


class _Reader:
    """One pass over the lines of one file."""

    def __init__(self, graph: Graph, file: str) -> None:
        self._graph = graph
        self._file = file
        self._group = "ungrouped"
        self._kind = "hosts"
        self._pending: dict[str, _Pending] = {}
        self._where = Where(file)

    def read(self, lines: list[str]) -> None:
        for number, raw in enumerate(lines, 1):
            line = raw.strip()
            if not line or line[0] in "#;":
                continue
            self._where = Where(self._file, number)
            if line[0] == "[" and self._section(line):
                continue
            if line.startswith("\ufeff["):
                raise InventoryError("begins with a byte order mark", self._where, "save it as UTF-8 without one")
            if self._kind == "hosts":
                self._host_line(line)
            elif self._kind == "vars":
                self._variable(line)
            else:
                self._child(line)
        for name, pending in self._pending.items():
            self._undeclared(name, pending)

    def _section(self, line: str) -> bool:
        """Whether the line is the head of a section, which is then the current one."""
        found = _SECTION.match(line)
        if found is None:
            if line.endswith("]"):
                hint = "a head is [group], [group:children] or [group:vars], without spaces"
                raise InventoryError(f"{line!r} is not the head of a section", self._where, hint)
            return False
        self._group, self._kind = found[1], found[2] or "hosts"
        if self._kind not in _KINDS:
            known = "use :children or :vars"
            raise InventoryError(f"section [{self._group}:{self._kind}] is of an unknown kind", self._where, known)
        self._declare()
        return True

    def _declare(self) -> None:
        name = self._group
        if name not in self._graph.groups:
            if self._kind == "vars" and name not in self._pending:
                self._pending[name] = _Pending(self._where)
            self._graph.add_group(name, self._where)
        if name in self._pending and self._kind != "vars":
            self._link_pending(name)

    def _link_pending(self, name: str) -> None:
        """The group is declared: whoever listed it as a child has it now."""
        pending = self._pending.pop(name)
        for parent in pending.parents:
            self._graph.add_child(parent, name, pending.where)
            if parent in self._pending and self._pending[parent].parents:
                self._link_pending(parent)

    def _undeclared(self, name: str, pending: _Pending) -> None:
        if pending.parents:
            said = f"[{pending.parents[-1]}:children] names the group {name!r}"
        else:
            said = f"[{name}:vars] sets variables of the group {name!r}"
        raise InventoryError(f"{said}, which is declared nowhere", pending.where, f"add a section [{name}]")

    def _child(self, line: str) -> None:
        found = _CHILD.match(line)
        if found is None:
            hint = "variables belong into [group:vars], host ranges into [group]"
            raise InventoryError(f"{line!r} is not the name of a group", self._where, hint)
        name = found[1]
        if name in self._graph.groups:
            self._graph.add_child(self._group, name, self._where)
        else:
            self._pending.setdefault(name, _Pending(self._where)).parents.append(self._group)

    def _variable(self, line: str) -> None:
        key, equals, value = line.partition("=")
        if not equals:
            raise InventoryError(f"{line!r} is not key=value", self._where)
        self._graph.set_group_var(self._group, key.strip(), self._value(value.strip()), self._where)

    def _host_line(self, line: str) -> None:
        expression, *assignments = self._words(line)
        try:
            names, port = hostrange.expand(expression)
        except ValueError as error:
            raise InventoryError(str(error), self._where) from None
        if port is None and expression.strip().endswith(":"):
            hint = "a colon is followed by a port; is this a YAML file without its ending .yml?"
            raise InventoryError(f"host {expression!r} ends in a colon", self._where, hint)
        if expression.strip() == "---":
            raise InventoryError("'---' begins a YAML file, not an INI one", self._where)
        variables: Vars = dict(self._assignment(word) for word in assignments)
        for name in names:
            self._graph.add_host(name, self._group, self._where, port)
        if variables:
            self._graph.set_host_vars(names, variables, self._where)

    def _words(self, line: str) -> list[str]:
        if line.isascii() and not _NEEDS_SHELL.search(line):
            return line.split()
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise InventoryError(f"host line cannot be split into words: {error}", self._where) from None
        if not words:
            raise InventoryError(f"{line!r} names no host", self._where)
        return words

    def _assignment(self, word: str) -> tuple[str, Value]:
        key, equals, value = word.partition("=")
        if not equals:
            raise InventoryError(
                f"{word!r} is not key=value", self._where, "one host a line; after it come key=value words"
            )
        return key, self._value(value)

    def _value(self, text: str) -> Value:
        try:
            return parse_literal(text)
        except ValueError as error:
            raise InventoryError(str(error), self._where) from None
