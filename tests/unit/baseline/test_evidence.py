"""Where the numbers of a finding were read is said even when a check does not say it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netaudit.baseline.evidence import described, source_of, sysctl_path
from netaudit.model.facts import Conntrack, Cpu, Facts, Listener, Memory, Namespace, Nic, ProcessLimits, Qdisc, Sockets
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.result import Result

NEEDS_ROOT = Absent(AbsentReason.NOT_PERMITTED, "needs root")


@pytest.mark.parametrize(
    ("body", "evidence"),
    [
        ("value: sysctl['net.core.somaxconn']\nexpect: {at_least: 9}", "/proc/sys/net/core/somaxconn = 5"),
        ("value: sysctl['net.ipv4.tcp_rmem']\nexpect: {fields: {2: {at_most: \"{{ facts.memory.total_bytes // 8 }}\"}}}",  # noqa: E501  # one case, one line
         "/proc/sys/net/ipv4/tcp_rmem = 1 2 3; /proc/meminfo MemTotal = 1024"),
        ("value: facts.netstat['TcpExt.ListenDrops']\nexpect: {equals: 0}", "/proc/net/netstat TcpExt.ListenDrops = 7"),
        ("let: {cap: \"sysctl['net.core.somaxconn']\"}\nvalue: facts.cpu.count\nexpect: {holds: value < cap}",
         "/proc/cpuinfo count = 2; /proc/sys/net/core/somaxconn = 5"),
        ("value: facts.conntrack.count\nexpect: {at_most: \"{{ facts.conntrack.max }}\"}",
         "/proc/sys/net/netfilter/nf_conntrack_count = 10"),
        ("value: facts.listeners | length\nexpect: {at_least: 9}", "ss -ltnu = 1 entry"),
        ("value: facts.listeners | map(attribute='port') | max\nexpect: {at_least: 9}", "ss -ltnu = 1 entry"),
        ("value: facts.listeners | selectattr('port', 'equalto', facts.cpu.count) | length\nexpect: {at_least: 9}",
         "ss -ltnu = 1 entry; /proc/cpuinfo count = 2"),
        ("value: facts.sockets.tcp_states['ESTAB']\nexpect: {equals: 0}", "ss -tan tcp_states['ESTAB'] = 3"),
        ("value: sysctl['net.ipv4.conf.' ~ 'eth0/1' ~ '.rp_filter']\nexpect: {equals: 0}",
         "/proc/sys/net/ipv4/conf/eth0.1/rp_filter = 2"),
        ("expect: {holds: 1 > 2}", None),
    ],
)  # fmt: skip
def test_evidence_names_files_and_tools(
    judge: Callable[..., Result], facts: Callable[..., Facts], body: str, evidence: str | None
) -> None:
    """The file or tool that a fact comes from, and what stood there; absent facts are the reason, not the evidence."""
    host = facts(
        {"net.core.somaxconn": "5", "net.ipv4.tcp_rmem": "1 2 3", "net.ipv4.conf.eth0/1.rp_filter": "2"},
        memory=Memory(1024, 1, 4096, 0),
        netstat={"TcpExt.ListenDrops": 7},
        cpu=Cpu(2, "", 1),
        conntrack=Conntrack(10, NEEDS_ROOT, 1, 1, 1, {}),
        listeners=(Listener("tcp", "::", 1, 0, 1),),
        sockets=Sockets({"ESTAB": 3}, (), (), (), 0, 0, 0, ()),
    )
    assert judge(body, host).evidence == evidence


def test_subjects_are_shown_as_their_tool_shows_them() -> None:
    """A listener, an interface, a process and a queueing discipline each have their row."""
    nic = Nic("eth0", 2, "physical", "ixgbe", 1500, "up", True, 0, 10000, "full", "", "", 1, 0, 1, 1, (), *[NEEDS_ROOT] * 5,  # noqa: E501  # one case, one line
              {}, {}, (), NEEDS_ROOT)  # fmt: skip
    assert [
        described(Listener("tcp", "0.0.0.0", 80, 0, 128, "", "nginx", 812)),
        described(Listener("tcp", "::", 80, 3, 128, "", NEEDS_ROOT, NEEDS_ROOT)),
        described(Listener("udp", "::1", 53, 0, 0)),
        described(nic),
        described(ProcessLimits(812, "nginx", "nginx.service", "root", 1024, 4096, NEEDS_ROOT, 1.0)),
        described(Qdisc("eth0", "fq", "8001:", "root", 1, 1, 5, 0, 0, 0)),
        described("text"),
    ] == [
        "ss -ltn: 0.0.0.0:80 Recv-Q 0 Send-Q 128 (nginx pid 812)",
        "ss -ltn: [::]:80 Recv-Q 3 Send-Q 128",
        "ss -lun: [::1]:53 Recv-Q 0 Send-Q 0",
        "/sys/class/net/eth0: mtu 1500, up, 10000 Mbit/s, driver ixgbe",
        "/proc/812/limits: nginx, nginx.service, open files (not permitted: needs root) of 1024",
        "tc -s qdisc: eth0 fq root, dropped 5",
        None,
    ]


def test_listeners_of_other_namespaces_say_so(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """The row of a listener names the namespace it was read in."""
    body = (
        "scope: namespace\nfor_each: {name: l, in: facts.listeners, subject: '{{ l.port }}'}\n"
        "value: l.backlog\nexpect: {at_least: 500}\n"
    )
    inside = Namespace(1, "blue", 5, "x", {}, (Listener("tcp", "::", 80, 0, 1),), {})
    result = judge(body, facts({}, listeners=(), namespaces=(inside,)))
    assert result.evidence == "ss -ltn: [::]:80 Recv-Q 0 Send-Q 1 in network namespace blue"


def test_paths_without_a_known_source_stand_as_they_are() -> None:
    """Nothing is made up about where a fact comes from."""
    assert source_of("facts.tracing.btf") == "facts.tracing.btf"
    assert source_of("facts.kernel.boot_id") == "facts.kernel.boot_id"
    assert source_of("facts.conntrack.stats['drop']") == "/proc/net/stat/nf_conntrack stats['drop']"
    assert sysctl_path("net.ipv4.conf.eth0/100.rp_filter") == "/proc/sys/net/ipv4/conf/eth0.100/rp_filter"
