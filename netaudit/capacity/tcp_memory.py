"""Memory of all TCP buffers against tcp_mem, which is in pages and not in bytes.

Above the second value windows shrink, above the third data is dropped. A socket with a single byte in it takes a page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from netaudit.capacity.figures import Inquiry
from netaudit.capacity.host import Host
from netaudit.capacity.population import Part
from netaudit.capacity.rows import Limit, Need, Resource, row, summed, unknown
from netaudit.capacity.words import number, share
from netaudit.model.capacity import Assessment, SettingChange, Uncertainty
from netaudit.model.facts import Memory
from netaudit.model.reading import Absent
from netaudit.model.workload import Load, LoadKind
from netaudit.units import format_bytes

TCP_MEM = "net.ipv4.tcp_mem"
UNREAD_OVERHEAD, SENDING_OVERHEAD = 1.3, 1.35  # what the kernel charges for a byte of payload
RESOURCE = Resource(
    id="tcp-memory",
    title="Memory of TCP buffers",
    layer="transport",
    unit="pages",
    headroom=1.5,
    uncertainty=Uncertainty(0.5, 2.0, "what a driver charges for a segment, and how many clients are slow"),
    consequence="windows of all connections shrink, then data is dropped",
    sources=(
        "kernel: Documentation/networking/ip-sysctl.rst (tcp_mem)",
        "measured on Linux 6.18: 15,000 sockets with 100 bytes each took 14,848 pages",
    ),
)


def assess(host: Host) -> Iterator[Assessment]:
    """One row: the limit is that of the whole host."""
    return in_memory(RESOURCE, host, _row)


Row = Callable[[Host, Sequence[Load], Memory, Inquiry], Assessment]


def in_memory(resource: Resource, host: Host, judged: Row) -> Iterator[Assessment]:
    """One row of what connections take of the memory, if there are any; it is unknown where that is."""
    loads = host.of_kind(LoadKind.INBOUND, LoadKind.OUTBOUND)
    if not loads:
        return
    memory = host.facts.memory
    if isinstance(memory, Absent):
        yield unknown(resource, f"the memory of the host is not known: {memory}", loads=loads)
        return
    yield judged(host, loads, memory, Inquiry(host.load))


def _row(host: Host, loads: Sequence[Load], memory: Memory, inquiry: Inquiry) -> Assessment:
    page = max(1, memory.page_bytes)
    parts = [part for load in loads for part in buffers(load, page, inquiry)]
    total = sum(value for _, value in parts)
    formula = f"{summed(parts, RESOURCE.unit)} of {number(page)} bytes = {format_bytes(total * page)}"
    worst = sum(worst_case(load, page, inquiry) for load in loads)
    remark = f"if every connection held a whole response: {number(worst)} pages, {format_bytes(worst * page)}"
    triple = host.numbers(TCP_MEM, least=3)
    limit = triple if isinstance(triple, Absent) else Limit(float(triple[2]), _said(triple), float(triple[1]))
    return row(
        RESOURCE, host, inquiry, loads, Need(total, formula), limit if isinstance(limit, Limit) else Limit(limit),
        in_use=host.counted("TCP.mem"), remark=remark, changes=_changes(total, triple, memory.total_bytes // page),
    )  # fmt: skip


def _said(triple: tuple[int, ...]) -> str:
    return f"{TCP_MEM} = {' '.join(map(str, triple[:3]))}: pressure above the second, drops above the third"


def buffers(load: Load, page: int, inquiry: Inquiry) -> Iterator[Part]:
    """Pages of data that waits to be read, and to be sent."""
    count = inquiry.concurrent(load)
    inbound = load.kind is LoadKind.INBOUND
    waiting = inquiry.ask(load, "request_bytes" if inbound else "response_bytes")
    leaving = inquiry.ask(load, "response_bytes" if inbound else "request_bytes")
    unread, sending = inquiry.ask(load, "unread_ratio"), inquiry.ask(load, "sending_ratio")
    each = math.ceil(waiting * UNREAD_OVERHEAD / page)
    yield f"{number(count)} × {share(unread)} unread × {each}", count * unread * each
    each = math.ceil(leaving * SENDING_OVERHEAD / page)
    yield f"{number(count)} × {share(sending)} sending × {each}", count * sending * each


def worst_case(load: Load, page: int, inquiry: Inquiry) -> float:
    """Pages if every connection held one whole message that leaves."""
    leaving = load.response_bytes if load.kind is LoadKind.INBOUND else load.request_bytes
    return inquiry.concurrent(load) * math.ceil((leaving or 0.0) * SENDING_OVERHEAD / page)


def _changes(total: float, triple: object, memory_pages: int) -> list[SettingChange]:
    """Pressure at one and a half times the need, the end at one and a half times that, at most half of the memory."""
    most = memory_pages // 2
    pressure = min(math.ceil(total * RESOURCE.headroom), most)
    last = min(math.ceil(pressure * 1.5), most)
    wanted = f"{math.ceil(pressure * 0.75)} {pressure} {last}"
    now = " ".join(map(str, triple)) if isinstance(triple, tuple) else ""
    return [SettingChange(TCP_MEM, wanted, now, note="the unit is pages; at most half of the memory")]
