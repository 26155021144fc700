"""``group_vars`` and ``host_vars``: the variables that lie in files beside inventory sources.

Under each of the two directories, a group or host has the first of ``name`` (a file, or a directory read in name
order with its subdirectories), ``name.yml``, ``name.yaml`` and ``name.json`` that exists. Files are parsed once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from netaudit.errors import InventoryError, Where
from netaudit.inventory.graph import Graph
from netaudit.inventory.sources import check_not_encrypted, is_host_list, parse_document, read_bytes
from netaudit.inventory.values import Vars, key_text, kind_of

_ENDINGS = ("", ".yml", ".yaml", ".json")


@dataclass(frozen=True, slots=True)
class VarsFile:
    """The variables of one file, and where each is set."""

    vars: Vars
    origins: dict[str, Where]


class VarsDirs:
    """The vars directories of all sources, in the order of the sources."""

    def __init__(self, graph: Graph, sources: Sequence[str]) -> None:
        self._graph = graph
        self._roots = [_root_of(source) for source in sources if not is_host_list(source)]
        self._listings: dict[str, frozenset[str]] = {}
        self._files: dict[str, VarsFile] = {}

    def group_vars(self, names: Sequence[str]) -> Iterator[VarsFile]:
        """The files of these groups, the weakest first: by source, and within a source by group as given."""
        return self._found("group_vars", names)

    def host_vars(self, name: str) -> Iterator[VarsFile]:
        """The files of one host, the weakest first."""
        return self._found("host_vars", (name,))

    def _found(self, kind: str, names: Sequence[str]) -> Iterator[VarsFile]:
        for root in self._roots:
            directory = f"{root}/{kind}"
            listing = self._listing(directory)
            if not listing:
                continue
            for name in names:
                for path in self._paths(directory, listing, name):
                    yield self._file(path)

    def _listing(self, directory: str) -> frozenset[str]:
        """The names in a directory; none when it does not exist."""
        found = self._listings.get(directory)
        if found is None:
            found = self._listings[directory] = self._read_listing(directory)
        return found

    def _read_listing(self, directory: str) -> frozenset[str]:
        try:
            return frozenset(path.name for path in Path(directory).iterdir())
        except FileNotFoundError:
            return frozenset()
        except NotADirectoryError:
            self._graph.warn("is not a directory, so it is left out", Where(directory))
            return frozenset()
        except OSError as error:
            raise InventoryError(f"cannot be read: {error.strerror}", Where(directory)) from error

    def _paths(self, directory: str, listing: frozenset[str], name: str) -> Iterator[str]:
        if "/" in name and (name.startswith("/") or ".." in name.split("/")):
            return
        for ending in _ENDINGS:
            if name + ending not in listing and "/" not in name:
                continue
            path = Path(directory, name + ending)
            if os.path.isdir(path):  # noqa: PTH112 - unlike Path.is_dir, it is false for a name too long for a file
                yield from _files_below(path)
                return
            if os.path.exists(path):  # noqa: PTH110 - as above
                yield str(path)
                return

    def _file(self, path: str) -> VarsFile:
        found = self._files.get(path)
        if found is None:
            found = self._files[path] = self._read(path)
        return found

    def _read(self, path: str) -> VarsFile:
        data = read_bytes(path)
        check_not_encrypted(data, path)
        tree = parse_document(data, path, self._graph.warn)
        if tree is None:
            return VarsFile({}, {})
        if not tree.is_mapping(tree.root):
            value = tree.value(tree.root)
            if not value:
                return VarsFile({}, {})
            raise InventoryError(
                f"must be a mapping of variables, not {kind_of(value)}", tree.where(tree.root), "write key: value lines"
            )
        variables: Vars = {}
        origins: dict[str, Where] = {}
        for key, where, branch in tree.entries(tree.root):
            name = key_text(key)
            variables[name] = tree.value(branch)
            origins[name] = where
        return VarsFile(variables, origins)


def _root_of(source: str) -> str:
    """The directory beside whose files a source's vars directories lie; a link to a file is not followed."""
    return source if Path(source).is_dir() else str(Path(source).parent)


def _files_below(directory: Path) -> Iterator[str]:
    try:
        paths = sorted(directory.iterdir())
    except OSError as error:
        raise InventoryError(f"cannot be read: {error.strerror}", Where(str(directory))) from error
    for path in paths:
        if path.name.startswith(".") or path.name.endswith("~"):
            continue
        if path.is_dir():
            if not path.suffix:
                yield from _files_below(path)
        elif path.suffix in _ENDINGS and path.is_file():
            yield str(path)
