"""A host with 24 GiB and the settings of Linux 6.18, loads with every figure, and the rows that come of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from netaudit.capacity.assess import assess
from netaudit.model.capacity import Assessment
from netaudit.model.facts import (
    Channels,
    Conntrack,
    Cpu,
    Destination,
    Facts,
    Firewall,
    InterfaceAddress,
    Kernel,
    Limits,
    Listener,
    Memory,
    Neighbours,
    Nic,
    PortCount,
    ProcessLimits,
    Rings,
    Sockets,
    Sysctls,
    UdpSocket,
)
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.result import BaselineRef, RunInfo
from netaudit.model.workload import HostLoad, Load, LoadKind, Machine, Rate, Ways

NOT_ASKED = Absent(AbsentReason.NOT_ASKED)
SYSCTLS = {
    "net.core.somaxconn": "4096",
    "net.core.rmem_default": "212992",
    "net.core.rmem_max": "212992",
    "net.core.netdev_max_backlog": "1000",
    "net.core.netdev_budget": "300",
    "net.ipv4.tcp_syncookies": "1",
    "net.ipv4.tcp_max_syn_backlog": "2048",
    "net.ipv4.ip_local_port_range": "32768 60999",
    "net.ipv4.ip_local_reserved_ports": "",
    "net.ipv4.tcp_tw_reuse": "2",
    "net.ipv4.tcp_tw_reuse_delay": "1000",
    "net.ipv4.tcp_timestamps": "1",
    "net.ipv4.tcp_fin_timeout": "60",
    "net.ipv4.tcp_max_tw_buckets": "131072",
    "net.ipv4.tcp_max_orphans": "131072",
    "net.ipv4.tcp_mem": "287898 383867 575796",
    "net.ipv4.tcp_rmem": "4096 131072 6291456",
    "net.ipv4.tcp_wmem": "4096 16384 4194304",
    "net.ipv4.neigh.default.gc_thresh1": "128",
    "net.ipv4.neigh.default.gc_thresh2": "512",
    "net.ipv4.neigh.default.gc_thresh3": "1024",
    "net.netfilter.nf_conntrack_tcp_timeout_time_wait": "120",
    "net.netfilter.nf_conntrack_tcp_timeout_close": "10",
    "net.netfilter.nf_conntrack_tcp_timeout_syn_recv": "60",
    "net.netfilter.nf_conntrack_tcp_timeout_syn_sent": "120",
    "net.netfilter.nf_conntrack_tcp_timeout_established": "432000",
    "net.netfilter.nf_conntrack_udp_timeout": "30",
    "net.netfilter.nf_conntrack_udp_timeout_stream": "120",
    "fs.file-max": "2466170",
    "fs.nr_open": "1048576",
}
KERNEL = Kernel("6.18.0", (6, 18, 0), "x86_64", "", 1e5, "boot", "debian 12", "systemd", "kvm", "web1", (), True, 1.8e9)
NIC = Nic(
    name="eth0", ifindex=2, kind="physical", driver="virtio_net", mtu=1500, operstate="up", carrier=True,
    carrier_changes=1, speed_mbps=10000, duplex="full", master="", lower="", txqueuelen=1000, numa_node=0, rx_queues=8,
    tx_queues=8, rps_cpus=("0",) * 8, rings=Rings(1024, 4096, 1024, 4096),
    channels=Channels(8, 8, NOT_ASKED, NOT_ASKED),
    coalesce=NOT_ASKED, offloads=NOT_ASKED, offloads_fixed=NOT_ASKED, counters={}, driver_counters=NOT_ASKED,
    addresses=(InterfaceAddress("inet", "192.0.2.1", 24, "192.0.2.0/24", "global"),), bond=NOT_ASKED,
)  # fmt: skip
NGINX = Listener("tcp", "0.0.0.0", 443, 3, 511, "", "nginx", 812, 1, "nginx.service", (812,))
SOCKETS = Sockets({}, (), (), (), 0, 0, 0, ())


def facts_with(sysctl: Mapping[str, str] | None = None, **domains: Any) -> Facts:
    """The facts of the host, with some settings and domains changed; a setting of None is not there."""
    values: dict[str, Any] = dict.fromkeys(Facts.__dataclass_fields__, NOT_ASKED)
    settings = {name: value for name, value in {**SYSCTLS, **(sysctl or {})}.items() if value is not None}
    values |= {
        "host": "web1", "address": "192.0.2.1", "taken_at": datetime(2026, 11, 20, 15, tzinfo=UTC),
        "sysctl": Sysctls(settings, {}), "kernel": KERNEL, "listeners": (NGINX,), "nics": (NIC,),
        "memory": Memory(24 * 2**30, 20 * 2**30, 4096, 0), "cpu": Cpu(8, "x", 1), "sockets": SOCKETS,
        "sockstat": {"TCP.tw": 100, "TCP.mem": 50, "TCP.orphan": 2}, "neighbours": Neighbours(40, 9, 0, 0, {}, {}),
        "conntrack": Conntrack(500, 262144, 262144, 262144, 256, {}), "firewall": Firewall(3, True, (), (), (), ()),
        "limits": Limits(3000, 2466170, 1048576, (
            ProcessLimits(812, "nginx", "nginx.service", "root", 1024, 4096, 30, 1e4),), ()),
    }  # fmt: skip
    return Facts(**{**values, **domains})


# The example of an HTTPS front end, every figure of it.
W1 = Load(
    "https", "web", LoadKind.INBOUND, new_connections=Rate(5000, 5000), concurrent=100_000, closes_first_ratio=1.0,
    reset_ratio=0.1, slow_close_ratio=0.1, drain_s=2.0, unanswered_syn_per_s=0.0, silently_lost_per_s=0.0,
    rtt_median_s=0.04, rtt_p99_s=0.2, loss_ratio=0.02, request_bytes=2000, response_bytes=20_000,
    requests_per_connection=1, full_handshakes_ratio=0.0, unread_ratio=0.02, sending_ratio=0.05, ports=(443,),
    accept_pause_s=0.5, process="nginx", memory_per_connection_bytes=0,
)  # fmt: skip
OUT = Load(
    "backend", "web", LoadKind.OUTBOUND, new_connections=Rate(800, 800), concurrent=200, closes_first_ratio=1.0,
    reset_ratio=0.0, slow_close_ratio=0.0, drain_s=1.0, rtt_median_s=0.001, rtt_p99_s=0.002, request_bytes=2000,
    response_bytes=20_000, requests_per_connection=1, full_handshakes_ratio=0.0, unread_ratio=0.0, sending_ratio=0.0,
    process="nginx", destination="10.0.0.5:8080", unanswered_syn_per_s=0.0, silently_lost_per_s=0.0,
)  # fmt: skip
UDP = Load(
    "syslog", "web", LoadKind.UDP, packets_per_s=Ways(50_000, 0), datagram_bytes=100, new_flows_per_s=500,
    flow_lifetime_s=0.0, reader_pause_s=0.02, ports=(514,),
)  # fmt: skip
MACHINE = Machine(
    link_bps=1e10, packet_limit_per_s=1e6, softirq_pause_s=0.010, queue_skew=2.0, packets_per_cpu=5e5, neighbours=300
)


def rows_of(*loads: Load, facts: Facts | None = None, machine: Machine = MACHINE, **host: Any) -> list[Assessment]:
    """What is said of the host under these loads."""
    return list(assess(facts or facts_with(), HostLoad(loads, machine, **host)))


def row_of(resource: str, *loads: Load, subject: str | None = None, **host: Any) -> Assessment:
    """The row of one resource, or of one of its subjects."""
    found = [
        row
        for row in rows_of(*loads, **host)
        if row.resource == resource and (subject is None or row.subject == subject)
    ]
    assert len(found) == 1, [row.subject for row in found]
    return found[0]


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """Facts, loads and rows: ``kit.row("time-wait", kit.W1)``."""
    row: Callable[..., Assessment] = row_of
    return SimpleNamespace(
        facts=facts_with, W1=W1, OUT=OUT, UDP=UDP, MACHINE=MACHINE, NIC=NIC, NGINX=NGINX, SOCKETS=SOCKETS,
        KERNEL=KERNEL, rows=rows_of, row=row, replace=replace, Destination=Destination, PortCount=PortCount,
        UdpSocket=UdpSocket, NOT_ASKED=NOT_ASKED,
    )  # fmt: skip


@pytest.fixture(scope="session")
def run() -> RunInfo:
    """One run."""
    started = datetime(2026, 11, 20, 15, tzinfo=UTC)
    return RunInfo("20261120-150000-3f2a", "capacity", started, "0.1.0", BaselineRef("workload launch", "ab" * 32), 1.9)
