"""What became of a remediation, as JSON. ``schema/remediation-1.json`` describes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netaudit.fleet.jsonable import dumps
from netaudit.fleet.rows import run_row
from netaudit.model.plan import HostOutcome, Outcome, Step
from netaudit.remedy.gates import GateVerdict
from netaudit.report.remediation import Told

SCHEMA = "netaudit.remediation/1"


def remediation_json(account: Told) -> Iterator[str]:
    """The object of a remediation, as the schema describes it."""
    yield dumps(remediation_row(account)) + "\n"


def remediation_row(account: Told) -> dict[str, object]:
    """The same as a mapping of plain values."""
    return {
        "schema": SCHEMA,
        "run": run_row(account.run),
        "summary": {
            "hosts": len(account.hosts),
            **{outcome.value: sum(1 for host in account.hosts if host.outcome is outcome) for outcome in Outcome},
        },
        "stopped": account.rolled.reason or None,
        "batches": [
            {
                "number": number,
                "class": batch.step_class.value,
                "hosts": list(batch.hosts),
                "gates": [_verdict_row(verdict) for verdict in account.rolled.verdicts.get(number, ())],
            }
            for number, batch in enumerate(account.batches, 1)
        ],
        "hosts": [host_outcome_row(host, account.rolled.parts(host.host)) for host in account.hosts],
    }


def host_outcome_row(host: HostOutcome, parts: Sequence[HostOutcome]) -> dict[str, object]:
    """One host as plain values; each step with what became of it in its batch."""
    return {
        "name": host.host,
        "address": host.address,
        "outcome": host.outcome.value,
        "reason": host.reason or None,
        "hint": host.hint or None,
        "duration_s": round(host.duration_s, 3),
        "steps": [_step_row(step, part) for part in parts for step in part.steps],
        "notes": list(host.notes),
    }


def _step_row(step: Step, part: HostOutcome) -> dict[str, object]:
    return {
        "outcome": part.outcome.value,
        "operation": step.operation,
        "subject": step.subject,
        "namespace": step.namespace or None,
        "class": step.step_class.value,
        "before": step.before,
        "after": step.after,
        "reads": part.read_back.get(step.subject),
        "file": step.file,
        "checks": list(step.checks),
        "remediation": step.remediation,
    }


def _verdict_row(verdict: GateVerdict) -> dict[str, object]:
    return {
        "passed": verdict.passed,
        "reasons": list(verdict.reasons),
        "counters": [
            {
                "host": row.host, "counter": row.counter, "unit": row.unit, "before": row.before, "now": row.now,
                "threshold": row.threshold, "passed": row.passed, "note": row.note or None,
            }
            for row in verdict.rows
        ],
    }  # fmt: skip
