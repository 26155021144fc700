"""The largest buffers of one connection against its bandwidth-delay product.

A connection carries at most a window a round trip. Of a receive buffer about three fifths become window, as the rest
is overhead; of a send buffer nearly all. Nothing is lost when it is too small: the connection is slower than asked for.
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
# The part of the largest buffer that can be in flight, measured; asked for is half of it, for small segments.
RECEIVE_SHARE, SEND_SHARE = 0.6, 0.9
_ASKED_SHARE = 0.5
_UNCERTAINTY = Uncertainty(0.8, 1.25, "how much of the buffer is overhead depends on the size of segments")
_SEND_UNCERTAINTY = Uncertainty(
    0.1,
    1.25,
    "programs that write 32 KiB or less at a time were not held back on Linux 6.18, those that write more were",
)
_SOURCES = (
    "kernel: Documentation/networking/ip-sysctl.rst (tcp_rmem, tcp_wmem, tcp_adv_win_scale)",
    "kernel source: net/ipv4/tcp_input.c (tcp_rcv_space_adjust, tcp_sndbuf_expand)",
    "measured on Linux 6.18: 0.59 to 0.63 of a receive buffer were in flight, 0.95 of a send buffer",
)
RECEIVE = Resource(
    "receive-buffer", "Receive buffer of one connection", "transport", "bytes", RECEIVE_SHARE / _ASKED_SHARE,
    _UNCERTAINTY, "one connection does not reach the bandwidth that is declared", _SOURCES,
)  # fmt: skip
SEND = Resource(
    "send-buffer", "Send buffer of one connection", "transport", "bytes", SEND_SHARE / _ASKED_SHARE, _SEND_UNCERTAINTY,
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
    share = share_of(resource)
    needed = product / share
    formula = (
        f"{bits(flow_bps)} × {seconds(rtt)} / 8 = {format_bytes(product)} in flight; / {share:g} for overhead = "
        f"{format_bytes(needed)}"
    )
    triple = host.numbers(name, least=3)
    remark, limit = "", Limit(triple) if isinstance(triple, Absent) else Limit(float(triple[2]))
    if not isinstance(triple, Absent):
        limit = Limit(float(triple[2]), f"{name} = {' '.join(map(str, triple))}")
        if rtt:
            remark = f"it gets about {bits(triple[2] * share * 8 / rtt)}"
    low, middle = (4096, 131072) if isinstance(triple, Absent) else (triple[0], triple[1])
    now = "" if isinstance(triple, Absent) else " ".join(map(str, triple))
    wanted = ceil_pow2(needed * resource.headroom)
    return row(
        resource, host, inquiry, [load], Need(0.0, formula, needed), limit, subject=load.name, is_stock=False,
        remark=remark, changes=[SettingChange(name, f"{low} {middle} {wanted}", now)],
    )  # fmt: skip


def share_of(resource: Resource) -> float:
    """The part of the largest buffer that can be in flight."""
    return RECEIVE_SHARE if resource is RECEIVE else SEND_SHARE
