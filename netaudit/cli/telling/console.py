"""The person at the terminal: progress on standard error while hosts are at work, then the summary."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Mapping, Sequence

from netaudit.app.audit import Job
from netaudit.app.observers import Silent
from netaudit.app.ports import Observer
from netaudit.cli.telling.outputs import Output, opened
from netaudit.fleet.fold import Fold
from netaudit.model.probe import Capture
from netaudit.model.result import FleetFinding, HostReport, RunInfo, Summary


def progress_of(args: argparse.Namespace) -> Observer:
    """Progress on standard error: live on a terminal, in plain lines elsewhere, none where it is not wanted."""
    if args.no_progress or args.quiet:
        return Silent()
    from netaudit.report import terminal
    from netaudit.report.terminal_progress import ProgressDisplay

    console = terminal.console_for(sys.stderr, args.color, os.environ)
    return ProgressDisplay(console, terminal.options_for(console, os.environ))


def before_a_question(args: argparse.Namespace, text: str) -> str:
    """What a person is told before a question on standard error, in lines as long as those of the pages above it."""
    from netaudit.report import terminal

    columns = terminal.options_for(terminal.console_for(sys.stderr, args.color, os.environ), os.environ).columns
    return textwrap.fill(text, columns, break_long_words=False, break_on_hyphens=False)


class Console(Silent):
    """Shows progress, folds findings as hosts finish, and prints the summary where ``-o console`` wants it."""

    def __init__(
        self, args: argparse.Namespace, outputs: Sequence[Output], jobs: Sequence[Job], why: Mapping[str, str]
    ) -> None:
        self._args = args
        self._outputs = [output for output in outputs if output.format == "console"]
        self._fold = Fold({job.target.name: job.target.groups for job in jobs})
        self._why = why
        self._progress = progress_of(args)

    def started(self, run: RunInfo, hosts: Sequence[str]) -> None:
        """Begin to show progress."""
        self._progress.started(run, hosts)

    def host_started(self, name: str) -> None:
        """Show that one more is under way."""
        self._progress.host_started(name)

    def host_done(self, position: int, report: HostReport, capture: Capture | None) -> None:
        """Count and fold one host."""
        self._progress.host_done(position, report, capture)
        if self._outputs:
            self._fold.add(report)

    def finished(self, run: RunInfo, summary: Summary, fleet: Sequence[FleetFinding]) -> None:
        """Print the summary."""
        self._progress.finished(run, summary, fleet)
        if not self._outputs:
            return
        from netaudit.report import terminal

        for output in self._outputs:
            with opened(output) as stream:
                console = terminal.console_for(stream, self._args.color, os.environ)
                options = terminal.options_for(console, os.environ, verbose=self._args.verbose > 0, why=self._why)
                terminal.print_summary(console, run, self._fold.folded(fleet), fleet, options)
