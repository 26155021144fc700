"""The largest buffers of one connection against its bandwidth-delay product.

A connection carries at most a window a round trip, and a window is between a half and two thirds of the buffer: the
rest is overhead. Nothing is lost when it is too small: the connection is slower than was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from netaudit.capacity.figures import Inquiry
from netaudit.capacity.host import Host
from netaudit.capacity.rows import Limit, Need, Resource, ceil_pow2, row
from netaudit.capacity.words import bits, seconds
from netaudit.model.capacity import Assessment, SettingChange, Uncertainty
from netaudit.model.reading import Absent
from netaudit.model.workload import Load
from netaudit.units import format_bytes

RMEM, WMEM = "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"
WINDOW_SHARE = 0.5  # of the buffer at the start; the kernel takes what it sees of each segment
_UNCERTAINTY = Uncertainty(0.8, 1.25, "how much of the buffer is overhead depends on the size of segments")
_SOURCES = (
    "kernel: Documentation/networking/ip-sysctl.rst (tcp_rmem, tcp_wmem, tcp_adv_win_scale)",
    "kernel source: net/ipv4/tcp_input.c (tcp_rcv_space_adjust, tcp_sndbuf_expand)",
    "measured on Linux 6.18: a window of 16.7 MB in a receive buffer of 26.4 MB",
)
RECEIVE = Resource(
    "receive-buffer", "Receive buffer of one connection", "transport", "bytes", 1.0, _UNCERTAINTY,
    "one connection does not reach the bandwidth that is declared", _SOURCES,
)  # fmt: skip
SEND = Resource(
    "send-buffer", "Send buffer of one connection", "transport", "bytes", 1.0, _UNCERTAINTY,
    "one connection does not reach the bandwidth that is declared", _SOURCES,
)  # fmt: skip


def assess(host: Host) -> Iterator[Assessment]:
    """A row for each load and direction with a bandwidth that one connection must reach."""
    for load in host.load.loads:
        if load.is_tcp and load.flow_bps.incoming is not None:
            yield _row(RECEIVE, RMEM, host, load, load.flow_bps.incoming)
        if load.is_tcp and load.flow_bps.outgoing is not None:
            yield _row(SEND, WMEM, host, load, load.flow_bps.outgoing)


def _row(resource: Resource, name: str, host: Host, load: Load, flow_bps: float) -> Assessment:
    inquiry = Inquiry(host.load)
    rtt = inquiry.ask(load, "rtt_median_s")
    product = flow_bps * rtt / 8
    needed = product / WINDOW_SHARE
    formula = (
        f"{bits(flow_bps)} × {seconds(rtt)} / 8 = {format_bytes(product)} in flight; / {WINDOW_SHARE:g} for overhead = "
        f"{format_bytes(needed)}"
    )
    triple = host.numbers(name, least=3)
    remark, limit = "", Limit(triple) if isinstance(triple, Absent) else Limit(float(triple[2]))
    if not isinstance(triple, Absent):
        limit = Limit(float(triple[2]), f"{name} = {' '.join(map(str, triple))}")
        if rtt:
            remark = f"it gets about {bits(reachable_bps(triple[2], rtt))}"
    low, middle = (4096, 131072) if isinstance(triple, Absent) else (triple[0], triple[1])
    now = "" if isinstance(triple, Absent) else " ".join(map(str, triple))
    return row(
        resource, host, inquiry, [load], Need(0.0, formula, needed), limit, subject=load.name, is_stock=False,
        remark=remark, changes=[SettingChange(name, f"{low} {middle} {ceil_pow2(needed)}", now)],
    )  # fmt: skip


def reachable_bps(buffer_bytes: float, rtt_s: float) -> float:
    """The bandwidth that one connection of such a buffer reaches over such a round trip."""
    return buffer_bytes * WINDOW_SHARE * 8 / rtt_s
