"""What a watch keeps of a host from round to round, and the events that follow from its next answer.

Kept are the failures as keys and small values, the vector of settings, and a few words. A failure that cannot be
decided any more is neither fixed nor new: it is kept until it can.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from netaudit.fleet.drift import Change, Comparison, FindingChange
from netaudit.fleet.events import Event, EventKind, severities_text
from netaudit.fleet.events_vector import Vector, moved, vector_of
from netaudit.fleet.segments import SegmentRecord
from netaudit.fleet.spread import plain
from netaudit.model.facts import Facts, Kernel
from netaudit.model.result import HostReport, HostStatus, Item, Result, Severity, Verdict

_KINDS = {
    Change.NEW: EventKind.NEW,
    Change.FIXED: EventKind.FIXED,
    Change.CHANGED: EventKind.CHANGED,
    Change.WAIVED: EventKind.WAIVED,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one round says of one host; ``facts`` are None where it gave no verdict."""

    at: datetime  # when it was asked (UTC)
    report: HostReport
    facts: Facts | None = None
    segment: SegmentRecord | None = None


@dataclass(slots=True)
class Known:
    """What is kept of one host. ``report`` holds failures alone, of the last answer."""

    report: HostReport
    since: datetime  # of its status
    answered: bool = False  # at least once
    vector: Vector | None = None
    boot_id: str = ""
    segment: SegmentRecord | None = None
    waived: int = 0
    unknown: int = 0


def failures_only(report: HostReport, earlier: HostReport | None = None) -> HostReport:
    """The report with what failed, as small as it can be told apart; of checks that are undecided, what was earlier."""
    kept = [_small(result) for result in report.results if result.verdict is Verdict.FAIL]
    undecided = {result.check for result in report.results if result.verdict is Verdict.UNKNOWN}
    if earlier is not None and undecided:
        kept += [result for result in earlier.results if result.check in undecided]
    return replace(report, results=tuple(kept), notes=())


def _small(result: Result) -> Result:
    items = tuple(
        Item(each.subject, each.verdict, each.severity, plain(each.observed), each.expected, "")
        for each in result.items
        if each.verdict is Verdict.FAIL
    )
    return Result(
        check=result.check,
        title=result.title,
        layer=result.layer,
        verdict=result.verdict,
        severity=result.severity,
        observed=plain(result.observed),
        expected=result.expected,
        unit=result.unit,
        items=items,
    )


def severities_of(report: HostReport) -> dict[Severity, int]:
    """How many checks of a host fail, by severity."""
    counts = dict.fromkeys(Severity, 0)
    for result in report.results:
        if result.verdict is Verdict.FAIL:
            counts[result.severity] += 1
    return counts


def take(known: Known | None, answer: Answer, number: int) -> tuple[Known, list[Event]]:
    """What is known of a host after an answer, and the events that follow from it: what was set before what it does."""
    if answer.facts is None:
        return _lost(known, answer, number)
    now = _after(known, answer)
    return now, list(_events(known, now, answer, number))


def _lost(known: Known | None, answer: Answer, number: int) -> tuple[Known, list[Event]]:
    report = answer.report
    error = report.error
    detail = f"{error.kind}: {error.message}" if error else str(report.status)
    if known is None:
        fresh = Known(replace(report, results=()), answer.at)
        return fresh, [Event(EventKind.LOST, answer.at, number, report.name, detail=detail, since=answer.at)]
    was_up = known.report.status is HostStatus.OK
    events = []
    if was_up:
        known.since = answer.at
        events = [Event(EventKind.LOST, answer.at, number, report.name, detail=detail, since=answer.at)]
    known.report = replace(report, results=known.report.results, notes=())
    return known, events


def _after(known: Known | None, answer: Answer) -> Known:
    facts, report = answer.facts, answer.report
    assert facts is not None  # noqa: S101  # the caller has looked
    was_up = known is not None and known.report.status is HostStatus.OK
    boot_id = facts.kernel.boot_id if isinstance(facts.kernel, Kernel) else known.boot_id if known else ""
    return Known(
        report=failures_only(report, known.report if known else None),
        since=known.since if known is not None and was_up else answer.at,
        answered=True,
        vector=vector_of(facts, known.vector if known else None),
        boot_id=boot_id,
        segment=answer.segment,
        waived=sum(result.verdict is Verdict.WAIVED for result in report.results),
        unknown=sum(result.verdict is Verdict.UNKNOWN for result in report.results),
    )


def _events(before: Known | None, now: Known, answer: Answer, number: int) -> Iterator[Event]:
    host, at = answer.report.name, answer.at
    if before is None:
        return
    if not before.answered:
        detail = severities_text(severities_of(now.report))
        away_s = (at - before.since).total_seconds()
        yield Event(EventKind.SEEN, at, number, host, detail=detail, duration_s=away_s, since=at)
        return
    if before.report.status is not HostStatus.OK:
        away_s = (at - before.since).total_seconds()
        yield Event(EventKind.BACK, at, number, host, duration_s=away_s, since=at)
    if before.boot_id and now.boot_id and before.boot_id != now.boot_id:
        kernel = answer.facts.kernel if answer.facts else None
        up_s = kernel.uptime_s if isinstance(kernel, Kernel) else None
        yield Event(EventKind.REBOOTED, at, number, host, duration_s=up_s, since=at)
    if before.vector is not None and now.vector is not None:
        for each in moved(before.vector, now.vector):
            yield Event(
                EventKind.SETTING, at, number, host, each.name, before=each.before, after=each.after, since=at,
                count=each.count,
            )  # fmt: skip
    yield from _finding_events(before, answer, number)


def _finding_events(before: Known, answer: Answer, number: int) -> Iterator[Event]:
    comparison = Comparison()
    comparison.add_before(replace(before.report, status=HostStatus.OK, error=None))
    comparison.add_after(answer.report)
    for change in comparison.drift().findings:
        if change.change in _KINDS:
            yield _finding_event(change, answer, number)


def _finding_event(change: FindingChange, answer: Answer, number: int) -> Event:
    seen = change.after or change.before
    return Event(
        _KINDS[change.change],
        answer.at,
        number,
        change.host,
        change.check,
        change.subject,
        before=change.before.observed if change.before else None,
        after=change.after.observed if change.after else None,
        since=answer.at,
        severity=change.severity,
        expected=seen.expected if seen else "",
        unit=change.unit,
        detail=change.title,
    )
