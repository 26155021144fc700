"""Local ports of outgoing connections: one range for each pair of local address and remote address and port.

Programs that call bind() with port 0 before connect() draw from one pool for all destinations. Connections that a
host accepts take no port of the range. No counter of the kernel moves when it is used up: connect() fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from netaudit.capacity.figures import Inquiry
from netaudit.capacity.host import Host
from netaudit.capacity.population import TIME_WAIT_S, closed, graceful, open_now
from netaudit.capacity.rows import Limit, Need, Resource, row, summed
from netaudit.capacity.words import number, seconds
from netaudit.model.capacity import Assessment, SettingChange, Uncertainty
from netaudit.model.facts import Sockets
from netaudit.model.reading import Absent, AbsentReason, Maybe
from netaudit.model.workload import Load, LoadKind

RANGE, RESERVED = "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports"
TW_REUSE, TIMESTAMPS, REUSE_DELAY = "net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_timestamps", "net.ipv4.tcp_tw_reuse_delay"
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_LISTED = 50  # so many destinations are told by a host
_WIDEST = 10240, 65535
RESOURCE = Resource(
    id="ephemeral-ports",
    title="Local ports for outgoing connections",
    layer="transport",
    unit="ports",
    headroom=1.5,
    uncertainty=Uncertainty(0.5, 1.5, "connections a second to one destination: retries, and uneven balancing"),
    consequence="connect() fails with EADDRNOTAVAIL, and no counter of the kernel moves",
    sources=(
        "kernel source: net/ipv4/inet_hashtables.c (__inet_hash_connect)",
        "kernel: Documentation/networking/ip-sysctl.rst (ip_local_port_range, tcp_tw_reuse)",
        "measured on Linux 6.18: a range of 100 ports gave 100 connections to each of two remote ports",
    ),
)


def assess(host: Host) -> Iterator[Assessment]:
    """A row for each destination, and one for the programs that bind first."""
    outbound = host.of_kind(LoadKind.OUTBOUND)
    pooled = [load for load in outbound if load.binds_first]
    if pooled:
        yield _row(host, pooled, "all destinations of programs that bind() first", tuples=1.0)
    singly = [load for load in outbound if not load.binds_first]
    for destination in dict.fromkeys(load.destination or load.name for load in singly):
        loads = [load for load in singly if (load.destination or load.name) == destination]
        yield _row(host, loads, destination, tuples=min(load.destination_tuples for load in loads))


def _row(host: Host, loads: Sequence[Load], subject: str, *, tuples: float) -> Assessment:
    inquiry = Inquiry(host.load)
    parts = [part for load in loads for part in (open_now(load, inquiry), held(load, host, inquiry))]
    total = sum(value for _, value in parts)
    ports = usable(host)
    addresses = min(load.local_addresses for load in loads)
    limit = ports if isinstance(ports, Absent) else ports * addresses * tuples
    evidence = f"{RANGE} = {_said(host.text(RANGE))}, {RESERVED} = {_said(host.text(RESERVED)) or 'none'}"
    if addresses * tuples > 1:
        evidence += f"; {number(ports) if not isinstance(ports, Absent) else '?'} ports × {number(addresses)} local "
        evidence += f"addresses × {number(tuples)} destinations"
    return row(
        RESOURCE, host, inquiry, loads, Need(total, summed(parts, RESOURCE.unit)), Limit(limit, evidence),
        subject=subject, in_use=_in_use(host, subject), changes=_changes(host, total, limit),
    )  # fmt: skip


def held(load: Load, host: Host, inquiry: Inquiry) -> tuple[str, float]:
    """Ports of closed connections that cannot be used again yet: only the side that closes first keeps them."""
    first = inquiry.ask(load, "closes_first_ratio")
    hold = hold_s(host, load.destination)
    return closed(load, inquiry, first * graceful(load, inquiry), hold, f"held for {seconds(hold)} after closing")


def hold_s(host: Host, destination: str = "") -> float:
    """How long a port stays taken after its connection was closed here."""
    reuse, stamps = host.number(TW_REUSE), host.number(TIMESTAMPS)
    is_local = destination.startswith(("127.", "[::1]", "localhost"))
    if (reuse == 1 or (reuse == 2 and is_local)) and stamps != 0:
        delay = host.number(REUSE_DELAY)
        return (1.0 if isinstance(delay, Absent) else delay / 1000) + 0.5
    return TIME_WAIT_S


def usable(host: Host) -> Maybe[float]:
    """Ports of the range, those that are reserved not counted."""
    span = host.numbers(RANGE, least=2)
    if isinstance(span, Absent):
        return span
    low, high = span[0], span[1]
    reserved = host.text(RESERVED)
    if isinstance(reserved, Absent):
        return reserved
    return float(max(0, high - low + 1 - _reserved_inside(reserved, low, high)))


def _reserved_inside(text: str, low: int, high: int) -> int:
    """How many ports of a list such as ``8080-8082,9000`` lie in the range."""
    inside = 0
    for part in text.replace(" ", ",").split(","):
        first, _, last = part.partition("-")
        if _PORT.fullmatch(first) and _PORT.fullmatch(last or first):
            inside += max(0, min(high, int(last or first)) - max(low, int(first)) + 1)
    return inside


def _said(text: Maybe[str]) -> str:
    return str(text)


def _in_use(host: Host, subject: str) -> Maybe[float] | None:
    sockets = host.facts.sockets
    if isinstance(sockets, Absent):
        return sockets
    counts = [each.count for each in sockets.busiest_destinations if each.peer == subject]
    if counts:
        return float(max(counts))
    return _unseen(sockets, subject)


def _unseen(sockets: Sockets, subject: str) -> Maybe[float] | None:
    """Of a destination that is not among the busiest: none, unless the list was cut or it has no address."""
    host, _, port = subject.rpartition(":")
    if not _PORT.fullmatch(port) or not host.strip("[]").replace(".", "").replace(":", "").isalnum():
        return None
    if sockets.truncated or len(sockets.busiest_destinations) >= _LISTED:
        return Absent(AbsentReason.NOT_FINISHED, "only the busiest destinations are told")
    return 0.0


def _changes(host: Host, total: float, limit: Maybe[float]) -> Sequence[SettingChange]:
    """Reuse first, then a wider range; neither helps where even that is too small, which the note says."""
    if isinstance(limit, Absent):
        return ()
    found = []
    reuse = host.number(TW_REUSE)
    if reuse != 1:
        found.append(SettingChange(TW_REUSE, "1", str(reuse), note="needs tcp_timestamps=1; pooling is better still"))
    span = host.numbers(RANGE, least=2)
    if not isinstance(span, Absent) and (span[0] > _WIDEST[0] or span[1] < _WIDEST[1]):
        note = "first reserve the ports that services listen on (ip_local_reserved_ports)"
        if total * RESOURCE.headroom > _WIDEST[1] - _WIDEST[0] + 1:
            note = "not enough by itself: use connections again, or more destinations or local addresses"
        wide = f"{min(span[0], _WIDEST[0])} {_WIDEST[1]}"
        found.append(SettingChange(RANGE, wide, " ".join(map(str, span)), note=note))
    return found
