"""Finished values as plain rows: the objects of the audit's JSON, field for field.

Reports print these rows and the store keeps them. The fields of the published format are always there; those that
netaudit adds to it (a result's ``fix``, ``waived``, ``items``) are left out where they would say nothing.
"""

from __future__ import annotations

from typing import TypeAlias

from netaudit.fleet.jsonable import time_text
from netaudit.model.probe import HostError
from netaudit.model.result import FleetFinding, HostReport, Item, Result, RunInfo, Severity, Summary, Waived

Row: TypeAlias = dict[str, object]


def host_row(report: HostReport) -> Row:
    """The object of one host."""
    row: Row = {
        "name": report.name,
        "address": report.address,
        "status": report.status.value,
        "error": error_row(report.error),
        "duration_s": round(report.duration_s, 3),
        "results": [_result_row(result) for result in report.results],
    }
    if report.notes:
        row["notes"] = list(report.notes)
    if report.groups:
        row["groups"] = list(report.groups)
    return row


def error_row(error: HostError | None) -> Row | None:
    """The object that says why a host gave no verdict."""
    if error is None:
        return None
    return {
        "kind": error.kind.value,
        "message": error.message,
        "hint": error.hint,
        "phase": error.phase.value,
    }


def _result_row(result: Result) -> Row:
    row: Row = {
        "check": result.check,
        "title": result.title,
        "layer": result.layer,
        "status": result.verdict.value,
        "severity": result.severity.value,
        "observed": result.observed,
        "expected": result.expected,
        "unit": result.unit,
        "evidence": result.evidence,
        "reason": result.reason,
        "remediation": result.remediation,
    }
    if result.fix is not None:
        row["fix"] = result.fix
    if result.waived is not None:
        row["waived"] = waived_row(result.waived)
    if result.items:
        row["items"] = [item_row(item) for item in result.items]
    if result.passed_items:
        row["passed_items"] = result.passed_items
    return row


def waived_row(waived: Waived) -> Row:
    """The object of a waiver that a result carries."""
    return {
        "reason": waived.reason,
        "approver": waived.approver,
        "ticket": waived.ticket,
        "until": time_text(waived.until),
    }


def item_row(item: Item) -> Row:
    """The object of one subject of a result."""
    row: Row = {
        "subject": item.subject,
        "status": item.verdict.value,
        "severity": item.severity.value,
        "observed": item.observed,
        "expected": item.expected,
        "evidence": item.evidence,
        "reason": item.reason,
    }
    if item.fix is not None:
        row["fix"] = item.fix
    return row


def run_row(run: RunInfo) -> Row:
    """The object of the run."""
    baseline = run.baseline
    return {
        "id": run.id,
        "started": time_text(run.started_at),
        "duration_s": round(run.duration_s, 3),
        "version": run.version,
        "baseline": {"name": baseline.name, "sha256": baseline.sha256} if baseline else None,
        "host_key_checking": run.host_key_checking,
        "interrupted": run.interrupted,
        "notes": list(run.notes),
    }


def summary_row(summary: Summary) -> Row:
    """The object of the totals; every severity is named."""
    return {
        "hosts": summary.hosts,
        "ok": summary.ok,
        "unreachable": summary.unreachable,
        "error": summary.error,
        "findings": {severity.value: summary.findings.get(severity, 0) for severity in Severity},
        "waived": summary.waived,
        "unknown": summary.unknown,
    }


def fleet_row(finding: FleetFinding) -> Row:
    """The object of one finding across hosts."""
    row: Row = {
        "check": finding.check,
        "status": finding.verdict.value,
        "severity": finding.severity.value,
        "hosts": list(finding.hosts),
        "evidence": finding.evidence,
        "title": finding.title,
    }
    if finding.expected is not None:
        row["expected"] = finding.expected
    if finding.fix is not None:
        row["fix"] = finding.fix
    return row
