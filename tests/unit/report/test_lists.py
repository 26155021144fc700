"""The listing commands show plain data so that people and scripts can read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import ModuleType

from netaudit.fleet.tally import Tally
from netaudit.model.probe import Needs, Probe
from netaudit.model.result import RunInfo, Severity, Summary
from netaudit.report.lists import (
    CheckRow,
    DoctorRow,
    Health,
    check_table,
    doctor_table,
    history_table,
    probe_table,
)
from netaudit.report.page import Spans
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


def test_checks_on_a_narrow_page() -> None:
    """The layer gives way to the title."""
    rows = [CheckRow("tcp.accept_queue.backlog_effective", "The backlog in force", "listener", Severity.HIGH)]
    assert _table(check_table(rows, Options(columns=80)), 80) == [
        "CHECK                               SEVERITY  TITLE",
        "tcp.accept_queue.backlog_effective  high      The backlog in force",
    ]


def test_the_doctor() -> None:
    """Each thing with its state, and a hint where there is one."""
    rows = [
        DoctorRow("open files", Health.GOOD, "1048576 allow 10000 hosts at a time"),
        DoctorRow("agent", Health.WARN, "none", "start ssh-agent"),
        DoctorRow("known_hosts", Health.BAD, "line 7 is not valid \x07"),
    ]
    assert _table(doctor_table(rows, WIDE)) == [
        "STATE    WHAT         FOUND",
        "ok       open files   1048576 allow 10000 hosts at a time",
        "warning  agent        none",
        "         hint         start ssh-agent",
        "problem  known_hosts  line 7 is not valid \\x07",
    ]
