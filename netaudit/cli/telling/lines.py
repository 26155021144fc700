"""What reports of several commands share: a file that grows line by line, and an end to one that fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TextIO, TypeVar

from netaudit.cli.telling.outputs import Output, ReportFile, standard_output
from netaudit.errors import OperatorError

Report = TypeVar("Report")


class Lines:
    """Lines of one output, each written at once. A file is open for as long as the run, and named at its end."""

    def __init__(self, output: Output) -> None:
        self._file = ReportFile(output, output.path) if output.path else None
        self._stream: TextIO = self._file or standard_output()

    def write(self, line: str) -> None:
        """Write a line. Raises UsageError when the file does not take it."""
        self._stream.write(line + "\n")
        self._stream.flush()

    def keep(self) -> None:
        """Give the file its name. Raises UsageError."""
        if self._file is not None:
            self._file.keep()

    def close(self) -> None:
        """Leave nothing of a file that was not kept. Never raises; safe to call twice."""
        if self._file is not None:
            self._file.discard()


class Guarded(Generic[Report]):
    """A report whose first failure is said and ends it, never the run: a full disk."""

    def __init__(self, report: Report, failed: Callable[[OperatorError], None]) -> None:
        self._report: Report | None = report
        self._failed = failed

    def tell(self, what: Callable[[Report], None]) -> None:
        """Tell it something, unless it has failed before."""
        if self._report is None:
            return
        try:
            what(self._report)
        except OperatorError as error:
            self._report = None
            self._failed(error)
