"""Plain values of a file a person wrote, each with its place, so that every error can point at it.

``assets.yamlfile`` makes nodes out of YAML; ``of_plain`` makes them out of values that have no file of their own,
such as inventory variables. Nothing here knows what the values mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from netaudit.errors import RuleError, Where

Scalar: TypeAlias = str | int | float | bool | None
Value: TypeAlias = "Scalar | tuple[Node, ...] | Mapping[str, Node]"

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # those of YAML


@dataclass(frozen=True, slots=True)
class Source:
    """A file's name and text. ``lines`` is derived from the text."""

    file: str
    text: str = field(default="", repr=False)

    def offset(self, line: int, column: int) -> int:
        """Characters from the start of the text to a place; line and column count from 1."""
        start = 0
        for _ in range(line - 1):
            found = _LINE_BREAK.search(self.text, start)
            if found is None:
                return len(self.text)
            start = found.end()
        return min(start + column - 1, len(self.text))

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, of the character at an offset."""
        line, start = 1, 0
        for found in _LINE_BREAK.finditer(self.text, 0, max(offset, 0)):
            line, start = line + 1, found.end()
        return line, offset - start + 1


@dataclass(frozen=True, slots=True)
class Node:
    """One value and where it stands. Of a mapping, ``keys`` says where each key stands."""

    value: Value
    source: Source
    line: int = 0
    column: int = 0
    keys: Mapping[str, tuple[int, int]] | None = None

    @property
    def where(self) -> Where:
        """The place of the value."""
        return Where(self.source.file, self.line, self.column)

    def where_key(self, key: str) -> Where:
        """The place of a key of this mapping."""
        line, column = (self.keys or {}).get(key, (self.line, self.column))
        return Where(self.source.file, line, column)

    def where_in(self, offset: int) -> Where:
        """The place of the character at ``offset`` of this text, as far as the way it was written tells."""
        if not isinstance(self.value, str) or not self.source.text or not self.line:
            return self.where
        found = _aligned(self.value, offset, self.source.text, self.source.offset(self.line, self.column))
        if found is None:
            return self.where
        return Where(self.source.file, *self.source.place(found))

    def error(self, message: str, hint: str = "") -> RuleError:
        """An error that points here."""
        return RuleError(message, self.where, hint)


def _aligned(value: str, offset: int, text: str, start: int) -> int | None:
    """Where in a file's text the character ``value[offset]`` of a scalar that begins at ``start`` stands.

    Follows plain, quoted, folded and literal scalars: a break or blank of the value stands for a run of them in the
    text. None when an escape or a comment makes the two differ.
    """
    at = start
    if text[at : at + 1] in {"'", '"'}:
        at += 1
    elif text[at : at + 1] in {"|", ">"}:
        found = _LINE_BREAK.search(text, at)
        at = found.end() if found else at
    while text[at : at + 1].isspace():
        at += 1
    for place, character in enumerate(value):
        here = text[at : at + 1]
        if character.isspace() != here.isspace() or not (here.isspace() or here == character):
            return None
        if place == offset:
            return at
        if character.isspace():
            at += 1
            while text[at : at + 1].isspace() and not value[place + 1 : place + 2].isspace():
                at += 1
        else:
            at += 2 if character == "'" and text[at : at + 2] == "''" else 1
    return at


def of_plain(value: object, source: Source) -> Node:
    """A node of a plain value: text, number, truth, nothing, list or mapping. Raises RuleError on anything else."""
    match value:
        case None | bool() | int() | float():
            return Node(value, source)
        case str():
            return Node(str(value), source)
        case list() | tuple():
            return Node(tuple(of_plain(item, source) for item in value), source)
        case Mapping():
            return Node({str(key): of_plain(item, source) for key, item in value.items()}, source)
        case _:
            raise RuleError(f"a {type(value).__name__} cannot stand here", Where(source.file))


def plain(node: Node) -> object:
    """The bare value of a node: scalars, lists and dictionaries."""
    match node.value:
        case tuple():
            return [plain(item) for item in node.value]
        case Mapping():
            return {key: plain(item) for key, item in node.value.items()}
        case _:
            return node.value


def kind_name(node: Node) -> str:
    """What a node is, in words for an error."""
    match node.value:
        case None:
            return "nothing"
        case bool():
            return "a truth value"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case tuple():
            return "a list"
        case _:
            return "a mapping"
