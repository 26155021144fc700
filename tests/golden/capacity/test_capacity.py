"""The page of a capacity check looks as it was last looked at.

``NETAUDIT_UPDATE_GOLDEN=1 pytest tests/golden/capacity`` writes the files anew; read the difference before it is
committed.
"""

from __future__ import annotations

import importlib.util
import io
import os
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console

from netaudit.capacity.fleet import CapacityFold
from netaudit.errors import ErrorKind, Phase
from netaudit.fleet.fold import Fold
from netaudit.model.capacity import HostCapacity, WorkloadRef
from netaudit.model.probe import HostError
from netaudit.model.result import HostReport, HostStatus, RunInfo
from netaudit.model.workload import Machine, Rate
from netaudit.report.capacity_text import capacity_page
from netaudit.report.signs import ASCII, UNICODE, Signs
from netaudit.report.terminal import print_text, render_page
from netaudit.report.words import Options

FILES = Path(__file__).parent
WORKLOAD = WorkloadRef("launch", "An HTTPS front end on the day of the launch", "launch.yaml", "ab" * 32)
TRIED = WorkloadRef(
    "launch", "launch", "launch.yaml", "ab" * 32, 1.5, "additional", True, {"net.core.somaxconn": "65535"}
)


@pytest.fixture(scope="module")
def made() -> ModuleType:
    """The host and the loads that the unit tests use."""
    path = FILES.parents[1] / "unit" / "capacity" / "conftest.py"
    spec = importlib.util.spec_from_file_location("capacity_made", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _fleet(made: ModuleType, count: int) -> list[HostCapacity]:
    """Front ends, some with less of everything; of several hosts the last does not answer."""
    hosts = []
    for number in range(1, count + 1):
        name, address = f"web{number}", f"192.0.2.{number}"
        if number == count > 1:
            error = HostError(ErrorKind.REFUSED, f"{address} port 22: connection refused", Phase.CONNECT, "is sshd up?")
            hosts.append(HostCapacity(name, address, HostStatus.UNREACHABLE, error, 0.1))
            continue
        settings = {"net.ipv4.tcp_max_tw_buckets": "65536"} if number % 3 == 0 else {}
        facts = made.facts_with(settings, listeners=(made.replace(made.NGINX, backlog=511 if number % 2 else 4096),))
        rows = made.rows_of(made.W1, made.OUT, made.UDP, facts=facts)
        hosts.append(HostCapacity(name, address, HostStatus.OK, None, 0.2, tuple(rows)))
    return hosts


def _lacking(made: ModuleType) -> list[HostCapacity]:
    """A host under a load of which little is said."""
    load = made.replace(
        made.W1, new_connections=Rate(mean=100.0), accept_pause_s=None, rtt_p99_s=None, sending_ratio=None
    )
    rows = made.rows_of(load, machine=Machine(), facts=made.facts_with({"net.ipv4.tcp_max_orphans": None}))
    return [HostCapacity("web1", "192.0.2.1", HostStatus.OK, None, 0.2, tuple(rows))]


def _page(
    made: ModuleType, run: RunInfo, hosts: list[HostCapacity], columns: int, workload: WorkloadRef = WORKLOAD, *,
    signs: Signs = UNICODE, verbose: bool = False, color: bool = False,
) -> str:  # fmt: skip
    capacity, fold = CapacityFold(), Fold()
    for host in hosts:
        capacity.add(host)
        fold.add(HostReport(host.name, host.address, host.status, host.error, host.duration_s))
    stream = io.StringIO()
    console = Console(
        file=stream, width=columns, force_terminal=color, color_system="standard" if color else None, _environ={}
    )
    options = Options(columns=columns, signs=signs, verbose=verbose)
    print_text(console, render_page(capacity_page(run, workload, capacity.folded(), fold.folded(), options), options))
    return stream.getvalue()


@pytest.fixture(scope="module")
def run(made: ModuleType) -> RunInfo:
    """One run."""
    from datetime import UTC, datetime

    return RunInfo("20261120-150000-3f2a", "capacity", datetime(2026, 11, 20, 15, tzinfo=UTC), "0.1.0", None, 1.9)


def _matches(name: str, text: str) -> None:
    path = FILES / name
    if os.environ.get("NETAUDIT_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("count", [1, 12])
def test_pages(made: ModuleType, run: RunInfo, count: int, columns: int) -> None:
    """Of one host and of a dozen, on a narrow and on a wide terminal."""
    _matches(f"{count}-hosts-{columns}-columns.txt", _page(made, run, _fleet(made, count), columns))


def test_missing_figures(made: ModuleType, run: RunInfo) -> None:
    """Which figure is needed for what, and what the host does not tell."""
    _matches("missing-figures.txt", _page(made, run, _lacking(made), 80))


def test_what_makes_a_run_less_sure_stands_on_top(made: ModuleType, run: RunInfo) -> None:
    """That nobody looked whose answers these are, and that hosts are missing; of a whole run neither."""
    unsure = replace(run, host_key_checking="off", interrupted=True)
    text = " ".join(_page(made, unsure, _fleet(made, 1), 120).partition("FIRST")[0].split())
    assert "WARNING Host-key checking was off: these may be the answers of other machines." in text
    assert "STOPPED The run was interrupted: hosts that were not finished are listed as cancelled." in text
    assert not {"WARNING", "STOPPED"} & set(_page(made, run, _fleet(made, 1), 120).split())


def test_in_ascii(made: ModuleType, run: RunInfo) -> None:
    """For a terminal that knows no more, with all that can stand in the heading."""
    text = _page(made, run, _fleet(made, 4), 80, TRIED, signs=ASCII)
    assert text.isascii()
    _matches("ascii.txt", text)


def test_everything(made: ModuleType, run: RunInfo) -> None:
    """When asked for more: the formula and the sources of every resource."""
    _matches("verbose.txt", _page(made, run, _fleet(made, 1), 100, verbose=True))


def test_in_colour(made: ModuleType, run: RunInfo) -> None:
    """The escapes of a terminal, so that a change of colour is seen."""
    _matches("colour.txt", _page(made, run, _fleet(made, 4), 80, color=True))
