"""Tables without lines: a header and columns, which a person reads and ``awk`` splits.

What does not fit is wrapped within the columns that may grow; a name is never cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from netaudit.report.page import Role, Span, Spans, spans_width, width
from netaudit.report.setting import wrapped
from netaudit.report.words import GAP

_NARROWEST = 16  # columns of one that grows


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Numbers stand ``right``; one that ``grows`` takes the room that is left, and is wrapped in it."""

    title: str
    right: bool = False
    grows: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of printable cells, one for each column."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Span, ...], ...]


def table_lines(table: Table, columns: int) -> Iterator[Spans]:
    """The lines of the table on a page of so many columns, the header first."""
    header = tuple(Span(column.title, Role.FAINT) for column in table.columns)
    widths = _widths(table, header, columns)
    for row in (header, *table.rows):
        yield from _row(row, table.columns, widths)


def _widths(table: Table, header: Sequence[Span], columns: int) -> list[int]:
    natural = [max(width(row[place].text) for row in (header, *table.rows)) for place in range(len(table.columns))]
    growing = [place for place, column in enumerate(table.columns) if column.grows]
    excess = sum(natural) + GAP * (len(natural) - 1) - columns
    for place in sorted(growing, key=lambda each: -natural[each]):
        narrower = max(_NARROWEST, natural[place] - max(0, excess))
        narrower = min(narrower, natural[place])
        excess -= natural[place] - narrower
        natural[place] = narrower
    return natural


def _row(row: Sequence[Span], columns: Sequence[Column], widths: Sequence[int]) -> Iterator[Spans]:
    cells = [
        wrapped((cell,), size) if column.grows else [(cell,)]
        for cell, column, size in zip(row, columns, widths, strict=True)
    ]
    for parts in zip_longest(*cells, fillvalue=(Span(""),)):
        yield _line(parts, columns, widths)


def _line(parts: Sequence[Spans], columns: Sequence[Column], widths: Sequence[int]) -> Spans:
    line: list[Span] = []
    owed = 0  # blanks that are only set when something follows
    for part, column, size in zip(parts, columns, widths, strict=True):
        padding = size - spans_width(part)
        if spans_width(part):
            line.append(Span(" " * (owed + padding if column.right else owed)))
            line.extend(part)
            owed = GAP if column.right else padding + GAP
        else:
            owed += padding + GAP
    return tuple(line)
