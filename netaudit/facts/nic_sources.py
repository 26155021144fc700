"""What was read of the interfaces of one host, by source. Joins nothing and judges nothing.

A /sys that was mounted in another network namespace speaks of other interfaces, at times of the same name: what it
says is kept only where the interface index agrees with that of ip.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from netaudit.facts.nic_addresses import read_ifconfig, read_proc_addresses
from netaudit.facts.nic_links import Link, read_bond, read_dev, read_ip
from netaudit.facts.parts import Parts
from netaudit.model.facts import Bond, InterfaceAddress

_PROC = "../../../proc/net/"


@dataclass(slots=True)
class Sources:
    """Everything by the name of the interface."""

    parts: Parts
    sysfs: dict[str, dict[str, str]] = field(default_factory=dict)  # interface -> file -> its first line
    links: Mapping[str, Link] = field(default_factory=dict)
    counters: Mapping[str, dict[str, int]] = field(default_factory=dict)
    addresses: Mapping[str, list[InterfaceAddress]] = field(default_factory=dict)
    bonds: dict[str, Bond] = field(default_factory=dict)
    asked: Collection[str] = ()  # interfaces that ethtool was asked about
    by_index: dict[int, str] = field(default_factory=dict)


def read_sources(parts: Parts) -> Sources:
    """What the parts of the section say."""
    host = Sources(parts)
    host.asked = {label.rpartition(" ")[2] for label in parts.texts if label.startswith("ethtool -")}
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
