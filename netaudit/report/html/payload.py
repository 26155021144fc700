"""The matrix as JSON for the page's script, in pieces, and safe inside a ``script`` element.

A column's cells are one text: each cell the number of its kind, in base 64 and of one width. Texts are told once and
referred to by number. Everything that came from anywhere goes through ``sanitise.printable`` on its way in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from netaudit.fleet.spread import Plain
from netaudit.report.html.columns import Column, Columns, HostLine, Kind, Subject, Value
from netaudit.report.sanitise import printable
from netaudit.report.signs import UNICODE
from netaudit.report.values import change_texts, expected_text, one

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
MAX_CHARS = 2_100
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_ESCAPES = str.maketrans(_UNSAFE)


def script_json(value: object) -> str:
    """A value as JSON in ASCII that cannot end the element that it stands in."""
    return json.dumps(value, separators=(",", ":")).translate(_ESCAPES)


class Texts:
    """Texts that were made printable, by their number."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._numbers: dict[str, int] = {}
        self._raw = tuple(known)
        self._of_raw = [self.number(printable(text, MAX_CHARS)) for text in self._raw]

    def number(self, text: str) -> int:
        """The number of a text."""
        return self._numbers.setdefault(text, len(self._numbers))

    def of(self, raw: int) -> int:
        """The number of one of the known texts by the number that it had."""
        return self._of_raw[raw]

    def raw(self, raw: int) -> str:
        """One of the known texts as it was."""
        return self._raw[raw]

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)


def matrix_json(columns: Columns, order: Sequence[int], checks: Sequence[Column]) -> Iterator[str]:
    """The object of the matrix. ``order`` are rows, in the order in which the page names the hosts."""
    texts = Texts(columns.texts)
    group_sets: dict[tuple[str, ...], int] = {}
    troubles: dict[tuple[str, ...], int] = {}
    yield '{"hosts":['
    for place, row in enumerate(order):
        host = columns.hosts[row]
        yield ("," if place else "") + script_json(_host(host, group_sets, troubles))
    yield f'],"groupSets":{script_json([list(map(_name, groups)) for groups in group_sets])}'
    yield f',"troubles":{script_json([[printable(text, MAX_CHARS) for text in trouble] for trouble in troubles])}'
    yield ',"checks":['
    for place, column in enumerate(checks):
        yield ("," if place else "") + script_json(_check(column, order, texts))
    yield f'],"cut":{columns.cut},"texts":{script_json(list(texts))}}}'


def _host(host: HostLine, group_sets: dict[tuple[str, ...], int], troubles: dict[tuple[str, ...], int]) -> list[object]:
    trouble = None if host.trouble is None else troubles.setdefault((host.status, *host.trouble), len(troubles))
    groups = group_sets.setdefault(host.groups, len(group_sets))
    address = "" if host.address == host.name else _name(host.address)
    line: list[object] = [_name(host.name), address, groups, trouble, round(host.duration_s, 3)]
    if host.notes:
        line.append([printable(note) for note in host.notes])
    return line


def _name(text: str) -> str:
    return printable(text, 260)


def _check(column: Column, order: Sequence[int], texts: Texts) -> dict[str, object]:
    width = 1 if len(column.kinds) < 64 else 2 if len(column.kinds) < 64**2 else 3
    digits = [_digits(number, width) for number in range(len(column.kinds) + 1)]
    cells = column.cells
    text = "".join([digits[cells[row]] if row < len(cells) else digits[0] for row in order])
    kinds = [_kind(kind, column.unit, texts) for kind in column.kinds]
    return {
        "id": printable(column.check),
        "title": printable(column.title),
        "layer": printable(column.layer),
        "width": width,
        "cells": text,
        "kinds": kinds,
    }


def _digits(number: int, width: int) -> str:
    text = ""
    for _ in range(width):
        text = DIGITS[number & 63] + text
        number >>= 6
    return text


def _kind(kind: Kind, unit: str | None, texts: Texts) -> list[object]:
    """State, observed, expected, evidence, reason, fix, waiver, subjects; empty ends are left out."""
    seen, wanted = shown_values(kind.observed, texts.raw(kind.expected), unit)
    row: list[object] = [kind.state, texts.number(seen), texts.number(wanted)]
    row += [texts.of(number) for number in (kind.evidence, kind.reason, kind.fix, kind.waiver)]
    row.append([_subject(subject, unit, texts) for subject in kind.subjects] or 0)
    row.append(kind.subjects_left)
    while len(row) > 1 and row[-1] == 0:
        row.pop()
    return row


def _subject(subject: Subject, unit: str | None, texts: Texts) -> list[object]:
    seen, wanted = shown_values(subject.observed, texts.raw(subject.expected), unit)
    row: list[object] = [subject.state, texts.of(subject.name), texts.number(seen), texts.number(wanted)]
    return row + [texts.of(number) for number in (subject.evidence, subject.reason, subject.fix)]


def shown_values(observed: Value, expected: str, unit: str | None) -> tuple[str, str]:
    """What was seen and what was expected, in words."""
    value: Plain = observed[1]
    if value is None:
        return "", expected_text(expected, UNICODE) if expected else ""
    return change_texts(one(value), one(expected), unit, UNICODE, per_host=False)
