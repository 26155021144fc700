"""The comment head of a probe: what it declares about itself, read strictly.

The head is the block of ``# key: value`` lines right after ``#!/bin/sh``. A line that starts with ``#`` and three
blanks continues the value above it. The head ends at the first line that is no comment, or is an empty one.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable
from typing import TypeVar

from netaudit.errors import RuleError, Where
from netaudit.model.probe import Needs, Probe
from netaudit.units import parse_size_bytes

MAX_TIMEOUT_S = 60
MAX_PROBE_BYTES = 16 * 2**20

_SHEBANG = "#!/bin/sh"
_REQUIRED = ("id", "summary", "reads", "needs", "timeout_s", "max_bytes", "format")
_OPTIONAL = ("params", "cost_cpu_ms", "cost_processes")
_LINE = re.compile(r"# ([a-z][a-z0-9_]*): *(.*)", re.ASCII)
_ID = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_PARAM = re.compile(r"[A-Z][A-Z0-9_]{0,31}", re.ASCII)
_RESERVED = frozenset({"CDPATH", "ENV", "HOME", "IFS", "LC_ALL", "OPTARG", "OPTIND", "PATH", "PPID", "PWD", "ROOT"})
_INTEGER = re.compile(r"[0-9]{1,9}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?", re.ASCII)

_T = TypeVar("_T")


class _Head:
    """The lines of one head by key, each with its place; asking for a value checks it."""

    def __init__(self, file: str, lines: dict[str, tuple[str, int]], last_line: int) -> None:
        self._file = file
        self._lines = lines
        self._last_line = last_line

    def take(self, key: str, read: Callable[[str], _T], default: _T | None = None) -> _T:
        """The value of ``key`` as ``read`` understands it; without the line, the default or an error."""
        if key not in self._lines:
            if default is not None:
                return default
            raise RuleError(
                f"the head of this probe lacks {key!r}",
                Where(self._file, self._last_line),
                hint=f"a line '# {key}: …' after {_SHEBANG}",
            )
        text, line = self._lines[key]
        try:
            return read(text)
        except ValueError as error:
            raise RuleError(f"{key}: {error}", Where(self._file, line)) from error


def _read_lines(text: str, file: str) -> _Head:
    rows = text.split("\n")
    if rows[0] != _SHEBANG:
        raise RuleError("a probe starts with the line #!/bin/sh", Where(file, 1))
    found: dict[str, tuple[str, int]] = {}
    key, number = "", 1
    for number, row in enumerate(rows[1:], start=2):
        if not row.startswith("#") or row.rstrip() == "#":
            break
        if row.startswith("# shellcheck "):
            continue
        if row.startswith("#   ") and key:
            found[key] = (f"{found[key][0]} {row[1:].strip()}", found[key][1])
            continue
        key = _take_line(row, Where(file, number), found)
    return _Head(file, found, number)


def _take_line(row: str, where: Where, found: dict[str, tuple[str, int]]) -> str:
    match = _LINE.fullmatch(row)
    if match is None:
        raise RuleError("the head of a probe is made of lines '# key: value'", where, hint="end it with an empty line")
    key, value = match[1], match[2].strip()
    if key not in _REQUIRED and key not in _OPTIONAL:
        near = difflib.get_close_matches(key, _REQUIRED + _OPTIONAL, n=1)
        raise RuleError(
            f"unknown key {key!r}",
            where,
            hint=f"did you mean {near[0]!r}?" if near else f"one of {', '.join(_REQUIRED + _OPTIONAL)}",
        )
    if key in found:
        raise RuleError(f"{key!r} stands twice", where, hint=f"first in line {found[key][1]}")
    found[key] = (value, where.line)
    return key


def _text(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return value


def _words(value: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in value.split(","))
    if not all(words):
        raise ValueError("words separated by commas, none of them empty")
    return words


def _id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError(f"{value!r} is not a probe id: a lower-case letter, then letters, digits and underscores")
    return value


def _needs(value: str) -> Needs:
    if value not in set(Needs):
        raise ValueError(f"{value!r} is neither 'user' nor 'root'")
    return Needs(value)


def _integer(value: str) -> int:
    if not _INTEGER.fullmatch(value):
        raise ValueError(f"{value!r} is not a whole number")
    return int(value)


def _decimal(value: str) -> float:
    if not _DECIMAL.fullmatch(value):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


def _timeout_s(value: str) -> int:
    seconds = _integer(value)
    if not 1 <= seconds <= MAX_TIMEOUT_S:
        raise ValueError(f"{value} s is not between 1 and {MAX_TIMEOUT_S} s")
    return seconds


def _max_bytes(value: str) -> int:
    total_bytes = parse_size_bytes(value)
    if not 1 <= total_bytes <= MAX_PROBE_BYTES:
        raise ValueError(f"{value} is not between 1 byte and 16 MiB")
    return total_bytes


def _params(value: str) -> tuple[str, ...]:
    names = _words(value)
    for name in names:
        if not _PARAM.fullmatch(name) or name in _RESERVED:
            raise ValueError(f"{name!r} is not a parameter: upper-case letters, and no name the shell uses itself")
    if len(set(names)) != len(names):
        raise ValueError("a parameter stands twice")
    return names


def parse_probe(text: str, file: str) -> Probe:
    """The probe that a file holds. Raises RuleError, with file and line, when its head is not in order."""
    head = _read_lines(text, file)
    probe = Probe(
        id=head.take("id", _id),
        text=text,
        digest=hashlib.sha256(text.encode("utf-8")).hexdigest(),
        summary=head.take("summary", _text),
        reads=head.take("reads", _words),
        needs=head.take("needs", _needs),
        timeout_s=head.take("timeout_s", _timeout_s),
        max_bytes=head.take("max_bytes", _max_bytes),
        format=head.take("format", _text),
        params=head.take("params", _params, ()),
        cost_cpu_ms=head.take("cost_cpu_ms", _decimal, 0.0),
        cost_processes=head.take("cost_processes", _integer, 0),
    )
    name = file.rpartition("/")[2]
    if name.endswith(".sh") and name != f"{probe.id}.sh":
        raise RuleError(
            f"the probe {probe.id!r} lives in a file of another name", Where(file, 2), hint=f"{probe.id}.sh"
        )
    return probe
