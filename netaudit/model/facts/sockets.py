"""Sockets, the tables that hold flows and neighbours, and how full they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netaudit.model.reading import Maybe


@dataclass(frozen=True, slots=True)
class Listener:
    """One listening TCP socket or one bound UDP socket, as ss(8) shows it.

    For TCP ``queue`` is the number of connections waiting for accept() (Recv-Q) and ``backlog`` the limit in force
    since listen() was called (Send-Q); only ss can tell it. For UDP ``queue`` is bytes in the receive buffer and
    ``backlog`` is 0. A socket that several processes share is named after the oldest of them; ``pids`` are all.
    """

    protocol: str  # "tcp" or "udp"
    address: str  # without brackets; "*" for a dual-stack wildcard
    port: int
    queue: int
    backlog: Maybe[int]
    device: str = ""  # SO_BINDTODEVICE
    process: Maybe[str] = ""  # empty: held by no process that could be seen
    pid: Maybe[int] = 0  # 0 as above
    inode: int = 0
    unit: str = ""  # systemd unit that created it, from its control group; empty where ss does not say
    pids: Maybe[tuple[int, ...]] = ()  # of all processes that hold it

    @property
    def endpoint(self) -> str:
        """Address, device and port as one writes them: ``10.0.0.1:80``, ``[::]:80``, ``[fe80::1]%eth0:546``."""
        return _endpoint(f"{_bracketed(self.address)}%{self.device}" if self.device else self.address, self.port)

    @property
    def is_loopback(self) -> bool:
        """Whether only this host itself can reach it."""
        return (
            self.address.startswith(("127.", "::ffff:127.")) or self.address in {"::1", "[::1]"} or self.device == "lo"
        )

    @property
    def is_wildcard(self) -> bool:
        """Whether it listens on every address."""
        return self.address in {"0.0.0.0", "::", "*"}  # noqa: S104  # compared, not bound


@dataclass(frozen=True, slots=True)
class Destination:
    """Connections from one local address to one remote address and port, in every state but LISTEN.

    Those that came in by a port of this host's own listeners are not among them: they take no ephemeral port.
    """

    local_address: str
    peer_address: str
    peer_port: int
    count: int

    @property
    def peer(self) -> str:
        """Remote address and port as one writes them: ``10.0.0.1:80``, ``[2001:db8::1]:80``."""
        return _endpoint(self.peer_address, self.peer_port)


@dataclass(frozen=True, slots=True)
class PortCount:
    """Sockets of one state at one local port."""

    port: int
    count: int


@dataclass(frozen=True, slots=True)
class UdpSocket:
    """One bound UDP socket: how full its receive buffer is, and what it dropped since it was opened."""

    address: str
    port: int
    queue_bytes: int
    buffer_bytes: int | None
    drops: int
    inode: int
    process: Maybe[str] = ""  # as in Listener

    @property
    def endpoint(self) -> str:
        """Address and port as one writes them: ``10.0.0.1:53``, ``[::]:53``."""
        return _endpoint(self.address, self.port)


@dataclass(frozen=True, slots=True)
class Sockets:
    """TCP sockets by state, and the groups that checks ask about; lists are the largest first, 50 at most."""

    tcp_states: Mapping[str, int]  # "ESTAB", "TIME-WAIT", "CLOSE-WAIT", …: the words of ss(8)
    busiest_destinations: tuple[Destination, ...]
    close_wait_by_port: tuple[PortCount, ...]
    syn_recv_by_port: tuple[PortCount, ...]
    unread_established: int  # ESTAB with Recv-Q above 0
    persist_timers: int  # ESTAB whose peer advertised a zero window
    largest_unread_bytes: int  # the largest Recv-Q of an ESTAB socket
    udp: tuple[UdpSocket, ...]  # those with drops first
    truncated: bool = False  # more sockets than the probe reads: the groups are lower bounds, the states are not


@dataclass(frozen=True, slots=True)
class Conntrack:
    """Connection tracking in the audited namespace: nf_conntrack-sysctl of the kernel documentation.

    ``stats`` sums the per-CPU rows of /proc/net/stat/nf_conntrack by the names of its header line.
    """

    count: Maybe[int]
    max: Maybe[int]  # entries, for the whole host; 0 is unlimited
    buckets: Maybe[int]
    hashsize: Maybe[int]  # the module parameter
    entry_bytes: Maybe[int]  # object size of the slab cache; needs root
    stats: Maybe[Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The ARP and NDISC tables.

    Entries are those of all namespaces where the kernel says so (in the initial one), else those of the audited one.
    """

    ipv4_entries: Maybe[int]
    ipv6_entries: Maybe[int]
    ipv4_failed: Maybe[int]  # entries in state FAILED or INCOMPLETE
    ipv6_failed: Maybe[int]
    ipv4_stats: Maybe[Mapping[str, int]]  # /proc/net/stat/arp_cache, summed over CPUs
    ipv6_stats: Maybe[Mapping[str, int]]  # /proc/net/stat/ndisc_cache


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address and not address.startswith("[") else address


def _endpoint(address: str, port: int) -> str:
    return f"{_bracketed(address)}:{port}"
