"""The figures of a workload: what each means, what people usually take for it, and which of them are missing.

Nothing is taken for granted: a figure that is not given is named in the row that lacks it. Where the workload allows
it, the usual value of a planning figure stands for it, and the row says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from netaudit.capacity.words import number, seconds, share
from netaudit.model.capacity import FigureNeed
from netaudit.model.workload import HostLoad, Load, Machine


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its key in a workload file, its meaning, and the usual value where there is one."""

    key: str
    meaning: str
    usual: float | None = None
    usual_text: str = ""


_MEAN_TO_BURST = 3.0

FIGURES = {
    "rate": Figure("new_connections", "new connections a second at the peak"),
    "burst": Figure("new_connections.burst", "new connections a second during a burst"),
    "concurrent": Figure("concurrent_connections", "connections open at the same time (or connection_lifetime)"),
    "rtt_median_s": Figure("rtt.median", "round trip to the peers, median"),
    "rtt_p99_s": Figure("rtt.p99", "round trip to the peers, 99th percentile"),
    "closes_first_ratio": Figure("closes_first", "share of connections that this host closes first"),
    "request_bytes": Figure("request", "bytes of a request"),
    "response_bytes": Figure("response", "bytes of a response"),
    "requests_per_connection": Figure("keep_alive", "requests on one connection; false is one"),
    "full_handshakes_ratio": Figure("tls", "share of connections with a full TLS handshake; false is no TLS"),
    "accept_pause_s": Figure("accept_pause", "longest pause of the accept loop to survive", 0.5, "500ms"),
    "unread_ratio": Figure("unread", "share of connections with unread data", 0.02, "2%"),
    "sending_ratio": Figure("sending", "share of connections that are sending a response", 0.05, "5%"),
    "slow_close_ratio": Figure("slow_close", "share of connections closed with data still unsent", 0.1, "10%"),
    "drain_s": Figure("drain", "time until the unsent data of a closed connection is gone", 2.0, "2s"),
    "processes": Figure("processes", "processes that share the connections"),
    "process": Figure("process", "name of the process that holds the connections"),
    "ports": Figure("port", "port of the listener"),
    "listen_backlog": Figure("listen_backlog", "what the application passes to listen()"),
    "destination": Figure("destination", "address and port of the destination"),
    "public_addresses": Figure("public_addresses", "public addresses of the source NAT"),
    "packets_in": Figure("packets.in", "packets a second that arrive"),
    "packets_out": Figure("packets.out", "packets a second that leave"),
    "bandwidth_in": Figure("bandwidth.in", "bits a second that arrive"),
    "bandwidth_out": Figure("bandwidth.out", "bits a second that leave"),
    "datagram_bytes": Figure("datagram", "bytes of payload in a datagram"),
    "new_flows_per_s": Figure("new_flows", "new pairs of addresses and ports a second"),
    "flow_lifetime_s": Figure("flow_lifetime", "time from the first to the last datagram of a flow"),
    "reader_pause_s": Figure("reader_pause", "longest pause of the reader to survive", 0.02, "20ms"),
    "interface": Figure("interface", "name of the interface that carries the load"),
    "softirq_pause_s": Figure(
        "softirq_pause", "longest delay before received packets are handled", None, "2ms bare metal, 10ms virtual"
    ),
    "queue_skew": Figure("queue_skew", "the busiest receive queue against the mean", 2.0, "2"),
    "packets_per_cpu": Figure("packets_per_cpu", "packets a second that one CPU can handle", 500_000.0, "500000/s"),
    "link_bps": Figure("link", "bandwidth of the link, or what the provider allows"),
    "packet_limit_per_s": Figure("packet_limit", "packets a second that the provider allows"),
    "neighbours": Figure("neighbours", "hosts of connected subnets, pods and tunnel ends that talk to this host"),
}


@dataclass(slots=True)
class Inquiry:
    """Asks for the figures of one resource, and remembers which of them are missing or were assumed.

    A missing figure is answered with 0, which nobody sees: a row with missing figures gives no number.
    """

    load: HostLoad
    is_virtual: bool = False
    missing: list[FigureNeed] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)

    def ask(self, load: Load, name: str) -> float:
        """A figure of a load."""
        value: float | None = getattr(load, name)
        return self._answer(name, load.name, value, FIGURES[name].usual)

    def machine(self, name: str) -> float:
        """A figure of the machine."""
        value: float | None = getattr(self.load.machine, name)
        usual = FIGURES[name].usual
        if name == "softirq_pause_s":
            usual = 0.010 if self.is_virtual else 0.002
        return self._answer(name, "", value, usual)

    def burst(self, load: Load) -> float:
        """New connections a second while it is busiest."""
        rate = load.new_connections
        if rate.burst is not None:
            return rate.burst
        usual = None if rate.mean is None else rate.mean * _MEAN_TO_BURST
        return self._answer("rate" if rate.mean is None else "burst", load.name, None, usual)

    def over(self, load: Load, hold_s: float) -> float:
        """How many connections begin within so many seconds, at most."""
        rate = load.new_connections
        burst = self.burst(load)
        if rate.burst_for_s is None or rate.mean is None or rate.burst_for_s >= hold_s:
            return burst * hold_s
        return burst * rate.burst_for_s + rate.mean * (hold_s - rate.burst_for_s)

    def concurrent(self, load: Load) -> float:
        """Connections at the same time: as declared, else those that begin in the lifetime of one."""
        if load.concurrent is None and load.lifetime_s is not None:
            return self.over(load, load.lifetime_s)
        return self.ask(load, "concurrent")

    def or_zero(self, load: Load, name: str, said: str) -> float:
        """A figure of rare events: taken as zero where it is not given, which is said."""
        value: float | None = getattr(load, name)
        if value is None:
            self._note(f"{said} not declared, taken as none")
            return 0.0
        return value

    def need(self, name: str, load: Load | None = None) -> None:
        """Note that a figure is missing."""
        figure = FIGURES[name]
        need = FigureNeed(figure.key, load.name if load else "", figure.meaning, figure.usual_text)
        if need not in self.missing:
            self.missing.append(need)

    def _answer(self, name: str, load: str, value: float | None, usual: float | None) -> float:
        if value is not None:
            return value
        figure = FIGURES[name]
        if usual is not None and self.load.assumes:
            self._note(f"{figure.key} not declared, {_shown(name, usual)} assumed")
            return usual
        need = FigureNeed(figure.key, load, figure.meaning, figure.usual_text)
        if need not in self.missing:
            self.missing.append(need)
        return 0.0

    def _note(self, text: str) -> None:
        if text not in self.assumed:
            self.assumed.append(text)


def _shown(name: str, value: float) -> str:
    if name.endswith("_s") and not name.endswith("per_s"):
        return seconds(value)
    return share(value) if name.endswith("_ratio") else number(value)


def names_of(loads: Iterable[Load]) -> tuple[str, ...]:
    """The names of the loads, each once."""
    return tuple(dict.fromkeys(load.name for load in loads))


def machine_of(machines: Iterable[Machine]) -> Machine:
    """The figures of several entries as one: the later one counts."""
    found = Machine()
    for machine in machines:
        found = machine.over(found)
    return found
