"""Reads mappings whose keys are fixed: unknown keys, missing ones and wrong types become errors with a place.

One ``Form`` stands for one mapping of a file. Its methods each take one key.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import TypeVar

from netaudit.baseline.nearest import did_you_mean
from netaudit.baseline.node import Node, kind_name
from netaudit.errors import RuleError

E = TypeVar("E", bound=StrEnum)


class Form:
    """A mapping of which only some keys are known."""

    __slots__ = ("_entries", "node", "what")

    def __init__(self, node: Node, what: str, known: Collection[str]) -> None:
        self.node = node
        self.what = what
        self._entries = entries(node, what)
        for key in self._entries:
            if key not in known:
                hint = did_you_mean(key, known)
                raise RuleError(f"{what} has no key {key!r}", node.where_key(key), hint)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def get(self, key: str) -> Node | None:
        """The value of a key, or None."""
        return self._entries.get(key)

    def need(self, key: str) -> Node:
        """The value of a key that must be there."""
        node = self._entries.get(key)
        if node is None:
            raise self.node.error(f"{self.what} needs the key {key!r}")
        return node

    def text(self, key: str, default: str | None = None) -> str:
        """A text; an error when it is missing and there is no default."""
        node = self._entries.get(key)
        if node is None and default is not None:
            return default
        return text_of(node or self.need(key), f"{key!r}")

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty when the key is missing."""
        node = self._entries.get(key)
        if node is None:
            return ()
        return tuple(text_of(item, f"each of {key!r}") for item in items_of(node, f"{key!r}"))

    def word(self, key: str, of: type[E], default: E | None = None) -> E:
        """One word of a closed set."""
        node = self._entries.get(key)
        if node is None and default is not None:
            return default
        node = node or self.need(key)
        word = text_of(node, f"{key!r}")
        try:
            return of(word)
        except ValueError:
            raise node.error(f"{word!r} is no {key}", did_you_mean(word, [*of])) from None


def entries(node: Node, what: str) -> Mapping[str, Node]:
    """The entries of a mapping. Raises RuleError when the node is none."""
    if isinstance(node.value, Mapping):
        return node.value
    raise node.error(f"{what} must be a mapping, and this is {kind_name(node)}")


def items_of(node: Node, what: str) -> tuple[Node, ...]:
    """The items of a list. Raises RuleError when the node is none."""
    if isinstance(node.value, tuple):
        return node.value
    raise node.error(f"{what} must be a list, and this is {kind_name(node)}")


def text_of(node: Node, what: str) -> str:
    """A text that says something. Raises RuleError when the node is none."""
    if isinstance(node.value, str) and node.value.strip():
        return node.value.strip()
    hint = "quote it" if isinstance(node.value, int | float) else ""
    raise node.error(f"{what} must be a text, and this is {kind_name(node)}", hint)
