"""Checks of connection tracking, each on hosts that differ from a healthy one in one thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

ACTIVE = "ct.active"
MAX = "ct.max"
ROOM = "ct.headroom"
BUCKETS = "ct.buckets_ratio"
MEMORY = "ct.memory"
NAT = "ct.nat.port_pressure"
ESTABLISHED = "ct.timeout.established"
CLOSING = "ct.timeout.closing"
PICKUP = "ct.tcp_pickup"
NOTRACK = "ct.notrack_asymmetry"

LOAD = {"tracked_conns": 100000, "graceful_close_per_s": 600, "udp_flows_per_s": 500}  # 187,000 entries
IN_RULE = "tcp dport 9601 notrack"
OUT_RULE = "tcp sport 9601 notrack"
DROP = "ct state invalid drop"
LIMIT = "net.netfilter.nf_conntrack_tcp_timeout_established"
TIME_WAIT = "net.netfilter.nf_conntrack_tcp_timeout_time_wait"


def _gone(h: Any) -> Any:
    """A host without the module."""
    keys = {name: None for name in h.facts.sysctl.values if name.startswith("net.netfilter.")}
    return h.sysctls(keys).have(conntrack=h.missing)


def _exempt(h: Any, *, outgoing: bool, drops: bool) -> Any:
    h.rules("notrack", IN_RULE, hook="prerouting")
    both = h.facts.firewall.notrack
    if outgoing:
        both = (*both, *h.rules("notrack", OUT_RULE, hook="output").facts.firewall.notrack)
    h.change("firewall", notrack=both)
    return h.rules("stateful_drops", DROP) if drops else h


CASES: list[tuple[Any, ...]] = [
    (ACTIVE, lambda h: h, "pass", None),
    (ACTIVE, lambda h: h.change("conntrack", count=0), "pass", None),
    (ACTIVE, lambda h: h.change("conntrack", count=0).change("firewall", uses_conntrack=False), "fail", "info"),
    (ACTIVE, lambda h: h.change("conntrack", count=0).have(firewall=h.denied), "unknown", None),
    (ACTIVE, lambda h: h.have(firewall=h.denied), "pass", None),
    (ACTIVE, _gone, "skipped", None),
    (MAX, lambda h: h, "pass", None),
    (MAX, lambda h: h.change("conntrack", max=65536), "fail", "info"),
    (MAX, lambda h: h.change("conntrack", max=0), "pass", None),
    (MAX, lambda h: h.given(**LOAD), "pass", None),
    (MAX, lambda h: h.given(**LOAD | {"graceful_close_per_s": 700}), "fail", "high"),
    (MAX, lambda h: h.given(**LOAD | {"graceful_close_per_s": 2000}), "fail", "critical"),
    (MAX, lambda h: h.given(**LOAD | {"graceful_close_per_s": 2000}).change("conntrack", max=0), "pass", None),
    (MAX, lambda h: h.given(silently_lost_per_s=0.1), "pass", None),
    (MAX, lambda h: h.given(silently_lost_per_s=1), "fail", "critical"),
    (MAX, lambda h: h.change("cpu", count=16), "fail", "info"),
    (MAX, lambda h: h.change("cpu", count=16).given(conntrack_sized_by_cores=True), "fail", "medium"),
    (MAX, lambda h: h.change("conntrack", max=h.denied), "unknown", None),
    (MAX, _gone, "skipped", None),
    (ROOM, lambda h: h, "pass", None),
    (ROOM, lambda h: h.change("conntrack", count=196609), "fail", "high"),
    (ROOM, lambda h: h.change("conntrack", count=235930), "fail", "critical"),
    (ROOM, lambda h: h.change("conntrack", count=235930, max=0), "skipped", None),
    (ROOM, lambda h: h.change("conntrack", count=h.denied), "unknown", None),
    (ROOM, _gone, "skipped", None),
    (BUCKETS, lambda h: h, "pass", None),
    (BUCKETS, lambda h: h.change("conntrack", buckets=65536), "pass", None),
    (BUCKETS, lambda h: h.change("conntrack", buckets=32768), "fail", "low"),
    (BUCKETS, lambda h: h.change("conntrack", buckets=16384), "fail", "medium"),
    (BUCKETS, _gone, "skipped", None),
    (MEMORY, lambda h: h, "pass", None),
    (MEMORY, lambda h: h.change("conntrack", max=4 * 10**6), "fail", "low"),
    (MEMORY, lambda h: h.change("conntrack", max=12 * 10**6), "fail", "medium"),
    (MEMORY, lambda h: h.change("conntrack", entry_bytes=h.denied), "unknown", None),
    (NAT, lambda h: h, "skipped", None),
    (NAT, lambda h: h.given(nat_conn_per_s_per_dst=268), "pass", None),
    (NAT, lambda h: h.given(nat_conn_per_s_per_dst=269), "fail", "medium"),
    (NAT, lambda h: h.given(nat_conn_per_s_per_dst=431), "fail", "high"),
    (NAT, lambda h: h.given(nat_conn_per_s_per_dst=431, nat_public_addresses=2), "pass", None),
    (NAT, lambda h: h.given(role="nat-gateway"), "pass", None),
    (NAT, lambda h: h.given(role="nat-gateway").change("conntrack", count=40000), "fail", "info"),
    (ESTABLISHED, lambda h: h, "pass", None),
    (ESTABLISHED, lambda h: h.given(role="nat-gateway"), "fail", "medium"),
    (ESTABLISHED, lambda h: h.given(role="nat-gateway").sysctl(LIMIT, 86400), "pass", None),
    (ESTABLISHED, lambda h: h.sysctl(LIMIT, 7200), "fail", "low"),
    (ESTABLISHED, lambda h: h.given(max_idle_s=10000).sysctl(LIMIT, 9000), "fail", "high"),
    (ESTABLISHED, _gone, "skipped", None),
    (CLOSING, lambda h: h, "pass", None),
    (CLOSING, lambda h: h.change("conntrack", count=200000), "fail", "low"),
    (CLOSING, lambda h: h.change("conntrack", count=200000).sysctl(TIME_WAIT, 60), "pass", None),
    (CLOSING, lambda h: h.given(role="nat-gateway").sysctl(TIME_WAIT, 30), "fail", "low"),
    (CLOSING, _gone, "skipped", None),
    (PICKUP, lambda h: h, "pass", None),
    (PICKUP, lambda h: h.sysctl("net.netfilter.nf_conntrack_tcp_loose", 0), "fail", "info"),
    (PICKUP, lambda h: h.sysctl("net.netfilter.nf_conntrack_tcp_be_liberal", 1), "fail", "info"),
    (PICKUP, _gone, "skipped", None),
    (NOTRACK, lambda h: h, "skipped", None),
    (NOTRACK, lambda h: _exempt(h, outgoing=False, drops=True), "fail", "high"),
    (NOTRACK, lambda h: _exempt(h, outgoing=True, drops=True), "pass", None),
    (NOTRACK, lambda h: _exempt(h, outgoing=False, drops=False), "pass", None),
    (NOTRACK, lambda h: _exempt(h, outgoing=False, drops=True).sysctl("net.ipv4.ip_forward", 1), "fail", "low"),
    (NOTRACK, lambda h: h.have(firewall=h.denied), "unknown", None),
]


@pytest.mark.parametrize(("check", "change", "verdict", "severity"), CASES)
def test_verdict(
    check: str, change: Callable[..., Any], verdict: str, severity: str | None, host: Any, judge: Callable[..., Any]
) -> None:
    """A host that differs in one thing gets the verdict and severity that follow from it."""
    result = judge(check, change(host))
    assert (result.verdict, result.reason) == (verdict, result.reason)
    assert severity is None or result.severity == severity, result


def test_what_is_exempted_is_told_by_direction(host: Any, judge: Callable[..., Any]) -> None:
    """A number each, with what it counts."""
    result = judge(NOTRACK, _exempt(host, outgoing=False, drops=True))
    assert ("1 incoming, 0 outgoing", "rules") == (result.observed, result.unit)
    on_each = "notrack rules: 1 on prerouting, 0 on output; rules that drop by connection state: 1"
    assert on_each == result.evidence


def test_every_level_decides_a_case(idle_levels: Callable[..., list[str]]) -> None:
    """No level of a check could be taken away without some case noticing."""
    assert idle_levels(CASES) == []


def test_every_check_has_cases(uncovered: Callable[..., list[str]]) -> None:
    """Each check of connection tracking is shown to pass and to fail."""
    assert uncovered(("conntrack",), CASES) == []


def test_entries_are_counted_with_the_timeouts_in_force(host: Any, judge: Callable[..., Any]) -> None:
    """Halving the time-wait timeout halves what closed connections need of the table."""
    host.given(**LOAD | {"graceful_close_per_s": 2000})
    assert judge(MAX, host).severity == "critical"
    assert judge(MAX, host.sysctl(TIME_WAIT, 30)).verdict == "pass"


def test_kubernetes_node_has_a_table_sized_by_its_cores(host: Any, judge: Callable[..., Any]) -> None:
    """Under that role what kube-proxy would set is expected, not only mentioned."""
    host.change("cpu", count=16)
    assert judge(MAX, host, "kubernetes-node").severity == "medium"
    assert judge(MAX, host.change("conntrack", max=524288), "kubernetes-node").verdict == "pass"
