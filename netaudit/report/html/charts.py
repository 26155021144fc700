"""The geometry of charts: where bars, marks and lines stand. Templates draw them as SVG, in whole numbers of units.

Every chart has a table beside it with the same numbers; so a chart is never the only place where one is told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH = 1000  # of a strip, in units of its view box
MAX_BINS = 16


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a strip, or one bar."""

    label: str
    number: int
    tone: str  # a class of the style sheet
    start: float
    length: float


def strip(parts: Sequence[tuple[str, int, str]], *, width: float = WIDTH, least: float = 4) -> tuple[Part, ...]:
    """Parts side by side that fill the width; one that is there at all is at least ``least`` wide."""
    present = [(label, number, tone) for label, number, tone in parts if number]
    total = sum(number for _, number, _ in present)
    if not total:
        return ()
    lengths = [max(least, width * number / total) for _, number, _ in present]
    scale = width / sum(lengths)
    made, at = [], 0.0
    for (label, number, tone), length in zip(present, lengths, strict=True):
        made.append(Part(label, number, tone, round(at, 1), round(length * scale, 1)))
        at += length * scale
    return tuple(made)


@dataclass(frozen=True, slots=True)
class Bin:
    """Numbers from ``low`` up to and below ``high``; of the last one ``high`` too."""

    low: float
    high: float


def bins_of(low: float, high: float, *, whole: bool) -> tuple[Bin, ...]:
    """Bins of equal width, or of equal ratio when the numbers span more than a thousandfold."""
    if high <= low:
        return (Bin(low, high),)
    count = MAX_BINS
    if whole:
        count = int(min(count, high - low + 1))
    if low > 0 and high / low > 1_000:
        ratio = (high / low) ** (1 / count)
        edges = [low * ratio**place for place in range(count)] + [high]
    else:
        edges = [low + (high - low) * place / count for place in range(count)] + [high]
    if whole:
        edges = sorted({float(math.floor(edge)) for edge in edges[:-1]} | {float(high)})
    return tuple(Bin(a, b) for a, b in pairwise(edges))


def place_of(value: float, bins: Sequence[Bin]) -> int:
    """The bin that holds a value."""
    for place, each in enumerate(bins):
        if value < each.high:
            return place
    return len(bins) - 1


@dataclass(frozen=True, slots=True)
class Line:
    """A curve through measured points: ``points`` as SVG wants them."""

    points: str
    last_x: float
    last_y: float


def line(values: Sequence[tuple[float, float]], *, width: float, height: float, low: float, high: float) -> Line:
    """The curve of (time, value) pairs in a field of this size, from its first time at the left to its last."""
    if not values:
        return Line("", 0, 0)
    start, end = values[0][0], values[-1][0]
    span_x = (end - start) or 1
    span_y = (high - low) or 1
    points = [
        (round((x - start) / span_x * width, 1), round(height - (y - low) / span_y * height, 1)) for x, y in values
    ]
    return Line(" ".join(f"{x:g},{y:g}" for x, y in points), *points[-1])
