"""Network interfaces: the domain ``nics``. Joins what sysfs, ip, /proc/net/dev and ethtool say of each.

A /sys that was mounted in another network namespace speaks of other interfaces, at times of the same name: its word
counts only where the interface index agrees with that of ip.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from netaudit.facts.nic_addresses import read_ifconfig, read_proc_addresses
from netaudit.facts.nic_ethtool import (
    answer,
    read_channels,
    read_coalesce,
    read_fixed,
    read_offloads,
    read_rings,
    read_statistics,
)
from netaudit.facts.nic_links import Link, read_bond, read_dev, read_ip
from netaudit.facts.numbers import counter, integer, natural
from netaudit.facts.parts import Parts, split_parts
from netaudit.model.facts import Bond, InterfaceAddress, Nic
from netaudit.model.probe import Section
from netaudit.model.reading import Absent, AbsentReason, Maybe

MAX_NICS = 2000

_T = TypeVar("_T")
_PROC = "../../../proc/net/"
_WITHOUT_LOWER = frozenset({"veth", "bridge", "bond", "team", "vrf"})  # what stands below these are their members
_LOOPBACK_TYPE = "772"  # ARPHRD_LOOPBACK
_NO_SYSFS = Absent(AbsentReason.NOT_PRESENT, "/sys was not read of this interface, or shows another namespace")
_NO_DEVICE = Absent(AbsentReason.NOT_APPLICABLE, "no device is behind this interface")
_IS_DOWN = Absent(AbsentReason.NOT_APPLICABLE, "the interface is down")
_NO_SPEED = Absent(AbsentReason.NOT_APPLICABLE, "the driver does not tell")


@dataclass(slots=True)
class _Host:
    """What was read, by source."""

    parts: Parts
    sysfs: dict[str, dict[str, str]] = field(default_factory=dict)  # interface -> file -> its first line
    links: Mapping[str, Link] = field(default_factory=dict)
    counters: Mapping[str, dict[str, int]] = field(default_factory=dict)
    addresses: Mapping[str, list[InterfaceAddress]] = field(default_factory=dict)
    bonds: dict[str, Bond] = field(default_factory=dict)
    by_index: dict[int, str] = field(default_factory=dict)


def parse_nics(section: Section) -> tuple[Nic, ...]:
    """Every interface of the audited namespace, by index."""
    host = _read(split_parts(section))
    names = list(host.links or host.counters or host.sysfs)[:MAX_NICS]
    indexes = {name: _index(name, host) for name in names}
    host.by_index = {index: name for name, index in indexes.items()}
    kinds = {name: _kind(name, host) for name in names}
    mtus = {name: _mtu(name, host) for name in names}
    nics = [_nic(name, kinds, mtus, host) for name in names]
    return tuple(sorted(nics, key=lambda nic: nic.ifindex))


def _read(parts: Parts) -> _Host:
    host = _Host(parts)
    dev: list[str] = []
    bonding: dict[str, list[str]] = {}
    for line in parts["sysfs"].split("\n"):
        path, colon, value = line.partition(":")
        if not colon:
            continue
        if path.startswith(_PROC):
            if path.endswith("/dev"):
                dev.append(value)
            else:
                bonding.setdefault(path.rpartition("/")[2], []).append(value)
            continue
        name, _, file = path.partition("/")
        if file.endswith("uevent"):
            key, _, value = value.partition("=")
            file = f"{file}/{key}"
        host.sysfs.setdefault(name, {})[file] = value
    host.counters = read_dev(dev)
    host.bonds = {name: read_bond(lines) for name, lines in bonding.items()}
    if "ip" in parts.texts:
        host.links = read_ip(parts["ip"])
        host.sysfs = {name: files for name, files in host.sysfs.items() if _is_same(files, host.links.get(name))}
    if "ifconfig" in parts.texts:
        host.addresses = read_ifconfig(parts["ifconfig"])
    elif "ip" not in parts.texts:
        host.addresses = read_proc_addresses(parts)
    return host


def _is_same(files: Mapping[str, str], link: Link | None) -> bool:
    return link is not None and files.get("ifindex") == str(link.ifindex)


def _index(name: str, host: _Host) -> int:
    link = host.links.get(name)
    return link.ifindex if link else natural(host.sysfs[name]["ifindex"])


def _mtu(name: str, host: _Host) -> int:
    link = host.links.get(name)
    return natural(link.words["mtu"] if link else host.sysfs[name]["mtu"])


def _kind(name: str, host: _Host) -> str:
    """What an interface is: of netlink's kinds, else a device behind it, else what sysfs gives away."""
    files, link = host.sysfs.get(name, {}), host.links.get(name)
    if files.get("type") == _LOOPBACK_TYPE or (link and "LOOPBACK" in link.flags):
        return "loopback"
    if link and link.kind:
        return link.kind
    if any(file.startswith("device/") for file in files):
        return "physical"
    if link and link.is_detailed and not files:
        return "physical"
    if kind := files.get("uevent/DEVTYPE"):
        return kind
    if "tun_flags" in files:
        return "tun"
    below = any(file.startswith("lower_") for file in files)
    return "veth" if files.get("iflink", "0") not in {"0", files.get("ifindex", "0")} and not below else "virtual"


def _nic(name: str, kinds: Mapping[str, str], mtus: Mapping[str, int], host: _Host) -> Nic:
    files, link, kind = host.sysfs.get(name, {}), host.links.get(name), kinds[name]
    other_end = _other_end(files, link, host)
    is_veth, is_device = kind == "veth", kind == "physical"

    def ethtool(question: str, read: Callable[[str], _T]) -> Maybe[_T]:
        if not is_device and f"ethtool -{question} {name}" not in host.parts.texts:
            return _NO_DEVICE
        return answer(host.parts, question, name, read)

    return Nic(
        name=name,
        ifindex=_index(name, host),
        kind=kind,
        driver=files.get("device/uevent/DRIVER", _NO_SYSFS if is_device and not files else _NO_DEVICE),
        mtu=mtus[name],
        operstate=files.get("operstate") or (link.words.get("state", "unknown").lower() if link else "unknown"),
        carrier=_carrier(files, link),
        carrier_changes=natural(files["carrier_changes"]) if "carrier_changes" in files else _NO_SYSFS,
        speed_mbps=_speed(files),
        duplex=_duplex(files),
        master=_master(files, link, host),
        lower="" if kind in _WITHOUT_LOWER else other_end,
        txqueuelen=_txqueuelen(files, link),
        numa_node=_numa_node(files) if is_device else _NO_DEVICE,
        rx_queues=_rx_queues(files),
        tx_queues=_tx_queues(files),
        rps_cpus=_rps_cpus(files),
        rings=ethtool("g", read_rings),
        channels=ethtool("l", read_channels),
        coalesce=ethtool("c", read_coalesce),
        offloads=ethtool("k", read_offloads),
        offloads_fixed=ethtool("k", read_fixed),
        counters=_counters(name, files, host),
        driver_counters=ethtool("S", read_statistics),
        addresses=tuple(link.addresses if link else host.addresses.get(name, ())),
        bond=host.bonds.get(name, Absent(AbsentReason.NOT_APPLICABLE, "not a bond")),
        peer_mtu=mtus[other_end] if is_veth and _is_pair(name, other_end, host) else 0,
    )


def _other_end(files: Mapping[str, str], link: Link | None, host: _Host) -> str:
    """The interface below, or the other end of a pair, when it is in this namespace."""
    if link is not None:
        if link.other_end:
            return link.other_end if link.other_end in host.links and link.other_end != link.name else ""
        if "dev" in link.details[:-1]:
            return link.details[link.details.index("dev") + 1]  # the underlay of a tunnel
    for file in files:
        if file.startswith("lower_"):
            return file[len("lower_") :].partition("/")[0]
    index = files.get("iflink", "")
    if link is None and index.isdigit() and index != files.get("ifindex"):
        return host.by_index.get(natural(index), "")
    return ""


def _is_pair(name: str, other: str, host: _Host) -> bool:
    """Whether two interfaces name one another: the ip of busybox shows a peer elsewhere by a local name."""
    if not other:
        return False
    return _other_end(host.sysfs.get(other, {}), host.links.get(other), host) == name


def _master(files: Mapping[str, str], link: Link | None, host: _Host) -> str:
    if link is not None:
        return link.words.get("master", "")
    index = files.get("master/ifindex", "")
    return host.by_index.get(natural(index), "") if index else ""


def _carrier(files: Mapping[str, str], link: Link | None) -> Maybe[bool]:
    if "carrier" in files:
        return files["carrier"] == "1"
    if link is None or "UP" not in link.flags:
        return _IS_DOWN
    return "LOWER_UP" in link.flags


def _speed(files: Mapping[str, str]) -> Maybe[int]:
    """Mbit/s; -1 and its unsigned twin mean unknown, and reading it of a link that is down is an error."""
    text = files.get("speed", "")
    if not text:
        return _silence(files)
    speed = integer(text)
    return speed if 0 < speed < 2**31 else _NO_SPEED


def _duplex(files: Mapping[str, str]) -> Maybe[str]:
    text = files.get("duplex", "")
    if not text:
        return _silence(files)
    return text if text in {"full", "half"} else _NO_SPEED


def _silence(files: Mapping[str, str]) -> Absent:
    """Why the kernel gave neither speed nor duplex."""
    if not files:
        return _NO_SYSFS
    return _NO_SPEED if files.get("operstate") in {"up", "unknown"} else _IS_DOWN


def _txqueuelen(files: Mapping[str, str], link: Link | None) -> Maybe[int]:
    if "tx_queue_len" in files:
        return natural(files["tx_queue_len"])
    return natural(link.words["qlen"]) if link and "qlen" in link.words else _NO_SYSFS


def _numa_node(files: Mapping[str, str]) -> Maybe[int]:
    node = files.get("device/numa_node") or files.get("device/../numa_node") or ""
    if not node:
        return _NO_SYSFS
    found = integer(node)
    return found if found >= 0 else Absent(AbsentReason.NOT_APPLICABLE, "the device belongs to no NUMA node")


def _rx_queues(files: Mapping[str, str]) -> Maybe[int]:
    """Queues in use, which sysfs alone tells: netlink has those that the driver asked for."""
    return sum(file.startswith("queues/rx-") for file in files) or _NO_SYSFS


def _tx_queues(files: Mapping[str, str]) -> Maybe[int]:
    return natural(files.get("tx_queues", "0")) or _NO_SYSFS


def _rps_cpus(files: Mapping[str, str]) -> tuple[str, ...]:
    masks = [(natural(file[10:].partition("/")[0]), mask) for file, mask in files.items() if file[:10] == "queues/rx-"]
    return tuple(mask for _, mask in sorted(masks))


def _counters(name: str, files: Mapping[str, str], host: _Host) -> dict[str, int]:
    found = {file[11:]: counter(value) for file, value in files.items() if file[:11] == "statistics/"}
    return found or host.counters.get(name, {})
