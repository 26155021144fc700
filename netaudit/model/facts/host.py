"""The machine itself: memory, processors, kernel, limits, and who else writes its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from netaudit.model.reading import Absent, AbsentReason, Maybe


@dataclass(frozen=True, slots=True)
class Memory:
    """From /proc/meminfo."""

    total_bytes: int
    available_bytes: Maybe[int]
    page_bytes: int
    slab_unreclaimable_bytes: Maybe[int]


@dataclass(frozen=True, slots=True)
class Cpu:
    """Processors that are online."""

    count: int
    model: str
    numa_nodes: int


@dataclass(frozen=True, slots=True)
class Kernel:
    """Kernel, boot and distribution. ``version`` is (major, minor, patch) of ``release``."""

    release: str
    version: tuple[int, int, int]
    machine: str
    command_line: str
    uptime_s: float
    boot_id: str
    distribution: str  # "debian 12"
    init: str  # "systemd", "openrc", "busybox", …: the command name of process 1
    virtualization: str  # "none", "kvm", "xen", "container", …
    hostname: str
    modules: Maybe[tuple[str, ...]]  # loaded modules: /proc/modules
    is_initial_namespace: Maybe[bool]  # whether the audited network namespace is the kernel's first one
    clock_s: float  # the host's own time, seconds since the epoch
    is_root: Maybe[bool] = Absent(AbsentReason.NOT_ASKED)  # whether the host was read as its root


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """One process that listens. Times are seconds since its start."""

    pid: int
    process: str
    unit: str  # systemd unit, from its cgroup, or empty
    user: str
    nofile_soft: Maybe[int]
    nofile_hard: Maybe[int]
    open_files: Maybe[int]
    age_s: Maybe[float]

    @property
    def free_files(self) -> Maybe[int]:
        """How many more files it may open; below 0 where some were opened before the limit was lowered."""
        if isinstance(self.nofile_soft, Absent):
            return self.nofile_soft
        return self.open_files if isinstance(self.open_files, Absent) else self.nofile_soft - self.open_files


@dataclass(frozen=True, slots=True)
class LimitsLine:
    """One nofile line of limits.conf(5)."""

    file: str
    line: int
    domain: str
    kind: str  # "soft", "hard" or "-"
    value: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Open files, host-wide and of the processes that listen."""

    files_allocated: int
    files_max: int
    nr_open: int
    processes: Maybe[tuple[ProcessLimits, ...]]
    limits_conf: tuple[LimitsLine, ...]


@dataclass(frozen=True, slots=True)
class Writer:
    """Something else on this host that writes network settings."""

    name: str  # tuned, kubelet, cni, docker, NetworkManager, systemd-networkd, ufw, cloud-init, saptune
    detail: str  # active profile, file, flag
    active: bool  # running now, as against only installed or configured
    keys: tuple[str, ...]  # sysctl names it is known to write here; "net.ipv4.*" style globs are allowed


@dataclass(frozen=True, slots=True)
class KernelLogLine:
    """One kernel log line that speaks of the network. ``at_s`` is seconds since boot, if the line says so."""

    topic: str  # "conntrack-full", "neighbour-overflow", "syn-flood", "tcp-memory", "orphans", "tx-timeout", …
    at_s: Maybe[float]
    text: str


@dataclass(frozen=True, slots=True)
class KernelLog:
    """The last lines of each topic (twenty at most), and how often each topic came up in what the host keeps."""

    lines: tuple[KernelLogLine, ...]
    counts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class TracingProcess:
    """A tracer or packet capture that runs on the host now."""

    pid: int
    program: str  # "tcpdump", "bpftrace", "perf", …
    arguments: tuple[str, ...]
    age_s: Maybe[float]


@dataclass(frozen=True, slots=True)
class Tracing:
    """What tracing could use here, and what runs."""

    kfree_skb_reason: Maybe[bool]  # the drop reason field of skb:kfree_skb (since 5.17)
    kprobes: Maybe[bool]
    btf: bool
    bpftrace: str  # where it is installed, or empty
    processes: tuple[TracingProcess, ...]
