"""A diagnosis as JSON: one object for a run, or one line for each host. ``schema/diagnosis-1.json`` describes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from netaudit.diagnosis.remedied import planned
from netaudit.fleet.jsonable import dumps
from netaudit.fleet.rows import error_row, run_row, summary_row
from netaudit.model.diagnosis import Cause, Change, HostDiagnosis, InterfaceLoad, StuckQueue, Talker, Unseen
from netaudit.model.result import RunInfo, Summary
from netaudit.report.timeline import headers_row, seen_rows, timeline_row
from netaudit.report.trace import trace_row

SCHEMA = "netaudit.diagnosis/1"
Row: TypeAlias = dict[str, object]


def diagnosis_line(diagnosis: HostDiagnosis) -> str:
    """The object of one host on one line of ASCII, without the newline."""
    return dumps(diagnosis_row(diagnosis))


def diagnosis_json(run: RunInfo, summary: Summary, host_lines: Iterable[str]) -> Iterator[str]:
    """The object of a run, in pieces to write one after the other; hosts in inventory order."""
    yield f'{{"schema": {json.dumps(SCHEMA)},\n "run": {dumps(run_row(run))},\n'
    yield f' "summary": {dumps(_summary(summary))},\n "hosts": ['
    separator = "\n  "
    for line in host_lines:
        yield separator + line
        separator = ",\n  "
    yield "]}\n"


def _summary(summary: Summary) -> Row:
    row: Mapping[str, object] = summary_row(summary)
    return {name: row[name] for name in ("hosts", "ok", "unreachable", "error", "findings")}


def diagnosis_row(one: HostDiagnosis) -> Row:
    """The object of one host."""
    return {
        "name": one.name,
        "address": one.address,
        "status": one.status.value,
        "error": error_row(one.error),
        "duration_s": round(one.duration_s, 3),
        "window_s": round(one.window_s, 3),
        "samples": one.samples,
        "causes": [_cause(cause) for cause in one.causes],
        "not_observable": [_unseen(each) for each in one.unseen],
        "talkers": [_talker(each) for each in one.talkers],
        "stuck": [_stuck(each) for each in one.stuck],
        "interfaces": [_interface(each) for each in one.interfaces],
        "notes": list(one.notes),
        "trace": trace_row(one.trace),
        "timeline": timeline_row(one.timeline),
        "headers": headers_row(one.headers),
        "probes": seen_rows(one),
    }


def _cause(cause: Cause) -> Row:
    return {
        "id": cause.id,
        "code": cause.code,
        "title": cause.title,
        "layer": cause.layer.value,
        "severity": cause.severity.value,
        "confidence": cause.confidence.value,
        "summary": cause.summary,
        "counters": _changes(cause.changes),
        "evidence": list(cause.evidence),
        "ruled_out": [{"cause": each.cause, "title": each.title, "fact": each.fact} for each in cause.ruled_out],
        "subjects": list(cause.subjects),
        "fix": cause.fix,
        "checks": list(cause.checks),
        "remediation": cause.remediation,
        "plan": list(planned(cause)),
        "look": list(cause.look),
        "explains": list(cause.explains),
    }


def _changes(changes: Sequence[Change]) -> list[Row]:
    return [
        {"name": each.name, "delta": each.growth, "per_s": round(each.rate_per_s, 3), "series": list(each.series)}
        for each in changes
    ]


def _unseen(one: Unseen) -> Row:
    return {"cause": one.cause, "title": one.title, "layer": one.layer.value, "reason": one.reason}


def _talker(one: Talker) -> Row:
    return {
        "process": one.process,
        "peer": one.peer,
        "port": one.port,
        "connections": one.connections,
        "sent_bps": round(one.sent_bps),
        "received_bps": round(one.received_bps),
        "retransmitted": one.retransmitted,
        "lower_bound": one.is_lower_bound,
    }


def _stuck(one: StuckQueue) -> Row:
    return {
        "queue": one.kind,
        "endpoint": one.endpoint,
        "peer": one.peer,
        "process": one.holder,
        "first": one.first,
        "last": one.last,
        "limit": one.limit,
    }


def _interface(one: InterfaceLoad) -> Row:
    return {
        "name": one.name,
        "rx_bps": round(one.rx_bps),
        "tx_bps": round(one.tx_bps),
        "rx_pps": round(one.rx_pps, 1),
        "tx_pps": round(one.tx_pps, 1),
        "rx_dropped": one.rx_dropped,
        "tx_dropped": one.tx_dropped,
        "rx_link_ratio": _ratio(one.rx_link_ratio),
        "tx_link_ratio": _ratio(one.tx_link_ratio),
        "rx_ring_slots": one.rx_ring_slots,
        "rx_ring_ms": None if one.rx_ring_ms is None else round(one.rx_ring_ms, 2),
    }


def _ratio(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
