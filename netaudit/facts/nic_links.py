"""Interfaces as sysfs, /proc/net/dev and ``ip -d address`` show them, each source by itself. Joins nothing.

Sources: Documentation/ABI/testing/sysfs-class-net, bonding.rst, ip-address(8), ip-link(8).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from netaudit.facts.nic_addresses import MAX_ADDRESSES, ip_address
from netaudit.facts.numbers import counter, natural
from netaudit.model.facts import Bond, InterfaceAddress

_KINDS = frozenset({
    "amt", "bareudp", "bond", "bridge", "can", "dummy", "erspan", "geneve", "gre", "gretap", "gtp", "hsr",
    "ifb", "ip6erspan", "ip6gre", "ip6gretap", "ip6tnl", "ipip", "ipoib", "ipvlan", "ipvtap", "macsec",
    "macvlan", "macvtap", "netdevsim", "netkit", "nlmon", "rmnet", "sit", "team", "tun", "vcan", "veth",
    "vlan", "vrf", "vti", "vti6", "vxcan", "vxlan", "wireguard", "wwan", "xfrm",
})  # fmt: skip  # of IFLA_INFO_KIND
_RECEIVED = {
    "bytes": "rx_bytes", "packets": "rx_packets", "errors": "rx_errors", "dropped": "rx_dropped",
    "missed": "rx_missed_errors", "mcast": "multicast", "overrun": "rx_over_errors", "compressed": "rx_compressed",
    "length": "rx_length_errors", "crc": "rx_crc_errors", "frame": "rx_frame_errors", "fifo": "rx_fifo_errors",
    "nohandler": "rx_nohandler",
}  # fmt: skip
_SENT = {
    "bytes": "tx_bytes", "packets": "tx_packets", "errors": "tx_errors", "dropped": "tx_dropped",
    "carrier": "tx_carrier_errors", "collsns": "collisions", "compressed": "tx_compressed",
    "aborted": "tx_aborted_errors", "fifo": "tx_fifo_errors", "window": "tx_window_errors",
    "heartbt": "tx_heartbeat_errors",
}  # fmt: skip
_CHANGES = "carrier_changes"
_COUNTERS = {"RX": _RECEIVED, "TX": _SENT}  # headings of ip -> names in /sys/class/net/DEV/statistics
_DEV_COLUMNS = (
    "rx_bytes", "rx_packets", "rx_errors", "rx_dropped", "rx_fifo_errors", "", "rx_compressed", "multicast",
    "tx_bytes", "tx_packets", "tx_errors", "tx_dropped", "tx_fifo_errors", "collisions", "", "tx_compressed",
)  # fmt: skip  # two columns are sums of several counters and have no name of their own
_BOND_MODES = {
    "load balancing (round-robin)": "balance-rr",
    "fault-tolerance (active-backup)": "active-backup",
    "load balancing (xor)": "balance-xor",
    "fault-tolerance (broadcast)": "broadcast",
    "IEEE 802.3ad Dynamic link aggregation": "802.3ad",
    "transmit load balancing": "balance-tlb",
    "adaptive load balancing": "balance-alb",
}


class _Head(NamedTuple):
    """What the first line of an interface says."""

    name: str
    ifindex: int
    flags: frozenset[str]
    words: Mapping[str, str]
    other_end: str


class _Details(NamedTuple):
    """What the lines of ``ip -d`` say."""

    kind: str = ""
    others: tuple[str, ...] = ()
    is_detailed: bool = False
    has_one_queue: bool = False


@dataclass(slots=True)
class Link:
    """One interface as ip shows it."""

    name: str
    ifindex: int
    flags: frozenset[str]
    words: Mapping[str, str]  # mtu, state, master, qlen, …
    other_end: str  # behind the @: the device below it, or the peer of a veth; "if7" is in another namespace
    kind: str
    details: tuple[str, ...]  # the words behind the kind
    is_detailed: bool  # of ip -d: then an interface without a kind is a real device
    has_one_queue: bool  # set up for a single one, each way
    addresses: tuple[InterfaceAddress, ...]
    counters: Mapping[str, int]  # under their names in sysfs; of ip -s -s
    carrier_changes: int | None


def read_ip(text: str) -> dict[str, Link]:
    """The interfaces of ``ip -s -s -d address`` by name; those of busybox and of old versions say less."""
    links: dict[str, Link] = {}
    head: _Head | None = None
    heading = ""
    addresses: list[str] = []
    details: list[str] = []
    rows: list[tuple[str, str]] = []
    for line in text.split("\n"):
        if line[:1].isdigit():
            if head is not None:
                links[head.name] = _link(head, addresses, details, rows)
            head, addresses, details, rows = _head(line), [], [], []
        elif head is None:
            continue
        elif heading:
            rows.append((heading, line))
            heading = ""
        elif line[4:7] in {"RX:", "TX:", "RX ", "TX "}:
            heading = line
        elif line[:4] == "    " and line[4:5] != " ":
            if line.startswith(("    inet ", "    inet6 ")):
                addresses.append(line)
            else:
                details.append(_without_hardware_address(line) if line[4:9] == "link/" else line)
    if head is not None:
        links[head.name] = _link(head, addresses, details, rows)
    return links


def _without_hardware_address(line: str) -> str:
    """``link/ether 02:fc:00:00:00:01 brd ff:ff:ff:ff:ff:ff promiscuity 0 …`` without what no other host has."""
    words = line.split(None, 4)
    return f"    {' '.join(words[0::4])}" if words[2:3] == ["brd"] else line


def _link(head: _Head, addresses: list[str], details: list[str], rows: Iterable[tuple[str, str]]) -> Link:
    """The interface that some lines speak of. Lines that hosts have in common are read once."""
    read = tuple(map(ip_address, addresses[:MAX_ADDRESSES]))
    counters: dict[str, int] = {}
    for heading, values in rows:
        counters |= _row(heading, values) if values.strip(" 0") else _quiet_row(heading, values)
    changes = counters.pop(_CHANGES, None)
    return Link(*head, *_details("\n".join(details)), addresses=read, counters=counters, carrier_changes=changes)


def _row(heading: str, values: str) -> Mapping[str, int]:
    """The counters of a row below ``RX: bytes packets …``, and how often the carrier changed if that stands in it."""
    return {column: counter(value) for column, value in zip(_columns(heading), values.split(), strict=False) if column}


_quiet_row = lru_cache(maxsize=256)(_row)  # most rows of most hosts are zeros; of others none is like another


@lru_cache(maxsize=256)
def _columns(heading: str) -> tuple[str, ...]:
    """The names of sysfs for the columns of a heading, empty where it has none. All versions of ip know a few."""
    direction, *words = heading.split()
    names = {**_COUNTERS[direction.rstrip(":")], "transns": _CHANGES}
    return tuple(names.get(word, "") for word in (words[1:] if words[0] == "errors:" else words))


@lru_cache(maxsize=1024)
def _head(line: str) -> _Head | None:
    """What the first line says; None for one of another form."""
    number, _, rest = line.partition(": ")
    name, colon, rest = rest.partition(": <")
    if not colon or not number.isdigit():
        return None
    flags, _, rest = rest.partition(">")
    words = rest.split()
    name, _, other_end = name.partition("@")
    return _Head(
        name=name,
        ifindex=natural(number),
        flags=frozenset(flags.split(",")),
        words=dict(zip(words[0::2], words[1::2], strict=False)),
        other_end="" if other_end == "NONE" else other_end,
    )


@lru_cache(maxsize=1024)
def _details(text: str) -> _Details:
    """What further lines say; a later one goes before."""
    found = _Details()
    for line in text.split("\n"):
        first, *others = line.split() or [""]
        if first == "link/loopback":
            found = found._replace(kind="loopback")
        if first in _KINDS and not found.kind:
            found = found._replace(kind=first, others=tuple(others))
        if "numrxqueues" in others:
            place = others.index("numrxqueues")
            has_one = others[max(0, place - 1) : place + 2] == ["1", "numrxqueues", "1"]
            found = found._replace(has_one_queue=has_one)
        if "promiscuity" in others:
            found = found._replace(is_detailed=True)
    return found


def read_dev(lines: list[str]) -> dict[str, dict[str, int]]:
    """The counters of /proc/net/dev by interface, under the names that sysfs has for them.

    "drop" of the receiving side holds rx_missed_errors as well; virtual interfaces have none of those.
    """
    found: dict[str, dict[str, int]] = {}
    for line in lines:
        name, colon, rest = line.partition(":")
        if colon and "|" not in name:
            values = rest.split()
            found[name.strip()] = {
                column: counter(value) for column, value in zip(_DEV_COLUMNS, values, strict=False) if column
            }
    return found


def read_bond(lines: list[str]) -> Bond:
    """One file of /proc/net/bonding."""
    mode = policy = ""
    members: list[str] = []
    failures = 0
    for line in lines:
        key, _, value = line.partition(": ")
        if key == "Bonding Mode":
            mode = _BOND_MODES.get(value, _BOND_MODES.get(value.partition(" (fail_over_mac")[0], value))
        elif key == "Transmit Hash Policy":
            policy = value.partition(" ")[0]
        elif key == "Slave Interface":
            members.append("")
        elif key == "MII Status" and members and not members[-1]:
            members[-1] = value
        elif key == "Link Failure Count":
            failures += natural(value)
    return Bond(mode, policy, len(members), members.count("up"), failures)
