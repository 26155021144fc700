"""The gate between two batches: re-audit of the hosts that were changed, their loss counters, and the user's own word.

The hosts are still under their own guard while the gate is asked: a gate that fails, or that takes too long, needs no
connection to put them right.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from netaudit.app.audit import Job
from netaudit.app.collect import Collector
from netaudit.app.fanout import Width, fan_out
from netaudit.facts.snapshot import facts_of
from netaudit.model.facts import Facts
from netaudit.model.probe import Capture, Probe
from netaudit.model.result import Result, Severity, Verdict
from netaudit.remedy.gates import GATE_DOMAINS, GateRow, GateVerdict, Sample, failures, gate_rows, sample_of

Complaint: TypeAlias = "str | None"
Command: TypeAlias = Callable[[Sequence[str]], Awaitable[Complaint]]

WORTH_STOPPING = Severity.MEDIUM  # a new finding of less does not stop a batch


@dataclass(frozen=True, slots=True)
class Known:
    """What the audit before the change knows of one host."""

    job: Job
    sample: Sample | None
    failing: frozenset[tuple[str, str]]  # check and subject


def failing(results: Sequence[Result]) -> frozenset[tuple[str, str]]:
    """The check and subject of every failure that is worth stopping a batch for."""
    pairs: set[tuple[str, str]] = set()
    for result in results:
        if result.verdict is not Verdict.FAIL or result.severity.rank < WORTH_STOPPING.rank:
            continue
        subjects = [item.subject for item in result.items if item.verdict is Verdict.FAIL]
        pairs.update((result.check, subject) for subject in subjects or [""])
    return frozenset(pairs)


def known_of(job: Job, facts: Facts, results: Sequence[Result]) -> Known:
    """What the gate will compare with, from a host's audit."""
    return Known(job, sample_of(facts), failing(results))


@dataclass(slots=True)
class Gate:
    """Asks the hosts of a batch before and after its change. ``probes`` are those that ``gates.GATE_PROBES`` names."""

    collector: Collector
    known: Mapping[str, Known]
    probes: Sequence[Probe]
    width: Width = Width()
    command: Command | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _before: dict[str, Sample | None] = field(default_factory=dict)

    async def before(self, host: str) -> None:
        """Take the sample that the change will be compared with. Never raises for a host's trouble."""
        job = self.known[host].job
        capture = await self.collector.collect(job.target, self.probes, {})
        self._before[host] = _sample(capture)

    async def after(self, hosts: Sequence[str]) -> GateVerdict:
        """Re-audit these hosts, compare their counters, and ask the user's command last."""
        answers: dict[str, tuple[tuple[GateRow, ...], tuple[str, ...]]] = {}

        def done(place: int, answer: tuple[tuple[GateRow, ...], tuple[str, ...]]) -> None:
            answers[hosts[place]] = answer

        await fan_out(hosts, self._ask, width=self.width, done=done)
        rows = tuple(row for host in hosts for row in answers[host][0])
        reasons = [reason for host in hosts for reason in answers[host][1]]
        if not reasons and self.command is not None:
            complaint = await self.command(hosts)
            reasons += [complaint] if complaint else []
        return GateVerdict(rows, tuple(reasons))

    async def _ask(self, host: str) -> tuple[tuple[GateRow, ...], tuple[str, ...]]:
        known = self.known[host]
        question = known.job.question
        wanted = {probe.id: probe for probe in (*question.probes, *self.probes)}
        capture = await self.collector.collect(known.job.target, tuple(wanted.values()), question.params)
        rows = gate_rows(host, (known.sample, self._before.get(host), _sample(capture)))
        reasons = [_said(row) for row in failures(rows)]
        if capture.error is not None:
            reasons.append(f"{host} could not be audited again: {capture.error.message}")
        else:
            results = question.judge(facts_of(capture, question.domains), self.now())
            reasons += [_new(host, *pair) for pair in sorted(failing(results) - known.failing)]
        return rows, tuple(reasons)


def _sample(capture: Capture) -> Sample | None:
    return sample_of(facts_of(capture, GATE_DOMAINS)) if capture.error is None else None


def _said(row: GateRow) -> str:
    if row.now is None or row.threshold is None:
        return f"{row.host}: {row.note}"
    return f"{row.host}: {row.counter} {_figure(row.now, row.unit)}, at most {_figure(row.threshold, row.unit)} granted"


def _figure(value: float, unit: str) -> str:
    return f"{100 * value:.2f} %" if unit == "ratio" else f"{value:.1f}{unit}"


def _new(host: str, check: str, subject: str) -> str:
    return f"{host}: {check} fails now and did not before" + (f" ({subject})" if subject else "")


async def within(verdict: Awaitable[GateVerdict], limit_s: float) -> GateVerdict:
    """The verdict of a gate, or one against the batch when the hosts' own deadline comes too near."""
    try:
        async with asyncio.timeout(limit_s):
            return await verdict
    except TimeoutError:
        return GateVerdict(
            reasons=(f"the gate gave no verdict within {limit_s:.0f} s, before the hosts' own deadline",)
        )
