"""One comparison of hosts with each other, from options to exit code."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from netaudit.app.audit import Job
from netaudit.app.observers import Observers, Silent
from netaudit.app.rules import Question, Questions
from netaudit.baseline.nearest import did_you_mean
from netaudit.baseline.reads import all_reads
from netaudit.baseline.select import Ruleset
from netaudit.cli.asking.rules import probes_digest, questions, ruleset_of
from netaudit.cli.asking.run_request import Fleet, fleet_of
from netaudit.cli.exit_codes import ExitCode, of_summary, worst
from netaudit.cli.reading.auditing import new_run, perform, warner
from netaudit.cli.telling.console import progress_of
from netaudit.cli.telling.outputs import Output, opened, parse_outputs
from netaudit.errors import UsageError
from netaudit.facts.domains import DOMAINS as PROBE_OF
from netaudit.facts.settings import BOOT, DOMAINS, settings_of, size_of
from netaudit.facts.snapshot import facts_of
from netaudit.facts.unread import unread_of
from netaudit.facts.view import text_at
from netaudit.fleet.lines import EVERYONES_GROUPS
from netaudit.fleet.outliers import Census, against, not_known
from netaudit.model.facts import Facts
from netaudit.model.probe import Capture
from netaudit.model.reading import Absent, is_known
from netaudit.model.result import HostReport, RunInfo, Severity
from netaudit.model.target import Target
from netaudit.report.outliers import Compared, outliers_json, outliers_page

_FACT = "facts."  # before the path of a fact that has no name of its own
_JUDGED = re.compile(r"\S+ (?:mtu|qdisc|ring [rt]x|channels combined|txqueuelen|speed_mbps|duplex|driver)\Z")


@dataclass(slots=True)
class Comparison(Silent):
    """Takes in the settings of each host as it answers; captures are not kept."""

    groups_of: Callable[[Target, Facts], tuple[str, ...]]
    targets: Mapping[str, Target]
    census: Census
    reference: str | None = None
    vectors: dict[str, dict[str, str]] = field(default_factory=dict)  # only when hosts are held against one
    unread: dict[str, Mapping[str, Absent]] = field(default_factory=dict)  # of the hosts that have such
    answered: int = 0
    silent: list[HostReport] = field(default_factory=list)

    def host_done(self, position: int, report: HostReport, capture: Capture | None) -> None:
        """Count one host."""
        if capture is None or capture.error is not None:
            self.silent.append(report)
            return
        self.answered += 1
        facts = facts_of(capture, DOMAINS)
        unread = unread_of(facts)
        if unread:
            self.unread[report.name] = unread
        if self.reference is not None:
            self.vectors[report.name] = settings_of(facts)
        else:
            target = self.targets[report.name]
            self.census.add(report.name, self.groups_of(target, facts), size_of(facts), settings_of(facts), unread)


def find_outliers(args: argparse.Namespace, formats: Sequence[str], command: str = "outliers") -> int:
    """Collect, compare, report. Raises OperatorError before any host is contacted."""
    warn = warner(args)
    outputs = parse_outputs(args.output, formats)
    matters = _judged_by(ruleset_of(args, warn))
    fleet = fleet_of(args, warn)
    targets = {target.name: target for target in fleet.targets}
    if args.against is not None and args.against not in targets:
        raise UsageError(f"--against {args.against}: not one of the hosts of {args.pattern!r}")
    asked = questions()
    question = _question(asked)
    comparison = Comparison(grouping(args.by, fleet), targets, Census(matters), args.against)
    jobs = [Job(target, question) for target in fleet.targets]
    run = new_run(command, args, digest=probes_digest(question.probes))
    outcome = perform(fleet, jobs, run, Observers(comparison, progress_of(args)))
    compared = _compared(comparison, outcome.run, args.by, matters)
    for output in outputs:
        _write(output, compared, args)
    silent = of_summary(outcome.summary, Severity.CRITICAL, interrupted=outcome.run.interrupted)
    found = bool(compared.differences or any(group.odd for group in compared.groups))
    low = Severity(args.fail_on).rank <= Severity.LOW.rank
    return worst([silent, ExitCode.FINDINGS if found and low else ExitCode.DONE])


def grouping(by: str, fleet: Fleet) -> Callable[[Target, Facts], tuple[str, ...]]:
    """In which groups a host is compared. Raises UsageError for a variable that no host has."""
    if by == "group":
        return lambda target, _: tuple(name for name in target.groups if name not in EVERYONES_GROUPS) or ("all",)
    if by == "all":
        return lambda _target, _facts: ("all",)
    if by in _FACTS:
        return lambda _, facts: (_FACTS[by](facts),)
    if by.startswith(_FACT):
        return _by_fact(by)
    if not any(by in fleet.variables(target.name) for target in fleet.targets):
        raise UsageError(
            f"--by {by}: no host has such a variable",
            hint=f"group, all, {', '.join(_FACTS)}, facts.PATH, or a variable",
        )
    return lambda target, _: (str(fleet.variables(target.name).get(by, "without it")),)


def _by_fact(by: str) -> Callable[[Target, Facts], tuple[str, ...]]:
    """Hosts of which a fact is the same, by its path. Raises UsageError for one that no comparison asks for."""
    path = by.removeprefix(_FACT)
    domain = path.partition(".")[0]
    if domain not in DOMAINS or path == domain:
        hint = did_you_mean(domain, DOMAINS) if domain not in DOMAINS else "as facts.kernel.machine"
        raise UsageError(f"--by {by}: facts.DOMAIN.NAME, as `netaudit facts HOST` prints them", hint=hint)
    return lambda _, facts: (text_at(facts, path) or "not known",)


def _driver(facts: Facts) -> str:
    """The drivers of the physical interfaces; of all where there is no physical one."""
    nics = [nic for nic in facts.nics if nic.kind != "loopback"] if is_known(facts.nics) else []
    drivers = {nic.driver for nic in nics if nic.is_physical} or {nic.driver for nic in nics}
    return ", ".join(sorted(driver for driver in drivers if is_known(driver))) or "not known"


_FACTS: Mapping[str, Callable[[Facts], str]] = {
    "kernel": lambda facts: facts.kernel.release if is_known(facts.kernel) else "not known",
    "driver": _driver,
    "distribution": lambda facts: facts.kernel.distribution if is_known(facts.kernel) else "not known",
    "virtualization": lambda facts: facts.kernel.virtualization if is_known(facts.kernel) else "not known",
    "size": size_of,
}


def _judged_by(ruleset: Ruleset) -> Callable[[str], bool]:
    """Whether a check of the baseline looks at a value of this name."""
    sysctls = {
        read.removeprefix("sysctl:")
        for check in ruleset.rules.checks
        for read in all_reads(check)
        if read.startswith("sysctl:")
    }
    return lambda name: name.removeprefix(BOOT) in sysctls or bool(_JUDGED.match(name))


def _question(asked: Questions) -> Question:
    """The probes of the domains that make up a host's settings, and no others."""
    wanted = {PROBE_OF[name].probe for name in DOMAINS}
    everything = asked.of_everything({})
    return replace(everything, probes=tuple(probe for probe in everything.probes if probe.id in wanted))


def _compared(comparison: Comparison, run: RunInfo, by: str, matters: Callable[[str], bool]) -> Compared:
    unread, reference = comparison.unread, comparison.reference
    common = Compared(run, comparison.answered, by, silent=tuple(comparison.silent), not_known=not_known(unread))
    if reference is None:
        census = comparison.census
        return replace(common, groups=census.outliers(), too_small=census.too_small())
    values = comparison.vectors.pop(reference, None)
    if values is None:
        raise UsageError(f"--against {reference}: it gave no answer, so there is nothing to hold the others against")
    differences = against(values, comparison.vectors, matters, unread, unread.get(reference, ()))
    return replace(common, reference=reference, differences=differences)


def _write(output: Output, compared: Compared, args: argparse.Namespace) -> None:
    with opened(output) as stream:
        if output.format == "json":
            stream.writelines(outliers_json(compared))
            return
        from netaudit.report import terminal

        console = terminal.console_for(stream, args.color, os.environ)
        how = terminal.options_for(console, os.environ, verbose=args.verbose > 0)
        terminal.print_text(console, terminal.render_page(outliers_page(compared, how), how))
