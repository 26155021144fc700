"""Whether the hosts of one network segment agree on its MTU.

A segment is one network (CIDR) within one *site*, which an inventory may declare for hosts whose private networks
have the same numbers as those of others. Without that, an address that two hosts hold shows that the same numbers
are used more than once: networks of containers and virtual machines inside each host, or two sites alike. There hosts
are compared only within an inventory group in which every address is held once; if there is none, not at all.

A mismatch inside a segment sends no ICMP: large packets vanish at the receiver, while pings and handshakes work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TypeAlias

from netaudit.fleet.lines import EVERYONES_GROUPS
from netaudit.fleet.names import fold_within
from netaudit.model.facts import Facts, Nic
from netaudit.model.natural import natural_key
from netaudit.model.reading import is_known
from netaudit.model.result import FleetFinding, Severity, Verdict

CHECK = "path.mtu.segment"
TITLE = "MTU differs within a network segment"
WHY = (
    "Hosts of one segment send each other packets of up to their own MTU; what is larger than the receiver's MTU is "
    "dropped without an ICMP message, so that large transfers hang while pings and handshakes work."
)

_NO_SEGMENT = frozenset({"loopback", "tun", "wireguard", "ipip", "sit", "gre", "dummy"})  # point-to-point or local
_NAMES_CHARS = 60

_Key: TypeAlias = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Membership:
    """One address of one interface in one network."""

    nic: str
    mtu: int  # bytes
    network: str  # CIDR
    address: str


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """What the comparison needs of one host, and nothing more."""

    host: str
    site: str  # empty when the inventory names none
    groups: tuple[str, ...]
    memberships: tuple[Membership, ...]


@dataclass(frozen=True, slots=True)
class _Member:
    host: str
    groups: tuple[str, ...]
    of: Membership


def extract(facts: Facts, *, groups: Sequence[str] = (), site: str = "") -> SegmentRecord:
    """The networks that a host shares with others, by its global addresses on interfaces that are up."""
    nics = facts.nics if is_known(facts.nics) else ()
    memberships = tuple(membership for nic in nics for membership in _memberships(nic))
    own_groups = tuple(group for group in groups if group not in EVERYONES_GROUPS)
    return SegmentRecord(facts.host, site, own_groups, memberships)


def _memberships(nic: Nic) -> Iterator[Membership]:
    if nic.kind in _NO_SEGMENT or not nic.is_up:
        return
    for address in nic.addresses:
        whole = 32 if address.family == "inet" else 128
        if address.scope == "global" and address.prefix_length < whole:
            yield Membership(nic.name, nic.mtu, address.network, address.address)


def mtu_disagreements(records: Iterable[SegmentRecord]) -> tuple[FleetFinding, ...]:
    """A failure for each segment whose members have different MTUs; segments with the same members share one."""
    by_members: dict[tuple[_Key, ...], tuple[list[str], list[_Member]]] = {}
    for network, members in _segments(records):
        if len({member.of.mtu for member in members}) > 1:
            key = tuple(sorted({(m.host, m.of.nic, m.of.mtu) for m in members}))
            by_members.setdefault(key, ([], members))[0].append(network)
    return tuple(_finding(networks, members) for networks, members in by_members.values())


def _segments(records: Iterable[SegmentRecord]) -> Iterator[tuple[str, list[_Member]]]:
    """Networks with the members that can be compared."""
    networks: dict[tuple[str, str], list[_Member]] = {}
    for record in records:
        for membership in record.memberships:
            member = _Member(record.host, record.groups, membership)
            networks.setdefault((record.site, membership.network), []).append(member)
    for (_, network), members in sorted(networks.items(), key=lambda entry: _network_order(entry[0])):
        if _each_address_once(members):
            yield network, members
        else:
            for part in _parts_by_group(members):
                yield network, part


def _network_order(key: tuple[str, str]) -> tuple[str, int, int, int]:
    site, network = key
    try:
        parsed = ip_network(network)
    except ValueError:  # what a host calls a network need not be one
        return site, 0, 0, 0
    return site, parsed.version, int(parsed.network_address), parsed.prefixlen


def _each_address_once(members: Sequence[_Member]) -> bool:
    holders: dict[str, str] = {}
    return all(holders.setdefault(member.of.address, member.host) == member.host for member in members)


def _parts_by_group(members: Sequence[_Member]) -> Iterator[list[_Member]]:
    """Members by the largest group in which every address is held once; those without one are left out."""
    groups: dict[str, list[_Member]] = {}
    for member in members:
        for group in member.groups:
            groups.setdefault(group, []).append(member)
    placed: set[str] = set()
    for _, candidates in sorted(groups.items(), key=lambda entry: (-len(entry[1]), entry[0])):
        part = [member for member in candidates if member.host not in placed]
        if part and _each_address_once(candidates):
            placed.update(member.host for member in part)
            yield part


def _finding(networks: Sequence[str], members: Sequence[_Member]) -> FleetFinding:
    by_mtu: dict[int, dict[str, None]] = {}
    for member in members:
        by_mtu.setdefault(member.of.mtu, {})[member.host] = None
    ranked = sorted(by_mtu.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    majority, hosts = ranked[0]
    if len(hosts) == len(ranked[1][1]):  # no majority: all are named
        said = [_those_with(mtu, members) for mtu, _ in ranked]
        return _failure(networks, {host for _, group in ranked for host in group}, said, None)
    said = [f"{_hosts(len(hosts))} {majority}", *(_those_with(mtu, members) for mtu, _ in ranked[1:])]
    differing = {host for _, group in ranked[1:] for host in group}
    return _failure(networks, differing, said, majority)


def _failure(networks: Sequence[str], hosts: Iterable[str], said: Sequence[str], majority: int | None) -> FleetFinding:
    advice = f"Set the MTU of these interfaces to {majority}" if majority else "Give all of them one MTU"
    return FleetFinding(
        check=CHECK,
        title=TITLE,
        verdict=Verdict.FAIL,
        severity=Severity.HIGH,
        hosts=tuple(sorted(hosts, key=natural_key)),
        evidence=f"{', '.join(networks)}: {', '.join(said)}",
        expected=f"mtu {majority}" if majority else "one mtu",
        fix=f"{advice}, or name their sites in the inventory (netaudit_site) if these are different networks.",
    )


def _those_with(mtu: int, members: Sequence[_Member]) -> str:
    """``web7 eth0 9000``: hosts by interface name."""
    by_nic: dict[str, list[str]] = {}
    for member in members:
        if member.of.mtu == mtu:
            by_nic.setdefault(member.of.nic, []).append(member.host)
    return ", ".join(f"{fold_within(hosts, _NAMES_CHARS)} {nic} {mtu}" for nic, hosts in sorted(by_nic.items()))


def _hosts(count: int) -> str:
    return "1 host" if count == 1 else f"{count:,} hosts"
