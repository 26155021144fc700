"""Every shipped remediation turns its check from fail to pass on a machine, and its undo leaves nothing behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from netaudit.model.plan import StepClass
from netaudit.model.result import Verdict
from netaudit.remedy.changes import Choices
from netaudit.remedy.operations import scripts_of

pytestmark = pytest.mark.lab
ALL = frozenset(StepClass)
CONNTRACK = "modprobe nf_conntrack 2>/dev/null; "


@dataclass(frozen=True)
class Case:
    """What makes a check fail: commands on the machine, and declared variables."""

    remediation: str
    check: str
    bad: str = ""
    variables: Mapping[str, object] = field(default_factory=dict)
    files: bool = False  # the setting is the whole machine's: plain files stand in for it
    device: bool = False  # eth0 is a device
    persists: bool = True
    follows: str = ":"  # what the kernel would do by itself, where plain files stand in for it


def setting(name: str, value: str) -> str:
    """A command that sets a sysctl."""
    return f"printf '%s\\n' '{value}' >/proc/sys/{name.replace('.', '/')}"


# Sixty UDP sockets with up to 160 KiB each that nobody reads, for as long as the machine lives.
UNREAD = """python3 -c 'import socket, time
held = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(60)]
for one in held:
    one.bind(("127.0.0.1", 0))
    for _ in range(200):
        one.sendto(bytes(800), one.getsockname())
open("/run/unread", "w").close()
time.sleep(3600)' >/dev/null 2>&1 & until [ -e /run/unread ]; do sleep 0.02; done; """

CASES = [
    Case("listener.somaxconn", "tcp.accept_queue.somaxconn", setting("net.core.somaxconn", "128")),
    Case("listener.abort_on_overflow", "tcp.accept_queue.abort_on_overflow",
         setting("net.ipv4.tcp_abort_on_overflow", "1")),
    Case("listener.syncookies", "tcp.syn_queue.syncookies", setting("net.ipv4.tcp_syncookies", "0")),
    Case(
        "listener.max_syn_backlog", "tcp.syn_queue.max_syn_backlog",
        setting("net.ipv4.tcp_syncookies", "0") + "; " + setting("net.ipv4.tcp_max_syn_backlog", "128"),
        {"new_conn_per_s": 20000, "rtt_p99_s": 0.2},
    ),
    Case("listener.synack_retries", "tcp.syn_queue.synack_retries", setting("net.ipv4.tcp_synack_retries", "9")),
    Case("buffers.tcp_rmem", "tcp.rmem.max", setting("net.ipv4.tcp_rmem", "4096 131072 200000")),
    Case("buffers.tcp_wmem", "tcp.wmem.max", setting("net.ipv4.tcp_wmem", "4096 16384 100000")),
    Case("buffers.triplets", "tcp.rmem.triplet_sane", setting("net.ipv4.tcp_rmem", "4096 16384 6291456")),
    Case("buffers.socket_max", "sock.rmem_wmem_max", "", {"udp_socket_buffer_bytes": 67108864}, files=True),
    Case("buffers.tcp_mem", "tcp.mem.limits", setting("net.ipv4.tcp_mem", "30000 20000 10000"), files=True),
    Case("transport.timestamps", "tcp.timestamps", setting("net.ipv4.tcp_timestamps", "0")),
    Case("transport.options", "tcp.options_enabled", setting("net.ipv4.tcp_sack", "0")),
    Case("transport.keepalive", "tcp.keepalive", "", {"min_idle_timeout_s": 600}),
    Case("transport.slow_start_after_idle", "tcp.slow_start_after_idle", "",
         {"keepalive_s": 60, "response_bytes": 1000000}),
    Case("transport.congestion_control", "tcp.congestion_control", setting("net.ipv4.tcp_congestion_control", "cubic"),
         {"congestion_control": "reno"}, files=True),
    Case("transport.mtu_probing", "tcp.mtu_probing", "", {"peers_over_internet": True}),
    Case("transport.port_range", "tcp.port.range_size", setting("net.ipv4.ip_local_port_range", "40000 41000"),
         {"outbound_concurrent_per_dst": 5000}),
    Case("transport.tw_reuse", "tcp.tw.reuse", setting("net.ipv4.tcp_timestamps", "0"),
         {"outbound_conn_per_s_per_dst": 1000, "closes_first": True}),
    Case("transport.tw_max_buckets", "tcp.tw.max_buckets", setting("net.ipv4.tcp_max_tw_buckets", "100")),
    Case("transport.fin_timeout", "tcp.tw.fin_timeout", setting("net.ipv4.tcp_fin_timeout", "5")),
    Case("conntrack.timeout_established", "ct.timeout.established",
         setting("net.netfilter.nf_conntrack_tcp_timeout_established", "600")),
    Case("conntrack.max", "ct.max", setting("net.netfilter.nf_conntrack_max", "65536"),
         {"tracked_conns": 200000}, files=True),
    Case("ip.neigh_thresholds", "ip.neigh.thresholds", setting("net.ipv4.neigh.default.gc_thresh3", "1024"),
         {"expected_onlink_peers": 4000}, files=True),
    Case("conntrack.buckets", "ct.buckets_ratio",
         setting("net.netfilter.nf_conntrack_max", "262144") + "; "
         + setting("net.netfilter.nf_conntrack_buckets", "8192") + "; "
         "mkdir -p /run/module/nf_conntrack/parameters && mount --bind /run/module /sys/module; "
         ": >/sys/module/nf_conntrack/parameters/hashsize; mount --bind /proc/sys/net/netfilter/nf_conntrack_buckets "
         "/sys/module/nf_conntrack/parameters/hashsize", files=True),
    Case("conntrack.timeout_time_wait", "ct.timeout.closing",
         setting("net.netfilter.nf_conntrack_max", "65536") + "; "
         + setting("net.netfilter.nf_conntrack_count", "60000"), files=True),
    Case("ip.rp_filter", "ip.rp_filter",
         "ip link add eth1 type ifb; ip link set eth1 up; ip address add 198.18.201.2/24 dev eth1; "
         "ip route add default via 198.18.201.1 metric 100; " + setting("net.ipv4.conf.eth1.rp_filter", "1")),
    Case("ip.icmp_rate", "ip.icmp_rate_limit", setting("net.ipv4.icmp_msgs_per_sec", "1"), {"icmp_msgs_per_sec": 1000}),
    Case("nic.netdev_max_backlog", "nic.netdev_max_backlog", setting("net.core.netdev_max_backlog", "300"), files=True),
    Case("nic.default_qdisc", "qdisc.default",
         setting("net.core.default_qdisc", "pfifo_fast") + "; echo 1000 >/run/net/eth0/speed; "
         + setting("net.ipv4.tcp_congestion_control", "cubic"),
         {"default_qdisc": "fq_codel"}, files=True, device=True),
    Case("nic.ring_rx", "nic.ring.rx_size", "", {}, device=True),
    Case("nic.offloads", "nic.offloads", "", {}, device=True),
    Case("nic.queues", "nic.queues", "", {}, device=True),
    Case("nic.rss", "nic.rss", "ethtool -L eth0 combined 4; ethtool -X eth0 weight 20 8 4", {}, device=True),
    Case("nic.rps", "nic.rps", "", {}, device=True),
    Case("mtu.consistency", "path.mtu.consistency",
         "ip link add br0 type bridge; ip link set br0 up; ip link add m0 type ifb; ip link set m0 up; "
         "ip link set m0 master br0; ip link set br0 mtu 1500; ip link set m0 mtu 1400; ip link set br0 mtu 1500",
         persists=False),
    Case("host.nr_open", "host.nr_open", setting("fs.nr_open", "65536"), {"nofile_required": 100000}, files=True),
    Case("host.sysctl_lost", "host.sysctl.lost_at_boot",
         "printf 'net.core.somaxconn = 128\\n' >/etc/sysctl.d/60-site.conf"),
    Case("host.sysctl_clobbered", "host.sysctl.clobbered",  # a name that begins with a dot is read by procps alone
         "printf 'net.core.somaxconn = 128\\n' >/etc/sysctl.d/.old.conf"),
    Case("host.file_max", "host.file_max.headroom", "echo 90000 0 100000 >/proc/sys/fs/file-nr; "
         + setting("fs.file-max", "100000"), files=True,
         follows="echo 90000 0 $(cat /proc/sys/fs/file-max) >/proc/sys/fs/file-nr"),
    Case("transport.tw_recycle", "tcp.tw.recycle_forbidden", setting("net.ipv4.tcp_tw_recycle", "1"), files=True),
    Case("buffers.udp_mem", "udp.mem_headroom", UNREAD + "set -- $(grep UDP: /proc/net/sockstat); "
         "echo $(($5 / 2)) $5 $(($5 * 2)) >/proc/sys/net/ipv4/udp_mem", files=True),
]  # fmt: skip
ELSEWHERE = {"listener.stale_backlog"}  # a unit that listens: tests/integration/systemd


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.remediation)
def test_from_fail_to_pass_and_back(machine, rules_with, plan_on, verdict, case: Case) -> None:
    """The check fails, the change makes it pass, and the undo leaves the machine exactly as it was."""
    machine.kernel = {"uptime_s": 100000.0}
    if case.files:
        machine.as_files()
    if case.remediation in {"nic.rps", "nic.queues"}:
        machine.cpus = 8
    if case.device:
        machine.with_device()
    machine.sh(case.bad or ":")
    rules = rules_with(case.variables)
    assert verdict(machine, rules, case.check) is Verdict.FAIL
    plan, _ = plan_on(machine, rules, Choices((case.check,), ALL, case.persists))
    assert plan.steps, plan.not_remedied
    assert {step.remediation for step in plan.steps} == {case.remediation}
    before, scripts = machine.state(), scripts_of(plan)
    done = list(zip(plan.steps, scripts.steps, strict=True))
    for step, script in done:
        assert machine.sh(script.read).strip() == step.before
    for step, script in done:
        machine.sh(script.apply)
        machine.sh(case.follows)
        assert machine.sh(script.read).strip() in script.accepts, step.subject
    for file in scripts.files:
        machine.write(file.path, file.content, file.mode)
    if case.persists:
        assert all(step.file or step.boot_before == step.after for step in plan.steps)
    assert verdict(machine, rules, case.check) is Verdict.PASS
    for _, script in reversed(done):
        machine.sh(script.undo)
        machine.sh(case.follows)
    for file in scripts.files:
        machine.sh(f"rm {file.path}")
    assert machine.state() == before
    assert verdict(machine, rules, case.check) is Verdict.FAIL


def test_every_remediation_that_changes_something_has_a_case(shipped_ids) -> None:
    """A new remediation cannot land without one."""
    assert shipped_ids - {case.remediation for case in CASES} - ELSEWHERE == set()
