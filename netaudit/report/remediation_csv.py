"""What became of a remediation as comma separated values: a row for each change of each host, in inventory order."""

from __future__ import annotations

from collections.abc import Iterator

from netaudit.fleet.jsonable import time_text
from netaudit.model.plan import HostOutcome, Step
from netaudit.report.cells import text_cell
from netaudit.report.csv import lines_of, safe
from netaudit.report.remediation import Told

COLUMNS = (
    "run", "started", "command", "batch", "class", "host", "address", "outcome", "key", "namespace", "before", "after",
    "reads", "file", "checks", "remediation", "reason", "hint", "notes", "duration_s", "host_key_checking",
)  # fmt: skip


def remediation_csv(account: Told) -> Iterator[str]:
    """A header, then a row a change; one without a key for a host of which no change is known."""
    run = account.run
    about = {
        "run": run.id,
        "started": time_text(run.started_at),
        "command": text_cell(run.command),
        "host_key_checking": run.host_key_checking,
    }
    yield lines_of([COLUMNS])
    for number, outcome in account.numbered_parts:
        cells = {**about, **_host_cells(number, outcome)}
        rows = [{**cells, **_step_cells(step, outcome)} for step in outcome.steps] or [cells]
        yield lines_of([safe(row.get(column, "")) for column in COLUMNS] for row in rows)


def _host_cells(number: int, outcome: HostOutcome) -> dict[str, str]:
    return {
        "batch": str(number),
        "host": text_cell(outcome.host),
        "address": text_cell(outcome.address),
        "outcome": outcome.outcome.value,
        "reason": text_cell(outcome.reason),
        "hint": text_cell(outcome.hint),
        "notes": text_cell("; ".join(outcome.notes)),
        "duration_s": f"{outcome.duration_s:.3f}",
    }


def _step_cells(step: Step, outcome: HostOutcome) -> dict[str, str]:
    return {
        "class": step.step_class.value,
        "key": text_cell(step.subject),
        "namespace": text_cell(step.namespace),
        "before": text_cell(step.before),
        "after": text_cell(step.after),
        "reads": text_cell(outcome.read_back.get(step.subject, "")),
        "file": text_cell(step.file or ""),
        "checks": text_cell(" ".join(step.checks)),
        "remediation": text_cell(step.remediation),
    }
