"""Diagnoses look as they were last looked at, and their JSON is what the schema says.

``NETAUDIT_UPDATE_GOLDEN=1 pytest tests/golden/diagnosis`` writes them anew; read the difference before it is committed.
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
from referencing import Registry, Resource
from rich.console import Console

from netaudit.errors import ErrorKind, Phase
from netaudit.model.diagnosis import (
    Cause,
    Change,
    Confidence,
    HostDiagnosis,
    InterfaceLoad,
    Layer,
    RuledOut,
    StuckQueue,
    Talker,
    Unseen,
)
from netaudit.model.probe import HostError
from netaudit.model.result import HostStatus, RunInfo, Severity, Summary
from netaudit.report.diagnosis import diagnosis_json, diagnosis_line
from netaudit.report.diagnosis_text import diagnosis_page
from netaudit.report.signs import ASCII, UNICODE
from netaudit.report.terminal import print_text, render_page
from netaudit.report.words import Options

HERE = Path(__file__).parent
SCHEMAS = Path(__file__).parents[3] / "netaudit" / "report" / "schema"
RUN = RunInfo("20260601-120000-abcd", "diagnose", datetime(2026, 6, 1, 12, tzinfo=UTC), "1.0", duration_s=11.2)

QUEUE = Cause(
    id="accept-queue-full", code="D01", title="The accept queue is full", layer=Layer.LISTENER,
    severity=Severity.CRITICAL, confidence=Confidence.CERTAIN,
    summary="0.0.0.0:8080 of shop-web (pid 812): 129 wait where the backlog is 128",
    changes=(Change("TcpExt.ListenOverflows", 2810, 281.0, (2810,)),
             Change("TcpExt.ListenDrops", 2810, 281.0, (2810,))),
    evidence=("Recv-Q 129 ≥ Send-Q 128 on 0.0.0.0:8080, in 2 of 2 samples",),
    ruled_out=(RuledOut("syn-queue-full", "The queue of half-open connections is full",
                        "TCPReqQFullDrop and TCPReqQFullDoCookies did not move"),),
    subjects=("0.0.0.0:8080 shop-web",),
    fix="Let the application accept faster, or raise its listen backlog (net.core.somaxconn first), then reload it so "
        "that it calls listen() again.",
    checks=("tcp.accept_queue.depth", "tcp.accept_queue.backlog_effective"), remediation="sysctl",
    look=("ss -Hltn: Recv-Q above Send-Q", "the clients: SYNs repeated after 1 s"),
)  # fmt: skip
LOSS = Cause(
    id="path-loss", code="D30", title="Segments are lost behind this host", layer=Layer.PATH, severity=Severity.LOW,
    confidence=Confidence.POSSIBLE, summary="90 segments of 2,090 (4.3%) were sent again",
    changes=(Change("Tcp.RetransSegs", 90, 9.0, (90,)),), evidence=("by kind: 80 after duplicate ACKs",), ruled_out=(),
    subjects=("192.0.2.9:443",), fix="Diagnose the other end over the same time.", checks=("path.loss_rtt",),
    remediation=None, look=("switch and provider counters",), explains=("out-discards",),
)  # fmt: skip
WEB = HostDiagnosis(
    "web1", "192.0.2.1", HostStatus.OK, None, 0.4, 10.0, 2, causes=(QUEUE, LOSS),
    unseen=(Unseen("conntrack-full", "The connection tracking table is full", Layer.CONNTRACK, "not present"),
            Unseen("conntrack-refused", "Connection tracking refuses entries", Layer.CONNTRACK, "not present")),
    talkers=(Talker("nginx (pid 900)", "192.0.2.80", 443, 12, 48_200_000.0, 1_200_000.0, 90),
             Talker("", "2001:db8::1", 22, 1, 800.0, 90.0, 0, is_lower_bound=True)),
    stuck=(StuckQueue("accept", "0.0.0.0:8080", "", "shop-web (pid 812)", 120, 129, 128),
           StuckQueue("send", "192.0.2.1:50000", "192.0.2.9:443", "nginx (pid 900)", 65536, 65536)),
    interfaces=(InterfaceLoad("eth0", 5e8, 2.5e7, 51200.0, 4000.0, 40, 0, 0.5, 0.025, 256, 5.0),),
    notes=("the host's time of day jumped by +3600 s; rates are by its clock since boot, which did not",),
)  # fmt: skip


def summary_of(hosts):
    """The totals of some hosts."""
    silent = sum(host.status is not HostStatus.OK for host in hosts)
    findings = {}
    for host in hosts:
        for cause in host.causes:
            findings[cause.severity] = findings.get(cause.severity, 0) + 1
    return Summary(len(hosts), len(hosts) - silent, silent, 0, findings)


def fleet():
    """Fifty hosts: a few with the same causes, one that cannot be reached, the others in order."""
    hosts = []
    for number in range(1, 51):
        name, address = f"web{number}", f"192.0.2.{number}"
        plain = HostDiagnosis(name, address, HostStatus.OK, None, 0.4, 10.0, 2)
        if number % 10 == 3:
            plain = replace(plain, causes=(QUEUE,), stuck=WEB.stuck[:1])
        if number in {7, 13}:
            plain = replace(plain, causes=(*plain.causes, LOSS), notes=WEB.notes)
        if number == 20:
            error = HostError(ErrorKind.REFUSED, "connection refused", Phase.CONNECT, "is sshd up?")
            plain = HostDiagnosis(name, address, HostStatus.UNREACHABLE, error, 0.1)
        hosts.append(replace(plain, unseen=WEB.unseen if number < 5 else ()))
    return hosts


def page(hosts, columns, *, verbose=False, signs=UNICODE, run=RUN):
    """What a terminal of so many columns shows."""
    stream = io.StringIO()
    console = Console(file=stream, width=columns, force_terminal=False, _environ={})
    options = Options(columns=columns, signs=signs, verbose=verbose)
    print_text(console, render_page(diagnosis_page(run, summary_of(hosts), hosts, options), options))
    return stream.getvalue()


def matches(name, text):
    """Compare with the file of that name, or write it."""
    path = HERE / name
    if os.environ.get("NETAUDIT_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("columns", [80, 120])
def test_one_host(columns):
    """Causes, interfaces, talkers, queues, what was not seen, what was odd."""
    matches(f"1-host-{columns}-columns.txt", page([WEB], columns))


@pytest.mark.parametrize("columns", [80, 120])
def test_fifty_hosts(columns):
    """Equal causes of many hosts as one."""
    matches(f"50-hosts-{columns}-columns.txt", page(fleet(), columns))


def test_everything():
    """When asked for more, in ASCII."""
    matches("1-host-verbose-ascii.txt", page([WEB], 100, verbose=True, signs=ASCII))


def test_nothing_found():
    """A fleet in order says so in one line."""
    hosts = [HostDiagnosis(f"web{number}", "", HostStatus.OK, None, 0.4, 10.0, 2) for number in range(3)]
    assert "3 hosts: 3 ok · no cause of loss found" in page(hosts, 80)


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("TCP is short of memory", "TCP is short of memory: x"),
        ("A Peer does not read", "a Peer does not read: x"),
        ("Timestamps", "Timestamps: x"),
    ],
)
def test_a_title_within_a_line_keeps_its_names(title, told):
    """Its first letter is small there, and no other."""
    other = replace(QUEUE, ruled_out=(RuledOut("x", title, "x"),))
    assert f"rather than  {told}" in page([replace(WEB, causes=(other,))], 120)


def test_what_makes_a_run_less_sure_stands_on_top():
    """That nobody looked whose answers these are, and that it was stopped; of a whole run neither."""
    text = page([WEB], 120, run=replace(RUN, host_key_checking="off", interrupted=True))
    head = " ".join(text.partition("CRITICAL")[0].split())
    assert "WARNING Host-key checking was off: these may be the answers of other machines." in head
    assert "STOPPED The run was interrupted: hosts are judged by what they had told by then." in head
    assert not {"WARNING", "STOPPED"} & set(page([WEB], 120).split())


def test_no_line_is_wider_than_the_terminal():
    """Also with the longest words there are."""
    long = replace(WEB, talkers=(replace(WEB.talkers[0], process="x" * 60, peer="y" * 60),), name="w" * 60)
    for columns in (60, 80):
        assert max(map(len, page([long], columns).splitlines())) <= columns


def test_what_a_host_sent_is_no_escape():
    """Control characters of a process name never reach the terminal."""
    evil = replace(WEB, talkers=(replace(WEB.talkers[0], process="\x1b[31mred\x07"),), notes=("\x1b]0;x\x07",))
    assert "\x1b" not in page([evil], 80)


def test_json_is_what_the_schema_says():
    """The object of a run and the line of a host."""
    texts = {path.stem: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}
    registry = Registry().with_resources((text["$id"], Resource.from_contents(text)) for text in texts.values())
    validator = Draft202012Validator(texts["diagnosis-1"], registry=registry)
    for hosts in ([WEB], fleet(), []):
        whole = json.loads("".join(diagnosis_json(RUN, summary_of(hosts), map(diagnosis_line, hosts))))
        validator.validate(whole)
        assert [host["name"] for host in whole["hosts"]] == [host.name for host in hosts]
    assert not validator.is_valid({**whole, "schema": "netaudit.diagnosis/2"})
