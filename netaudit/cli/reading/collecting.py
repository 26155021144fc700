"""Captures without verdicts: what the commands ``collect``, ``facts`` and ``probe run`` share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from netaudit.app.audit import Job
from netaudit.app.observers import Observers, Silent
from netaudit.app.ports import Observer
from netaudit.app.rules import Question, Questions
from netaudit.cli.asking.rules import probes_digest, questions
from netaudit.cli.asking.run_request import Fleet, fleet_of
from netaudit.cli.exit_codes import ExitCode, of_summary
from netaudit.cli.reading.auditing import new_run, perform, warner
from netaudit.cli.telling.console import progress_of
from netaudit.errors import UsageError
from netaudit.model.probe import Capture
from netaudit.model.result import FleetFinding, HostReport, RunInfo, Severity, Summary

PEERS = "peers"
_VARS = "netaudit_vars"


class Kept(Silent):
    """Keeps captures in memory: for commands over one host or one probe."""

    def __init__(self) -> None:
        self.captures: list[Capture] = []

    def host_done(self, position: int, report: HostReport, capture: Capture | None) -> None:
        """Keep the capture, if there is one."""
        if capture is not None:
            self.captures.append(capture)


class Totals(Silent):
    """Keeps the totals of a run."""

    def __init__(self) -> None:
        self.summary = Summary()

    def finished(self, run: RunInfo, summary: Summary, fleet: Sequence[FleetFinding]) -> None:
        """Keep them."""
        self.summary = summary


def collect(
    args: argparse.Namespace,
    command: str,
    observer: Observer | Callable[[Fleet], Observer],
    *,
    most_hosts: int | None = None,
    choose: Callable[[Questions], Question] | None = None,
) -> ExitCode:
    """Collect from the hosts of the command line and tell the observer. Raises OperatorError before any is contacted.

    ``choose`` says what is asked; without it every probe that can be sent to a host is.
    """
    warn = warner(args)
    asked = questions(args)
    fleet = fleet_of(args, warn)
    if most_hosts is not None and len(fleet.targets) > most_hosts:
        raise UsageError(f"{args.pattern!r} is {len(fleet.targets)} hosts", hint="name exactly one")
    jobs = [
        Job(target, choose(asked) if choose else asked.of_everything(_variables(fleet, target.name)))
        for target in fleet.targets
    ]
    told = observer(fleet) if callable(observer) else observer
    run = new_run(command, args, digest=probes_digest(asked.probes))
    outcome = perform(fleet, jobs, run, Observers(told, progress_of(args)))
    return of_summary(outcome.summary, Severity.CRITICAL, interrupted=outcome.run.interrupted)


def _variables(fleet: Fleet, host: str) -> dict[str, object]:
    said = fleet.variables(host).get(_VARS)
    return said if isinstance(said, dict) else {}
