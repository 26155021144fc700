"""Interfaces as sysfs, /proc/net/dev and ``ip -d address`` show them, each source by itself. Joins nothing.

Sources: Documentation/ABI/testing/sysfs-class-net, bonding.rst, ip-address(8), ip-link(8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Link:
    """One interface as ip shows it."""

    name: str
    ifindex: int
    flags: frozenset[str]
    words: Mapping[str, str]  # mtu, state, master, qlen, …
    other_end: str = ""  # behind the @: the device below it, or the peer of a veth; "if7" is in another namespace
    kind: str = ""
    is_detailed: bool = False  # of ip -d: then an interface without a kind is a real device
    details: tuple[str, ...] = ()  # the words behind the kind
    has_one_queue: bool = False  # set up for a single one, each way
    addresses: list[InterfaceAddress] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)  # under their names in sysfs; of ip -s -s
    carrier_changes: int | None = None


def read_ip(text: str) -> dict[str, Link]:
    """The interfaces of ``ip -s -s -d address`` by name; those of busybox and of old versions say less."""
    links: dict[str, Link] = {}
    link: Link | None = None
    heading = ""
    for line in text.split("\n"):
        if line[:1].isdigit():
            link = _read_head(line)
            if link is not None:
                links[link.name] = link
        elif link is None:
            continue
        elif heading:
            _read_counters(link, heading, line)
            heading = ""
        elif line[4:7] in {"RX:", "TX:", "RX ", "TX "}:
            heading = line
        elif line[:4] == "    " and line[4:5] != " ":
            _read_detail(link, line)
    return links


def _read_counters(link: Link, heading: str, values: str) -> None:
    """A row of numbers below ``RX: bytes packets …`` or ``TX errors: aborted fifo …``."""
    counters, changes = _row(heading, values)
    link.counters.update(counters)
    if changes is not None:
        link.carrier_changes = changes


@lru_cache(maxsize=256)
def _row(heading: str, values: str) -> tuple[Mapping[str, int], int | None]:
    """The counters of a row, and the changes of the carrier if they stand in it. Most rows of most hosts are zeros."""
    found = {column: counter(value) for column, value in zip(_columns(heading), values.split(), strict=False) if column}
    changes = found.pop(_CHANGES, None)
    return found, changes


@lru_cache(maxsize=256)
def _columns(heading: str) -> tuple[str, ...]:
    """The names of sysfs for the columns of a heading, empty where it has none. All versions of ip know a few."""
    direction, *words = heading.split()
    names = {**_COUNTERS[direction.rstrip(":")], "transns": _CHANGES}
    return tuple(names.get(word, "") for word in (words[1:] if words[0] == "errors:" else words))


def _read_head(line: str) -> Link | None:
    fields = _head(line)
    return Link(*fields) if fields else None


@lru_cache(maxsize=1024)
def _head(line: str) -> tuple[str, int, frozenset[str], Mapping[str, str], str] | None:
    """The first fields of a link. Hosts of one role head theirs alike, but for those that come and go."""
    number, _, rest = line.partition(": ")
    name, colon, rest = rest.partition(": <")
    if not colon or not number.isdigit():
        return None
    flags, _, rest = rest.partition(">")
    words = rest.split()
    name, _, other_end = name.partition("@")
    if other_end == "NONE":
        other_end = ""
    return (
        name, natural(number), frozenset(flags.split(",")), dict(zip(words[0::2], words[1::2], strict=False)), other_end
    )  # fmt: skip


def _read_detail(link: Link, line: str) -> None:
    if line.startswith(("    inet ", "    inet6 ")):
        if len(link.addresses) < MAX_ADDRESSES:
            link.addresses.append(ip_address(line))
        return
    if line.startswith("    link/"):
        words = line.split(None, 4)
        if words[2:3] == ["brd"]:  # without the hardware's addresses, which no other host has
            line = " ".join(words[0::4])
    detail = _detail(line)
    if detail.first == "link/loopback":
        link.kind = "loopback"
    if detail.first in _KINDS and not link.kind:
        link.kind, link.details = detail.first, detail.others
    if detail.has_one_queue is not None:
        link.has_one_queue = detail.has_one_queue
    link.is_detailed = link.is_detailed or detail.is_detailed


class _Detail(NamedTuple):
    """A line of ``ip -d``."""

    first: str  # word
    others: tuple[str, ...]
    has_one_queue: bool | None  # None where the line does not tell
    is_detailed: bool


@lru_cache(maxsize=1024)
def _detail(line: str) -> _Detail:
    first, *others = line.split() or [""]
    queues = None
    if "numrxqueues" in others:
        place = others.index("numrxqueues")
        queues = others[max(0, place - 1) : place + 2] == ["1", "numrxqueues", "1"]
    return _Detail(first, tuple(others), queues, "promiscuity" in others)


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
