"""Interfaces, queues, routes and filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from netaudit.model.reading import Absent, AbsentReason, Maybe


@dataclass(frozen=True, slots=True)
class Rings:
    """Descriptors of ``ethtool -g``: in force and the driver's maximum."""

    rx_slots: Maybe[int]
    rx_max_slots: Maybe[int]
    tx_slots: Maybe[int]
    tx_max_slots: Maybe[int]


@dataclass(frozen=True, slots=True)
class Channels:
    """Queues of ``ethtool -l``: in force and the driver's maximum."""

    combined: Maybe[int]
    combined_max: Maybe[int]
    rx: Maybe[int]
    rx_max: Maybe[int]


@dataclass(frozen=True, slots=True)
class Coalesce:
    """Interrupt moderation of ``ethtool -c``."""

    adaptive_rx: Maybe[bool]
    rx_usecs: Maybe[int]
    rx_frames: Maybe[int]


@dataclass(frozen=True, slots=True)
class Rss:
    """Receive side scaling, ``ethtool -x``: the indirection table, which gives the hash of a flow its queue."""

    rings: int  # receive queues that the table can name
    entries: int  # of the table
    weights: tuple[int, ...]  # how many entries name each queue, from queue 0 on
    words: Maybe[str]  # the table as ethtool -X sets it: "equal 4", "weight 6 2"; absent where no such words make it

    @property
    def queues_used(self) -> int:
        """How many queues the table names: no flow reaches the others by their hash."""
        return sum(1 for weight in self.weights if weight)


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """One address of an interface; ``network`` is its subnet in CIDR form."""

    family: str  # "inet" or "inet6"
    address: str
    prefix_length: int
    network: str
    scope: str  # "global", "link", "host"


@dataclass(frozen=True, slots=True)
class Bond:
    """One bonding device: /proc/net/bonding/*."""

    mode: str
    xmit_hash_policy: str
    members: int
    active_members: int
    link_failures: int


@dataclass(frozen=True, slots=True)
class Nic:
    """One network interface. ``kind`` is physical, veth, bridge, bond, vlan, vxlan, tun, wireguard, loopback, virtual…

    ``counters`` bear the names of /sys/class/net/DEV/statistics, ``driver_counters`` those of ``ethtool -S``; a driver
    that repeats a name for each queue has them summed. Speed, duplex and queues are read where a device is behind it.
    """

    name: str
    ifindex: int
    kind: str
    driver: Maybe[str]
    mtu: int  # bytes
    operstate: str  # "up", "down", "unknown", …
    carrier: Maybe[bool]
    carrier_changes: Maybe[int]
    speed_mbps: Maybe[int]
    duplex: Maybe[str]
    master: str  # bridge or bond it belongs to, or empty
    lower: str  # device below a VLAN or tunnel, or empty
    txqueuelen: Maybe[int]  # packets
    numa_node: Maybe[int]
    rx_queues: Maybe[int]
    tx_queues: Maybe[int]
    rps_cpus: tuple[str, ...]  # mask per rx queue, as the kernel prints it
    rings: Maybe[Rings]
    channels: Maybe[Channels]
    coalesce: Maybe[Coalesce]
    offloads: Maybe[Mapping[str, bool]]  # feature name of ethtool -k -> on
    offloads_fixed: Maybe[tuple[str, ...]]
    counters: Mapping[str, int]
    driver_counters: Maybe[Mapping[str, int]]
    addresses: tuple[InterfaceAddress, ...]
    bond: Maybe[Bond]
    peer_mtu: Maybe[int] = 0  # of a veth whose other end is in the same namespace; 0 when there is none
    rss: Maybe[Rss] = Absent(AbsentReason.NOT_ASKED, "ethtool was not asked")  # of a device with several queues

    @property
    def is_physical(self) -> bool:
        """Whether a device of the machine (or of its hypervisor) is behind it."""
        return self.kind == "physical"

    @property
    def is_up(self) -> bool:
        """Whether it carries traffic; many virtual devices answer ``unknown``."""
        return self.operstate in {"up", "unknown"}


@dataclass(frozen=True, slots=True)
class SoftnetCpu:
    """One row of /proc/net/softnet_stat, since boot."""

    cpu: int
    processed: int
    dropped: int
    time_squeeze: int
    received_rps: int
    flow_limit: int


@dataclass(frozen=True, slots=True)
class Irq:
    """One interrupt line of a network device."""

    irq: int
    device: str  # the interface it belongs to
    counts: tuple[int, ...]  # per CPU, since boot
    affinity: Maybe[str]  # smp_affinity_list
    name: str = ""  # as in /proc/interrupts: "virtio2-input.0", "eth0-TxRx-3", …


@dataclass(frozen=True, slots=True)
class Softnet:
    """Where packets are received: per CPU, host-wide even when read inside a namespace."""

    cpus: tuple[SoftnetCpu, ...]
    irqs: tuple[Irq, ...]
    net_rx_by_cpu: tuple[int, ...]  # /proc/softirqs, since boot
    softirq_ratio_by_cpu: tuple[float, ...]  # share of CPU time since boot: /proc/stat
    steal_ratio: float  # share of CPU time since boot, over all CPUs


@dataclass(frozen=True, slots=True)
class Qdisc:
    """One queueing discipline of ``tc -s qdisc``."""

    device: str
    kind: str
    handle: str
    parent: str  # "root" or the handle above
    sent_bytes: int
    sent_packets: int
    dropped: int
    overlimits: int
    requeues: int
    backlog_packets: int


@dataclass(frozen=True, slots=True)
class Route:
    """One route. Empty or None: not said on the route."""

    family: str  # "inet" or "inet6"
    table: str
    kind: str  # "unicast", "blackhole", "unreachable", …
    destination: str  # CIDR or "default"
    gateway: str
    device: str
    source: str
    metric: int | None
    mtu: int | None
    initcwnd: int | None
    initrwnd: int | None
    advmss: int | None
    protocol: str = ""  # who made it: kernel, static, ra, dhcp, …
    locked: tuple[str, ...] = ()  # of mtu, advmss, …: what discovery and peers cannot change (``mtu lock 1400``)
    further: tuple[str, ...] = ()  # what else ip-route(8) says of it, word by word: ``hoplimit 64``, ``pref medium``


_HALVES = ("0.0.0.0/1", "128.0.0.0/1")


@dataclass(frozen=True, slots=True)
class Routing:
    """Routes (500 at most; local, broadcast and multicast ones are left out) and the IPv4 policy rules.

    ``policy_rules`` counts the rules beyond the three standard ones. A route of several next hops is one entry each.
    """

    routes: tuple[Route, ...]
    policy_rules: Maybe[int]
    truncated: bool = False

    @property
    def ways_out(self) -> tuple[Route, ...]:
        """The IPv4 routes of the main table that lead everywhere.

        A VPN client leaves the default route alone and adds the two halves of all addresses, which go before it
        whatever its metric: the two through one interface are one way here, with a metric of -1.
        """
        main = [
            route
            for route in self.routes
            if route.family == "inet" and route.kind == "unicast" and route.table in {"main", "254", ""}
        ]
        lower = [route for route in main if route.destination == _HALVES[0]]
        upper = {route.device for route in main if route.destination == _HALVES[1]}
        halves = [replace(route, destination=" ".join(_HALVES), metric=-1) for route in lower if route.device in upper]
        return (*halves, *(route for route in main if route.destination in {"default", "0.0.0.0/0"}))


@dataclass(frozen=True, slots=True)
class FirewallRule:
    """One rule that bears on a check, with the text it was printed in."""

    chain: str  # "table chain" or the iptables chain
    hook: str  # "input", "output", "forward", "prerouting", "postrouting" or empty
    text: str
    is_blanket: bool = False  # of icmp_drops: it names no type of message
    reached: str = ""  # of icmp_drops, by these messages: "yes", "no" (accepted before), "perhaps" (chains decide)


@dataclass(frozen=True, slots=True)
class Firewall:
    """What nftables and iptables hold, as far as checks ask: rules of a few kinds, and the number of all.

    ``icmp_drops`` are rules that drop the messages path MTU discovery needs: fragmentation needed, packet too big.
    """

    rules: int
    uses_conntrack: bool
    notrack: tuple[FirewallRule, ...]
    stateful_drops: tuple[FirewallRule, ...]  # drop of ct state invalid/new, or a chain policy drop with ct state
    icmp_drops: tuple[FirewallRule, ...]
    mss_clamps: tuple[FirewallRule, ...]
    truncated: bool = False  # more rules of these kinds than the probe sends


@dataclass(frozen=True, slots=True)
class PathProbe:
    """What ``ping`` said of the way to one declared peer. Ratios run from 0 to 1."""

    peer: str
    small_loss_ratio: Maybe[float]
    rtt_avg_ms: float | None
    df_size_bytes: Maybe[int]  # size of the IP packet that was sent with DF
    df_loss_ratio: Maybe[float]
    frag_needed_mtu: int | None  # the MTU an ICMP message told of, or the kernel had learnt
    device: str = ""  # the interface towards the peer
