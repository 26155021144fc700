"""The reports of a run that are text: JSON once all hosts are known, a line a host as each finishes."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TextIO

from netaudit.app.observers import Silent
from netaudit.app.spool import Spool
from netaudit.cli.outputs import Output, ReportFile, opened, standard_output
from netaudit.model.probe import Capture
from netaudit.model.result import FleetFinding, HostReport, RunInfo, Summary
from netaudit.report.json import audit_json_of_lines, host_line


class JsonReport(Silent):
    """The contract's one object, its hosts in inventory order. Hosts wait in a spool, not in memory."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._spool = Spool()

    def host_done(self, position: int, report: HostReport, capture: Capture | None) -> None:
        """Keep the host's text for its turn."""
        self._spool.put(position, host_line(report))

    def finished(self, run: RunInfo, summary: Summary, fleet: Sequence[FleetFinding]) -> None:
        """Write the object."""
        with contextlib.closing(self._spool), opened(self._output) as stream:
            for piece in audit_json_of_lines(run, summary, self._spool, fleet):
                stream.write(piece)


class JsonLines(Silent):
    """A line a host, as it finishes. The file is open for as long as the run; ``close`` gives it up if that fails."""

    def __init__(self, output: Output) -> None:
        self._file = ReportFile(output, output.path) if output.path else None
        self._stream: TextIO = self._file or standard_output()

    def host_done(self, position: int, report: HostReport, capture: Capture | None) -> None:
        """Write the host's line at once."""
        self._stream.write(host_line(report) + "\n")
        self._stream.flush()

    def finished(self, run: RunInfo, summary: Summary, fleet: Sequence[FleetFinding]) -> None:
        """Give the file its name."""
        if self._file is not None:
            self._file.keep()

    def close(self) -> None:
        """Leave nothing of a file that is not whole."""
        if self._file is not None:
            self._file.discard()
