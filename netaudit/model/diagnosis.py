"""What a diagnosis says of hosts: causes of loss with their evidence, who talks, what is stuck, how full links are.

Values are finished: rates are per second of the host's own clock, and text may hold what a host sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from netaudit.model.pcap import HostHeaders
from netaudit.model.probe import HostError
from netaudit.model.result import HostStatus, Severity
from netaudit.model.timeline import HostTimeline
from netaudit.model.trace import HostTrace, ProbeSeen


class Layer(StrEnum):
    """Where loss happens, in the order in which a report tells it: from the application to the link."""

    APPLICATION = "application"
    LISTENER = "listener"
    TRANSPORT = "transport"
    CONNTRACK = "conntrack"
    IP = "ip"
    PATH = "path"
    QDISC = "qdisc"
    NIC = "nic"
    LINK = "link"

    @property
    def depth(self) -> int:
        """0 for the application, growing towards the link."""
        return _DEPTHS[self]


_DEPTHS = {layer: place for place, layer in enumerate(Layer)}


class Confidence(StrEnum):
    """How sure a cause is. Compare with ``rank``."""

    CERTAIN = "certain"  # a counter that means this and nothing else moved, or the state itself was seen
    LIKELY = "likely"  # what moved has other explanations, and those were ruled out as far as counters go
    POSSIBLE = "possible"  # it fits, and so does something else

    @property
    def rank(self) -> int:
        """2 for certain down to 0."""
        return 2 - _PLACES[self]


_PLACES = {confidence: place for place, confidence in enumerate(Confidence)}


@dataclass(frozen=True, slots=True)
class Change:
    """What one counter did in the window. ``series`` holds its growth between one sample and the next."""

    name: str
    growth: int
    rate_per_s: float
    series: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} +{self.growth:,} ({self.rate_per_s:.3g}/s)"


@dataclass(frozen=True, slots=True)
class RuledOut:
    """A neighbouring cause, and the fact that speaks against it."""

    cause: str  # its id
    title: str
    fact: str


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause that the counters of a host implicate."""

    id: str  # "accept-queue-full"
    code: str  # "D01": where it stands in the catalogue
    title: str
    layer: Layer
    severity: Severity  # of the cause, lowered where it is only possible
    confidence: Confidence
    summary: str  # one line: what happened here
    changes: tuple[Change, ...]  # the growth that implicates it
    evidence: tuple[str, ...]  # what else was seen that agrees
    ruled_out: tuple[RuledOut, ...]
    subjects: tuple[str, ...]  # processes, sockets, interfaces, peers or rules it is about
    fix: str
    checks: tuple[str, ...]  # ids of checks of the settings behind it
    remediation: str | None  # how those are put right: a kind of the checks' vocabulary
    look: tuple[str, ...]  # what else to look at
    explains: tuple[str, ...] = ()  # other causes that would have been named, and follow from this one

    @property
    def order(self) -> tuple[int, int, str]:
        """By confidence, then from the application to the link."""
        return -self.confidence.rank, self.layer.depth, self.code


@dataclass(frozen=True, slots=True)
class Unseen:
    """A cause that could not be looked for, and why. It is not absent: it is not observable."""

    cause: str
    title: str
    layer: Layer
    reason: str


@dataclass(frozen=True, slots=True)
class Talker:
    """The TCP traffic of one process with one peer at one service, in the window."""

    process: str  # "nginx (pid 812)", or empty when it could not be seen
    peer: str
    port: int
    connections: int
    sent_bps: float  # bits per second of payload
    received_bps: float
    retransmitted: int
    is_lower_bound: bool = False  # connections were closed in between, or not all were told


@dataclass(frozen=True, slots=True)
class StuckQueue:
    """A queue that was not empty in any sample. ``kind`` is accept, receive or send."""

    kind: str
    endpoint: str
    peer: str  # empty of a listener
    holder: str
    first: int  # connections of an accept queue, else bytes
    last: int
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class InterfaceLoad:
    """One interface in the window. Ratios run from 0 to 1; None where the capacity is not known."""

    name: str
    rx_bps: float
    tx_bps: float
    rx_pps: float
    tx_pps: float
    rx_dropped: int
    tx_dropped: int
    rx_link_ratio: float | None
    tx_link_ratio: float | None
    rx_ring_slots: int | None
    rx_ring_ms: float | None  # how long the ring lasts at this rate when nobody empties it


@dataclass(frozen=True, slots=True)
class HostDiagnosis:
    """Everything a diagnosis says of one host. ``window_s`` is 0 where there were no two samples to compare."""

    name: str
    address: str
    status: HostStatus
    error: HostError | None
    duration_s: float
    window_s: float = 0.0
    samples: int = 0
    causes: tuple[Cause, ...] = ()  # the likeliest first
    unseen: tuple[Unseen, ...] = ()
    examined: Mapping[str, str] = field(default_factory=dict)  # id -> title of all causes that were looked for
    talkers: tuple[Talker, ...] = ()
    stuck: tuple[StuckQueue, ...] = ()
    interfaces: tuple[InterfaceLoad, ...] = ()
    notes: tuple[str, ...] = ()  # what was odd in the samples: a reset, a jump of the clock, a lost one
    trace: HostTrace | None = None  # None: none was asked for
    timeline: HostTimeline | None = None  # as above
    headers: HostHeaders | None = None  # as above
    seen: tuple[ProbeSeen, ...] = ()  # of opt-in probes
