"""The gate between two batches: re-audit of the hosts that were changed, their loss counters, and the user's own word.

The hosts are still under their own guard while the gate is asked: a gate that fails, or that takes too long, needs no
connection to put them right. They are asked through the connection that verified them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, TypeAlias

from netaudit.app.fanout import Width, fan_out
from netaudit.app.rules import Question
from netaudit.baseline.select import HostRules
from netaudit.facts.snapshot import facts_of
from netaudit.model.probe import Capture, Probe
from netaudit.remedy import proof
from netaudit.remedy.gates import GateRow, GateVerdict, Sample, failures, gate_rows
from netaudit.remedy.loss import LOSS, sample_in

Command: TypeAlias = Callable[[Sequence[str]], Awaitable["str | None"]]
_Answer: TypeAlias = tuple[tuple[GateRow, ...], tuple[str, ...]]


class Held(Protocol):
    """A host whose change is verified and waits for a decision. ``app.guarded_host.GuardedHost`` is one."""

    @property
    def armed_with(self) -> Capture | None:
        """What probes said just before the change."""
        ...

    @property
    def verified_with(self) -> Capture | None:
        """What probes said just after it."""
        ...

    async def look(self, probes: Sequence[Probe], within_s: float) -> Capture | None:
        """What probes say now."""
        ...


@dataclass(slots=True)
class Latest:
    """What fails in the capture that was looked at last: the proof of a change and its gate judge the same one."""

    capture: Capture | None = None
    failing: proof.Failing = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What the audit knows of one host. ``allowed`` failures are those from before, and those that were foreseen.

    ``about`` are the checks that a change proves only once its files are written; ``probes`` are asked for the others.
    """

    question: Question
    rules: HostRules
    sample: Sample | None
    failing: proof.Failing
    allowed: proof.Failing
    about: frozenset[str] = frozenset()
    probes: tuple[Probe, ...] = ()
    latest: Latest = field(default_factory=Latest)

    def failing_in(self, capture: Capture, now: datetime) -> proof.Failing:
        """What fails of the host's rules in a later capture."""
        if self.latest.capture is not capture:
            facts = facts_of(capture, self.question.domains)
            self.latest.failing = proof.failing(self.rules, facts, now)
            self.latest.capture = capture
        return self.latest.failing

    def forget(self) -> None:
        """Let go of the capture that was looked at last."""
        self.latest.capture = None


@dataclass(slots=True)
class Gate:
    """Judges the hosts of a batch."""

    known: Mapping[str, Known]
    width: Width = Width()
    command: Command | None = None
    within_s: float = 60.0
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def judge(self, held: Mapping[str, Held], *, soaked: bool) -> GateVerdict:
        """Compare the counters of these hosts, re-audit them, and ask the user's command last.

        A batch that did not soak was looked at a moment ago: what verified it serves here as well.
        """
        hosts = list(held)
        answers: dict[str, _Answer] = {}

        async def ask(host: str) -> _Answer:
            return await self._ask(host, held[host], soaked=soaked)

        def done(place: int, answer: _Answer) -> None:
            answers[hosts[place]] = answer

        await fan_out(hosts, ask, width=self.width, done=done)
        rows = tuple(row for host in hosts for row in answers[host][0])
        reasons = [reason for host in hosts for reason in answers[host][1]]
        if not reasons and self.command is not None:
            complaint = await self.command(hosts)
            reasons += [complaint] if complaint else []
        return GateVerdict(rows, tuple(reasons))

    async def _ask(self, host: str, held: Held, *, soaked: bool) -> _Answer:
        known = self.known[host]
        capture = held.verified_with
        if soaked or capture is None:
            capture = await held.look((*known.probes, LOSS), self.within_s)
        rows = gate_rows(host, (known.sample, _sample(held.armed_with), _sample(capture)))
        reasons = [_said(row) for row in failures(rows)]
        if capture is None:
            return rows, (*reasons, f"{host} could not be audited again")
        new = proof.new_failures(known.failing_in(capture, self.now()), known.allowed, known.about)
        known.forget()
        return rows, (*reasons, *(f"{host}: {line}" for line in new))


def _sample(capture: Capture | None) -> Sample | None:
    return sample_in(capture) if capture is not None else None


def _said(row: GateRow) -> str:
    if row.now is None or row.threshold is None:
        return f"{row.host}: {row.note}"
    return f"{row.host}: {row.counter} {_figure(row.now, row.unit)}, at most {_figure(row.threshold, row.unit)} granted"


def _figure(value: float, unit: str) -> str:
    return f"{100 * value:.2f} %" if unit == "ratio" else f"{value:.1f}{unit}"


async def within(verdict: Awaitable[GateVerdict], limit_s: float) -> GateVerdict:
    """The verdict of a gate, or one against the batch when the hosts' own deadline comes too near."""
    try:
        async with asyncio.timeout(limit_s):
            return await verdict
    except TimeoutError:
        return GateVerdict(
            reasons=(f"the gate gave no verdict within {limit_s:.0f} s, before the hosts' own deadline",)
        )
