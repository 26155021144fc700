"""Which hosts a lab has, and what is wrong with each of them. Pure: names and values, nothing is set up here."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import StrEnum

MAX_HOSTS = 1000  # a Linux bridge takes 1024 ports (BR_MAX_PORTS)

_HEALTHY_SYSCTLS = {
    "net.core.somaxconn": "4096",
    "net.ipv4.tcp_keepalive_time": "300",
    "net.ipv4.tcp_mtu_probing": "1",
    "net.ipv4.conf.all.rp_filter": "2",
}


class Fault(StrEnum):
    """What is wrong with a lab host: each one a story from real fleets."""

    NONE = "healthy"
    SMALL_BACKLOG = "somaxconn and the application's backlog were never raised"
    LOST_AT_REBOOT = "right now, but the drop-in still holds the old value"
    STALE_LISTENER = "somaxconn was raised, the listener was never restarted"
    OTHER_MTU = "another MTU than its segment"
    NO_SYNCOOKIES = "SYN cookies and SACK were switched off by an old tuning guide"
    SHORT_FIN_TIMEOUT = "tcp_fin_timeout lowered, with a waiver"
    CLOBBERED = "right at boot, but sysctl --system would overwrite it from /etc/sysctl.conf"
    UNPRIVILEGED = "the login is not root"
    UNREACHABLE = "nothing answers on its SSH port"


# The order in which hosts get their faults; then it repeats. Two of three hosts are healthy.
_CYCLE = (
    Fault.NONE, Fault.SMALL_BACKLOG, Fault.NONE, Fault.NONE, Fault.LOST_AT_REBOOT, Fault.STALE_LISTENER, Fault.NONE,
    Fault.OTHER_MTU, Fault.NONE, Fault.SHORT_FIN_TIMEOUT, Fault.NONE, Fault.UNREACHABLE, Fault.NONE, Fault.NONE,
    Fault.NO_SYNCOOKIES, Fault.NONE, Fault.NONE, Fault.CLOBBERED, Fault.NONE, Fault.NONE, Fault.UNPRIVILEGED,
    Fault.NONE, Fault.NONE, Fault.NONE,
)  # fmt: skip
_GROUPS = ("web", "web", "web", "api", "api", "db")


@dataclass(frozen=True, slots=True)
class ListenerPlan:
    """One process of a lab host and the sockets it holds."""

    process: str
    ports: tuple[int, ...]
    backlog: int


@dataclass(frozen=True, slots=True)
class HostPlan:
    """One host of the lab."""

    name: str
    group: str
    address: str
    fault: Fault
    user: str = "root"
    mtu: int = 1500
    sysctl: dict[str, str] = field(default_factory=dict)  # in force before the listeners start
    sysctl_after: dict[str, str] = field(default_factory=dict)  # set once they run
    dropin: dict[str, str] = field(default_factory=dict)  # /etc/sysctl.d/60-site.conf
    sysctl_conf: dict[str, str] = field(default_factory=dict)  # /etc/sysctl.conf
    listeners: tuple[ListenerPlan, ...] = ()

    @property
    def runs(self) -> bool:
        """Whether there is anything behind the address."""
        return self.fault is not Fault.UNREACHABLE


def _services(group: str, backlog: int) -> tuple[ListenerPlan, ...]:
    process, port = {"web": ("shop-web", 8080), "api": ("shop-api", 9000), "db": ("shop-db", 5432)}[group]
    return (ListenerPlan(process, (port,), backlog),)


def _host(name: str, group: str, address: str, fault: Fault) -> HostPlan:
    good = dict(_HEALTHY_SYSCTLS)
    services = _services(group, 4096)
    base = HostPlan(name, group, address, fault, sysctl=good, dropin=good, listeners=services)
    old = good | {"net.core.somaxconn": "128"}

    def but(**changes: object) -> HostPlan:
        values = {slot: getattr(base, slot) for slot in HostPlan.__slots__}
        return HostPlan(**(values | changes))

    match fault:
        case Fault.SMALL_BACKLOG:
            return but(sysctl=old, dropin=old, listeners=_services(group, 128))
        case Fault.LOST_AT_REBOOT:
            return but(dropin=old)
        case Fault.STALE_LISTENER:
            return but(sysctl=old, sysctl_after={"net.core.somaxconn": "4096"})
        case Fault.OTHER_MTU:
            return but(mtu=1400)
        case Fault.NO_SYNCOOKIES:
            bad = good | {"net.ipv4.tcp_syncookies": "0", "net.ipv4.tcp_sack": "0"}
            return but(sysctl=bad, dropin=bad)
        case Fault.SHORT_FIN_TIMEOUT:
            bad = good | {"net.ipv4.tcp_fin_timeout": "5"}
            return but(sysctl=bad, dropin=bad)
        case Fault.CLOBBERED:
            return but(sysctl_conf={"net.core.somaxconn": "1024"})
        case Fault.UNPRIVILEGED:
            return but(user="auditor")
        case _:
            return base


def plan_hosts(count: int, network: ipaddress.IPv4Network, *, healthy: bool = False) -> tuple[HostPlan, ...]:
    """The plan of ``count`` hosts in ``network``; the first address there is the controller's.

    With ``healthy`` nothing is wrong with any of them. Raises ValueError when the network or a bridge cannot hold them.
    """
    if not 1 <= count <= min(MAX_HOSTS, network.num_addresses - 3):
        raise ValueError(f"a lab holds 1 to {min(MAX_HOSTS, network.num_addresses - 3)} hosts, not {count}")
    first = int(network.network_address) + 2
    numbers: dict[str, int] = {}
    plans = []
    for place in range(count):
        group = _GROUPS[place % len(_GROUPS)]
        numbers[group] = numbers.get(group, 0) + 1
        name = f"{group}{numbers[group]:02d}"
        fault = Fault.NONE if healthy else _CYCLE[place % len(_CYCLE)]
        plans.append(_host(name, group, str(ipaddress.IPv4Address(first + place)), fault))
    return tuple(plans)
