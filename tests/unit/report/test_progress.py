"""Progress is told on a terminal and in a log, and never gets in the way."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import pytest
from rich.console import Console

from netaudit.model.result import HostReport, Summary
from netaudit.report import terminal_progress
from netaudit.report.page import spans_width
from netaudit.report.progress import Progress, live_lines, plain_line
from netaudit.report.signs import ASCII
from netaudit.report.terminal_progress import ProgressDisplay
from netaudit.report.words import Options


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


def _told(made_up: ModuleType, count: int, done: int) -> Progress:
    progress = Progress(total=count, began_s=100.0)
    reports = list(made_up.fleet_of(count, checks=1))
    for report in reports[: done + 30]:
        progress.host_started(report.name)
    for report in reports[:done]:
        progress.host_done(report)
    return progress


def test_a_line_for_a_log(made_up: ModuleType) -> None:
    """Hosts done, rate, hosts without verdict by kind, findings."""
    line = plain_line(_told(made_up, 2000, 100), 110.0)
    assert line == (
        "100/2000 hosts, 10.0/s, 7 without verdict (3 refused, 2 become-failed, 2 host-key-mismatch), "
        "63 critical, 34 high, 34 medium, 50 low"
    )
    assert plain_line(Progress(total=3, began_s=100.0), 100.0) == "0/3 hosts, 0.0/s"


def test_the_live_display(made_up: ModuleType) -> None:
    """The bar, what is left, who is running, what was found, who gave no verdict; each on one line that fits."""
    for columns in (60, 80, 200):
        lines = live_lines(_told(made_up, 2000, 1000), 110.0, Options(columns=columns))
        assert all(spans_width(line) < columns for line in lines)
    texts = ["".join(span.text for span in line) for line in lines]
    assert texts[0] == f"   auditing  {'━' * 15}{'─' * 15}  1,000/2,000 hosts · 100/s · 10 s left"
    assert texts[1].startswith("    running  30  web1001, db167, web1003,")
    assert texts[1].endswith(", …")
    assert texts[2].startswith("      found  643 critical, ")
    assert texts[3].startswith("     failed  67 without verdict  ")
    assert all(
        span.text.isascii()
        for line in live_lines(_told(made_up, 200, 10), 110.0, Options(signs=ASCII))
        for span in line
    )


def test_nothing_is_foretold_from_nothing(made_up: ModuleType) -> None:
    """The first hosts say little about the others."""
    assert _told(made_up, 2000, 10).left_s(110.0) is None
    assert _told(made_up, 2000, 50).left_s(110.0) == pytest.approx(390.0)
    assert Progress().left_s(1.0) is None


def _told_display(
    display: ProgressDisplay, reports: list[HostReport], made_up: ModuleType, step: Callable[[], None]
) -> None:
    display.started(made_up.RUN, [report.name for report in reports])
    for position, report in enumerate(reports):
        display.host_started(report.name)
        step()
        display.host_done(position, report, None)
    display.finished(made_up.RUN, Summary(), ())
    display.close()


def _lines(made_up: ModuleType, count: int, seconds_each: float) -> list[str]:
    clock, stream = Clock(), io.StringIO()
    console = Console(file=stream, width=80, force_terminal=False, force_interactive=False)
    display = ProgressDisplay(console, Options(), clock)

    def step() -> None:
        clock.now_s += seconds_each

    _told_display(display, list(made_up.fleet_of(count, checks=1)), made_up, step)
    return stream.getvalue().splitlines()


@pytest.fixture
def no_ticker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only hosts that finish print lines, so that the test does not depend on the machine's speed."""
    monkeypatch.setattr(terminal_progress, "_TICK_S", 3600.0)


@pytest.mark.usefixtures("no_ticker")
def test_a_log_gets_a_line_now_and_then(made_up: ModuleType) -> None:
    """At each tenth of a long run, never more than one in a second, and one at the end."""
    lines = _lines(made_up, 200, 0.1)
    assert [line.split(" hosts")[0] for line in lines] == [
        *(f"netaudit: {done}/200" for done in range(20, 201, 20)),
        "netaudit: 200/200",
    ]
    assert len(_lines(made_up, 200, 0.001)) == 1
    assert len(_lines(made_up, 12, 6.0)) == 13


def test_a_log_gets_lines_while_nothing_happens(made_up: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is stuck still says so."""
    monkeypatch.setattr(terminal_progress, "_TICK_S", 0.001)
    clock, stream = Clock(), io.StringIO()
    display = ProgressDisplay(Console(file=stream, width=80, force_interactive=False), Options(), clock)
    display.started(made_up.RUN, ["web1"])
    clock.now_s += 6.0
    deadline = time.monotonic() + 10
    while not stream.getvalue() and time.monotonic() < deadline:
        threading.Event().wait(0.002)
    assert stream.getvalue() == "netaudit: 0/1 hosts, 0.0/s\n"
    display.close()


def test_a_terminal_gets_a_display_that_goes_away(made_up: ModuleType) -> None:
    """What it drew is erased at the end; standard output is never touched, and no thread stays behind."""
    stream = io.StringIO()
    console = Console(file=stream, width=80, force_terminal=True, force_interactive=True, _environ={"TERM": "xterm"})
    display = ProgressDisplay(console, Options())
    before, others = (sys.stdout, sys.stderr), set(threading.enumerate())
    inside: list[object] = []
    _told_display(display, list(made_up.fleet_of(30, checks=1)), made_up, lambda: inside.append(sys.stdout))
    assert set(inside) == {before[0]}
    assert (sys.stdout, sys.stderr) == before
    text = stream.getvalue()
    assert "auditing" in text
    assert "30/30 hosts" in text
    assert text.rstrip().endswith("\x1b[2K") or "\x1b[1A\x1b[2K" in text
    for thread in set(threading.enumerate()) - others:
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_a_run_that_never_began_prints_nothing() -> None:
    """Closing is safe at any time."""
    stream = io.StringIO()
    display = ProgressDisplay(Console(file=stream, width=80), Options())
    display.close()
    assert stream.getvalue() == ""
