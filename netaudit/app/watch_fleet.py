"""All hosts of a watch as they are known: what each round tells of them is compared, damped, and summed up here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from netaudit.errors import ErrorKind, Phase
from netaudit.fleet.drift import Change, Comparison
from netaudit.fleet.events import Event, EventKind
from netaudit.fleet.events_damping import Damper
from netaudit.fleet.events_memory import Answer, Known, take
from netaudit.fleet.segments import mtu_disagreements
from netaudit.fleet.tally import Tally
from netaudit.model.probe import HostError
from netaudit.model.result import FleetFinding, HostReport, HostStatus, Summary
from netaudit.model.target import Target

_NO_ANSWER_YET = HostError(ErrorKind.TIMEOUT, "has not answered yet", Phase.CONNECT)
_KINDS = {Change.NEW: EventKind.NEW, Change.CHANGED: EventKind.CHANGED, Change.FIXED: EventKind.FIXED}


def _told(finding: FleetFinding) -> tuple[object, ...]:
    """What a line tells of a finding across hosts."""
    return finding.check, finding.hosts, finding.severity, finding.expected


@dataclass(slots=True)
class Fleet:
    """What is known of every host, and of the fleet as a whole."""

    damper: Damper = field(default_factory=Damper)
    findings: tuple[FleetFinding, ...] = ()
    _known: dict[str, Known] = field(default_factory=dict)
    _compared: bool = False

    def take(self, answer: Answer, number: int, *, first: bool) -> Iterator[Event]:
        """The events to tell of one answer."""
        name = answer.report.name
        before = self._known.get(name)
        now, events = take(before, answer, number)
        self._known[name] = now
        if before is None and not first and now.answered:
            events = take(replace(now, answered=False), answer, number)[1]  # seen for the first time in a later round
        yield from filter(None, map(self.damper.admit, events))

    def rested(self, number: int, at: datetime) -> Iterator[Event]:
        """What flapped and has settled."""
        return self.damper.settled(number, at)

    def across(self, number: int, at: datetime) -> Iterator[Event]:
        """What became otherwise between hosts, such as their MTUs."""
        segments = [known.segment for known in self._known.values() if known.segment is not None]
        before, self.findings = self.findings, mtu_disagreements(segments)
        first, self._compared = not self._compared, True
        if first:
            return
        said = {_told(finding) for finding in before}
        for change, finding in Comparison().drift(before, self.findings).across:
            if change is Change.CHANGED and _told(finding) in said:
                continue  # of the same hosts as before, and only how many others there are is otherwise
            hosts = ", ".join(finding.hosts[:3]) + (f" and {len(finding.hosts) - 3} more" if finding.hosts[3:] else "")
            event = Event(
                _KINDS[change], at, number, name=finding.check, subject=hosts, since=at, severity=finding.severity,
                expected=finding.expected or "", detail=finding.title,
            )  # fmt: skip
            if (told := self.damper.admit(event)) is not None:
                yield told

    def reports(self, targets: Sequence[Target]) -> tuple[HostReport, ...]:
        """Each host as it is known, its failures alone, in inventory order."""
        return tuple(self._report(target) for target in targets)

    def _report(self, target: Target) -> HostReport:
        known = self._known.get(target.name)
        if known is not None:
            return known.report
        return HostReport(
            target.name, target.address, HostStatus.UNREACHABLE, _NO_ANSWER_YET, 0.0, groups=target.groups
        )

    def summary(self, reports: Sequence[HostReport]) -> Summary:
        """The totals over these hosts; of a host that is lost nothing counts but that it is."""
        tally = Tally()
        for report in reports:
            tally.add(report if report.status is HostStatus.OK else replace(report, results=()))
        known = [self._known[report.name] for report in reports if report.name in self._known]
        return replace(
            tally.summary(self.findings),
            waived=sum(each.waived for each in known),
            unknown=sum(each.unknown for each in known),
        )

    def forget(self, name: str) -> None:
        """Drop what is known of a host that has left."""
        self._known.pop(name, None)
        self.damper.forget(name)
