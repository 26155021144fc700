"""Windows made by hand: two samples of a host in order, and what grew between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from netaudit.diagnosis.judge import examined
from netaudit.diagnosis.window import Sample, Window, window_of
from netaudit.facts.counters import parse_netstat, parse_snmp, parse_snmp6
from netaudit.facts.snapshot import facts_of
from netaudit.model.diagnosis import Cause, Unseen
from netaudit.model.facts import (
    Connection,
    Conntrack,
    DropRule,
    Facts,
    Firewall,
    Kernel,
    KernelLog,
    KernelLogLine,
    Limits,
    Listener,
    Neighbours,
    Nic,
    ProcessLimits,
    Qdisc,
    Sockets,
    Softnet,
    SoftnetCpu,
    Sysctls,
    Talkers,
)
from netaudit.model.probe import Capture, Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason

CASES = Path(__file__).parents[2] / "cases"
BEFORE = 1000
START = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOT_THERE = Absent(AbsentReason.NOT_PRESENT)


def _section(case: str) -> Section:
    stdout = (CASES / "counters" / case / "stdout").read_bytes()
    return Section("counters", SectionStatus.COMPLETE, 0, stdout, b"", 1)


_RECORDED = _section("debian-root")
NETSTAT = dict.fromkeys(parse_netstat(_RECORDED), BEFORE)
SNMP = dict.fromkeys(parse_snmp(_RECORDED), BEFORE)
SNMP6 = dict.fromkeys(parse_snmp6(_RECORDED), BEFORE)
NOTHING = facts_of(Capture("web1", "192.0.2.1", "", START, 0.1, ()))


def kernel(at_s: float, *, boot: str = "b1", jump_s: float = 0.0, initial: bool = True) -> Kernel:
    """The kernel of a host that has been up for so long."""
    return Kernel(
        release="6.18.0", version=(6, 18, 0), machine="x86_64", command_line="", uptime_s=at_s, boot_id=boot,
        distribution="debian 12", init="systemd", virtualization="kvm", hostname="web1", modules=(),
        is_initial_namespace=initial, clock_s=1.7e9 + at_s + jump_s,
    )  # fmt: skip


def listener(queue: int = 0, backlog: int = 128, port: int = 8080, **changes: object) -> Listener:
    """A TCP listener of a shop."""
    made = Listener("tcp", "0.0.0.0", port, queue, backlog, process="shop", pid=77, inode=port)
    return replace(made, **changes)


def sockets(states: Mapping[str, int] | None = None, **changes: object) -> Sockets:
    """Sockets of a host with these states."""
    made = Sockets(dict(states or {}), (), (), (), 0, 0, 0, ())
    return replace(made, **changes)


def connection(peer: str = "192.0.2.9:443", **changes: object) -> Connection:
    """An established connection at rest."""
    made = Connection("ESTAB", 0, 0, "192.0.2.1:50000", peer, 5, "", 0, 100, 101, 100, 0, 0, 1448, 1500, 0, 77, "shop")
    return replace(made, **changes)


def talkers(*connections: Connection) -> Talkers:
    """These connections and no others."""
    return Talkers(connections, (), False, True)


def nic(name: str = "eth0", kind: str = "physical", driver: Mapping[str, int] | None = None, **counters: int) -> Nic:
    """An interface with these counters."""
    names = [
        "rx_packets",
        "tx_packets",
        "rx_bytes",
        "tx_bytes",
        "rx_dropped",
        "tx_dropped",
        "rx_missed_errors",
        "rx_fifo_errors",
        "rx_crc_errors",
        "rx_frame_errors",
        "rx_length_errors",
        "rx_over_errors",
        "tx_errors",
        "rx_errors",
        "multicast",
    ]
    return Nic(
        name=name, ifindex=2, kind=kind, driver="virtio_net", mtu=1500, operstate="up", carrier=True,
        carrier_changes=counters.pop("carrier_changes", 0), speed_mbps=1000, duplex="full", master="", lower="",
        txqueuelen=1000, numa_node=0, rx_queues=1, tx_queues=1, rps_cpus=(), rings=NOT_THERE, channels=NOT_THERE,
        coalesce=NOT_THERE, offloads=NOT_THERE, offloads_fixed=NOT_THERE,
        counters={each: counters.get(each, 0) for each in names}, driver_counters=dict(driver or {}), addresses=(),
        bond=NOT_THERE,
    )  # fmt: skip


def softnet(*dropped: int, squeezed: int = 0) -> Softnet:
    """Two processors' rows."""
    rows = tuple(SoftnetCpu(cpu, 1000, (dropped or (0, 0))[cpu], squeezed if cpu == 0 else 0, 0, 0) for cpu in range(2))
    return Softnet(rows, (), (), (), 0.0)


def conntrack(count: int = 10, limit: int = 1000, **stats: int) -> Conntrack:
    """A connection tracking table."""
    names = ("drop", "early_drop", "insert_failed", "invalid", "chaintoolong", "clash_resolve")
    return Conntrack(count, limit, 256, 256, 320, {name: stats.get(name, 0) for name in names})


def rule(text: str, packets: int | None, *, hook: str = "input", chain: str = "ip f i") -> DropRule:
    """A rule that drops."""
    return DropRule("nft", chain, hook, text, NOT_THERE if packets is None else packets)


def qdisc(dropped: int = 0, sent: int = 1000) -> Qdisc:
    """A token bucket on eth0."""
    return Qdisc("eth0", "tbf", "8001:", "root", sent * 1000, sent, dropped, 0, 0, 0)


def process(files: int, limit: int) -> ProcessLimits:
    """A process of the shop with so many files open."""
    return ProcessLimits(77, "shop", "", "root", limit, limit, files, 100.0)


def limits(*processes: ProcessLimits) -> Limits:
    """The limits of a host on which these listen."""
    return Limits(1000, 100_000, 1_048_576, processes, ())


def log(topic: str, at_s: float = 105.0) -> KernelLog:
    """A kernel log with one line."""
    return KernelLog((KernelLogLine(topic, at_s, f"{topic}!"),), {topic: 1})


IN_ORDER: dict[str, object] = {
    "netstat": NETSTAT,
    "snmp": SNMP,
    "snmp6": SNMP6,
    "sockstat": {"TCP.mem": 10, "TCP.orphan": 0},
    "softnet": softnet(),
    "conntrack": conntrack(),
    "qdiscs": (qdisc(),),
    "nics": (nic(),),
    "neighbours": Neighbours(3, 0, 0, 0, {"table_fulls": 0, "forced_gc_runs": 0, "res_failed": 0}, NOT_THERE),
    "drop_rules": (),
    "talkers": talkers(),
    "sockets": sockets({"ESTAB": 3}),
    "listeners": (listener(),),
    "limits": limits(process(20, 1024)),
    "kernel_log": KernelLog((), {}),
    "firewall": Firewall(0, False, (), (), (), ()),
}


def facts(at_s: float = 100.0, **domains: object) -> Facts:
    """One sample of a host in order, but for what is said."""
    settings = {"net.ipv4.ip_local_port_range": "32768 60999", "net.ipv4.tcp_syncookies": "1"}
    given = {"kernel": kernel(at_s), "sysctl": Sysctls(settings, {}), **IN_ORDER, **domains}
    return replace(NOTHING, taken_at=START + timedelta(seconds=at_s), **given)


@dataclass(frozen=True)
class Judged:
    """What was made of a window."""

    window: Window
    causes: tuple[Cause, ...]
    unseen: tuple[Unseen, ...] = field(default=())

    @property
    def names(self) -> list[str]:
        """The ids of the causes, the first first."""
        return [cause.id for cause in self.causes]

    @property
    def first(self) -> Cause:
        """The likeliest cause."""
        return self.causes[0]


def grown(growth: Mapping[str, int]) -> dict[str, object]:
    """The counters of the protocols after some growth."""
    tables = {"netstat": dict(NETSTAT), "snmp": dict(SNMP), "snmp6": dict(SNMP6)}
    for name, more in growth.items():
        table = next(table for table in tables.values() if name in table)
        table[name] += more
    return dict(tables)


def judge(
    growth: Mapping[str, int] | None = None,
    *,
    seconds: float = 10.0,
    both: Mapping[str, object] | None = None,
    first: Mapping[str, object] | None = None,
    last: Mapping[str, object] | None = None,
    settings: Mapping[str, str] | None = None,
) -> Judged:
    """The causes of a window in which these counters grew; ``both``, ``first`` and ``last`` replace whole domains."""
    shared = dict(both or {})
    earlier = facts(100.0, **{**shared, **(first or {})})
    later = facts(100.0 + seconds, **{**shared, **grown(growth or {}), **(last or {})})
    if settings:
        values = {**earlier.sysctl.values, **settings}
        earlier = replace(earlier, sysctl=Sysctls(values, {}))
        later = replace(later, sysctl=Sysctls(values, {}))
    return judged([Sample(earlier), Sample(later)])


def judged(samples: list[Sample]) -> Judged:
    """The causes of these samples."""
    window = window_of(samples)
    assert window is not None
    return Judged(window, *examined(window))


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """The makers of this file."""
    makers: tuple[Callable[..., object], ...] = (
        kernel, listener, sockets, connection, talkers, nic, softnet, conntrack, rule, qdisc, process, limits, log,
        facts, judge, judged, grown,
    )  # fmt: skip
    return SimpleNamespace(**{each.__name__: each for each in makers}, absent=NOT_THERE, sample=Sample)
