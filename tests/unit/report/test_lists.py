"""The listing commands show plain data so that people and scripts can read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import ModuleType

from netaudit.fleet.tally import Tally
from netaudit.model.probe import Needs, Probe
from netaudit.model.result import HostReport, HostStatus, RunInfo, Severity, Summary
from netaudit.report.lists import (
    CheckPage,
    CheckRow,
    DoctorRow,
    Health,
    check_page,
    check_table,
    doctor_block,
    history_table,
    probe_table,
)
from netaudit.report.page import Spans
from netaudit.report.setting import block_lines, page_lines
from netaudit.report.tables import Table, table_lines
from netaudit.report.terminal import render_table
from netaudit.report.words import Options

WIDE = Options(columns=120)


def _texts(lines: Iterable[Spans]) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]


def _table(table: Table, columns: int = 120) -> list[str]:
    return _texts(table_lines(table, columns))


def _runs(made_up: ModuleType) -> list[tuple[RunInfo, Summary, bool]]:
    tally = Tally()
    for report in made_up.fleet_of(12, checks=2):
        tally.add(report)
    return [
        (made_up.RUN, tally.summary(), True),
        (replace(made_up.RUN, host_key_checking="off", interrupted=True), tally.summary(), True),
        (replace(made_up.RUN, baseline=None, command="collect", pattern="web:&prod"), Summary(hosts=3, ok=3), False),
    ]


def test_history(made_up: ModuleType) -> None:
    """A line a run, with what has to be known of it."""
    assert _table(history_table(_runs(made_up), WIDE), 140) == [
        "RUN                   HOSTS  CRIT  HIGH  MED  LOW   TOOK  WHAT",
        "20261120-150000-3f2a  11/12     7     4    4    6  1.9 s  audit, linux-server",
        (
            "20261120-150000-3f2a  11/12     7     4    4    6  1.9 s  audit, linux-server, interrupted, "
            "host keys not checked"
        ),
        "20261120-150000-3f2a    3/3     0     0    0    0      –  collect web:&prod, not finished",
    ]
    assert all(len(line) <= 80 for line in _table(history_table(_runs(made_up), Options()), 80))
    assert "audit, linux-server" in render_table(history_table(_runs(made_up), WIDE), WIDE).plain


def test_probes() -> None:
    """What each needs and costs."""
    probe = Probe("sysctl", "", "ab", "every key of net.*", ("/proc/sys",), Needs.ROOT, 10, 1000, "text", (), 2.5, 1)
    assert _table(probe_table([probe], WIDE)) == [
        "PROBE   NEEDS     CPU  PROCESSES  READS",
        "sysctl  root   2.5 ms          1  every key of net.*",
    ]


def test_checks() -> None:
    """By id, with severity and layer."""
    rows = [
        CheckRow("tcp.accept_queue.somaxconn", "The kernel's cap", "listener", Severity.HIGH),
        CheckRow("ip.rp_filter", "Reverse path filter \x1b[2J", "ip", Severity.MEDIUM),
    ]
    assert _table(check_table(rows, WIDE)) == [
        "CHECK                       SEVERITY  LAYER     TITLE",
        "tcp.accept_queue.somaxconn  high      listener  The kernel's cap",
        "ip.rp_filter                medium    ip        Reverse path filter \\x1b[2J",
    ]


def _page(made_up: ModuleType, on_host: HostReport | None = None) -> str:
    page = CheckPage(
        "tcp.accept_queue.somaxconn",
        "The kernel's cap on every accept queue",
        "listener",
        Severity.HIGH,
        made_up.WHY["tcp.accept_queue.somaxconn"],
        (("expected", ">= 4096"), ("caveat", "one"), ("caveat", "two"), ("kernel", "")),
        on_host,
    )
    return "\n".join(_texts(page_lines(check_page(page, WIDE), WIDE)))


def test_a_check_is_explained(made_up: ModuleType) -> None:
    """Everything that is known of it, and a repeated label once."""
    text = _page(made_up)
    assert "HIGH  The kernel's cap on every accept queue" in text
    assert "why  listen() is silently capped" in text
    assert "   expected  >= 4096\n     caveat  one\n             two" in text
    assert "kernel  \n" not in text
    assert "HOST" not in text


def test_a_check_is_explained_with_the_numbers_of_a_host(made_up: ModuleType) -> None:
    """A failure, a pass, what is unknown, and a host that gave no answer."""

    def on(*results: object) -> HostReport:
        return HostReport("web1", "a", HostStatus.OK, None, 0.1, results)  # type: ignore[arg-type]  # results

    assert "128 → ≥ 4096 connections" in _page(made_up, on(made_up.somaxconn(128)))
    passed = _page(made_up, on(made_up.passed(1, "ip")))
    assert "PASS" in passed
    assert "seen  4097" in passed
    unknown = _page(made_up, on(made_up.unknown(1)))
    assert "UNKNOWN" in unknown
    assert "reason  not permitted: needs root" in unknown
    assert "refused  198.18.0.1 port 22" in _page(made_up, made_up.silent("db1", 1))


def test_the_doctor() -> None:
    """Each thing with its state, and a hint where there is one."""
    rows = [
        DoctorRow("open files", Health.GOOD, "1048576 allow 10000 hosts at a time"),
        DoctorRow("agent", Health.WARN, "none", "start ssh-agent"),
        DoctorRow("known_hosts", Health.BAD, "line 7 is not valid \x07"),
    ]
    assert _texts(block_lines(doctor_block(rows, WIDE), WIDE)) == [
        "         ok  open files  1048576 allow 10000 hosts at a time",
        "    warning  agent  none",
        "       hint  start ssh-agent",
        "    problem  known_hosts  line 7 is not valid \\x07",
    ]
