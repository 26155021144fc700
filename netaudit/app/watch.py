"""The watch: audits again and again over connections that stay open, and tells what became otherwise.

A round begins on the beat and asks every host that is due and not still busy with the round before: so one slow host
holds up nobody, and no host is ever asked twice at once. It is over when all have answered, at the latest when the next
one is due; only the first and the last wait for everybody. Who is later than that is told of when it comes.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from netaudit.app.audit import Job, report_of
from netaudit.app.fanout import Slots, Width
from netaudit.app.ports import Limits, Transport
from netaudit.app.watch_clock import GAP_S, SLICE_S, Beats, Clock, SystemClock
from netaudit.app.watch_fleet import Fleet
from netaudit.app.watch_line import Backoff, Line
from netaudit.facts.settings import DOMAINS as SETTINGS
from netaudit.facts.snapshot import facts_of
from netaudit.fleet.events import NO_CHANGE, Event, EventKind
from netaudit.fleet.events_memory import Answer
from netaudit.fleet.segments import extract
from netaudit.model.probe import Capture
from netaudit.model.result import FleetFinding, HostReport, Result, Summary
from netaudit.model.target import Target

_FIRST = 1


@dataclass(frozen=True, slots=True)
class Round:
    """One round that is over. ``reports`` hold of each host the failures that are known last."""

    number: int
    started_at: datetime
    ended_s: float  # by the clock of the watch
    duration_s: float
    summary: Summary
    reports: tuple[HostReport, ...]
    fleet: tuple[FleetFinding, ...]
    asked: int
    late: int  # hosts that had not answered when the next round was due
    waiting: int  # hosts that are left alone for a while after failures
    changed: bool  # whether anything was told
    changes: int  # told since the watch began
    opened: int  # connections made since the watch began


class Listener(Protocol):
    """Is told what happens, as it happens."""

    def event(self, event: Event) -> None:
        """Something became otherwise."""
        ...

    def answered(self, report: HostReport, capture: Capture) -> None:
        """A host has answered, or failed to."""
        ...

    def round_done(self, over: Round) -> None:
        """A round is over."""
        ...


@dataclass(slots=True)
class _Host:
    """One host of the inventory, and what is under way there."""

    job: Job
    line: Line
    task: asyncio.Task[None] | None = None
    failures: int = 0
    due: float = 0.0  # not asked before

    @property
    def is_busy(self) -> bool:
        return self.task is not None and not self.task.done()


@dataclass(slots=True)
class Watch:
    """One watch. ``reread`` gives the hosts anew when the inventory may have changed, or None when it has not."""

    transport: Transport
    every_s: float
    listener: Listener
    limits: Limits = Limits()
    width: Width = Width()
    clock: Clock = field(default_factory=SystemClock)
    chance: Callable[[], float] = random.random
    reread: Callable[[], Sequence[Job] | None] = lambda: None
    nudged: asyncio.Event = field(default_factory=asyncio.Event)  # set: look for a changed inventory now
    last: Round | None = None
    _hosts: dict[str, _Host] = field(default_factory=dict)
    _fleet: Fleet = field(default_factory=Fleet)
    _slots: Slots = field(init=False)
    _number: int = 0
    _changes: int = 0
    _changed: bool = False
    _closed_lines: int = 0  # connections that removed hosts had

    def __post_init__(self) -> None:
        """The slots are as many as the width says."""
        self._slots = Slots(self.width.forks)

    async def run(
        self, jobs: Sequence[Job], stop: asyncio.Event, *, count: int | None = None, for_s: float | None = None
    ) -> None:
        """Watch these hosts until ``stop`` is set, so many rounds are done, or the time is over."""
        self._enrol(jobs)
        start = self.clock.now()
        beats = Beats(start, self.every_s)
        planned = start
        try:
            while not stop.is_set():
                due = beats.after(planned)
                await self._round(stop, until=None if self._number in (0, (count or 0) - 1) else due)
                if self._number == count or (for_s is not None and due > start + for_s):
                    break
                planned = await self._pause(due, stop)
                await self._look_again()
        finally:
            await self._end()

    async def _end(self) -> None:
        """Leave nothing behind: what is under way is cancelled, every connection is closed."""
        hosts = list(self._hosts.values())
        tasks = [host.task for host in hosts if host.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(host.line.drop() for host in hosts))

    async def _round(self, stop: asyncio.Event, until: float | None) -> None:
        """One round; ``until`` by the clock, or until all have answered."""
        self._number += 1
        began, started_at = self.clock.now(), self.clock.wall()
        soon = began + self.every_s / 2  # who is due before the next round is nearer is asked now
        asked = [host for host in self._hosts.values() if not host.is_busy and host.due <= soon]
        for host in asked:
            if host.task is not None:
                host.task.result()  # of one that was late: a defect ends the watch
            host.task = asyncio.create_task(self._visit(host))
        await self._wait({host.task for host in asked if host.task is not None}, stop, until)
        if stop.is_set() and any(host.is_busy for host in asked) and (self._number == _FIRST or not self._changed):
            return  # what was cut short is no round, unless it has told of something
        self._close_round(began, started_at, len(asked))

    async def _wait(self, tasks: set[asyncio.Task[None]], stop: asyncio.Event, until: float | None) -> None:
        stopping = asyncio.create_task(stop.wait())
        left = set(tasks)
        try:
            while left and not stop.is_set():
                within = None if until is None else until - self.clock.now()
                if within is not None and within <= 0:
                    return
                before, pause = self.clock.now(), SLICE_S if within is None else min(SLICE_S, within)
                done, _ = await asyncio.wait({*left, stopping}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                if self.clock.now() - before - pause > GAP_S:
                    await self._wake(self.clock.now() - before - pause)
                    return
                for task in done & left:
                    task.result()  # a defect ends the watch
                left -= done
        finally:
            stopping.cancel()

    async def _pause(self, due: float, stop: asyncio.Event) -> float:
        """Wait for the next round. When it is planned for: the beat, or now after the machine was asleep."""
        stopping = asyncio.create_task(stop.wait())
        nudging = asyncio.create_task(self.nudged.wait())
        try:
            while (left := due - self.clock.now()) > 0 and not stopping.done() and not nudging.done():
                before, pause = self.clock.now(), min(SLICE_S, left)
                await asyncio.wait({stopping, nudging}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                overslept = self.clock.now() - before - pause
                if overslept > GAP_S:
                    await self._wake(overslept)
                    return self.clock.now()
            if nudging.done() and left > 0:
                self.nudged.clear()
                await self._look_again()
                return await self._pause(due, stop)
        finally:
            stopping.cancel()
            nudging.cancel()
        return Beats(0.0, self.every_s).latest(due, self.clock.now())

    async def _wake(self, slept_s: float) -> None:
        """After a sleep no connection is believed, and nobody is left alone for what happened before."""
        self._tell(Event(EventKind.SLEPT, self.clock.wall(), self._number + 1, duration_s=slept_s))
        for host in self._hosts.values():
            if host.task is not None:
                host.task.cancel()
            host.due = 0.0
        await asyncio.gather(*(host.task for host in self._hosts.values() if host.task), return_exceptions=True)
        await asyncio.gather(*(host.line.drop() for host in self._hosts.values()))
        for host in self._hosts.values():
            host.task = None

    async def _visit(self, host: _Host) -> None:
        question = host.job.question
        give_back = await self._slots.lease(self.width.patience_s)
        try:
            capture = await host.line.ask(question.probes, question.params)
        finally:
            give_back()
        if capture.error is None:
            host.failures, host.due = 0, 0.0
        else:
            host.failures += 1
            pause_s = Backoff(self.every_s, self.chance).delay_s(host.failures, capture.error.kind)
            host.due = self.clock.now() + pause_s if pause_s else 0.0
        if not self._may_stay_open(host):
            await host.line.drop()
        self._take(host.job, capture)

    def _may_stay_open(self, host: _Host) -> bool:
        """Whether open files are left for those that are connected to next."""
        kept = max(1, self.width.open_limit - self.width.forks)
        return len(self._hosts) <= kept or sum(each.line.is_open for each in self._hosts.values()) <= kept

    def _take(self, job: Job, capture: Capture) -> None:
        facts, segment = None, None
        results: tuple[Result, ...] = ()
        now = self.clock.wall()
        if capture.error is None:
            facts = facts_of(capture, job.question.domains | SETTINGS)
            results = job.question.judge(facts, now)
            segment = extract(facts, groups=job.target.groups, site=job.site)
        report = report_of(job.target, capture, results)
        answer = Answer(now, report, facts, segment)
        events = self._fleet.take(answer, self._number, first=self._number == _FIRST)
        for event in events:
            self._tell(event)
        self.listener.answered(report, capture)

    def _tell(self, event: Event) -> None:
        if event.kind not in NO_CHANGE:
            self._changes += 1
            self._changed = True
        self.listener.event(event)

    def _close_round(self, began: float, started_at: datetime, asked: int) -> None:
        wall, now = self.clock.wall(), self.clock.now()
        for event in self._fleet.rested(self._number, wall):
            self._tell(event)
        for event in self._fleet.across(self._number, wall):
            self._tell(event)
        reports = self._fleet.reports([host.job.target for host in self._hosts.values()])
        summary = self._fleet.summary(reports)
        waiting = sum(host.due > now for host in self._hosts.values())
        if self._number == _FIRST:
            self._changed = True  # there was nothing before
            self._tell(Event(EventKind.STARTED, wall, self._number, summary=summary, duration_s=now - began))
        self.last = Round(
            number=self._number,
            started_at=started_at,
            ended_s=now,
            duration_s=now - began,
            summary=summary,
            reports=reports,
            fleet=self._fleet.findings,
            asked=asked,
            late=sum(host.is_busy for host in self._hosts.values()),
            waiting=waiting,
            changed=self._changed,
            changes=self._changes,
            opened=self._opened,
        )
        self._changed = False  # what comes late is told with the next round
        self.listener.round_done(self.last)

    @property
    def _opened(self) -> int:
        return self._closed_lines + sum(host.line.opened for host in self._hosts.values())

    @property
    def totals(self) -> tuple[int, int, int]:
        """Rounds, changes told and connections made so far."""
        return (self.last.number if self.last else 0), self._changes, self._opened

    async def _look_again(self) -> None:
        """Take in a changed inventory: new hosts join, removed ones leave, changed ones are connected to anew."""
        jobs = await asyncio.to_thread(self.reread)
        if jobs is None:
            return
        joined, left = self._enrol(jobs)
        wall, number = self.clock.wall(), self._number + 1
        for host in left:
            if host.task is not None:
                host.task.cancel()
                await asyncio.gather(host.task, return_exceptions=True)
            await host.line.drop()
            self._closed_lines += host.line.opened
            if host.job.target.name not in self._hosts:
                self._fleet.forget(host.job.target.name)
                self._tell(Event(EventKind.LEFT, wall, number, host.job.target.name))
        replaced = {host.job.target.name for host in left}
        for name in joined:
            if name not in replaced:
                self._tell(Event(EventKind.JOINED, wall, number, name))

    def _enrol(self, jobs: Iterable[Job]) -> tuple[list[str], list[_Host]]:
        """Make these the hosts. The names that were not there or are reached otherwise now, and those that go."""
        before, now, joined = self._hosts, {}, []
        for job in jobs:
            name = job.target.name
            host = before.get(name)
            if host is not None and _is_reached_alike(host.job.target, job.target):
                host.job, host.line.target = job, job.target
            else:
                host = _Host(job, Line(job.target, self.transport, self.limits))
                joined.append(name)
            now[name] = host
        self._hosts = now
        return joined, [host for name, host in before.items() if now.get(name) is not host]


def _is_reached_alike(before: Target, now: Target) -> bool:
    """Whether a connection made for the one serves the other: groups and other variables do not matter."""
    return replace(before, groups=(), vars={}) == replace(now, groups=(), vars={})
