"""The table of connection tracking: entries, hash buckets, memory; and the ports of source NAT.

A short connection keeps its entry for two minutes after its end, although TCP itself needs one. The limit is one
number for the host; each network namespace is compared with it by its own count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netaudit.capacity.figures import Inquiry
from netaudit.capacity.host import Host
from netaudit.capacity.population import closed, graceful, open_now
from netaudit.capacity.rows import Limit, Need, Resource, ceil_pow2, not_concerned, row, summed, unknown
from netaudit.capacity.words import number, per_second, seconds
from netaudit.model.capacity import Assessment, SettingChange, Uncertainty
from netaudit.model.facts import Conntrack
from netaudit.model.reading import Absent, Maybe
from netaudit.model.workload import Load, LoadKind
from netaudit.units import format_bytes

MAX, BUCKETS = "net.netfilter.nf_conntrack_max", "net.netfilter.nf_conntrack_buckets"
_TIMEOUT = "net.netfilter.nf_conntrack_"
TIMEOUTS = tuple(
    _TIMEOUT + name
    for name in (
        "tcp_timeout_time_wait", "tcp_timeout_close", "tcp_timeout_syn_sent", "tcp_timeout_syn_recv",
        "tcp_timeout_established", "udp_timeout", "udp_timeout_stream",
    )
)  # fmt: skip
_STREAM_AFTER_S = 2.0  # a flow that is answered for longer is a stream
_ENTRIES_A_BUCKET = 4  # chains of eight, as both directions are hashed
_MEMORY_SHARE = 0.15
BYTES_A_BUCKET = 8
NAT_PORTS = 64512  # 1024 to 65535

_SOURCES = (
    "kernel: Documentation/networking/nf_conntrack-sysctl.rst",
    "kernel source: net/netfilter/nf_conntrack_core.c",
    "measured on Linux 6.18: an entry stays 119 s after close, 9 s after a reset; 256 or 384 bytes each",
)
_UNCERTAINTY = Uncertainty(
    0.75, 1.25, "steady web traffic; three times as much where names are resolved or ports scanned"
)
ENTRIES = Resource(
    "conntrack-entries", "Connection tracking entries", "conntrack", "entries", 1 / 0.75, _UNCERTAINTY,
    "unanswered flows are evicted first, then every new flow is dropped, ping included", _SOURCES,
)  # fmt: skip
CHAINS = Resource(
    "conntrack-buckets", "Connection tracking hash buckets", "conntrack", "entries", 1.0, _UNCERTAINTY,
    "chains of more than eight entries on average: every packet costs more CPU", _SOURCES, is_soft=True,
)  # fmt: skip
MEMORY = Resource(
    "conntrack-memory", "Memory of connection tracking", "conntrack", "bytes", 1.0, _UNCERTAINTY,
    "the table takes more than 5 % of the memory of the host", _SOURCES, is_soft=True,
)  # fmt: skip
NAT = Resource(
    "nat-ports", "Source ports of NAT towards one destination", "conntrack", "ports", 2.0,
    Uncertainty(0.5, 1.5, "connections a second to one destination: retries, and uneven balancing"),
    "no free port is found, and new connections vanish; from half of them on they collide", _SOURCES,
)  # fmt: skip


def assess(host: Host) -> Iterator[Assessment]:
    """Rows for the table, if flows of the load pass it, and for each destination behind source NAT."""
    loads = [load for load in host.load.loads if load.kind is not LoadKind.TRAFFIC and load.is_tracked is not False]
    if not loads:
        return
    table = host.facts.conntrack
    if isinstance(table, Absent):
        yield not_concerned(ENTRIES, f"nothing is tracked here: {table}", loads=loads)
        return
    tracked = [load for load in loads if _is_tracked(load, host)]
    if any(_is_tracked(load, host) is None for load in loads):
        yield unknown(
            ENTRIES, "whether connections are tracked is not known: the firewall could not be read; say `tracked`"
        )
    elif not tracked:
        yield not_concerned(ENTRIES, "no rule of this host tracks connections, and none are tracked now", loads=loads)
    else:
        yield from _table(host, table, tracked)
    for load in loads:
        if load.has_nat:
            yield _nat(host, load)


def _is_tracked(load: Load, host: Host) -> bool | None:
    """Whether flows of a load are tracked: as declared, else if anything is here, else as the rules say."""
    if load.is_tracked is not None or load.has_nat:
        return True
    table, firewall = host.facts.conntrack, host.facts.firewall
    if not isinstance(table, Absent) and isinstance(table.count, int) and table.count > 0:
        return True
    return None if isinstance(firewall, Absent) else firewall.uses_conntrack


def _table(host: Host, table: Conntrack, loads: Sequence[Load]) -> Iterator[Assessment]:
    inquiry = Inquiry(host.load)
    parts = [part for load in loads for part in entries(load, host, inquiry)]
    need = Need(sum(value for _, value in parts), summed(parts, "entries"))
    limit = host.number(MAX) if host.tried(MAX) else table.max
    buckets = host.number(BUCKETS) if host.tried(BUCKETS) else table.buckets
    wanted = ceil_pow2(need.total * ENTRIES.headroom)
    grow_max = SettingChange(MAX, str(wanted), str(limit))
    grow_buckets = SettingChange(BUCKETS, str(wanted), str(buckets))
    unlimited = float("inf") if limit == 0 else limit
    more = [grow_max] + ([grow_buckets] if isinstance(buckets, int) and buckets * _ENTRIES_A_BUCKET < wanted else [])
    yield row(
        ENTRIES, host, inquiry, loads, need, Limit(unlimited, f"{MAX} = {limit}"), in_use=table.count, changes=more
    )
    yield _chains(host, table.count, inquiry, loads, need, buckets, grow_buckets)
    yield _memory(host, table, inquiry, loads, need, buckets)


def entries(load: Load, host: Host, inquiry: Inquiry) -> Iterator[tuple[str, float]]:
    """The entries that a load keeps, by what keeps them."""
    if load.kind is LoadKind.UDP:
        yield _udp_entries(load, host, inquiry)
        return
    yield open_now(load, inquiry)
    fin = graceful(load, inquiry)
    yield closed(load, inquiry, fin, timeout_s(host, "tcp_timeout_time_wait", 120), "closed")
    yield closed(load, inquiry, 1 - fin, timeout_s(host, "tcp_timeout_close", 10), "reset")
    unanswered = inquiry.or_zero(load, "unanswered_syn_per_s", "SYNs that nobody answers")
    state = "tcp_timeout_syn_sent" if load.kind is not LoadKind.INBOUND else "tcp_timeout_syn_recv"
    hold = timeout_s(host, state, 120 if load.kind is not LoadKind.INBOUND else 60)
    yield f"{per_second(unanswered)} × {seconds(hold)} unanswered", unanswered * hold
    lost = inquiry.or_zero(load, "silently_lost_per_s", "peers that vanish without a word")
    hold = timeout_s(host, "tcp_timeout_established", 432000)
    yield f"{per_second(lost)} × {seconds(hold)} = {number(lost * hold)} of peers that vanished", lost * hold


def _udp_entries(load: Load, host: Host, inquiry: Inquiry) -> tuple[str, float]:
    flows = inquiry.ask(load, "new_flows_per_s")
    life = inquiry.ask(load, "flow_lifetime_s")
    is_stream = life > _STREAM_AFTER_S
    hold = life + timeout_s(host, "udp_timeout_stream" if is_stream else "udp_timeout", 120 if is_stream else 30)
    return f"{per_second(flows)} × {seconds(hold)} = {number(flows * hold)} flows of UDP", flows * hold


def timeout_s(host: Host, name: str, default_s: float) -> float:
    """A timeout of connection tracking: that of the host, or the kernel's default where it does not tell."""
    found = host.number(_TIMEOUT + name)
    return default_s if isinstance(found, Absent) else float(found)


def _chains(
    host: Host,
    in_use: Maybe[int],
    inquiry: Inquiry,
    loads: Sequence[Load],
    need: Need,
    buckets: Maybe[int],
    change: SettingChange,
) -> Assessment:
    known = buckets if isinstance(buckets, Absent) else float(buckets * _ENTRIES_A_BUCKET)
    comfort = None if isinstance(buckets, Absent) else float(buckets)
    text = f"{BUCKETS} = {buckets}; four entries a bucket are the most, one is good"
    formula = need.formula
    if not isinstance(buckets, Absent) and buckets:
        formula += f": {number(need.total / buckets)} a bucket, chains of {number(2 * need.total / buckets)}"
    return row(
        CHAINS, host, inquiry, loads, Need(need.variable, formula, need.fixed), Limit(known, text, comfort),
        in_use=in_use, changes=[change],
    )  # fmt: skip


def _memory(
    host: Host, table: Conntrack, inquiry: Inquiry, loads: Sequence[Load], need: Need, buckets: Maybe[int]
) -> Assessment:
    memory, entry_bytes = host.facts.memory, table.entry_bytes
    chains = 0 if isinstance(buckets, Absent) else buckets * BYTES_A_BUCKET
    size = entry_bytes if isinstance(entry_bytes, int) else 384
    how = f"{number(need.total)} entries × {size} bytes + {format_bytes(chains)} of buckets"
    if isinstance(entry_bytes, Absent):
        how += f" (the size of an entry is not known: {entry_bytes}; 384 is the most on common builds)"
    share = memory if isinstance(memory, Absent) else memory.total_bytes * _MEMORY_SHARE
    comfort = None if isinstance(memory, Absent) else memory.total_bytes * _MEMORY_SHARE / 3
    evidence = "" if isinstance(memory, Absent) else f"15 % of MemTotal, {format_bytes(memory.total_bytes)}"
    count = table.count
    return row(
        MEMORY, host, inquiry, loads, Need(need.total * size, how, chains), Limit(share, evidence, comfort),
        in_use=None if isinstance(count, Absent) else count * size,
    )  # fmt: skip


def _nat(host: Host, load: Load) -> Assessment:
    inquiry = Inquiry(host.load)
    hold = timeout_s(host, "tcp_timeout_time_wait", 120)
    parts = [open_now(load, inquiry), closed(load, inquiry, graceful(load, inquiry), hold, "closed")]
    addresses = inquiry.ask(load, "public_addresses")
    if not load.destination:
        inquiry.need("destination", load)
    limit = NAT_PORTS * addresses * load.destination_tuples
    evidence = f"{number(NAT_PORTS)} ports × {number(addresses)} public addresses × {number(load.destination_tuples)} "
    evidence += "destinations"
    need = Need(sum(value for _, value in parts), summed(parts, NAT.unit))
    return row(NAT, host, inquiry, [load], need, Limit(limit, evidence), subject=load.destination)
