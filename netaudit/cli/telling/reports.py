"""The reports of a run that are text: most once all hosts are known, JSON Lines as each finishes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netaudit.app.observers import Silent
from netaudit.app.spool import Spool
from netaudit.cli.telling.lines import Lines
from netaudit.cli.telling.outputs import Output, opened
from netaudit.model.context import NO_CONTEXT, RunContext
from netaudit.model.probe import Capture
from netaudit.model.result import FleetFinding, HostReport, RunInfo, Summary
from netaudit.report.formats import renderer
from netaudit.report.json import audit_json_of_lines, host_from_json, host_line


class Waiting(Silent):
    """Keeps the line of each host until all are known. Hosts wait in a spool, not in memory; every report reads it."""

    def __init__(self) -> None:
        self._spool = Spool()

    def host_done(self, position: int, report: HostReport, capture: Capture | None) -> None:
        """Keep the host's line for its turn."""
        self._spool.put(position, host_line(report))

    def lines(self) -> Iterator[str]:
        """The lines of all hosts in inventory order."""
        return iter(self._spool)

    def hosts(self) -> Iterator[HostReport]:
        """All hosts in inventory order."""
        return map(host_from_json, self._spool)

    def close(self) -> None:
        """Give back what the spool takes."""
        self._spool.close()


class WholeReport(Silent):
    """A report that is written once all hosts are known, in inventory order."""

    def __init__(self, output: Output, waiting: Waiting, context: RunContext = NO_CONTEXT) -> None:
        self._output = output
        self._waiting = waiting
        self._context = context

    def finished(self, run: RunInfo, summary: Summary, fleet: Sequence[FleetFinding]) -> None:
        """Write it."""
        with opened(self._output) as stream:
            for piece in self._pieces(run, summary, fleet):
                stream.write(piece)

    def _pieces(self, run: RunInfo, summary: Summary, fleet: Sequence[FleetFinding]) -> Iterator[str]:
        if self._output.format == "json":  # its hosts are these very lines
            return audit_json_of_lines(run, summary, self._waiting.lines(), fleet)
        render = renderer(self._output.format)
        return render(run, summary, self._waiting.hosts(), fleet, self._context)


class JsonLines(Silent):
    """A line a host, as it finishes; ``close`` gives up a file that is not whole."""

    def __init__(self, output: Output) -> None:
        self._lines = Lines(output)

    def host_done(self, position: int, report: HostReport, capture: Capture | None) -> None:
        """Write the host's line at once."""
        self._lines.write(host_line(report))

    def finished(self, run: RunInfo, summary: Summary, fleet: Sequence[FleetFinding]) -> None:
        """Give the file its name."""
        self._lines.keep()

    def close(self) -> None:
        """Leave nothing of a file that is not whole."""
        self._lines.close()
