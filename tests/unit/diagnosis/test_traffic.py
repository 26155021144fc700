"""Who talks, what is stuck, how full links are; and what one host of a fleet has to do with another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netaudit.diagnosis.links import linked
from netaudit.diagnosis.results import report_of
from netaudit.diagnosis.traffic import interface_loads, stuck_queues, talkers_of
from netaudit.model.diagnosis import HostDiagnosis
from netaudit.model.facts import FlowGroup, Rings, Talkers
from netaudit.model.result import HostStatus, Verdict


def talking(make, *pairs):
    """The window between two shapes of some connections."""
    first = make.talkers(*(before for before, _ in pairs))
    last = make.talkers(*(after for _, after in pairs))
    return make.judge(first={"talkers": first}, last={"talkers": last}).window


def test_talkers_are_summed_by_process_and_peer(make):
    """Two connections of a process with one service are one talker, at bits per second of the window."""
    pairs = []
    for port in (50000, 50001):
        before = make.connection(local=f"192.0.2.1:{port}")
        pairs.append((before, replace(before, sent_bytes=1_250_100, received_bytes=100, retransmitted=3)))
    (talker,) = talkers_of(talking(make, *pairs))
    assert (talker.process, talker.peer, talker.port, talker.connections) == ("shop (pid 77)", "192.0.2.9", 443, 2)
    assert talker.sent_bps == pytest.approx(2_000_000)
    assert talker.retransmitted == 6
    assert not talker.is_lower_bound


def test_closed_connections_make_a_lower_bound(make):
    """What a connection carried before it was closed in between is not known."""
    kept = make.connection()
    gone = make.connection("192.0.2.8:443")
    window = make.judge(
        first={"talkers": make.talkers(kept, gone)}, last={"talkers": make.talkers(replace(kept, sent_bytes=10**6))}
    ).window
    assert talkers_of(window)[0].is_lower_bound


def test_groups_of_very_many_connections(make):
    """Where the host told sums, these are compared."""
    first = Talkers((), (FlowGroup("shop", "192.0.2.9", 443, 900, 1000, 0, 5),), True, True)
    last = Talkers((), (FlowGroup("shop", "192.0.2.9", 443, 950, 126000, 0, 9),), True, True)
    (talker,) = talkers_of(make.judge(first={"talkers": first}, last={"talkers": last}).window)
    assert (talker.sent_bps, talker.retransmitted, talker.connections) == (pytest.approx(100_000), 4, 950)
    assert talker.is_lower_bound


def test_queues_that_stand_still(make):
    """An accept queue, unread data and unsent data that were there both times."""
    unread = make.connection(receive_queue_bytes=500)
    unsent = make.connection("192.0.2.7:80", send_queue_bytes=900)
    busy_before = make.connection("192.0.2.6:80", send_queue_bytes=900)
    busy_after = replace(busy_before, sent_bytes=9000, acked_bytes=9000)
    window = make.judge(
        both={"listeners": (make.listener(queue=3),)},
        first={"talkers": make.talkers(unread, unsent, busy_before)},
        last={"talkers": make.talkers(unread, unsent, busy_after)},
    ).window
    assert [(one.kind, one.last) for one in stuck_queues(window)] == [("accept", 3), ("send", 900), ("receive", 500)]


def test_links_and_rings(make):
    """Rates against the speed of the link, and how long the ring would last."""
    rings = Rings(256, 4096, 256, 4096)
    before = replace(make.nic(), rings=rings)
    after = replace(make.nic(rx_bytes=625_000_000, rx_packets=512_000, tx_packets=10, rx_missed_errors=4), rings=rings)
    (load,) = interface_loads(make.judge(first={"nics": (before,)}, last={"nics": (after,)}).window)
    assert load.rx_bps == pytest.approx(5e8)
    assert load.rx_link_ratio == pytest.approx(0.5)
    assert load.rx_ring_ms == pytest.approx(5.0)
    assert load.rx_dropped == 4


def diagnosed(name, address, causes):
    """A host with these causes."""
    return HostDiagnosis(name, address, HostStatus.OK, None, 1.0, 10.0, 2, causes)


def test_both_ends_of_one_loss(make):
    """A client's unanswered SYNs are linked with the full queue of the server, when both are diagnosed."""
    waiting = make.connection("192.0.2.80:8080", state="SYN-SENT")
    growth = {"TcpExt.TCPSynRetrans": 21, "Tcp.ActiveOpens": 7}
    client = make.judge(growth, both={"talkers": make.talkers(waiting), "sockets": make.sockets({"SYN-SENT": 1})})
    server = make.judge({"TcpExt.ListenOverflows": 28, "TcpExt.ListenDrops": 28})
    hosts = {0: diagnosed("app1", "192.0.2.1", client.causes), 1: diagnosed("web1", "192.0.2.80", server.causes)}
    changed = linked(hosts)
    assert set(changed) == {0}
    assert "web1 at the other end: the accept queue is full (certain)" in changed[0].causes[0].evidence


def test_results_for_the_history(make):
    """Causes fail, what could not be looked for is unknown and no pass, everything else passes."""
    judged = make.judge({"Udp.RcvbufErrors": 5}, both={"softnet": make.absent}, last={"softnet": make.absent})
    from netaudit.diagnosis.catalogue import TITLES

    host = replace(diagnosed("web1", "192.0.2.1", judged.causes), unseen=judged.unseen, examined=TITLES)
    results = {result.check: result.verdict for result in report_of(host).results}
    assert results["diagnosis.udp-receive-buffer"] is Verdict.FAIL
    assert results["diagnosis.cpu-backlog"] is Verdict.UNKNOWN
    assert results["diagnosis.no-route"] is Verdict.PASS
    assert len(results) == len(TITLES)
