"""Network interfaces: the domain ``nics``. Joins what sysfs, ip, /proc/net/dev and ethtool say of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from netaudit.facts.nic_ethtool import (
    answer,
    read_channels,
    read_coalesce,
    read_fixed,
    read_offloads,
    read_rings,
    read_statistics,
)
from netaudit.facts.nic_links import Link
from netaudit.facts.nic_sources import Sources, read_sources
from netaudit.facts.numbers import counter, integer, natural
from netaudit.facts.parts import split_parts
from netaudit.facts.rss import read_rss
from netaudit.model.facts import Channels, Nic
from netaudit.model.probe import Section
from netaudit.model.reading import Absent, AbsentReason, Maybe

MAX_NICS = 2000

_T = TypeVar("_T")
_WITHOUT_LOWER = frozenset({"veth", "bridge", "bond", "team", "vrf"})  # what stands below these are their members
_LOOPBACK_TYPE = "772"  # ARPHRD_LOOPBACK
_NO_SYSFS = Absent(AbsentReason.NOT_PRESENT, "/sys was mounted in another network namespace")
_NO_SEPARATE = Absent(AbsentReason.NOT_APPLICABLE, "the driver has one queue for both directions")
_NO_DEVICE = Absent(AbsentReason.NOT_APPLICABLE, "no device is behind this interface")
_IS_DOWN = Absent(AbsentReason.NOT_APPLICABLE, "the interface is down")
_NO_BOND = Absent(AbsentReason.NOT_APPLICABLE, "not a bond")
_ONE_QUEUE = Absent(AbsentReason.NOT_APPLICABLE, "the device has one receive queue")
_ONE_CHANNEL = Channels(1, 1, _NO_SEPARATE, _NO_SEPARATE)  # the probe does not ask about the only possible answer
_NO_SPEED = Absent(AbsentReason.NOT_APPLICABLE, "the driver does not tell")


def parse_nics(section: Section) -> tuple[Nic, ...]:
    """Every interface of the audited namespace, by index."""
    host = read_sources(split_parts(section))
    names = list(host.links or host.counters or host.sysfs)[:MAX_NICS]
    indexes = {name: _index(name, host) for name in names}
    host.by_index = {index: name for name, index in indexes.items()}
    kinds = {name: _kind(name, host) for name in names}
    mtus = {name: _mtu(name, host) for name in names}
    nics = [_nic(name, kinds, mtus, host) for name in names]
    return tuple(sorted(nics, key=lambda nic: nic.ifindex))


def _index(name: str, host: Sources) -> int:
    link = host.links.get(name)
    return link.ifindex if link else natural(host.sysfs[name]["ifindex"])


def _mtu(name: str, host: Sources) -> int:
    link = host.links.get(name)
    return natural(link.words["mtu"] if link else host.sysfs[name]["mtu"])


def _kind(name: str, host: Sources) -> str:
    """What an interface is: of netlink's kinds, else a device behind it, else what sysfs gives away."""
    files, link = host.sysfs.get(name, {}), host.links.get(name)
    if files.get("type") == _LOOPBACK_TYPE or (link and "LOOPBACK" in link.flags):
        return "loopback"
    if link and link.kind:
        return link.kind
    if any(file.startswith("device/") for file in files):
        return "physical"
    if link and link.is_detailed and not host.sysfs:
        return "physical"  # which has no kind; sysfs, that could tell, is another namespace's
    if kind := files.get("uevent/DEVTYPE"):
        return kind
    if "tun_flags" in files:
        return "tun"
    below = any(file.startswith("lower_") for file in files)
    return "veth" if files.get("iflink", "0") not in {"0", files.get("ifindex", "0")} and not below else "virtual"


def _nic(name: str, kinds: Mapping[str, str], mtus: Mapping[str, int], host: Sources) -> Nic:
    files, link, kind = host.sysfs.get(name, {}), host.links.get(name), kinds[name]
    other_end = _other_end(files, link, host)
    operstate = files.get("operstate") or (link.words.get("state", "unknown").lower() if link else "unknown")
    is_veth, is_device = kind == "veth", kind == "physical"
    rx_queues = _rx_queues(files)
    unread = _NO_SYSFS if is_device and not files else _NO_DEVICE  # with ip, sysfs is read of devices alone

    def ethtool(question: str, read: Callable[[str], _T]) -> Maybe[_T]:
        if not is_device and (name not in host.asked or f"ethtool -{question} {name}" not in host.parts.texts):
            return _NO_DEVICE
        return answer(host.parts, question, name, read)

    return Nic(
        name=name,
        ifindex=_index(name, host),
        kind=kind,
        driver=files.get("device/uevent/DRIVER", unread),
        mtu=mtus[name],
        operstate=operstate,
        carrier=_carrier(files, link),
        carrier_changes=_carrier_changes(files, link, unread),
        speed_mbps=_speed(files, operstate) if files else unread,
        duplex=_duplex(files, operstate) if files else unread,
        master=_master(files, link, host),
        lower="" if kind in _WITHOUT_LOWER else other_end,
        txqueuelen=_txqueuelen(files, link),
        numa_node=_numa_node(files, unread),
        rx_queues=rx_queues or unread,
        tx_queues=natural(files.get("tx_queues", "0")) or unread,
        rps_cpus=_rps_cpus(files),
        rings=ethtool("g", read_rings),
        channels=_ONE_CHANNEL if link and link.has_one_queue and is_device else ethtool("l", read_channels),
        coalesce=ethtool("c", read_coalesce),
        offloads=ethtool("k", read_offloads),
        offloads_fixed=ethtool("k", read_fixed),
        counters=_counters(name, files, host),
        driver_counters=ethtool("S", read_statistics),
        addresses=link.addresses if link else tuple(host.addresses.get(name, ())),
        bond=host.bonds.get(name, _NO_BOND),
        peer_mtu=mtus[other_end] if is_veth and _is_pair(name, other_end, host) else 0,
        rss=_ONE_QUEUE if is_device and rx_queues == 1 else ethtool("x", read_rss),
    )


def _other_end(files: Mapping[str, str], link: Link | None, host: Sources) -> str:
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


def _is_pair(name: str, other: str, host: Sources) -> bool:
    """Whether two interfaces name one another: the ip of busybox shows a peer elsewhere by a local name."""
    if not other:
        return False
    return _other_end(host.sysfs.get(other, {}), host.links.get(other), host) == name


def _master(files: Mapping[str, str], link: Link | None, host: Sources) -> str:
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


def _carrier_changes(files: Mapping[str, str], link: Link | None, unread: Absent) -> Maybe[int]:
    if link is not None and link.carrier_changes is not None:
        return link.carrier_changes
    return natural(files["carrier_changes"]) if "carrier_changes" in files else unread


def _speed(files: Mapping[str, str], operstate: str) -> Maybe[int]:
    """Mbit/s; -1 and its unsigned twin mean unknown, and reading it of a link that is down is an error."""
    text = files.get("speed", "")
    if not text:
        return _silence(operstate)
    speed = integer(text)
    return speed if 0 < speed < 2**31 else _NO_SPEED


def _duplex(files: Mapping[str, str], operstate: str) -> Maybe[str]:
    text = files.get("duplex", "")
    if not text:
        return _silence(operstate)
    return text if text in {"full", "half"} else _NO_SPEED


def _silence(operstate: str) -> Absent:
    """Why the kernel gave neither speed nor duplex."""
    return _NO_SPEED if operstate in {"up", "unknown"} else _IS_DOWN


def _txqueuelen(files: Mapping[str, str], link: Link | None) -> Maybe[int]:
    """Packets; ip does not print a length of zero."""
    if link is not None:
        return natural(link.words.get("qlen", "0"))
    return natural(files["tx_queue_len"]) if "tx_queue_len" in files else _NO_SYSFS


def _numa_node(files: Mapping[str, str], unread: Absent) -> Maybe[int]:
    node = files.get("device/numa_node") or files.get("device/../numa_node") or ""
    if not node:
        return unread
    found = integer(node)
    return found if found >= 0 else Absent(AbsentReason.NOT_APPLICABLE, "the device belongs to no NUMA node")


def _rx_queues(files: Mapping[str, str]) -> int:
    """Queues in use, which sysfs alone tells: netlink has those that the driver asked for."""
    return sum(file.startswith("queues/rx-") for file in files)


def _rps_cpus(files: Mapping[str, str]) -> tuple[str, ...]:
    masks = [(natural(file[10:].partition("/")[0]), mask) for file, mask in files.items() if file[:10] == "queues/rx-"]
    return tuple(mask for _, mask in sorted(masks))


def _counters(name: str, files: Mapping[str, str], host: Sources) -> Mapping[str, int]:
    """What ip counts, else the files of sysfs, else /proc/net/dev."""
    link = host.links.get(name)
    if link is not None and link.counters:
        return link.counters
    found = {file[11:]: counter(value) for file, value in files.items() if file[:11] == "statistics/"}
    return found or host.counters.get(name, {})
