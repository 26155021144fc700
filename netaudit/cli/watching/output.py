"""Where the events of a watch go: lines on standard output for a person, or an object a line for a program."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from netaudit.app.watch import Round
from netaudit.cli.telling.outputs import Output, standard_output
from netaudit.errors import UsageError
from netaudit.fleet.events import Event, EventKind
from netaudit.model.probe import Capture
from netaudit.model.result import HostReport
from netaudit.report.events_json import event_json

FORMATS = ("console", "jsonl")


class Heard:
    """A listener to inherit from: hears everything, does nothing."""

    def event(self, event: Event) -> None:
        """See ``app.watch.Listener``."""

    def answered(self, report: HostReport, capture: Capture) -> None:
        """See ``app.watch.Listener``."""

    def round_done(self, over: Round) -> None:
        """See ``app.watch.Listener``."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """Tells each of several listeners, in order."""

    all: tuple[Heard, ...]

    def event(self, event: Event) -> None:
        """See ``app.watch.Listener``."""
        for each in self.all:
            each.event(event)

    def answered(self, report: HostReport, capture: Capture) -> None:
        """See ``app.watch.Listener``."""
        for each in self.all:
            each.answered(report, capture)

    def round_done(self, over: Round) -> None:
        """See ``app.watch.Listener``."""
        for each in self.all:
            each.round_done(over)


class ConsoleLines(Heard):
    """A line an event, as it happens."""

    def __init__(self, args: argparse.Namespace, stream: TextIO) -> None:
        from netaudit.report import terminal

        self._console = terminal.console_for(stream, args.color, os.environ)
        self._signs = terminal.signs_of(self._console, os.environ)
        self._quiet = args.quiet
        self._stream = stream

    def event(self, event: Event) -> None:
        """Print it; with ``-q`` only what became otherwise."""
        from netaudit.report import terminal
        from netaudit.report.events import event_line

        if not (self._quiet and event.kind in {EventKind.STARTED, EventKind.ENDED}):
            terminal.print_text(self._console, terminal.text_of(event_line(event, self._signs)))
            self._stream.flush()


class JsonLines(Heard):
    """An object a line, as it happens."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def event(self, event: Event) -> None:
        """Write it."""
        self._stream.write(event_json(event) + "\n")
        self._stream.flush()


def printers(args: argparse.Namespace, outputs: Sequence[Output], stack: contextlib.ExitStack) -> list[Heard]:
    """The listeners that write. A file is appended to, so that a watch may be started again. Raises UsageError."""
    found: list[Heard] = []
    for output in outputs:
        stream = standard_output() if output.path is None else stack.enter_context(_appended(output))
        found.append(JsonLines(stream) if output.format == "jsonl" else ConsoleLines(args, stream))
    return found


def _appended(output: Output) -> TextIO:
    assert output.path is not None  # noqa: S101  # the caller has looked
    try:
        number = os.open(output.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UsageError(f"-o {output.format}={output.path}: {error.strerror or error}") from error
    return os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace")
