"""The audit as JSON: one object for a run, or one line for each host. ``schema/`` describes both."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from netaudit.fleet.from_rows import host_from_row
from netaudit.fleet.jsonable import dumps
from netaudit.fleet.rows import fleet_row, host_row, run_row, summary_row
from netaudit.model.context import NO_CONTEXT, RunContext
from netaudit.model.result import FleetFinding, HostReport, RunInfo, Summary

SCHEMA = "netaudit.audit/1"


def host_line(report: HostReport) -> str:
    """The object of one host on one line of ASCII, without the newline."""
    return dumps(host_row(report))


def host_from_json(text: str) -> HostReport:
    """The host that a line tells of. Raises ValueError on anything else."""
    try:
        return host_from_row(json.loads(text))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not the JSON of a host: {error}") from error


def audit_json(
    run: RunInfo,
    summary: Summary,
    hosts: Iterable[HostReport],
    fleet: Sequence[FleetFinding],
    context: RunContext = NO_CONTEXT,
) -> Iterator[str]:
    """The object of a run, in pieces to write one after the other."""
    del context  # the published shape has no place for it
    return audit_json_of_lines(run, summary, map(host_line, hosts), fleet)


def audit_json_of_lines(
    run: RunInfo, summary: Summary, host_lines: Iterable[str], fleet: Sequence[FleetFinding]
) -> Iterator[str]:
    """As ``audit_json``, of hosts whose lines are made already."""
    yield f'{{"schema": {json.dumps(SCHEMA)},\n "run": {dumps(run_row(run))},\n'
    yield f' "summary": {dumps(summary_row(summary))},\n "hosts": ['
    yield from _separated(host_lines)
    yield '],\n "fleet": ['
    yield from _separated(dumps(fleet_row(finding)) for finding in fleet)
    yield "]}\n"


def audit_jsonl(
    run: RunInfo,
    summary: Summary,
    hosts: Iterable[HostReport],
    fleet: Sequence[FleetFinding],
    context: RunContext = NO_CONTEXT,
) -> Iterator[str]:
    """A line for each host, and nothing else."""
    del run, summary, fleet, context  # a line a host is all that this format has
    for report in hosts:
        yield host_line(report) + "\n"


def _separated(lines: Iterable[str]) -> Iterator[str]:
    """Objects of an array, each on a line of its own."""
    separator = "\n  "
    for line in lines:
        yield separator + line
        separator = ",\n  "
