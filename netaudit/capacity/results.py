"""Assessments as results of an audit: so the history keeps them, and every report of findings can show them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from netaudit.capacity.words import amount
from netaudit.model.capacity import Assessment, CapacityVerdict, SettingChange
from netaudit.model.result import Item, Result, Severity, Verdict

_ENOUGH = 100  # times the load: nobody asks how much more
_VERDICTS = {
    CapacityVerdict.BREAKS: Verdict.FAIL,
    CapacityVerdict.TIGHT: Verdict.FAIL,
    CapacityVerdict.NEEDS_FIGURE: Verdict.UNKNOWN,
    CapacityVerdict.UNKNOWN: Verdict.UNKNOWN,
    CapacityVerdict.FITS: Verdict.PASS,
    CapacityVerdict.NOT_CONCERNED: Verdict.SKIPPED,
}


def check_id(resource: str) -> str:
    """The name under which a resource stands among checks: ``capacity.accept_queue``."""
    return f"capacity.{resource.replace('-', '_')}"


def results_of(assessments: Iterable[Assessment]) -> tuple[Result, ...]:
    """A result for each resource; its several subjects are items, as of any check over several."""
    by_resource: dict[str, list[Assessment]] = {}
    for each in assessments:
        by_resource.setdefault(each.resource, []).append(each)
    return tuple(_result(rows) for rows in by_resource.values())


def _result(rows: Sequence[Assessment]) -> Result:
    worst = min(rows, key=lambda row: row.verdict.rank)
    items = tuple(_item(row) for row in rows if row.subject and _VERDICTS[row.verdict] is not Verdict.PASS)
    return Result(
        check=check_id(worst.resource),
        title=worst.title,
        layer=worst.layer,
        verdict=_VERDICTS[worst.verdict],
        severity=_severity(worst),
        observed=_observed(worst),
        expected=_expected(worst),
        unit=worst.unit,
        evidence=evidence_of(worst),
        reason=worst.reason or None,
        fix=fix_of(worst.changes),
        items=items,
        passed_items=sum(row.verdict is CapacityVerdict.FITS for row in rows if row.subject),
    )


def _item(row: Assessment) -> Item:
    return Item(
        subject=row.subject,
        verdict=_VERDICTS[row.verdict],
        severity=_severity(row),
        observed=_observed(row),
        expected=_expected(row) or "",
        evidence=evidence_of(row) or "",
        reason=row.reason or None,
        fix=fix_of(row.changes),
    )


def _severity(row: Assessment) -> Severity:
    return row.verdict.severity or Severity.HIGH


def _observed(row: Assessment) -> object:
    return None if row.limit is None else math.floor(row.limit)


def _expected(row: Assessment) -> str | None:
    return None if row.provision is None else f">= {math.ceil(row.provision - 1e-6)}"


def evidence_of(row: Assessment) -> str | None:
    """The arithmetic, and where the limit was read."""
    return "; ".join(filter(None, (row.formula, row.evidence))) or None


def fix_of(changes: Sequence[SettingChange]) -> str | None:
    """One line: what would have to be changed."""
    return "; ".join(change_text(change) for change in changes) or None


def change_text(change: SettingChange) -> str:
    """``net.core.somaxconn from 128 to 4096``, with its note."""
    subject = f" of {change.subject}" if change.subject else ""
    now = f" from {change.now}" if change.now.replace(" ", "").isdigit() else ""
    note = f" ({change.note})" if change.note else ""
    return f"{change.setting}{subject}{now} to {change.value}{note}"


def breaking_text(row: Assessment) -> str:
    """``breaks at 0.6 × the load``, or that no load does it. What loses nothing only reaches its limit."""
    if row.breaks_at is None:
        return "" if row.required is None or row.limit is None else "does not grow with the load"
    verb = "full" if row.is_soft else "breaks"
    if not row.breaks_at:
        return f"{verb} at any load"
    if row.breaks_at >= _ENOUGH:
        return f"{verb} at more than {_ENOUGH} × the load"
    return f"{verb} at {row.breaks_at:.3g} × the load"


def need_text(row: Assessment) -> str:
    """``needs 2,500 connections (3,750 with headroom), has 129``."""
    if row.required is None:
        return ""
    said = f"needs {amount(_up(row.required, row.unit), row.unit)}"
    if row.provision is not None and row.provision > row.required:
        said += f", with headroom {amount(_up(row.provision, row.unit), '' if row.unit not in _SCALED else row.unit)}"
    if row.limit is not None:
        said += f"; has {amount(row.limit, '' if row.unit not in _SCALED else row.unit)}"
    return said.replace(" ;", ";").rstrip()


_SCALED = {"bytes", "bit/s"}


def _up(value: float, unit: str) -> float:
    return value if unit in _SCALED else math.ceil(value - 1e-6)
