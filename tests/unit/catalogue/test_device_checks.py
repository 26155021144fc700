"""Checks of the IP layer, queueing disciplines, devices and links, each on hosts that differ in one thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

RP = "ip.rp_filter"
ROLE = "ip.forwarding_role"
NEIGH = "ip.neigh.thresholds"
ICMP = "ip.icmp_rate_limit"
QDISC = "qdisc.default"
RING = "nic.ring.rx_size"
OFFLOADS = "nic.offloads"
QUEUES = "nic.queues"
RSS = "nic.rss"
IRQ = "nic.irq_spread"
RPS = "nic.rps"
BACKLOG = "nic.netdev_max_backlog"
SOFTIRQ = "nic.softirq_cpu"
STATE = "link.state"
SPEED = "link.speed_duplex"
BANDWIDTH = "link.bandwidth_headroom"
PPS = "link.pps_headroom"
BOND = "link.bond"

STRICT = {"net.ipv4.conf.all.rp_filter": 1, "net.ipv4.conf.eth0.rp_filter": 1, "net.ipv4.conf.eth1.rp_filter": 0}
GLOBAL = dict.fromkeys(("net.core.default_qdisc", "net.core.netdev_max_backlog", "net.ipv4.icmp_msgs_per_sec"))
THRESHOLDS = {
    f"net.{family}.neigh.default.gc_thresh{place}": None for family in ("ipv4", "ipv6") for place in (1, 2, 3)
}


def _halves(h: Any) -> Any:
    """A VPN client that took the default route's place with two halves, eth1 for the tunnel."""
    halves = (h.route("eth1", destination="0.0.0.0/1"), h.route("eth1", destination="128.0.0.0/1"))
    h.link(h.nic(), h.nic("eth1"))
    return h.change("routing", routes=(h.route("eth0", metric=100), *halves))


def _two_ways(h: Any) -> Any:
    """Uplinks through two interfaces, the second with a higher metric."""
    h.link(h.nic(), h.nic("eth1", ifindex=3))
    return h.change("routing", routes=(h.route(metric=100), h.route("eth1", metric=200)))


def _multipath(h: Any) -> Any:
    """One default route with two next hops."""
    h.link(h.nic(), h.nic("eth1", ifindex=3))
    return h.change("routing", routes=(h.route(metric=100), h.route("eth1", metric=100)))


def _blackhole(h: Any) -> Any:
    """A default route, and one behind it that goes nowhere."""
    return h.change("routing", routes=(h.route(metric=100), h.route("", kind="blackhole", metric=5000)))


def _engine(h: Any) -> Any:
    return h.have(writers=(h.Writer("docker", "/run/docker.sock", True, ("net.ipv4.ip_forward",)),))


def _qdisc(h: Any, kind: str, **nic: Any) -> Any:
    return h.link(h.fast_nic(**nic)).have(qdiscs=(h.Qdisc("eth0", kind, "0:", "root", 1, 1, 0, 0, 0, 0),))


def _features(h: Any, **features: bool) -> Any:
    named = {name.replace("_", "-"): on for name, on in features.items()}
    return h.link(h.nic(offloads={**h.nic().offloads, **named}))


def _interrupts(h: Any, *affinities: str) -> Any:
    irqs = tuple(h.Irq(30 + place, "eth0", (5, 0, 0, 0), affinity) for place, affinity in enumerate(affinities))
    return h.link(h.fast_nic()).change("softnet", irqs=irqs)


def _bond(h: Any, active: int = 2, mode: str = "802.3ad", policy: str = "layer3+4") -> Any:
    return h.link(h.virtual("bond0", "bond", bond=h.Bond(mode, policy, 2, active, 7)))


def _with_speed(h: Any, mbps: int) -> Any:
    return h.link(h.fast_nic(speed_mbps=mbps))


CASES: list[tuple[Any, ...]] = [
    (RP, lambda h: h, "pass", None),
    (RP, lambda h: h.sysctls(STRICT), "pass", None),
    (RP, lambda h: _two_ways(h.sysctls(STRICT)), "fail", "high"),
    (RP, lambda h: _two_ways(h.sysctls(STRICT | {"net.ipv4.conf.all.rp_filter": 2})), "pass", None),
    (RP, lambda h: _two_ways(h.sysctls(dict.fromkeys(STRICT, 0))), "pass", None),
    (RP, lambda h: _multipath(h.sysctls(STRICT)), "pass", None),
    (RP, lambda h: _two_ways(h.sysctls(STRICT | {"net.ipv4.conf.all.rp_filter": 0})), "pass", None),
    (RP, lambda h: _blackhole(h.sysctls(STRICT)), "pass", None),
    (RP, lambda h: _two_ways(h.sysctls(STRICT)).change("routing", policy_rules=1), "fail", "low"),
    (RP, lambda h: h.sysctls(STRICT).change("routing", policy_rules=2), "fail", "info"),
    (RP, lambda h: _halves(h.sysctls(STRICT)), "fail", "high"),
    (RP, lambda h: _halves(h.sysctls(STRICT | {"net.ipv4.conf.eth0.rp_filter": 2})), "pass", None),
    (RP, lambda h: h.have(routing=h.missing), "unknown", None),
    (ROLE, lambda h: h, "skipped", None),
    (ROLE, lambda h: h.sysctl("net.ipv4.ip_forward", 1), "skipped", None),
    (ROLE, lambda h: h.given(role="server"), "pass", None),
    (ROLE, lambda h: h.given(role="server").sysctl("net.ipv4.ip_forward", 1), "fail", "medium"),
    (ROLE, lambda h: _engine(h.given(role="server").sysctl("net.ipv4.ip_forward", 1)), "pass", None),
    (ROLE, lambda h: _engine(h.sysctl("net.ipv4.ip_forward", 1)), "pass", None),
    (ROLE, _engine, "fail", "medium"),
    (ROLE, lambda h: _engine(h).sysctl("net.ipv6.conf.all.forwarding", 1), "pass", None),
    (ROLE, lambda h: h.given(role="kubernetes-node"), "fail", "high"),
    (ROLE, lambda h: h.given(role="kubernetes-node").sysctl("net.ipv4.ip_forward", 1), "pass", None),
    (ROLE, lambda h: h.given(role="router").sysctl("net.ipv6.conf.all.forwarding", 1), "pass", None),
    (ROLE, lambda h: h.given(role="server").have(sysctl=h.denied), "unknown", None),
    (NEIGH, lambda h: h, "pass", None),
    (NEIGH, lambda h: h.given(expected_onlink_peers=820), "fail", "high"),
    (NEIGH, lambda h: h.given(expected_onlink_peers=600), "fail", "medium"),
    (NEIGH, lambda h: h.change("neighbours", ipv4_entries=820), "fail", "high"),
    (NEIGH, lambda h: h.sysctl("net.ipv4.neigh.default.gc_thresh1", 2048), "fail", "medium"),
    (NEIGH, lambda h: h.change("neighbours", ipv6_entries=h.missing), "unknown", None),
    (NEIGH, lambda h: h.sysctls(THRESHOLDS), "skipped", None),
    (ICMP, lambda h: h, "pass", None),
    (ICMP, lambda h: h.sysctl("net.ipv4.icmp_msgs_per_sec", 100), "fail", "low"),
    (ICMP, lambda h: h.have(snmp={"Icmp.OutRateLimitGlobal": 10**6}), "pass", None),
    (ICMP, lambda h: h.sysctls(GLOBAL), "skipped", None),
    (QDISC, lambda h: h, "pass", None),
    (QDISC, lambda h: _qdisc(h, "pfifo_fast"), "fail", "low"),
    (QDISC, lambda h: _qdisc(h, "pfifo_fast", speed_mbps=1000), "pass", None),
    (QDISC, lambda h: _qdisc(h, "pfifo_fast", speed_mbps=h.na), "pass", None),
    (QDISC, lambda h: h.sysctl("net.ipv4.tcp_congestion_control", "bbr"), "fail", "info"),
    (QDISC, lambda h: _qdisc(h, "fq").sysctl("net.ipv4.tcp_congestion_control", "bbr"), "pass", None),
    (
        QDISC,
        lambda h: h.sysctl("net.ipv4.tcp_congestion_control", "bbr").change("kernel", version=(4, 12, 0)),
        "fail",
        "medium",
    ),
    (QDISC, lambda h: h.given(default_qdisc="fq"), "fail", "low"),
    (QDISC, lambda h: h.link(h.fast_nic()).have(qdiscs=h.missing), "unknown", None),
    (QDISC, lambda h: h.sysctls(GLOBAL), "skipped", None),
    (RING, lambda h: h, "pass", None),
    (RING, lambda h: h.link(h.fast_nic()), "pass", None),
    (RING, lambda h: h.link(h.fast_nic(rings=h.Rings(512, 8192, 512, 8192))), "fail", "medium"),
    (RING, lambda h: h.link(h.fast_nic(rings=h.Rings(512, 512, 512, 512))), "pass", None),
    (RING, lambda h: h.given(pps_per_queue=200000).link(h.fast_nic()), "fail", "medium"),
    (RING, lambda h: h.link(h.fast_nic(rings=h.missing)), "unknown", None),
    (RING, lambda h: h.link(h.fast_nic(rings=h.na)), "skipped", None),
    (OFFLOADS, lambda h: h, "pass", None),
    (OFFLOADS, lambda h: _features(h, generic_receive_offload=False), "fail", "medium"),
    (OFFLOADS, lambda h: _features(h, tcp_segmentation_offload=False), "fail", "medium"),
    (OFFLOADS, lambda h: _features(h, large_receive_offload=True), "pass", None),
    (
        OFFLOADS,
        lambda h: _features(h, large_receive_offload=True).sysctl("net.ipv4.ip_forward", 1),
        "fail",
        "medium",
    ),
    (
        OFFLOADS,
        lambda h: h.link(
            h.nic(
                offloads={
                    "scatter-gather": False,
                    "tcp-segmentation-offload": False,
                    "generic-segmentation-offload": False,
                    "generic-receive-offload": True,
                },
                offloads_fixed=("tx-scatter-gather", "tx-tcp-segmentation"),
            )
        ),
        "pass",
        None,
    ),
    (OFFLOADS, lambda h: h.link(h.nic(offloads=h.missing)), "unknown", None),
    (QUEUES, lambda h: h, "pass", None),
    (QUEUES, lambda h: h.change("cpu", count=8), "fail", "low"),
    (QUEUES, lambda h: h.change("cpu", count=8).link(h.nic(rps_cpus=("fe",))), "pass", None),
    (QUEUES, lambda h: h.link(h.fast_nic()), "pass", None),
    (QUEUES, lambda h: h.link(h.fast_nic()).change("cpu", count=16), "fail", "low"),
    (QUEUES, lambda h: h.link(h.fast_nic()).change("cpu", count=16, numa_nodes=4), "pass", None),
    (
        QUEUES,
        lambda h: h.link(h.fast_nic(rx_queues=1, rps_cpus=("0",))).change("cpu", count=16),
        "fail",
        "medium",
    ),
    (QUEUES, lambda h: h.link(h.nic(rx_queues=h.missing)).change("cpu", count=8), "unknown", None),
    (RSS, lambda h: h, "pass", None),
    (RSS, lambda h: h.link(h.fast_nic()), "pass", None),
    (RSS, lambda h: h.link(h.fast_nic(rss=h.Rss(4, 128, (64, 64), "equal 2"))), "fail", "medium"),
    (RSS, lambda h: h.link(h.fast_nic(rss=h.Rss(4, 128, (64, 0, 32, 32), "weight 64 0 32 32"))), "fail", "medium"),
    (RSS, lambda h: h.link(h.fast_nic(rss=h.Rss(4, 128, (125, 1, 1, 1), "weight 125 1 1 1"))), "pass", None),
    (RSS, lambda h: h.link(h.fast_nic(rss=h.Rss(64, 8, (1,) * 8, "equal 8"))), "pass", None),
    (RSS, lambda h: h.link(h.fast_nic(rss=h.na)), "skipped", None),
    (RSS, lambda h: h.link(h.fast_nic(rss=h.missing)), "unknown", None),
    (IRQ, lambda h: h, "pass", None),
    (IRQ, lambda h: _interrupts(h, "0", "0", "0"), "fail", "medium"),
    (IRQ, lambda h: _interrupts(h, "0", "1", "2"), "pass", None),
    (IRQ, lambda h: _interrupts(h, "0-3", "0-3"), "pass", None),
    (IRQ, lambda h: _interrupts(h, "0", "0").change("cpu", count=2), "skipped", None),
    (IRQ, lambda h: h.have(softnet=h.missing), "unknown", None),
    (RPS, lambda h: h, "pass", None),
    (RPS, lambda h: h.change("cpu", count=8), "fail", "info"),
    (RPS, lambda h: h.change("cpu", count=8).link(h.nic(rps_cpus=("00,000000fe",))), "pass", None),
    (BACKLOG, lambda h: h, "pass", None),
    (BACKLOG, lambda h: h.sysctl("net.core.netdev_max_backlog", 300), "fail", "low"),
    (BACKLOG, lambda h: h.given(pps_per_cpu=300000), "fail", "medium"),
    (BACKLOG, lambda h: h.link(h.nic(), h.virtual("veth1", "veth")), "fail", "info"),
    (BACKLOG, lambda h: h.sysctls(GLOBAL), "skipped", None),
    (SOFTIRQ, lambda h: h, "pass", None),
    (SOFTIRQ, lambda h: h.change("softnet", softirq_ratio_by_cpu=(0.02, 0.61)), "fail", "low"),
    (SOFTIRQ, lambda h: h.have(softnet=h.missing), "unknown", None),
    (STATE, lambda h: h, "skipped", None),
    (STATE, lambda h: h.given(interfaces=["eth0"]), "pass", None),
    (STATE, lambda h: h.given(interfaces=["eth0", "eth1"]), "fail", "critical"),
    (STATE, lambda h: h.given(interfaces=["eth0"]).link(h.nic(operstate="down")), "fail", "critical"),
    (STATE, lambda h: h.given(interfaces=["eth0"]).link(h.nic(operstate="unknown")), "pass", None),
    (STATE, lambda h: h.given(interfaces=["eth0"]).have(nics=h.missing), "unknown", None),
    (SPEED, lambda h: h, "skipped", None),
    (SPEED, lambda h: h.link(h.fast_nic()), "pass", None),
    (SPEED, lambda h: h.link(h.fast_nic(duplex="half")), "fail", "high"),
    (SPEED, lambda h: h.given(link_speed_mbps=25000).link(h.fast_nic(speed_mbps=1000)), "fail", "medium"),
    (BANDWIDTH, lambda h: h, "skipped", None),
    (BANDWIDTH, lambda h: _with_speed(h.given(peak_bandwidth_bps="840Mbit/s"), 1000), "pass", None),
    (BANDWIDTH, lambda h: _with_speed(h.given(peak_bandwidth_bps="900Mbit/s"), 1000), "fail", "medium"),
    (BANDWIDTH, lambda h: _with_speed(h.given(peak_bandwidth_bps="2Gbit/s"), 1000), "fail", "high"),
    (PPS, lambda h: h, "skipped", None),
    (PPS, lambda h: h.given(peak_pps=69000, link_pps_limit=100000), "pass", None),
    (PPS, lambda h: h.given(peak_pps=71000, link_pps_limit=100000), "fail", "medium"),
    (PPS, lambda h: h.given(peak_pps=91000, link_pps_limit=100000), "fail", "high"),
    (PPS, lambda h: h.given(peak_pps=600000), "fail", "info"),
    (PPS, lambda h: h.given(peak_pps=600000).link(h.fast_nic()), "pass", None),
    (BOND, lambda h: h, "skipped", None),
    (BOND, _bond, "pass", None),
    (BOND, lambda h: _bond(h, active=1), "fail", "high"),
    (BOND, lambda h: _bond(h, mode="balance-rr"), "fail", "medium"),
    (BOND, lambda h: _bond(h, policy="layer2"), "fail", "low"),
    (BOND, lambda h: _bond(h, mode="active-backup", policy=""), "pass", None),
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
    """Each check of these layers is shown to pass and to fail."""
    assert uncovered(("ip", "qdisc", "nic", "link"), CASES) == []


def test_larger_of_two_filters_is_in_force(host: Any, judge: Callable[..., Any]) -> None:
    """`all` at zero does not switch off an interface, and `all` at two makes it loose."""
    own = {"net.ipv4.conf.all.rp_filter": 0, "net.ipv4.conf.eth0.rp_filter": 1, "net.ipv4.conf.eth1.rp_filter": 1}
    _two_ways(host.sysctls(own))
    result = judge(RP, host)
    assert (result.verdict, result.observed) == ("fail", 1)
    assert {item.subject for item in result.items} == {"eth1"}  # answers to what comes in by eth0 leave by eth0


def test_interface_with_a_dot_in_its_name_is_read(host: Any, judge: Callable[..., Any]) -> None:
    """sysctl(8) writes eth0.100 as eth0/100 inside of a name."""
    host.link(host.nic("eth0.100")).sysctl("net.ipv4.conf.eth0/100.rp_filter", 0)
    assert judge(RP, host.change("routing", routes=(host.route("eth0.100"),))).verdict == "pass"
