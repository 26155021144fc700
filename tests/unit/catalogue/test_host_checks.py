"""Checks of paths, of the host's limits, settings and log, and of tracing, each on hosts that differ in one thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from netaudit.model.facts.sysctl import LinkEnd

MTU = "path.mtu.consistency"
INSIDE = "path.mtu.namespace"
HOLE = "path.pmtu.blackhole"
LOSS = "path.loss_rtt"
PROBING = "tcp.mtu_probing"
ICMP = "path.icmp_filtering"
NONE = "no rule accepts ICMP errors"
CLAMP = "path.mss_clamp"
FILES = "host.file_max.headroom"
NR_OPEN = "host.nr_open"
REQUESTED = "host.nr_open.requested"
NOFILE = "host.nofile_config_ineffective"
STEAL = "host.cpu_steal"
LOG = "host.dmesg_network_patterns"
RESET = "audit.counter_reset"
DRIFT = "host.sysctl_drift"
LOST = "host.sysctl.lost_at_boot"
CLOBBERED = "host.sysctl.clobbered"
WRITER = "host.sysctl.writer"
REASONS = "trace.kfree_skb.available"
KPROBES = "trace.kprobes.available"
TRACERS = "trace.overhead_guard"
CAPTURES = "trace.capture_plan"

PEERS = {"peers": ["192.0.2.20"]}
SOMAXCONN = "net.core.somaxconn"


def _paths(h: Any, **changes: Any) -> Any:
    return h.given(**PEERS).have(paths=(h.path(**changes),))


def _dropped(h: Any, text: str, **how: Any) -> Any:
    return h.rules("icmp_drops", text, **how)


def _stack(h: Any, *nics: Any) -> Any:
    return h.link(h.nic(), *nics)


def _netns(h: Any, mtu: int, other_end: int = 0) -> Any:
    peers = {"eth0": LinkEnd("", "veth0", other_end)} if other_end else {}
    inside = h.Namespace(4026532300, "shop", 900, "nginx", {}, (), {"lo": 65536, "eth0": mtu}, link_peers=peers)
    return h.have(namespaces=(inside,))


def _conf(h: Any, domain: str, value: str, kind: str = "soft") -> Any:
    return h.change("limits", limits_conf=(h.LimitsLine("/etc/security/limits.conf", 7, domain, kind, value),))


def _boot(h: Any, name: str, value: str, running: object) -> Any:
    """A file that says one thing and a kernel that runs with another."""
    said = {name: h.PersistedValue(value, "/etc/sysctl.d/60-site.conf", 3)}
    return h.sysctl(name, running).change("persisted", boot=said, system=said)


def _system(h: Any, value: str) -> Any:
    said = {SOMAXCONN: h.PersistedValue("4096", "/etc/sysctl.d/60-site.conf", 3)}
    last = {SOMAXCONN: h.PersistedValue(value, "/etc/sysctl.conf", 1)}
    return h.change("persisted", boot=said, system=last)


def _writes(h: Any, *keys: str, active: bool = True) -> Any:
    return h.have(writers=(h.Writer("tuned", "throughput-performance", active, keys),))


def _runs(h: Any, *arguments: str, age_s: float = 60.0) -> Any:
    program = arguments[0]
    return h.change("tracing", processes=(h.TracingProcess(4242, program, arguments, age_s),))


CASES: list[tuple[Any, ...]] = [
    (MTU, lambda h: h, "pass", None),
    (MTU, lambda h: _stack(h, h.virtual("veth0", "veth", mtu=1500, peer_mtu=1500)), "pass", None),
    (MTU, lambda h: _stack(h, h.virtual("veth0", "veth", mtu=9000, peer_mtu=1500)), "fail", "critical"),
    (MTU, lambda h: _stack(h, h.nic("eth1", master="bond0"), h.virtual("bond0", "bond", mtu=9000)), "fail", "critical"),
    (MTU, lambda h: _stack(h, h.nic("eth1", master="br0"), h.virtual("br0", "bridge", mtu=1500)), "pass", None),
    (MTU, lambda h: _stack(h, h.nic("eth1", master="br0"), h.virtual("br0", "bridge", mtu=9000)), "fail", "high"),
    (MTU, lambda h: _stack(h, h.virtual("vxlan0", "vxlan", mtu=1450, lower="eth0")), "pass", None),
    (MTU, lambda h: _stack(h, h.virtual("vxlan0", "vxlan", mtu=1500, lower="eth0")), "fail", "medium"),
    (MTU, lambda h: _stack(h, h.virtual("eth0.5", "vlan", mtu=1500, lower="eth0")), "pass", None),
    (MTU, lambda h: _stack(h, h.virtual("wg0", "wireguard", mtu=1420)), "pass", None),
    (MTU, lambda h: h.have(nics=h.missing), "unknown", None),
    (INSIDE, lambda h: h, "skipped", None),
    (INSIDE, lambda h: _netns(h, 1500), "pass", None),
    (INSIDE, lambda h: _netns(h, 1500).link(h.nic(mtu=1460)), "fail", "low"),
    (INSIDE, lambda h: _netns(h, 1500, other_end=1500), "pass", None),
    (INSIDE, lambda h: _netns(h, 1500, other_end=9000), "fail", "high"),
    (INSIDE, lambda h: h.have(namespaces=h.denied), "unknown", None),
    ("path.mtu.segment", lambda h: h, "skipped", None),
    (HOLE, lambda h: h, "skipped", None),
    (HOLE, _paths, "pass", None),
    (HOLE, lambda h: _paths(h, df_loss_ratio=1.0), "fail", "critical"),
    (HOLE, lambda h: _paths(h, df_loss_ratio=1.0, frag_needed_mtu=1400), "fail", "medium"),
    (HOLE, lambda h: _paths(h, df_loss_ratio=1.0, small_loss_ratio=1.0), "unknown", None),
    (HOLE, lambda h: _paths(h, df_loss_ratio=h.missing, df_size_bytes=h.missing), "unknown", None),
    (HOLE, lambda h: h.given(**PEERS).have(paths=h.missing), "unknown", None),
    (LOSS, lambda h: h, "skipped", None),
    (LOSS, _paths, "pass", None),
    (LOSS, lambda h: _paths(h, small_loss_ratio=1 / 3), "fail", "low"),
    (LOSS, lambda h: _paths(h, small_loss_ratio=2 / 3), "fail", "medium"),
    (LOSS, lambda h: _paths(h, small_loss_ratio=1.0, rtt_avg_ms=None), "fail", "medium"),
    (LOSS, lambda h: _paths(h.given(peer_rtt_s=0.01), rtt_avg_ms=25.0), "fail", "medium"),
    (LOSS, lambda h: _paths(h.given(peer_rtt_s=0.01), rtt_avg_ms=19.0), "pass", None),
    (PROBING, lambda h: h, "pass", None),
    (PROBING, lambda h: h.given(peers_over_internet=True), "fail", "medium"),
    (PROBING, lambda h: h.given(peers_over_internet=True).sysctl("net.ipv4.tcp_mtu_probing", 1), "pass", None),
    (PROBING, _paths, "pass", None),
    (PROBING, lambda h: _paths(h, df_loss_ratio=1.0), "fail", "medium"),
    (PROBING, lambda h: h.given(**PEERS).have(paths=h.missing), "unknown", None),
    (ICMP, lambda h: h, "pass", None),
    (ICMP, lambda h: h.rules("icmp_drops", "icmp type destination-unreachable drop"), "fail", "high"),
    (ICMP, lambda h: _dropped(h, f"policy drop, and {NONE}", is_blanket=True), "fail", "high"),
    (ICMP, lambda h: _dropped(h, f"policy drop, and {NONE}", is_blanket=True, hook="forward"), "pass", None),
    (
        ICMP,
        lambda h: _dropped(h, f"drop, and {NONE}", is_blanket=True, hook="forward").sysctl("net.ipv4.ip_forward", 1),
        "fail",
        "high",
    ),
    (ICMP, lambda h: _dropped(h, "-A INPUT -p icmp -j DROP", is_blanket=True), "fail", "medium"),
    (ICMP, lambda h: _dropped(h, "-A X -p icmp -j DROP", is_blanket=True, reached="perhaps"), "fail", "info"),
    (ICMP, lambda h: _dropped(h, "-A INPUT -p icmp -j DROP", is_blanket=True, reached="no"), "pass", None),
    (
        ICMP,
        lambda h: _dropped(h, "ip protocol icmp drop", is_blanket=True, reached="perhaps").change(
            "firewall", uses_conntrack=False
        ),
        "fail",
        "medium",
    ),
    (ICMP, lambda h: h.have(firewall=h.missing), "skipped", None),
    (ICMP, lambda h: h.have(firewall=h.denied), "unknown", None),
    (CLAMP, lambda h: h, "skipped", None),
    (CLAMP, lambda h: h.given(role="router"), "pass", None),
    (CLAMP, lambda h: _stack(h.given(role="router"), h.nic("ppp0", mtu=1492)), "fail", "medium"),
    (
        CLAMP,
        lambda h: _stack(h.given(role="router"), h.nic("ppp0", mtu=1492)).rules(
            "mss_clamps", "tcp flags syn tcp option maxseg size set rt mtu", hook="forward"
        ),
        "pass",
        None,
    ),
    (CLAMP, lambda h: h.given(role="router").have(firewall=h.denied), "unknown", None),
    (FILES, lambda h: h, "pass", None),
    (FILES, lambda h: h.change("limits", files_allocated=71, files_max=100), "fail", "medium"),
    (FILES, lambda h: h.change("limits", files_allocated=91, files_max=100), "fail", "high"),
    (FILES, lambda h: h.have(limits=h.missing), "unknown", None),
    (NR_OPEN, lambda h: h, "pass", None),
    (NR_OPEN, lambda h: h.change("limits", nr_open=65536), "fail", "low"),
    (NR_OPEN, lambda h: h.given(nofile_required=2000000), "fail", "high"),
    (REQUESTED, lambda h: h, "pass", None),
    (REQUESTED, lambda h: _conf(h, "*", "65536"), "pass", None),
    (REQUESTED, lambda h: _conf(h, "*", "unlimited"), "pass", None),
    (REQUESTED, lambda h: _conf(h, "*", "2000000", "hard"), "fail", "high"),
    (NOFILE, lambda h: h, "pass", None),
    (NOFILE, lambda h: _conf(h, "www-data", "65536"), "fail", "medium"),
    (NOFILE, lambda h: _conf(h, "www-data", "65536", "hard"), "pass", None),
    (NOFILE, lambda h: _conf(h, "www-data", "1024"), "pass", None),
    (NOFILE, lambda h: _conf(h, "postgres", "65536"), "pass", None),
    (NOFILE, lambda h: _conf(h, "*", "65536"), "fail", "info"),
    (NOFILE, lambda h: _conf(h, "*", "65536").change("kernel", init="openrc"), "skipped", None),
    (NOFILE, lambda h: _conf(h, "*", "65536").change("limits", processes=h.denied), "unknown", None),
    (STEAL, lambda h: h, "pass", None),
    (STEAL, lambda h: h.change("softnet", steal_ratio=0.06), "fail", "info"),
    (STEAL, lambda h: h.change("softnet", steal_ratio=0.16), "fail", "low"),
    (STEAL, lambda h: h.change("softnet", steal_ratio=0.16).change("kernel", virtualization="none"), "skipped", None),
    (LOG, lambda h: h, "pass", None),
    (LOG, lambda h: h.log("conntrack-full"), "fail", "high"),
    (LOG, lambda h: h.log("conntrack-full", 1000.0), "pass", None),
    (LOG, lambda h: h.log("conntrack-full", h.missing), "pass", None),
    (LOG, lambda h: h.log("syn-flood"), "fail", "low"),
    (LOG, lambda h: h.log("link-down"), "fail", "low"),
    (LOG, lambda h: h.log("link-down", 20.0).change("kernel", uptime_s=4000.0), "pass", None),
    (LOG, lambda h: h.log("link-up"), "pass", None),
    (LOG, lambda h: h.log("martian"), "fail", "info"),
    (LOG, lambda h: h.have(kernel_log=h.denied), "unknown", None),
    (RESET, lambda h: h, "pass", None),
    (RESET, lambda h: h.change("kernel", uptime_s=120.0), "fail", "info"),
    (DRIFT, lambda h: h, "pass", None),
    (DRIFT, lambda h: _boot(h, SOMAXCONN, "8192", 4096), "fail", "low"),
    (DRIFT, lambda h: _boot(h, "net.ipv4.tcp_rmem", "4096\t131072  6291456", "4096 131072 6291456"), "pass", None),
    (DRIFT, lambda h: h.have(persisted=h.denied), "unknown", None),
    (LOST, lambda h: h, "pass", None),
    (LOST, lambda h: _boot(h, SOMAXCONN, "128", 4096), "fail", "medium"),
    (LOST, lambda h: _boot(h, SOMAXCONN, "8192", 4096), "pass", None),
    (LOST, lambda h: _boot(h, SOMAXCONN, "128", 128), "pass", None),
    (LOST, lambda h: h.given(new_conn_per_s=10000).sysctl(SOMAXCONN, 8192), "fail", "medium"),
    (LOST, lambda h: h.have(persisted=h.denied), "unknown", None),
    (CLOBBERED, lambda h: h, "pass", None),
    (CLOBBERED, lambda h: _system(h, "1024"), "fail", "medium"),
    (CLOBBERED, lambda h: _system(h, "8192"), "pass", None),
    (CLOBBERED, lambda h: h.have(persisted=h.missing), "unknown", None),
    (WRITER, lambda h: h, "pass", None),
    (WRITER, lambda h: _writes(h, SOMAXCONN), "fail", "info"),
    (WRITER, lambda h: _writes(h, "net.ipv4.tcp_*"), "fail", "info"),
    (WRITER, lambda h: _writes(h, SOMAXCONN, active=False), "pass", None),
    (WRITER, lambda h: _writes(h, "vm.swappiness"), "pass", None),
    (REASONS, lambda h: h, "pass", None),
    (REASONS, lambda h: h.change("tracing", kfree_skb_reason=False), "fail", "info"),
    (REASONS, lambda h: h.change("tracing", kfree_skb_reason=h.denied), "unknown", None),
    (KPROBES, lambda h: h, "pass", None),
    (KPROBES, lambda h: h.change("tracing", kprobes=False), "fail", "info"),
    (KPROBES, lambda h: h.change("tracing", kprobes=h.denied), "unknown", None),
    (TRACERS, lambda h: h, "pass", None),
    (TRACERS, lambda h: _runs(h, "bpftrace", "-e", "...", age_s=3601.0), "fail", "low"),
    (TRACERS, lambda h: _runs(h, "bpftrace", "-e", "..."), "pass", None),
    (TRACERS, lambda h: _runs(h, "bpftrace", age_s=h.denied), "unknown", None),
    (CAPTURES, lambda h: h, "pass", None),
    (CAPTURES, lambda h: _runs(h, "tcpdump", "-i", "any", "-w", "all.pcap"), "fail", "low"),
    (CAPTURES, lambda h: _runs(h, "tcpdump", "-i", "any", "-c", "1000", "-w", "all.pcap"), "pass", None),
    (CAPTURES, lambda h: _runs(h, "tcpdump", "-G", "300", "-W", "5", "-w", "leak.pcap"), "fail", "low"),
    (CAPTURES, lambda h: _runs(h, "tcpdump", "-G", "300", "-W", "5", "-w", "leak-%s.pcap"), "pass", None),
]


@pytest.mark.parametrize(("check", "change", "verdict", "severity"), CASES)
def test_verdict(
    check: str, change: Callable[..., Any], verdict: str, severity: str | None, host: Any, judge: Callable[..., Any]
) -> None:
    """A host that differs in one thing gets the verdict and severity that follow from it."""
    result = judge(check, change(host))
    assert (result.verdict, result.reason) == (verdict, result.reason)
    assert severity is None or result.severity == severity, result


def test_every_level_decides_a_case(idle_levels: Callable[..., list[str]]) -> None:
    """No level of a check could be taken away without some case noticing."""
    assert idle_levels(CASES) == []


def test_every_check_has_cases(uncovered: Callable[..., list[str]]) -> None:
    """Each check of these layers is shown to pass and to fail; the one over a whole fleet is judged elsewhere."""
    missing = uncovered(("path", "host", "tracing"), CASES)
    assert missing == ["path.mtu.segment pass", "path.mtu.segment fail"]


def test_lost_setting_names_the_place_that_wins(host: Any, judge: Callable[..., Any]) -> None:
    """What runs, what the next boot brings, and file and line stand in the finding."""
    result = judge(LOST, _boot(host, SOMAXCONN, "128", 4096))
    assert "4096 now, 128 after the next boot (/etc/sysctl.d/60-site.conf:3)" in result.evidence
    assert result.items[0].subject == SOMAXCONN


def test_value_that_no_file_sets_becomes_the_kernels_default(host: Any, judge: Callable[..., Any]) -> None:
    """A hand-made value is lost at the next boot although no file contradicts it."""
    result = judge(LOST, host.given(new_conn_per_s=10000).sysctl(SOMAXCONN, 8192))
    assert [(item.subject, item.observed) for item in result.items] == [(SOMAXCONN, "4096")]
    assert "(the default, as no file sets it)" in result.evidence
    assert result.fix == "Write net.core.somaxconn = 8192 to a file in /etc/sysctl.d."


def test_buffers_set_by_hand_are_lost_to_what_the_kernel_sizes(host: Any, judge: Callable[..., Any]) -> None:
    """Buffers of 64 MiB that no file keeps shrink to those of a kernel that has just started."""
    large = {"net.ipv4.tcp_rmem": "4096 131072 67108864", "net.ipv4.tcp_wmem": "4096 65536 67108864"}
    host.given(flow_bandwidth_bps=2_000_000_000, rtt_s=0.1).sysctls(large)
    result = judge(LOST, host)
    assert {item.subject for item in result.items} == set(large)


def test_filter_that_a_file_makes_strict_again_is_lost(host: Any, judge: Callable[..., Any]) -> None:
    """A setting of one interface is looked up in the files as well."""
    name = "net.ipv4.conf.eth1.rp_filter"
    routes = (host.route(metric=100), host.route("eth1", metric=200))
    host.link(host.nic(), host.nic("eth1", ifindex=3)).change("routing", routes=routes)
    host.sysctls({"net.ipv4.conf.all.rp_filter": 0, "net.ipv4.conf.eth0.rp_filter": 0})
    assert [item.subject for item in judge(LOST, _boot(host, name, "1", 2)).items] == [name]


def test_setting_that_another_program_writes_may_be_right_after_the_boot(host: Any, judge: Callable[..., Any]) -> None:
    """What tuned sets again after the boot is only mentioned."""
    result = judge(LOST, _writes(_boot(host, SOMAXCONN, "128", 4096), SOMAXCONN))
    assert (result.severity, result.reason) == (
        "info",
        "tuned writes it as well, and may set it right again after the boot",
    )


def test_setting_below_run_is_gone_after_the_boot(host: Any, judge: Callable[..., Any]) -> None:
    """A file below /run does not outlive the boot it is meant for."""
    said = {SOMAXCONN: host.PersistedValue("8192", "/run/sysctl.d/60-x.conf", 3)}
    result = judge(LOST, host.sysctl(SOMAXCONN, 8192).change("persisted", boot=said, system=said))
    assert (result.verdict, result.severity) == ("fail", "low")
    assert "outside of /run" in result.fix


def test_clobbered_setting_names_sysctl_conf(host: Any, judge: Callable[..., Any]) -> None:
    """The line of /etc/sysctl.conf that `sysctl --system` would apply is named."""
    assert "/etc/sysctl.conf:1" in judge(CLOBBERED, _system(host, "1024")).evidence


def test_writer_is_named_with_what_it_writes(host: Any, judge: Callable[..., Any]) -> None:
    """Who writes the setting beside the files stands in the finding."""
    result = judge(WRITER, _writes(host, SOMAXCONN))
    assert [item.subject for item in result.items] == [SOMAXCONN]
    assert "tuned" in result.evidence


def test_stack_of_interfaces_is_told_without_gaps(host: Any, judge: Callable[..., Any]) -> None:
    """What an interface has none of is not mentioned; the size of the device below is."""
    alone = judge(MTU, _stack(host, host.virtual("veth0", "veth", mtu=9000, peer_mtu=1500)))
    assert alone.evidence == "ip link: veth0 (veth) mtu 9000, peer mtu 1500"
    stacked = judge(MTU, _stack(host, host.virtual("vxlan0", "vxlan", mtu=1500, lower="eth0")))
    assert stacked.evidence == "ip link: vxlan0 (vxlan) mtu 1500, below it eth0 mtu 1500"


def test_unequal_ends_of_a_pair_are_both_named(host: Any, judge: Callable[..., Any]) -> None:
    """The note says which two interfaces disagree, and where they are."""
    result = judge(INSIDE, _netns(host, 1500, other_end=9000))
    assert "eth0 has 1500 and its other end, veth0 of the host, 9000" in result.evidence
