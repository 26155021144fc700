"""One diagnosis from options to exit code: what the commands ``diagnose`` and ``run`` share."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from netaudit.app.audit import Outcome
from netaudit.app.diagnose import Diagnosing, beat_of, digests_of
from netaudit.app.observers import Expendable, Observers
from netaudit.app.ports import Observer
from netaudit.app.sampling import Beat, Sampler
from netaudit.cli import exit_codes
from netaudit.cli.asking.rules import probes_digest, shipped_probes
from netaudit.cli.asking.run_request import Fleet, fleet_of, prepared
from netaudit.cli.diagnosis.reports import (
    DiagnosisConsole,
    DiagnosisHtml,
    DiagnosisJson,
    DiagnosisLines,
    DiagnosisReport,
)
from netaudit.cli.diagnosis.stored import Stored, stored_samples
from netaudit.cli.diagnosis.tracing import beside_of, wants_timeline
from netaudit.cli.guard import say
from netaudit.cli.interrupt import Interrupt
from netaudit.cli.reading.auditing import keeping, new_run, reports_of, warner
from netaudit.cli.telling.console import progress_of
from netaudit.cli.telling.lines import Guarded
from netaudit.cli.telling.outputs import Output, parse_outputs
from netaudit.diagnosis.catalogue import CAUSES
from netaudit.diagnosis.results import PREFIX
from netaudit.errors import OperatorError, UsageError
from netaudit.model.context import CheckContext, RunContext
from netaudit.model.diagnosis import HostDiagnosis
from netaudit.model.result import RunInfo, Severity
from netaudit.model.target import Target
from netaudit.report.formats import NAMES
from netaudit.transport.capture_dir import CaptureDirWriter
from netaudit.units import format_duration

FORMATS = ("console", *NAMES)
OWN = frozenset({"console", "html", "json", "jsonl"})  # others tell of the same results as an audit would
LONGEST_S = 3600.0
MOST_SAMPLES = 600


@dataclass(frozen=True, slots=True)
class _Live:
    """Hosts that are asked now."""

    fleet: Fleet
    beat: Beat

    @property
    def targets(self) -> tuple[Target, ...]:
        """Whom it is about, in inventory order."""
        return self.fleet.targets

    def perform(self, diagnosing: Diagnosing, run: RunInfo) -> Outcome:
        """Contact the hosts, with Ctrl-C and SIGTERM turned into an orderly end."""
        interrupt, fleet = Interrupt(), self.fleet
        run = replace(run, bundle_digest=",".join(digests_of(self.beat, int(fleet.limits.host_s))))

        async def work() -> Outcome:
            await prepared(fleet.transport, fleet.targets)
            try:
                sampler = Sampler(fleet.transport, fleet.limits, fleet.width)
                return await diagnosing.run(run, fleet.targets, sampler, self.beat, interrupt.stop)
            finally:
                await fleet.transport.close()

        return interrupt.run(work())


def diagnose(args: argparse.Namespace, command: str = "diagnose") -> int:
    """Diagnose the fleet of the command line and report. Raises OperatorError before any host is contacted."""
    warn = warner(args)
    outputs = parse_outputs(args.output, FORMATS)
    hosts = _hosts(args, warn)
    run = new_run(command, args, digest=probes_digest(shipped_probes()))
    codes: list[exit_codes.ExitCode] = []

    def failed(error: OperatorError) -> None:
        say(str(error))
        codes.append(exit_codes.ExitCode.USAGE)

    with contextlib.ExitStack() as stack:
        context = _context(hosts.targets)
        progress = progress_of(args)
        reports = [Guarded(each, failed) for each in own_reports(args, outputs, stack)]
        others = reports_of([each for each in outputs if each.format not in OWN], context, stack)
        keep = _kept(args, hosts.targets)
        observer = Observers(
            *keep, *keeping(args, context, stack), *(Expendable(each, failed) for each in others), progress
        )

        def told(place: int, diagnosis: HostDiagnosis) -> None:
            for each in reports:
                each.tell(lambda one: one.host(place, diagnosis))

        diagnosing = Diagnosing(observer, told, wants_timeline(args))
        outcome = hosts.perform(diagnosing, run)
        for each in reports:
            each.tell(lambda one: one.finished(outcome.run, outcome.summary))
    interrupted = outcome.run.interrupted
    codes.append(exit_codes.of_summary(outcome.summary, Severity(args.fail_on), interrupted=interrupted))
    return exit_codes.worst(codes)


def _hosts(args: argparse.Namespace, warn: Callable[[str], None]) -> _Live | Stored:
    if args.from_dirs:
        if args.keep:
            raise UsageError("--keep and --from: these samples are kept already")
        beside_of(args)
        return stored_samples(args, warn)
    every_s = 1.0 if args.every_s is None and wants_timeline(args) else args.every_s
    check_times(args.for_s, every_s)
    beat = beat_of(shipped_probes(), args.for_s, every_s)
    return _Live(fleet_of(args, warn), replace(beat, beside=beside_of(args)))


def check_times(for_s: float, every_s: float | None) -> None:
    """Raises UsageError when so many samples, or such a long time, cannot be meant."""
    if not 1 <= for_s <= LONGEST_S:
        raise UsageError(f"--for {for_s:g}s: between 1 s and {format_duration(LONGEST_S)}")
    if every_s is not None and every_s < 1:
        raise UsageError(f"--every {every_s:g}s: a second at least, because taking a sample takes a part of one")
    if every_s is not None and for_s / every_s > MOST_SAMPLES:
        raise UsageError(f"--every {every_s:g}s for {for_s:g}s: more than {MOST_SAMPLES} samples")


def _kept(args: argparse.Namespace, targets: Sequence[Target]) -> list[Observer]:
    return [CaptureDirWriter(Path(args.keep), targets)] if args.keep else []


def own_reports(
    args: argparse.Namespace, outputs: Sequence[Output], stack: contextlib.ExitStack
) -> list[DiagnosisReport]:
    """The reports that tell of the diagnosis itself; the other formats tell of it as of an audit."""
    reports: list[DiagnosisReport] = []
    for output in outputs:
        if output.format == "json":
            reports.append(DiagnosisJson(output))
        elif output.format == "html":
            reports.append(DiagnosisHtml(output))
        elif output.format == "jsonl":
            reports.append(stack.enter_context(contextlib.closing(DiagnosisLines(output))))
        elif output.format == "console":
            reports.append(DiagnosisConsole(args, output))
    return reports


def _context(targets: Sequence[Target]) -> RunContext:
    """What reports say of each cause besides its result."""
    checks = {
        f"{PREFIX}{rule.id}": CheckContext(
            rule.title, str(rule.layer), str(rule.severity), f"{rule.title}. To look at: {'; '.join(rule.look)}."
        )
        for rule in CAUSES
    }
    groups = {target.name: target.groups for target in targets if target.groups}
    return RunContext(checks=checks, groups=groups)
