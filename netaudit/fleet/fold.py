"""Equal findings of many hosts as one, fed one host at a time.

What is kept is names, counts and short values: no report outlives the call that brings it, except that of the only
host of a run. Every result is the same in whatever order the hosts come, as long as a line has no more distinct
values than ``spread.MAX_VALUES``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netaudit.fleet.bins import Bin, Bins
from netaudit.fleet.lines import FoldedLine, Groups, Lines
from netaudit.fleet.tally import Tally
from netaudit.model.natural import NaturalKey, natural_key
from netaudit.model.result import FleetFinding, HostReport, HostStatus, Result, Severity, Summary, Verdict, Waived


@dataclass(frozen=True, slots=True)
class FoldedFinding:
    """One failing check at one severity over all hosts. Texts are those of its first line's example."""

    check: str
    title: str
    layer: str
    severity: Severity
    unit: str | None
    remediation: str | None
    hosts: tuple[str, ...]  # in natural order
    lines: tuple[FoldedLine, ...]  # those with most hosts first


@dataclass(frozen=True, slots=True)
class WaiverKey:
    """One waiver as results carry it."""

    check: str
    waived: Waived | None


@dataclass(frozen=True, slots=True)
class TroubleKey:
    """Why hosts gave no verdict."""

    status: HostStatus
    error: str  # a kind of the contract's list


@dataclass(frozen=True, slots=True)
class Folded:
    """Everything a summary shows of the hosts of a run."""

    summary: Summary
    findings: tuple[FoldedFinding, ...]  # worst severity first, then those with most hosts
    waived: tuple[Bin[WaiverKey], ...]  # text: the waiver's reason
    unknown: tuple[Bin[str], ...]  # text: why; sources: the checks
    troubles: tuple[Bin[TroubleKey], ...]  # text: the message; detail: the hint
    notes: tuple[Bin[str], ...]
    passed: int
    skipped: int
    clean_hosts: int  # answered, and nothing failed
    only: HostReport | None = None  # of a run over one host


class Fold:
    """Folds the findings of a run. ``groups`` names the inventory groups of each host, for lines that keep to one."""

    __slots__ = (
        "_clean",
        "_findings",
        "_groups",
        "_notes",
        "_only",
        "_seen",
        "_tally",
        "_troubles",
        "_unknown",
        "_waived",
    )

    def __init__(self, groups: Mapping[str, Sequence[str]] | None = None) -> None:
        self._groups = Groups(groups or {})
        self._tally = Tally()
        self._findings: dict[tuple[str, Severity], Lines] = {}
        self._waived: Bins[WaiverKey] = Bins()
        self._unknown: Bins[str] = Bins()
        self._troubles: Bins[TroubleKey] = Bins()
        self._notes: Bins[str] = Bins()
        self._seen = 0
        self._clean = 0
        self._only: HostReport | None = None

    def add(self, report: HostReport) -> None:
        """Take in one host."""
        self._tally.add(report)
        self._seen += 1
        self._only = report if self._seen == 1 else None
        place = natural_key(report.name)
        failed = False
        for result in report.results:
            match result.verdict:
                case Verdict.FAIL:
                    failed = True
                    self._add_failure(report.name, place, result)
                case Verdict.UNKNOWN:
                    self._unknown.add("", report.name, result.reason or "no reason given", source=result.check)
                case Verdict.WAIVED:
                    self._add_waived(report.name, result)
                case Verdict.PASS | Verdict.SKIPPED:
                    pass
        for note in report.notes:
            self._notes.add("", report.name, note, address=report.address)
        if report.error is not None:
            key = TroubleKey(report.status, report.error.kind)
            message, hint = report.error.message, report.error.hint
            self._troubles.add(key, report.name, message, address=report.address, detail=hint)
        elif not failed:
            self._clean += 1

    def _add_failure(self, host: str, place: NaturalKey, result: Result) -> None:
        items = [item for item in result.items if item.verdict is Verdict.FAIL]
        for item in items:
            self._lines_of(result, item.severity).add(
                host, place, result, item.subject, item.observed, item.expected, item
            )
        if not items:
            self._lines_of(result, result.severity).add(
                host, place, result, "", result.observed, result.expected or "", result
            )

    def _lines_of(self, result: Result, severity: Severity) -> Lines:
        key = (result.check, severity)
        lines = self._findings.get(key)
        if lines is None:
            lines = self._findings[key] = Lines()
        return lines

    def _add_waived(self, host: str, result: Result) -> None:
        reason = result.waived.reason if result.waived else result.reason or ""
        self._waived.add(WaiverKey(result.check, result.waived), host, reason)

    def summary(self, fleet: Sequence[FleetFinding] = ()) -> Summary:
        """The totals so far."""
        return self._tally.summary(fleet)

    def folded(self, fleet: Sequence[FleetFinding] = ()) -> Folded:
        """What was taken in so far; ``fleet`` only counts in its totals."""
        findings = [self._finding(check, severity, lines) for (check, severity), lines in self._findings.items()]
        findings.sort(key=lambda each: (-each.severity.rank, -len(each.hosts), each.check))
        return Folded(
            summary=self._tally.summary(fleet),
            findings=tuple(findings),
            waived=self._waived.closed(),
            unknown=self._unknown.closed(),
            troubles=self._troubles.closed(),
            notes=self._notes.closed(),
            passed=self._tally.count(Verdict.PASS),
            skipped=self._tally.count(Verdict.SKIPPED),
            clean_hosts=self._clean,
            only=self._only,
        )

    def _finding(self, check: str, severity: Severity, lines: Lines) -> FoldedFinding:
        closed = lines.closed(self._groups)
        first = closed[0].example
        hosts = {host for line in closed for host in line.hosts}
        return FoldedFinding(
            check=check,
            title=first.title,
            layer=first.layer,
            severity=severity,
            unit=first.unit,
            remediation=first.remediation,
            hosts=tuple(sorted(hosts, key=natural_key)),
            lines=closed,
        )
