"""Each cause is named first for the growth that was observed when it was provoked, and its look-alikes are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netaudit.diagnosis.catalogue import CAUSES, TITLES
from netaudit.model.diagnosis import Confidence
from netaudit.model.facts import Destination, FirewallRule, Neighbours, PortCount, UdpSocket
from netaudit.model.result import Severity

CERTAIN, LIKELY, POSSIBLE = Confidence.CERTAIN, Confidence.LIKELY, Confidence.POSSIBLE


def test_nothing_is_named_where_nothing_grew(make):
    """A host in order has no cause, and everything could be looked for."""
    judged = make.judge()
    assert judged.names == []
    assert [one.cause for one in judged.unseen] == []


def test_normal_traffic_names_nothing(make):
    """Connections, datagrams, a few resets and retransmissions of a busy host in order."""
    growth = {
        "Tcp.ActiveOpens": 500, "Tcp.PassiveOpens": 900, "Tcp.InSegs": 90000, "Tcp.OutSegs": 95000, "Tcp.OutRsts": 1,
        "Tcp.RetransSegs": 40, "TcpExt.TCPFastRetrans": 20, "TcpExt.TCPTimeouts": 3, "Ip.InReceives": 100000,
        "Ip.InDelivers": 100000, "Udp.InDatagrams": 5000, "Udp.NoPorts": 1, "Tcp.EstabResets": 1, "Tcp.AttemptFails": 2,
        "Icmp.InDestUnreachs": 1, "TcpExt.TCPAbortOnClose": 1, "Ip.FragFails": 1, "Icmp.OutDestUnreachs": 1,
    }  # fmt: skip
    assert make.judge(growth).names == []


# Growth of /proc/net counters alone: (id, confidence, growth).
BY_COUNTERS = [
    ("accept-queue-full", CERTAIN, {"Tcp.PassiveOpens": 5, "TcpExt.ListenOverflows": 28, "TcpExt.ListenDrops": 28}),
    ("syn-queue-full", CERTAIN, {"TcpExt.TCPReqQFullDrop": 31, "TcpExt.ListenDrops": 31}),
    ("syn-queue-full", CERTAIN, {"TcpExt.TCPReqQFullDoCookies": 31, "TcpExt.SyncookiesSent": 31}),
    ("time-wait-overflow", CERTAIN, {"TcpExt.TCPTimeWaitOverflow": 300, "Tcp.OutRsts": 300}),
    ("udp-receive-buffer", CERTAIN, {"Udp.RcvbufErrors": 1744, "Udp.InErrors": 1744}),
    ("udp-no-port", CERTAIN, {"Udp.NoPorts": 290000, "Icmp.OutDestUnreachs": 3497, "Icmp.OutRateLimitGlobal": 286503}),
    ("checksum-errors", CERTAIN, {"Tcp.InCsumErrors": 5, "Tcp.InErrs": 5, "Udp.InCsumErrors": 5, "Udp.InErrors": 5}),
    ("receive-queue-pruned", CERTAIN, {"TcpExt.PruneCalled": 1, "TcpExt.RcvPruned": 1, "TcpExt.TCPRcvQDrop": 1}),
    ("reverse-path-filter", CERTAIN, {"TcpExt.IPReversePathFilter": 3, "Ip.InReceives": 3}),
    ("reassembly-failed", CERTAIN, {"Ip.ReasmReqds": 10, "Ip.ReasmFails": 10, "Ip.ReasmTimeout": 10}),
    ("reassembly-failed", CERTAIN, {"Ip.ReasmReqds": 136, "Ip.ReasmFails": 136}),
    ("no-route", CERTAIN, {"Ip.OutNoRoutes": 5}),
    ("reset-on-close", CERTAIN, {"TcpExt.TCPAbortOnClose": 30, "Tcp.OutRsts": 30, "Tcp.EstabResets": 30}),
    ("resets-received", LIKELY, {"Tcp.EstabResets": 8}),
    ("port-closed", LIKELY, {"Tcp.OutRsts": 50, "Tcp.InSegs": 50}),
    ("connect-refused", LIKELY, {"Tcp.AttemptFails": 50, "Tcp.ActiveOpens": 50}),
    ("connect-unanswered", LIKELY, {"TcpExt.TCPSynRetrans": 10, "Tcp.RetransSegs": 10, "Tcp.ActiveOpens": 5}),
    ("tcp-memory-pressure", CERTAIN, {"TcpExt.TCPMemoryPressures": 2, "TcpExt.TCPMemoryPressuresChrono": 800}),
    ("udp-send-refused", CERTAIN, {"Udp.SndbufErrors": 489, "Ip.OutDiscards": 492}),
    ("path-loss", LIKELY, {"Tcp.RetransSegs": 90, "Tcp.OutSegs": 2000, "TcpExt.TCPFastRetrans": 80}),
    ("packets-too-big", LIKELY, {"Ip.FragFails": 7, "Ip.OutDiscards": 7}),
    ("path-mtu-black-hole", CERTAIN, {"TcpExt.TCPTimeouts": 6, "TcpExt.TCPMTUPSuccess": 3}),
    ("timestamps-rejected", CERTAIN, {"TcpExt.PAWSEstab": 40}),
    ("firewall-drop", POSSIBLE, {"Ip.InReceives": 15, "Ip.InDelivers": 0}),
    ("unreachable-received", POSSIBLE, {"Icmp.InDestUnreachs": 40}),
    ("unreachable-sent", LIKELY, {"Icmp.OutDestUnreachs": 40}),
    ("out-discards", POSSIBLE, {"Ip.OutDiscards": 40}),
]


@pytest.mark.parametrize(
    ("name", "confidence", "growth"), BY_COUNTERS, ids=[f"{row[0]}-{row[1]}" for row in BY_COUNTERS]
)
def test_growth_alone(make, name, confidence, growth):
    """The growth of protocol counters names the cause first, and no other beside it."""
    judged = make.judge(growth)
    assert judged.names == [name]
    assert judged.first.confidence is confidence
    assert judged.first.changes
    assert judged.first.fix
    assert judged.first.look


def _with_states(make):
    """What states add: (id, confidence, arguments of judge)."""
    full = (make.listener(queue=17, backlog=16),)
    half_open = make.sockets({"SYN-RECV": 8}, syn_recv_by_port=(PortCount(8080, 8),))
    many = make.sockets({"SYN-RECV": 30}, syn_recv_by_port=(PortCount(8080, 30),))
    overflow = {"TcpExt.ListenOverflows": 16, "TcpExt.ListenDrops": 16}
    hung = make.connection(timer="on", backoff=4, unacked=54, send_queue_bytes=78192, acked_bytes=1, retransmitted=4)
    unread = make.connection(receive_queue_bytes=713864)
    stalled = make.connection(timer="persist", send_queue_bytes=713864, acked_bytes=9)
    leak = tuple(make.connection(f"192.0.2.9:{port}", state="CLOSE-WAIT") for port in range(30))
    taken = Destination("192.0.2.1", "192.0.2.9", 443, 100)
    drop = ("tcp dport 9901 drop",)
    yield (
        "accept-queue-ack",
        CERTAIN,
        {
            "growth": {**overflow, "Tcp.PassiveOpens": 17, "Tcp.RetransSegs": 23, "TcpExt.TCPSynRetrans": 23},
            "both": {"listeners": full, "sockets": half_open},
        },
    )
    yield (
        "accept-queue-ack",
        CERTAIN,
        {
            "growth": {**overflow, "TcpExt.EmbryonicRsts": 8, "Tcp.OutRsts": 8, "Tcp.AttemptFails": 8},
            "both": {"listeners": full},
            "settings": {"net.ipv4.tcp_abort_on_overflow": "1"},
        },
    )
    yield (
        "syn-queue-full",
        CERTAIN,
        {"growth": {"TcpExt.ListenDrops": 35}, "both": {"sockets": many}, "settings": {"net.ipv4.tcp_syncookies": "0"}},
    )
    yield (
        "syn-ack-unanswered",
        LIKELY,
        {
            "growth": {"Tcp.RetransSegs": 30, "TcpExt.TCPSynRetrans": 30, "TcpExt.TCPTimeouts": 30},
            "both": {"sockets": many},
        },
    )
    yield (
        "descriptors-exhausted",
        CERTAIN,
        {
            "growth": {
                "TcpExt.ListenOverflows": 113,
                "TcpExt.ListenDrops": 113,
                "TcpExt.TCPReqQFullDoCookies": 20,
                "TcpExt.SyncookiesSent": 20,
            },
            "both": {"limits": make.limits(make.process(17, 16)), "listeners": (make.listener(queue=9, backlog=8),)},
        },
    )
    yield (
        "app-not-reading",
        CERTAIN,
        {"growth": {"TcpExt.TCPToZeroWindowAdv": 1}, "both": {"talkers": make.talkers(unread)}},
    )
    yield "peer-not-reading", CERTAIN, {"growth": {"TcpExt.TCPWinProbe": 4}, "both": {"talkers": make.talkers(stalled)}}
    yield (
        "close-wait-leak",
        CERTAIN,
        {
            "first": {"sockets": make.sockets({"CLOSE-WAIT": 10})},
            "last": {"sockets": make.sockets({"CLOSE-WAIT": 30}), "talkers": make.talkers(*leak)},
        },
    )
    yield (
        "ports-exhausted",
        CERTAIN,
        {
            "both": {"sockets": make.sockets({"ESTAB": 100}, busiest_destinations=(taken,))},
            "settings": {"net.ipv4.ip_local_port_range": "40000 40099"},
        },
    )
    yield (
        "path-mtu-black-hole",
        LIKELY,
        {
            "growth": {"TcpExt.TCPTimeouts": 4, "Tcp.RetransSegs": 14, "TcpExt.TCPLossProbes": 1, "Tcp.OutSegs": 60},
            "first": {"talkers": make.talkers(make.connection())},
            "last": {"talkers": make.talkers(hung)},
        },
    )
    yield "listener-gone", CERTAIN, {"growth": {"Tcp.OutRsts": 40}, "last": {"listeners": ()}}
    yield (
        "conntrack-full",
        CERTAIN,
        {
            "growth": {"Ip.InReceives": 5102, "Ip.InDelivers": 100},
            "first": {"conntrack": make.conntrack(262144, 262144)},
            "last": {"conntrack": make.conntrack(262144, 262144, drop=5002)},
        },
    )
    yield (
        "conntrack-full",
        CERTAIN,
        {
            "first": {"conntrack": make.conntrack(262000, 262144)},
            "last": {"conntrack": make.conntrack(262144, 262144, early_drop=27857)},
        },
    )
    yield "conntrack-refused", LIKELY, {"last": {"conntrack": make.conntrack(insert_failed=40)}}
    yield "conntrack-refused", LIKELY, {"last": {"conntrack": make.conntrack(chaintoolong=4, drop=4)}}
    yield (
        "stateful-asymmetry",
        CERTAIN,
        {
            "growth": {"Tcp.RetransSegs": 3, "TcpExt.TCPSynRetrans": 3},
            "first": {"drop_rules": (make.rule("ct state invalid drop", 0, hook="output"),)},
            "last": {
                "drop_rules": (make.rule("ct state invalid drop", 9, hook="output"),),
                "conntrack": make.conntrack(invalid=9),
                "sockets": many,
            },
        },
    )
    yield (
        "firewall-drop",
        CERTAIN,
        {
            "growth": {"Ip.InReceives": 15},
            "first": {"drop_rules": (make.rule(*drop, 0),)},
            "last": {"drop_rules": (make.rule(*drop, 15),)},
        },
    )
    yield "firewall-drop", LIKELY, {"growth": {"Ip.InReceives": 15}, "both": {"drop_rules": (make.rule(*drop, None),)}}
    yield (
        "neighbour-overflow",
        CERTAIN,
        {
            "growth": {"Ip.OutDiscards": 280},
            "last": {
                "neighbours": Neighbours(
                    1024, 0, 3, 0, {"table_fulls": 280, "forced_gc_runs": 281, "res_failed": 0}, make.absent
                )
            },
        },
    )
    yield (
        "neighbour-unreachable",
        LIKELY,
        {
            "growth": {"Icmp.InDestUnreachs": 18, "Icmp.OutDestUnreachs": 18},
            "last": {
                "neighbours": Neighbours(
                    9, 0, 6, 0, {"table_fulls": 0, "forced_gc_runs": 0, "res_failed": 0}, make.absent
                )
            },
        },
    )
    yield (
        "egress-queue-drops",
        CERTAIN,
        {
            "growth": {
                "Tcp.RetransSegs": 782,
                "TcpExt.TCPFastRetrans": 591,
                "TcpExt.TCPRetransFail": 191,
                "Tcp.OutSegs": 2000,
            },
            "last": {"qdiscs": (make.qdisc(978, 3039),)},
        },
    )
    yield (
        "udp-send-refused",
        CERTAIN,
        {"growth": {"Udp.SndbufErrors": 489, "Ip.OutDiscards": 492}, "last": {"qdiscs": (make.qdisc(489, 1011),)}},
    )
    yield (
        "cpu-backlog",
        CERTAIN,
        {
            "growth": {"Udp.SndbufErrors": 475760},
            "last": {"softnet": make.softnet(0, 475761), "nics": (make.nic(rx_packets=20000, rx_dropped=475760),)},
        },
    )
    yield "softirq-budget", POSSIBLE, {"last": {"softnet": make.softnet(0, 0, squeezed=500)}}
    yield "ring-overflow", CERTAIN, {"last": {"nics": (make.nic(rx_packets=9000, rx_missed_errors=400),)}}
    yield (
        "ring-overflow",
        CERTAIN,
        {
            "first": {"nics": (make.nic(driver={"rx_out_of_buffer": 0}),)},
            "last": {"nics": (make.nic(driver={"rx_out_of_buffer": 40}),)},
        },
    )
    yield (
        "driver-drops",
        LIKELY,
        {
            "first": {"nics": (make.nic(driver={"tx_dropped_mailbox": 0}),)},
            "last": {"nics": (make.nic(driver={"tx_dropped_mailbox": 40}),)},
        },
    )
    yield "receive-drops", POSSIBLE, {"last": {"nics": (make.nic(rx_packets=9000, rx_dropped=900),)}}
    yield "frame-too-long", LIKELY, {"last": {"nics": (make.nic(kind="veth", rx_dropped=3),)}}
    yield "link-errors", CERTAIN, {"last": {"nics": (make.nic(rx_crc_errors=4),)}}
    yield "link-errors", CERTAIN, {"last": {"nics": (make.nic(carrier_changes=2),)}}
    yield (
        "provider-allowance",
        CERTAIN,
        {
            "first": {"nics": (make.nic(driver={"pps_allowance_exceeded": 7}),)},
            "last": {"nics": (make.nic(driver={"pps_allowance_exceeded": 900}),)},
        },
    )
    yield (
        "orphan-limit",
        CERTAIN,
        {
            "growth": {"TcpExt.TCPAbortOnMemory": 12},
            "last": {"kernel_log": make.log("orphans")},
        },
    )
    yield "tcp-memory-pressure", LIKELY, {
        "both": {"sockstat": {"TCP.mem": 900, "TCP.orphan": 0}}, "settings": {"net.ipv4.tcp_mem": "400 800 1200"}
    }  # fmt: skip


def test_states(make, subtests_of):
    """Growth together with states names the cause first; what it explains is not named beside it."""
    for name, confidence, arguments in subtests_of(_with_states(make)):
        growth = arguments.pop("growth", {})
        judged = make.judge(growth, **arguments)
        assert judged.names[:1] == [name], (name, judged.names)
        assert judged.first.confidence is confidence, (name, judged.first)
        assert len(judged.names) == 1, (name, judged.names)


@pytest.fixture
def subtests_of():
    """The rows of a table, each at least once."""

    def rows(table):
        found = list(table)
        assert len(found) > 20
        return found

    return rows


def test_every_cause_of_the_catalogue_is_provoked(make):
    """No cause stands in the catalogue that no growth and no state would name."""
    named = {row[0] for row in BY_COUNTERS} | {row[0] for row in _with_states(make)}
    assert named == set(TITLES)


def test_catalogue_is_sound():
    """Ids are told once, every code of the thirty is there, explained causes exist, and nothing explains itself."""
    assert len(TITLES) == len(CAUSES)
    assert {rule.code for rule in CAUSES} == {f"D{number:02d}" for number in range(1, 31)}
    for rule in CAUSES:
        assert rule.id not in rule.explains
        assert set(rule.explains) <= set(TITLES), rule.id
        assert rule.needs
        assert rule.look
        assert rule.fix


def test_checks_that_causes_refer_to_exist():
    """The settings behind a cause are judged by checks of the default baseline."""
    from netaudit.assets.catalogue import load_rules

    known = {check.id: check for check in load_rules().checks}
    for rule in CAUSES:
        assert set(rule.checks) <= set(known), rule.id


def _outruled(cause):
    return {each.cause for each in cause.ruled_out}


def test_accept_queue_and_syn_queue_rule_each_other_out(make):
    """The one says that the other's counters stood still."""
    accept = make.judge({"TcpExt.ListenOverflows": 28, "TcpExt.ListenDrops": 28}).first
    syn = make.judge({"TcpExt.TCPReqQFullDrop": 31, "TcpExt.ListenDrops": 31}).first
    assert "syn-queue-full" in _outruled(accept)
    assert "accept-queue-full" in _outruled(syn)


def test_descriptors_beat_the_queue_they_fill(make):
    """A full queue of a process with descriptors left is the queue's; of one without, the descriptors'."""
    growth = {"TcpExt.ListenOverflows": 113, "TcpExt.ListenDrops": 113}
    full = (make.listener(queue=9, backlog=8),)
    assert make.judge(growth, both={"listeners": full}).names == ["accept-queue-full"]
    starved = {"listeners": full, "limits": make.limits(make.process(16, 16))}
    judged = make.judge(growth, both=starved)
    assert judged.names == ["descriptors-exhausted"]
    assert judged.first.explains == ("accept-queue-full",)
    assert "shop (pid 77)" in judged.first.subjects


def test_udp_look_alikes_are_told_apart(make):
    """InErrors is the sum of full buffers and wrong checksums; which of them grew decides."""
    assert make.judge({"Udp.InErrors": 9, "Udp.RcvbufErrors": 9}).names == ["udp-receive-buffer"]
    assert make.judge({"Udp.InErrors": 9, "Udp.InCsumErrors": 9}).names == ["checksum-errors"]
    both = make.judge({"Udp.InErrors": 18, "Udp.InCsumErrors": 9, "Udp.RcvbufErrors": 9})
    assert set(both.names) == {"udp-receive-buffer", "checksum-errors"}


def test_process_of_a_full_udp_socket_is_named(make):
    """The socket whose own drops grew says who it is."""

    def udp(drops):
        one = UdpSocket("0.0.0.0", 9700, 4096, 4096, drops, 55, "shop-udp")
        return make.sockets({}, udp=(one,))

    judged = make.judge({"Udp.RcvbufErrors": 50}, first={"sockets": udp(5)}, last={"sockets": udp(55)})
    assert judged.first.summary.startswith("shop-udp on 0.0.0.0:9700 lost 50")


def test_black_hole_and_congestion_are_told_apart(make):
    """Fast retransmissions and SACKs are loss of some; time-outs alone of full segments are a black hole."""
    growth = {"Tcp.RetransSegs": 500, "Tcp.OutSegs": 2000, "TcpExt.TCPFastRetrans": 400, "TcpExt.TCPSackRecovery": 80,
              "TcpExt.TCPTimeouts": 2}  # fmt: skip
    busy = make.connection(timer="on", unacked=10, send_queue_bytes=20000, acked_bytes=900000, retransmitted=400)
    judged = make.judge(
        growth, first={"talkers": make.talkers(make.connection())}, last={"talkers": make.talkers(busy)}
    )
    assert judged.names == ["path-loss"]
    assert any("192.0.2.9:443" in text for text in judged.first.evidence)


def test_own_queue_is_not_blamed_on_the_path(make):
    """What a queueing discipline of the host drops is no loss behind it."""
    growth = {"Tcp.RetransSegs": 782, "Tcp.OutSegs": 2000}
    assert make.judge(growth).names == ["path-loss"]
    assert make.judge(growth, last={"qdiscs": (make.qdisc(978, 3000),)}).names == ["egress-queue-drops"]


def test_backlog_of_the_machine_is_not_blamed_on_a_namespace(make):
    """softnet_stat is of the whole machine: in a namespace whose interfaces lost nothing it says nothing."""
    inside = {"kernel": make.kernel(100.0, initial=False)}
    later = {"kernel": make.kernel(110.0, initial=False), "softnet": make.softnet(0, 5000)}
    assert make.judge(first=inside, last=later).names == []
    hit = {**later, "nics": (make.nic(rx_dropped=5000),)}
    assert make.judge(first=inside, last=hit).names == ["cpu-backlog"]


def test_ring_and_backlog_are_told_apart(make):
    """Missed frames never reached a CPU's backlog."""
    judged = make.judge(last={"nics": (make.nic(rx_missed_errors=40, rx_dropped=40, rx_packets=100),)})
    assert judged.names == ["ring-overflow"]
    assert "cpu-backlog" in _outruled(judged.first)


def test_two_causes_at_once_are_both_named(make):
    """Independent growth names both, the upper layer first among equals."""
    judged = make.judge({"TcpExt.ListenOverflows": 28, "TcpExt.ListenDrops": 28, "Udp.RcvbufErrors": 100})
    assert judged.names == ["accept-queue-full", "udp-receive-buffer"]


def test_possible_causes_are_no_alarm(make):
    """What is only possible weighs low, whatever the cause weighs when it is certain."""
    judged = make.judge({"Ip.InReceives": 15})
    assert (judged.first.confidence, judged.first.severity) == (POSSIBLE, Severity.LOW)


def test_rule_that_asks_for_icmp_is_named_on_a_router(make):
    """The rule that keeps path MTU messages from leaving is evidence of the black hole it makes."""
    from netaudit.model.facts import Firewall

    firewall = Firewall(1, False, (), (), (FirewallRule("ip f o", "output", "icmp type 3 drop"),), ())
    judged = make.judge({"Ip.FragFails": 7, "Ip.OutDiscards": 7}, both={"firewall": firewall})
    assert judged.first.confidence is CERTAIN
    assert any("icmp type 3 drop" in text for text in judged.first.evidence)


def test_a_black_hole_whose_next_repetition_is_far_away(make):
    """After minutes the back-off is longer than the window: the standing connection is evidence enough."""
    hung = make.connection(timer="on", backoff=9, unacked=54, send_queue_bytes=78192, acked_bytes=1, retransmitted=9)
    judged = make.judge(both={"talkers": make.talkers(hung)})
    assert judged.names == ["path-mtu-black-hole"]
    assert judged.first.confidence is LIKELY


def test_a_peer_that_died_is_no_black_hole(make):
    """It has acknowledged full segments before, so they can pass: only possible."""
    dead = make.connection(
        timer="on", backoff=9, unacked=54, send_queue_bytes=78192, acked_bytes=10**7, retransmitted=9
    )
    judged = make.judge(both={"talkers": make.talkers(dead)})
    assert judged.first.confidence is POSSIBLE


def test_handshakes_that_hang_at_their_last_step_stay(make):
    """Half-open connections of a full listener tell the stage, also when none was repeated within the window."""
    half_open = make.sockets({"SYN-RECV": 8}, syn_recv_by_port=(PortCount(8080, 8),))
    full = {"listeners": (make.listener(queue=17, backlog=16),), "sockets": half_open}
    judged = make.judge({"TcpExt.ListenOverflows": 16, "TcpExt.ListenDrops": 16}, both=full)
    assert judged.names == ["accept-queue-ack"]


def test_what_is_only_possible_explains_nothing(make):
    """A gap that may be a filter's does not hide the messages that are counted beside it."""
    judged = make.judge({"Ip.InReceives": 15, "Icmp.OutDestUnreachs": 40})
    assert judged.names == ["unreachable-sent", "firewall-drop"]


def test_a_quiet_interface_is_not_blamed_on_the_backlog(make):
    """In a namespace whose busiest interface lost nothing, drops of another one are that one's own."""
    inside = make.kernel(110.0, initial=False)
    pair = make.nic("veth1", kind="veth", rx_dropped=50)
    later = {
        "kernel": inside,
        "softnet": make.softnet(0, 5000),
        "nics": (make.nic(rx_packets=9000), replace(pair, ifindex=3)),
    }
    first = {
        "kernel": make.kernel(100.0, initial=False),
        "nics": (make.nic(), replace(pair, ifindex=3, counters=dict.fromkeys(pair.counters, 0))),
    }
    assert make.judge(first=first, last=later).names == ["frame-too-long"]


def test_a_few_broadcasts_lost_in_a_burst_are_nothing(make):
    """Seven packets that the backlog of the machine dropped are neither loss nor frames that are too long."""
    inside = {"kernel": make.kernel(100.0, initial=False), "nics": (make.nic(kind="veth"),)}
    later = {
        "kernel": make.kernel(110.0, initial=False),
        "nics": (make.nic(kind="veth", rx_packets=400, rx_dropped=7),),
        "softnet": make.softnet(0, 900),
    }
    assert make.judge(first=inside, last=later).names == []


def test_one_next_hop_that_stops_answering_is_told(make):
    """It may be the only way out: one is enough, as a possibility; one that failed before the window is not told."""
    silent = Neighbours(3, 0, 1, 0, {"table_fulls": 0, "forced_gc_runs": 0, "res_failed": 0}, make.absent)
    assert make.judge(last={"neighbours": silent}).names == ["neighbour-unreachable"]
    assert make.judge(first={"neighbours": silent}, last={"neighbours": silent}).names == []


def test_handshakes_whose_answer_does_not_leave_hang_for_that(make):
    """A full accept queue beside a queue that drops what is sent: half-open connections speak of the second."""
    growth = {"TcpExt.ListenOverflows": 16, "TcpExt.ListenDrops": 16, "Tcp.RetransSegs": 40, "Tcp.OutSegs": 900}
    full = {
        "listeners": (make.listener(queue=17, backlog=16),),
        "sockets": make.sockets({"SYN-RECV": 8}, syn_recv_by_port=(PortCount(8080, 8),)),
    }
    assert make.judge(growth, both=full).names[0] == "accept-queue-ack"
    judged = make.judge(growth, both=full, last={"qdiscs": (make.qdisc(978, 3000),)})
    assert judged.names[:2] == ["accept-queue-full", "egress-queue-drops"]


def test_resets_of_a_full_queue_prove_it_whatever_else_is_dropped(make):
    """A client that was reset at its last step was answered, also where a queue drops some of what is sent."""
    growth = {"TcpExt.ListenOverflows": 16, "TcpExt.ListenDrops": 16, "TcpExt.EmbryonicRsts": 9, "Tcp.OutRsts": 9}
    full = {"listeners": (make.listener(queue=17, backlog=16),)}
    abort = {"net.ipv4.tcp_abort_on_overflow": "1"}
    judged = make.judge(growth, both=full, last={"qdiscs": (make.qdisc(978, 3000),)}, settings=abort)
    assert judged.names == ["accept-queue-ack", "egress-queue-drops"]
