"""From options to a plan: a fresh audit of the fleet, and what it would change on each host.

What ``plan`` and ``fix`` share. ``make_plan`` contacts the hosts and gives the plan; it changes nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from netaudit import __version__
from netaudit.app.audit import Job
from netaudit.app.observers import Observers, Silent
from netaudit.app.rules import Questions
from netaudit.assets.remediations import load_remediations, read_pins
from netaudit.baseline.nearest import did_you_mean
from netaudit.baseline.select import HostRules, Ruleset
from netaudit.cli.asking.rules import probes_digest, questions
from netaudit.cli.asking.run_request import SITE, Fleet
from netaudit.cli.guard import say
from netaudit.cli.reading.auditing import new_run, perform
from netaudit.cli.telling.console import progress_of
from netaudit.errors import PlanError, UsageError
from netaudit.facts.snapshot import facts_of
from netaudit.model.facts import Facts
from netaudit.model.plan import HostPlan, NotRemedied, Plan, StepClass
from netaudit.model.probe import Capture
from netaudit.model.reading import Absent
from netaudit.model.result import BaselineRef, FleetFinding, HostReport, HostStatus, Result, RunInfo, Summary
from netaudit.remedy.batches import DEFAULT_SERIAL, batches_of, parse_serial
from netaudit.remedy.changes import Choices
from netaudit.remedy.gates import GATE_DOMAINS
from netaudit.remedy.pins import Altered, Pin
from netaudit.remedy.plan_file import load_plan, sealed
from netaudit.remedy.planner import DOMAINS, Material, host_plan
from netaudit.remedy.remediation import Remediations

_Planned: TypeAlias = Callable[[HostPlan, Job, HostRules, Facts, Sequence[Result]], None]

VALID_FOR = timedelta(hours=1)  # a plan is refused afterwards; hosts that have changed since are refused in any case
_NAMED_AT_MOST = 5


def add_planning(parser: argparse.ArgumentParser) -> None:
    """The options that decide what a plan changes, and in which batches."""
    group = parser.add_argument_group("plan")
    group.add_argument("--only", action="append", metavar="CHECK", default=[],
                       help="only findings of these checks: an id or a glob (repeatable)")  # fmt: skip
    sizes = DEFAULT_SERIAL.replace("%", "%%")
    group.add_argument("--serial", metavar="SIZES", default=DEFAULT_SERIAL,
                       help=f"sizes of the batches, as Ansible's serial (default {sizes})")  # fmt: skip
    group.add_argument("--allow", action="append", metavar="CLASS", default=[],
                       choices=[str(each) for each in StepClass],
                       help="also allow changes of this class: link-flap restart reboot (repeatable)")  # fmt: skip
    group.add_argument("--no-persist", action="store_true", help="change the running values only")
    group.add_argument("--restart-listeners", action="store_true",
                       help="offer to restart services that keep an old backlog")  # fmt: skip
    group.add_argument("--remediations", action="append", metavar="FILE", default=[],
                       help="also remediations of your own, pinned with `netaudit vet` (repeatable)")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """A plan, and the audit that it was made of. ``reports`` are in inventory order."""

    plan: Plan
    reports: tuple[HostReport, ...]
    run: RunInfo
    summary: Summary
    serial: tuple[str, ...]


def pins_path(environment: Mapping[str, str]) -> Path:
    """``netaudit/pins.json`` under ``$XDG_CONFIG_HOME`` or ``~/.config``. Raises PlanError when there is neither."""
    stated = environment.get("XDG_CONFIG_HOME", "")
    if stated.startswith("/"):
        return Path(stated, "netaudit", "pins.json")
    home = environment.get("HOME", "")
    if not home.startswith("/"):
        raise PlanError("there is no place for pins: neither XDG_CONFIG_HOME nor HOME is an absolute path")
    return Path(home, ".config", "netaudit", "pins.json")


def choices_of(args: argparse.Namespace, ruleset: Ruleset) -> Choices:
    """What the command line allows. Raises UsageError for a check that there is none of."""
    ids = [check.id for check in ruleset.rules.checks]
    for pattern in args.only:
        if not any(character in pattern for character in "*?[") and pattern not in ids:
            raise UsageError(
                f"--only {pattern}: the baseline {ruleset.name} has no such check", hint=did_you_mean(pattern, ids)
            )
    allowed = frozenset(StepClass(word) for word in args.allow)
    return Choices(tuple(args.only), allowed, not args.no_persist, args.restart_listeners)


def remediations_of(args: argparse.Namespace, ruleset: Ruleset) -> Remediations:
    """The remediations of the command line and the shipped ones. Raises PlanError for what is not pinned."""
    own = [Path(name) for name in args.remediations]
    pins: dict[str, Pin] = read_pins(pins_path(os.environ)) if own else {}
    try:
        return load_remediations(ruleset, own, pins)
    except Altered as error:
        for line in error.difference:
            say(line)
        raise


def stored_plan(path: Path) -> Plan:
    """The plan of a file that `plan -o plan.json` wrote. Raises PlanError."""
    from netaudit.assets.textfile import read_bytes
    from netaudit.errors import RuleError

    try:
        text = read_bytes(path).decode("utf-8", "replace")
    except RuleError as error:
        raise PlanError(error.message, error.where, error.hint) from error
    return load_plan(text, str(path), datetime.now(UTC), __version__)


def make_plan(
    args: argparse.Namespace,
    fleet: Fleet,
    ruleset: Ruleset,
    command: str = "plan",
    planned: _Planned | None = None,
    runner: asyncio.Runner | None = None,
) -> Made:
    """Audit the fleet and plan for each host. Raises OperatorError before any host is contacted.

    ``planned`` is told of each host with something to do, while its facts and results are still at hand.
    """
    serial = parse_serial(args.serial)
    choices, remediations = choices_of(args, ruleset), remediations_of(args, ruleset)
    asked = questions()
    jobs, rules = jobs_of(fleet, ruleset, asked)
    created_at = datetime.now(UTC).replace(microsecond=0)
    planner = _Planner(jobs, rules, remediations, choices, created_at, planned)
    baseline = BaselineRef(ruleset.name, ruleset.sha256)
    run = new_run(command, args, baseline=baseline, digest=probes_digest(asked.probes))
    outcome = perform(fleet, jobs, run, Observers(planner, progress_of(args)), runner)
    hosts = planner.hosts(outcome.fleet)
    plan = Plan(
        digest="",
        created_at=created_at,
        expires_at=created_at + VALID_FOR,
        version=__version__,
        baseline=ruleset.name,
        baseline_sha256=ruleset.sha256,
        hosts=hosts,
        batches=batches_of(hosts, serial),
        notes=_notes(run, planner.reports, choices, planner.rootless),
    )
    return Made(sealed(plan), planner.reports, outcome.run, outcome.summary, serial)


def jobs_of(fleet: Fleet, ruleset: Ruleset, asked: Questions) -> tuple[list[Job], list[HostRules]]:
    """What is asked of each host: what its checks need, and what a plan rests on besides."""
    widened: dict[int, tuple[HostRules, HostRules]] = {}
    jobs, all_rules = [], []
    for target in fleet.targets:
        variables = fleet.variables(target.name)
        rules = ruleset.for_host(target.name, variables, fleet.matches, fleet.origin)
        if id(rules) not in widened:
            widened[id(rules)] = (rules, replace(rules, domains=rules.domains | DOMAINS))
        wide = widened[id(rules)][1]
        jobs.append(Job(target, asked.of_rules(wide), str(variables.get(SITE, ""))))
        all_rules.append(wide)
    return jobs, all_rules


def _notes(run: RunInfo, reports: Sequence[HostReport], choices: Choices, rootless: Sequence[str]) -> tuple[str, ...]:
    silent = sum(1 for report in reports if report.status is not HostStatus.OK)
    notes = list(run.notes)
    if silent:
        notes.append(f"{silent} host{'s' if silent > 1 else ''} gave no answer and would not be touched")
    if rootless:
        some = ", ".join(rootless[:_NAMED_AT_MOST]) + (", …" if len(rootless) > _NAMED_AT_MOST else "")
        notes.append(f"the login is not root on {some}: to change anything there takes --become, or another --user")
    if not choices.persists:
        notes.append("nothing would be written for the next boot (--no-persist)")
    return tuple(notes)


class _Planner(Silent):
    """Plans for each host as it answers."""

    def __init__(
        self,
        jobs: Sequence[Job],
        rules: Sequence[HostRules],
        remediations: Remediations,
        choices: Choices,
        created_at: datetime,
        planned: _Planned | None,
    ) -> None:
        self._jobs = jobs
        self._planned = planned
        self._rules = rules
        self._remediations = remediations
        self._choices = choices
        self._created_at = created_at
        self._plans: dict[int, HostPlan] = {}
        self._reports: dict[int, HostReport] = {}
        self._rootless: dict[int, str] = {}

    def host_done(self, position: int, report: HostReport, capture: Capture | None) -> None:
        """Plan for one host; one that gave no answer is left alone."""
        self._reports[position] = report
        if capture is None or report.status is not HostStatus.OK:
            error = report.error
            why = f"{error.kind}: {error.message}" if error is not None else "no answer"
            left = (NotRemedied("", "host", why, error.hint if error is not None else ""),)
            self._plans[position] = HostPlan(report.name, report.address, "", "", (), left)
            return
        rules = self._rules[position]
        facts = facts_of(capture, rules.domains | GATE_DOMAINS)
        made = self._plans[position] = host_plan(
            Material(rules, facts, report.results, self._remediations, self._choices, self._created_at)
        )
        if made.steps and not isinstance(facts.kernel, Absent) and facts.kernel.is_root is False:
            self._rootless[position] = report.name
        if made.steps and self._planned is not None:
            self._planned(made, self._jobs[position], rules, facts, report.results)

    @property
    def reports(self) -> tuple[HostReport, ...]:
        """The hosts' reports in inventory order."""
        return tuple(self._reports[place] for place in sorted(self._reports))

    @property
    def rootless(self) -> tuple[str, ...]:
        """Hosts with something to do that were read by a login without the right to do it, in inventory order."""
        return tuple(self._rootless[place] for place in sorted(self._rootless))

    def hosts(self, fleet: Sequence[FleetFinding]) -> tuple[HostPlan, ...]:
        """The plans in inventory order; what only several hosts together show is left alone, and said."""
        plans = []
        for place in sorted(self._plans):
            plan = self._plans[place]
            left = [
                NotRemedied(each.check, "host", "it takes all hosts of the segment together", each.fix or "")
                for each in fleet
                if plan.host in each.hosts
            ]
            plans.append(replace(plan, not_remedied=(*plan.not_remedied, *left)))
        return tuple(plans)
