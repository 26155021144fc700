"""What the kernel's own tracepoints said for some seconds: packets dropped, TCP events, driver against stack.

Tracepoints are of the whole machine. Where the kernel describes its types, drops are told by network namespace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Means(StrEnum):
    """How drops were counted."""

    BPFTRACE = "bpftrace"
    TRACEFS = "tracefs"
    NONE = "none"


class Scope(StrEnum):
    """Whose packets an event may be about."""

    NAMESPACE = "namespace"  # of the host that was asked, and of nobody else
    MACHINE = "machine"  # of any network namespace of the machine


@dataclass(frozen=True, slots=True)
class Drop:
    """Packets that were freed for one reason at one place."""

    reason: str  # "SOCKET_RCVBUFF", by the host's own kernel; empty where it gives no reasons
    place: str  # the function that freed them
    protocol: int  # of Ethernet, 0 where it was not known any more
    packets: int
    scope: Scope


@dataclass(frozen=True, slots=True)
class TcpEvent:
    """How often one of TCP's tracepoints fired for one peer, port and state."""

    event: str  # "tcp_retransmit_skb"
    count: int
    details: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DevicePath:
    """One interface for about a second, from what its driver counted and what the stack took from it or gave it."""

    device: str
    event: str  # "netif_receive_skb" or "net_dev_queue"
    driver_packets: int
    driver_bytes: int
    driver_dropped: int
    stack_packets: int
    stack_bytes: int
    is_estimate: bool  # more passed than was looked at: shares of a sample


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything one trace said. Counts of drops are exact where ``unseen_drops`` is 0."""

    means: Means
    seconds: float
    started_uptime_s: float
    clock_offset_s: float  # time of day less seconds since boot
    drops: tuple[Drop, ...] = ()
    elsewhere: Mapping[str, int] = field(default_factory=dict)  # reason -> packets of other namespaces
    tcp: tuple[TcpEvent, ...] = ()
    series: Mapping[tuple[int, str, str], int] = field(default_factory=dict)  # time of day, event, tag -> count
    paths: tuple[DevicePath, ...] = ()
    unseen_drops: int = 0  # happened, and were overwritten before they could be read
    unseen_events: int = 0  # the same of TCP
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TracedReason:
    """One drop reason in words, with the causes it speaks for."""

    reason: str
    meaning: str
    packets: int
    places: tuple[tuple[str, int], ...]  # function and packets, the busiest first
    scope: Scope
    is_loss: bool  # false: freed in the ordinary course of things
    causes: tuple[str, ...]  # ids of causes


@dataclass(frozen=True, slots=True)
class TracedTcp:
    """One kind of TCP event with its commonest details."""

    event: str  # "retransmit"
    count: int
    told: tuple[tuple[str, int], ...]  # "to 192.0.2.1 port 443 in ESTABLISHED" and how often


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of the IP packets of a host in the whole window, by the protocols they were delivered to."""

    received: int
    delivered: int
    by_protocol: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class HostTrace:
    """What a trace says of one host. ``absent`` says why there is none; then all else is empty."""

    absent: str = ""
    means: Means = Means.NONE
    seconds: float = 0.0
    reasons: tuple[TracedReason, ...] = ()
    elsewhere: Mapping[str, int] = field(default_factory=dict)
    tcp: tuple[TracedTcp, ...] = ()
    paths: tuple[DevicePath, ...] = ()
    delivery: Delivery | None = None
    unseen_drops: int = 0
    unseen_events: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What an opt-in probe counted."""

    counts: tuple[tuple[str, int], ...]  # what, and how often; the most first
    seconds: Mapping[int, int]  # time of day -> calls in the second before it
    moments_s: tuple[float, ...]  # of the first calls: seconds since boot


@dataclass(frozen=True, slots=True)
class ProbeSeen:
    """The answer of one opt-in probe. ``absent`` says why there is none."""

    name: str
    absent: str = ""
    counts: tuple[tuple[str, int], ...] = ()
    calls: int = 0
    first_calls_s: tuple[float, ...] = ()  # time of day
    seconds: Mapping[int, int] = field(default_factory=dict)
