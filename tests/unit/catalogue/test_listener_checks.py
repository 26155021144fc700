"""Checks of listeners and of the application's sockets, each on hosts that differ from a healthy one in one thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from netaudit.model.facts import PortCount

BACKLOG = "tcp.accept_queue.backlog_effective"
LIMITER = "tcp.accept_queue.limiter"
SOMAXCONN = "tcp.accept_queue.somaxconn"
STALE = "tcp.accept_queue.stale_backlog"
DEPTH = "tcp.accept_queue.depth"
ABORT = "tcp.accept_queue.abort_on_overflow"
COOKIES = "tcp.syn_queue.syncookies"
MAX_SYN = "tcp.syn_queue.max_syn_backlog"
SYN_DEPTH = "tcp.syn_queue.depth"
RETRIES = "tcp.syn_queue.synack_retries"
EXPECTED = "tcp.listener.expected"
SKEW = "tcp.listener.reuseport_skew"
FD_LIMIT = "app.fd.process_limit"
FD_ROOM = "app.fd.process_headroom"
EMFILE = "app.fd.emfile_accept_stall"
CLOSE_WAIT = "app.close_wait.leak"
UNREAD = "app.recv_queue.stuck"
PERSIST = "app.send_queue.stuck"

S = "net.core.somaxconn"
HTTPS = {"protocol": "tcp", "port": 443, "address": "*"}


def _inside(h: Any, value: str, **listening: Any) -> Any:
    """A container's namespace with its own somaxconn and one listener."""
    listeners = (h.listener(**listening),) if listening else ()
    inside = h.Namespace(4026532300, "shop", 900, "nginx", {S: value}, listeners, {"eth0": 1500})
    return h.have(namespaces=(inside,))


def _workers(h: Any, *queues: int) -> Any:
    return h.have(listeners=tuple(h.listener(443, queue=queue, pid=700 + place) for place, queue in enumerate(queues)))


def _limits(h: Any, **changes: Any) -> Any:
    return h.change("limits", processes=(h.process(**changes),))


CASES: list[tuple[Any, ...]] = [
    (BACKLOG, lambda h: h, "pass", None),
    (BACKLOG, lambda h: h.listen(backlog=510), "fail", "info"),
    (BACKLOG, lambda h: h.listen(backlog=511), "pass", None),
    (BACKLOG, lambda h: h.listen(backlog=4, address="127.0.0.1"), "pass", None),
    (BACKLOG, lambda h: h.given(new_conn_per_s=2000).listen(backlog=999), "fail", "high"),
    (BACKLOG, lambda h: h.given(new_conn_per_s=2000).listen(backlog=1499), "fail", "medium"),
    (BACKLOG, lambda h: h.given(new_conn_per_s=2000).listen(backlog=1500), "pass", None),
    (BACKLOG, lambda h: _inside(h, "4096", port=8080, backlog=5), "fail", "info"),
    (BACKLOG, lambda h: h.have(listeners=h.denied), "unknown", None),
    (BACKLOG, lambda h: h.listen(backlog=h.missing), "unknown", None),
    (LIMITER, lambda h: h, "pass", None),
    (LIMITER, lambda h: h.listen(backlog=8192), "fail", "low"),
    (LIMITER, lambda h: h.given(new_conn_per_s=20000).listen(backlog=4096), "fail", "info"),
    (LIMITER, lambda h: h.listen(backlog=h.missing), "unknown", None),
    (SOMAXCONN, lambda h: h, "pass", None),
    (SOMAXCONN, lambda h: h.sysctl(S, 128), "fail", "high"),
    (SOMAXCONN, lambda h: h.sysctl(S, 127), "fail", "critical"),
    (SOMAXCONN, lambda h: h.given(new_conn_per_s=101).sysctl(S, 128), "fail", "critical"),
    (SOMAXCONN, lambda h: h.given(new_conn_per_s=10000), "fail", "high"),
    (SOMAXCONN, lambda h: h.given(new_conn_per_s=10000).sysctl(S, 8192), "pass", None),
    (SOMAXCONN, lambda h: _inside(h, "128"), "fail", "high"),
    (SOMAXCONN, lambda h: _inside(h.given(new_conn_per_s=10000).sysctl(S, 8192), "4096"), "pass", None),
    (SOMAXCONN, lambda h: _inside(h.given(new_conn_per_s=10000).sysctl(S, 8192), "4096", port=80), "fail", "high"),
    (SOMAXCONN, lambda h: h.have(sysctl=h.denied), "unknown", None),
    (STALE, lambda h: h, "pass", None),
    (STALE, lambda h: h.listen(backlog=128), "fail", "medium"),
    (STALE, lambda h: h.listen(backlog=128, process="shop"), "fail", "low"),
    (STALE, lambda h: h.listen(backlog=128, process=h.denied), "unknown", None),
    (STALE, lambda h: h.listen(backlog=128, process="shop").sysctl(S, 128), "pass", None),
    (STALE, lambda h: h.listen(backlog=4096, process="shop"), "pass", None),
    (STALE, lambda h: h.listen(backlog=256), "fail", "low"),
    (STALE, lambda h: h.listen(backlog=256, process="shop"), "pass", None),
    (STALE, lambda h: h.listen(backlog=511), "pass", None),
    (STALE, lambda h: h.listen(backlog=4096, process="shop").sysctl(S, 65535), "fail", "low"),
    (DEPTH, lambda h: h.listen(queue=3), "pass", None),
    (DEPTH, lambda h: h.listen(queue=512), "fail", "high"),
    (DEPTH, lambda h: h.listen(queue=511), "fail", "low"),
    (DEPTH, lambda h: h.listen(queue=4, backlog=4), "pass", None),
    (DEPTH, lambda h: h.listen(queue=5, backlog=4), "fail", "high"),
    (DEPTH, lambda h: h.have(listeners=h.missing), "unknown", None),
    (ABORT, lambda h: h, "pass", None),
    (ABORT, lambda h: h.sysctl("net.ipv4.tcp_abort_on_overflow", 1), "fail", "medium"),
    (ABORT, lambda h: h.have(sysctl=h.denied), "unknown", None),
    (COOKIES, lambda h: h, "pass", None),
    (COOKIES, lambda h: h.sysctl("net.ipv4.tcp_syncookies", 0), "fail", "high"),
    (COOKIES, lambda h: h.sysctl("net.ipv4.tcp_syncookies", 2), "fail", "medium"),
    (COOKIES, lambda h: h.sysctl("net.ipv4.tcp_syncookies", None), "skipped", None),
    (MAX_SYN, lambda h: h.sysctl("net.ipv4.tcp_max_syn_backlog", 32).given(new_conn_per_s=5000), "pass", None),
    (
        MAX_SYN,
        lambda h: h.sysctl("net.ipv4.tcp_syncookies", 0).given(new_conn_per_s=5000),
        "fail",
        "low",
    ),
    (
        MAX_SYN,
        lambda h: h.sysctls({"net.ipv4.tcp_syncookies": 0, "net.ipv4.tcp_max_syn_backlog": 2000}).given(
            new_conn_per_s=5000
        ),
        "pass",
        None,
    ),
    (SYN_DEPTH, lambda h: h, "pass", None),
    (SYN_DEPTH, lambda h: h.change("sockets", syn_recv_by_port=(h.PortCount(443, 512),)), "fail", "high"),
    (SYN_DEPTH, lambda h: h.change("sockets", syn_recv_by_port=(h.PortCount(443, 256),)), "fail", "medium"),
    (SYN_DEPTH, lambda h: h.change("sockets", syn_recv_by_port=(h.PortCount(443, 255),)), "pass", None),
    (SYN_DEPTH, lambda h: h.have(sockets=h.missing), "unknown", None),
    (RETRIES, lambda h: h, "pass", None),
    (RETRIES, lambda h: h.sysctl("net.ipv4.tcp_synack_retries", 1), "fail", "low"),
    (RETRIES, lambda h: h.sysctl("net.ipv4.tcp_synack_retries", 6), "fail", "low"),
    (EXPECTED, lambda h: h, "skipped", None),
    (EXPECTED, lambda h: h.given(expected_listeners=[HTTPS]), "pass", None),
    (EXPECTED, lambda h: h.given(expected_listeners=[HTTPS | {"port": 8443}]), "fail", "high"),
    (EXPECTED, lambda h: h.given(expected_listeners=[HTTPS | {"protocol": "udp"}]), "fail", "high"),
    (EXPECTED, lambda h: h.given(expected_listeners=[HTTPS]).listen(address="127.0.0.1"), "fail", "medium"),
    (EXPECTED, lambda h: h.given(expected_listeners=[HTTPS]).listen(address="::"), "fail", "info"),
    (EXPECTED, lambda h: h.given(expected_listeners=[HTTPS]).listen(address="*"), "pass", None),
    (EXPECTED, lambda h: h.given(expected_listeners=[HTTPS | {"address": "192.0.2.10"}]), "pass", None),
    (
        EXPECTED,
        lambda h: h.given(expected_listeners=[HTTPS | {"address": "192.0.2.10"}]).listen(address="192.0.2.11"),
        "fail",
        "medium",
    ),
    (EXPECTED, lambda h: h.given(expected_listeners=[HTTPS]).have(listeners=h.missing), "unknown", None),
    (SKEW, lambda h: h, "pass", None),
    (SKEW, lambda h: _workers(h, 60, 0, 1, 0), "fail", "low"),
    (SKEW, lambda h: _workers(h, 60, 50, 40, 55), "pass", None),
    (SKEW, lambda h: _workers(h, 60), "pass", None),
    (SKEW, lambda h: _workers(h, 10, 0), "pass", None),
    (FD_LIMIT, lambda h: h, "skipped", None),
    (FD_LIMIT, lambda h: h.given(concurrent_conns=900), "fail", "high"),
    (FD_LIMIT, lambda h: h.given(concurrent_conns=2000), "fail", "critical"),
    (FD_LIMIT, lambda h: h.given(concurrent_conns=500, is_proxy=True), "fail", "critical"),
    (FD_LIMIT, lambda h: h.given(concurrent_conns=700), "pass", None),
    (FD_LIMIT, lambda h: h.given(concurrent_conns=700).change("limits", processes=h.denied), "unknown", None),
    (FD_ROOM, lambda h: h, "pass", None),
    (FD_ROOM, lambda h: _limits(h, open_files=819), "pass", None),
    (FD_ROOM, lambda h: _limits(h, open_files=820), "fail", "high"),
    (FD_ROOM, lambda h: _limits(h, open_files=973), "fail", "critical"),
    (FD_ROOM, lambda h: _limits(h, open_files=h.denied), "unknown", None),
    (EMFILE, lambda h: h, "pass", None),
    (EMFILE, lambda h: _limits(h.listen(queue=512), open_files=1023), "fail", "critical"),
    (EMFILE, lambda h: _limits(h.listen(queue=512), open_files=200), "pass", None),
    (EMFILE, lambda h: _limits(h.listen(queue=3), open_files=1024), "pass", None),
    (EMFILE, lambda h: _limits(h.listen(queue=512), open_files=h.denied), "unknown", None),
    (EMFILE, lambda h: h.listen(queue=512, pids=h.denied), "unknown", None),
    (CLOSE_WAIT, lambda h: h, "pass", None),
    (CLOSE_WAIT, lambda h: h.change("sockets", tcp_states={"CLOSE-WAIT": 100}), "pass", None),
    (CLOSE_WAIT, lambda h: h.change("sockets", tcp_states={"CLOSE-WAIT": 101}), "fail", "low"),
    (
        CLOSE_WAIT,
        lambda h: h.given(concurrent_conns=1000).change("sockets", tcp_states={"CLOSE-WAIT": 201}),
        "fail",
        "high",
    ),
    (CLOSE_WAIT, lambda h: h.have(sockets=h.missing), "unknown", None),
    (UNREAD, lambda h: h, "pass", None),
    (UNREAD, lambda h: h.change("sockets", unread_established=5), "fail", "info"),
    (UNREAD, lambda h: h.change("sockets", unread_established=21), "fail", "low"),
    (UNREAD, lambda h: h.change("sockets", unread_established=21, tcp_states={"ESTAB": 5000}), "pass", None),
    (UNREAD, lambda h: h.have(sockets=h.missing), "unknown", None),
    (PERSIST, lambda h: h.change("sockets", persist_timers=4), "pass", None),
    (PERSIST, lambda h: h.change("sockets", persist_timers=5), "fail", "low"),
    (PERSIST, lambda h: h.have(sockets=h.missing), "unknown", None),
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
    """Each check of listeners and applications is shown to pass and to fail."""
    assert uncovered(("listener", "application"), CASES) == []


def test_workers_that_share_a_port_need_a_share_each(host: Any, judge: Callable[..., Any]) -> None:
    """Of four sockets on one port each needs 1.3 quarters of what a single one would."""
    four = tuple(host.listener(443, backlog=500, pid=700 + place) for place in range(4))
    host.have(listeners=four).given(new_conn_per_s=2000)
    assert judge(BACKLOG, host).verdict == "pass"
    host.have(listeners=four[:1])
    assert judge(BACKLOG, host).severity == "high"


def test_stale_listener_is_named_with_its_process_and_unit(host: Any, judge: Callable[..., Any]) -> None:
    """Who has to be restarted stands in the finding: process, pid, unit, and the namespace of a container."""
    old = host.listener(443, backlog=128, unit="nginx.service")
    result = judge(STALE, host.have(listeners=(old,)))
    assert "restart needed" in result.reason
    assert "nginx (pid 700) of nginx.service" in result.evidence
    assert "nginx.service" in result.fix
    inside = judge(STALE, _inside(host, "4096", port=8080, backlog=128))
    assert any("netns shop" in item.subject for item in inside.items)


def test_listener_columns_are_read_the_right_way_round(host: Any, judge: Callable[..., Any]) -> None:
    """Recv-Q of a listener is the fill and Send-Q the limit: five waiting on a backlog of four are a full queue."""
    full = host.listen(queue=5, backlog=4)
    assert judge(DEPTH, full).observed == 5
    assert judge(BACKLOG, full).observed == 4
    assert "Recv-Q 5 Send-Q 4" in judge(DEPTH, full).evidence


def test_one_of_several_processes_without_descriptors(host: Any, judge: Callable[..., Any]) -> None:
    """Of processes that share a full listener the one that has no descriptor left is found, not only the oldest."""
    shared = host.listen(queue=600, pids=(700, 701, 702))
    worker = host.process(701, process="worker", open_files=1024)
    shared.change("limits", processes=(host.process(), worker, host.process(702)))
    result = judge(EMFILE, shared)
    assert (result.verdict, result.observed) == ("fail", 1024)
    assert "/proc/701/fd (worker)" in result.evidence
    shared.change("limits", processes=(host.process(), host.process(702)))
    assert judge(EMFILE, shared).verdict == "pass"


def test_port_of_most_leaked_sockets_is_named(host: Any, judge: Callable[..., Any]) -> None:
    """Whose sockets leak is told by the local port that most of them have."""
    ports = (PortCount(9300, 150), PortCount(22, 1))
    leaking = host.change("sockets", tcp_states={"CLOSE-WAIT": 151}, close_wait_by_port=ports)
    assert "151, most of them (150) at local port 9300" in judge(CLOSE_WAIT, leaking).evidence


def test_addresses_of_ipv6_are_in_brackets(host: Any, judge: Callable[..., Any]) -> None:
    """Where a listener's address holds colons, its port can still be told from it."""
    result = judge(BACKLOG, host.listen(backlog=5, address="::", device="eth0"))
    assert [item.subject for item in result.items] == ["[::]%eth0:443"]


def test_accept_queue_without_descriptors_is_told_from_a_slow_application(host: Any, judge: Callable[..., Any]) -> None:
    """The finding names used and allowed descriptors of the process that holds the full listener."""
    starved = host.listen(queue=600)
    starved.change("limits", processes=(replace(host.process(), open_files=1024),))
    assert "1024 entries, soft limit 1024" in judge(EMFILE, starved).evidence
