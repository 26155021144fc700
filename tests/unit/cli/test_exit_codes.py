"""The table of exit codes, and which counts where several hold."""

from __future__ import annotations

import itertools

import pytest

from netaudit.cli.exit_codes import ExitCode, of_summary, worst
from netaudit.model.result import Severity, Summary


def _summary(**counts):
    findings = {severity: counts.pop(str(severity), 0) for severity in Severity}
    return Summary(hosts=9, ok=9, findings=findings, **counts)


@pytest.mark.parametrize(("fail_on", "found"), list(itertools.product(Severity, Severity)), ids=str)
def test_findings_count_from_a_severity_up(fail_on, found):
    """1 when something is as bad as --fail-on or worse, else 0."""
    expected = ExitCode.FINDINGS if found.rank >= fail_on.rank else ExitCode.DONE
    assert expected is of_summary(_summary(**{str(found): 1}), fail_on)


def test_what_is_no_finding_does_not_count():
    """Neither waived nor unknown results make a run fail."""
    assert ExitCode.DONE is of_summary(_summary(waived=3, unknown=4), Severity.INFO)


@pytest.mark.parametrize("lost", [{"unreachable": 1}, {"error": 1}])
def test_no_verdict_beats_findings(lost):
    """3 beats 1, and an interruption beats both."""
    summary = _summary(critical=1, **lost)
    assert ExitCode.NO_VERDICT is of_summary(summary, Severity.MEDIUM)
    assert ExitCode.INTERRUPTED is of_summary(summary, Severity.MEDIUM, interrupted=True)


def test_the_order_of_the_contract():
    """Where several hold, the order is 2, 5, 4, 3, 1; no codes at all are success."""
    order = [ExitCode(number) for number in (130, 2, 5, 4, 3, 1, 0)]
    for better, worse in itertools.combinations(reversed(order), 2):
        assert worse is worst([better, worse]) is worst([worse, better])
    assert ExitCode.DONE is worst([])
