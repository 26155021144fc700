"""What changed between two runs: findings, host by host, and which hosts came and went.

A finding is one check on one subject of one host. That it is gone is said only where the later run saw the check in
order: a host that did not answer, a check that could not be decided or is no longer judged are told apart from that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from netaudit.fleet.spread import Plain, plain
from netaudit.model.result import FleetFinding, HostReport, HostStatus, Result, Severity, Verdict


class Change(StrEnum):
    """What became of one finding from the earlier to the later run."""

    NEW = "new"
    FIXED = "fixed"
    CHANGED = "changed"  # fails in both, with another value, expectation or severity
    UNCHANGED = "unchanged"
    WAIVED = "waived"  # is allowed to stand since
    NOT_KNOWN = "not-known"  # the later run could not tell
    NOT_JUDGED = "not-judged"  # the later run had no such check for this host


@dataclass(frozen=True, slots=True)
class Seen:
    """How a finding looked in one run."""

    severity: Severity
    observed: Plain
    expected: str


@dataclass(frozen=True, slots=True)
class FindingChange:
    """One finding of one host in two runs. ``subject`` is empty where a check looks at the host as a whole."""

    change: Change
    host: str
    check: str
    subject: str
    title: str
    unit: str | None
    before: Seen | None
    after: Seen | None
    reason: str = ""  # why it is not known

    @property
    def severity(self) -> Severity:
        """As it was seen last."""
        seen = self.after or self.before
        return seen.severity if seen else Severity.INFO


@dataclass(frozen=True, slots=True)
class HostChange:
    """A host that answered in one run and not in the other, or that only one of them asked."""

    host: str
    before: HostStatus | None  # None: not asked
    after: HostStatus | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Drift:
    """Everything that changed. ``unchanged`` counts findings that are as they were, ``across`` are the fleet's."""

    findings: tuple[FindingChange, ...]  # new first, then fixed, … each the worst first
    unchanged: int
    hosts: tuple[HostChange, ...]
    across: tuple[tuple[Change, FleetFinding], ...] = ()

    def count(self, change: Change) -> int:
        """How many findings changed so."""
        return sum(each.change is change for each in self.findings) + sum(kind is change for kind, _ in self.across)

    @property
    def worst_new(self) -> Severity | None:
        """The worst severity of what is new, or has become worse; None when nothing is."""
        found = [each.severity for each in self.findings if each.change is Change.NEW or _is_worse(each)]
        found += [finding.severity for kind, finding in self.across if kind is Change.NEW]
        return max(found, key=lambda severity: severity.rank, default=None)


def _is_worse(each: FindingChange) -> bool:
    return each.before is not None and each.after is not None and each.after.severity.rank > each.before.severity.rank


_Key = tuple[str, str, int]  # check, subject, and which of the subjects of one name


@dataclass(slots=True)
class _Host:
    """What is kept of the earlier run of one host: what failed there, and the verdicts that matter."""

    status: HostStatus
    failed: dict[_Key, tuple[Seen, str, str | None]]  # with title and unit
    checks: frozenset[str]  # all that were judged


@dataclass(slots=True)
class Comparison:
    """Takes in the hosts of the earlier run, then those of the later one, each one at a time."""

    _before: dict[str, _Host] = field(default_factory=dict)
    _findings: list[FindingChange] = field(default_factory=list)
    _hosts: list[HostChange] = field(default_factory=list)
    _unchanged: int = 0

    def add_before(self, report: HostReport) -> None:
        """Take in one host of the earlier run."""
        failed = {
            (result.check, subject, number): (seen, result.title, result.unit)
            for result in report.results
            for subject, number, seen in _failures(result)
        }
        self._before[report.name] = _Host(report.status, failed, frozenset(each.check for each in report.results))

    def add_after(self, report: HostReport) -> None:
        """Take in one host of the later run."""
        earlier = self._before.pop(report.name, None)
        reason = report.error.message if report.error else ""
        if earlier is None:
            self._hosts.append(HostChange(report.name, None, report.status, reason))
        elif earlier.status is not report.status:
            self._hosts.append(HostChange(report.name, earlier.status, report.status, reason))
        if report.status is HostStatus.OK and (earlier is None or earlier.status is HostStatus.OK):
            self._compare(report, earlier.failed if earlier else {})

    def _compare(self, report: HostReport, failed: Mapping[_Key, tuple[Seen, str, str | None]]) -> None:
        verdicts = {result.check: result for result in report.results}
        left = dict(failed)
        for result in report.results:
            for subject, number, seen in _failures(result):
                before = left.pop((result.check, subject, number), None)
                self._still(report.name, result, subject, before[0] if before else None, seen)
        for (check, subject, _), (seen, title, unit) in left.items():
            change, reason = _what_became(verdicts.get(check))
            self._findings.append(FindingChange(change, report.name, check, subject, title, unit, seen, None, reason))

    def _still(self, host: str, result: Result, subject: str, before: Seen | None, after: Seen) -> None:
        if before == after:
            self._unchanged += 1
            return
        change = Change.NEW if before is None else Change.CHANGED
        self._findings.append(
            FindingChange(change, host, result.check, subject, result.title, result.unit, before, after)
        )

    def drift(self, before: Iterable[FleetFinding] = (), after: Iterable[FleetFinding] = ()) -> Drift:
        """What changed, once all hosts were taken in; findings of the fleet are compared as well."""
        vanished = [HostChange(name, host.status, None) for name, host in self._before.items()]
        order = list(Change)
        self._findings.sort(key=lambda each: (order.index(each.change), -each.severity.rank, each.check))
        across = tuple(_across(before, after))
        unchanged = self._unchanged + sum(kind is Change.UNCHANGED for kind, _ in across)
        changed = tuple(pair for pair in across if pair[0] is not Change.UNCHANGED)
        return Drift(tuple(self._findings), unchanged, (*self._hosts, *vanished), changed)


def _failures(result: Result) -> Iterator[tuple[str, int, Seen]]:
    """The subjects of a result that failed, numbered where they share a name; an empty one is the host as a whole."""
    if result.verdict is not Verdict.FAIL:
        return
    numbers: dict[str, int] = {}
    items = [item for item in result.items if item.verdict is Verdict.FAIL]
    for item in items:
        numbers[item.subject] = numbers.get(item.subject, 0) + 1
        yield item.subject, numbers[item.subject], Seen(item.severity, plain(item.observed), item.expected)
    if not items:
        yield "", 1, Seen(result.severity, plain(result.observed), result.expected or "")


def _what_became(result: Result | None) -> tuple[Change, str]:
    """Why a finding of the earlier run is not among those of the later one."""
    if result is None:
        return Change.NOT_JUDGED, ""
    match result.verdict:
        case Verdict.PASS | Verdict.FAIL:  # of a check that still fails, another subject
            return Change.FIXED, ""
        case Verdict.SKIPPED:
            return Change.FIXED, result.reason or ""
        case Verdict.WAIVED:
            return Change.WAIVED, result.reason or ""
        case Verdict.UNKNOWN:
            return Change.NOT_KNOWN, result.reason or ""


def _across(before: Iterable[FleetFinding], after: Iterable[FleetFinding]) -> Iterator[tuple[Change, FleetFinding]]:
    earlier = [finding for finding in before if finding.verdict is Verdict.FAIL]
    for finding in after:
        if finding.verdict is not Verdict.FAIL:
            continue
        if finding in earlier:
            earlier.remove(finding)
            yield Change.UNCHANGED, finding
            continue
        same = next(
            (each for each in earlier if each.check == finding.check and set(each.hosts) & set(finding.hosts)), None
        )
        if same is not None:
            earlier.remove(same)
        yield (Change.CHANGED if same else Change.NEW), finding
    for finding in earlier:
        yield Change.FIXED, finding
