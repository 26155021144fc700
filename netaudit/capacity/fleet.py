"""Many hosts at once: rows that are alike as one, what breaks first, and the weakest host by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netaudit.model.capacity import (
    Assessment,
    CapacityLine,
    CapacityVerdict,
    FigureNeed,
    FleetCapacity,
    HostCapacity,
)

_Key = tuple[object, ...]


class CapacityFold:
    """Takes in hosts, one at a time; keeps rows that differ and the names of hosts, nothing else."""

    def __init__(self) -> None:
        self._lines: dict[_Key, list[tuple[str, Assessment]]] = {}
        self._hosts = 0
        self._verdicts = dict.fromkeys(CapacityVerdict, 0)
        self._needs: dict[FigureNeed, dict[str, None]] = {}

    def add(self, host: HostCapacity) -> None:
        """Take in one host."""
        self._hosts += 1
        for row in host.assessments:
            self._verdicts[row.verdict] += 1
            self._lines.setdefault(_alike(row), []).append((host.name, row))
            for need in row.needs:
                self._needs.setdefault(need, {})[row.title] = None

    def folded(self) -> FleetCapacity:
        """What was taken in so far."""
        lines = sorted((_line(members) for members in self._lines.values()), key=_worst_first)
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


def _line(members: Sequence[tuple[str, Assessment]]) -> CapacityLine:
    host, weakest = min(members, key=lambda pair: _weakness(pair[1]))
    return CapacityLine(
        hosts=tuple(name for name, _ in members),
        weakest_host=host,
        weakest=weakest,
        limits=_span(row.limit for _, row in members),
        in_use=_span(row.in_use for _, row in members),
    )


def _weakness(row: Assessment) -> float:
    return float("inf") if row.breaks_at is None else row.breaks_at


def _span(values: Iterable[float | None]) -> tuple[float, float] | None:
    known = [value for value in values if value is not None]
    return (min(known), max(known)) if known else None


def _worst_first(line: CapacityLine) -> tuple[int, float]:
    return line.weakest.verdict.rank, _weakness(line.weakest)


def first_of(lines: Iterable[CapacityLine]) -> CapacityLine | None:
    """The line whose weakest host reaches its limit first as the load grows."""
    breaking = [line for line in lines if line.weakest.breaks_at is not None and not line.weakest.is_soft]
    return min(breaking, key=lambda line: _weakness(line.weakest), default=None)
