"""One capacity check from options to exit code: what the commands ``capacity`` and ``run`` share."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from netaudit.app.audit import Job
from netaudit.app.observers import Expendable, Observers, Silent
from netaudit.app.ports import Observer
from netaudit.app.rules import Question, Questions
from netaudit.capacity.assess import DOMAINS, assess, load_of
from netaudit.capacity.catalogue import RESOURCES, SETTINGS
from netaudit.capacity.results import check_id, results_of
from netaudit.cli import exit_codes
from netaudit.cli.asking.rules import probes_digest, questions
from netaudit.cli.asking.run_request import Fleet, fleet_of
from netaudit.cli.capacity.reports import (
    BASELINE,
    REMEDIATIONS,
    CapacityConsole,
    CapacityHtml,
    CapacityJson,
    CapacityLines,
    CapacityPlan,
    CapacityReport,
)
from netaudit.cli.capacity.request import Request, request_of
from netaudit.cli.guard import say
from netaudit.cli.reading.auditing import keeping, new_run, perform, reports_of, warner
from netaudit.cli.telling.lines import Guarded
from netaudit.cli.telling.outputs import Output, parse_outputs
from netaudit.errors import OperatorError
from netaudit.facts.domains import probes_for
from netaudit.facts.snapshot import facts_of
from netaudit.fleet.tally import Tally
from netaudit.model.capacity import Assessment, HostCapacity
from netaudit.model.context import CheckContext, RunContext
from netaudit.model.probe import Capture
from netaudit.model.result import BaselineRef, FleetFinding, HostReport, RunInfo, Severity, Summary
from netaudit.model.workload import HostLoad
from netaudit.report.formats import FOR_PLANS, NAMES

FORMATS = ("console", *NAMES, *FOR_PLANS)
OWN = frozenset({"console", "html", "json", "jsonl", *FOR_PLANS})  # others tell of the results as an audit would


class Weighing(Silent):
    """Turns the facts of each host into assessments, and tells those who want results and those who want rows."""

    def __init__(
        self, loads: Sequence[HostLoad], results: Observer, reports: Sequence[Guarded[CapacityReport]]
    ) -> None:
        self._loads = loads
        self._results = results
        self._reports = reports
        self._tally = Tally()
        self.summary = Summary()

    def started(self, run: RunInfo, hosts: Sequence[str]) -> None:
        """See ``app.ports.Observer``."""
        self._results.started(run, hosts)

    def host_started(self, name: str) -> None:
        """See ``app.ports.Observer``."""
        self._results.host_started(name)

    def host_done(self, position: int, report: HostReport, capture: Capture | None) -> None:
        """Weigh one host."""
        weighed = weighed_host(report, capture, self._loads[position])
        judged = replace(report, results=results_of(weighed.assessments))
        self._tally.add(judged)
        self._results.host_done(position, judged, capture)
        for each in self._reports:
            each.tell(lambda one: one.host(position, weighed, judged))

    def finished(self, run: RunInfo, summary: Summary, fleet: Sequence[FleetFinding]) -> None:
        """Say the totals of this run: an audit's findings across hosts are no part of it."""
        self.summary = self._tally.summary()
        self._results.finished(run, self.summary, ())
        for each in self._reports:
            each.tell(lambda one: one.finished(run, self.summary))


def weighed_host(report: HostReport, capture: Capture | None, load: HostLoad) -> HostCapacity:
    """What a host can carry by what it answered; nothing of one that did not."""
    rows: tuple[Assessment, ...] = ()
    if report.error is None and capture is not None:
        rows = assess(facts_of(capture, DOMAINS), load)
    return HostCapacity(report.name, report.address, report.status, report.error, report.duration_s, rows, report.notes)


def capacity(args: argparse.Namespace, command: str = "capacity") -> int:
    """Weigh the fleet of the command line and report as it asks. Raises OperatorError before any host is contacted."""
    warn = warner(args)
    outputs = parse_outputs(args.output, FORMATS)
    request = request_of(args)
    fleet = fleet_of(args, warn)
    loads = loads_of(request, fleet, warn)
    asked = questions()
    question = question_of(asked)
    jobs = [Job(target, question) for target in fleet.targets]
    run = new_run(command, args, baseline=_reference(request), digest=probes_digest(asked.probes))
    codes: list[exit_codes.ExitCode] = []

    def failed(error: OperatorError) -> None:
        say(str(error))
        codes.append(exit_codes.ExitCode.USAGE)

    with contextlib.ExitStack() as stack:
        context = _context(fleet, request)
        console = CapacityConsole(args, [each for each in outputs if each.format == "console"], request.ref)
        reports: list[CapacityReport] = [*own_reports(outputs, request, stack), console]
        others = reports_of([each for each in outputs if each.format not in OWN], context, stack)
        results = Observers(
            *keeping(args, context, stack), *(Expendable(each, failed) for each in others), console.progress
        )
        weighing = Weighing(loads, results, [Guarded(each, failed) for each in reports])
        outcome = perform(fleet, jobs, run, weighing)
    interrupted = outcome.run.interrupted
    codes.append(exit_codes.of_summary(weighing.summary, Severity(args.fail_on), interrupted=interrupted))
    return exit_codes.worst(codes)


def _reference(request: Request) -> BaselineRef:
    """What the run was held against, as the history knows it."""
    return BaselineRef(f"workload {request.workload.name}", request.workload.sha256)


def _context(fleet: Fleet, request: Request) -> RunContext:
    """What reports say of each resource besides its result, and the load itself."""
    checks = {
        check_id(resource.id): CheckContext(
            resource.title, resource.layer, str(Severity.HIGH), f"Beyond the limit: {resource.consequence}.",
            derived=f"The need is uncertain: {resource.uncertainty.why}.", sources=resource.sources,
        )
        for resource in RESOURCES.values()
    }  # fmt: skip
    groups = {target.name: target.groups for target in fleet.targets if target.groups}
    return RunContext(checks=checks, groups=groups, load=request.context(fleet.matches))


def question_of(asked: Questions) -> Question:
    """What has to be known of a host: no more than the formulas read."""
    wanted = probes_for(DOMAINS)
    return Question(tuple(probe for probe in asked.probes if probe.id in wanted))


def loads_of(request: Request, fleet: Fleet, warn: Callable[[str], None]) -> list[HostLoad]:
    """The load of each host. A load that is for none of them is said."""
    matches = cache(fleet.matches)
    names = {target.name for target in fleet.targets}
    for setting in sorted(request.what_if.keys() - SETTINGS):
        warn(f"--what-if {setting}: no resource is computed from it")
    for load in request.workload.loads:
        if not names & matches(load.hosts):
            warn(f"the load {load.name!r} is for {load.hosts!r}: none of these hosts")
    return [
        load_of(request.workload, target.name, matches, scale=request.scale, what_if=request.what_if)
        for target in fleet.targets
    ]


def own_reports(outputs: Sequence[Output], request: Request, stack: contextlib.ExitStack) -> list[CapacityReport]:
    """The reports but the console's that tell of capacity itself; the other formats tell of it as of an audit."""
    reports: list[CapacityReport] = []
    for output in outputs:
        if output.format == "json":
            reports.append(CapacityJson(output, request.ref))
        elif output.format == "html":
            reports.append(CapacityHtml(output, request.ref))
        elif output.format == "jsonl":
            reports.append(stack.enter_context(contextlib.closing(CapacityLines(output))))
        elif output.format in {BASELINE, REMEDIATIONS}:
            reports.append(CapacityPlan(output, request.ref))
    return reports
