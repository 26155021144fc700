"""Summaries look as they were last looked at.

``NETAUDIT_UPDATE_GOLDEN=1 pytest tests/golden`` writes the files anew; read the difference before it is committed.
"""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console

from netaudit.fleet.fold import Fold
from netaudit.report.signs import ASCII, UNICODE, Signs
from netaudit.report.terminal import print_summary, text_of
from netaudit.report.words import Options

FILES = Path(__file__).parent / "summary"


def _matches(name: str, text: str) -> None:
    path = FILES / name
    if os.environ.get("NETAUDIT_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def _summary(
    made_up: ModuleType, count: int, columns: int, *, signs: Signs = UNICODE, verbose: bool = False, color: bool = False
) -> str:
    groups = {
        report.name: ("all", "web" if report.name.startswith("web") else "db")
        for report in made_up.fleet_of(count, checks=1)
    }
    fold = Fold(groups)
    for report in made_up.fleet_of(count, checks=20):
        fold.add(report)
    fleet = (made_up.mtu_finding(count),) if count > 7 else ()
    run = replace(made_up.RUN, host_key_checking="off", interrupted=True) if verbose else made_up.RUN
    stream = io.StringIO()
    console = Console(
        file=stream, width=columns, force_terminal=color, color_system="standard" if color else None, _environ={}
    )
    options = Options(columns=columns, signs=signs, verbose=verbose, why=made_up.WHY)
    print_summary(console, run, fold.folded(fleet), fleet, options)
    return stream.getvalue()


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("count", [1, 12, 2000])
def test_summaries(made_up: ModuleType, count: int, columns: int) -> None:
    """Of one host, a dozen, and two thousand, on a narrow and on a wide terminal."""
    _matches(f"{count}-hosts-{columns}-columns.txt", _summary(made_up, count, columns))


def test_in_ascii(made_up: ModuleType) -> None:
    """For a terminal that knows no more."""
    _matches("12-hosts-ascii.txt", _summary(made_up, 12, 80, signs=ASCII))


def test_everything(made_up: ModuleType) -> None:
    """When asked for more, with all banners."""
    _matches("12-hosts-verbose.txt", _summary(made_up, 12, 100, verbose=True))
    _matches("1-host-verbose.txt", _summary(made_up, 1, 100, verbose=True))


def test_in_colour(made_up: ModuleType) -> None:
    """The escapes of a terminal, so that a change of colour is seen."""
    _matches("12-hosts-colour.txt", _summary(made_up, 12, 80, color=True))
    assert text_of(()).plain == ""
