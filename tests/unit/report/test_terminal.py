"""Summaries on terminals, in logs, with and without colour, and what hosts cannot do to them."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType

import pytest

from netaudit.errors import ErrorKind, Phase
from netaudit.fleet.fold import Fold
from netaudit.model.probe import HostError
from netaudit.model.result import FleetFinding, HostReport, HostStatus, Item, Result, Severity, Verdict, Waived
from netaudit.report.sanitise import printable
from netaudit.report.signs import ASCII, UNICODE
from netaudit.report.terminal import console_for, options_for, print_summary, signs_of

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class _Stream(io.TextIOWrapper):
    """A stream that may be a terminal."""

    def __init__(self, *, terminal: bool = False, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, errors="strict", write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def text(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(self.encoding)


def _printed(
    reports: list[HostReport],
    made_up: ModuleType,
    environment: Mapping[str, str],
    *,
    fleet: tuple[FleetFinding, ...] = (),
    color: str = "auto",
    verbose: bool = False,
    terminal: bool = False,
    encoding: str = "utf-8",
    **changes: object,
) -> str:
    stream = _Stream(terminal=terminal, encoding=encoding)
    console = console_for(stream, color, environment)
    fold = Fold()
    for report in reports:
        fold.add(report)
    options = options_for(console, environment, verbose=verbose, why=made_up.WHY)
    print_summary(console, replace(made_up.RUN, **changes), fold.folded(fleet), fleet, options)
    return stream.text()


TERMINAL = {"TERM": "xterm-256color", "COLUMNS": "80"}


@pytest.mark.parametrize(
    ("environment", "color", "terminal", "colored"),
    [
        (TERMINAL, "auto", True, True),
        (TERMINAL, "auto", False, False),
        (TERMINAL, "never", True, False),
        (TERMINAL, "always", False, True),
        (TERMINAL | {"NO_COLOR": "1"}, "auto", True, False),
        (TERMINAL | {"NO_COLOR": ""}, "auto", True, True),
        (TERMINAL | {"NO_COLOR": "1"}, "always", True, True),
        ({"TERM": "dumb", "COLUMNS": "80"}, "auto", True, False),
        ({"COLUMNS": "80"}, "auto", True, False),
    ],
)
def test_colour(
    made_up: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    color: str,
    terminal: bool,
    colored: bool,
) -> None:
    """Colour where a person sees it or asks for it; the words are the same, and without colour there are no escapes."""
    for name in ("NO_COLOR", "TERM", "COLUMNS", "COLORTERM", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    reports = list(made_up.fleet_of(12, checks=3))
    text = _printed(reports, made_up, environment, color=color, terminal=terminal)
    assert ("\x1b" in text) == colored
    plain = _printed(reports, made_up, {"COLUMNS": "80"})
    assert ESCAPES.sub("", text) == plain


@pytest.mark.parametrize("columns", [40, 80, 120, 300])
@pytest.mark.parametrize("count", [1, 12, 2000])
@pytest.mark.parametrize("verbose", [False, True])
def test_every_line_fits(made_up: ModuleType, columns: int, count: int, verbose: bool) -> None:
    """At any width; what is wider than a person reads is not used."""
    reports = list(made_up.fleet_of(count, checks=12))
    fleet = (made_up.mtu_finding(count),)
    text = _printed(reports, made_up, {"COLUMNS": str(columns)}, fleet=fleet, verbose=verbose)
    for line in text.splitlines():
        assert len(line) <= min(columns, 120), line
        assert line == line.rstrip()


def test_a_log_file_is_80_columns_wide(made_up: ModuleType) -> None:
    """Where nobody says how wide it is."""
    text = _printed(list(made_up.fleet_of(12, checks=3)), made_up, {})
    assert 72 < max(map(len, text.splitlines())) <= 80


def test_totals_are_last(made_up: ModuleType) -> None:
    """So that they are what is seen when all has scrolled by."""
    text = _printed(list(made_up.fleet_of(12, checks=3)), made_up, {"COLUMNS": "120"})
    assert text.splitlines()[-1].strip() == (
        "12 hosts: 11 ok, 1 unreachable · 7 critical, 4 high, 4 medium, 6 low · 2 waived, 12 unknown"
    )


def test_nothing_failed(made_up: ModuleType) -> None:
    """A good run is short and says so."""
    reports = [HostReport("web1", "a", HostStatus.OK, None, 0.1, (made_up.passed(1, "ip"),)) for _ in range(3)]
    lines = _printed(reports, made_up, {}).splitlines()
    assert len(lines) == 3
    assert lines[-1].strip() == "3 hosts: 3 ok · nothing failed"


def test_a_run_without_verdict_does_not_look_good(made_up: ModuleType) -> None:
    """Nothing failed because nothing was seen: that is said in no friendly colour."""
    text = _printed([made_up.silent("db1", 1)], made_up, TERMINAL, color="always")
    assert "\x1b[32m" not in text
    assert "could not be audited" in text
    assert "refused" in text


def test_banners(made_up: ModuleType) -> None:
    """What has to be known to judge the rest stands on top."""
    reports = [made_up.host("web1", 1, 1)]
    text = _printed(reports, made_up, {}, host_key_checking="off", interrupted=True, notes=("the store is full",))
    top = text.split("CRITICAL")[0]
    assert "Host-key checking was off" in top
    assert "was interrupted" in top
    assert "the store is full" in top
    quiet = _printed(reports, made_up, {})
    assert "WARNING" not in quiet
    assert "STOPPED" not in quiet


def test_findings_across_hosts_stand_among_the_others(made_up: ModuleType) -> None:
    """By their severity, before those of hosts; one that passed is not listed."""
    finding = made_up.mtu_finding(40)
    good = replace(finding, verdict=Verdict.PASS, title="not to be seen")
    text = _printed(list(made_up.fleet_of(12, checks=3)), made_up, {}, fleet=(finding, good))
    order = [text.index(word) for word in ("CRITICAL", "MTU differs", "Listeners run", "MEDIUM")]
    assert order == sorted(order)
    assert "198.18.0.0/24: 39 hosts 1500, web7 eth0 9000" in text
    assert "not to be seen" not in text


def test_why_is_told_for_the_worst(made_up: ModuleType) -> None:
    """In one sentence, and in full when asked."""
    reports = [made_up.host("web1", 1, 1), made_up.host("web2", 2, 1)]
    short = _printed(reports, made_up, {})
    assert "why  listen() is silently capped at net.core.somaxconn.\n" in short
    assert "three or seven seconds" in " ".join(_printed(reports, made_up, {}, verbose=True).split())


def test_one_host_is_shown_by_layer(made_up: ModuleType) -> None:
    """With every subject of a finding, and every result when asked."""
    report = made_up.host("web9", 9, 20)
    text = _printed([report], made_up, {})
    assert re.search(r"LAYERS  of web9 \(198\.18\.0\.9\)", text)
    assert re.search(r"listener  2 failed, 2 passed", text)
    assert re.search(r"198\.18\.0\.9:443  128 → ≥ 4096 connections", text)
    assert "listener.setting_00" not in text
    everything = _printed([report], made_up, {}, verbose=True)
    assert "✓ listener.setting_00" in everything
    assert "✗ tcp.accept_queue.somaxconn" in everything
    assert "skipped: there is no bond" in everything


def test_many_subjects_of_one_host_are_cut(made_up: ModuleType) -> None:
    """A screen is enough; all of them when asked."""
    result = made_up.backlog(*((f"10.0.0.1:{port}", 128) for port in range(1000, 1040)))
    report = HostReport("web1", "10.0.0.1", HostStatus.OK, None, 0.1, (result,))
    assert "and 28 more" in _printed([report], made_up, {})
    assert "10.0.0.1:1039" in _printed([report], made_up, {}, verbose=True)


def test_ascii(made_up: ModuleType) -> None:
    """A stream that knows ASCII only gets ASCII only, whatever the hosts are called."""
    reports = [replace(report, name=f"münchen-{report.name}") for report in made_up.fleet_of(12, checks=3)]
    text = _printed(reports, made_up, {}, encoding="ascii", fleet=(made_up.mtu_finding(3),))
    assert text.isascii()
    assert "m\\xfcnchen-web" in text
    assert "128 -> >= 4096 connections" in text
    assert _printed(reports[:1], made_up, {}, encoding="latin-1", verbose=True).isascii()


def test_the_locale_may_ask_for_ascii() -> None:
    """LC_ALL=C is how people ask for it."""
    console = console_for(_Stream(), "auto", {})
    assert signs_of(console, {"LC_ALL": "C"}) is ASCII
    assert signs_of(console, {"LC_ALL": "C.UTF-8"}) is UNICODE
    assert signs_of(console, {}) is UNICODE


HOSTILE = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m[/x][bold]\u202e\r\n\t\x00\udcff" + "A" * 10_000


def _hostile_reports() -> list[HostReport]:
    item = Item(HOSTILE, Verdict.FAIL, Severity.HIGH, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    waiver = Waived(HOSTILE, HOSTILE, HOSTILE, datetime(2027, 1, 1, tzinfo=UTC))

    def result(verdict: Verdict, items: tuple[Item, ...] = (), waived: Waived | None = None) -> Result:
        return Result(
            *(HOSTILE, HOSTILE, HOSTILE, verdict, Severity.HIGH, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE),
            *(HOSTILE, HOSTILE, waived, items),
        )

    results = (
        result(Verdict.FAIL),
        result(Verdict.FAIL, (item, item)),
        result(Verdict.UNKNOWN),
        result(Verdict.WAIVED, waived=waiver),
        result(Verdict.SKIPPED),
        result(Verdict.PASS),
    )
    error = HostError(ErrorKind.BAD_ANSWER, HOSTILE, Phase.ANSWER, HOSTILE)
    return [
        HostReport(HOSTILE, HOSTILE, HostStatus.OK, None, 0.1, results, (HOSTILE,)),
        HostReport(HOSTILE + "2", HOSTILE, HostStatus.ERROR, error, 0.1),
    ]


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("count", [1, 2])
def test_hosts_cannot_write_to_the_terminal(made_up: ModuleType, verbose: bool, count: int) -> None:
    """Escapes, C1, bidi, controls and markup are shown and not obeyed, in every field there is; size is bounded."""
    finding = FleetFinding(HOSTILE, HOSTILE, Verdict.FAIL, Severity.HIGH, (HOSTILE,), HOSTILE, HOSTILE, HOSTILE)
    reports = _hostile_reports()[:count]
    changes = {"id": HOSTILE, "command": HOSTILE, "notes": (HOSTILE,), "pattern": HOSTILE, "version": HOSTILE}
    text = _printed(reports, made_up, {}, fleet=(finding,), verbose=verbose, **changes)
    for line in text.split("\n"):
        assert line == printable(line, 10_000)
        assert len(line) <= 80
    assert "[/x][bold]" in text
    assert "\\x1b]52" in text
    assert len(text) < (120_000 if verbose else 40_000)
