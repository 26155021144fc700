"""Inventory sources: what ``-i`` may name, and which reader each file gets.

A source is a directory (read in name order, with its subdirectories), an executable, a file, or a list of hosts with a
comma in it. A file is tried as Ansible tries it: as a program if it is executable, as YAML or JSON by its ending (or
when it has none), then as INI. The first form that fits counts; if none does, the whole inventory is refused with the
fault of the form that was most likely meant.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from netaudit.errors import InventoryError, Where
from netaudit.inventory import hostrange
from netaudit.inventory.graph import Graph
from netaudit.inventory.tree import DataTree, Tree

MAX_FILE_BYTES = 32 * 2**20
DEFAULT_SOURCE = "inventory"

_VAULT_HEAD = b"$ANSIBLE_VAULT;"
_YAML_ENDINGS = ("", ".yml", ".yaml", ".json")
_IGNORED = re.compile(
    r"\A\.|\A(?:host_vars|group_vars|vars_plugins)\Z|(?:\.(?:pyc|pyo|swp|bak|rpm|md|txt|rst|orig|cfg|retry)|~)\Z"
)


class NeedsAnsible(Exception):
    """A file that only Ansible can read: a plugin's configuration, or one that is encrypted."""

    def __init__(self, problem: str, where: Where) -> None:
        super().__init__(problem)
        self.problem = problem
        self.where = where


def default_sources(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The sources when no ``-i`` is given: ``inventory/`` here if it holds any, else what ANSIBLE_INVENTORY names."""
    if Path(DEFAULT_SOURCE).is_dir() and any(_files_of(Graph(), DEFAULT_SOURCE)):
        return (DEFAULT_SOURCE,)
    named = environ.get("ANSIBLE_INVENTORY", "")
    if not named:
        return ()
    parts = [part.strip() for part in named.split(",") if part.strip()]
    return tuple(parts) if all(map(_exists, parts)) else (named,)


def is_host_list(source: str) -> bool:
    """Whether a source is a list of hosts rather than a path."""
    return "," in source and not _exists(source)


def _exists(source: str) -> bool:
    return os.path.exists(source)  # noqa: PTH110 - unlike Path.exists, it is false for a list too long to be a path


def expanded(source: str) -> str:
    """The source with ``~`` and ``$NAME`` replaced, as Ansible does in paths."""
    if "," in source:
        return source
    return os.path.expanduser(os.path.expandvars(source))  # noqa: PTH111 - Path.expanduser raises for an unknown user


def read_source(graph: Graph, source: str) -> None:
    """The graph holds what one source says. Raises InventoryError, and NeedsAnsible for what we cannot read."""
    if is_host_list(source):
        _read_host_list(graph, source)
    elif os.path.isdir(source):  # noqa: PTH112 - as in _exists
        files = list(_files_of(graph, source))
        if not files:
            hint = "names that end in .md, .txt, .cfg, .bak and the like are left out"
            raise InventoryError("holds no inventory file", Where(source), hint)
        for file in files:
            _read_file(graph, file)
    elif not _exists(source):
        raise InventoryError("no such inventory file or directory", Where(source), f"a host is given as '{source},'")
    else:
        _read_file(graph, source)


def _read_host_list(graph: Graph, source: str) -> None:
    where = Where(source if len(source) <= 60 else source[:57] + "...")
    for word in filter(None, map(str.strip, source.split(","))):
        name, port = word, None
        if "[" not in word or word.startswith("["):
            name, port = hostrange.split_port(word) or (word, None)
        if name not in graph.hosts:
            graph.add_host(name, "ungrouped", where, port)


def _files_of(graph: Graph, directory: str) -> Iterator[str]:
    """The files of a directory that count as inventory, in name order, subdirectories in their place."""
    try:
        paths = sorted(Path(directory).iterdir())
    except OSError as error:
        raise InventoryError(f"cannot be read: {error.strerror}", Where(directory)) from error
    for path in paths:
        if _IGNORED.search(path.name):
            continue
        if not path.is_dir():
            yield str(path)
            continue
        below = list(_files_of(graph, str(path)))
        if not below:
            graph.warn("holds no inventory file", Where(str(path)))
        yield from below


def read_bytes(path: str, *, regular: bool = True) -> bytes:
    """The bytes of a file. Raises InventoryError when it cannot be read, is too large or no regular file."""
    try:
        with open(path, "rb", opener=_open_without_waiting if regular else None) as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if regular and not stat.S_ISREG(mode):
                raise InventoryError("is not a regular file", Where(path))
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InventoryError(f"cannot be read: {error.strerror or error}", Where(path)) from error
    if len(data) > MAX_FILE_BYTES:
        raise InventoryError(f"is larger than {MAX_FILE_BYTES // 2**20} MiB", Where(path))
    return data


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def check_not_encrypted(data: bytes, path: str) -> None:
    """Raises NeedsAnsible when ``ansible-vault`` encrypted the file as a whole."""
    if data.startswith(_VAULT_HEAD):
        raise NeedsAnsible("is encrypted by ansible-vault", Where(path))


def parse_document(data: bytes, path: str, warn: Callable[[str, Where], None]) -> Tree | None:
    """A file as JSON if it is some, else as YAML; None when it is empty. Raises InventoryError."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InventoryError(
            f"is not UTF-8: byte 0x{data[error.start]:02x}", Where(path, line), "save it as UTF-8"
        ) from error
    from netaudit.inventory.yamltext import parse_yaml

    fault = None
    if text.lstrip()[:1] in {"{", "["}:
        import json

        try:
            return DataTree(json.loads(text), path)
        except json.JSONDecodeError as error:
            fault = InventoryError(f"is not JSON: {error.msg}", Where(path, error.lineno, error.colno))
        except (ValueError, RecursionError) as error:
            fault = InventoryError(f"is not JSON: {error}", Where(path))
    try:  # YAML in flow style looks alike
        return parse_yaml(text, path, warn)
    except InventoryError:
        if fault is not None and path.endswith(".json"):
            raise fault from None
        raise


def _read_file(graph: Graph, path: str) -> None:
    if os.access(path, os.X_OK) and _read_program(graph, path):
        return
    data = read_bytes(path, regular=not path.startswith("/dev/"))
    check_not_encrypted(data, path)
    ending = Path(path).suffix
    if ending == ".toml":
        _read_toml(graph, data, path)
        return
    fault = _read_yaml(graph, data, path) if ending in _YAML_ENDINGS else None
    if fault is None and ending in _YAML_ENDINGS:
        return
    _read_ini(graph, data, path, fault)


def _read_program(graph: Graph, path: str) -> bool:
    """Whether the file is a program; one without a format that the kernel knows is a plain file."""
    from netaudit.inventory.programs import NotExecutable
    from netaudit.inventory.script import read_script

    try:
        read_script(graph, path)
    except NotExecutable:
        return False
    return True


def _read_toml(graph: Graph, data: bytes, path: str) -> None:
    from netaudit.inventory.groupfile import read_toml

    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InventoryError("is not UTF-8", Where(path), "save it as UTF-8") from error
    read_toml(graph, text, path)


def _read_yaml(graph: Graph, data: bytes, path: str) -> InventoryError | None:
    """None when the file is an inventory in YAML or JSON, else what speaks against it.

    A mapping is meant as one: what is wrong inside it refuses the file at once.
    """
    from netaudit.inventory.groupfile import read_groups

    try:
        tree = parse_document(data, path, graph.warn)
    except InventoryError as error:
        return error
    if tree is None or not tree.is_mapping(tree.root):
        where = Where(path) if tree is None else tree.where(tree.root)
        return InventoryError("an inventory in YAML must be a mapping of groups", where)
    entries = {key: (where, branch) for key, where, branch in tree.entries(tree.root)}
    if not entries:
        return InventoryError("an inventory in YAML must name a group", Where(path))
    if "plugin" in entries and tree.value(entries["plugin"][1]):
        if not path.endswith((".yml", ".yaml")):
            hint = "such a file must end in .yml or .yaml"
            raise InventoryError("configures an inventory plugin", entries["plugin"][0], hint)
        raise NeedsAnsible(f"uses the inventory plugin {tree.value(entries['plugin'][1])!r:.80}", entries["plugin"][0])
    read_groups(graph, tree)
    return None


def _read_ini(graph: Graph, data: bytes, path: str, fault: InventoryError | None) -> None:
    """The file is read as INI; when that fails too, the error is that of the form that was meant."""
    from netaudit.inventory.ini import read_ini

    try:
        read_ini(graph, data, path)
    except InventoryError as error:
        if fault is None or _looks_like_ini(data, Path(path).suffix):
            raise
        raise fault from error


def _looks_like_ini(data: bytes, ending: str) -> bool:
    """Whether the first line that is no comment belongs into an INI inventory rather than into YAML."""
    for line in data.decode("utf-8", "replace").splitlines():
        words = line.split("#")[0].split(";")[0].strip()
        if not words:
            continue
        if ending:
            return words.startswith("[") and words.endswith("]")
        return words != "---" and not words.endswith(":") and ": " not in words and not words.startswith("{")
    return True


def read_sources(graph: Graph, sources: Sequence[str]) -> None:
    """The graph holds what all sources say, in order, in its final form."""
    for source in sources:
        read_source(graph, source)
    graph.settle()
