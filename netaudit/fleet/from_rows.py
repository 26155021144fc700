"""Rows as ``rows`` writes them, read back as values.

Every function raises KeyError, TypeError or ValueError when it is given something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import cast

from netaudit.errors import ErrorKind, Phase
from netaudit.model.probe import HostError
from netaudit.model.result import FleetFinding, HostReport, HostStatus, Item, Result, Severity, Summary, Verdict, Waived


def host_from_row(row: Mapping[str, object]) -> HostReport:
    """The host that the object tells of."""
    return HostReport(
        name=_text(row, "name"),
        address=_text(row, "address"),
        status=HostStatus(_text(row, "status")),
        error=error_from_row(row["error"]),
        duration_s=float(cast(float, row["duration_s"])),
        results=tuple(_result_from(each) for each in _rows(row["results"])),
        notes=_texts(row.get("notes", [])),
        groups=_texts(row.get("groups", [])),
    )


def error_from_row(value: object) -> HostError | None:
    """The trouble that the object tells of."""
    if value is None:
        return None
    row = _row(value)
    phase = Phase(_text(row, "phase"))
    return HostError(ErrorKind(_text(row, "kind")), _text(row, "message"), phase, _text(row, "hint"))


def _result_from(row: Mapping[str, object]) -> Result:
    return Result(
        check=_text(row, "check"),
        title=_text(row, "title"),
        layer=_text(row, "layer"),
        verdict=Verdict(_text(row, "status")),
        severity=Severity(_text(row, "severity")),
        observed=row["observed"],
        expected=_text_or_none(row, "expected"),
        unit=_text_or_none(row, "unit"),
        evidence=_text_or_none(row, "evidence"),
        reason=_text_or_none(row, "reason"),
        remediation=_text_or_none(row, "remediation"),
        fix=_text_or_none(row, "fix"),
        waived=waived_from_row(row["waived"]) if "waived" in row else None,
        items=tuple(item_from_row(each) for each in _rows(row.get("items", []))),
        passed_items=int(cast(int, row.get("passed_items", 0))),
    )


def waived_from_row(value: object) -> Waived:
    """The waiver that the object tells of."""
    row = _row(value)
    until = datetime.fromisoformat(_text(row, "until"))
    return Waived(_text(row, "reason"), _text(row, "approver"), _text(row, "ticket"), until)


def item_from_row(row: Mapping[str, object]) -> Item:
    """The subject that the object tells of."""
    return Item(
        subject=_text(row, "subject"),
        verdict=Verdict(_text(row, "status")),
        severity=Severity(_text(row, "severity")),
        observed=row["observed"],
        expected=_text(row, "expected"),
        evidence=_text(row, "evidence"),
        reason=_text_or_none(row, "reason"),
        fix=_text_or_none(row, "fix"),
    )


def fleet_from_row(row: Mapping[str, object]) -> FleetFinding:
    """The finding across hosts that the object tells of."""
    return FleetFinding(
        check=_text(row, "check"),
        title=_text(row, "title"),
        verdict=Verdict(_text(row, "status")),
        severity=Severity(_text(row, "severity")),
        hosts=_texts(row["hosts"]),
        evidence=_text(row, "evidence"),
        expected=_text_or_none(row, "expected"),
        fix=_text_or_none(row, "fix"),
    )


def _row(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"an object is wanted, not {type(value).__name__}")
    return value


def _rows(value: object) -> Iterable[Mapping[str, object]]:
    return (_row(each) for each in _list(value))


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"a list is wanted, not {type(value).__name__}")
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in _list(value))


def _text(row: Mapping[str, object], key: str) -> str:
    value = row[key]
    if not isinstance(value, str):
        raise TypeError(f"{key}: text is wanted, not {type(value).__name__}")
    return value


def _text_or_none(row: Mapping[str, object], key: str) -> str | None:
    return None if row.get(key) is None else _text(row, key)


def summary_from_row(row: Mapping[str, object]) -> Summary:
    """The totals that the object tells of."""
    findings = _row(row["findings"])
    return Summary(
        hosts=_whole(row, "hosts"),
        ok=_whole(row, "ok"),
        unreachable=_whole(row, "unreachable"),
        error=_whole(row, "error"),
        findings={severity: _whole(findings, severity.value) for severity in Severity},
        waived=_whole(row, "waived"),
        unknown=_whole(row, "unknown"),
    )


def _whole(row: Mapping[str, object], key: str) -> int:
    value = row[key]
    if not isinstance(value, int):
        raise TypeError(f"{key}: a whole number is wanted, not {type(value).__name__}")
    return value
