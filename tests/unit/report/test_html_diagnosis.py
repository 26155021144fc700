"""The page of a diagnosis: a counter is drawn where that says more than its growth."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from netaudit.model.diagnosis import Cause, Change, Confidence, HostDiagnosis, Layer
from netaudit.model.result import HostStatus, RunInfo, Severity, Summary
from netaudit.report.html.diagnosis import diagnosis_html

RUN = RunInfo("20261120-150000-3f2a", "diagnose", datetime(2026, 11, 20, 15, tzinfo=UTC), "0.1.0")


def page(series: tuple[int, ...]) -> str:
    """The page of a host of which one counter grew so."""
    change = Change("TcpExt.ListenDrops", sum(series), sum(series) / 8, series)
    cause = Cause(
        "accept-queue-full", "D01", "The accept queue is full", Layer.LISTENER, Severity.HIGH, Confidence.CERTAIN,
        "5 wait where the backlog is 4", (change,), (), (), (), "Accept faster.", (), None, (),
    )  # fmt: skip
    host = HostDiagnosis("web1", "198.18.0.1", HostStatus.OK, None, 8.4, 8.0, len(series) + 1, causes=(cause,))
    return "".join(diagnosis_html(RUN, Summary(1, 1), [host]))


@pytest.mark.parametrize(("series", "drawn"), [((280,), 0), ((140, 140), 1)])
def test_one_interval_is_no_timeline(series, drawn):
    """Of two samples the growth is told; a single column, always of full height, would say nothing."""
    text = page(series)
    assert "+280" in text
    assert drawn == text.count('<svg class="timeline"')
