"""Who manages the interfaces of a host, and where it keeps their settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ManagedLink:
    """One interface as its manager sees it. Files are absolute paths, or empty where there is none."""

    name: str
    address: str  # of the hardware
    has_own_address: bool  # whether it keeps that address over a boot
    manager: str  # NetworkManager, systemd-networkd, ifupdown, or empty
    link_file: str  # the .link file that udev applied
    network_file: str  # of networkd
    connection: str  # uuid of NetworkManager's connection
    connection_file: str
    connection_settings: Mapping[str, str]  # ethtool.NAME and 802-3-ethernet.mtu, as the connection has them


@dataclass(frozen=True, slots=True)
class Managers:
    """What could keep settings of interfaces over a boot of this host."""

    has_udev: bool
    systemd_version: int  # 0 where systemd is not installed
    has_netplan: bool
    has_if_up: bool  # whether ifupdown runs the scripts of /etc/network/if-up.d
    links: tuple[ManagedLink, ...]
    link_files: Mapping[str, tuple[str, ...]]  # .link file of this host's own -> lines of [Link] that set a device
