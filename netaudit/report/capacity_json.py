"""The answer of ``netaudit capacity`` as JSON: one object for a run, or one line for each host."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from netaudit.fleet.jsonable import dumps
from netaudit.fleet.rows import Row, error_row, run_row
from netaudit.model.capacity import (
    Assessment,
    CapacityLine,
    CapacityVerdict,
    FigureNeed,
    FleetCapacity,
    HostCapacity,
    SettingChange,
    WorkloadRef,
)
from netaudit.model.result import RunInfo, Summary

SCHEMA = "netaudit.capacity/1"
_DIGITS = 6  # that count, of a computed number
_WHOLE = 2**53  # from here on a float is no count


def host_line(host: HostCapacity) -> str:
    """The object of one host on one line of ASCII, without the newline."""
    return dumps(host_row(host))


def capacity_json(
    run: RunInfo, workload: WorkloadRef, summary: Summary, host_lines: Iterable[str], fleet: FleetCapacity
) -> Iterator[str]:
    """The object of a run, in pieces to write one after the other; the lines of its hosts are made already."""
    yield f'{{"schema": {json.dumps(SCHEMA)},\n "run": {dumps(run_row(run))},\n'
    yield f' "workload": {dumps(workload_row(workload))},\n "summary": {dumps(_summary_row(summary, fleet))},\n'
    yield f' "first": {dumps(line_row(fleet.first) if fleet.first else None)},\n'
    yield f' "needs": {dumps([{**need_row(need), "resources": list(titles)} for need, titles in fleet.needs])},\n'
    yield ' "hosts": ['
    separator = "\n  "
    for line in host_lines:
        yield separator + line
        separator = ",\n  "
    yield "]}\n"


def workload_row(workload: WorkloadRef) -> Row:
    """The object of the workload."""
    return {
        "name": workload.name, "title": workload.title, "file": workload.file, "sha256": workload.sha256,
        "scale": workload.scale, "present": workload.present, "assumes": workload.assumes,
        "what_if": dict(workload.what_if),
    }  # fmt: skip


def _summary_row(summary: Summary, fleet: FleetCapacity) -> Row:
    return {
        "hosts": summary.hosts, "ok": summary.ok, "unreachable": summary.unreachable, "error": summary.error,
        "resources": {verdict.value: fleet.verdicts.get(verdict, 0) for verdict in CapacityVerdict},
    }  # fmt: skip


def line_row(line: CapacityLine) -> Row:
    """The object of one resource over the hosts that fare alike."""
    weakest = line.weakest
    return {
        "resource": weakest.resource, "title": weakest.title, "subject": weakest.subject,
        "verdict": weakest.verdict.value, "breaks_at": rounded(weakest.breaks_at), "hosts": list(line.hosts),
        "weakest": line.weakest_host,
    }  # fmt: skip


def host_row(host: HostCapacity) -> Row:
    """The object of one host."""
    first = host.first
    row: Row = {
        "name": host.name,
        "address": host.address,
        "status": host.status.value,
        "error": error_row(host.error),
        "duration_s": round(host.duration_s, 3),
        "first": None
        if first is None
        else {"resource": first.resource, "subject": first.subject, "breaks_at": rounded(first.breaks_at)},
        "resources": [assessment_row(each) for each in host.assessments],
    }
    if host.notes:
        row["notes"] = list(host.notes)
    return row


def assessment_row(row: Assessment) -> Row:
    """The object of one resource of one host; what it does not have is null or an empty list."""
    sure = row.uncertainty
    return {
        "resource": row.resource,
        "title": row.title,
        "layer": row.layer,
        "subject": row.subject,
        "verdict": row.verdict.value,
        "severity": row.verdict.severity.value if row.verdict.severity else None,
        "unit": row.unit,
        "required": rounded(row.required),
        "provision": rounded(row.provision),
        "limit": rounded(row.limit),
        "in_use": rounded(row.in_use),
        "headroom": rounded(row.headroom),
        "breaks_at": rounded(row.breaks_at),
        "formula": row.formula,
        "uncertainty": {"low": sure.low, "high": sure.high, "why": sure.why} if sure else None,
        "reason": row.reason,
        "evidence": row.evidence,
        "sources": list(row.sources),
        "loads": list(row.loads),
        "needs": [need_row(need) for need in row.needs],
        "assumed": list(row.assumed),
        "changes": [_change_row(change) for change in row.changes],
        "soft": row.is_soft,
    }


def need_row(need: FigureNeed) -> Row:
    """The object of a figure that the workload lacks."""
    return {"figure": need.figure, "load": need.load, "meaning": need.meaning, "usual": need.usual}


def _change_row(change: SettingChange) -> Row:
    return {
        "setting": change.setting, "value": change.value, "now": change.now, "subject": change.subject,
        "note": change.note,
    }  # fmt: skip


def rounded(value: float | None) -> float | int | None:
    """A number with as many digits as count; whole numbers stay what they are."""
    if value is None:
        return None
    if abs(value) < _WHOLE and value == int(value):
        return int(value)
    return float(f"{value:.{_DIGITS}g}")
