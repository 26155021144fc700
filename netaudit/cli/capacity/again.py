"""A capacity check out of the history, weighed again: its hosts by their raw answers, against the load that it had."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Sequence

from netaudit.capacity.assess import load_of
from netaudit.cli.capacity.checking import own_reports, weighed_host
from netaudit.cli.capacity.reports import CapacityConsole, CapacityReport
from netaudit.cli.capacity.request import Request, request_again
from netaudit.cli.telling.outputs import Output
from netaudit.model.capacity import HostCapacity
from netaudit.model.context import LoadContext
from netaudit.model.result import HostReport
from netaudit.store.reading import StoredRun
from netaudit.store.runs import Store


def write_again(
    args: argparse.Namespace, store: Store, stored: StoredRun, load: LoadContext, outputs: Sequence[Output]
) -> None:
    """Write the reports that tell of capacity itself. Raises RuleError where the load is not understood any more."""
    request = request_again(load)
    console = CapacityConsole(args, [each for each in outputs if each.format == "console"], request.ref)
    with contextlib.ExitStack() as stack:
        reports: list[CapacityReport] = [*own_reports(outputs, request, stack), console]
        for position, (report, host) in enumerate(_hosts(store, stored.info.id, load, request)):
            for each in reports:
                each.host(position, host, report)
        for each in reports:
            each.finished(stored.info, stored.summary)


def _hosts(store: Store, run: str, load: LoadContext, request: Request) -> Iterator[tuple[HostReport, HostCapacity]]:
    kept = store.captured(run)
    for report in store.reports(run):
        capture = store.capture(run, kept[report.name]) if report.name in kept else None
        of_host = load_of(
            request.workload, report.name, lambda pattern: load.members.get(pattern, frozenset()),
            scale=request.scale, what_if=request.what_if,
        )  # fmt: skip
        yield report, weighed_host(report, capture, of_host)
