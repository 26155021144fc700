"""The accept queue: connections that arrive while the application does not call accept().

It holds one connection more than the backlog. Sockets of one port (SO_REUSEPORT) each have a queue of their own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from netaudit.capacity import backlog
from netaudit.capacity.figures import Inquiry
from netaudit.capacity.host import Host
from netaudit.capacity.rows import Limit, Need, Resource, row, unknown
from netaudit.capacity.words import number, per_second, seconds
from netaudit.model.capacity import Assessment, Uncertainty
from netaudit.model.reading import Absent
from netaudit.model.workload import LoadKind

RESOURCE = Resource(
    id="accept-queue",
    title="Accept queue",
    layer="listener",
    unit="connections",
    headroom=1.5,
    uncertainty=Uncertainty(0.5, 1.5, "the longest pause of the accept loop decides; measure it"),
    consequence="handshakes are dropped, and clients wait 1, 3 or 7 seconds",
    sources=(
        "kernel source: net/ipv4/tcp_input.c (tcp_conn_request)",
        "kernel: Documentation/networking/ip-sysctl.rst (somaxconn)",
        "measured on Linux 6.18: a backlog of 4 held 5 connections",
    ),
)


def assess(host: Host) -> Iterator[Assessment]:
    """A row for each listener that inbound loads come to."""
    for load in host.of_kind(LoadKind.INBOUND):
        if not load.ports:
            inquiry = Inquiry(host.load)
            inquiry.need("ports", load)
            yield row(RESOURCE, host, inquiry, [load], Need(0, ""), Limit(0.0))
    for door in backlog.doors(host):
        if isinstance(door, Absent):
            yield unknown(RESOURCE, f"listeners could not be read: {door}")
            continue
        inquiry = Inquiry(host.load)
        held, evidence = backlog.backlog_of(door, host, inquiry)
        need = needed(door, inquiry)
        yield row(
            RESOURCE, host, inquiry, door.loads, need,
            Limit(held if isinstance(held, Absent) else held + 1, evidence),
            subject=door.subject,
            in_use=float(door.listener.queue) if door.listener else None,
            is_stock=False,
            changes=backlog.changes(door, host, need.total * RESOURCE.headroom),
        )  # fmt: skip


def needed(door: backlog.Door, inquiry: Inquiry) -> Need:
    """The connections that arrive during the longest pause."""
    parts = []
    total = 0.0
    for load in door.loads:
        rate, pause = inquiry.burst(load), inquiry.ask(load, "accept_pause_s")
        total += rate * pause * door.share
        parts.append(f"{per_second(rate)} × {seconds(pause)}{door.share_text}")
    return Need(total, f"{' + '.join(parts)} = {number(math.ceil(total))} connections wait during the pause")
