"""Pages about past runs look as they were last looked at: what changed, since when, what is gone.

``NETAUDIT_UPDATE_GOLDEN=1 pytest tests/golden`` writes the files anew; read the difference before it is committed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest

from netaudit.fleet.drift import Comparison, Drift
from netaudit.fleet.drift_settings import SettingChange
from netaudit.fleet.fold import Fold
from netaudit.fleet.standing import Standing
from netaudit.model.result import BaselineRef, HostReport, HostStatus, RunInfo, Severity
from netaudit.model.spell import Spell
from netaudit.report.diff import Settings, diff_page
from netaudit.report.history import spells_page
from netaudit.report.signs import ASCII, UNICODE
from netaudit.report.terminal import render_page, render_summary
from netaudit.report.words import Options

FILES = Path(__file__).parent / "history"


def _matches(name: str, text: str) -> None:
    path = FILES / name
    if os.environ.get("NETAUDIT_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def _later(made_up: ModuleType) -> RunInfo:
    at = made_up.STARTED + timedelta(hours=26)
    baseline = BaselineRef("linux-server", "77aa" * 16)
    return replace(made_up.RUN, id="20261121-170000-beef", started_at=at, baseline=baseline)


def _tomorrow(made_up: ModuleType, count: int) -> Iterator[HostReport]:
    """The fleet a day later: values, findings and hosts have changed here and there."""
    for number, report in enumerate(made_up.fleet_of(count, checks=3), 1):
        if number % 37 == 1:
            continue
        if number % 5 == 0 and report.error is None:
            found = tuple(made_up.somaxconn(256) if r.check.endswith("somaxconn") else r for r in report.results)
            yield replace(report, results=found)
        elif number % 7 == 0 and report.error is None:
            good = replace(made_up.passed(1, "nic"), check="nic.ring.rx")
            yield replace(report, results=(*(r for r in report.results if r.check != "nic.ring.rx"), good))
        elif number % 11 == 0:
            yield replace(report, status=HostStatus.UNREACHABLE, error=made_up.silent(report.name, 1).error, results=())
        else:
            yield report
    yield made_up.host("new1", 3, 3)


def _drift(made_up: ModuleType, count: int) -> Drift:
    comparison = Comparison()
    for report in made_up.fleet_of(count, checks=3):
        comparison.add_before(report)
    for report in _tomorrow(made_up, count):
        comparison.add_after(report)
    return comparison.drift((), (made_up.mtu_finding(count),))


def _settings(count: int) -> Settings:
    changes = [SettingChange(f"web{number}", "net.core.somaxconn", "4096", "128") for number in range(1, count, 3)]
    changes += [
        SettingChange("web2", "eth0 mtu", "1500", "9000"),
        SettingChange("web2", "kernel release", "6.1.0-38-amd64", "6.1.0-39-amd64"),
        SettingChange(
            "web2", "next boot net.ipv4.tcp_rmem", None, "4096 131072 16777216 (/etc/sysctl.d/99-net.conf:3)"
        ),
    ]
    return Settings(tuple(changes), count, 2)


def _spells(made_up: ModuleType) -> tuple[Spell, ...]:
    def spell(host: str, check: str, days: float, fixed: float | None = None, recent: int = 1) -> Spell:
        since = made_up.STARTED - timedelta(days=days)
        new = days == 0
        run = made_up.RUN.id if new else f"{since:%Y%m%d}-150000-0a0a"
        gone = made_up.STARTED - timedelta(days=fixed) if fixed is not None else None
        last = gone - timedelta(hours=1) if gone else made_up.STARTED
        severity = Severity.HIGH if "queue" in check else Severity.LOW
        return Spell(
            host, check, severity, since, run, last, made_up.RUN.id, gone, made_up.RUN.id if gone else None,
            1 if new else int(days) + 1, recent=recent,
        )  # fmt: skip

    queue, memory = "tcp.accept_queue.somaxconn", "tcp.rmem.max"
    return (
        *(spell(f"web{number}", queue, 17) for number in (1, 2, 3, 5)),
        *(spell(f"web{number}", queue, 0) for number in (7, 9)),
        spell("web10", queue, 3, recent=4),
        *(spell(f"web{number}", memory, 40) for number in (1, 3, 5)),
        spell("web11", memory, 2.5, recent=3),
        *(spell(f"web{number}", "nic.ring.rx", 30, fixed=0) for number in (8, 11)),
    )


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("count", [12, 2000])
def test_what_changed(made_up: ModuleType, count: int, columns: int) -> None:
    """Findings, hosts and settings of two runs, on a narrow and on a wide terminal."""
    options = Options(columns=columns, signs=UNICODE)
    page = diff_page(made_up.RUN, _later(made_up), _drift(made_up, count), _settings(count), options)
    text = render_page(page, options).plain + "\n"
    assert all(len(line) <= columns for line in text.splitlines())
    _matches(f"diff-{count}-hosts-{columns}-columns.txt", text)


def test_what_changed_in_ascii(made_up: ModuleType) -> None:
    """For a terminal that knows no more, and with everything."""
    options = Options(columns=80, signs=ASCII, verbose=True)
    page = diff_page(made_up.RUN, _later(made_up), _drift(made_up, 12), _settings(12), options)
    text = render_page(page, options).plain + "\n"
    assert text.isascii()
    _matches("diff-12-hosts-ascii.txt", text)


def test_nothing_changed(made_up: ModuleType) -> None:
    """Two equal runs, compared without settings."""
    options = Options(columns=80)
    comparison = Comparison()
    for report in made_up.fleet_of(12, checks=3):
        comparison.add_before(report)
    for report in made_up.fleet_of(12, checks=3):
        comparison.add_after(report)
    later = replace(made_up.RUN, id="20261121-170000-beef")
    page = diff_page(made_up.RUN, later, comparison.drift(), None, options)
    _matches("diff-nothing.txt", render_page(page, options).plain + "\n")


@pytest.mark.parametrize("columns", [80, 120])
def test_how_long_findings_have_stood(made_up: ModuleType, columns: int) -> None:
    """What `history --check` tells below the runs."""
    options = Options(columns=columns)
    text = render_page(spells_page(_spells(made_up), options), options).plain + "\n"
    assert all(len(line) <= columns for line in text.splitlines())
    _matches(f"spells-{columns}-columns.txt", text)


def test_a_summary_with_its_past(made_up: ModuleType) -> None:
    """Since when each finding stands, where it is new, where it flaps, and what is gone."""
    fold = Fold({})
    for report in made_up.fleet_of(12, checks=3):
        fold.add(report)
    spells = _spells(made_up)
    standing = Standing(made_up.RUN, [each for each in spells if each.stands], [s for s in spells if not s.stands])
    options = Options(columns=100, standing=standing)
    _matches("summary-with-past.txt", render_summary(made_up.RUN, fold.folded(), (), options).plain + "\n")
