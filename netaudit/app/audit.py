"""The audit: collect from every host at once, decide in pure functions, tell the observers as it goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from netaudit.app.collect import Collector, status_of
from netaudit.app.fanout import Width, fan_out
from netaudit.app.ports import Observer
from netaudit.app.rules import Question
from netaudit.errors import ErrorKind, Phase
from netaudit.facts.snapshot import facts_of
from netaudit.fleet.segments import SegmentRecord, extract, mtu_disagreements
from netaudit.fleet.tally import Tally
from netaudit.model.probe import Capture, HostError
from netaudit.model.result import FleetFinding, HostReport, HostStatus, Result, RunInfo, Summary
from netaudit.model.target import Target


@dataclass(frozen=True, slots=True)
class Job:
    """One host and what is asked of it."""

    target: Target
    question: Question
    site: str = ""  # hosts of different sites are not compared with each other


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    run: RunInfo
    summary: Summary
    fleet: tuple[FleetFinding, ...]


@dataclass(slots=True)
class Audit:
    """One run over many hosts."""

    collector: Collector
    observer: Observer
    width: Width = Width()
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _tally: Tally = field(default_factory=Tally)
    _segments: list[SegmentRecord] = field(default_factory=list)

    async def run(self, run: RunInfo, jobs: Sequence[Job], stop: asyncio.Event) -> Outcome:
        """Audit every job. Once ``stop`` is set the hosts that are not finished are reported as cancelled."""
        clock = time.monotonic()
        self.observer.started(run, [job.target.name for job in jobs])
        left = set(range(len(jobs)))

        def done(position: int, pair: tuple[HostReport, Capture]) -> None:
            left.discard(position)
            self._tell(position, *pair)

        await fan_out(jobs, self._one, width=self.width, done=done, stop=stop)
        for position in sorted(left):
            self._tell(position, _cancelled(jobs[position].target), None)
        fleet = mtu_disagreements(self._segments)
        ended = replace(run, duration_s=time.monotonic() - clock, interrupted=stop.is_set())
        outcome = Outcome(ended, self._tally.summary(fleet), fleet)
        self.observer.finished(outcome.run, outcome.summary, outcome.fleet)
        return outcome

    async def _one(self, job: Job) -> tuple[HostReport, Capture]:
        self.observer.host_started(job.target.name)
        capture = await self.collector.collect(job.target, job.question.probes, job.question.params)
        return self._judge(job, capture), capture

    def _judge(self, job: Job, capture: Capture) -> HostReport:
        results: tuple[Result, ...] = ()
        if capture.error is None:
            facts = facts_of(capture, job.question.domains)
            results = job.question.judge(facts, self.now())
            self._segments.append(extract(facts, groups=job.target.groups, site=job.site))
        return report_of(job.target, capture, results)

    def _tell(self, position: int, report: HostReport, capture: Capture | None) -> None:
        self._tally.add(report)
        self.observer.host_done(position, report, capture)


def report_of(target: Target, capture: Capture, results: tuple[Result, ...]) -> HostReport:
    """What is told of a host that was asked."""
    return HostReport(
        name=target.name,
        address=target.address,
        status=status_of(capture.error),
        error=capture.error,
        duration_s=capture.elapsed_s,
        results=results,
        notes=capture.notes,
        groups=target.groups,
    )


def _cancelled(target: Target) -> HostReport:
    error = HostError(ErrorKind.CANCELLED, "the run was interrupted before this host was finished", Phase.CONNECT)
    return HostReport(target.name, target.address, HostStatus.UNREACHABLE, error, 0.0, groups=target.groups)
