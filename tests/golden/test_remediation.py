"""The page of a remediation looks as it was last looked at; its JSON is as the schema says.

``NETAUDIT_UPDATE_GOLDEN=1 pytest tests/golden`` writes the files anew; read the difference before it is committed.
"""

from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from rich.console import Console

from netaudit.model.plan import Batch, HostOutcome, Outcome, Step, StepClass
from netaudit.model.result import BaselineRef, RunInfo
from netaudit.remedy.gates import GateRow, GateVerdict
from netaudit.remedy.rolled import Rolled
from netaudit.report import terminal
from netaudit.report.remediation import remediation_page, told
from netaudit.report.remediation_csv import remediation_csv
from netaudit.report.remediation_json import remediation_json
from netaudit.report.remediation_junit import remediation_junit
from netaudit.report.remediation_markdown import remediation_markdown
from netaudit.report.signs import ASCII, UNICODE
from netaudit.report.words import Options

FILES = Path(__file__).parent / "remediation"
SCHEMA = Path(__file__).parents[2] / "netaudit" / "report" / "schema" / "remediation-1.json"
RUN = RunInfo(
    id="20261120-150000-ab12",
    command="fix",
    started_at=datetime(2026, 11, 20, 15, tzinfo=UTC),
    version="0.1",
    baseline=BaselineRef("linux-server", "0" * 64),
    duration_s=94.2,
)
SOMAXCONN = Step(
    operation="sysctl", subject="net.core.somaxconn", arguments={"key": "net.core.somaxconn"}, before="128",
    after="4096", step_class=StepClass.NEW_SOCKETS, checks=("tcp.accept_queue.somaxconn",), remediation="somaxconn",
    remediation_sha256="0" * 64, file="/etc/sysctl.d/99-zz-netaudit.conf",
    notes=("0.0.0.0:443 keeps its backlog of 128 until nginx.service (pid 812) calls listen() again",),
)  # fmt: skip
RING = Step(
    operation="ethtool-ring", subject="eth0 rx ring", arguments={}, before="256", after="4096",
    step_class=StepClass.LINK_FLAP, checks=("nic.ring.rx",), remediation="ring", remediation_sha256="0" * 64,
)  # fmt: skip


def ended(host: str, outcome: Outcome, reason: str = "", *, step: Step = SOMAXCONN, now: str = "", hint: str = ""):
    """What became of one host."""
    return HostOutcome(host, host, outcome, reason, hint, (step,), {step.subject: now} if now else {}, 3.25)


def account():
    """A run whose third batch fails its gate, with every kind of end."""
    batches = (
        Batch(StepClass.NEW_SOCKETS, ("web1",)),
        Batch(StepClass.NEW_SOCKETS, ("web2", "web3", "web4", "web5")),
        Batch(StepClass.NEW_SOCKETS, tuple(f"web{number}" for number in range(6, 11))),
        Batch(StepClass.LINK_FLAP, ("web1", "db1")),
    )
    quiet = GateRow("web1", "TcpExt.ListenOverflows", "/s", 0.0, 0.2, 1.0, passed=True)
    lost = GateRow("web7", "TcpExt.ListenOverflows", "/s", 0.5, 14.25, 1.75, passed=False)
    hidden = GateRow("web7", "conntrack insert_failed", "/s", None, None, None, passed=True, note="not observable")
    reason = "web7: TcpExt.ListenOverflows 14.2/s, at most 1.8/s granted"
    outcomes = (
        (1, ended("web1", Outcome.PERSISTED, now="4096")),
        (2, ended("web2", Outcome.PERSISTED, now="4096")),
        (
            2,
            ended("web3", Outcome.REFUSED, "locked by ops@bastion, run 20261120-145500-77fe", hint="wait"),
        ),
        (2, ended("web4", Outcome.ROLLED_BACK, "net.core.somaxconn reads 4000 after 4096 was written", now="128")),
        (2, ended("web5", Outcome.LOST, "no answer since it was told to start")),
        *((3, ended(f"web{n}", Outcome.ROLLED_BACK, f"gate: {reason}", now="128")) for n in range(6, 11)),
        (4, ended("web1", Outcome.UNREACHED, "the gate of batch 3 failed", step=RING)),
        (4, ended("db1", Outcome.UNREACHED, "the gate of batch 3 failed", step=RING)),
    )
    verdicts = {
        1: (GateVerdict((quiet,)),),
        2: (GateVerdict((quiet,)),),
        3: (GateVerdict((lost, hidden), (reason,)),),
    }
    rolled = Rolled(outcomes, verdicts, 3, f"the gate of batch 3 failed: {reason}")
    return told(RUN, batches, [*(f"web{number}" for number in range(1, 11)), "db1"], rolled)


def matches(name: str, text: str) -> None:
    """The text is that of the file."""
    path = FILES / name
    if os.environ.get("NETAUDIT_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("80-columns.txt", Options(columns=80)),
        ("120-columns.txt", Options(columns=120)),
        ("verbose.txt", Options(columns=100, verbose=True)),
        ("ascii.txt", Options(columns=80, signs=ASCII)),
    ],
)
def test_the_page(name, options):
    """Of a run that was stopped by a gate, on several terminals."""
    stream = io.StringIO()
    console = Console(file=stream, width=options.columns, _environ={})
    terminal.print_text(console, terminal.render_page(remediation_page(account(), options), options))
    assert all(len(line) <= options.columns for line in stream.getvalue().splitlines())
    matches(name, stream.getvalue())


@pytest.mark.parametrize(
    ("name", "written"),
    [("ticket.md", remediation_markdown), ("table.csv", remediation_csv), ("pipeline.xml", remediation_junit)],
)
def test_the_other_forms(name, written):
    """The same run on a ticket, in a spreadsheet and in a pipeline."""
    matches(name, "".join(written(account())).replace("\r\n", "\n"))


def test_hostile_text_cannot_reach_the_terminal():
    """What a host said is made printable."""
    rolled = Rolled(((1, ended("web1", Outcome.REFUSED, "a\x1b]0;b\x07")),), {})
    page = remediation_page(told(RUN, (), ["web1"], rolled), Options(signs=UNICODE))
    assert "\x1b" not in terminal.render_page(page, Options()).plain


@pytest.mark.parametrize(
    ("outcome", "said"),
    [(Outcome.CONFIRMED, "started anew"), (Outcome.ROLLED_BACK, "started anew with what was before"),
     (Outcome.REFUSED, "not started anew")],
)  # fmt: skip
def test_a_service_that_is_restarted_has_no_value(outcome, said):
    """Nothing of it is to be written for the next boot, and nobody need have said --no-persist."""
    restart = replace(SOMAXCONN, operation="restart", subject="nginx.service", before="active", after="active")
    rolled = Rolled(((1, ended("web1", outcome, step=restart, now="active")),), {})
    page = terminal.render_page(remediation_page(told(RUN, (), ["web1"], rolled), Options()), Options()).plain
    assert any(line.strip() == f"nginx.service  {said}" for line in page.splitlines()), page
    assert "no-persist" not in page


def test_the_json_is_as_the_schema_says():
    """Every field, and nothing else."""
    value = json.loads("".join(remediation_json(account())))
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(value)
    assert {"hosts": 11, "rolled-back": 6, "persisted": 1} == {
        name: value["summary"][name] for name in ("hosts", "rolled-back", "persisted")
    }
    assert [False] == [gate["passed"] for gate in value["batches"][2]["gates"]]
