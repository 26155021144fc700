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
MAX_COLUMNS = 150
TIMELINE_WIDTH, TIMELINE_HEIGHT = 300, 40  # units of its view box


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
class Gauge:
    """A need beside what there is, in units of a field 100 wide. ``full`` is where the limit stands."""

    need: float
    full: float
    in_use: float | None
    is_beyond: bool  # the need was cut at the edge


def gauge(required: float, limit: float, in_use: float | None = None) -> Gauge:
    """The limit stands at three fifths of the field, so that there is room for a need of up to 1.6 times as much."""
    full = 60.0
    if limit <= 0 or math.isinf(limit):
        return Gauge(100.0 if limit <= 0 < required else 1.0, full, None, is_beyond=limit <= 0 < required)
    need = required / limit * full
    used = None if in_use is None else round(min(100.0, in_use / limit * full), 1)
    return Gauge(round(min(100.0, max(0.8, need)), 1), full, used, is_beyond=need > 100)


def skyline(series: Sequence[int], *, width: int = TIMELINE_WIDTH, height: int = TIMELINE_HEIGHT) -> str:
    """What a counter grew by between one sample and the next, as a path: a column each, the tallest fills the height.

    Of more samples than there are columns, neighbours are drawn as one.
    """
    grown = _joined([abs(each) for each in series])
    most = max(grown, default=0)
    step = width / len(grown) if grown else 0.0
    wide = max(0.5, step - 1.5)
    made = []
    for place, number in enumerate(grown):
        if number:
            tall = max(1.0, number / most * height)
            made.append(f"M{place * step:.6g} {height}v-{tall:.6g}h{wide:.6g}v{tall:.6g}z")
    return "".join(made)


def ticks(marked: Sequence[bool], *, width: int = TIMELINE_WIDTH, height: int = TIMELINE_HEIGHT) -> str:
    """Upright marks where something happened, on the columns that ``skyline`` draws of as many samples."""
    columns = _joined([int(each) for each in marked])
    step = width / len(columns) if columns else 0.0
    return "".join(
        f"M{(place + 0.5) * step - 1:.6g} 8v{height - 16}h2v-{height - 16}z"
        for place, number in enumerate(columns)
        if number
    )


def _joined(series: Sequence[int]) -> list[int]:
    together = max(1, math.ceil(len(series) / MAX_COLUMNS))
    return [sum(series[place : place + together]) for place in range(0, len(series), together)]
