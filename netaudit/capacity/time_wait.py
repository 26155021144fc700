"""TIME-WAIT sockets against tcp_max_tw_buckets.

The minute is a constant: tcp_fin_timeout does not shorten it, and tcp_tw_reuse frees ports of the side that connects,
not sockets of the side that listens.
"""

from __future__ import annotations

from collections.abc import Iterator

from netaudit.capacity.figures import Inquiry
from netaudit.capacity.host import Host
from netaudit.capacity.population import time_wait
from netaudit.capacity.rows import Limit, Need, Resource, ceil_pow2, row, summed
from netaudit.model.capacity import Assessment, SettingChange, Uncertainty
from netaudit.model.workload import LoadKind

MAX_TW_BUCKETS = "net.ipv4.tcp_max_tw_buckets"
RESOURCE = Resource(
    id="time-wait",
    title="TIME-WAIT sockets",
    layer="transport",
    unit="sockets",
    headroom=1.25,
    uncertainty=Uncertainty(0.8, 1.2, "who closes first, and how evenly connections come"),
    consequence="connections are destroyed without TIME-WAIT, and what still arrives of them is answered with a reset",
    sources=(
        "kernel source: include/net/tcp.h (TCP_TIMEWAIT_LEN), net/ipv4/inet_timewait_sock.c",
        "measured on Linux 6.18: 300 of 300 connections beyond the limit were answered with a reset",
    ),
)


def assess(host: Host) -> Iterator[Assessment]:
    """One row: the limit counts all sockets of the network namespace."""
    loads = host.of_kind(LoadKind.INBOUND, LoadKind.OUTBOUND)
    if not loads:
        return
    inquiry = Inquiry(host.load)
    parts = [time_wait(load, inquiry) for load in loads]
    total = sum(value for _, value in parts)
    limit = host.number(MAX_TW_BUCKETS)
    yield row(
        RESOURCE, host, inquiry, loads,
        Need(total, summed(parts, RESOURCE.unit)),
        Limit(limit, f"{MAX_TW_BUCKETS} = {limit}"),
        in_use=host.counted("TCP.tw"),
        changes=[SettingChange(MAX_TW_BUCKETS, str(ceil_pow2(total * RESOURCE.headroom)), str(limit))],
    )  # fmt: skip
