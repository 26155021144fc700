"""Receive buffers of UDP sockets: datagrams that arrive while the reader pauses.

The kernel charges a datagram with more than its payload, and doubles what an application asks for with SO_RCVBUF.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from netaudit.capacity.figures import Inquiry
from netaudit.capacity.host import Host
from netaudit.capacity.rows import Limit, Need, Resource, row
from netaudit.capacity.words import number, per_second, seconds
from netaudit.model.capacity import Assessment, SettingChange, Uncertainty
from netaudit.model.reading import Absent, Maybe
from netaudit.model.workload import Load, LoadKind

RMEM_DEFAULT, RMEM_MAX = "net.core.rmem_default", "net.core.rmem_max"
# What a packet of that payload is charged: itself and the bookkeeping around it, by the allocator's sizes. Measured.
_TRUESIZE = ((197, 832), (645, 1280), (1472, 2304))
_FRAGMENT, _MERGED = 1480, 212  # bytes of a full fragment; a last one that is so small joins the one before
RESOURCE = Resource(
    id="udp-receive-buffer",
    title="Receive buffer of a UDP socket",
    layer="transport",
    unit="bytes",
    headroom=1.0,
    uncertainty=Uncertainty(1.0, 2.0, "drivers that receive into whole pages charge up to twice as much"),
    consequence="datagrams are dropped, and neither side is told",
    sources=(
        "man: socket(7) (SO_RCVBUF), udp(7)",
        "measured on Linux 6.18: 212992 bytes held 256 datagrams of 197 bytes, 166 of 645, 92 of 1472",
    ),
)


def assess(host: Host) -> Iterator[Assessment]:
    """A row for each load of datagrams."""
    for load in host.of_kind(LoadKind.UDP):
        inquiry = Inquiry(host.load)
        rate = load.packets_per_s.incoming
        if rate is None:
            inquiry.need("packets_in", load)
            rate = 0.0
        pause, size = inquiry.ask(load, "reader_pause_s"), inquiry.ask(load, "datagram_bytes")
        charged = truesize(size)
        need = rate * pause * charged / load.sockets
        share = f" / {number(load.sockets)} sockets" if load.sockets > 1 else ""
        formula = (
            f"{per_second(rate)} × {seconds(pause)}{share} = {number(rate * pause / load.sockets)} datagrams × "
            f"{number(charged)} bytes charged for {number(size)} of payload"
        )
        limit, evidence, used = buffer_of(load, host)
        wanted = math.ceil(need / 2)
        changes = [SettingChange(RMEM_MAX, str(wanted), str(host.text(RMEM_MAX)), note=f"and SO_RCVBUF = {wanted}")]
        yield row(
            RESOURCE, host, inquiry, [load], Need(need, formula), Limit(limit, evidence), subject=_subject(load),
            in_use=used, is_stock=False, changes=changes,
        )  # fmt: skip


def _subject(load: Load) -> str:
    return f"UDP port {', '.join(map(str, load.ports))}" if load.ports else load.name


def truesize(payload_bytes: float) -> int:
    """The bytes that a datagram of that payload takes of a buffer, where a driver copies it (veth, loopback).

    What does not fit into a packet of 1500 bytes arrives in fragments, each of which is charged.
    """
    if payload_bytes <= _TRUESIZE[-1][0]:
        return next(charged for most, charged in _TRUESIZE if payload_bytes <= most)
    full, rest = divmod(int(payload_bytes) + 8, _FRAGMENT)
    last = 0 if rest <= _MERGED else truesize(rest - 8)
    return full * _TRUESIZE[-1][1] + last


def buffer_of(load: Load, host: Host) -> tuple[Maybe[float], str, float | None]:
    """The buffer of the socket: the one that is open, else what the application asks for, else the default."""
    sockets = host.facts.sockets
    found = [] if isinstance(sockets, Absent) else [each for each in sockets.udp if each.port in load.ports]
    sizes = [(each.buffer_bytes, each) for each in found if each.buffer_bytes is not None]
    if sizes and RMEM_MAX not in host.load.what_if and RMEM_DEFAULT not in host.load.what_if:
        size, socket = min(sizes, key=lambda pair: pair[0])
        return float(size), f"ss -uanm: {socket.endpoint} rb {size}", float(socket.queue_bytes)
    if load.receive_buffer_bytes is not None:
        most = host.number(RMEM_MAX)
        if isinstance(most, Absent):
            return most, "", None
        granted = 2 * min(load.receive_buffer_bytes, most)
        asked = number(load.receive_buffer_bytes)
        return granted, f"twice the smaller of SO_RCVBUF {asked} and {RMEM_MAX} = {most}", None
    default = host.number(RMEM_DEFAULT)
    return default, f"{RMEM_DEFAULT} = {default}; no SO_RCVBUF is declared (receive_buffer)", None
