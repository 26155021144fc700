"""Where a diagnosis is written: a page on a console, JSON once all hosts are known, a line a host as it finishes."""

from __future__ import annotations

import argparse
import contextlib
import os
from typing import Protocol

from netaudit.app.spool import Spool
from netaudit.cli.telling.lines import Lines
from netaudit.cli.telling.outputs import Output, opened
from netaudit.model.diagnosis import HostDiagnosis
from netaudit.model.result import RunInfo, Summary
from netaudit.report.diagnosis import diagnosis_json, diagnosis_line


class DiagnosisReport(Protocol):
    """Is told each host as it is known, and again should others explain what it shows."""

    def host(self, position: int, diagnosis: HostDiagnosis) -> None:
        """Take one host; ``position`` is its place in inventory order."""
        ...

    def finished(self, run: RunInfo, summary: Summary) -> None:
        """All hosts are known."""
        ...


class _Whole:
    """Keeps hosts until all are known, for a page on which each has its place."""

    def __init__(self) -> None:
        self._hosts: dict[int, HostDiagnosis] = {}

    def host(self, position: int, diagnosis: HostDiagnosis) -> None:
        """Keep it for its turn."""
        self._hosts[position] = diagnosis

    @property
    def hosts(self) -> list[HostDiagnosis]:
        """All of them, in inventory order."""
        return [self._hosts[position] for position in sorted(self._hosts)]


class DiagnosisConsole(_Whole):
    """Prints the page once all hosts are known."""

    def __init__(self, args: argparse.Namespace, output: Output) -> None:
        super().__init__()
        self._args = args
        self._output = output

    def finished(self, run: RunInfo, summary: Summary) -> None:
        """Print the page."""
        from netaudit.report import terminal
        from netaudit.report.diagnosis_text import diagnosis_page

        with opened(self._output) as stream:
            console = terminal.console_for(stream, self._args.color, os.environ)
            page = terminal.options_for(console, os.environ, verbose=self._args.verbose > 0)
            terminal.print_text(console, terminal.render_page(diagnosis_page(run, summary, self.hosts, page), page))


class DiagnosisHtml(_Whole):
    """Writes the HTML page once all hosts are known."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output

    def finished(self, run: RunInfo, summary: Summary) -> None:
        """Write the page."""
        from netaudit.report.html.diagnosis import diagnosis_html

        with opened(self._output) as stream:
            stream.writelines(diagnosis_html(run, summary, self.hosts))


class DiagnosisJson:
    """One object, its hosts in inventory order. They wait in a spool, not in memory."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._spool = Spool()

    def host(self, position: int, diagnosis: HostDiagnosis) -> None:
        """Keep the host's text for its turn."""
        self._spool.put(position, diagnosis_line(diagnosis))

    def finished(self, run: RunInfo, summary: Summary) -> None:
        """Write the object."""
        with contextlib.closing(self._spool), opened(self._output) as stream:
            for piece in diagnosis_json(run, summary, self._spool):
                stream.write(piece)


class DiagnosisLines:
    """A line a host, as it finishes; what others explain of it is not told here."""

    def __init__(self, output: Output) -> None:
        self._lines = Lines(output)
        self._told: set[int] = set()
        self.close = self._lines.close

    def host(self, position: int, diagnosis: HostDiagnosis) -> None:
        """Write the host's line at once."""
        if position not in self._told:
            self._told.add(position)
            self._lines.write(diagnosis_line(diagnosis))

    def finished(self, run: RunInfo, summary: Summary) -> None:
        """Give the file its name."""
        self._lines.keep()
