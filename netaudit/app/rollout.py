"""A plan over a fleet: batch by batch, each behind a gate, within a budget of bad outcomes.

A batch is brought as far as *verified* on all of its hosts, which then still stand under their own guard. The gate is
asked, and either all of them are confirmed or all are abandoned. What the gate or a signal leaves undecided the hosts
undo by themselves. A batch that is too large to be held at once is taken in parts, each with a gate of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from netaudit.app.fanout import Width, fan_out
from netaudit.app.gate import Held, within
from netaudit.app.stopping import unless_stopped
from netaudit.model.plan import Batch, HostOutcome, HostPlan, Outcome, StepClass
from netaudit.remedy.batches import part_of
from netaudit.remedy.gates import GateVerdict
from netaudit.remedy.rolled import GOOD, KEPT, Rolled, subjects

# Shares of the hosts' own time without the soak: the first one's clock runs while the others have their turn.
FOR_CHANGING = 0.35  # after that no further host of a batch is begun before its gate
FOR_CONFIRMING = 0.35  # by then the gate must have judged


class Guarded(Held, Protocol):
    """One host with one part of its plan. ``app.guarded_host.GuardedHost`` is one."""

    async def apply(self) -> HostOutcome | None:
        """Bring the change as far as verified and hold it there: None. Any outcome means that it ended before."""
        ...

    async def confirm(self) -> HostOutcome:
        """Keep it."""
        ...

    async def abandon(self, reason: str) -> HostOutcome:
        """Undo it."""
        ...


class Gates(Protocol):
    """Judges a batch. ``app.gate.Gate`` is one."""

    async def judge(self, held: Mapping[str, Held], *, soaked: bool) -> GateVerdict:
        """Whether the hosts of a batch are as well as they were."""
        ...


class RolloutObserver(Protocol):
    """Is told what happens, as it happens."""

    def batch_started(self, number: int, batch: Batch) -> None:
        """A batch begins; numbers count from 1."""
        ...

    def gate_waits(self, number: int, hosts: Sequence[str], soak_s: float) -> None:
        """All hosts of the batch that could be changed are verified, and soak."""
        ...

    def gate_said(self, number: int, verdict: GateVerdict) -> None:
        """The gate has judged."""
        ...

    def host_ended(self, number: int, outcome: HostOutcome) -> None:
        """One host of a batch has come to its end."""
        ...

    def stopped(self, number: int, reason: str) -> None:
        """No batch follows this one."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed for a rollout. ``max_fail`` bad outcomes are allowed, more stop it before the next batch."""

    max_fail: int = 0
    soak_s: float = 0.0
    confirm_within_s: float = 60.0
    undo_all: bool = False  # a stop also undoes the batches that were confirmed
    width: Width = Width()

    @property
    def change_within_s(self) -> float:
        """After how long no further host is begun before the gate has judged those that were."""
        return FOR_CHANGING * (self.confirm_within_s - self.soak_s)

    @property
    def judge_within_s(self) -> float:
        """When the gate must have judged, from the beginning of the first host."""
        return self.confirm_within_s - FOR_CONFIRMING * (self.confirm_within_s - self.soak_s)


@dataclass(slots=True)
class Rollout:
    """One run over the batches of a plan. ``guarded`` makes the guard of one host for a part of its plan."""

    guarded: Callable[[HostPlan], Guarded]
    gate: Gates
    observer: RolloutObserver
    terms: Terms
    undo: Callable[[Sequence[str]], Awaitable[Sequence[HostOutcome]]] | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _outcomes: list[tuple[int, HostOutcome]] = field(default_factory=list)
    _verdicts: dict[int, list[GateVerdict]] = field(default_factory=dict)

    async def run(self, plans: Sequence[HostPlan], batches: Sequence[Batch], stop: asyncio.Event) -> Rolled:
        """Take the batches in order until all are done, the budget is used up, a gate fails, or ``stop`` is set."""
        by_name = {plan.host: plan for plan in plans}
        reason, last = "", None
        for number, batch in enumerate(batches, 1):
            self.observer.batch_started(number, batch)
            left = list(batch.hosts)
            while left and not reason:
                left = await self._slice(number, left, batch.step_class, by_name, stop)
                reason = self._reason_to_stop(number, stop)
            if reason and (left or number < len(batches)):
                last = number
                self.observer.stopped(number, reason)
                self._leave(number, [replace(batch, hosts=tuple(left)), *batches[number:]], by_name, reason)
            if reason:
                break
        if reason and self.terms.undo_all:
            await self._undo_all()
        verdicts = {number: tuple(said) for number, said in self._verdicts.items()}
        return Rolled(tuple(self._outcomes), verdicts, last, reason, stop.is_set())

    async def _slice(
        self,
        number: int,
        hosts: Sequence[str],
        step_class: StepClass,
        plans: Mapping[str, HostPlan],
        stop: asyncio.Event,
    ) -> list[str]:
        """Change, judge and decide as many of these hosts as can be held at once; the answer is the rest of them."""
        started = self.clock()
        guards: dict[str, Guarded] = {}
        held: list[str] = []
        later: list[str] = []

        async def apply(host: str) -> HostOutcome | None:
            if stop.is_set() or (guards and self.clock() - started > self.terms.change_within_s):
                later.append(host)
                return None
            guards[host] = self.guarded(part_of(plans[host], step_class))
            return await guards[host].apply()

        def applied(place: int, outcome: HostOutcome | None) -> None:
            if outcome is not None:
                self._ended(number, outcome)
            elif hosts[place] in guards:
                held.append(hosts[place])

        await fan_out(hosts, apply, width=self.terms.width, done=applied)
        if held:
            held.sort(key=hosts.index)
            waiting = {host: guards[host] for host in held}
            verdict = await self._judged(number, waiting, started, stop)
            await self._decide(number, waiting, verdict)
        return sorted(later, key=hosts.index)

    async def _judged(
        self, number: int, held: Mapping[str, Guarded], started: float, stop: asyncio.Event
    ) -> GateVerdict:
        """The gate's verdict, within what is left of the hosts' own time; the soak counts as part of it."""
        self.observer.gate_waits(number, tuple(held), self.terms.soak_s)

        verdict = GateVerdict(reasons=("the run was interrupted before the gate had judged",))
        left_s = self.terms.judge_within_s - (self.clock() - started)

        async def judged() -> GateVerdict:
            await self.sleep(self.terms.soak_s)
            return await self.gate.judge(held, soaked=self.terms.soak_s > 0)

        async def ask() -> None:
            nonlocal verdict
            verdict = await within(judged(), max(left_s, 0.0))

        await unless_stopped(ask(), stop)
        self._verdicts.setdefault(number, []).append(verdict)
        self.observer.gate_said(number, verdict)
        return verdict

    async def _decide(self, number: int, held: Mapping[str, Guarded], verdict: GateVerdict) -> None:
        hosts = list(held)

        async def decide(host: str) -> HostOutcome:
            guard = held[host]
            return await (guard.confirm() if verdict.passed else guard.abandon(f"gate: {verdict.reason}"))

        await fan_out(hosts, decide, width=self.terms.width, done=lambda _, outcome: self._ended(number, outcome))

    def _ended(self, number: int, outcome: HostOutcome) -> None:
        self._outcomes.append((number, outcome))
        self.observer.host_ended(number, outcome)

    def _reason_to_stop(self, number: int, stop: asyncio.Event) -> str:
        """Why no batch may follow; empty when the next one may."""
        if stop.is_set():
            return "the run was interrupted"
        for verdict in self._verdicts.get(number, ()):
            if not verdict.passed:
                return f"the gate of batch {number} failed: {verdict.reason}"
        bad = [outcome for _, outcome in self._outcomes if outcome.outcome not in GOOD]
        if len(bad) > self.terms.max_fail:
            return f"{_count(len(bad))}, and {self.terms.max_fail} allowed; the last one: {bad[-1].host}"
        return ""

    def _leave(self, number: int, batches: Sequence[Batch], plans: Mapping[str, HostPlan], reason: str) -> None:
        """Say of every host that is left, in this batch and the later ones, that its turn never came."""
        for later, batch in enumerate(batches, number):
            for host in batch.hosts:
                part = part_of(plans[host], batch.step_class)
                self._ended(later, HostOutcome(host, part.address, Outcome.UNREACHED, reason, steps=part.steps))

    async def _undo_all(self) -> None:
        """Undo what was kept, on every host the latest change first; what was undone ends anew, all else stands."""
        kept = {outcome.host for _, outcome in self._outcomes if outcome.outcome in KEPT}
        if self.undo is None or not kept:
            return
        undone = {(each.host, subjects(each.steps)): each for each in await self.undo(sorted(kept))}
        for place, (batch, outcome) in enumerate(self._outcomes):
            end = undone.get((outcome.host, subjects(outcome.steps)))
            if outcome.outcome in KEPT and end is not None:
                if end.outcome in {Outcome.REFUSED, Outcome.UNREACHED}:
                    end = replace(outcome, reason=f"it was to be taken back: {end.reason}", hint=end.hint)
                else:
                    end = replace(end, steps=outcome.steps, address=outcome.address)
                self._outcomes[place] = (batch, end)
                self.observer.host_ended(batch, end)


def _count(bad: int) -> str:
    return "1 bad outcome" if bad == 1 else f"{bad} bad outcomes"
