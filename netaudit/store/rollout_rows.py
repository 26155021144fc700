"""Verdicts of gates and ends of hosts as JSON, and back. What is read back is checked by use: a damaged row raises."""

from __future__ import annotations

from typing import Any, TypeAlias

from netaudit.model.plan import HostOutcome, Outcome
from netaudit.remedy.gates import GateRow, GateVerdict

_Json: TypeAlias = Any  # what json.loads gives: each use below says what it expects


def verdict_row(verdict: GateVerdict) -> dict[str, object]:
    """The row of a verdict; each counter as a list, since there are many."""
    rows = [
        [row.host, row.counter, row.unit, row.before, row.now, row.threshold, row.passed, row.note]
        for row in verdict.rows
    ]
    return {"reasons": list(verdict.reasons), "rows": rows}


def verdict_from(row: _Json) -> GateVerdict:
    """The verdict of a row."""
    rows = tuple(
        GateRow(host, counter, unit, before, now, threshold, passed=passed, note=note)
        for host, counter, unit, before, now, threshold, passed, note in row["rows"]
    )
    return GateVerdict(rows, tuple(row["reasons"]))


def outcome_row(outcome: HostOutcome) -> dict[str, object]:
    """The row of a host's end; its steps are in the plan."""
    return {
        "address": outcome.address,
        "outcome": outcome.outcome.value,
        "reason": outcome.reason,
        "hint": outcome.hint,
        "read_back": dict(outcome.read_back),
        "duration_s": outcome.duration_s,
        "notes": list(outcome.notes),
    }


def outcome_from(host: str, row: _Json) -> HostOutcome:
    """The host's end of a row, without its steps."""
    return HostOutcome(
        host=host,
        address=row["address"],
        outcome=Outcome(row["outcome"]),
        reason=row["reason"],
        hint=row["hint"],
        read_back=dict(row["read_back"]),
        duration_s=float(row["duration_s"]),
        notes=tuple(row["notes"]),
    )
