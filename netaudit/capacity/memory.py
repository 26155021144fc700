"""Memory in all: what the kernel takes for the sockets of the load, against what is available now.

The application's own memory counts where it is declared. Sizes are those of Linux 6.18 on x86-64.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from netaudit.capacity import conntrack
from netaudit.capacity.figures import Inquiry
from netaudit.capacity.host import Host
from netaudit.capacity.population import Part, open_now, time_wait
from netaudit.capacity.rows import Limit, Need, Resource, row
from netaudit.capacity.tcp_memory import buffers, in_memory
from netaudit.capacity.words import number
from netaudit.model.capacity import Assessment, Uncertainty
from netaudit.model.facts import Memory
from netaudit.model.reading import Absent
from netaudit.model.workload import Load, LoadKind
from netaudit.units import format_bytes

SOCKET_BYTES = 3994  # an idle connection: socket, inode, file, dentry, epoll item
TIME_WAIT_BYTES = {LoadKind.INBOUND: 256, LoadKind.OUTBOUND: 512}  # with a port of its own it takes two buckets more
HALF_OPEN_BYTES = 341
RESOURCE = Resource(
    id="memory",
    title="Memory in all",
    layer="host",
    unit="bytes",
    headroom=1.25,
    uncertainty=Uncertainty(0.85, 2.0, "sizes of structures by kernel build; buffers by how many clients are slow"),
    consequence="the kernel reclaims, windows shrink, and in the end processes are killed",
    sources=(
        "measured on Linux 6.18: 3.9 KiB an idle connection, 256 or 512 bytes in TIME-WAIT, 341 half-open",
        "man: proc(5) (MemAvailable)",
    ),
)


def assess(host: Host) -> Iterator[Assessment]:
    """One row for the host."""
    return in_memory(RESOURCE, host, _row)


def _row(host: Host, loads: Sequence[Load], memory: Memory, inquiry: Inquiry) -> Assessment:
    parts = [part for load in loads for part in _of_load(load, max(1, memory.page_bytes), inquiry)]
    parts.extend(_tracking(host, loads, inquiry))
    total = sum(value for _, value in parts)
    formula = "; ".join(f"{text} = {format_bytes(value)}" for text, value in parts if value)
    if not any(load.memory_per_connection_bytes for load in loads):
        inquiry.assumed.append("memory_per_connection not declared, the application's own memory is not counted")
    return row(
        RESOURCE, host, inquiry, loads, Need(total, f"{formula}; together {format_bytes(total)}"),
        Limit(memory.available_bytes, f"MemAvailable of {format_bytes(memory.total_bytes)}"), is_stock=False,
    )  # fmt: skip


def _of_load(load: Load, page: int, inquiry: Inquiry) -> Iterator[Part]:
    _, count = open_now(load, inquiry)
    yield f"{number(count)} sockets × {number(SOCKET_BYTES)} bytes", count * SOCKET_BYTES
    _, waiting = time_wait(load, inquiry)
    size = TIME_WAIT_BYTES[load.kind]
    yield f"{number(waiting)} in TIME-WAIT × {size} bytes", waiting * size
    pages = sum(value for _, value in buffers(load, page, inquiry))
    yield f"{number(math.ceil(pages))} pages of buffers", pages * page
    own = load.memory_per_connection_bytes
    if own:
        yield f"{number(count)} × {format_bytes(own)} of the application", count * own


def _tracking(host: Host, loads: Sequence[Load], inquiry: Inquiry) -> Iterator[Part]:
    table = host.facts.conntrack
    tracked = [load for load in loads if load.is_tracked or load.has_nat]
    if isinstance(table, Absent) or not tracked:
        return
    size = table.entry_bytes if isinstance(table.entry_bytes, int) else 384
    count = sum(value for load in tracked for _, value in conntrack.entries(load, host, inquiry))
    yield f"{number(count)} tracked × {size} bytes", count * size
