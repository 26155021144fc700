"""The catalogue as a whole: what it holds, that it explains itself, and that it leaves healthy hosts alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from netaudit.assets.catalogue import lint, load_ruleset
from netaudit.assets.locate import locate
from netaudit.baseline.closures import closure
from netaudit.baseline.schema import Check, Extent
from netaudit.baseline.scope import RunningSysctls, Scope
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.result import Result, Severity, Verdict

BASELINES = ("linux-server", "web-edge", "database", "nat-gateway", "kubernetes-node", "high-bdp-transfer")
IDS = [
    "app.close_wait.leak",
    "app.fd.emfile_accept_stall",
    "app.fd.process_headroom",
    "app.fd.process_limit",
    "app.recv_queue.stuck",
    "app.send_queue.stuck",
    "audit.counter_reset",
    "ct.active",
    "ct.buckets_ratio",
    "ct.headroom",
    "ct.max",
    "ct.memory",
    "ct.nat.port_pressure",
    "ct.notrack_asymmetry",
    "ct.tcp_pickup",
    "ct.timeout.closing",
    "ct.timeout.established",
    "host.cpu_steal",
    "host.dmesg_network_patterns",
    "host.file_max.headroom",
    "host.nofile_config_ineffective",
    "host.nr_open",
    "host.socket_inventory",
    "host.sysctl_drift",
    "ip.forwarding_role",
    "ip.icmp_rate_limit",
    "ip.neigh.thresholds",
    "ip.rp_filter",
    "link.bandwidth_headroom",
    "link.bond",
    "link.pps_headroom",
    "link.speed_duplex",
    "link.state",
    "nic.irq_spread",
    "nic.netdev_max_backlog",
    "nic.offloads",
    "nic.queues",
    "nic.ring.rx_size",
    "nic.rps",
    "nic.rss",
    "nic.softirq_cpu",
    "path.icmp_filtering",
    "path.loss_rtt",
    "path.mss_clamp",
    "path.mtu.consistency",
    "path.pmtu.blackhole",
    "qdisc.default",
    "sock.rmem_wmem_max",
    "tcp.accept_queue.abort_on_overflow",
    "tcp.accept_queue.backlog_effective",
    "tcp.accept_queue.depth",
    "tcp.accept_queue.limiter",
    "tcp.accept_queue.somaxconn",
    "tcp.congestion_control",
    "tcp.keepalive",
    "tcp.listener.expected",
    "tcp.listener.reuseport_skew",
    "tcp.mem.headroom",
    "tcp.mem.limits",
    "tcp.mtu_probing",
    "tcp.options_enabled",
    "tcp.orphans.headroom",
    "tcp.port.destination_headroom",
    "tcp.port.range_size",
    "tcp.port.reserved_conflict",
    "tcp.rmem.max",
    "tcp.rmem.triplet_sane",
    "tcp.slow_start_after_idle",
    "tcp.syn_queue.depth",
    "tcp.syn_queue.max_syn_backlog",
    "tcp.syn_queue.synack_retries",
    "tcp.syn_queue.syncookies",
    "tcp.timestamps",
    "tcp.tw.fin_timeout",
    "tcp.tw.headroom",
    "tcp.tw.max_buckets",
    "tcp.tw.recycle_forbidden",
    "tcp.tw.reuse",
    "tcp.wmem.max",
    "trace.capture_plan",
    "trace.kfree_skb.available",
    "trace.kprobes.available",
    "trace.overhead_guard",
    "udp.mem_headroom",
    "udp.rcvbuf_capacity",
    "udp.socket_drops",
]  # what one reading of a host can decide
BEYOND = [
    "host.nr_open.requested",
    "host.sysctl.clobbered",
    "host.sysctl.lost_at_boot",
    "host.sysctl.writer",
    "path.mtu.namespace",
    "path.mtu.segment",
    "tcp.accept_queue.stale_backlog",
]
REMEDIATIONS = {None, "sysctl", "ethtool", "mtu", "module_param", "service", "sysfs"}

# Settings that every network namespace has for itself, with the checks that judge them there.
OF_A_NAMESPACE = {
    "net.core.somaxconn": "tcp.accept_queue.somaxconn",
    "net.ipv4.ip_local_port_range": "tcp.port.range_size",
    "net.ipv4.ip_local_reserved_ports": "tcp.port.reserved_conflict",
    "net.ipv4.tcp_max_syn_backlog": "tcp.syn_queue.max_syn_backlog",
    "net.ipv4.tcp_max_tw_buckets": "tcp.tw.max_buckets",
    "net.ipv4.tcp_syncookies": "tcp.syn_queue.syncookies",
    "net.ipv4.tcp_abort_on_overflow": "tcp.accept_queue.abort_on_overflow",
    "net.ipv4.tcp_tw_reuse": "tcp.tw.reuse",
    "net.ipv4.tcp_fin_timeout": "tcp.tw.fin_timeout",
    "net.ipv4.tcp_keepalive_time": "tcp.keepalive",
    "net.ipv4.tcp_rmem": "tcp.rmem.max",
    "net.ipv4.tcp_wmem": "tcp.wmem.max",
    "net.ipv4.tcp_congestion_control": "tcp.congestion_control",
    "net.netfilter.nf_conntrack_tcp_loose": "ct.tcp_pickup",
}
OF_THE_HOST = (
    "net.core.rmem_max", "net.core.wmem_max", "net.core.rmem_default", "net.netfilter.nf_conntrack_max",
    "net.netfilter.nf_conntrack_buckets", "net.core.netdev_max_backlog", "net.core.default_qdisc", "net.ipv4.tcp_mem",
    "net.ipv4.udp_mem", "net.ipv4.tcp_max_orphans", "net.ipv4.neigh.default.gc_thresh3",
)  # fmt: skip

# What articles get wrong, and the words by which a check says what is right.
CORRECTED = [
    ("tcp.accept_queue.depth", "Recv-Q counts waiting connections and Send-Q is the limit"),
    ("tcp.accept_queue.backlog_effective", "Send-Q is the limit and Recv-Q the fill"),
    ("tcp.syn_queue.max_syn_backlog", "say nothing about this setting"),
    ("tcp.syn_queue.max_syn_backlog", "only while SYN cookies are off"),
    ("host.dmesg_network_patterns", "only printed with debugging on"),
    ("tcp.accept_queue.abort_on_overflow", "SYNs are dropped silently either way"),
    ("path.pmtu.blackhole", "dropped and reported, not fragmented"),
    ("path.mtu.consistency", "sends with DF set"),
    ("app.send_queue.stuck", "A Send-Q above 0 is no symptom"),
    ("tcp.syn_queue.depth", "there is no second queue"),
    ("ct.active", "A loaded module does not mean tracking"),
    ("path.pmtu.blackhole", "that it is clean says little"),
    ("path.loss_rtt", "one that starts later fails"),
    ("trace.kfree_skb.available", "there is no len"),
    ("trace.kprobes.available", "kprobe:NAME is the spelling of bpftrace"),
    ("tcp.orphans.headroom", "An orphan is not a TIME-WAIT socket"),
    ("ct.headroom", "nf_conntrack_count is the number to read"),
    ("ct.notrack_asymmetry", "no kernel symbol xt_nflog_trace"),
    ("ct.tcp_pickup", "starts a new entry"),
    ("ct.timeout.established", "does not by itself drop anything"),
    ("udp.socket_drops", "ss -i has no such numbers"),
    ("tcp.accept_queue.somaxconn", "65536 became 0"),
    ("tcp.tw.fin_timeout", "TIME-WAIT is the constant TCP_TIMEWAIT_LEN"),
    ("tcp.tw.reuse", "helps only where connections are opened"),
    ("tcp.port.range_size", "A reverse proxy does, as the client of its backends"),
    ("tcp.accept_queue.limiter", "no SO_BACKLOG"),
    ("app.close_wait.leak", "CLOSE-WAIT with a hyphen"),
    ("trace.capture_plan", "-G is the period of a rotation, not an end"),
    ("trace.capture_plan", "display filter of Wireshark"),
    ("tcp.mtu_probing", "tcp_base_mss (1024) is only where probing starts"),
    ("host.nofile_config_ineffective", "Services of systemd never pass there"),
    ("app.fd.process_limit", "no effect on systemd services"),
]


@pytest.fixture(scope="module")
def checks() -> dict[str, Check]:
    """Every shipped check by id."""
    return {check.id: check for check in load_ruleset("linux-server").rules.checks}


def _words(check: Check) -> str:
    fix = check.fix.text if check.fix else ""
    return " ".join((check.why, check.derive, fix, check.kernel, *check.caveats))


def test_catalogue_is_whole(checks: dict[str, Check]) -> None:
    """All checks that one reading can decide are there, and those that go beyond them."""
    assert sorted(checks) == sorted([*IDS, *BEYOND])


@pytest.mark.parametrize("baseline", BASELINES)
def test_baseline_is_valid(baseline: str) -> None:
    """A shipped baseline has no errors and sets no variable that nothing uses."""
    rules, errors = lint(baseline)
    assert errors == ()
    assert rules is not None
    assert rules.warnings == ()


def test_shipped_baselines_are_the_tested_ones() -> None:
    """No baseline is shipped untested."""
    assert sorted(path.stem for path in locate().baselines.glob("*.yaml")) == sorted(BASELINES)


@pytest.mark.parametrize("check_id", [*IDS, *BEYOND])
def test_check_explains_itself(check_id: str, checks: dict[str, Check]) -> None:
    """Why, how the expected value comes about, what to do, at what risk, from where: nothing is missing."""
    check = checks[check_id]
    assert len(check.why) > 60
    assert len(check.derive) > 40
    assert check.fix is not None
    assert check.evidence is not None
    assert check.risk is not None
    assert check.kernel
    assert check.sources
    assert check.caveats
    assert check.remediation in REMEDIATIONS
    assert check.levels
    assert (
        max(level.severity.rank for level in check.levels) == check.severity.rank
        or check_id == "tcp.accept_queue.somaxconn"
    )


def test_a_title_is_plain_text(checks: dict[str, Check]) -> None:
    """Reports print it as it is, on terminals as on pages: marks of Markdown would stay."""
    assert [] == [check.id for check in checks.values() if {"`", "*", "<", "\n"} & set(check.title)]


@pytest.mark.parametrize(("check_id", "words"), CORRECTED)
def test_common_error_is_corrected(check_id: str, words: str, checks: dict[str, Check]) -> None:
    """Where articles are known to be wrong, the check says what is right."""
    assert words in " ".join(_words(checks[check_id]).split())


@pytest.mark.parametrize(("key", "check_id"), OF_A_NAMESPACE.items())
def test_namespaced_setting_is_judged_in_every_namespace(key: str, check_id: str, checks: dict[str, Check]) -> None:
    """A container has its own value of these."""
    check = checks[check_id]
    assert check.extent is Extent.NAMESPACE
    assert f"sysctl:{key}" in _reads(check)


def test_setting_of_the_host_is_not_looked_for_in_namespaces(checks: dict[str, Check]) -> None:
    """What only the initial namespace has, or others have read-only, is judged once."""
    wrong = [
        (check.id, key)
        for check in checks.values()
        for key in OF_THE_HOST
        if check.extent is Extent.NAMESPACE and f"sysctl:{key}" in _reads(check)
    ]
    assert wrong == []


def _reads(check: Check) -> set[str]:
    from netaudit.baseline.resolve import all_reads

    return set(all_reads(check))


def _findings(results: dict[str, Result], least: Severity = Severity.LOW) -> dict[str, str | None]:
    return {
        name: result.reason
        for name, result in results.items()
        if result.verdict is Verdict.FAIL and result.severity.rank >= least.rank
    }


def _of(results: dict[str, Result], verdict: Verdict) -> dict[str, str | None]:
    return {name: result.reason for name, result in results.items() if result.verdict is verdict}


def test_healthy_host_is_left_alone(host: Any, audit: Callable[..., dict[str, Result]]) -> None:
    """A default server has no finding above `info`, and nothing about it is unknown."""
    results = audit(host)
    assert _findings(results) == {}
    assert _of(results, Verdict.UNKNOWN) == {}
    assert set(_of(results, Verdict.FAIL)) <= {"tcp.keepalive"}


def _container_host(host: Any) -> Any:
    """Docker with three containers: a bridge, veth pairs into other namespaces, forwarding, NAT."""
    inside = tuple(
        host.Namespace(
            4026532300 + place,
            f"app{place}",
            900 + place,
            "java",
            {
                "net.core.somaxconn": "4096",
                "net.ipv4.tcp_syncookies": "1",
                "net.ipv4.ip_local_port_range": "32768 60999",
            },
            (host.listener(8080, backlog=100, process="java", pid=900 + place),),
            {"lo": 65536, "eth0": 1500},
        )
        for place in range(3)
    )
    pairs = tuple(host.virtual(f"veth{place}", "veth", ifindex=10 + place, master="docker0") for place in range(3))
    return host.sysctl("net.ipv4.ip_forward", 1).have(
        namespaces=inside,
        nics=(*host.facts.nics, host.virtual("docker0", "bridge", ifindex=3), *pairs),
        writers=(host.Writer("docker", "/run/docker.sock", True, ("net.ipv4.ip_forward",)),),
    )


def test_container_host_is_left_alone(host: Any, audit: Callable[..., dict[str, Result]]) -> None:
    """Bridges, veth pairs, NAT and namespaces with few settings of their own are no findings."""
    results = audit(_container_host(host))
    assert _findings(results) == {}
    assert _of(results, Verdict.UNKNOWN) == {}


def test_red_hat_host_is_left_alone(host: Any, audit: Callable[..., dict[str, Result]]) -> None:
    """Strict reverse path filter and one uplink, tuned running, other defaults: no findings."""
    host.sysctls(
        {
            "net.ipv4.conf.all.rp_filter": 1, "net.ipv4.conf.eth0.rp_filter": 1, "net.core.rmem_max": 2097152,
            "net.ipv4.tcp_rmem": "4096 131072 6291456",
        }
    )  # fmt: skip
    host.have(writers=(host.Writer("tuned", "virtual-guest", True, ("vm.dirty_ratio", "vm.swappiness")),))
    host.change("kernel", version=(5, 14, 0), distribution="rhel 9.4")
    assert _findings(audit(host)) == {}


def test_small_host_is_left_alone(host: Any, audit: Callable[..., dict[str, Result]]) -> None:
    """A machine with 1 GiB has smaller defaults, and they are right for it."""
    host.change("memory", total_bytes=2**30).change("conntrack", max=65536, buckets=65536).sysctls(
        {
            "net.ipv4.tcp_rmem": "4096 131072 6291456", "net.ipv4.tcp_max_tw_buckets": 4096,
            "net.ipv4.tcp_mem": "10890 14522 21780", "net.ipv4.tcp_max_orphans": 4096,
        }
    )  # fmt: skip
    assert _findings(audit(host)) == {}


def test_host_without_conntrack_is_not_judged_on_it(host: Any, audit: Callable[..., dict[str, Result]]) -> None:
    """Where the module is not loaded every check of it is skipped, with that reason."""
    gone = {name: None for name in host.facts.sysctl.values if name.startswith("net.netfilter.")}
    results = audit(host.sysctls(gone).have(conntrack=host.missing, firewall=host.missing))
    assert {result.verdict for name, result in results.items() if name.startswith("ct.")} == {Verdict.SKIPPED}
    assert _findings(results) == {}


def test_container_as_a_host_is_not_judged_on_what_it_cannot_see(
    host: Any, audit: Callable[..., dict[str, Result]]
) -> None:
    """Inside a network namespace the settings of the host are skipped, not unknown."""
    hidden = {
        name: None
        for name in host.facts.sysctl.values
        if name in OF_THE_HOST
        or ".neigh.default." in name
        or name in {"net.ipv4.tcp_mem", "net.ipv4.icmp_msgs_per_sec"}
    }
    for name in ("rmem_max", "wmem_max", "rmem_default", "wmem_default"):
        hidden.pop(f"net.core.{name}", None)
    host.sysctls(hidden).change("kernel", is_initial_namespace=False, virtualization="docker", init="nginx")
    host.link(host.virtual("eth0", "veth"))
    results = audit(host)
    assert _findings(results) == {}
    assert _of(results, Verdict.UNKNOWN) == {}


def test_login_without_root_gets_unknown_and_no_false_findings(
    host: Any, audit: Callable[..., dict[str, Result]]
) -> None:
    """What needs root is unknown and says so; nothing turns into a finding or a pass because of it."""
    denied = Absent(AbsentReason.NOT_PERMITTED, "needs root")
    host.have(firewall=denied, kernel_log=denied, namespaces=denied).change("conntrack", entry_bytes=denied)
    host.change("limits", processes=denied).change("tracing", kfree_skb_reason=denied, kprobes=denied)
    host.have(listeners=tuple(replace(each, process=denied, pid=denied) for each in host.facts.listeners))
    results = audit(host)
    assert _findings(results) == {}
    unknown = _of(results, Verdict.UNKNOWN)
    assert {"ct.memory", "app.fd.process_headroom", "host.dmesg_network_patterns", "path.icmp_filtering"} <= set(
        unknown
    )
    assert all("needs root" in (reason or "") for reason in unknown.values())


def test_host_that_answers_nothing_is_unknown_throughout(host: Any, audit: Callable[..., dict[str, Result]]) -> None:
    """Without any fact nothing passes, but for what is decided by declarations alone."""
    lost = Absent(AbsentReason.NOT_FINISHED, "cut")
    names = [name for name in type(host.facts).__slots__ if name not in {"host", "address", "taken_at"}]
    results = audit(host.have(**dict.fromkeys(names, lost)))
    assert _of(results, Verdict.FAIL) == {}
    assert _of(results, Verdict.PASS) == {}


def test_counters_since_boot_are_never_findings(host: Any, audit: Callable[..., dict[str, Result]]) -> None:
    """However high the counters stand, the verdicts are those of a host on which they are zero."""
    before = {name: result.verdict for name, result in audit(host).items()}
    host.have(netstat={"TcpExt.ListenOverflows": 10**9, "TcpExt.TCPReqQFullDrop": 10**9})
    host.have(snmp={"Icmp.OutRateLimitGlobal": 10**9, "Udp.RcvbufErrors": 10**9})
    host.change("conntrack", stats={"drop": 10**9, "early_drop": 10**9, "insert_failed": 10**9})
    host.change("neighbours", ipv4_stats={"table_fulls": 10**9})
    counters = {"rx_missed_errors": 10**9, "rx_dropped": 10**9, "tx_dropped": 10**9}
    host.link(host.nic(counters=counters, carrier_changes=10**6))
    host.change("sockets", udp=(host.UdpSocket("0.0.0.0", 53, 10, 212992, 10**9, 9),))
    assert {name: result.verdict for name, result in audit(host).items()} == before


def test_desired_values_can_be_computed(host: Any, checks: dict[str, Check]) -> None:
    """Every setting that a check would write has a value on a healthy host: a number, a list of numbers or a word."""
    host.given(congestion_control="bbr").link(host.fast_nic())
    rules = load_ruleset("linux-server").for_host(
        "web1", {"netaudit_vars": {"congestion_control": "bbr"}}, lambda _: frozenset()
    )
    subjects = {"nic": host.fast_nic(), "key": "net.ipv4.tcp_rmem", "family": "ipv4", "listener": host.listener()}
    subjects["line"] = host.LimitsLine("/etc/security/limits.conf", 1, "*", "soft", "65536")
    for each in rules.checks:
        check = each.compiled.check
        scope = Scope(host.facts, RunningSysctls(host.facts, lambda _: host.missing), each.variables)
        scope.definitions = each.compiled.definitions
        scope.names = dict(subjects)
        for _, wanted in check.desired:
            value = closure(wanted.tree)(scope)
            assert isinstance(value, int | str | list), check.id
            assert not isinstance(value, list) or all(type(part) is int for part in value), (check.id, value)


def test_names_are_sorted_and_unique() -> None:
    """The lists of settings and counters can be compared line by line."""
    for name in ("sysctl-names.txt", "counter-names.txt"):
        lines = (locate().playbooks / "schema" / name).read_text().splitlines()
        names = [line for line in lines if line and not line.startswith("#")]
        assert names == sorted(set(names))
        assert len(names) > 400


ROLES = {
    "web-edge": {
        "app.fd.process_limit": "critical",
        "tcp.accept_queue.backlog_effective": "high",
        "tcp.mtu_probing": "medium",
        "tcp.tw.max_buckets": "medium",
    },
    "database": {"app.fd.process_limit": "critical", "tcp.keepalive": "medium"},
    "nat-gateway": {"ct.max": "high", "ct.timeout.established": "medium", "ip.forwarding_role": "high"},
    "kubernetes-node": {"ct.timeout.established": "medium", "ip.forwarding_role": "high"},
    "high-bdp-transfer": {
        "tcp.congestion_control": "medium",
        "tcp.mtu_probing": "medium",
        "tcp.rmem.max": "high",
        "tcp.wmem.max": "high",
    },
}


@pytest.mark.parametrize("role", ROLES)
def test_role_asks_for_what_a_default_server_lacks(
    role: str, host: Any, audit: Callable[..., dict[str, Result]]
) -> None:
    """A server as it is installed fails exactly those checks that the role is about."""
    results = audit(host, role)
    found = _findings(results, Severity.MEDIUM)
    assert {name: str(results[name].severity) for name in found} == ROLES[role]


def test_expected_value_is_the_one_that_would_be_right(host: Any, judge: Callable[..., Any]) -> None:
    """A finding names what would satisfy the check altogether, not only its worst level."""
    assert judge("tcp.accept_queue.backlog_effective", host, "web-edge").expected == ">= 1500"
    assert judge("tcp.rmem.max", host, "high-bdp-transfer").expected.startswith(">= 50000000")
