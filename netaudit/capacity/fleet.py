"""Many hosts at once: rows that are alike as one, what breaks first, and the weakest host by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from netaudit.model.capacity import (
    Assessment,
    CapacityLine,
    CapacityVerdict,
    FigureNeed,
    FleetCapacity,
    HostCapacity,
)
from netaudit.model.natural import natural_key

_Key: TypeAlias = tuple[object, ...]
_Span: TypeAlias = tuple[float, float] | None


class _Open:
    """A line that is being filled: names, the weakest row, spans of numbers, and its place among those of a host.

    Hosts come as they answer; nothing that is shown depends on it.
    """

    __slots__ = ("hosts", "in_use", "limits", "place", "weakest")

    def __init__(self, host: str, row: Assessment, place: int) -> None:
        self.hosts: list[str] = []
        self.weakest = (host, row)
        self.limits: _Span = None
        self.in_use: _Span = None
        self.place = place
        self.add(host, row, place)

    def add(self, host: str, row: Assessment, place: int) -> None:
        self.hosts.append(host)
        self.place = min(self.place, place)
        if (_weakness(row), natural_key(host)) < (_weakness(self.weakest[1]), natural_key(self.weakest[0])):
            self.weakest = (host, row)
        self.limits = _widened(self.limits, row.limit)
        self.in_use = _widened(self.in_use, row.in_use)

    def closed(self) -> CapacityLine:
        return CapacityLine(tuple(sorted(self.hosts, key=natural_key)), *self.weakest, self.limits, self.in_use)

    @property
    def rank(self) -> tuple[object, ...]:
        """By which lines are put in order, the worst first; no two have the same."""
        host, row = self.weakest
        return row.verdict.rank, _weakness(row), self.place, natural_key(host), row.resource, row.subject


class CapacityFold:
    """Takes in hosts, one at a time; keeps one row of those that are alike, and the names of hosts."""

    def __init__(self) -> None:
        self._lines: dict[_Key, _Open] = {}
        self._hosts = 0
        self._verdicts = dict.fromkeys(CapacityVerdict, 0)
        self._needs: dict[FigureNeed, dict[str, None]] = {}

    def add(self, host: HostCapacity) -> None:
        """Take in one host."""
        self._hosts += 1
        for place, row in enumerate(host.assessments):
            self._verdicts[row.verdict] += 1
            key = _alike(row)
            if key in self._lines:
                self._lines[key].add(host.name, row, place)
            else:
                self._lines[key] = _Open(host.name, row, place)
            for need in row.needs:
                self._needs.setdefault(need, {})[row.title] = None

    def folded(self) -> FleetCapacity:
        """What was taken in so far."""
        lines = [line.closed() for line in sorted(self._lines.values(), key=lambda line: line.rank)]
        return FleetCapacity(
            hosts=self._hosts,
            verdicts=self._verdicts,
            lines=tuple(lines),
            first=first_of(lines),
            needs=tuple((need, tuple(titles)) for need, titles in self._needs.items()),
        )


def _alike(row: Assessment) -> _Key:
    """What rows of different hosts have in common when they are shown as one: of what breaks, the numbers as well."""
    key: _Key = (row.resource, row.subject, row.loads, row.verdict, row.needs)
    if row.verdict in {CapacityVerdict.BREAKS, CapacityVerdict.TIGHT}:
        return (*key, row.changes, None if row.unit == "bytes" else row.limit)
    return key if row.verdict is CapacityVerdict.FITS else (*key, row.reason)


def _weakness(row: Assessment) -> float:
    return float("inf") if row.breaks_at is None else row.breaks_at


def _widened(span: _Span, value: float | None) -> _Span:
    if value is None:
        return span
    return (value, value) if span is None else (min(span[0], value), max(span[1], value))


def first_of(lines: Iterable[CapacityLine]) -> CapacityLine | None:
    """The line whose weakest host reaches its limit first as the load grows."""
    breaking = [line for line in lines if line.weakest.breaks_at is not None and not line.weakest.is_soft]
    return min(breaking, key=lambda line: _weakness(line.weakest), default=None)
