"""What is known of one host: one record per domain, every domain known or absent with its reason.

Rules name facts by these attribute names (``facts.memory.total_bytes``), and ``netaudit facts`` prints them.
Quantities carry their unit in the name; a ratio runs from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from netaudit.model.facts.flows import Connection, DropRule, FlowGroup, Talkers
from netaudit.model.facts.host import (
    Cpu,
    Kernel,
    KernelLog,
    KernelLogLine,
    Limits,
    LimitsLine,
    Memory,
    ProcessLimits,
    Tracing,
    TracingProcess,
    Writer,
)
from netaudit.model.facts.managers import ManagedLink, Managers
from netaudit.model.facts.net import (
    Bond,
    Channels,
    Coalesce,
    Firewall,
    FirewallRule,
    InterfaceAddress,
    Irq,
    Nic,
    PathProbe,
    Qdisc,
    Rings,
    Route,
    Routing,
    Rss,
    Softnet,
    SoftnetCpu,
)
from netaudit.model.facts.sockets import Conntrack, Destination, Listener, Neighbours, PortCount, Sockets, UdpSocket
from netaudit.model.facts.sysctl import Namespace, Persisted, PersistedFile, PersistedValue, Sysctls
from netaudit.model.reading import Absent, AbsentReason, Maybe

OwnValue: TypeAlias = bool | int | float | str  # what a user's own probe says of one of its names

__all__ = [
    "Bond", "Channels", "Coalesce", "Connection", "Conntrack", "Cpu", "Destination", "DropRule", "Facts", "Firewall",
    "FirewallRule", "FlowGroup", "InterfaceAddress", "Irq", "Kernel", "KernelLog", "KernelLogLine", "Limits",
    "LimitsLine", "Listener", "ManagedLink", "Managers", "Memory", "Namespace", "Neighbours", "Nic",
    "OwnValue", "PathProbe", "Persisted", "PersistedFile", "PersistedValue", "PortCount",
    "ProcessLimits", "Qdisc", "Rings", "Route", "Routing", "Rss", "Sockets", "Softnet", "SoftnetCpu", "Sysctls",
    "Talkers", "Tracing", "TracingProcess", "UdpSocket", "Writer",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """One host at one moment."""

    host: str
    address: str
    taken_at: datetime  # UTC, by the controller's clock
    sysctl: Maybe[Sysctls]
    netstat: Maybe[Mapping[str, int]]  # TcpExt.*, IpExt.*, MPTcpExt.*: /proc/net/netstat
    snmp: Maybe[Mapping[str, int]]  # Ip.*, Icmp.*, Tcp.*, Udp.*: /proc/net/snmp
    snmp6: Maybe[Mapping[str, int]]  # Ip6*, Icmp6*, Udp6*: /proc/net/snmp6
    sockstat: Maybe[Mapping[str, int]]  # TCP.inuse, TCP.mem, …: /proc/net/sockstat and sockstat6
    sockets: Maybe[Sockets]
    listeners: Maybe[tuple[Listener, ...]]
    nics: Maybe[tuple[Nic, ...]]
    softnet: Maybe[Softnet]
    qdiscs: Maybe[tuple[Qdisc, ...]]
    routing: Maybe[Routing]
    neighbours: Maybe[Neighbours]
    conntrack: Maybe[Conntrack]
    firewall: Maybe[Firewall]
    memory: Maybe[Memory]
    cpu: Maybe[Cpu]
    kernel: Maybe[Kernel]
    limits: Maybe[Limits]
    persisted: Maybe[Persisted]
    writers: Maybe[tuple[Writer, ...]]
    namespaces: Maybe[tuple[Namespace, ...]]
    kernel_log: Maybe[KernelLog]
    tracing: Maybe[Tracing]
    paths: Maybe[tuple[PathProbe, ...]]
    talkers: Maybe[Talkers] = Absent(AbsentReason.NOT_ASKED)  # only asked where two moments are compared
    drop_rules: Maybe[tuple[DropRule, ...]] = Absent(AbsentReason.NOT_ASKED)  # as above
    managers: Maybe[Managers] = Absent(AbsentReason.NOT_ASKED)  # only asked where changes are planned
    own: Maybe[Mapping[str, Maybe[Mapping[str, OwnValue]]]] = Absent(AbsentReason.NOT_ASKED)  # of a user's own probes
