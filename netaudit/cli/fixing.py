"""One guarded remediation, from options to exit code: what the command ``fix`` and remediation plays share."""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from netaudit.app.audit import Job
from netaudit.app.gate import Gate, Known
from netaudit.app.guarded_host import GuardedHost, Inspection, Ways, change_of
from netaudit.app.journalling import Journalling
from netaudit.app.observers import Observers, Silent
from netaudit.app.rollout import Guarded, Rollout, Terms
from netaudit.baseline.select import HostRules, Ruleset
from netaudit.cli import gate_command
from netaudit.cli.auditing import new_run, perform, warner
from netaudit.cli.console import progress_of
from netaudit.cli.exit_codes import ExitCode, worst
from netaudit.cli.interrupt import Interrupt
from netaudit.cli.narrating import Narrator
from netaudit.cli.outputs import Output, opened, parse_outputs
from netaudit.cli.planning import jobs_of, make_plan, stored_plan
from netaudit.cli.rules import probes_digest, questions, ruleset_of, shipped_probes
from netaudit.cli.run_request import Fleet, fleet_of, prepared
from netaudit.errors import PlanError, UsageError
from netaudit.facts.snapshot import facts_of
from netaudit.model.facts import Facts
from netaudit.model.plan import HostOutcome, HostPlan, Outcome, Plan
from netaudit.model.probe import Capture, Probe
from netaudit.model.result import BaselineRef, HostReport, HostStatus, RunInfo, Summary
from netaudit.remedy import proof, unchanged
from netaudit.remedy.gates import GATE_DOMAINS, GATE_PROBES, sample_of
from netaudit.remedy.operations import scripts_of
from netaudit.remedy.rolled import GOOD, Rolled
from netaudit.remedy.work import work_of
from netaudit.report.remediation import Told, told
from netaudit.store.journal import open_journal
from netaudit.store.location import default_path

LEAST_SPARE_S = 6.0  # of the hosts' own time beside the soak: to change, to ask and to confirm
_BUDGET = re.compile(r"([0-9]{1,6})(%?)\Z", re.ASCII)


@dataclass(slots=True)
class Memory:
    """What the audit knew of each host that is to be changed, as far as its change will be proved against it."""

    known: dict[str, Known] = field(default_factory=dict)

    def note(self, plan: HostPlan, job: Job, rules: HostRules, facts: Facts) -> None:
        """Remember one host."""
        now = datetime.now(UTC)
        before = proof.failing(rules, facts, now)
        afterwards = proof.failing(rules, proof.foreseen(facts, plan.steps), now)
        self.known[plan.host] = Known(job.question, rules, sample_of(facts), before, {**afterwards, **before})


@dataclass(slots=True)
class Looking(Silent):
    """Notes the hosts of a plan that was made earlier, as they answer now."""

    plans: Mapping[str, HostPlan]
    jobs: Sequence[Job]
    rules: Sequence[HostRules]
    memory: Memory

    def host_done(self, position: int, report: HostReport, capture: Capture | None) -> None:
        """Note one host."""
        if capture is not None and report.status is HostStatus.OK:
            rules = self.rules[position]
            facts = facts_of(capture, rules.domains | GATE_DOMAINS)
            self.memory.note(self.plans[report.name], self.jobs[position], rules, facts)


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


@dataclass(frozen=True, slots=True)
class Agreed:
    """A plan with what it takes to apply it."""

    plan: Plan
    run: RunInfo
    known: Mapping[str, Known]
    silent: int  # hosts that gave no answer to the audit


def fix(args: argparse.Namespace, formats: Sequence[str], command: str = "fix") -> int:
    """Plan, ask, apply, report. Raises OperatorError before any host is contacted."""
    outputs = parse_outputs(args.output, formats)
    check_times(args)
    budget(args.max_fail, 1)
    warn = warner(args)
    ruleset = ruleset_of(args, warn)
    plan = stored_plan(Path(args.plan)) if args.plan else None
    if plan is not None and plan.baseline_sha256 != ruleset.sha256:
        raise PlanError(
            f"{args.plan} was made with another state of the baseline {plan.baseline}",
            hint=f"-b names the baseline of the plan; if {ruleset.name} was changed, plan anew",
        )
    fleet = fleet_of(args, warn)
    agreed = _audited(args, fleet, ruleset, plan, command)
    changed = [each for each in agreed.plan.hosts if each.steps]
    silent = ExitCode.NO_VERDICT if agreed.silent else ExitCode.DONE
    _show_plan(args, agreed.plan, outputs)
    if agreed.run.interrupted:
        return ExitCode.INTERRUPTED
    if not changed or args.check:
        return silent
    if not approved(args, changed):
        _say(args, "not approved: nothing was changed")
        return ExitCode.REMEDIATION_FAILED
    account = _applied(args, fleet, agreed)
    for output in outputs:
        _write(args, output, account)
    return worst([silent, of_outcomes(account)])


def of_outcomes(account: Told) -> ExitCode:
    """The exit code of a remediation."""
    if account.rolled.interrupted:
        return ExitCode.INTERRUPTED
    outcomes = {host.outcome for host in account.hosts}
    if Outcome.LOST in outcomes:
        return ExitCode.STATE_UNKNOWN
    return ExitCode.DONE if outcomes <= GOOD else ExitCode.REMEDIATION_FAILED


def check_times(args: argparse.Namespace) -> None:
    """Refuse a soak that leaves the hosts' own timer no room. Raises UsageError."""
    if args.confirm_within - args.soak < LEAST_SPARE_S:
        raise UsageError(
            f"--soak {args.soak:g}s leaves too little of --confirm-within {args.confirm_within:g}s",
            hint=f"--confirm-within {args.soak + LEAST_SPARE_S:g}s at least; three times the soak is comfortable",
        )


def budget(text: str, hosts: int) -> int:
    """How many bad outcomes ``N`` or ``N%`` of so many hosts are. Raises UsageError."""
    match = _BUDGET.match(text)
    if match is None or (match[2] and int(match[1]) > 100):
        raise UsageError(f"--max-fail {text}: neither a number of hosts nor a percentage", hint="--max-fail 2, or 5%")
    return hosts * int(match[1]) // 100 if match[2] else int(match[1])


def approved(args: argparse.Namespace, changed: Sequence[HostPlan]) -> bool:
    """Whether the plan may be applied: by ``--yes``, or by the number of hosts, typed. Raises UsageError."""
    if args.yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(
            "there is nobody to approve this plan: standard input is no terminal",
            hint="--yes applies it without asking",
        )
    steps = sum(len(each.steps) for each in changed)
    hosts = f"{len(changed)} host{'s' if len(changed) > 1 else ''}"
    sys.stderr.write(f"{steps} change{'s' if steps > 1 else ''} on {hosts}. Type the number of hosts to go on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == str(len(changed))


def _audited(args: argparse.Namespace, fleet: Fleet, ruleset: Ruleset, plan: Plan | None, command: str) -> Agreed:
    """The plan to apply, and what a fresh audit knows of its hosts."""
    memory = Memory()
    if plan is None:
        made = make_plan(args, fleet, ruleset, command, memory.note)
        return Agreed(made.plan, made.run, memory.known, made.summary.unreachable + made.summary.error)
    _refuse_strangers(plan, fleet, args)
    meant = {each.host: each for each in plan.hosts if each.steps}
    fleet = replace(fleet, targets=tuple(target for target in fleet.targets if target.name in meant))
    asked = questions()
    jobs, rules = jobs_of(fleet, ruleset, asked)
    baseline = BaselineRef(ruleset.name, ruleset.sha256)
    run = new_run(command, args, baseline=baseline, digest=probes_digest(asked.probes))
    outcome = perform(fleet, jobs, run, Observers(Looking(meant, jobs, rules, memory), progress_of(args)))
    return Agreed(plan, outcome.run, memory.known, outcome.summary.unreachable + outcome.summary.error)


def _refuse_strangers(plan: Plan, fleet: Fleet, args: argparse.Namespace) -> None:
    known = {target.name for target in fleet.targets}
    strangers = [each.host for each in plan.hosts if each.steps and each.host not in known]
    if strangers:
        more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
        raise UsageError(
            f"{args.plan} is for {strangers[0]}{more}, which {args.pattern!r} of this inventory does not name",
            hint="give the inventory that the plan was made with",
        )


def _applied(args: argparse.Namespace, fleet: Fleet, agreed: Agreed) -> Told:
    """Apply the plan, with every step in the journal first."""
    hosts = [each.host for each in agreed.plan.hosts if each.steps]
    terms = Terms(
        budget(args.max_fail, len(hosts)), args.soak, args.confirm_within, args.rollback_all_on_failure, fleet.width
    )
    interrupt = Interrupt()
    started = datetime.now(UTC)
    narrator = Narrator(args)
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(open_journal(default_path(os.environ)))
        stack.enter_context(_recorded(agreed.run, hosts))
        rolled = interrupt.run(
            _roll_out(args, fleet, agreed, terms, Journalling(journal, agreed.run.id), narrator, interrupt)
        )
    run = replace(agreed.run, duration_s=agreed.run.duration_s + (datetime.now(UTC) - started).total_seconds())
    return told(run, agreed.plan.batches, hosts, rolled)


@contextlib.contextmanager
def _recorded(run: RunInfo, hosts: Sequence[str]) -> Iterator[None]:
    """The run as the history knows it: begun before any host is changed, finished whatever becomes of it."""
    from netaudit.store.runs import open_store

    with open_store(default_path(os.environ)) as store:
        store.begin(run, hosts)
        yield
        store.finish(run, Summary(hosts=len(hosts)), ())


async def _roll_out(
    args: argparse.Namespace,
    fleet: Fleet,
    agreed: Agreed,
    terms: Terms,
    journalling: Journalling,
    narrator: Narrator,
    interrupt: Interrupt,
) -> Rolled:
    assert interrupt.stop is not None  # noqa: S101  # made before this starts
    await prepared(fleet.transport, fleet.targets)
    probes = {probe.id: probe for probe in shipped_probes()}
    command = functools.partial(gate_command.ask, args.gate, agreed.run.id) if args.gate else None
    gate = Gate(agreed.known, [probes[name] for name in GATE_PROBES], fleet.width, command, fleet.limits.host_s)
    ways = Ways(fleet.transport, journalling, fleet.limits.host_s)
    guarded = _guards(args, fleet, agreed, ways, probes)
    try:
        return await Rollout(guarded, gate, narrator, terms).run(agreed.plan.hosts, agreed.plan.batches, interrupt.stop)
    finally:
        await fleet.transport.close()


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
        about = proof.about_files(known.rules)
        by_files = {pair: severity for pair, severity in expected.items() if pair[0] in about}
        at_once = {pair: severity for pair, severity in expected.items() if pair[0] not in about}

        def still_failing(capture: Capture, meant: proof.Failing) -> tuple[str, ...]:
            facts = facts_of(capture, question.domains)
            return proof.unanswered(meant, proof.failing(known.rules, facts, datetime.now(UTC)))

        def boot_judge(capture: Capture) -> Sequence[str]:
            objections = proof.boot_objections(part.steps, facts_of(capture, proof.BOOT_DOMAINS))
            return objections or (still_failing(capture, by_files) if by_files else ())

        place, target = targets[part.host]
        work = work_of(part, scripts_of(part), confirm_within_s=int(args.confirm_within), persist=persists)
        inspection = Inspection(
            probes=question.probes,
            judge=lambda capture: still_failing(capture, at_once),
            params=question.params,
            watched=tuple(probes[name] for name in dict.fromkeys((*unchanged.PROBES, *GATE_PROBES))),
            boot_probes=_boot_probes(question.probes if by_files else (), probes) if work.lasts else (),
            boot_judge=boot_judge,
        )
        return GuardedHost(target, change_of(work, agreed.run.id), ways, inspection, steps=part.steps, position=place)

    return guard


def _boot_probes(asked: Sequence[Probe], probes: Mapping[str, Probe]) -> tuple[Probe, ...]:
    """What is asked once the files are written: what they would bring, and whatever the checks of it read."""
    wanted = {probe.id: probe for probe in (*asked, *(probes[name] for name in proof.BOOT_PROBES))}
    return tuple(wanted.values())


def _show_plan(args: argparse.Namespace, plan: Plan, outputs: Sequence[Output]) -> None:
    """The plan on standard output; on standard error where that belongs to a machine."""
    from netaudit.report import terminal
    from netaudit.report.plan_page import plan_page

    is_free = not any(output.path is None and output.format != "console" for output in outputs)
    stream = sys.stdout if is_free else sys.stderr
    if args.quiet and args.yes:
        return
    console = terminal.console_for(stream, args.color, os.environ)
    how = terminal.options_for(console, os.environ, verbose=args.verbose > 0)
    terminal.print_text(console, terminal.render_page(plan_page(plan, how), how))
    stream.flush()


def _write(args: argparse.Namespace, output: Output, account: Told) -> None:
    from netaudit.report import terminal
    from netaudit.report.remediation import remediation_page
    from netaudit.report.remediation_json import remediation_json

    with opened(output) as stream:
        if output.format == "json":
            stream.writelines(remediation_json(account))
            return
        console = terminal.console_for(stream, args.color, os.environ)
        how = terminal.options_for(console, os.environ, verbose=args.verbose > 0)
        stream.write("\n")
        terminal.print_text(console, terminal.render_page(remediation_page(account, how), how))


def _say(args: argparse.Namespace, line: str) -> None:
    from netaudit.cli.guard import say

    if not args.quiet:
        say(line)
