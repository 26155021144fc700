"""A healthy host in facts, of which a test changes one thing, and the shipped checks held against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from netaudit.assets.catalogue import load_ruleset
from netaudit.baseline.compiled import Compiled
from netaudit.baseline.evaluate import evaluate
from netaudit.baseline.select import HostCheck, HostRules, Ruleset
from netaudit.model.facts import (
    Bond,
    Channels,
    Conntrack,
    Cpu,
    Destination,
    Facts,
    Firewall,
    FirewallRule,
    InterfaceAddress,
    Irq,
    Kernel,
    KernelLog,
    KernelLogLine,
    Limits,
    LimitsLine,
    Listener,
    Memory,
    Namespace,
    Neighbours,
    Nic,
    PathProbe,
    Persisted,
    PersistedValue,
    PortCount,
    ProcessLimits,
    Qdisc,
    Rings,
    Route,
    Routing,
    Rss,
    Sockets,
    Softnet,
    SoftnetCpu,
    Sysctls,
    Tracing,
    TracingProcess,
    UdpSocket,
    Writer,
)
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.result import Result

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOT_APPLICABLE = Absent(AbsentReason.NOT_APPLICABLE, "this host has none")
NOT_PERMITTED = Absent(AbsentReason.NOT_PERMITTED, "needs root")
NOT_PRESENT = Absent(AbsentReason.NOT_PRESENT, "no such thing")
GIB = 1024**3

# What Debian 12 runs with, on a machine with 16 GiB and nftables loaded.
SYSCTLS = {
    "fs.file-max": "9223372036854775807",
    "fs.nr_open": "1048576",
    "net.core.default_qdisc": "fq_codel",
    "net.core.netdev_max_backlog": "1000",
    "net.core.rmem_default": "212992",
    "net.core.rmem_max": "212992",
    "net.core.somaxconn": "4096",
    "net.core.wmem_default": "212992",
    "net.core.wmem_max": "212992",
    "net.ipv4.conf.all.rp_filter": "2",
    "net.ipv4.conf.default.rp_filter": "2",
    "net.ipv4.conf.eth0.rp_filter": "2",
    "net.ipv4.icmp_msgs_per_sec": "1000",
    "net.ipv4.icmp_ratelimit": "1000",
    "net.ipv4.ip_forward": "0",
    "net.ipv4.ip_local_port_range": "32768 60999",
    "net.ipv4.ip_local_reserved_ports": "",
    "net.ipv4.neigh.default.gc_thresh1": "128",
    "net.ipv4.neigh.default.gc_thresh2": "512",
    "net.ipv4.neigh.default.gc_thresh3": "1024",
    "net.ipv4.tcp_abort_on_overflow": "0",
    "net.ipv4.tcp_available_congestion_control": "reno cubic",
    "net.ipv4.tcp_congestion_control": "cubic",
    "net.ipv4.tcp_dsack": "1",
    "net.ipv4.tcp_fin_timeout": "60",
    "net.ipv4.tcp_keepalive_intvl": "75",
    "net.ipv4.tcp_keepalive_probes": "9",
    "net.ipv4.tcp_keepalive_time": "7200",
    "net.ipv4.tcp_max_orphans": "65536",
    "net.ipv4.tcp_max_syn_backlog": "1024",
    "net.ipv4.tcp_max_tw_buckets": "65536",
    "net.ipv4.tcp_mem": "188802 251739 377604",
    "net.ipv4.tcp_mtu_probing": "0",
    "net.ipv4.tcp_rmem": "4096 131072 6291456",
    "net.ipv4.tcp_sack": "1",
    "net.ipv4.tcp_slow_start_after_idle": "1",
    "net.ipv4.tcp_synack_retries": "5",
    "net.ipv4.tcp_syncookies": "1",
    "net.ipv4.tcp_timestamps": "1",
    "net.ipv4.tcp_tw_reuse": "2",
    "net.ipv4.tcp_window_scaling": "1",
    "net.ipv4.tcp_wmem": "4096 16384 4194304",
    "net.ipv4.udp_mem": "377604 503478 755208",
    "net.ipv6.conf.all.forwarding": "0",
    "net.ipv6.neigh.default.gc_thresh1": "128",
    "net.ipv6.neigh.default.gc_thresh2": "512",
    "net.ipv6.neigh.default.gc_thresh3": "1024",
    "net.netfilter.nf_conntrack_buckets": "262144",
    "net.netfilter.nf_conntrack_count": "120",
    "net.netfilter.nf_conntrack_max": "262144",
    "net.netfilter.nf_conntrack_tcp_be_liberal": "0",
    "net.netfilter.nf_conntrack_tcp_loose": "1",
    "net.netfilter.nf_conntrack_tcp_timeout_close": "10",
    "net.netfilter.nf_conntrack_tcp_timeout_close_wait": "60",
    "net.netfilter.nf_conntrack_tcp_timeout_established": "432000",
    "net.netfilter.nf_conntrack_tcp_timeout_fin_wait": "120",
    "net.netfilter.nf_conntrack_tcp_timeout_syn_sent": "120",
    "net.netfilter.nf_conntrack_tcp_timeout_time_wait": "120",
    "net.netfilter.nf_conntrack_udp_timeout": "30",
}
OFFLOADS = {
    "scatter-gather": True,
    "tcp-segmentation-offload": True,
    "generic-segmentation-offload": True,
    "generic-receive-offload": True,
    "large-receive-offload": False,
}
KERNEL = Kernel(
    release="6.1.0-18-amd64",
    version=(6, 1, 76),
    machine="x86_64",
    command_line="ro quiet",
    uptime_s=864000.0,
    boot_id="6c4f8f6e-0000-4000-8000-000000000001",
    distribution="debian 12",
    init="systemd",
    virtualization="kvm",
    hostname="web1",
    modules=("nf_conntrack", "nf_tables"),
    is_initial_namespace=True,
    clock_s=1780315200.0,
)


def nic(name: str = "eth0", **changes: Any) -> Nic:
    """A virtio interface as most virtual machines have it: up, no speed, one queue, rings of 256."""
    usual = Nic(
        name=name,
        ifindex=2,
        kind="physical",
        driver="virtio_net",
        mtu=1500,
        operstate="up",
        carrier=True,
        carrier_changes=2,
        speed_mbps=NOT_APPLICABLE,
        duplex=NOT_APPLICABLE,
        master="",
        lower="",
        txqueuelen=1000,
        numa_node=NOT_APPLICABLE,
        rx_queues=1,
        tx_queues=1,
        rps_cpus=("0",),
        rings=Rings(256, 256, 256, 256),
        channels=Channels(1, 1, NOT_APPLICABLE, NOT_APPLICABLE),
        coalesce=NOT_APPLICABLE,
        offloads=OFFLOADS,
        offloads_fixed=("large-receive-offload",),
        counters={"rx_packets": 10, "tx_packets": 10},
        driver_counters={},
        addresses=(InterfaceAddress("inet", "192.0.2.10", 24, "192.0.2.0/24", "global"),),
        bond=NOT_APPLICABLE,
        peer_mtu=0,
        rss=NOT_APPLICABLE,
    )
    return replace(usual, **changes)


def fast_nic(name: str = "eth0", **changes: Any) -> Nic:
    """A 25 Gbit/s interface of a bare machine, set up well."""
    usual: dict[str, Any] = {
        "driver": "mlx5_core", "speed_mbps": 25000, "duplex": "full", "rx_queues": 4, "rps_cpus": ("0",) * 4,
        "rings": Rings(1024, 8192, 1024, 8192), "channels": Channels(4, 16, NOT_APPLICABLE, NOT_APPLICABLE),
        "rss": Rss(4, 128, (32, 32, 32, 32), "equal 4"),
    }  # fmt: skip
    return nic(name, **(usual | changes))


def virtual(name: str, kind: str, **changes: Any) -> Nic:
    """An interface without a device."""
    usual: dict[str, Any] = {
        "kind": kind, "driver": NOT_APPLICABLE, "rings": NOT_APPLICABLE, "channels": NOT_APPLICABLE,
        "offloads": NOT_APPLICABLE, "offloads_fixed": NOT_APPLICABLE, "addresses": (),
    }  # fmt: skip
    return nic(name, **(usual | changes))


def loopback() -> Nic:
    """The loopback interface."""
    return virtual("lo", "loopback", ifindex=1, mtu=65536, operstate="unknown")


def listener(port: int = 443, **changes: Any) -> Listener:
    """An nginx that listens on every address."""
    usual = Listener("tcp", "0.0.0.0", port, 0, 511, "", "nginx", 700, 5, pids=(700,))  # a fact, not bound
    return replace(usual, **changes)


def process(pid: int = 700, **changes: Any) -> ProcessLimits:
    """What an nginx under systemd has."""
    usual = ProcessLimits(pid, "nginx", "nginx.service", "www-data", 1024, 524288, 40, 86400.0)
    return replace(usual, **changes)


def route(device: str = "eth0", **changes: Any) -> Route:
    """A default route."""
    usual = Route("inet", "main", "unicast", "default", "192.0.2.1", device, "", None, None, None, None, None)
    return replace(usual, **changes)


def path(**changes: Any) -> PathProbe:
    """A peer that answers everything."""
    return replace(PathProbe("192.0.2.20", 0.0, 0.8, 1500, 0.0, None, "eth0"), **changes)


SSHD = listener(22, process="sshd", pid=500, backlog=128, inode=1)
SOCKETS = Sockets(
    tcp_states={"LISTEN": 3, "ESTAB": 40, "TIME-WAIT": 12},
    busiest_destinations=(Destination("192.0.2.10", "192.0.2.30", 5432, 20),),
    close_wait_by_port=(),
    syn_recv_by_port=(PortCount(443, 1),),
    unread_established=0,
    persist_timers=0,
    largest_unread_bytes=0,
    udp=(UdpSocket("0.0.0.0", 68, 0, 212992, 0, 9),),
)  # fmt: skip
FIREWALL = Firewall(12, True, (), (), (), ())
RULE = FirewallRule("ip filter input", "input", "")


def healthy() -> Facts:
    """A default server with sshd and nginx, on which nothing is wrong."""
    return Facts(
        host="web1",
        address="192.0.2.10",
        taken_at=NOW,
        sysctl=Sysctls(SYSCTLS, {}),
        netstat={"TcpExt.ListenOverflows": 0},
        snmp={"Icmp.OutRateLimitGlobal": 0},
        snmp6={},
        sockstat={"TCP.inuse": 43, "TCP.orphan": 0, "TCP.tw": 12, "TCP.alloc": 50, "TCP.mem": 20, "UDP.mem": 3},
        sockets=SOCKETS,
        listeners=(SSHD, listener(443), listener(25, address="127.0.0.1", process="exim4", pid=600, backlog=20)),
        nics=(loopback(), nic()),
        softnet=Softnet((SoftnetCpu(0, 10, 0, 0, 0, 0),), (), (100, 100), (0.01, 0.01), 0.0),
        qdiscs=(Qdisc("eth0", "fq_codel", "0:", "root", 1, 1, 0, 0, 0, 0),),
        routing=Routing((route(),), 0),
        neighbours=Neighbours(4, 2, 0, 0, {}, {}),
        conntrack=Conntrack(120, 262144, 262144, 262144, 256, {}),
        firewall=FIREWALL,
        memory=Memory(16 * GIB, 12 * GIB, 4096, 2**27),
        cpu=Cpu(4, "a processor", 1),
        kernel=KERNEL,
        limits=Limits(
            2000,
            9223372036854775807,
            1048576,
            (process(), process(500, process="sshd", unit="ssh.service", user="root")),
            (),
        ),
        persisted=Persisted({}, {}, (), (), (), {}, True),
        writers=(),
        namespaces=(),
        kernel_log=KernelLog(()),
        tracing=Tracing(True, True, True, "0.17", ()),
        paths=Absent(AbsentReason.NOT_ASKED, "no peers are declared"),
    )


class Host:
    """The healthy host with changes; every method gives itself, so that changes can be chained."""

    nic = staticmethod(nic)
    fast_nic = staticmethod(fast_nic)
    virtual = staticmethod(virtual)
    listener = staticmethod(listener)
    process = staticmethod(process)
    route = staticmethod(route)
    path = staticmethod(path)
    na, denied, missing = NOT_APPLICABLE, NOT_PERMITTED, NOT_PRESENT
    Bond, Channels, Destination, Irq, KernelLogLine = Bond, Channels, Destination, Irq, KernelLogLine
    LimitsLine, Namespace, PersistedValue, PortCount, Qdisc = LimitsLine, Namespace, PersistedValue, PortCount, Qdisc
    Rings, Rss, TracingProcess, UdpSocket, Writer = Rings, Rss, TracingProcess, UdpSocket, Writer

    def __init__(self) -> None:
        self.facts = healthy()
        self.variables: dict[str, object] = {}

    def sysctl(self, name: str, value: object) -> Host:
        """The running value of one key."""
        return self.sysctls({name: value})

    def sysctls(self, values: Mapping[str, object]) -> Host:
        """Several running values; None takes a key away."""
        assert isinstance(self.facts.sysctl, Sysctls)
        merged = {**self.facts.sysctl.values, **{name: str(value) for name, value in values.items()}}
        kept = {name: value for name, value in merged.items() if values.get(name, "") is not None}
        self.facts = replace(self.facts, sysctl=Sysctls(kept, {}))
        return self

    def have(self, **domains: Any) -> Host:
        """Whole domains of facts."""
        self.facts = replace(self.facts, **domains)
        return self

    def change(self, domain: str, **fields: Any) -> Host:
        """Fields of one domain."""
        return self.have(**{domain: replace(getattr(self.facts, domain), **fields)})

    def listen(self, **changes: Any) -> Host:
        """One nginx beside sshd."""
        return self.have(listeners=(SSHD, listener(**changes)))

    def link(self, *nics: Nic) -> Host:
        """These interfaces beside loopback."""
        return self.have(nics=(loopback(), *nics))

    def rules(
        self, kind: str, *texts: str, hook: str = "input", is_blanket: bool = False, reached: str = "yes"
    ) -> Host:
        """Rules of the packet filter of one kind."""
        made = replace(RULE, hook=hook, is_blanket=is_blanket, reached=reached)
        found = tuple(replace(made, text=text) for text in texts)
        return self.change("firewall", **{kind: found})

    def log(self, topic: str, at_s: object = 863000.0) -> Host:
        """One line of the kernel log, by default of a quarter of an hour ago."""
        return self.have(kernel_log=KernelLog((KernelLogLine(topic, at_s, f"kernel says {topic}"),)))  # type: ignore[arg-type]

    def given(self, **variables: object) -> Host:
        """Declared variables."""
        self.variables.update(variables)
        return self


@cache
def ruleset(baseline: str) -> Ruleset:
    """A shipped baseline, loaded once for all tests."""
    return load_ruleset(baseline)


def host_rules(baseline: str, variables: Mapping[str, object]) -> HostRules:
    """The rules of a host of the inventory that sets these variables."""
    inventory = {"netaudit_vars": dict(variables)} if variables else {}
    return ruleset(baseline).for_host("web1", inventory, lambda _: frozenset({"web1"}))


def results_of(host: Host, baseline: str = "linux-server") -> dict[str, Result]:
    """What every check of a baseline says of a host."""
    rules = host_rules(baseline, host.variables)
    return {result.check: result for result in evaluate(rules, host.facts, NOW)}


def result_of(check: str, host: Host, baseline: str = "linux-server") -> Result:
    """What one check says of a host."""
    rules = host_rules(baseline, host.variables)
    chosen = tuple(each for each in rules.checks if each.compiled.check.id == check)
    # Drift asks the other checks of a setting again, so those checks are evaluated among all.
    if any("drift" in str(expression) for each in chosen for expression in [each.compiled.check.for_each]):
        return results_of(host, baseline)[check]
    return evaluate(replace(rules, checks=chosen), host.facts, NOW)[0]


@pytest.fixture
def host() -> Host:
    """A healthy host to change."""
    return Host()


@pytest.fixture
def audit() -> Callable[..., dict[str, Result]]:
    """Evaluates all checks of a baseline."""
    return results_of


@pytest.fixture
def judge() -> Callable[..., Result]:
    """Evaluates one check."""
    return result_of


def _verdicts(rules: HostRules, check: HostCheck, facts: Facts) -> tuple[object, ...]:
    result = evaluate(replace(rules, checks=(check,)), facts, NOW)[0]
    return result.verdict, result.severity, result.reason


def _without(check: HostCheck, place: int) -> HostCheck:
    made = check.compiled.check
    left = made.levels[:place] + made.levels[place + 1 :]
    return replace(check, compiled=Compiled(replace(made, levels=left)))


@pytest.fixture
def idle_levels() -> Callable[..., list[str]]:
    """The levels of some checks that make no difference to any case of a table."""

    def find(cases: list[tuple[Any, ...]]) -> list[str]:
        hosts: dict[str, list[Host]] = {}
        for check, change, *_ in cases:
            hosts.setdefault(check, []).append(change(Host()))
        return [idle for name, changed in hosts.items() if "sysctl" not in name for idle in _idle(name, changed)]

    return find


def _idle(name: str, hosts: list[Host]) -> list[str]:
    found = []
    levels = next(check for check in ruleset("linux-server").rules.checks if check.id == name).levels
    for place, level in enumerate(levels):
        if len(levels) == 1:
            break
        for host in hosts:
            rules = host_rules("linux-server", host.variables)
            check = next(each for each in rules.checks if each.compiled.check.id == name)
            if _verdicts(rules, check, host.facts) != _verdicts(rules, _without(check, place), host.facts):
                break
        else:
            found.append(f"{name} level {place} ({level.severity})")
    return found


@pytest.fixture
def uncovered() -> Callable[..., list[str]]:
    """The checks of some folders for which a table of cases has no pass or no failure."""

    def find(folders: tuple[str, ...], cases: list[tuple[Any, ...]]) -> list[str]:
        known = {check.id: check for check in ruleset("linux-server").rules.checks}
        wanted = [name for name, check in known.items() if check.where and check.where.file.split("/")[-2] in folders]
        assert wanted, folders
        seen = {(case[0], case[2]) for case in cases}
        return [f"{name} {verdict}" for name in wanted for verdict in ("pass", "fail") if (name, verdict) not in seen]

    return find
