"""Checks of ports, TIME-WAIT, TCP options, buffers and UDP, each on hosts that differ in one thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

RANGE = "tcp.port.range_size"
TUPLE = "tcp.port.destination_headroom"
RESERVED = "tcp.port.reserved_conflict"
REUSE = "tcp.tw.reuse"
RECYCLE = "tcp.tw.recycle_forbidden"
TW_ROOM = "tcp.tw.headroom"
TW_MAX = "tcp.tw.max_buckets"
FIN = "tcp.tw.fin_timeout"
STAMPS = "tcp.timestamps"
OPTIONS = "tcp.options_enabled"
KEEPALIVE = "tcp.keepalive"
IDLE = "tcp.slow_start_after_idle"
CONGESTION = "tcp.congestion_control"
RMEM = "tcp.rmem.max"
WMEM = "tcp.wmem.max"
TRIPLET = "tcp.rmem.triplet_sane"
SOCK = "sock.rmem_wmem_max"
MEM = "tcp.mem.limits"
MEM_ROOM = "tcp.mem.headroom"
ORPHANS = "tcp.orphans.headroom"
UDP_DROPS = "udp.socket_drops"
UDP_BUFFER = "udp.rcvbuf_capacity"
UDP_MEM = "udp.mem_headroom"

PORTS = "net.ipv4.ip_local_port_range"
HIDDEN = {
    "net.ipv4.tcp_mem": None, "net.ipv4.udp_mem": None, "net.ipv4.tcp_max_orphans": None,
}  # fmt: skip  # what another network namespace than the initial one does not have
GIGABIT = {"flow_bandwidth_bps": 10**9, "rtt_s": 0.04}  # 2 x 5 MB


def _udp(h: Any, queue: int, drops: int, buffer: int | None = 212992) -> Any:
    return h.change("sockets", udp=(h.UdpSocket("0.0.0.0", 53, queue, buffer, drops, 9),))  # a fact


def _towards(h: Any, count: int) -> Any:
    return h.change("sockets", busiest_destinations=(h.Destination("192.0.2.10", "192.0.2.30", 5432, count),))


def _used(h: Any, **counts: int) -> Any:
    return h.have(sockstat={**h.facts.sockstat, **{name.replace("_", "."): count for name, count in counts.items()}})


def _recycled(h: Any, value: str) -> Any:
    """A host with a line for tcp_tw_recycle, as both loaders read it."""
    lines = {"net.ipv4.tcp_tw_recycle": h.PersistedValue(value, "/etc/sysctl.d/9.conf", 3)}
    return h.change("persisted", boot=lines, system=lines)


CASES: list[tuple[Any, ...]] = [
    (RANGE, lambda h: h, "pass", None),
    (RANGE, lambda h: h.sysctl(PORTS, "40000 40099"), "fail", "info"),
    (RANGE, lambda h: h.given(outbound_conn_per_s_per_dst=471), "fail", "high"),
    (RANGE, lambda h: h.given(outbound_conn_per_s_per_dst=320), "fail", "medium"),
    (RANGE, lambda h: h.given(outbound_conn_per_s_per_dst=313), "pass", None),
    (RANGE, lambda h: h.given(outbound_conn_per_s_per_dst=800).sysctl("net.ipv4.tcp_tw_reuse", 1), "pass", None),
    (RANGE, lambda h: h.given(outbound_conn_per_s_per_dst=800, closes_first=False), "pass", None),
    (RANGE, lambda h: h.sysctl("net.ipv4.ip_local_reserved_ports", "33000-33999"), "fail", "info"),
    (RANGE, lambda h: h.have(sysctl=h.denied), "unknown", None),
    (TUPLE, lambda h: h, "pass", None),
    (TUPLE, lambda h: _towards(h, 16940), "fail", "medium"),
    (TUPLE, lambda h: _towards(h, 23998), "fail", "high"),
    (TUPLE, lambda h: h.have(sockets=h.missing), "unknown", None),
    (RESERVED, lambda h: h, "pass", None),
    (RESERVED, lambda h: h.listen(port=40000), "fail", "info"),
    (RESERVED, lambda h: h.listen(port=51820, protocol="udp"), "pass", None),
    (RESERVED, lambda h: h.listen(port=40000, address="127.0.0.1"), "pass", None),
    (RESERVED, lambda h: h.listen(port=40000).sysctl("net.ipv4.ip_local_reserved_ports", "40000"), "pass", None),
    (
        RESERVED,
        lambda h: h.listen(port=40001).sysctl("net.ipv4.ip_local_reserved_ports", "50,40000-40002"),
        "pass",
        None,
    ),
    (
        RESERVED,
        lambda h: h.listen(port=40000).given(expected_listeners=[{"protocol": "tcp", "port": 40000, "address": "*"}]),
        "fail",
        "medium",
    ),
    (REUSE, lambda h: h, "skipped", None),
    (REUSE, lambda h: h.given(outbound_conn_per_s_per_dst=100), "pass", None),
    (REUSE, lambda h: h.given(outbound_conn_per_s_per_dst=300), "fail", "medium"),
    (REUSE, lambda h: h.given(outbound_conn_per_s_per_dst=300).sysctl("net.ipv4.tcp_tw_reuse", 1), "pass", None),
    (RECYCLE, lambda h: h, "pass", None),
    (RECYCLE, lambda h: h.sysctl("net.ipv4.tcp_tw_recycle", 1), "fail", "high"),
    (RECYCLE, lambda h: h.sysctl("net.ipv4.tcp_tw_recycle", 0), "pass", None),
    (
        RECYCLE,
        lambda h: h.change(
            "persisted", boot={"net.ipv4.tcp_tw_recycle": h.PersistedValue("1", "/etc/sysctl.d/9.conf", 3)}
        ),
        "fail",
        "low",
    ),
    (RECYCLE, lambda h: _recycled(h, "0").sysctl("net.ipv4.tcp_tw_recycle", 0), "pass", None),
    (RECYCLE, lambda h: _recycled(h, "1").sysctl("net.ipv4.tcp_tw_recycle", 0), "fail", "low"),
    (RECYCLE, lambda h: _recycled(h, "0"), "fail", "low"),
    (RECYCLE, lambda h: h.have(persisted=h.denied), "unknown", None),
    (TW_ROOM, lambda h: h, "pass", None),
    (TW_ROOM, lambda h: _used(h, TCP_tw=49153), "fail", "low"),
    (TW_ROOM, lambda h: _used(h, TCP_tw=62260), "fail", "medium"),
    (TW_ROOM, lambda h: h.have(sockstat=h.missing), "unknown", None),
    (TW_MAX, lambda h: h, "pass", None),
    (TW_MAX, lambda h: h.sysctl("net.ipv4.tcp_max_tw_buckets", 5000), "fail", "low"),
    (TW_MAX, lambda h: h.given(active_close_per_s=1000), "fail", "medium"),
    (TW_MAX, lambda h: h.given(active_close_per_s=870), "pass", None),
    (FIN, lambda h: h, "pass", None),
    (FIN, lambda h: h.sysctl("net.ipv4.tcp_fin_timeout", 3), "fail", "low"),
    (FIN, lambda h: h.sysctl("net.ipv4.tcp_fin_timeout", 10), "fail", "info"),
    (FIN, lambda h: h.sysctl("net.ipv4.tcp_fin_timeout", 120), "fail", "info"),
    (FIN, lambda h: h.sysctl("net.ipv4.tcp_fin_timeout", 15), "pass", None),
    (STAMPS, lambda h: h, "pass", None),
    (STAMPS, lambda h: h.sysctl("net.ipv4.tcp_timestamps", 2), "pass", None),
    (STAMPS, lambda h: h.sysctl("net.ipv4.tcp_timestamps", 0), "fail", "medium"),
    (OPTIONS, lambda h: h, "pass", None),
    (OPTIONS, lambda h: h.sysctl("net.ipv4.tcp_window_scaling", 0), "fail", "high"),
    (OPTIONS, lambda h: h.sysctl("net.ipv4.tcp_sack", 0), "fail", "medium"),
    (OPTIONS, lambda h: h.sysctl("net.ipv4.tcp_dsack", 0), "fail", "low"),
    (OPTIONS, lambda h: h.sysctl("net.ipv4.tcp_sack", None), "unknown", None),
    (KEEPALIVE, lambda h: h, "fail", "info"),
    (KEEPALIVE, lambda h: h.sysctl("net.ipv4.tcp_keepalive_time", 300), "pass", None),
    (KEEPALIVE, lambda h: h.given(min_idle_timeout_s=350), "fail", "medium"),
    (KEEPALIVE, lambda h: h.given(min_idle_timeout_s=350).sysctl("net.ipv4.tcp_keepalive_time", 350), "fail", "medium"),
    (KEEPALIVE, lambda h: h.given(min_idle_timeout_s=9000), "pass", None),
    (IDLE, lambda h: h, "skipped", None),
    (IDLE, lambda h: h.given(keepalive_s=60, response_bytes=20000), "fail", "low"),
    (
        IDLE,
        lambda h: h.given(keepalive_s=60, response_bytes=20000).sysctl("net.ipv4.tcp_slow_start_after_idle", 0),
        "pass",
        None,
    ),
    (CONGESTION, lambda h: h, "skipped", None),
    (CONGESTION, lambda h: h.given(congestion_control="bbr"), "fail", "medium"),
    (CONGESTION, lambda h: h.given(congestion_control="reno"), "fail", "low"),
    (CONGESTION, lambda h: h.given(congestion_control="cubic"), "pass", None),
    (CONGESTION, lambda h: h.given(congestion_control="cubic").have(sysctl=h.denied), "unknown", None),
    (RMEM, lambda h: h, "pass", None),
    (RMEM, lambda h: h.sysctl("net.ipv4.tcp_rmem", "4096 131072 4194304"), "fail", "low"),
    (
        RMEM,
        lambda h: h.sysctl("net.ipv4.tcp_rmem", "4096 131072 4194304").change("memory", total_bytes=2**29),
        "pass",
        None,
    ),
    (RMEM, lambda h: h.given(**GIGABIT), "fail", "medium"),
    (RMEM, lambda h: h.given(**GIGABIT | {"rtt_s": 0.08}), "fail", "high"),
    (RMEM, lambda h: h.given(**GIGABIT).sysctl("net.ipv4.tcp_rmem", "4096 131072 16777216"), "pass", None),
    (WMEM, lambda h: h, "pass", None),
    (WMEM, lambda h: h.sysctl("net.ipv4.tcp_wmem", "4096 16384 1048576"), "fail", "low"),
    (WMEM, lambda h: h.given(**GIGABIT), "fail", "high"),
    (WMEM, lambda h: h.given(**GIGABIT | {"rtt_s": 0.03}), "fail", "medium"),
    (WMEM, lambda h: h.have(memory=h.missing), "unknown", None),
    (TRIPLET, lambda h: h, "pass", None),
    (TRIPLET, lambda h: h.sysctl("net.ipv4.tcp_wmem", "4096 65536 16384"), "fail", "high"),
    (TRIPLET, lambda h: h.sysctl("net.ipv4.tcp_rmem", "4096 12582912 16777216"), "fail", "medium"),
    (TRIPLET, lambda h: h.sysctl("net.ipv4.tcp_rmem", "4096 32768 6291456"), "fail", "low"),
    (TRIPLET, lambda h: h.sysctl("net.ipv4.tcp_rmem", "4096 87380 6291456"), "pass", None),
    (TRIPLET, lambda h: h.sysctl("net.ipv4.tcp_rmem", "4096"), "unknown", None),
    (SOCK, lambda h: h, "skipped", None),
    (SOCK, lambda h: h.given(udp_socket_buffer_bytes="4MiB"), "fail", "medium"),
    (
        SOCK,
        lambda h: h.given(udp_socket_buffer_bytes="4MiB").sysctls(
            {"net.core.rmem_max": 4194304, "net.core.wmem_max": 4194304}
        ),
        "pass",
        None,
    ),
    (MEM, lambda h: h, "pass", None),
    (MEM, lambda h: h.sysctl("net.ipv4.tcp_mem", "1024000 8738000 1677721600"), "fail", "medium"),
    (MEM, lambda h: h.sysctl("net.ipv4.tcp_mem", "10 5 1"), "fail", "high"),
    (MEM, lambda h: h.given(concurrent_conns=10**6, response_bytes=20000), "fail", "medium"),
    (MEM, lambda h: h.given(concurrent_conns=2 * 10**6, response_bytes=20000), "fail", "high"),
    (MEM, lambda h: h.sysctls(HIDDEN), "skipped", None),
    (MEM_ROOM, lambda h: h, "pass", None),
    (MEM_ROOM, lambda h: _used(h, TCP_mem=201392), "fail", "medium"),
    (MEM_ROOM, lambda h: _used(h, TCP_mem=339844), "fail", "high"),
    (MEM_ROOM, lambda h: h.sysctls(HIDDEN), "skipped", None),
    (ORPHANS, lambda h: h, "pass", None),
    (ORPHANS, lambda h: _used(h, TCP_orphan=16385), "fail", "medium"),
    (ORPHANS, lambda h: _used(h, TCP_orphan=32769), "fail", "high"),
    (ORPHANS, lambda h: h.sysctls(HIDDEN), "skipped", None),
    (UDP_DROPS, lambda h: h, "pass", None),
    (UDP_DROPS, lambda h: _udp(h, 0, 5000), "pass", None),
    (UDP_DROPS, lambda h: _udp(h, 1000, 5000), "pass", None),
    (UDP_DROPS, lambda h: _udp(h, 200000, 0), "fail", "low"),
    (UDP_DROPS, lambda h: _udp(h, 200000, 1), "fail", "high"),
    (UDP_DROPS, lambda h: _udp(h, 200000, 1, None), "unknown", None),
    (UDP_BUFFER, lambda h: h, "skipped", None),
    (UDP_BUFFER, lambda h: h.given(udp_pps=50000, udp_datagram_bytes=100), "fail", "medium"),
    (UDP_BUFFER, lambda h: h.given(udp_pps=12800, udp_datagram_bytes=100), "pass", None),
    (UDP_BUFFER, lambda h: h.given(udp_pps=12800), "fail", "medium"),
    (
        UDP_BUFFER,
        lambda h: h.given(udp_pps=50000, udp_datagram_bytes=100, udp_socket_buffer_bytes=416000).sysctl(
            "net.core.rmem_max", 4194304
        ),
        "pass",
        None,
    ),
    (UDP_MEM, lambda h: h, "pass", None),
    (UDP_MEM, lambda h: _used(h, UDP_mem=402783), "fail", "medium"),
    (UDP_MEM, lambda h: _used(h, UDP_mem=679688), "fail", "high"),
    (UDP_MEM, lambda h: h.sysctls(HIDDEN), "skipped", None),
    ("host.socket_inventory", lambda h: h, "pass", None),
    ("host.socket_inventory", lambda h: _used(h, TCP_alloc=838861), "fail", "medium"),
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
    """Each check of the transport layer is shown to pass and to fail."""
    assert uncovered(("transport",), CASES) == []


def test_usable_ports_are_counted_without_reserved_ones(host: Any, judge: Callable[..., Any]) -> None:
    """28,232 ports by default; reserved ports count only inside of the range."""
    assert judge(RANGE, host).observed == 28232
    host.sysctl("net.ipv4.ip_local_reserved_ports", "8080,32768-32769")
    assert judge(RANGE, host).observed == 28230


def test_page_size_decides_what_tcp_mem_is_in_bytes(host: Any, judge: Callable[..., Any]) -> None:
    """With pages of 64 KiB the same numbers are sixteen times the memory."""
    assert judge(MEM, host).verdict == "pass"
    result = judge(MEM, host.change("memory", page_bytes=65536))
    assert result.verdict == "fail"
    assert "bytes written where pages" in result.reason


def test_container_has_its_own_keepalive(host: Any, judge: Callable[..., Any]) -> None:
    """A setting of a network namespace is judged in every one, and the namespace is named."""
    inside = host.Namespace(4026532300, "shop", 900, "nginx", {"net.ipv4.tcp_timestamps": "0"}, (), {})
    result = judge(STAMPS, host.have(namespaces=(inside,)))
    assert result.verdict == "fail"
    assert [item.subject for item in result.items] == ["netns shop"]


def test_setting_that_a_namespace_lacks_is_no_subject(host: Any, judge: Callable[..., Any]) -> None:
    """An older kernel's namespace without a key of its own does not make the host unknown."""
    inside = host.Namespace(4026532300, "shop", 900, "nginx", {}, (), {})
    assert judge(STAMPS, host.have(namespaces=(inside,))).verdict == "pass"
