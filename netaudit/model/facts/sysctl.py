"""Kernel settings: running, at the next boot, and in each network namespace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from netaudit.model.facts.sockets import Listener
from netaudit.model.reading import Absent, Maybe


@dataclass(frozen=True, slots=True)
class Sysctls:
    """Running values. A name is written as sysctl(8) does: a dot inside a path segment becomes a slash.

    ``values`` holds the text the kernel printed, tabs and runs of blanks as one space, no newline at the end.
    ``absent`` names the keys that exist and could not be read, each with its reason.
    """

    values: Mapping[str, str]
    absent: Mapping[str, Absent]


@dataclass(frozen=True, slots=True)
class PersistedValue:
    """The assignment that wins under one loader, and where it stands."""

    value: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class PersistedFile:
    """One file of settings, as found. ``masked`` when a file of the same name in a higher directory replaces it."""

    path: str
    digest: str  # sha256 hex of its lines without comments and empty ones
    masked: bool = False
    target: str = ""  # where it points to, if it is a link


@dataclass(frozen=True, slots=True)
class Persisted:
    """What the next boot sets (systemd-sysctl(8)) and what ``sysctl --system`` (sysctl(8), procps) sets.

    The two differ: systemd-sysctl does not read /etc/sysctl.conf, and applies a key at its first place with its last
    value. Globs are resolved against the running keys. ``problems`` are lines that neither loader can use. Where
    systemd-sysctl is not installed or masked, ``boot`` is what ``sysctl --system`` sets.
    """

    boot: Mapping[str, PersistedValue]
    system: Mapping[str, PersistedValue]
    files: tuple[PersistedFile, ...]
    problems: tuple[str, ...]  # "file:line: what"
    modules_load: tuple[str, ...]  # modules named in modules-load.d
    module_options: Mapping[str, str]  # module -> options of modprobe.d
    systemd: bool  # whether systemd-sysctl runs at boot here


@dataclass(frozen=True, slots=True)
class LinkEnd:
    """The other end of a link: an interface of another network namespace of the same host."""

    namespace: str  # its name; empty for the one that was audited
    name: str
    mtu: int


@dataclass(frozen=True, slots=True)
class Namespace:
    """One network namespace besides the one that was audited: named, or that of a container."""

    inode: int
    name: str  # of ip-netns(8), else the container or process it belongs to
    pid: int | None  # a process inside it
    process: str  # its command name
    sysctl: Maybe[Mapping[str, str]]  # the per-namespace settings read in it
    listeners: Maybe[tuple[Listener, ...]]
    link_mtus: Maybe[Mapping[str, int]]  # interface -> MTU in bytes
    is_named: bool = False  # whether ip-netns(8) knows it by that name
    link_peers: Mapping[str, LinkEnd] = field(default_factory=dict)  # interface -> its other end, where that was seen

    @property
    def unequal_links(self) -> tuple[str, ...]:
        """The links whose two ends have different MTUs, each in words."""
        mtus = {} if isinstance(self.link_mtus, Absent) else self.link_mtus
        return tuple(
            f"{name} has {mtus[name]} and its other end, {end.name} of "
            f"{f'netns {end.namespace}' if end.namespace else 'the host'}, {end.mtu}"
            for name, end in sorted(self.link_peers.items())
            if mtus.get(name, end.mtu) != end.mtu
        )
