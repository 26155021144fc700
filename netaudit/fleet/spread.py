"""How often each value was seen, in bounded memory: exact for the first distinct values, counted beyond them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

MAX_VALUES = 64  # distinct values counted one by one; further ones are counted together
MAX_TEXT_CHARS = 200  # of a value that is kept
MAX_BITS = 128  # of an integer that is kept

Plain: TypeAlias = "bool | int | float | str | tuple[Plain, ...] | None"
_Key: TypeAlias = tuple[type, Plain]


@dataclass(frozen=True, slots=True)
class Spread:
    """Values with their counts, the most frequent first. ``low`` and ``high`` span all numbers, if all are numbers."""

    values: tuple[tuple[Plain, int], ...] = ()
    others: int = 0
    low: float | None = None
    high: float | None = None

    def __bool__(self) -> bool:
        return bool(self.values)

    @property
    def total(self) -> int:
        """How many values were counted."""
        return sum(count for _, count in self.values) + self.others


def plain(value: object) -> Plain:
    """A value as small and hashable as it can be: vectors as tuples, mappings as JSON, long text cut."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, int):  # also bool
        return value if value.bit_length() <= MAX_BITS else f"a number of {value.bit_length()} bits"
    if value is None:
        return None
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT_CHARS else value[:MAX_TEXT_CHARS] + "…"
    if isinstance(value, list | tuple):
        return tuple(plain(element) for element in value[:MAX_VALUES])
    if isinstance(value, Mapping):
        return plain(json.dumps(value, default=str, sort_keys=True))
    return plain(str(value))


class Counter:
    """Counts values as they come."""

    __slots__ = ("_counts", "_high", "_low", "_numbers", "_others")

    def __init__(self) -> None:
        self._counts: dict[_Key, int] = {}  # by type as well: true is not 1
        self._others = 0
        self._low: float | None = None
        self._high: float | None = None
        self._numbers = True

    def add(self, value: Plain, times: int = 1) -> None:
        """Count one value."""
        key = (type(value), value)
        if key in self._counts:
            self._counts[key] += times
            return
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._low = value if self._low is None else min(self._low, value)
            self._high = value if self._high is None else max(self._high, value)
        else:
            self._numbers = False
        if len(self._counts) < MAX_VALUES:
            self._counts[key] = times
        else:
            self._others += times

    def merge(self, other: Counter) -> None:
        """Count all that another one has counted."""
        for (_, value), times in other._counts.items():
            self.add(value, times)
        self._others += other._others
        self._numbers = self._numbers and other._numbers
        for bound in (other._low, other._high):
            if bound is not None:
                self._low = bound if self._low is None else min(self._low, bound)
                self._high = bound if self._high is None else max(self._high, bound)

    def spread(self) -> Spread:
        """What was counted, equal counts in the order of the values."""
        ranked = sorted(self._counts.items(), key=lambda entry: (-entry[1], *_order(entry[0][1])))
        values = tuple((value, count) for (_, value), count in ranked)
        if self._numbers:
            return Spread(values, self._others, self._low, self._high)
        return Spread(values, self._others)


def _order(value: Plain) -> tuple[int, float, str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return 0, value, ""
    return 1, 0, str(value)
