"""What a remediation may set: a range of numbers, one for each field of a vector, or a list of words.

Part of what a reviewer pins: whatever an expression comes to, nothing outside of it is ever written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from netaudit.baseline.values import as_text

_INTEGER = re.compile(r"-?[0-9]{1,19}\Z", re.ASCII)


class Combine(StrEnum):
    """Which of several wanted values is the strictest."""

    LARGEST = "largest"  # of a vector, field by field
    SMALLEST = "smallest"
    WIDEST = "widest"  # of a range of two: the lower beginning, the higher end
    ALIKE = "alike"  # they must be the same, else none is set


@dataclass(frozen=True, slots=True)
class Allowed:
    """``ranges`` are inclusive: one for all fields, or one for each. ``words`` are whole values."""

    ranges: tuple[tuple[int, int], ...] = ()
    words: tuple[str, ...] = ()

    def refusal(self, value: str) -> str | None:
        """Why a value may not be set; None when it may."""
        if value in self.words:
            return None
        if not self.ranges:
            return f"{value!r} is none of {', '.join(self.words)}" if self.words else None
        parts = value.split()
        if not parts or not all(map(_INTEGER.match, parts)):
            return f"{value!r} is no number"
        ranges = self.ranges * len(parts) if len(self.ranges) == 1 else self.ranges
        if len(parts) != len(ranges):
            return f"{value!r} has not {len(ranges)} fields"
        for part, (low, high) in zip(parts, ranges, strict=True):
            if not low <= int(part) <= high:
                return f"{part} is outside of {low} to {high}"
        return None

    @property
    def text(self) -> str:
        """The range for people."""
        spans = ", ".join(f"{low} to {high}" for low, high in self.ranges)
        return ", ".join(filter(None, (spans, *self.words)))


def written(value: object) -> str:
    """A value as it is written to the kernel. Raises ValueError for one that is none, such as half a number."""
    match value:
        case bool():
            return "1" if value else "0"
        case float() if value == int(value):
            return str(int(value))
        case int() | str():
            return " ".join(str(value).split())
        case list() | tuple() if value:
            return " ".join(written(item) for item in value)
        case _:
            raise ValueError(f"{as_text(value)} cannot be written")


def combined(values: Sequence[str], how: Combine) -> str | None:
    """The strictest of some values; None when they cannot be combined."""
    distinct = list(dict.fromkeys(values))
    if len(distinct) == 1:
        return distinct[0]
    rows = [value.split() for value in distinct]
    numeric = all(_INTEGER.match(part) for row in rows for part in row)
    if how is Combine.ALIKE or not numeric or len({len(row) for row in rows}) != 1:
        return None
    columns = [[int(row[place]) for row in rows] for place in range(len(rows[0]))]
    return " ".join(str(pick(column)) for pick, column in zip(_picks(how, len(columns)), columns, strict=True))


def _picks(how: Combine, fields: int) -> Sequence[Callable[[list[int]], int]]:
    if how is Combine.SMALLEST:
        return [min] * fields
    if how is Combine.WIDEST and fields == 2:
        return [min, max]
    return [max] * fields
