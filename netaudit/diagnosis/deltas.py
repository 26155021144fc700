"""Counters become growth: over two samples or many, with wraps, resets and reboots told apart from growth.

A counter that decreased either passed the end of its range or was set back. One that is 32 bits wide, or decreased
from the upper half of 32 bits while its fellows grew, has wrapped; any other was reset, and what it did since is not
known: it is left out and named, never taken for zero. So is one that is not there in both samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from netaudit.diagnosis.counters import is_narrow
from netaudit.model.diagnosis import Change

_32_BITS = 2**32
_HALF = 2**31


def growth_of(before: int, after: int, *, narrow: bool) -> int | None:
    """How much a counter grew; None when it was reset. ``narrow`` ones start anew after 2**32."""
    if after >= before:
        return after - before
    wrapped = after + _32_BITS - before
    # Half of the range within one interval would be more than any counter of packets does in minutes.
    if narrow and before < _32_BITS and wrapped < _HALF:
        return wrapped
    return None


@dataclass(frozen=True, slots=True)
class Moment:
    """The counters of one sample, and when it was taken by the host's own clock (seconds since boot)."""

    at_s: float
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Deltas:
    """Growth by name over a window. A name that is not there is not observable."""

    seconds: float
    series: Mapping[str, tuple[int, ...]]
    reset: tuple[str, ...] = ()  # decreased, and cannot have wrapped
    vanished: tuple[str, ...] = ()  # in the first sample and not in a later one
    _totals: dict[str, int] = field(default_factory=dict)

    def get(self, name: str) -> int | None:
        """The growth of one counter; None when it is not observable."""
        return self._totals.get(name)

    def up(self, *names: str) -> int:
        """The growth of these counters together, of those that are observable."""
        return sum(self._totals.get(name, 0) for name in names)

    def has(self, prefix: str) -> bool:
        """Whether any counter of this name, or of a family that begins so, is observable."""
        return prefix in self._totals or any(name.startswith(prefix) for name in self._totals)

    def rate(self, *names: str) -> float:
        """Growth per second."""
        return self.up(*names) / self.seconds if self.seconds > 0 else 0.0

    def change(self, name: str) -> Change:
        """One counter as a report tells it."""
        return Change(name, self.up(name), self.rate(name), self.series.get(name, ()))

    def moved(self, prefix: str, suffixes: Sequence[str] = ("",)) -> dict[str, int]:
        """Those of a family that grew, by name: all that begin and end so."""
        return {
            name: total
            for name, total in self._totals.items()
            if total > 0 and name.startswith(prefix) and name.endswith(tuple(suffixes))
        }


def deltas_of(moments: Sequence[Moment]) -> Deltas:
    """The growth over moments of one boot, in their order. Of fewer than two nothing is observable."""
    if len(moments) < 2:
        return Deltas(0.0, {})
    series: dict[str, tuple[int, ...]] = {}
    reset: list[str] = []
    vanished: list[str] = []
    for name in moments[0].counters:
        values = [moment.counters.get(name) for moment in moments]
        if None in values:
            vanished.append(name)
            continue
        steps = _steps(
            [value for value in values if value is not None], narrow=is_narrow(name) or _is_long32(name, moments)
        )
        if steps is None:
            reset.append(name)
        else:
            series[name] = steps
    totals = {name: sum(steps) for name, steps in series.items()}
    return Deltas(moments[-1].at_s - moments[0].at_s, series, tuple(reset), tuple(vanished), totals)


def _steps(values: Sequence[int], *, narrow: bool) -> tuple[int, ...] | None:
    steps = []
    for before, after in pairwise(values):
        grown = growth_of(before, after, narrow=narrow)
        if grown is None:
            return None
        steps.append(grown)
    return tuple(steps)


def _is_long32(name: str, moments: Sequence[Moment]) -> bool:
    """Whether a decrease may be the end of a 32-bit long: on such a kernel nothing of the family is larger.

    A counter that was in the upper half of 32 bits and is small now, while no fellow of it decreased, has wrapped.
    """
    first, last = moments[0].counters, moments[-1].counters
    if not _HALF <= first[name] < _32_BITS:
        return False
    family = name.partition(".")[0]
    fellows = [each for each in first if each.partition(".")[0] == family and each != name]
    return all(first[each] < _32_BITS and last.get(each, 0) >= first[each] for each in fellows)
