"""A run as comma separated values (RFC 4180): a row a result, for spreadsheets and for whatever reads a table.

A spreadsheet takes a cell for a formula that begins with one of a few signs, and runs it. Such cells get an apostrophe
in front, which spreadsheets take for "this is text"; numbers are left as they are.
"""

from __future__ import annotations

import csv as rfc4180
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from netaudit.fleet.jsonable import time_text
from netaudit.model.context import NO_CONTEXT, RunContext
from netaudit.model.result import FleetFinding, HostReport, Result, RunInfo, Summary
from netaudit.report.cells import failed_items, text_cell, trouble_cell, value_cell

COLUMNS = (
    "run", "started", "host", "address", "groups", "host_status", "check", "title", "layer", "status", "severity",
    "observed", "expected", "unit", "evidence", "reason", "remediation", "fix", "subjects",
    "waived_by", "waived_ticket", "waived_until", "host_key_checking",
)  # fmt: skip
_FLEET = "(fleet)"
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z", re.ASCII)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last four: full width

_Cells = dict[str, str]


def csv(
    run: RunInfo,
    summary: Summary,
    hosts: Iterable[HostReport],
    fleet: Sequence[FleetFinding],
    context: RunContext = NO_CONTEXT,
) -> Iterator[str]:
    """A header, then the results of each host; a row without check for each host that gave no verdict."""
    del summary, context  # totals are the reader's to make, and rules have no place in a table of results
    about = {"run": run.id, "started": time_text(run.started_at), "host_key_checking": run.host_key_checking}
    yield lines_of([COLUMNS])
    for report in hosts:
        yield lines_of(_ordered({**about, **cells}) for cells in _host_rows(report))
    yield lines_of(_ordered({**about, **_fleet_cells(finding)}) for finding in fleet)


def safe(cell: str) -> str:
    """The cell as a spreadsheet will show it, and not calculate it."""
    if cell.lstrip(" \xa0\u3000").startswith(_FORMULA) and not _NUMBER.match(cell):
        return f"'{cell}"
    return cell


def lines_of(rows: Iterable[Sequence[str]]) -> str:
    """The rows as text, every cell in quotes."""
    text = io.StringIO(newline="")
    rfc4180.writer(text, quoting=rfc4180.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _ordered(cells: _Cells) -> list[str]:
    return [safe(cells.get(column, "")) for column in COLUMNS]


def _host_rows(report: HostReport) -> Iterator[_Cells]:
    about = {
        "host": text_cell(report.name),
        "address": text_cell(report.address),
        "groups": text_cell(" ".join(report.groups)),
        "host_status": report.status.value,
    }
    if report.error is not None:
        yield {**about, "reason": trouble_cell(report)}
    for result in report.results:
        yield {**about, **_result_cells(result)}


def _result_cells(result: Result) -> _Cells:
    cells = {
        "check": text_cell(result.check),
        "title": text_cell(result.title),
        "layer": text_cell(result.layer),
        "status": result.verdict.value,
        "severity": result.severity.value,
        "observed": value_cell(result.observed),
        "expected": text_cell(result.expected),
        "unit": text_cell(result.unit),
        "evidence": text_cell(result.evidence),
        "reason": text_cell(result.reason),
        "remediation": text_cell(result.remediation),
        "fix": text_cell(result.fix),
        "subjects": text_cell("; ".join(item.subject for item in failed_items(result))),
    }
    if result.waived is not None:
        cells["waived_by"] = text_cell(result.waived.approver)
        cells["waived_ticket"] = text_cell(result.waived.ticket)
        cells["waived_until"] = time_text(result.waived.until)
    return cells


def _fleet_cells(finding: FleetFinding) -> _Cells:
    return {
        "host": _FLEET,
        "check": text_cell(finding.check),
        "title": text_cell(finding.title),
        "status": finding.verdict.value,
        "severity": finding.severity.value,
        "expected": text_cell(finding.expected),
        "evidence": text_cell(finding.evidence),
        "fix": text_cell(finding.fix),
        "subjects": text_cell("; ".join(finding.hosts)),
    }
