"""Host patterns: which hosts of an inventory ``web:&prod:!web3,db[0:2],~lb\\d+`` selects, and in which order.

Unions come first, then intersections, then exclusions, wherever they stand. Knows hosts and groups by name alone.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from netaudit.errors import InventoryError, Where
from netaudit.inventory.graph import LOCAL_NAMES
from netaudit.inventory.hostrange import split_port

_SUBSCRIPT = re.compile(r"(.+)\[(?:(-?[0-9]{1,9})|([0-9]{1,9})[:-]([0-9]{0,9}))\]\Z", re.ASCII | re.DOTALL)
_WORD = re.compile(r"(?:[^\s:\[\]]|\[[^\]]*\])+")
_MAX_PATTERN = 100_000  # characters


def split_pattern(pattern: str) -> list[str]:
    """The single patterns of a pattern: split at commas if it has any, else at colons outside of brackets and IPv6."""
    if len(pattern) > _MAX_PATTERN:
        raise InventoryError(f"a host pattern has more than {_MAX_PATTERN} characters")
    if "," in pattern:
        words = pattern.split(",")
    elif split_port(pattern) is not None:
        words = [pattern]
    else:
        words = _WORD.findall(pattern)
    return [word.strip() for word in words if word.strip()]


@dataclass(frozen=True, slots=True)
class Selection:
    """The hosts that a pattern selects, each once, and what of it matched nothing."""

    hosts: tuple[str, ...]
    warnings: tuple[str, ...] = ()


class Matcher:
    """Evaluates patterns over one inventory.

    ``groups`` maps each group to all its hosts, those of its children included, in order; ``hosts`` are all hosts in
    the order of their first mention. ``localhost`` is the name that stands for this machine in the inventory, if any.
    ``read_lines`` gives the lines of the file of an ``@file`` pattern.
    """

    def __init__(
        self,
        groups: Mapping[str, Sequence[str]],
        hosts: Iterable[str],
        localhost: str | None,
        read_lines: Callable[[str], Sequence[str]],
    ) -> None:
        self._groups = groups
        self._hosts = dict.fromkeys(hosts)
        self._localhost = localhost
        self._read_lines = read_lines
        self._single: dict[str, tuple[str, ...]] = {}
        self._whole: dict[tuple[str, str | None], Selection] = {}

    def select(self, pattern: str, limit: str | None = None) -> Selection:
        """The hosts of a pattern that the limit selects too. Raises InventoryError for a pattern without sense."""
        found = self._whole.get((pattern, limit))
        if found is None:
            found = self._whole[pattern, limit] = self._select(pattern, limit)
        return found

    def _select(self, pattern: str, limit: str | None) -> Selection:
        warnings: dict[str, None] = {}
        hosts = self._evaluate(self._expanded(pattern), warnings)
        parts = self._expanded(limit) if limit else []
        if parts:
            allowed = set(self._evaluate(parts, warnings))
            hosts = [host for host in hosts if host in allowed]
        return Selection(tuple(dict.fromkeys(hosts)), tuple(warnings))

    def _expanded(self, pattern: str) -> list[str]:
        """The single patterns; those of a file are its lines, taken whole."""
        parts: list[str] = []
        for part in split_pattern(pattern):
            if part.startswith("@") and len(part) > 1:
                parts.extend(line.strip() for line in self._read_lines(part[1:]))
            else:
                parts.append(part)
        return parts

    def _evaluate(self, parts: Sequence[str], warnings: dict[str, None]) -> list[str]:
        regular = [part for part in parts if part and part[0] not in "&!"]
        hosts: list[str] = []
        for part in regular or ["all"]:
            hosts.extend([part] if part in self._hosts else self._match(part, warnings))
        for part in parts:
            if part.startswith("&"):
                both = set(self._match(part[1:], warnings))
                hosts = [host for host in hosts if host in both]
        for part in parts:
            if part.startswith("!"):
                out = set(self._match(part[1:], warnings))
                hosts = [host for host in hosts if host not in out]
        return hosts

    def _match(self, part: str, warnings: dict[str, None]) -> tuple[str, ...]:
        if not part:
            raise InventoryError("a host pattern has '&' or '!' with nothing behind it")
        found = self._single.get(part)
        if found is None:
            found = self._single[part] = tuple(self._matched(part))
        if not found and part != "all":
            warnings[f"host pattern {part!r} matches no host"] = None
        return found

    def _matched(self, part: str) -> Sequence[str]:
        expression, subscript = _subscript(part)
        hosts = list(self._named(expression))
        if subscript is None or not hosts:
            return hosts
        if isinstance(subscript, slice):
            return hosts[subscript]
        try:
            return [hosts[subscript]]
        except IndexError:
            raise InventoryError(
                f"host pattern {part!r} counts too far: {expression!r} is {len(hosts)} hosts"
            ) from None

    def _named(self, expression: str) -> Iterator[str]:
        """The hosts of all groups whose name fits, then the hosts whose own name fits; some may come twice."""
        fits = _name_test(expression)
        nothing = True
        groups = [name for name in self._groups if fits(name)]
        for name in groups:
            for host in self._groups[name]:
                nothing = False
                yield host
        if not groups or expression[0] == "~" or any(sign in expression for sign in ".?*["):
            for host in self._hosts:
                if fits(host):
                    nothing = False
                    yield host
        if nothing and expression in LOCAL_NAMES:
            self._localhost = self._localhost or expression
            yield self._localhost


def _name_test(expression: str) -> Callable[[str], object]:
    source = expression[1:] if expression.startswith("~") else fnmatch.translate(expression)
    try:
        return re.compile(source).match
    except (re.error, RecursionError, OverflowError) as error:
        hint = "behind '~' stands a regular expression"
        raise InventoryError(f"host pattern {expression!r} cannot be read: {error}", None, hint) from None


def _subscript(part: str) -> tuple[str, int | slice | None]:
    """The pattern without its subscript, and what the subscript picks; the end of a slice counts."""
    found = None if part.startswith("~") else _SUBSCRIPT.match(part)
    if found is None:
        return part, None
    if found[2]:
        return found[1], int(found[2])
    first = int(found[3])
    if not found[4]:
        return found[1], slice(first, None)
    last = int(found[4])
    return found[1], slice(first, last + 1) if last else first  # Ansible takes [n:0] as [n]


def read_pattern_file(path: str) -> Sequence[str]:
    """The lines of a limit file. Raises InventoryError when there is none."""
    from netaudit.inventory.sources import read_bytes

    try:
        return read_bytes(path).decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise InventoryError("is not UTF-8", Where(path), "a limit file holds one host pattern a line") from error
