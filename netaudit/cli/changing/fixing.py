"""One guarded remediation, from options to exit code: what the command ``fix`` and remediation plays share."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from netaudit.app.audit import Job
from netaudit.app.observers import Observers, Silent
from netaudit.app.parking import AT_ONCE, Parking
from netaudit.baseline.select import HostRules, Ruleset
from netaudit.cli.asking.rules import probes_digest, questions, ruleset_of
from netaudit.cli.asking.run_request import Fleet, fleet_of
from netaudit.cli.changing.accounts import of_outcomes, write_account
from netaudit.cli.changing.applying import Agreed, Memory, apply
from netaudit.cli.changing.planning import jobs_of, make_plan, stored_plan
from netaudit.cli.exit_codes import ExitCode, worst
from netaudit.cli.reading.auditing import new_run, perform, warner
from netaudit.cli.telling.console import before_a_question, progress_of
from netaudit.cli.telling.outputs import Output, parse_outputs
from netaudit.errors import PlanError, UsageError
from netaudit.facts.snapshot import facts_of
from netaudit.model.plan import HostPlan, Plan
from netaudit.model.probe import Capture
from netaudit.model.result import BaselineRef, HostReport, HostStatus
from netaudit.remedy.batches import DEFAULT_SERIAL, parse_serial
from netaudit.remedy.gates import GATE_DOMAINS

LEAST_SPARE_S = 6.0  # of the hosts' own time beside the soak: to change, to ask and to confirm
_BUDGET = re.compile(r"([0-9]{1,6})(%?)\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Lines:
    """One event loop for audit and changes, and where connections wait between them."""

    runner: asyncio.Runner
    parking: Parking | None


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


def fix(args: argparse.Namespace, formats: Sequence[str], command: str = "fix") -> int:
    """Plan, ask, apply, report. Raises OperatorError before any host is contacted."""
    outputs = parse_outputs(args.output, formats)
    check_terms(args)
    warn = warner(args)
    ruleset = ruleset_of(args, warn)
    plan = stored_plan(Path(args.plan)) if args.plan else None
    if plan is not None:
        _refuse_other_rules(args.plan, plan, ruleset)
        if args.serial != DEFAULT_SERIAL:  # perhaps by a file of settings
            warn(f"the batches are those of {args.plan}: --serial is for netaudit plan")
    fleet = fleet_of(args, warn)
    # Without a question in between, a change follows the audit at once, and goes through the same connections.
    at_most = min(AT_ONCE, fleet.width.open_limit // 4)  # beside those that are at work
    parking = Parking(fleet.transport, at_most) if args.yes and not args.check else None
    with asyncio.Runner() as runner:
        try:
            agreed = _audited(args, fleet, ruleset, plan, command, _Lines(runner, parking))
            return _approved_and_applied(args, fleet, agreed, outputs, runner)
        finally:
            if parking is not None:
                runner.run(parking.clear())


def _approved_and_applied(
    args: argparse.Namespace, fleet: Fleet, agreed: Agreed, outputs: Sequence[Output], runner: asyncio.Runner
) -> int:
    """The exit code, once the plan was shown, agreed to and applied."""
    changed = [each for each in agreed.plan.hosts if each.steps]
    if agreed.parking is not None:
        runner.run(agreed.parking.clear(but={each.host for each in changed}))
    silent = ExitCode.NO_VERDICT if agreed.silent else ExitCode.DONE
    _show_plan(args, agreed.plan, outputs)
    if agreed.run.interrupted:
        return ExitCode.INTERRUPTED
    if not changed or args.check:
        return silent
    if not approved(args, changed):
        _say(args, "not approved: nothing was changed")
        return ExitCode.REMEDIATION_FAILED
    account = apply(args, fleet, agreed, budget(args.max_fail, len(changed)), runner)
    for output in outputs:
        write_account(args, output, account)
    return worst([silent, of_outcomes(account)])


def _refuse_other_rules(file: str, plan: Plan, ruleset: Ruleset) -> None:
    """A change is verified by the checks that asked for it. Raises PlanError."""
    if plan.baseline != ruleset.name:
        raise PlanError(f"{file} was made with the baseline {plan.baseline}, and this is {ruleset.name}",
                        hint=f"-b {plan.baseline}, or its file")  # fmt: skip
    if plan.baseline_sha256 != ruleset.sha256:
        raise PlanError(f"{file} was made with another state of the baseline {plan.baseline}",
                        hint=f"{plan.baseline} or its checks have been changed since: plan anew")  # fmt: skip


def check_terms(args: argparse.Namespace) -> None:
    """Refuse what can be seen to be wrong without a look at any host. Raises UsageError."""
    budget(args.max_fail, 1)
    parse_serial(args.serial)
    _refuse_choices_of_a_plan(args)
    _refuse_silence(args)
    if args.confirm_within - args.soak < LEAST_SPARE_S:
        raise UsageError(
            f"--soak {args.soak:g}s leaves too little of --confirm-within {args.confirm_within:g}s",
            hint=f"--confirm-within {args.soak + LEAST_SPARE_S:g}s at least; three times the soak is comfortable",
        )


def _refuse_choices_of_a_plan(args: argparse.Namespace) -> None:
    """Refuse what was decided when a plan was made: it would be applied all the same. Raises UsageError."""
    said = {"--only": args.only, "--allow": args.allow, "--restart-listeners": args.restart_listeners}
    for option, value in said.items():
        if args.plan and value:
            raise UsageError(f"{option} changes nothing of {args.plan}, which is applied as it is",
                             hint=f"make it with {option}: netaudit plan")  # fmt: skip


def budget(text: str, hosts: int) -> int:
    """How many bad outcomes ``N`` or ``N%`` of so many hosts are. Raises UsageError."""
    match = _BUDGET.match(text)
    if match is None or (match[2] and int(match[1]) > 100):
        raise UsageError(f"--max-fail {text}: neither a number of hosts nor a percentage", hint="--max-fail 2, or 5%")
    return hosts * int(match[1]) // 100 if match[2] else int(match[1])


def _refuse_silence(args: argparse.Namespace) -> None:
    """Refuse before any host is contacted what nobody could approve later. Raises UsageError."""
    if not args.yes and not args.check and not sys.stdin.isatty():
        raise UsageError(
            "there is nobody to approve a plan: standard input is no terminal",
            hint="--yes applies it without asking, --check shows it",
        )


def approved(args: argparse.Namespace, changed: Sequence[HostPlan]) -> bool:
    """Whether the plan may be applied: by ``--yes``, or by the number of hosts, typed."""
    if args.yes:
        return True
    sys.stderr.write(f"{what_would_happen(args, changed)}\nType the number of hosts to go on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == str(len(changed))


def what_would_happen(args: argparse.Namespace, changed: Sequence[HostPlan]) -> str:
    """What approval sets off, in words: how much, of which class, how long it can be taken back, what stays."""
    steps = [step for each in changed for step in each.steps]
    classes = ", ".join(f"{count} {kind}" for kind, count in Counter(str(step.step_class) for step in steps).items())
    lasts = "until the next boot" if args.no_persist else "for the next boot too"
    return before_a_question(
        args,
        f"This makes {_counted(len(steps), 'change')} ({classes}) on {_counted(len(changed), 'host')}, batch by batch. "
        f"A host undoes its own after {args.confirm_within:g} s unless a new login has verified and confirmed it; "
        f"from then on it stays, {lasts}. `netaudit rollback last` takes it back.",
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _audited(
    args: argparse.Namespace, fleet: Fleet, ruleset: Ruleset, plan: Plan | None, command: str, lines: _Lines
) -> Agreed:
    """The plan to apply, and what a fresh audit knows of its hosts."""
    memory = Memory(lines.parking)
    if lines.parking is not None:
        fleet = replace(fleet, transport=lines.parking)
    if plan is None:
        made = make_plan(args, fleet, ruleset, command, memory.note, lines.runner)
        silent = made.summary.unreachable + made.summary.error
        return Agreed(made.plan, made.run, memory.known, silent, lines.parking, memory.seen)
    _refuse_strangers(plan, fleet, args)
    meant = {each.host: each for each in plan.hosts if each.steps}
    fleet = replace(fleet, targets=tuple(target for target in fleet.targets if target.name in meant))
    asked = questions()
    jobs, rules = jobs_of(fleet, ruleset, asked)
    baseline = BaselineRef(ruleset.name, ruleset.sha256)
    run = new_run(command, args, baseline=baseline, digest=probes_digest(asked.probes))
    looking = Observers(Looking(meant, jobs, rules, memory), progress_of(args))
    outcome = perform(fleet, jobs, run, looking, lines.runner)
    silent = outcome.summary.unreachable + outcome.summary.error
    return Agreed(plan, outcome.run, memory.known, silent, lines.parking, memory.seen)


def _refuse_strangers(plan: Plan, fleet: Fleet, args: argparse.Namespace) -> None:
    known = {target.name for target in fleet.targets}
    strangers = [each.host for each in plan.hosts if each.steps and each.host not in known]
    if strangers:
        more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
        raise UsageError(
            f"{args.plan} is for {strangers[0]}{more}, which {args.pattern!r} of this inventory does not name",
            hint="give the inventory that the plan was made with",
        )


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
    console.print()
    stream.flush()


def _say(args: argparse.Namespace, line: str) -> None:
    from netaudit.cli.guard import say

    if not args.quiet:
        say(line)
