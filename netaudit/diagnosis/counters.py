"""The counters of a host at one moment, under one name each. Knows where they stand in the facts, and no meaning.

Names are those of the kernel's own files where these are unique (``TcpExt.ListenOverflows``), else behind their place:
``softnet[0].dropped``, ``eth0#2.rx_dropped``, ``eth0#2/rx_out_of_buffer`` (of the driver),
``qdisc eth0 fq 8001:@root.dropped``,
``conntrack.drop``, ``arp_cache.table_fulls``, ``udp 0.0.0.0:53#4711.drops``, ``rule nft ip f i: drop#0``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from netaudit.model.facts import Facts, Nic
from netaudit.model.facts.flows import DropRule
from netaudit.model.reading import Absent

# Not counters: what is configured, or counted now.
_GAUGES = frozenset({
    "Ip.Forwarding", "Ip.DefaultTTL", "Tcp.RtoAlgorithm", "Tcp.RtoMin", "Tcp.RtoMax", "Tcp.MaxConn", "Tcp.CurrEstab",
    "MPTcpExt.MPCurrEstab",
})  # fmt: skip
_NOT_SUMMED = frozenset({"entries"})  # of the statistics that print a gauge among counters

# Families whose columns are unsigned 32-bit on every kernel; the others are as wide as a long.
_NARROW = ("softnet[", "conntrack.", "udp ")


def is_narrow(name: str) -> bool:
    """Whether the counter starts anew after 2**32 on every kernel."""
    return name.startswith(_NARROW)


def counters_of(facts: Facts) -> dict[str, int]:
    """Every counter that the host told; what it did not tell is not there."""
    found: dict[str, int] = {}
    for table in (facts.netstat, facts.snmp, facts.snmp6):
        if not isinstance(table, Absent):
            found.update(table)
    for name in _GAUGES:
        found.pop(name, None)
    found.update(_softnet(facts))
    found.update(_devices(facts))
    found.update(_tables(facts))
    found.update(_udp(facts))
    if not isinstance(facts.drop_rules, Absent):
        found.update({key: packets for key, (_, packets) in rules_by_key(facts.drop_rules).items() if packets >= 0})
    return found


def _softnet(facts: Facts) -> Iterator[tuple[str, int]]:
    if isinstance(facts.softnet, Absent):
        return
    for row in facts.softnet.cpus:
        for field in ("processed", "dropped", "time_squeeze", "received_rps", "flow_limit"):
            yield f"softnet[{row.cpu}].{field}", getattr(row, field)


def device_key(nic: Nic) -> str:
    """The name of a device, with its index: one that was made anew does not continue the counters of the old one."""
    return f"{nic.name}#{nic.ifindex}"


def _devices(facts: Facts) -> Iterator[tuple[str, int]]:
    for nic in () if isinstance(facts.nics, Absent) else facts.nics:
        key = device_key(nic)
        for name, value in nic.counters.items():
            yield f"{key}.{name}", value
        if not isinstance(nic.carrier_changes, Absent):
            yield f"{key}.carrier_changes", nic.carrier_changes
        if not isinstance(nic.driver_counters, Absent):
            for name, value in nic.driver_counters.items():
                yield f"{key}/{name}", value
    for qdisc in () if isinstance(facts.qdiscs, Absent) else facts.qdiscs:
        place = f"qdisc {qdisc.device} {qdisc.kind} {qdisc.handle}@{qdisc.parent}"
        for field in ("sent_packets", "sent_bytes", "dropped", "overlimits", "requeues"):
            yield f"{place}.{field}", getattr(qdisc, field)


def _tables(facts: Facts) -> Iterator[tuple[str, int]]:
    if not isinstance(facts.conntrack, Absent):
        yield from _named("conntrack", facts.conntrack.stats)
    if not isinstance(facts.neighbours, Absent):
        yield from _named("arp_cache", facts.neighbours.ipv4_stats)
        yield from _named("ndisc_cache", facts.neighbours.ipv6_stats)


def _named(family: str, table: Mapping[str, int] | Absent) -> Iterator[tuple[str, int]]:
    if not isinstance(table, Absent):
        for name, value in table.items():
            if name not in _NOT_SUMMED:
                yield f"{family}.{name}", value


def _udp(facts: Facts) -> Iterator[tuple[str, int]]:
    if not isinstance(facts.sockets, Absent):
        for socket in facts.sockets.udp:
            yield f"udp {socket.endpoint}#{socket.inode}.drops", socket.drops


@dataclass(frozen=True, slots=True)
class _Place:
    chain: str
    text: str


def rules_by_key(rules: tuple[DropRule, ...]) -> dict[str, tuple[DropRule, int]]:
    """Rules under the names of their counters, each with its packets (-1 without a counter).

    Equal rules of one chain are told apart by their order.
    """
    seen: Counter[_Place] = Counter()
    found: dict[str, tuple[DropRule, int]] = {}
    for rule in rules:
        place = _Place(f"{rule.source} {rule.chain}", rule.text)
        packets = -1 if isinstance(rule.packets, Absent) else rule.packets
        found[f"rule {place.chain}: {rule.text}#{seen[place]}"] = (rule, packets)
        seen[place] += 1
    return found
