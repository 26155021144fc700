"""The results of one host as few bytes, and back.

Two things make them few. What is the same for all hosts of a run (a check's title, layer, unit, remediation) is told
once per run and referred to by number. And the text of the first host that answered serves the compressor as a
dictionary for the others, whose texts are nearly the same.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from netaudit.fleet.from_rows import item_from_row, waived_from_row
from netaudit.fleet.jsonable import dumps
from netaudit.fleet.rows import item_row, waived_row
from netaudit.model.result import HostReport, Result, Severity, Verdict

_LEVEL = 3  # with a dictionary half the bytes of level 1, in the same time
_WINDOW_BITS = 14  # of the dictionary: 16 KiB, a host's text; the state that is copied for each host grows with it
_MEMORY_LEVEL = 7
_MAX_BODY_BYTES = 256 * 2**20
_PLAIN_FIELDS = 8
_MAX_ROWS = 2048  # texts of results that hosts may share

# A table is faster than the enum's own look-up, and this is done for every result that is read.
_VERDICTS = {str(verdict): verdict for verdict in Verdict}
_SEVERITIES = {str(severity): severity for severity in Severity}


@dataclass(frozen=True, slots=True)
class CheckText:
    """What all hosts of a run share of one check."""

    id: str
    title: str
    layer: str
    unit: str | None
    remediation: str | None


_CheckKey: TypeAlias = tuple[str, str, str, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Packed:
    """The bytes of one host, and which checks failed there, by number, with the rank of the severity."""

    body: bytes
    uses_dictionary: bool
    failures: tuple[tuple[int, int], ...]


class _Row(NamedTuple):
    """One result as text. It holds the result, so no other object can have its identity."""

    result: Result
    number: int  # of its check
    text: str


class Packer:
    """Packs the hosts of one run. ``new_checks`` and ``dictionary`` are to be kept before what refers to them."""

    def __init__(self) -> None:
        self._numbers: dict[_CheckKey, int] = {}
        self._rows: dict[int, _Row] = {}  # by the identity of the result
        self.new_checks: list[tuple[int, _CheckKey]] = []
        self._dictionary: bytes | None = None
        self._primed = zlib.compressobj(_LEVEL)
        self.new_dictionary: bytes | None = None

    def forget_written(self) -> None:
        """Take note that the new checks and the new dictionary have been kept."""
        self.new_checks.clear()
        self.new_dictionary = None

    def pack(self, report: HostReport) -> Packed:
        """The host's notes and results."""
        failures: dict[int, int] = {}
        rows = [self._row(result) for result in report.results]
        for row in rows:
            if row.result.verdict is Verdict.FAIL:
                failures[row.number] = max(failures.get(row.number, 0), row.result.severity.rank)
        text = f"[{dumps(report.notes)},[{','.join([row.text for row in rows])}]]".encode("ascii")
        if self._dictionary is not None:
            compressor = self._primed.copy()
            body = compressor.compress(text) + compressor.flush()
            return Packed(body, uses_dictionary=True, failures=tuple(failures.items()))
        if rows:
            self._choose_dictionary(text)
        return Packed(zlib.compress(text, _LEVEL), uses_dictionary=False, failures=tuple(failures.items()))

    def _row(self, result: Result) -> _Row:
        """The row of a result; most hosts share most results with others, which are one object then."""
        row = self._rows.get(id(result))
        if row is None:
            key = (result.check, result.title, result.layer, result.unit, result.remediation)
            number = self._numbers.get(key)
            if number is None:
                number = self._numbers[key] = len(self._numbers)
                self.new_checks.append((number, key))
            if len(self._rows) >= _MAX_ROWS:
                self._rows.clear()
            row = self._rows[id(result)] = _Row(result, number, dumps(_packed_result(number, result)))
        return row

    def _choose_dictionary(self, text: bytes) -> None:
        self._dictionary = self.new_dictionary = text[-(1 << _WINDOW_BITS) :]
        self._primed = zlib.compressobj(
            _LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL, zlib.Z_DEFAULT_STRATEGY, self._dictionary
        )


def _packed_result(number: int, result: Result) -> tuple[object, ...]:
    """The result as a row; enums are texts and need no conversion."""
    packed = (
        number,
        result.verdict,
        result.severity,
        result.observed,
        result.expected,
        result.evidence,
        result.reason,
        result.fix,
    )
    if result.waived is None and not result.items and not result.passed_items:
        return packed
    waived = waived_row(result.waived) if result.waived else None
    return (*packed, waived, [item_row(item) for item in result.items], result.passed_items)


def unpack(
    body: bytes, dictionary: bytes | None, checks: Mapping[int, CheckText]
) -> tuple[tuple[str, ...], tuple[Result, ...]]:
    """Notes and results. Raises ValueError when the bytes are not such a body."""
    try:
        expander = zlib.decompressobj(zdict=dictionary) if dictionary else zlib.decompressobj()
        notes, rows = json.loads(expander.decompress(body, _MAX_BODY_BYTES))
        return tuple(notes), tuple([_unpacked_result(row, checks) for row in rows])
    except (zlib.error, KeyError, TypeError, IndexError) as error:
        raise ValueError(f"the results of a host cannot be read back: {error}") from error


def _unpacked_result(row: list[Any], checks: Mapping[int, CheckText]) -> Result:  # Any: what JSON holds
    number, verdict, severity, observed, expected, evidence, reason, fix = row[:_PLAIN_FIELDS]
    check = checks[number]
    waived, items, passed = row[_PLAIN_FIELDS:] or (None, (), 0)
    return Result(
        check.id,
        check.title,
        check.layer,
        _VERDICTS[verdict],
        _SEVERITIES[severity],
        observed,
        expected,
        check.unit,
        evidence,
        reason,
        check.remediation,
        fix,
        waived_from_row(waived) if waived is not None else None,
        tuple([item_from_row(item) for item in items]),
        passed,
    )
