"""Values as the text of a machine format: on one line, unrounded, bounded, and free of control characters."""

from __future__ import annotations

from netaudit.fleet.jsonable import dumps
from netaudit.fleet.spread import plain
from netaudit.model.result import FleetFinding, HostReport, Item, Result, Verdict
from netaudit.report.sanitise import printable

VALUE_CHARS = 300
TEXT_CHARS = 1_000
_SUBJECTS = 8


def value_cell(value: object) -> str:
    """A value as the kernel prints it: the fields of a vector with blanks between them, a mapping as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return printable(" ".join(value_cell(each) or "-" for each in value[:64]), VALUE_CHARS)
    if isinstance(value, dict):
        return printable(dumps(value), VALUE_CHARS)
    return printable(str(plain(value)), VALUE_CHARS)


def text_cell(text: str | None, limit: int = TEXT_CHARS) -> str:
    """Text on one line; none is empty."""
    return printable(text, limit) if text else ""


def failed_items(result: Result) -> tuple[Item, ...]:
    """The subjects of a result that failed."""
    return tuple(item for item in result.items if item.verdict is Verdict.FAIL)


def subjects_cell(result: Result) -> str:
    """The subjects that failed: the first few by name, the others by number."""
    names = [item.subject for item in failed_items(result)]
    more = f", and {len(names) - _SUBJECTS:,} more" if len(names) > _SUBJECTS else ""
    return text_cell(", ".join(names[:_SUBJECTS])) + more


def change_cell(result: Result | Item | FleetFinding, unit: str | None = None) -> str:
    """``128, expected >= 4096 connections``; either part may be missing."""
    observed = "" if isinstance(result, FleetFinding) else value_cell(result.observed)
    wanted = text_cell(result.expected, VALUE_CHARS)
    tail = f" {text_cell(unit, 40)}" if unit and (observed or wanted) else ""
    if observed and wanted:
        return f"{observed}, expected {wanted}{tail}"
    return (f"expected {wanted}" if wanted else observed) + tail


def trouble_cell(report: HostReport) -> str:
    """Why a host gave no verdict, and what may help."""
    if report.error is None:
        return ""
    hint = f" ({text_cell(report.error.hint)})" if report.error.hint else ""
    return f"{report.error.kind}: {text_cell(report.error.message)}{hint}"
