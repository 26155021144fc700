"""Packets and bytes on the wire that a load brings to an interface."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from netaudit.capacity.figures import Inquiry
from netaudit.capacity.host import Host
from netaudit.model.facts import Nic
from netaudit.model.workload import Load, LoadKind

_IP_TCP_BYTES = 52  # IPv4 20, TCP 32 with timestamps
_IP_UDP_BYTES = 28
_ETHERNET_BYTES = 14
FRAMING_BYTES = 24  # preamble, check sequence and gap
_TLS_SERVER_BYTES, _TLS_CLIENT_BYTES = 5000, 1500  # of a full handshake
_HANDSHAKE_AND_CLOSE = 4  # packets each way
_LEAST_SEGMENT = 48  # bytes: tcp_min_snd_mss
DEFAULT_MTU = 1500


@dataclass(frozen=True, slots=True)
class Traffic:
    """One direction: packets and bits a second on the wire."""

    packets: float
    wire_bps: float

    def plus(self, other: Traffic) -> Traffic:
        """Both."""
        return Traffic(self.packets + other.packets, self.wire_bps + other.wire_bps)


@dataclass(frozen=True, slots=True)
class Both:
    """Traffic in both directions, seen from the host."""

    incoming: Traffic
    outgoing: Traffic


@dataclass(frozen=True, slots=True)
class Flow:
    """The loads of one interface. ``nic`` None: there is no such interface, or several could be meant."""

    name: str
    nic: Nic | None
    loads: tuple[Load, ...]


def flows(host: Host) -> Iterator[Flow]:
    """The loads by the interface that carries them."""
    for name in sorted({load.interface for load in host.load.loads}):
        loads = tuple(load for load in host.load.loads if load.interface == name)
        nic = host.nic(name)
        yield Flow(nic.name if nic else name, nic, loads)


def traffic_of(flow: Flow, inquiry: Inquiry) -> Both:
    """What all loads of an interface bring together while they are busiest."""
    mtu = flow.nic.mtu if flow.nic else DEFAULT_MTU
    each = [_load(load, mtu, inquiry) for load in flow.loads]
    nothing = Traffic(0.0, 0.0)
    incoming, outgoing = nothing, nothing
    for both in each:
        incoming, outgoing = incoming.plus(both.incoming), outgoing.plus(both.outgoing)
    return Both(incoming, outgoing)


def packets_in(loads: Sequence[Load], mtu: int, inquiry: Inquiry) -> float:
    """Packets a second that arrive."""
    return sum(_load(load, mtu, inquiry).incoming.packets for load in loads)


def _load(load: Load, mtu: int, inquiry: Inquiry) -> Both:
    match load.kind:
        case LoadKind.UDP:
            return _datagrams(load, inquiry)
        case LoadKind.TRAFFIC:
            return _declared(load, inquiry)
        case _:
            return _connections(load, mtu, inquiry)


def _connections(load: Load, mtu: int, inquiry: Inquiry) -> Both:
    """As computed from connections, unless packets and bandwidth are declared."""
    declared = (load.packets_per_s.incoming, load.packets_per_s.outgoing)
    bandwidth = (load.bandwidth_bps.incoming, load.bandwidth_bps.outgoing)
    if None not in declared + bandwidth:
        return _declared(load, inquiry)
    rate = inquiry.burst(load)
    requests = inquiry.ask(load, "requests_per_connection")
    asked, answered = inquiry.ask(load, "request_bytes"), inquiry.ask(load, "response_bytes")
    full = inquiry.ask(load, "full_handshakes_ratio")
    client = _one_way(rate, requests, asked, answered, full * _TLS_CLIENT_BYTES, mtu)
    server = _one_way(rate, requests, answered, 0.0, full * _TLS_SERVER_BYTES, mtu)
    if load.kind is LoadKind.FORWARDED:
        both = client.plus(server)
        return Both(both, both)
    return Both(client, server) if load.kind is LoadKind.INBOUND else Both(server, client)


def _one_way(rate: float, requests: float, sent: float, acknowledged: float, handshake: float, mtu: int) -> Traffic:
    """Traffic of one side: its own messages, an acknowledgement for every other segment of the peer, and the frame."""
    segment = max(_LEAST_SEGMENT, mtu - _IP_TCP_BYTES)
    packets = requests * (math.ceil(sent / segment) + math.ceil(acknowledged / segment) / 2)
    packets += math.ceil(handshake / segment) + _HANDSHAKE_AND_CLOSE
    overhead = _IP_TCP_BYTES + _ETHERNET_BYTES + FRAMING_BYTES
    octets = requests * sent + handshake + packets * overhead
    return Traffic(rate * packets, rate * octets * 8)


def _datagrams(load: Load, inquiry: Inquiry) -> Both:
    size = inquiry.ask(load, "datagram_bytes") + _IP_UDP_BYTES + _ETHERNET_BYTES + FRAMING_BYTES
    ways = []
    for name, packets in (("packets_in", load.packets_per_s.incoming), ("packets_out", load.packets_per_s.outgoing)):
        if packets is None and name == "packets_in":
            inquiry.need(name, load)
        count = packets or 0.0
        ways.append(Traffic(count, count * size * 8))
    return Both(*ways)


def _declared(load: Load, inquiry: Inquiry) -> Both:
    ways = []
    for way in ("in", "out"):
        field = "incoming" if way == "in" else "outgoing"
        packets, bandwidth = getattr(load.packets_per_s, field), getattr(load.bandwidth_bps, field)
        if packets is None:
            inquiry.need(f"packets_{way}", load)
        if bandwidth is None:
            inquiry.need(f"bandwidth_{way}", load)
        ways.append(Traffic(packets or 0.0, bandwidth or 0.0))
    return Both(*ways)
