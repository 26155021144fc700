"""Applies a plan that was agreed to: journal, guards, gates and batches are wired here."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from netaudit.app.audit import Job
from netaudit.app.gate import Gate, Known
from netaudit.app.guarded_host import GuardedHost, Inspection, Ways, change_of
from netaudit.app.journalling import Journalling
from netaudit.app.parking import Parking
from netaudit.app.recovery import Recovery
from netaudit.app.rollout import Guarded, Rollout, RolloutObserver, Terms
from netaudit.app.rules import Question
from netaudit.baseline.select import HostRules
from netaudit.cli.asking.rules import shipped_probes
from netaudit.cli.asking.run_request import Fleet, prepared
from netaudit.cli.changing import gate_command
from netaudit.cli.changing.keeping import Keeping
from netaudit.cli.changing.narrating import Narrator
from netaudit.cli.changing.recording import recorded_run
from netaudit.cli.interrupt import Interrupt
from netaudit.cli.reading.auditing import new_run
from netaudit.facts.snapshot import facts_of
from netaudit.model.facts import Facts
from netaudit.model.plan import HostOutcome, HostPlan, Outcome, Plan
from netaudit.model.probe import Capture, Probe
from netaudit.model.result import Result, RunInfo
from netaudit.remedy import proof, unchanged
from netaudit.remedy.gates import sample_of
from netaudit.remedy.loss import LOSS
from netaudit.remedy.operations import scripts_of
from netaudit.remedy.record import to_be_undone
from netaudit.remedy.rolled import GOOD, UNDONE, Rolled
from netaudit.remedy.unchanged import Watched
from netaudit.remedy.work import work_of
from netaudit.report.remediation import Told, told
from netaudit.store.journal import Journal, open_journal
from netaudit.store.location import default_path
from netaudit.store.rollouts import open_rollouts


@dataclass(frozen=True, slots=True)
class Agreed:
    """A plan with what it takes to apply it."""

    plan: Plan
    run: RunInfo
    known: Mapping[str, Known]
    silent: int  # hosts that gave no answer to the audit
    parking: Parking | None = None  # connections of the audit that serve once more
    seen: dict[str, Watched] = field(default_factory=dict)  # by the audit, of hosts whose connection is parked


@dataclass(frozen=True, slots=True)
class _Proof:
    """What a change is proved by before its files are written: the probes for all checks but those ``about`` files."""

    rules: HostRules
    about: frozenset[str]
    probes: tuple[Probe, ...]


def _proof(rules: HostRules, question: Question) -> _Proof:
    about = proof.about_files(rules)
    others = {check.compiled.check.id for check in rules.checks} - about
    needed = proof.probes_about(rules, others)
    return _Proof(rules, about, tuple(probe for probe in question.probes if probe.id in needed))


@dataclass(slots=True)
class Memory:
    """What the audit knew of each host that is to be changed, as far as its change will be proved against it."""

    parking: Parking | None = None
    known: dict[str, Known] = field(default_factory=dict)
    seen: dict[str, Watched] = field(default_factory=dict)
    _proofs: dict[int, _Proof] = field(default_factory=dict)  # hosts share their rules

    def note(
        self, plan: HostPlan, job: Job, rules: HostRules, facts: Facts, audited: Sequence[Result] | None = None
    ) -> None:
        """Remember one host. ``audited`` is what the audit made of these facts, where that is at hand."""
        now = datetime.now(UTC)
        before = proof.failing(rules, facts, now, audited)
        afterwards = proof.failing(rules, proof.foreseen(facts, plan.steps), now)
        if id(rules) not in self._proofs:
            self._proofs[id(rules)] = _proof(rules, job.question)
        proves = self._proofs[id(rules)]
        allowed = {**afterwards, **before}
        if self.parking is not None and self.parking.holds(plan.host):
            self.seen[plan.host] = unchanged.watched(facts)
        self.known[plan.host] = Known(
            job.question, rules, sample_of(facts), before, allowed, proves.about, proves.probes
        )


@dataclass(frozen=True, slots=True)
class Silenced:
    """A host of a plan that gave no answer to the audit just before: nothing is sent to it."""

    part: HostPlan
    armed_with: Capture | None = None
    verified_with: Capture | None = None

    async def look(self, probes: Sequence[Probe], within_s: float) -> Capture | None:
        """Nothing."""
        return None

    async def apply(self) -> HostOutcome:
        """Its end."""
        reason = "it gave no answer when it was audited again"
        return HostOutcome(self.part.host, self.part.address, Outcome.UNREACHED, reason, steps=self.part.steps)

    async def confirm(self) -> HostOutcome:
        """Never asked for: there is nothing to confirm."""
        return await self.apply()

    async def abandon(self, reason: str) -> HostOutcome:
        """There is nothing to undo."""
        return await self.apply()


def apply(args: argparse.Namespace, fleet: Fleet, agreed: Agreed, max_fail: int, runner: asyncio.Runner) -> Told:
    """Apply the plan, with every step in the journal first."""
    hosts = [each.host for each in agreed.plan.hosts if each.steps]
    terms = Terms(max_fail, args.soak, args.confirm_within, args.rollback_all_on_failure, fleet.width)
    interrupt = Interrupt(runner)
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(open_journal(default_path(os.environ)))
        recorded = stack.enter_context(recorded_run(agreed.run, hosts))
        rollouts = stack.enter_context(open_rollouts(default_path(os.environ)))
        keeping = Keeping(rollouts, agreed.run.id, agreed.plan, Narrator(args))
        stack.callback(keeping.flush)
        rolled = interrupt.run(_roll_out(args, fleet, agreed, terms, journal, keeping, interrupt))
        run = recorded.ended(rolled.by_host(hosts), GOOD, interrupted=rolled.interrupted)
    return told(run, agreed.plan.batches, hosts, rolled)


async def _roll_out(
    args: argparse.Namespace,
    fleet: Fleet,
    agreed: Agreed,
    terms: Terms,
    journal: Journal,
    observer: RolloutObserver,
    interrupt: Interrupt,
) -> Rolled:
    await prepared(fleet.transport, fleet.targets)
    probes = {probe.id: probe for probe in shipped_probes()}
    command = functools.partial(gate_command.ask, args.gate, agreed.run.id) if args.gate else None
    gate = Gate(agreed.known, fleet.width, command, fleet.limits.host_s)
    ways = Ways(fleet.transport, Journalling(journal, agreed.run.id), fleet.limits.host_s)
    guarded = _guards(args, fleet, agreed, ways, probes)
    undo = functools.partial(_undone, args, fleet, agreed.run.id, journal, probes)
    try:
        return await Rollout(guarded, gate, observer, terms, undo).run(
            agreed.plan.hosts, agreed.plan.batches, interrupt.stop
        )
    finally:
        await fleet.transport.close()


async def _undone(
    args: argparse.Namespace,
    fleet: Fleet,
    run_id: str,
    journal: Journal,
    probes: Mapping[str, Probe],
    hosts: Sequence[str],
) -> Sequence[HostOutcome]:
    """Take back what this run has kept on some hosts, as a run of its own in the journal."""
    targets = {target.name: target for target in fleet.targets}
    run = new_run("rollback", args)
    ways = Ways(fleet.transport, Journalling(journal, run.id), fleet.limits.host_s)
    inspection = Inspection(watched=tuple(probes[name] for name in unchanged.PROBES))
    records = to_be_undone([record for record in journal.changes(run_id) if record.host in set(hosts)])
    recovery = Recovery(ways, targets.get, inspection, fleet.width)
    with recorded_run(run, hosts) as recorded:
        outcomes, _ = await recovery.roll_back(run.id, records, lambda _: None)
        recorded.ended(outcomes, UNDONE)
    hint = f"netaudit resume {run.id} finds out what it has"  # the run that was applied knows of no undo
    return [replace(each, hint=hint) if each.outcome is Outcome.LOST else each for each in outcomes]


def _guards(
    args: argparse.Namespace, fleet: Fleet, agreed: Agreed, ways: Ways, probes: Mapping[str, Probe]
) -> Callable[[HostPlan], Guarded]:
    """Makes the guard of one host for a part of its plan."""
    targets = {target.name: (place, target) for place, target in enumerate(fleet.targets)}
    plans = {each.host: each for each in agreed.plan.hosts}
    persists = not args.no_persist

    def guard(part: HostPlan) -> Guarded:
        if part.host not in agreed.known:
            return Silenced(part)
        known = agreed.known[part.host]
        question = known.question
        expected = proof.answered(plans[part.host], part, known.failing)
        by_files = {pair: severity for pair, severity in expected.items() if pair[0] in known.about}
        at_once = {pair: severity for pair, severity in expected.items() if pair[0] not in known.about}

        def still_failing(capture: Capture, meant: proof.Failing) -> tuple[str, ...]:
            return proof.unanswered(meant, known.failing_in(capture, datetime.now(UTC)))

        def boot_judge(capture: Capture) -> Sequence[str]:
            objections = proof.boot_objections(part.steps, facts_of(capture, proof.BOOT_DOMAINS))
            objections = objections or (still_failing(capture, by_files) if by_files else ())
            known.forget()
            return objections

        place, target = targets[part.host]
        session = agreed.parking.take(part.host) if agreed.parking is not None else None
        seen = agreed.seen.pop(part.host, None)
        work = work_of(part, scripts_of(part), confirm_within_s=int(args.confirm_within), persist=persists)
        inspection = Inspection(
            probes=known.probes,
            judge=lambda capture: still_failing(capture, at_once),
            params=question.params,
            watched=tuple(probes[name] for name in unchanged.PROBES),
            seen=seen if session is not None else None,
            counted=(LOSS,),
            boot_probes=_boot_probes(known, [check for check, _ in by_files], probes) if work.lasts else (),
            boot_judge=boot_judge,
        )
        return GuardedHost(
            target,
            change_of(work, agreed.run.id),
            ways,
            inspection,
            steps=part.steps,
            position=place,
            session=session,
        )

    return guard


def _boot_probes(known: Known, checks: Sequence[str], probes: Mapping[str, Probe]) -> tuple[Probe, ...]:
    """What is asked once the files are written: what they would bring, and whatever these checks of it read."""
    needed = proof.probes_about(known.rules, checks) if checks else frozenset()
    asked = (probe for probe in known.question.probes if probe.id in needed)
    wanted = {probe.id: probe for probe in (*asked, *(probes[name] for name in proof.BOOT_PROBES))}
    return tuple(wanted.values())
