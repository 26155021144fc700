"""The page of a comparison looks as it was last looked at; its JSON is as the schema says."""

from __future__ import annotations

import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from rich.console import Console

from netaudit.errors import ErrorKind, Phase
from netaudit.fleet.outliers import Census, against, not_known
from netaudit.model.probe import HostError
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.result import HostReport, HostStatus, RunInfo
from netaudit.report import terminal
from netaudit.report.outliers import Compared, outliers_json, outliers_page
from netaudit.report.signs import ASCII
from netaudit.report.words import Options

FILES = Path(__file__).parent / "outliers"
SCHEMA = Path(__file__).parents[2] / "netaudit" / "report" / "schema" / "outliers-1.json"
RUN = RunInfo("20261120-150000-ab12", "outliers", datetime(2026, 11, 20, 15, tzinfo=UTC), "0.1", duration_s=1.5)
SILENT = HostReport(
    "db9", "198.18.0.9", HostStatus.UNREACHABLE, HostError(ErrorKind.REFUSED, "connection refused", Phase.CONNECT), 0.1
)
ROOT = Absent(AbsentReason.NOT_PERMITTED, "the probe conntrack needs root")
TOOL = Absent(AbsentReason.NOT_PRESENT, "ethtool")
UNREAD = {
    **{f"web{n}": {"conntrack": ROOT} for n in (2, 3, 4, 11)},
    "db2": {f"eth0 {what}": TOOL for what in ("ring", "channels", "rss", "coalesce", "offload")},
}


def matters(name):
    """What the checks judge here."""
    return "somaxconn" in name or name.endswith("mtu")


def fleet():
    """Two groups, a few odd ones, one value that differs everywhere, one size of machine that stands alone."""
    for n in range(1, 38):
        yield f"web{n}", ("web",), "8 CPUs, 32 GiB", {
            "eth0 mtu": "9000" if n == 17 else "1500",
            "net.core.somaxconn": "128" if n in {3, 9} else "4096",
            "net.ipv4.tcp_mem": "1 2 3" if n == 5 else "188319 251094 376638",
            "kernel release": "6.1.0-18" if n == 30 else "6.1.0-21",
            "net.ipv4.conf.eth0.tag": str(n),
            **({"next boot net.core.somaxconn": "4096"} if n != 9 else {}),
        }  # fmt: skip
    for n in range(1, 5):
        yield f"db{n}", ("db",), "64 CPUs, 512 GiB", {"eth0 mtu": "9000"}
    yield "lone", ("lone",), "1 CPU", {"eth0 mtu": "1500"}


def compared():
    """A comparison by groups."""
    census = Census(matters)
    for host in fleet():
        census.add(*host, UNREAD.get(host[0], {}))
    return Compared(
        RUN, 42, "group", census.outliers(), census.too_small(), silent=(SILENT,), not_known=not_known(UNREAD)
    )


def held():
    """The same hosts held against one."""
    vectors = {host: values for host, _, _, values in fleet()}
    reference = vectors.pop("web1")
    return Compared(RUN, 42, "group", reference="web1", differences=against(reference, vectors, matters))


def page(value, options):
    """The text of a page."""
    stream = io.StringIO()
    console = Console(file=stream, width=options.columns, _environ={})
    terminal.print_text(console, terminal.render_page(outliers_page(value, options), options))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "made", "options"),
    [
        ("80-columns.txt", compared, Options(columns=80)),
        ("120-columns.txt", compared, Options(columns=120)),
        ("verbose.txt", compared, Options(columns=100, verbose=True)),
        ("ascii.txt", compared, Options(columns=80, signs=ASCII)),
        ("against.txt", held, Options(columns=100)),
    ],
)
def test_the_page(name, made, options):
    """By group and against one host, on several terminals."""
    text = page(made(), options)
    assert all(len(line) <= options.columns for line in text.splitlines())
    path = FILES / name
    if os.environ.get("NETAUDIT_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_hostile_values_cannot_reach_the_terminal():
    """What a host calls its interface is made printable, in names and in values."""
    census = Census()
    for n in range(4):
        census.add(f"h{n}", ("g",), "", {"a\x1b]0;b\x07 mtu": "\x1b[2J" if n else "1"})
    assert "\x1b" not in page(Compared(RUN, 4, "group", census.outliers()), Options(verbose=True))


@pytest.mark.parametrize("made", [compared, held])
def test_the_json_is_as_the_schema_says(made):
    """Every field, and nothing else."""
    value = json.loads("".join(outliers_json(made())))
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(value)
    if value["against"] is None:
        assert {"host": "web9", "values": 2} == value["oddest"][0]
    else:
        assert "net.core.somaxconn" == value["differences"][0]["name"]
