"""Totals of a run, counted one host at a time."""

from __future__ import annotations

from collections.abc import Iterable

from netaudit.model.result import FleetFinding, HostReport, HostStatus, Severity, Summary, Verdict


class Tally:
    """Counts hosts by status and results by verdict; holds numbers only."""

    __slots__ = ("_by_status", "_by_verdict", "_failures")

    def __init__(self) -> None:
        self._by_status = dict.fromkeys(HostStatus, 0)
        self._by_verdict = dict.fromkeys(Verdict, 0)
        self._failures = dict.fromkeys(Severity, 0)

    def add(self, report: HostReport) -> None:
        """Count one host."""
        self._by_status[report.status] += 1
        verdicts, failures = self._by_verdict, self._failures
        for result in report.results:
            verdicts[result.verdict] += 1
            if result.verdict is Verdict.FAIL:
                failures[result.severity] += 1

    def count(self, verdict: Verdict) -> int:
        """How many results of this verdict there are."""
        return self._by_verdict[verdict]

    def summary(self, fleet: Iterable[FleetFinding] = ()) -> Summary:
        """The totals so far, with the findings of the fleet."""
        failures = dict(self._failures)
        for finding in fleet:
            if finding.verdict is Verdict.FAIL:
                failures[finding.severity] += 1
        return Summary(
            hosts=sum(self._by_status.values()),
            ok=self._by_status[HostStatus.OK],
            unreachable=self._by_status[HostStatus.UNREACHABLE],
            error=self._by_status[HostStatus.ERROR],
            findings=failures,
            waived=self._by_verdict[Verdict.WAIVED],
            unknown=self._by_verdict[Verdict.UNKNOWN],
        )
