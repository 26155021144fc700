"""Why a setting is not there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from netaudit.facts import snapshot
from netaudit.facts.absence import why_absent
from netaudit.facts.snapshot import facts_of
from netaudit.model.facts import Facts
from netaudit.model.probe import Capture, Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason

NAMES = ("core/somaxconn", "ipv4/ip_forward", "ipv4/conf/all/rp_filter", "ipv4/conf/eth0/rp_filter")
SETTINGS = "".join(f"==> net/{name} <==\n0\n\n" for name in (*NAMES, "ipv6/conf/all/forwarding"))


def host(
    settings: str = SETTINGS, *, release: str = "6.1.0", modules: str | None = "tcp_bbr", initial: bool = True,
    line: str = "quiet", stderr: str = "",
) -> Facts:  # fmt: skip
    """A host of which settings and kernel are known."""
    kernel = (
        f"#@ /proc/sys/kernel/osrelease\n{release}\n#@ /proc/sys/kernel/random/boot_id\nb\n#@ /proc/uptime\n1.0 1.0\n"
        f"#@ /proc/cmdline\n{line}\n#@ /proc/sys/net/core\n{'netdev_max_backlog' if initial else ''}\n"
        "#@ files\nproc/stat:btime 1\n"
    )
    kernel += f"proc/modules:{modules} 1 0 - Live 0x0\n" if modules is not None else "#! /proc/modules: not present\n"
    sections = (
        Section("sysctl", SectionStatus.COMPLETE, 0, settings.encode(), stderr.encode(), 1),
        Section("system", SectionStatus.COMPLETE, 0, kernel.encode(), b"", 1),
    )
    return facts_of(Capture("web1", "192.0.2.1", "", datetime(2026, 1, 1, tzinfo=UTC), 0.1, sections))


def reason(name: str, facts: Facts) -> tuple[AbsentReason, str]:
    """Reason and detail of an absent setting."""
    absent = why_absent(name, facts)
    return absent.reason, absent.detail


def test_settings_that_were_not_read_are_not_asked() -> None:
    """Without any settings the reason is that of the domain."""
    empty = facts_of(Capture("web1", "", "", datetime(2026, 1, 1, tzinfo=UTC), 0.1, ()))
    assert why_absent("net.core.somaxconn", empty) == Absent(AbsentReason.NOT_ASKED)


def test_refused_setting_keeps_its_reason() -> None:
    """A setting that exists and was refused is *not permitted*."""
    facts = host(stderr="head: net/core/bpf_jit_limit: Permission denied\n")
    assert reason("net.core.bpf_jit_limit", facts)[0] is AbsentReason.NOT_PERMITTED


@pytest.mark.parametrize("name", ["net.ipv4.tcp_fastopen_key", "net.ipv6.conf.eth0.stable_secret"])
def test_secrets_are_never_asked_for(name: str) -> None:
    """A secret is not read, and that is what is said."""
    assert reason(name, host())[0] is AbsentReason.NOT_ASKED


@pytest.mark.parametrize(
    ("name", "release", "detail"),
    [
        ("net.core.netdev_budget_usecs", "3.10.0-1160.el7", "since Linux 4.12; this is 3.10"),
        ("net.ipv4.tcp_comp_sack_nr", "4.4.0", "since Linux 4.18; this is 4.4"),
        ("net.ipv4.tcp_tw_recycle", "6.1.0", "gone since Linux 4.12; this is 6.1"),
        ("net.netfilter.nf_conntrack_helper", "6.0.0", "gone since Linux 6.0; this is 6.0"),
    ],
)
def test_versions_explain_an_absence(name: str, release: str, detail: str) -> None:
    """A kernel that is too old, or too new, is named together with the version that has the setting."""
    assert reason(name, host(release=release)) == (AbsentReason.NOT_PRESENT, detail)


def test_modules_explain_an_absence() -> None:
    """A module that is not loaded, that has no such setting, or that the kernel was not built with."""
    name = "net.netfilter.nf_conntrack_max"
    assert reason(name, host())[1] == "module nf_conntrack is not loaded"
    assert reason(name, host(modules="nf_conntrack"))[1] == f"module nf_conntrack is loaded and has no {name}"
    assert "loads no modules" in reason(name, host(modules=None))[1]
    assert reason("net.bridge.bridge-nf-call-iptables", host())[1] == "module br_netfilter is not loaded"


def test_host_wide_settings_make_no_sense_in_a_namespace() -> None:
    """In a network namespace of its own, a setting of the whole host does not apply; elsewhere it is missing."""
    name = "net.core.netdev_max_backlog"
    assert reason(name, host(initial=False))[0] is AbsentReason.NOT_APPLICABLE
    assert reason(name, host(initial=True))[0] is AbsentReason.NOT_PRESENT


def test_ipv6_that_is_off_is_no_failure() -> None:
    """On a host without IPv6 its settings do not apply, and a boot parameter that says so is named."""
    without = "".join(f"==> net/{name} <==\n0\n\n" for name in NAMES)
    assert reason("net.ipv6.conf.all.forwarding", host(without, line="ro ipv6.disable=1")) == (
        AbsentReason.NOT_APPLICABLE, "IPv6 is off: booted with ipv6.disable=1",
    )  # fmt: skip
    assert reason("net.ipv6.conf.all.forwarding", host(without))[0] is AbsentReason.NOT_APPLICABLE


def test_interfaces_that_are_not_there() -> None:
    """A setting of an interface that does not exist names the interface, as people write it."""
    assert reason("net.ipv4.conf.eth1/5.rp_filter", host()) == (AbsentReason.NOT_PRESENT, "no interface eth1.5")
    assert "no net.ipv4.conf.eth0.nonsense" in reason("net.ipv4.conf.eth0.nonsense", host())[1]


def test_interfaces_that_were_left_out_are_not_finished() -> None:
    """Among very many interfaces a setting may not have been read, which is no absence."""
    facts = host("#! net/ipv4/conf: not finished: of 90 interfaces some\n" + SETTINGS)
    assert reason("net.ipv4.conf.veth7.rp_filter", facts) == (AbsentReason.NOT_FINISHED, "of 90 interfaces some")


def test_anything_else_is_not_present() -> None:
    """A name that nothing explains is simply not there."""
    assert reason("net.ipv4.tcp_whatever", host()) == (
        AbsentReason.NOT_PRESENT,
        "this kernel has no net.ipv4.tcp_whatever",
    )


def test_what_was_parsed_of_a_capture_is_not_parsed_again(monkeypatch):
    """Who asks for more has the rest parsed; another capture is another matter, also where it is equal."""
    asked = []
    monkeypatch.setattr(snapshot, "value_of", lambda section, parse: asked.append(parse) or parse)
    one, other = (Capture("web1", "", "", datetime(2026, 1, 1, tzinfo=UTC), 0.1, ()) for _ in range(2))
    first, second = facts_of(one, {"memory", "cpu"}), facts_of(one, {"memory", "cpu", "kernel"})
    assert (3, first.memory, Absent) == (len(asked), second.memory, type(first.kernel))
    facts_of(other, {"memory"})
    facts_of(one, {"memory"})
    assert len(asked) == 5
