"""One audit from options to exit code: what the commands ``audit`` and ``run`` share."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from netaudit import __version__
from netaudit.app.audit import Audit, Job, Outcome
from netaudit.app.collect import Collector
from netaudit.app.observers import Expendable, Keeping, Observers
from netaudit.app.ports import Observer
from netaudit.app.rules import Question
from netaudit.baseline.select import HostRules, Ruleset
from netaudit.baseline.waivers import notes as waiver_notes
from netaudit.cli import exit_codes
from netaudit.cli.asking.rules import probes_digest, questions, ruleset_of
from netaudit.cli.asking.run_request import SITE, Fleet, fleet_of, prepared
from netaudit.cli.guard import say
from netaudit.cli.interrupt import Interrupt
from netaudit.cli.telling.console import Console
from netaudit.cli.telling.context import context_of
from netaudit.cli.telling.outputs import Output, parse_outputs
from netaudit.cli.telling.reports import JsonLines, Waiting, WholeReport
from netaudit.errors import OperatorError, StoreError
from netaudit.model.context import RunContext
from netaudit.model.result import BaselineRef, RunInfo, Severity
from netaudit.report.formats import NAMES
from netaudit.store.location import default_path
from netaudit.store.run_ids import run_id
from netaudit.store.runs import open_store

FORMATS = ("console", *NAMES)


def warner(args: argparse.Namespace) -> Callable[[str], None]:
    """Says a warning on standard error, each once; with ``-q`` none. What is lost is said by ``warn_of_loss``."""
    said: set[str] = set()

    def warn(line: str) -> None:
        if line not in said and not args.quiet:
            said.add(line)
            warn_of_loss(line)

    return warn


def warn_of_loss(line: str) -> None:
    """Say a warning on standard error, also with ``-q``: something that was asked for will not be there."""
    say(f"warning: {line}")


def new_run(
    command: str, args: argparse.Namespace, *, baseline: BaselineRef | None = None, digest: str = ""
) -> RunInfo:
    """A run that starts now."""
    started_at = datetime.now(UTC)
    off = getattr(args, "host_key_checking", "strict") == "off" and not getattr(args, "from_dir", None)
    notes = ("host keys were not checked: what is said of a host may be said by another",) if off else ()
    return RunInfo(
        id=run_id(started_at, secrets.token_hex(2)),
        command=command,
        started_at=started_at,
        version=__version__,
        baseline=baseline,
        host_key_checking=getattr(args, "host_key_checking", "strict"),
        probes_digest=digest,
        pattern=args.pattern,
        notes=notes,
    )


def audit(args: argparse.Namespace, command: str = "audit") -> int:
    """Audit the fleet of the command line and report as it asks. Raises OperatorError before any host is contacted."""
    warn = warner(args)
    outputs = parse_outputs(args.output, FORMATS)
    ruleset = ruleset_of(args, warn)
    fleet = fleet_of(args, warn)
    asked = questions(args)
    jobs = [job_of(fleet, ruleset, asked.of_rules, place) for place in range(len(fleet.targets))]
    baseline = BaselineRef(ruleset.name, ruleset.sha256)
    run = new_run(command, args, baseline=baseline, digest=probes_digest(asked.probes))
    run = replace(run, notes=(*run.notes, *waiver_notes(ruleset.rules.waivers, run.started_at)))
    context = context_of(ruleset, fleet)
    console = Console(args, outputs, jobs, context.why)
    codes = []

    def failed(error: OperatorError) -> None:
        say(str(error))
        codes.append(exit_codes.ExitCode.USAGE)

    with contextlib.ExitStack() as stack:
        reports = [Expendable(report, failed) for report in reports_of(outputs, context, stack)]
        observers = [*keeping(args, context, stack), *reports, console]
        outcome = perform(fleet, jobs, run, Observers(*observers))
    codes.append(exit_codes.of_summary(outcome.summary, Severity(args.fail_on), interrupted=outcome.run.interrupted))
    return exit_codes.worst(codes)


def perform(
    fleet: Fleet, jobs: Sequence[Job], run: RunInfo, observer: Observer, runner: asyncio.Runner | None = None
) -> Outcome:
    """Contact the hosts, with Ctrl-C and SIGTERM turned into an orderly end. The run's record says what is sent."""
    interrupt = Interrupt(runner)
    deadline_s = int(fleet.limits.host_s)
    digests = dict.fromkeys(
        question.bundle_digest(deadline_s) for question in {id(j.question): j.question for j in jobs}.values()
    )
    run = replace(run, bundle_digest=",".join(digests))

    async def work() -> Outcome:
        await prepared(fleet.transport, fleet.targets)
        audit_of = Audit(Collector(fleet.transport, fleet.limits), observer, fleet.width)
        try:
            return await audit_of.run(run, jobs, interrupt.stop)
        finally:
            await fleet.transport.close()

    return interrupt.run(work())


def job_of(fleet: Fleet, ruleset: Ruleset, question_of: Callable[[HostRules], Question], place: int) -> Job:
    """What is asked of one host of a fleet."""
    target = fleet.targets[place]
    variables = fleet.variables(target.name)
    rules = ruleset.for_host(target.name, variables, fleet.matches, fleet.origin)
    return Job(target, question_of(rules), str(variables.get(SITE, "")))


def keeping(args: argparse.Namespace, context: RunContext, stack: contextlib.ExitStack) -> list[Observer]:
    """What keeps the run in the history, unless that is not wanted or not possible, which is said."""
    if getattr(args, "no_history", False):
        return []
    try:
        store = stack.enter_context(open_store(default_path(os.environ)))
    except StoreError as error:
        warn_of_loss(f"this run is not kept in the history: {error}")
        return []
    return [Keeping(store, warn_of_loss, context)]


def reports_of(outputs: Sequence[Output], context: RunContext, stack: contextlib.ExitStack) -> list[Observer]:
    """The reports that are not the console's; those that are written at the end share what waits for it."""
    reports: list[Observer] = []
    whole = [output for output in outputs if output.format not in {"console", "jsonl"}]
    if whole:
        waiting = stack.enter_context(contextlib.closing(Waiting()))
        reports = [waiting, *(WholeReport(output, waiting, context) for output in whole)]
    for output in outputs:
        if output.format == "jsonl":
            reports.append(stack.enter_context(contextlib.closing(JsonLines(output))))
    return reports
