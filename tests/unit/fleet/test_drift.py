"""What changed between two runs is told exactly: new, gone, otherwise, or not known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import ModuleType

import pytest

from netaudit.fleet.drift import Change, Comparison, Drift
from netaudit.model.result import HostReport, HostStatus, Result, Severity, Verdict


def _host(name: str, *results: Result, status: HostStatus = HostStatus.OK) -> HostReport:
    return HostReport(name, "", status, None, 0.1, results)


def _drift(before: Iterable[HostReport], after: Iterable[HostReport], /, **fleet) -> Drift:
    comparison = Comparison()
    for report in before:
        comparison.add_before(report)
    for report in after:
        comparison.add_after(report)
    return comparison.drift(**fleet)


def _told(drift: Drift) -> list[tuple[str, str, str, str]]:
    return [(each.change.value, each.host, each.check, each.subject) for each in drift.findings]


@pytest.fixture
def bad(made_up: ModuleType) -> Result:
    """A finding on the host as a whole."""
    return made_up.somaxconn(128)


def test_equal_runs_have_no_drift(made_up: ModuleType) -> None:
    """Whatever fails in both is counted, and nothing else is said."""
    hosts = list(made_up.fleet_of(40, checks=3))
    across = (made_up.mtu_finding(40),)
    drift = _drift(hosts, reversed(hosts), before=across, after=across)
    assert drift.findings == drift.hosts == drift.across == ()
    assert drift.unchanged == 1 + sum(
        max(1, sum(item.verdict is Verdict.FAIL for item in result.items))
        for host in hosts
        for result in host.results
        if result.verdict is Verdict.FAIL
    )
    assert drift.worst_new is None


@pytest.mark.parametrize(
    ("verdict", "change"),
    [
        (Verdict.PASS, Change.FIXED),
        (Verdict.SKIPPED, Change.FIXED),
        (Verdict.WAIVED, Change.WAIVED),
        (Verdict.UNKNOWN, Change.NOT_KNOWN),
        (None, Change.NOT_JUDGED),
    ],
)
def test_gone_is_not_always_fixed(bad: Result, verdict: Verdict | None, change: Change) -> None:
    """Only a check that was seen in order, or that does not apply any more, is fixed."""
    now = () if verdict is None else (replace(bad, verdict=verdict, reason="so"),)
    (each,) = _drift([_host("web1", bad)], [_host("web1", *now)]).findings
    assert each.change is change
    assert each.before is not None
    assert each.after is None


@pytest.mark.parametrize("status", [HostStatus.UNREACHABLE, HostStatus.ERROR])
def test_a_host_that_does_not_answer_has_fixed_nothing(bad: Result, status: HostStatus) -> None:
    """It is told among the hosts; when it comes back its old findings are not new ones."""
    drift = _drift([_host("web1", bad)], [_host("web1", status=status)])
    assert drift.findings == ()
    assert [(each.host, each.before, each.after) for each in drift.hosts] == [("web1", HostStatus.OK, status)]
    back = _drift([_host("web1", status=status)], [_host("web1", bad)])
    assert back.findings == ()
    assert back.worst_new is None


def test_values_expectations_and_severities_change(bad: Result) -> None:
    """With both of them told; what became worse counts as new for the exit code."""
    worse = replace(bad, observed=64, severity=Severity.CRITICAL)
    mild = replace(bad, severity=Severity.LOW)
    (each,) = _drift([_host("web1", mild)], [_host("web1", worse)]).findings
    assert each.change is Change.CHANGED
    assert (each.before.observed, each.after.observed) == (128, 64)
    assert _drift([_host("web1", mild)], [_host("web1", worse)]).worst_new is Severity.CRITICAL
    assert _drift([_host("web1", worse)], [_host("web1", mild)]).worst_new is None
    (other,) = _drift([_host("web1", bad)], [_host("web1", replace(bad, expected=">= 1"))]).findings
    assert other.change is Change.CHANGED


def test_subjects_are_told_apart(made_up: ModuleType) -> None:
    """A listener that was restarted is fixed while another one still fails."""
    before = made_up.backlog(("0.0.0.0:80", 128), ("0.0.0.0:443", 128))
    after = made_up.backlog(("0.0.0.0:443", 128), ("0.0.0.0:8443", 64))
    drift = _drift([_host("web1", before)], [_host("web1", after)])
    check = before.check
    assert _told(drift) == [("new", "web1", check, "0.0.0.0:8443"), ("fixed", "web1", check, "0.0.0.0:80")]
    assert drift.unchanged == 1


def test_subjects_of_one_name_are_counted(made_up: ModuleType) -> None:
    """Sockets that share a port are several: one that goes is one that is fixed."""
    two = made_up.backlog(("*:80", 128), ("*:80", 128))
    one = made_up.backlog(("*:80", 128))
    assert _drift([_host("web1", two)], [_host("web1", two)]).findings == ()
    assert [each.change for each in _drift([_host("web1", two)], [_host("web1", one)]).findings] == [Change.FIXED]
    assert [each.change for each in _drift([_host("web1", one)], [_host("web1", two)]).findings] == [Change.NEW]


def test_hosts_come_and_go(bad: Result) -> None:
    """A new host's findings are new; those of one that is gone are not fixed."""
    drift = _drift([_host("gone", bad)], [_host("new", bad)])
    assert _told(drift) == [("new", "new", bad.check, "")]
    assert [(each.host, each.before, each.after) for each in drift.hosts] == [
        ("new", None, HostStatus.OK),
        ("gone", HostStatus.OK, None),
    ]


def test_findings_of_the_fleet(made_up: ModuleType) -> None:
    """The same hosts with other evidence changed; others are another finding."""
    old = made_up.mtu_finding(40)
    moved = replace(old, evidence="198.18.0.0/24: 39 hosts 1500, web7 eth0 8000")
    other = replace(old, hosts=("web9",))
    assert [change for change, _ in _drift([], [], before=[old], after=[moved]).across] == [Change.CHANGED]
    drift = _drift([], [], before=[old], after=[other])
    assert [(change, each.hosts) for change, each in drift.across] == [
        (Change.NEW, ("web9",)),
        (Change.FIXED, ("web7",)),
    ]
    assert (drift.count(Change.NEW), drift.worst_new) == (1, Severity.HIGH)


def test_the_worst_come_first(made_up: ModuleType) -> None:
    """New before fixed, and of each the worst severity first."""
    before = [_host("web1", made_up.rmem(1), made_up.passed(1, "ip"))]
    after = [_host("web1", made_up.ring(2), made_up.somaxconn(128))]
    assert [(each.change.value, each.severity.value) for each in _drift(before, after).findings] == [
        ("new", "critical"),
        ("new", "medium"),
        ("not-judged", "low"),
    ]
