"""Progress as it happens: a live display on a terminal, a line now and then anywhere else.

It is told of a run by the calls of an observer and never raises into it. Standard output is left alone: the console
is that of standard error.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.text import Text

from netaudit.model.probe import Capture
from netaudit.model.result import FleetFinding, HostReport, RunInfo, Summary
from netaudit.report.progress import Progress, live_lines, plain_line
from netaudit.report.terminal import print_text, text_of
from netaudit.report.words import Options

REFRESHES_PER_S = 6
LINE_EVERY_S = 5.0  # at least one line in this time
LINE_GAP_S = 1.0  # and at most one in this, but for the last
LINE_STEP_RATIO = 0.1  # a line as well at each of these steps
_TICK_S = 0.5


class _Display(Protocol):
    """What shows a state."""

    def start(self) -> None: ...
    def changed(self) -> None: ...
    def stop(self) -> None: ...


class ProgressDisplay:
    """Shows the progress of one run; an observer in shape. ``close`` ends it early, and may be called twice."""

    def __init__(self, console: Console, options: Options, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._state = Progress()
        self._lock = threading.Lock()  # the display reads the state from a thread of its own
        live = console.is_interactive and not console.is_dumb_terminal
        self._display: _Display = (
            _LiveDisplay(console, options, self._snapshot_lines)
            if live
            else _PlainDisplay(console, self._state, self._lock, clock)
        )
        self._open = False

    def started(self, run: RunInfo, hosts: Sequence[str]) -> None:
        """A run begins."""
        del run
        with self._lock:
            self._state.total = len(hosts)
            self._state.began_s = self._clock()
        self._open = True
        self._display.start()

    def host_started(self, name: str) -> None:
        """A host is about to be contacted."""
        with self._lock:
            self._state.host_started(name)

    def host_done(self, position: int, report: HostReport, capture: Capture | None) -> None:
        """A host is finished."""
        del position, capture
        with self._lock:
            self._state.host_done(report)
        self._display.changed()

    def finished(self, run: RunInfo, summary: Summary, fleet: Sequence[FleetFinding]) -> None:
        """The run has ended."""
        del run, summary, fleet
        self.close()

    def close(self) -> None:
        """Take the display away, or print the last line."""
        if self._open:
            self._open = False
            self._display.stop()

    def _snapshot_lines(self, options: Options) -> Text:
        with self._lock:
            lines = live_lines(self._state, self._clock(), options)
        return Text("\n", no_wrap=True).join(text_of(line) for line in lines)


class _LiveDisplay:
    """A few lines that are drawn again and again, and gone at the end."""

    def __init__(self, console: Console, options: Options, lines: Callable[[Options], Text]) -> None:
        self._live = Live(
            console=console,
            get_renderable=lambda: lines(options),
            refresh_per_second=REFRESHES_PER_S,
            transient=True,
            redirect_stdout=False,  # a report may be on its way there
            redirect_stderr=True,  # a warning appears above
        )

    def start(self) -> None:
        self._live.start()

    def changed(self) -> None:
        """Nothing: the display refreshes by itself."""

    def stop(self) -> None:
        self._live.stop()


class _PlainDisplay:
    """Lines for a log, printed when enough has happened or enough time has passed."""

    def __init__(self, console: Console, state: Progress, lock: threading.Lock, clock: Callable[[], float]) -> None:
        self._console = console
        self._state = state
        self._lock = lock
        self._clock = clock
        self._printed_s = 0.0
        self._printed_done = 0
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)

    def start(self) -> None:
        self._printed_s = self._clock()
        self._ticker.start()

    def _tick(self) -> None:
        while not self._ended.wait(_TICK_S):
            self.changed()

    def changed(self) -> None:
        """Print a line if one is due."""
        with self._lock:
            now_s = self._clock()
            passed_s = now_s - self._printed_s
            step = (self._state.done - self._printed_done) >= LINE_STEP_RATIO * self._state.total
            if passed_s >= LINE_EVERY_S or (step and passed_s >= LINE_GAP_S):
                self._print(now_s)

    def _print(self, now_s: float) -> None:
        self._printed_s, self._printed_done = now_s, self._state.done
        print_text(self._console, Text(f"netaudit: {plain_line(self._state, now_s)}"))

    def stop(self) -> None:
        self._ended.set()
        self._ticker.join()
        with self._lock:
            self._print(self._clock())
