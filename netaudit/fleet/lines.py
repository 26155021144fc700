"""The lines of one finding: hosts that share subject and expectation, with the spread of what was observed.

A finding has few lines or it is no summary. When there are more than ``MAX_LINES``, lines of one expectation are
joined whatever their subjects, and if there are still too many, all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, TypeAlias

from netaudit.fleet.spread import Counter, Plain, Spread, plain
from netaudit.model.natural import NaturalKey, natural_key
from netaudit.model.result import Result

MAX_LINES = 6
MAX_TEXT_CHARS = 400  # of an example's evidence, fix and reason
EVERYONES_GROUPS = frozenset({"all", "ungrouped"})


class Texts(Protocol):
    """What a result, or one of its items, says in words."""

    @property
    def evidence(self) -> str | None:
        """Where the number was read."""
        ...

    @property
    def reason(self) -> str | None:
        """Why it failed."""
        ...

    @property
    def fix(self) -> str | None:
        """What would put it right."""
        ...


@dataclass(frozen=True, slots=True)
class Example:
    """The texts of one host's result, to stand for all hosts of a line."""

    host: str
    title: str
    layer: str
    unit: str | None
    remediation: str | None
    evidence: str
    fix: str
    reason: str


@dataclass(frozen=True, slots=True)
class FoldedLine:
    """Hosts with one finding, in natural order. ``expected`` has one value as a rule.

    ``group`` is the smallest inventory group that holds them all, and ``group_hosts`` how many hosts it has.
    """

    hosts: tuple[str, ...]
    subjects: Spread
    observed: Spread
    expected: Spread
    example: Example
    group: str | None = None
    group_hosts: int = 0


class Groups:
    """The inventory groups of the hosts of a run, those aside that hold everyone."""

    __slots__ = ("_groups", "_sizes")

    def __init__(self, groups: Mapping[str, Sequence[str]]) -> None:
        self._groups = groups
        self._sizes: dict[str, int] = {}

    def size(self, group: str) -> int:
        """How many hosts of the run are in it; asked for once all hosts are known."""
        if not self._sizes:
            for names in self._groups.values():
                for name in names:
                    self._sizes[name] = self._sizes.get(name, 0) + 1
        return self._sizes.get(group, 0)

    def common(self, hosts: Sequence[str]) -> str | None:
        """The smallest group that all of these hosts are in, or none."""
        common: set[str] | None = None
        for host in hosts:
            own = set(self._groups.get(host, ())) - EVERYONES_GROUPS
            common = own if common is None else common & own
            if not common:
                return None
        return min(common or (), key=lambda name: (self.size(name), name), default=None)


_First: TypeAlias = tuple[NaturalKey, str]  # what makes an example the one to show: the host, then the evidence


class _Level(IntEnum):
    """What keeps two lines apart."""

    SUBJECT = 0  # and expectation
    EXPECTED = 1
    NOTHING = 2


class _Line:
    __slots__ = ("example", "expected", "first", "hosts", "observed", "subjects")

    def __init__(self, first: _First, example: Example) -> None:
        self.first, self.example = first, example
        self.hosts: list[str] = []
        self.subjects, self.observed, self.expected = Counter(), Counter(), Counter()

    def take(self, other: _Line) -> None:
        """Join another line to this one."""
        if other.first < self.first:
            self.first, self.example = other.first, other.example
        self.hosts.extend(other.hosts)
        self.subjects.merge(other.subjects)
        self.observed.merge(other.observed)
        self.expected.merge(other.expected)


class Lines:
    """Fills the lines of one check at one severity."""

    __slots__ = ("_level", "_lines")

    def __init__(self) -> None:
        self._level = _Level.SUBJECT
        self._lines: dict[tuple[Plain, Plain], _Line] = {}

    def add(
        self,
        host: str,
        place: NaturalKey,
        result: Result,
        subject: str,
        observed: object,
        expected: str,
        texts: Texts,
    ) -> None:
        """Take in one failing result, or one failing item of it."""
        about, wanted = plain(subject), plain(expected)
        key = self._key(about, wanted)
        line = self._lines.get(key)
        first = (place, texts.evidence or "")
        if line is None:
            line = self._lines[key] = _Line(first, _example(host, result, texts))
        elif first < line.first:
            line.first, line.example = first, _example(host, result, texts)
        if not line.hosts or line.hosts[-1] != host:
            line.hosts.append(host)
        if about:
            line.subjects.add(about)
        line.observed.add(plain(observed))
        line.expected.add(wanted)
        while len(self._lines) > MAX_LINES:
            self._join()

    def _key(self, subject: Plain, expected: Plain) -> tuple[Plain, Plain]:
        match self._level:
            case _Level.SUBJECT:
                return subject, expected
            case _Level.EXPECTED:
                return None, expected
            case _Level.NOTHING:
                return None, None

    def _join(self) -> None:
        """Go one level up."""
        self._level = _Level(self._level + 1)
        before, self._lines = self._lines, {}
        for (subject, expected), line in before.items():
            key = self._key(subject, expected)
            if key in self._lines:
                self._lines[key].take(line)
            else:
                self._lines[key] = line

    def closed(self, groups: Groups) -> tuple[FoldedLine, ...]:
        """The lines, those with most hosts first."""
        lines = [_folded(line, groups) for line in self._lines.values()]
        return tuple(sorted(lines, key=_rank))


def _rank(line: FoldedLine) -> tuple[int, str, str]:
    return -len(line.hosts), str(line.subjects.values), str(line.expected.values)


def _example(host: str, result: Result, texts: Texts) -> Example:
    return Example(
        host=host,
        title=result.title,
        layer=result.layer,
        unit=result.unit,
        remediation=result.remediation,
        evidence=(texts.evidence or "")[:MAX_TEXT_CHARS],
        fix=(texts.fix or "")[:MAX_TEXT_CHARS],
        reason=(texts.reason or "")[:MAX_TEXT_CHARS],
    )


def _folded(line: _Line, groups: Groups) -> FoldedLine:
    hosts = tuple(sorted(set(line.hosts), key=natural_key))
    group = groups.common(hosts) if len(hosts) > 1 else None
    return FoldedLine(
        hosts=hosts,
        subjects=line.subjects.spread(),
        observed=line.observed.spread(),
        expected=line.expected.spread(),
        example=line.example,
        group=group,
        group_hosts=groups.size(group) if group else 0,
    )
