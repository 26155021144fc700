"""A load that hosts are to carry, as its author declares it. None means that a figure was not given, never zero.

Figures are those of one host at its peak. Sizes are bytes, times seconds, rates a second, shares run from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType


class LoadKind(StrEnum):
    """Which way the connections of a load go, as its host sees them."""

    INBOUND = "inbound"  # clients connect to a listener of this host
    OUTBOUND = "outbound"  # this host connects to one destination
    FORWARDED = "forwarded"  # the host passes on what others connect, with NAT or without
    UDP = "udp"  # datagrams that a socket of this host receives
    TRAFFIC = "traffic"  # packets and bytes alone


class Present(StrEnum):
    """What the declared load says of what hosts do now."""

    INCLUDED = "included"  # it is part of the declared load
    ADDITIONAL = "additional"  # the declared load comes on top of it


@dataclass(frozen=True, slots=True)
class Rate:
    """Events a second: on average over minutes, and during a burst. ``burst_for_s`` is how long a burst lasts."""

    mean: float | None = None
    burst: float | None = None
    burst_for_s: float | None = None

    def times(self, factor: float) -> Rate:
        """The rate, so many times as high; a burst lasts as long as before."""
        return replace(self, mean=_times(self.mean, factor), burst=_times(self.burst, factor))


@dataclass(frozen=True, slots=True)
class Ways:
    """One figure for each direction, seen from the host."""

    incoming: float | None = None
    outgoing: float | None = None

    def times(self, factor: float) -> Ways:
        """Both, so many times as high."""
        return Ways(_times(self.incoming, factor), _times(self.outgoing, factor))


@dataclass(frozen=True, slots=True)
class Load:
    """One load on each host that the pattern ``hosts`` names."""

    name: str
    hosts: str
    kind: LoadKind
    is_total: bool = False  # the figures are of all these hosts together

    # Connections.
    new_connections: Rate = Rate()
    concurrent: float | None = None
    lifetime_s: float | None = None  # of one connection; stands for ``concurrent`` where that is not given
    closes_first_ratio: float | None = None  # share of connections that this host closes first
    reset_ratio: float | None = None  # share that ends with a reset
    slow_close_ratio: float | None = None  # share that is closed while data is still unsent
    drain_s: float | None = None  # until that data is sent
    unanswered_syn_per_s: float | None = None
    silently_lost_per_s: float | None = None  # connections whose peer vanishes without a word
    is_tracked: bool | None = None  # by connection tracking; None: as the host's rules say
    has_nat: bool = False

    # The way to the peer, and what is exchanged.
    rtt_median_s: float | None = None
    rtt_p99_s: float | None = None
    loss_ratio: float | None = None
    request_bytes: float | None = None
    response_bytes: float | None = None
    requests_per_connection: float | None = None  # keep-alive: 1 is none
    full_handshakes_ratio: float | None = None  # of TLS; 0 is no TLS, None not said
    flow_bps: Ways = Ways()  # that one connection must reach
    unread_ratio: float | None = None  # share of connections with unread data
    sending_ratio: float | None = None  # share of connections that are sending a response
    memory_per_connection_bytes: float | None = None  # of the application

    # Inbound.
    ports: tuple[int, ...] = ()
    accept_pause_s: float | None = None
    listen_backlog: float | None = None  # what the application passes to listen()
    process: str = ""
    processes: float | None = None  # that share the connections

    # Outbound and forwarded.
    destination: str = ""  # address:port, or any name
    destination_tuples: float = 1.0  # remote (address, port) pairs that share the load
    local_addresses: float = 1.0
    binds_first: bool = False  # the program calls bind() with port 0 before connect()
    public_addresses: float | None = None  # of source NAT

    # UDP and plain traffic.
    packets_per_s: Ways = Ways()
    bandwidth_bps: Ways = Ways()
    datagram_bytes: float | None = None
    new_flows_per_s: float | None = None
    flow_lifetime_s: float | None = None
    reader_pause_s: float | None = None
    receive_buffer_bytes: float | None = None  # what the application asks for with SO_RCVBUF
    sockets: float = 1.0  # that share the datagrams
    interface: str = ""

    @property
    def is_tcp(self) -> bool:
        """Whether sockets of this host hold its connections."""
        return self.kind in {LoadKind.INBOUND, LoadKind.OUTBOUND}

    def times(self, factor: float) -> Load:
        """So many times as much of the same: rates and numbers grow, sizes, times and shares do not."""
        return replace(
            self,
            new_connections=self.new_connections.times(factor),
            concurrent=_times(self.concurrent, factor),
            unanswered_syn_per_s=_times(self.unanswered_syn_per_s, factor),
            silently_lost_per_s=_times(self.silently_lost_per_s, factor),
            packets_per_s=self.packets_per_s.times(factor),
            bandwidth_bps=self.bandwidth_bps.times(factor),
            new_flows_per_s=_times(self.new_flows_per_s, factor),
        )


@dataclass(frozen=True, slots=True)
class Machine:
    """What is known of hosts and their network that the hosts themselves do not tell."""

    hosts: str = "all"
    link_bps: float | None = None
    packet_limit_per_s: float | None = None
    softirq_pause_s: float | None = None
    queue_skew: float | None = None  # the busiest queue against the mean of all
    packets_per_cpu: float | None = None
    neighbours: float | None = None

    def over(self, other: Machine) -> Machine:
        """These figures, and those of ``other`` where there are none."""
        names = [name for name in Machine.__slots__ if name != "hosts"]
        own = {name: getattr(self, name) for name in names}
        return replace(self, **{name: getattr(other, name) for name in names if own[name] is None})


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload file. ``assumes`` says that usual values may stand for planning figures that are not given."""

    name: str
    title: str
    loads: tuple[Load, ...]
    machines: tuple[Machine, ...] = ()
    present: Present = Present.INCLUDED
    assumes: bool = False
    file: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class HostLoad:
    """What one host is to carry, and under which settings. ``what_if`` holds settings that are tried out."""

    loads: tuple[Load, ...]
    machine: Machine = Machine()
    present: Present = Present.INCLUDED
    assumes: bool = False
    what_if: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
