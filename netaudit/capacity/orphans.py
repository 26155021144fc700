"""Orphans: sockets that their process has closed while data is still unsent.

For sockets in trouble the kernel multiplies the count by up to four, so a quarter of tcp_max_orphans is the limit.
"""

from __future__ import annotations

from collections.abc import Iterator

from netaudit.capacity.figures import Inquiry
from netaudit.capacity.host import Host
from netaudit.capacity.population import closed
from netaudit.capacity.rows import Limit, Need, Resource, ceil_pow2, row, summed
from netaudit.model.capacity import Assessment, SettingChange, Uncertainty
from netaudit.model.reading import Absent
from netaudit.model.workload import LoadKind

MAX_ORPHANS = "net.ipv4.tcp_max_orphans"
COUNTED_TIMES = 4
RESOURCE = Resource(
    id="orphans",
    title="Orphaned sockets",
    layer="transport",
    unit="sockets",
    headroom=1.0,
    uncertainty=Uncertainty(0.33, 3.0, "how many clients are slow, and for how long"),
    consequence="closed connections are reset, and the last bytes of their responses are lost",
    sources=(
        "kernel source: net/ipv4/tcp.c (tcp_check_oom), include/net/tcp.h (tcp_too_many_orphans)",
        "kernel: Documentation/networking/ip-sysctl.rst (tcp_max_orphans)",
    ),
)


def assess(host: Host) -> Iterator[Assessment]:
    """One row: the limit is that of the whole host."""
    loads = host.of_kind(LoadKind.INBOUND, LoadKind.OUTBOUND)
    if not loads:
        return
    inquiry = Inquiry(host.load)
    parts = []
    for load in loads:
        slow, drain = inquiry.ask(load, "slow_close_ratio"), inquiry.ask(load, "drain_s")
        parts.append(closed(load, inquiry, slow, drain, "closed and not yet drained"))
    total = sum(value for _, value in parts)
    most = host.number(MAX_ORPHANS)
    wanted = str(ceil_pow2(total * COUNTED_TIMES))
    yield row(
        RESOURCE, host, inquiry, loads, Need(total, summed(parts, RESOURCE.unit)),
        Limit(most if isinstance(most, Absent) else most / COUNTED_TIMES, f"a quarter of {MAX_ORPHANS} = {most}"),
        in_use=host.counted("TCP.orphan"), changes=[SettingChange(MAX_ORPHANS, wanted, str(most))],
    )  # fmt: skip
