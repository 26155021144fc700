"""Who talks, what is stuck and how full the links are, from the same samples as the causes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from netaudit.diagnosis.state import device_up, holder, number, pairs_of
from netaudit.diagnosis.window import Window
from netaudit.model.diagnosis import InterfaceLoad, StuckQueue, Talker
from netaudit.model.facts import Facts, Nic
from netaudit.model.facts.flows import Connection, Talkers
from netaudit.model.reading import Absent, is_known

TALKERS_TOLD = 50
STUCK_TOLD = 50
_STUCK_BYTES = 1


@dataclass(slots=True)
class _Sum:
    connections: int = 0
    sent: int = 0
    received: int = 0
    again: int = 0


_Key = tuple[str, str, int]  # process, peer address, service port


def talkers_of(window: Window) -> tuple[Talker, ...]:
    """TCP traffic by process, peer and service, the busiest first. UDP sockets count no bytes."""
    if not window.has_growth or window.deltas.seconds <= 0:
        return ()
    first, last = window.first.talkers, window.last.talkers
    if isinstance(first, Absent) or isinstance(last, Absent):
        return ()
    before, after, low = _sums(first, last)
    seconds = window.deltas.seconds
    found = []
    for key, now in after.items():
        then = before.get(key, _Sum())
        sent, received = max(0, now.sent - then.sent), max(0, now.received - then.received)
        again = max(0, now.again - then.again)
        if sent or received or again:
            process, peer, port = key
            bps = (sent * 8 / seconds, received * 8 / seconds)
            found.append(Talker(process, peer, port, now.connections, *bps, again, low or now.sent < then.sent))
    found.sort(key=lambda one: -(one.sent_bps + one.received_bps))
    return tuple(found[:TALKERS_TOLD])


def _sums(first: Talkers, last: Talkers) -> tuple[dict[_Key, _Sum], dict[_Key, _Sum], bool]:
    """The sums of both samples, and whether they miss something."""
    if first.groups and last.groups:
        return _of_groups(first), _of_groups(last), True
    shared = {(one.local, one.peer) for one in first.connections}
    return _of_connections(first), _of_connections(last), last.truncated or bool(
        shared - {(one.local, one.peer) for one in last.connections}
    )  # fmt: skip


def _of_groups(talkers: Talkers) -> dict[_Key, _Sum]:
    return {
        (one.process, one.peer_address, one.port): _Sum(
            one.connections, one.sent_bytes, one.received_bytes, one.retransmitted
        )
        for one in talkers.groups
    }


def _of_connections(talkers: Talkers) -> dict[_Key, _Sum]:
    found: dict[_Key, _Sum] = {}
    for one in talkers.connections:
        total = found.setdefault((one.holder, one.peer_address, _service(one.local, one.peer)), _Sum())
        total.connections += 1
        total.sent += one.sent_bytes
        total.received += one.received_bytes
        total.again += one.retransmitted
    return found


def _service(local: str, peer: str) -> int:
    """The lower of the two ports."""
    ports = [int(word[:5]) for word in (local.rpartition(":")[2], peer.rpartition(":")[2]) if word.isdigit()]
    return min(ports, default=0)


def stuck_queues(window: Window) -> tuple[StuckQueue, ...]:
    """Accept queues, receive queues and send queues that were not empty in any sample and did not shrink."""
    if not window.has_growth:
        return ()
    found = [*_accept_queues(window), *_connection_queues(window)]
    found.sort(key=lambda one: (one.kind != "accept", -one.last))
    return tuple(found[:STUCK_TOLD])


def _accept_queues(window: Window) -> Iterator[StuckQueue]:
    by_sample = [_queues(facts) for facts in window.samples]
    for key in by_sample[0]:
        queues = [sample.get(key, 0) for sample in by_sample]
        if min(queues) > 0 and not isinstance(window.last.listeners, Absent):
            one = next(each for each in window.last.listeners if (each.endpoint, each.inode) == key)
            limit = one.backlog if isinstance(one.backlog, int) else None
            yield StuckQueue("accept", one.endpoint, "", holder(one.process, one.pid), queues[0], queues[-1], limit)


def _queues(facts: Facts) -> dict[tuple[str, int], int]:
    if isinstance(facts.listeners, Absent):
        return {}
    return {(one.endpoint, one.inode): one.queue for one in facts.listeners if one.protocol == "tcp"}


def _holder(one: Connection) -> str:
    """The process, empty where it is not seen; a socket without an inode has none any more."""
    return one.holder if one.inode else "no process"


def _connection_queues(window: Window) -> Iterator[StuckQueue]:
    for before, now in pairs_of(window):
        same = now.received_bytes == before.received_bytes
        if min(before.receive_queue_bytes, now.receive_queue_bytes) >= _STUCK_BYTES and same:
            yield StuckQueue(
                "receive", now.local, now.peer, _holder(now), before.receive_queue_bytes, now.receive_queue_bytes
            )
        acked = now.acked_bytes == before.acked_bytes
        if min(before.send_queue_bytes, now.send_queue_bytes) >= _STUCK_BYTES and acked and now.state != "SYN-SENT":
            yield StuckQueue("send", now.local, now.peer, _holder(now), before.send_queue_bytes, now.send_queue_bytes)


def interface_loads(window: Window) -> tuple[InterfaceLoad, ...]:
    """Every interface that carried something, against what its link and its ring can take."""
    nics = window.last.nics
    if isinstance(nics, Absent) or not window.has_growth or window.deltas.seconds <= 0:
        return ()
    loads = (_load(window, nic) for nic in nics if nic.kind != "loopback")
    return tuple(
        sorted((each for each in loads if each.rx_pps or each.tx_pps), key=lambda each: -each.rx_bps - each.tx_bps)
    )


def _load(window: Window, nic: Nic) -> InterfaceLoad:
    seconds = window.deltas.seconds
    rx_bytes, tx_bytes, rx, tx = (device_up(window, nic, name) / seconds for name in _PER_SECOND)
    speed_bps = number(nic.speed_mbps) * 10**6 if is_known(nic.speed_mbps) else 0
    slots = nic.rings.rx_slots if is_known(nic.rings) and isinstance(nic.rings.rx_slots, int) else None
    return InterfaceLoad(
        name=nic.name,
        rx_bps=rx_bytes * 8,
        tx_bps=tx_bytes * 8,
        rx_pps=rx,
        tx_pps=tx,
        rx_dropped=_dropped(window, nic, "rx"),
        tx_dropped=_dropped(window, nic, "tx"),
        rx_link_ratio=rx_bytes * 8 / speed_bps if speed_bps > 0 else None,
        tx_link_ratio=tx_bytes * 8 / speed_bps if speed_bps > 0 else None,
        rx_ring_slots=slots,
        rx_ring_ms=slots / rx * 1000 if slots and rx else None,
    )


_PER_SECOND = ("rx_bytes", "tx_bytes", "rx_packets", "tx_packets")


def _dropped(window: Window, nic: Nic, way: str) -> int:
    names: Iterable[str] = (f"{way}_dropped", "rx_missed_errors" if way == "rx" else "tx_errors")
    return device_up(window, nic, *names)
