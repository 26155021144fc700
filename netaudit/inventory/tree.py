"""One way to walk a document of groups or variables, whether it came as YAML, JSON or TOML.

A tree gives the entries of its mappings with the place of each key, so that errors can name it. JSON and TOML are
parsed into plain data that remembers no places: there the file alone is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeAlias

from netaudit.errors import Where
from netaudit.inventory.values import Value, decode_wrappers

Branch: TypeAlias = object  # a node of a tree; only its tree knows what is in it


class Tree(Protocol):
    """A parsed document."""

    file: str
    root: Branch

    def is_mapping(self, branch: Branch) -> bool:
        """Whether ``entries`` may be asked for."""
        ...

    def entries(self, branch: Branch) -> Iterator[tuple[Value, Where, Branch]]:
        """Key, place of the key, and what stands under it; a key that stands twice is given once, with its last."""
        ...

    def value(self, branch: Branch) -> Value:
        """The data of a branch. Raises InventoryError when it is none."""
        ...

    def where(self, branch: Branch) -> Where:
        """The place of a branch."""
        ...


class DataTree:
    """Plain data, as parsed by ``json`` or ``tomllib``."""

    def __init__(self, root: Value, file: str) -> None:
        self.file = file
        self.root: Branch = root
        self._where = Where(file)

    def is_mapping(self, branch: Branch) -> bool:
        return isinstance(branch, dict)

    def entries(self, branch: Branch) -> Iterator[tuple[Value, Where, Branch]]:
        if isinstance(branch, dict):
            for key, item in branch.items():
                yield key, self._where, item

    def value(self, branch: Branch) -> Value:
        return decode_wrappers(branch, self._where)

    def where(self, branch: Branch) -> Where:
        return self._where
