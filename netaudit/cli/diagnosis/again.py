"""A diagnosis out of the history, made again from the samples that it took."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Sequence

from netaudit.app.diagnose import Diagnosing
from netaudit.app.observers import Silent
from netaudit.cli.diagnosis.diagnosing import own_reports
from netaudit.cli.telling.outputs import Output
from netaudit.diagnosis.samples import separated
from netaudit.errors import StoreError
from netaudit.model.diagnosis import HostDiagnosis
from netaudit.model.probe import Capture
from netaudit.store.reading import StoredRun
from netaudit.store.runs import Store

_BOTH_ENDS = 2  # samples; with more there is something to tell second by second


def write_again(args: argparse.Namespace, store: Store, stored: StoredRun, outputs: Sequence[Output]) -> None:
    """Write the reports that tell of the diagnosis itself. Raises StoreError where a sample is damaged."""
    run = stored.info.id
    kept = store.captured(run)
    with contextlib.ExitStack() as stack:
        reports = own_reports(args, outputs, stack)

        def told(place: int, diagnosis: HostDiagnosis) -> None:
            for each in reports:
                each.host(place, diagnosis)

        diagnosing = Diagnosing(Silent(), told)
        for place, report in enumerate(store.reports(run)):
            capture = store.capture(run, kept[report.name]) if report.name in kept else None
            if capture is None:
                told(place, HostDiagnosis(report.name, report.address, report.status, report.error, report.duration_s))
                continue
            samples = _samples(capture)
            diagnosing.timeline = len(samples) > _BOTH_ENDS
            diagnosing.take(place, samples)
        diagnosing.finish(stored.info)
        for each in reports:
            each.finished(stored.info, stored.summary)


def _samples(capture: Capture) -> tuple[Capture, ...]:
    try:
        return separated(capture)
    except ValueError as error:
        raise StoreError(f"the samples of {capture.host} are damaged: {error}") from error
