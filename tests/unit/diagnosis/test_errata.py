"""Popular claims about loss that are wrong: the diagnosis does what is right instead. Each test tells the claim."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netaudit.diagnosis.reasons import REASONS, reason_of
from netaudit.diagnosis.state import full_listeners
from netaudit.diagnosis.trace import told
from netaudit.facts.trace import parse_trace
from netaudit.lab.causes import CAUSES
from netaudit.model.diagnosis import Confidence
from netaudit.model.facts import PortCount
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.result import Severity
from netaudit.model.trace import Means, Trace

PROBES = Path(__file__).parents[3] / "remote_probes"
OVERFLOW = {"TcpExt.ListenOverflows": 28, "TcpExt.ListenDrops": 28}


def test_recv_q_of_a_listener_is_its_fill(make):
    """Claim: on a listener Send-Q is the queue and Recv-Q its limit. It is the other way round."""
    full = make.judge(both={"listeners": (make.listener(queue=5, backlog=4),)})
    idle = make.judge(both={"listeners": (make.listener(queue=4, backlog=128),)})
    assert [each.listener.queue for each in full_listeners(full.window)] == [5]
    assert full_listeners(idle.window) == ()


def test_queues_of_a_listener_are_not_the_half_open_ones(make):
    """Claim: queues of a listener tell of half-open connections. They tell of those that wait for accept()."""
    judged = make.judge(OVERFLOW, both={"listeners": (make.listener(queue=5, backlog=4),)})
    assert judged.names == ["accept-queue-full"]


def test_half_open_connections_are_limited_by_the_backlog(make):
    """Claim: tcp_max_syn_backlog is the limit. With cookies it is not consulted, and the fix is the backlog."""
    growth = {"TcpExt.TCPReqQFullDoCookies": 31, "TcpExt.SyncookiesSent": 31}
    assert "backlog" in make.judge(growth).first.fix
    assert "max_syn_backlog" not in make.judge(growth).first.fix


def test_a_syn_queue_overflow_needs_no_line_in_the_log(make):
    """Claim: it is found by a line about a dropped open request. That is never printed by default; counters tell."""
    judged = make.judge({"TcpExt.TCPReqQFullDrop": 31, "TcpExt.ListenDrops": 31})
    assert judged.window.log_lines("syn-flood") == ()
    assert judged.first.confidence is Confidence.CERTAIN


def test_abort_on_overflow_does_not_reset_syns(make):
    """Claim: with tcp_abort_on_overflow=1 a full queue answers with resets. SYNs are dropped all the same."""
    judged = make.judge(OVERFLOW, settings={"net.ipv4.tcp_abort_on_overflow": "1"})
    assert judged.names == ["accept-queue-full"]


@pytest.mark.parametrize("counter", ["rx_missed_errors", "rx_fifo_errors"])
def test_a_full_ring_need_not_show_as_overrun(make, counter):
    """Claim: a full ring shows as RX-OVR. Most drivers count it as missed, and both are looked at."""
    assert make.judge(last={"nics": (make.nic(**{counter: 9, "rx_packets": 100}),)}).names == ["ring-overflow"]


def test_dropped_frames_are_not_the_ring(make):
    """Claim: RX-DRP above 0 means that the NIC drops. It is a mixed counter since boot: possible, if it grows."""
    assert make.judge(both={"nics": (make.nic(rx_dropped=475760),)}).names == []
    judged = make.judge(last={"nics": (make.nic(rx_dropped=900, rx_packets=9000),)})
    assert judged.first.id == "receive-drops"
    assert judged.first.severity is Severity.LOW


def test_a_squeeze_count_of_zero_proves_nothing(make):
    """Claim: without squeezes softirq keeps up. Backlogs overflow with none at all."""
    judged = make.judge(last={"softnet": make.softnet(0, 900000, squeezed=0), "nics": (make.nic(rx_dropped=900000),)})
    assert judged.names == ["cpu-backlog"]


def test_tcp_is_not_fragmented(make):
    """Claim: IP fragments a segment that is too large. It is discarded, and lost when no ICMP tells."""
    judged = make.judge({"Ip.FragFails": 7, "Ip.OutDiscards": 7})
    assert judged.names == ["packets-too-big"]
    assert "did not leave" in judged.first.summary


def test_a_queue_of_an_active_sender_is_no_symptom(make):
    """Claim: Send-Q of an established connection should be 0. It holds what is in flight; standing still counts."""
    before = make.connection(send_queue_bytes=1_200_000, sent_bytes=10**6, acked_bytes=10**6, timer="on")
    after = make.connection(send_queue_bytes=1_200_000, sent_bytes=10**8, acked_bytes=10**8, timer="on")
    judged = make.judge(first={"talkers": make.talkers(before)}, last={"talkers": make.talkers(after)})
    assert judged.names == []


def test_tracking_that_does_not_exist_is_not_an_empty_table(make):
    """Claim: the table is there whenever there is a firewall. Where it is not, its causes are not observable."""
    judged = make.judge(both={"conntrack": make.absent}, last={"conntrack": make.absent})
    assert {"conntrack-full", "conntrack-refused"} <= {one.cause for one in judged.unseen}


def test_connection_tracking_alone_drops_nothing_invalid(make):
    """Claim: return packets are dropped because an entry aged out. Only a rule that drops what is invalid does that."""
    judged = make.judge(last={"conntrack": make.conntrack(invalid=50)})
    assert judged.names == []


def test_orphans_are_not_time_wait(make):
    """Claim: many orphans point at TIME_WAIT. They are closed files with data left, and are told as such."""
    judged = make.judge(
        both={"sockstat": {"TCP.mem": 1, "TCP.orphan": 5000}}, settings={"net.ipv4.tcp_max_orphans": "4096"}
    )
    assert judged.names == ["orphan-limit"]
    assert "TIME" not in judged.first.summary


def test_leaks_are_looked_for_by_the_word_of_ss(make):
    """Claim: ss prints CLOSE_WAIT. It prints CLOSE-WAIT, and that is what is counted."""
    first, last = make.sockets({"CLOSE-WAIT": 1}), make.sockets({"CLOSE-WAIT": 40})
    assert make.judge(first={"sockets": first}, last={"sockets": last}).names == ["close-wait-leak"]
    first, last = make.sockets({"CLOSE_WAIT": 1}), make.sockets({"CLOSE_WAIT": 40})
    assert make.judge(first={"sockets": first}, last={"sockets": last}).names == []


def test_resets_come_from_close_and_not_from_keepalive(make):
    """Claim: time-outs of a client make the kernel send resets for want of keepalive. Unread data at close() does."""
    judged = make.judge({"TcpExt.TCPAbortOnClose": 30, "Tcp.OutRsts": 30, "TcpExt.TCPKeepAlive": 500})
    assert judged.names == ["reset-on-close"]
    assert "keepalive" not in judged.first.fix.lower()


def test_a_refusal_is_no_filter_that_drops(make):
    """Claim: connection refused may be a firewall that intercepts. One that drops gives time-outs instead."""
    refused = make.judge({"Tcp.AttemptFails": 50, "Tcp.ActiveOpens": 50})
    silent = make.judge({"TcpExt.TCPSynRetrans": 50, "Tcp.ActiveOpens": 50})
    assert refused.names == ["connect-refused"]
    assert silent.names == ["connect-unanswered"]


def test_totals_since_boot_prove_nothing(make):
    """Claim: 280,000 failed attempts in netstat -s are a fault. Only what grows within the window counts."""
    huge = dict.fromkeys(make.grown({})["snmp"], 280000)
    assert make.judge(both={"snmp": huge}, last={"snmp": huge}).names == []


def test_the_table_of_connections_is_never_read():
    """Claim: /proc/net/nf_conntrack is counted by wc -l. That walks the whole table; its counter is read."""
    for probe in PROBES.glob("*.sh"):
        code = "\n".join(line for line in probe.read_text().split("\n") if not line.lstrip().startswith("#"))
        assert "net/nf_conntrack " not in code.replace("stat/nf_conntrack", "")


def test_half_open_and_full_queue_do_not_mix(make):
    """Claim: both queues belong to the listener. Half-open ones are counted there: each has its own counters."""
    half_open = make.sockets({"SYN-RECV": 9}, syn_recv_by_port=(PortCount(8080, 9),))
    judged = make.judge({"TcpExt.TCPReqQFullDrop": 31, "TcpExt.ListenDrops": 31}, both={"sockets": half_open})
    assert judged.names == ["syn-queue-full"]
    assert "9 in SYN-RECV at port 8080" in judged.first.evidence


def _code(path: Path) -> str:
    """The lines of a probe that run."""
    return "\n".join(line for line in path.read_text().split("\n") if not line.lstrip().startswith("#"))


def test_a_queue_of_128_is_no_limit_of_128(make):
    """Claim: Recv-Q was 128 because somaxconn is 128. It was because 128 connections waited."""
    waiting = make.judge(OVERFLOW, both={"listeners": (make.listener(queue=129, backlog=128),)})
    allowed = make.judge(both={"listeners": (make.listener(queue=0, backlog=128),)})
    assert "129 wait where the backlog is 128" in waiting.first.summary
    assert allowed.names == []


def test_drops_of_interfaces_are_no_business_of_connection_tracking():
    """Claim: cat nf_conntrack_max shows the drops of an interface. Its own statistics do."""
    readers = {path.stem for path in PROBES.glob("*.sh") if "nf_conntrack_max" in _code(path)}
    assert readers == {"conntrack"}
    assert "statistics" in _code(PROBES / "nics.sh")


def test_a_ping_that_is_clean_rules_nothing_out(make):
    """Claim: normal ping means that loss is above IP. A path MTU black hole lets every ping pass."""
    hung = make.connection(timer="on", backoff=4, unacked=54, send_queue_bytes=78192, acked_bytes=1, retransmitted=4)
    growth = {"TcpExt.TCPTimeouts": 4, "Icmp.InEchoReps": 10, "Icmp.OutEchos": 10}
    assert make.judge(growth, both={"talkers": make.talkers(hung)}).names == ["path-mtu-black-hole"]


@pytest.mark.parametrize("name", ["tcp_receive", "netfilter_verdicts", "application_calls", "trace_events"])
def test_programs_of_bpftrace_use_what_there_is(name):
    """Claim: `if (…)` stands without a block, ntohs() is there, and a kretprobe has arguments. None of it is so."""
    code = _code(PROBES / "trace" / f"{name}.sh")
    assert "ntohs" not in code
    assert re.findall(r"k(?:ret)?probe:[^}]*args", code) == []
    assert all("{" in rest for rest in re.findall(r" if \(@?\$?n[^)]*\)(.{0,4})", code))


def test_what_tcp_refuses_is_told_by_its_reasons():
    """Claim: tcp_v4_do_rcv returning -1 marks dropped packets. It returns 0 for those as well."""
    assert "0 also for those that it refuses" in (PROBES / "trace" / "tcp_receive.sh").read_text()
    assert {"NO_SOCKET", "TCP_CSUM", "TCP_OLD_DATA"} <= set(REASONS)
    assert "port-closed" in reason_of("NO_SOCKET").causes


def test_protocols_of_what_was_delivered_are_those_of_ip(make):
    """Claim: skb->protocol tells TCP from UDP where IP delivers. There it is always IPv4: counters of each tell."""
    judged = make.judge({"Ip.InReceives": 30, "Ip.InDelivers": 30, "Tcp.InSegs": 20, "Udp.InDatagrams": 10})
    shown = told(Trace(Means.BPFTRACE, 8.0, 1000.0, 0.0, ()), judged.window)
    assert shown.delivery.by_protocol == {"tcp": 20, "udp": 10, "icmp": 0}


def test_what_is_sent_is_not_held_against_what_is_received():
    """Claim: net_dev_queue against netif_receive_skb shows loss. One is the way out: each stands beside its own."""
    device = "eth0: {} {} 0 0 0 0 0 0 {} {} 0 0 0 0 0 0\n"
    parts = "".join(
        f"#@ {event} before\n{device.format(0, 0, 0, 0)}#@ {event} after\n{device.format(600, 6, 9000, 9)}"
        f"#@ {event}\nwritten 5\ndevice eth0 5 500\n"
        for event in ("netif_receive_skb", "net_dev_queue")
    )
    text = f"#@ host\nuptime 1.0\nclock 9\nnamespace 1\n#@ seconds\n6\n#@ counts\n{parts}"
    trace = parse_trace(Section("trace_events", SectionStatus.COMPLETE, 0, text.encode(), b"", 1))
    assert [(one.event, one.driver_packets, one.stack_packets) for one in trace.paths] == [
        ("netif_receive_skb", 6, 5),
        ("net_dev_queue", 9, 5),
    ]


def test_a_counter_of_zero_is_known(make):
    """Claim: netstat -s shows them. It leaves out what is zero, so files are read by name: none is not unknown."""
    assert "netstat -s" not in _code(PROBES / "counters.sh")
    nothing = dict.fromkeys(make.grown({})["netstat"], 0)
    judged = make.judge(both={"netstat": nothing}, last={"netstat": nothing})
    assert "syn-queue-full" not in {one.cause for one in judged.unseen}


def test_headers_hold_nothing_to_decrypt():
    """Claim: GODEBUG lets Wireshark decrypt. Without keys nothing does; here no byte of a payload is taken at all."""
    code = _code(PROBES / "trace" / "pcap_headers.sh")
    assert {int(length) for length in re.findall(r"capture \S+ (\d+)", code)} == {56, 76}
    assert "tls." not in code


def test_calls_are_looked_for_in_programs_and_not_in_sources():
    """Claim: a uprobe takes the path of a source file. It takes a symbol of an ELF file."""
    code = _code(PROBES / "trace" / "application_calls.sh")
    assert 'uprobe:\\"$program\\":$CALL_FUNCTION' in code
    assert "has no function" in code


def test_faults_need_no_netem():
    """Claim: netem is the way to lose packets on purpose. Many kernels lack it: small queues, rules and MTUs do too."""
    commands = [command for cause in CAUSES for side in (cause.host, cause.peer) for command in side.setup]
    assert commands
    assert not any("netem" in command for command in commands)
