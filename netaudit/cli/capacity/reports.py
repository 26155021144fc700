"""The reports of a capacity check: JSON once all hosts are known, a line a host as each finishes, and the page."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Sequence
from typing import Protocol

from netaudit.app.ports import Observer
from netaudit.app.spool import Spool
from netaudit.capacity.fleet import CapacityFold
from netaudit.cli.telling.console import progress_of
from netaudit.cli.telling.lines import Lines
from netaudit.cli.telling.outputs import Output, opened
from netaudit.fleet.fold import Fold
from netaudit.model.capacity import HostCapacity, WorkloadRef
from netaudit.model.result import HostReport, RunInfo, Summary
from netaudit.report.capacity_json import capacity_json, host_line
from netaudit.report.formats import FOR_PLANS

BASELINE, REMEDIATIONS = FOR_PLANS


class CapacityReport(Protocol):
    """Is told of each host as it is weighed, and of the end. Either may raise OperatorError."""

    def host(self, position: int, host: HostCapacity, report: HostReport) -> None:
        """One host; ``report`` is the same as results of an audit."""
        ...

    def finished(self, run: RunInfo, summary: Summary) -> None:
        """The run has ended."""
        ...


class CapacityJson:
    """One object, its hosts in inventory order. Hosts wait in a spool, not in memory."""

    def __init__(self, output: Output, workload: WorkloadRef) -> None:
        self._output = output
        self._workload = workload
        self._spool = Spool()
        self._fold = CapacityFold()

    def host(self, position: int, host: HostCapacity, report: HostReport) -> None:
        """Keep the host's text for its turn."""
        self._spool.put(position, host_line(host))
        self._fold.add(host)

    def finished(self, run: RunInfo, summary: Summary) -> None:
        """Write the object."""
        with contextlib.closing(self._spool), opened(self._output) as stream:
            for piece in capacity_json(run, self._workload, summary, self._spool, self._fold.folded()):
                stream.write(piece)


class CapacityLines:
    """A line a host, as it finishes; ``close`` gives up a file that is not whole."""

    def __init__(self, output: Output) -> None:
        self._lines = Lines(output)
        self.close = self._lines.close

    def host(self, position: int, host: HostCapacity, report: HostReport) -> None:
        """Write the host's line at once."""
        self._lines.write(host_line(host))

    def finished(self, run: RunInfo, summary: Summary) -> None:
        """Give the file its name."""
        self._lines.keep()


class CapacityPlan:
    """What would have to be changed, for ``netaudit plan``: the baseline, or the remediations that answer it."""

    def __init__(self, output: Output, workload: WorkloadRef) -> None:
        self._output = output
        self._workload = workload
        self._fold = CapacityFold()

    def host(self, position: int, host: HostCapacity, report: HostReport) -> None:
        """Take in one host."""
        self._fold.add(host)

    def finished(self, run: RunInfo, summary: Summary) -> None:
        """Write the file."""
        from netaudit.report.capacity_plan import capacity_baseline, capacity_remediations

        write = capacity_baseline if self._output.format == BASELINE else capacity_remediations
        with opened(self._output) as stream:
            stream.writelines(write(run, self._workload, self._fold.folded()))


class CapacityHtml:
    """The page, once all hosts are known. Of each host it keeps what hosts have in common, and its name."""

    def __init__(self, output: Output, workload: WorkloadRef) -> None:
        from netaudit.report.html.capacity import CapacityPage

        self._output = output
        self._workload = workload
        self._page = CapacityPage()

    def host(self, position: int, host: HostCapacity, report: HostReport) -> None:
        """Take in one host."""
        self._page.add(host)

    def finished(self, run: RunInfo, summary: Summary) -> None:
        """Write the page."""
        with opened(self._output) as stream:
            stream.writelines(self._page.pieces(run, self._workload, summary))


class CapacityConsole:
    """Folds hosts as they finish, and prints the page where ``-o console`` wants it."""

    def __init__(self, args: argparse.Namespace, outputs: Sequence[Output], workload: WorkloadRef) -> None:
        self._args = args
        self._outputs = outputs
        self._workload = workload
        self._fold = Fold()
        self._capacity = CapacityFold()
        self.progress: Observer = progress_of(args)

    def host(self, position: int, host: HostCapacity, report: HostReport) -> None:
        """Take in one host."""
        if self._outputs:
            self._fold.add(report)
            self._capacity.add(host)

    def finished(self, run: RunInfo, summary: Summary) -> None:
        """Print the page."""
        from netaudit.report import terminal
        from netaudit.report.capacity_text import capacity_page

        for output in self._outputs:
            with opened(output) as stream:
                console = terminal.console_for(stream, self._args.color, os.environ)
                options = terminal.options_for(console, os.environ, verbose=self._args.verbose > 0)
                page = capacity_page(run, self._workload, self._capacity.folded(), self._fold.folded(), options)
                terminal.print_text(console, terminal.render_page(page, options))
