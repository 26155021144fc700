"""Recorded traces, through bpftrace and through tracefs alone, and what could go wrong with either.

``UPDATE_CASES=1`` writes ``expected.json`` of each case anew, to be read before it is committed.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from netaudit.facts.snapshot import value_of
from netaudit.facts.trace import parse_trace, reason_names
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent
from netaudit.model.trace import Means, Scope, Trace

CASES = Path(__file__).parents[2] / "cases" / "trace" / "trace_events"
KEY = '"6,2048,udp_queue_rcv_one_skb+12,4026531840"'
NO_MAP = "ERROR: Could not create map: Operation not permitted"
HOST = "#@ host\nuptime 1000.5\nclock 1795000000\nnamespace 4026531840\n"
FORMAT = (
    "#@ reasons\n\tfield:enum skb_drop_reason reason;\n"
    'print fmt: "…", __print_symbolic(REC->reason, { 2, "NOT_SPECIFIED" }, { 6, "SOCKET_RCVBUFF" })\n'
)


def _trace(text: str) -> Trace:
    found = value_of(Section("trace_events", SectionStatus.COMPLETE, 0, text.encode(), b"", 1), parse_trace)
    assert isinstance(found, Trace), found
    return found


def _plain(trace: Trace) -> dict[str, object]:
    shown = asdict(trace)
    shown["series"] = sorted([*map(str, key), count] for key, count in trace.series.items())
    return json.loads(json.dumps(shown))


@pytest.mark.parametrize("folder", sorted(CASES.iterdir()), ids=lambda path: path.name)
def test_recorded_trace_gives_its_facts(folder: Path) -> None:
    """Every recorded answer is read into exactly what stands beside it."""
    shown = _plain(_trace((folder / "stdout").read_text()))
    recorded = folder / "expected.json"
    if os.environ.get("UPDATE_CASES"):
        recorded.write_text(json.dumps(shown, indent=1, sort_keys=True) + "\n")
    assert shown == json.loads(recorded.read_text())


def test_reasons_have_the_numbers_of_that_kernel() -> None:
    """Between two kernels the same reason had other numbers: only the host's own table counts."""
    assert reason_names('{ 65, "QDISC_OVERLIMIT" }, { 66, "QDISC_CONGESTED" }')[65] == "QDISC_OVERLIMIT"
    assert reason_names('{ 66, "QDISC_OVERLIMIT" }')[66] == "QDISC_OVERLIMIT"


def test_bpftrace_counts_by_namespace_and_second() -> None:
    """Maps hold everything since the beginning: the series is what was added, and the last one counts."""
    told = _trace(
        HOST + FORMAT + "#@ seconds\n3\n#@ bpftrace\nERROR: couldn't set RLIMIT_MEMLOCK for bpftrace\n"
        '{"type": "attached_probes", "data": {"probes": 4}}\n{"type": "printf", "data": "attached\\n"}\n'
        '{"type": "time", "data": "1795000002"}\n'
        f'{{"type": "map", "data": {{"@drops": {{{KEY}: 5}}}}}}\n'
        '{"type": "time", "data": "1795000003"}\n'
        f'{{"type": "map", "data": {{"@drops": {{{KEY}: 9, "131077,0,x,0": 1}}}}}}\n'
        f'{{"type": "map", "data": {{"@drops": {{{KEY}: 10, "131077,0,x,0": 1}}}}}}\n'
        '{"type": "map", "data": {"@elsewhere": {"2": 7}}}\n{"type": "map", "da'
    )
    assert told.means is Means.BPFTRACE
    first, second = told.drops
    assert (first.reason, first.place, first.packets, first.scope) == (
        "SOCKET_RCVBUFF", "udp_queue_rcv_one_skb", 10, Scope.NAMESPACE,
    )  # fmt: skip
    assert (second.reason, second.scope) == ("MAC80211_MONITOR_5", Scope.MACHINE)
    assert told.elsewhere == {"NOT_SPECIFIED": 7}
    assert told.series[1795000001, "kfree_skb", "SOCKET_RCVBUFF"] == 5
    assert told.series[1795000002, "kfree_skb", "SOCKET_RCVBUFF"] == 4


def test_tracefs_says_what_was_overwritten_and_names_places() -> None:
    """A kernel that prints addresses has its symbols looked up; drops that could not be read are counted."""
    told = _trace(
        HOST
        + "#! bpftrace: not present: not installed\n#@ seconds\n3\n#@ counts\nwritten drops 120 100\nwritten tcp 7 5\n"
        "symbol ffffffff81e44fd0 nf_hook_slow\n"
        "total 100 kfree_skb reason=- protocol=2048 place=ffffffff81e44fd0\n"
        "total 4 tcp_retransmit_skb state=TCP_SYN_SENT local=10.0.0.1 peer=10.0.0.2 port=443\n"
        "total 1 kfree_skb reason=0x30002 protocol=0 place=ovs_vport_receive\n"
        "second 1001 100 kfree_skb -\n"
    )
    assert told.means is Means.TRACEFS
    assert [(drop.reason, drop.place) for drop in told.drops] == [
        ("", "nf_hook_slow"), ("OPENVSWITCH_2", "ovs_vport_receive"),
    ]  # fmt: skip
    assert (told.unseen_drops, told.unseen_events) == (20, 2)
    assert told.tcp[0].details == {"state": "TCP_SYN_SENT", "local": "10.0.0.1", "peer": "10.0.0.2", "port": "443"}
    assert "bpftrace is not installed" in told.notes[0]
    assert told.series == {(1795000000, "kfree_skb", "-"): 100}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("#! tracefs: not present: it is not mounted\n", "tracefs: not present: it is not mounted"),
        ("#! instance: not permitted: Device or resource busy\n", "instance: not permitted: Device or resource busy"),
        ("#@ tracefs\nprivate\n", "mounted for this while"),
        ("#@ tracefs\nmounted /sys\nremoved netaudit-0a1b-77-tcp\n", "netaudit-0a1b-77-tcp"),
        (
            f"#@ bpftrace failed\nERROR: couldn't set RLIMIT_MEMLOCK\n{NO_MAP}\n#@ counts\nwritten drops 0 0\n",
            f"bpftrace did not work ({NO_MAP}): drops were counted",
        ),
        ("#@ bpftrace failed\nstdin:1: syntax error, unexpected json\n", "drops were not traced"),
        ("#! tcp/tcp_send_reset: not present\n", "tcp/tcp_send_reset: not present"),
    ],
)
def test_what_was_not_to_be_had_is_a_line(text: str, said: str) -> None:
    """Each bad day of tracing has a note that says what was done instead."""
    notes = _trace(HOST + text).notes
    assert any(said in note for note in notes), notes


@pytest.mark.parametrize(
    "text", ["", "#@ host\nuptime x\n", HOST + "#@ counts\nwhat 1 2\n", HOST + "#@ counts\ntotal x kfree_skb\n"]
)
def test_what_is_no_trace_is_not_understood(text: str) -> None:
    """A host cannot make the parser raise anything else."""
    section = Section("trace_events", SectionStatus.COMPLETE, 0, text.encode(), b"", 1)
    assert isinstance(value_of(section, parse_trace), Absent)


def test_driver_and_stack_are_compared_for_the_same_second() -> None:
    """More in the stack's sample than was looked at makes an estimate; a device that stood still is left out."""
    still = " lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
    before = f"#@ netif_receive_skb before\n  eth0: 1000 10 0 0 0 0 0 0 500 5 0 0 0 0 0 0\n{still}"
    after = f"#@ netif_receive_skb after\n  eth0: 3000 30 0 2 0 0 0 0 500 5 0 0 0 0 0 0\n{still}"
    (path,) = _trace(HOST + before + after + "#@ netif_receive_skb\nwritten 20\ndevice eth0 10 900\n").paths
    assert (path.device, path.driver_packets, path.driver_dropped, path.stack_packets) == ("eth0", 20, 2, 20)
    assert path.is_estimate
