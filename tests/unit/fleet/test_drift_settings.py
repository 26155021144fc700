"""Settings of real answers are compared by name; what the kernel counts by itself is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netaudit.facts.settings import DOMAINS
from netaudit.facts.snapshot import facts_of
from netaudit.fleet.drift_settings import MOST_CHANGES, VALUE_CHARS, changes, differing
from netaudit.model.facts import Sysctls
from netaudit.model.probe import Capture, Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason

CASES = Path(__file__).parents[2] / "cases"
COUNTED = ("fs.dentry-state", "fs.file-nr", "kernel.random.uuid", "kernel.pty.nr", "net.netfilter.nf_conntrack_count")
RECORDED = ("sysctl", "nics", "qdisc", "persisted", "writers", "system", "sockets", "counters", "conntrack")


def _capture(edits: dict[str, tuple[bytes, bytes]] | None = None, missing: str = "") -> Capture:
    sections = []
    for probe in RECORDED:
        text = (CASES / probe / "debian-root" / "stdout").read_bytes()
        if edits and probe in edits:
            assert edits[probe][0] in text
            text = text.replace(*edits[probe])
        status = SectionStatus.NOT_PERMITTED if probe == missing else SectionStatus.COMPLETE
        sections.append(Section(probe, status, 0, text, b"", 1))
    return Capture("web1", "192.0.2.1", "0" * 64, datetime(2026, 6, 1, tzinfo=UTC), 0.1, tuple(sections))


def _changes(before: Capture, after: Capture) -> list[tuple[str, str | None, str | None]]:
    found = changes("web1", facts_of(before, DOMAINS), facts_of(after, DOMAINS))
    return [(each.name, each.before, each.after) for each in found]


def test_changes_are_named_as_everywhere() -> None:
    """An interface, a queue and a file bear the names under which outliers and a watch tell of them."""
    after = _capture(
        {
            "nics": (b"mtu 1400", b"mtu 9000"),
            "qdisc": (b"qdisc mq 1: dev eth0", b"qdisc noqueue 1: dev eth0"),
            "persisted": (
                b"50-pid-max.conf:16:kernel.pid_max = 4194304",
                b"50-pid-max.conf:17:kernel.pid_max = 4194304",
            ),
        }
    )
    where = "4194304 (/usr/lib/sysctl.d/50-pid-max.conf:"
    assert sorted(_changes(_capture(), after)) == [
        ("eth0 mtu", "1400", "9000"),
        ("eth0 qdisc", "mq", "noqueue"),
        ("next boot kernel.pid_max", f"{where}16)", f"{where}17)"),
    ]


def test_what_one_of_two_moments_could_not_read_has_not_changed() -> None:
    """As a login that is no longer root's, or a tool that is gone."""
    mark = b"#! sys/module/nf_conntrack/parameters/hashsize: not permitted"
    edit = {"conntrack": (b"sys/module/nf_conntrack/parameters/hashsize:", mark + b"\n#")}
    before, after = _capture(), _capture(edit)
    assert [] == _changes(before, after)
    assert [] == _changes(after, before)
    edit = {
        "conntrack": (b"sys/module/nf_conntrack/parameters/hashsize:", b"sys/module/nf_conntrack/parameters/hashsize:1")
    }
    assert ["conntrack hashsize"] == [name for name, _, _ in _changes(before, _capture(edit))]


def test_long_values_are_cut() -> None:
    """What a host prints is bounded."""
    facts = replace(facts_of(_capture(), DOMAINS), sysctl=Sysctls({"net.core.long": "x" * 9999}, {}))
    (change,) = changes("web1", facts, replace(facts, sysctl=Sysctls({"net.core.long": "y"}, {})))
    assert change.before == "x" * VALUE_CHARS


def test_what_the_kernel_counts_is_no_setting() -> None:
    """Numbers of entries and random identities differ at every moment."""
    facts = replace(
        facts_of(_capture(), DOMAINS), sysctl=Sysctls(dict.fromkeys(COUNTED, "1") | {"net.core.somaxconn": "1"}, {})
    )
    later = replace(facts, sysctl=Sysctls(dict.fromkeys(COUNTED, "2") | {"net.core.somaxconn": "2"}, {}))
    assert [change.name for change in changes("web1", facts, later)] == ["net.core.somaxconn"]


def test_equal_answers_are_not_looked_into() -> None:
    """Most of a fleet's answers are the same bytes; counters do not count."""
    first = _capture()
    assert not differing(first, replace(first, started_at=datetime(2026, 7, 1, tzinfo=UTC)))
    assert not differing(first, _capture({"counters": (b"TcpExt:", b"TcpExt: ")}))
    after = _capture({"sysctl": (b"somaxconn <==\n4096", b"somaxconn <==\n128")})
    domains = differing(first, after)
    assert domains == {"sysctl"}
    found = changes("web1", facts_of(first, domains), facts_of(after, domains))
    assert [(each.name, each.before, each.after) for each in found] == [("net.core.somaxconn", "4096", "128")]


def test_a_change_is_told_with_both_values() -> None:
    """Also where no rule looks at it."""
    after = _capture({"sysctl": (b"somaxconn <==\n4096", b"somaxconn <==\n128")})
    assert _changes(_capture(), after) == [("net.core.somaxconn", "4096", "128")]
    assert _changes(after, _capture()) == [("net.core.somaxconn", "128", "4096")]
    assert _changes(after, after) == []


@pytest.mark.parametrize("probe", ["sysctl", "nics", "qdisc", "persisted", "writers", "system"])
def test_what_only_one_capture_could_read_is_no_change(probe: str) -> None:
    """An audit without root has not taken the settings away."""
    assert _changes(_capture(), _capture(missing=probe)) == []
    assert _changes(_capture(missing=probe), _capture()) == []


@pytest.mark.parametrize(
    "name", ["net.ipv4.netfilter.ip_nf_conntrack_count", "net.ipv4.conf.eth0.mc_forwarding", "fs.quota.syncs"]
)
def test_what_older_kernels_count_is_no_setting(name: str) -> None:
    """Under whatever name the kernel keeps the number."""
    facts = replace(facts_of(_capture(), DOMAINS), sysctl=Sysctls({name: "1"}, {}))
    assert changes("web1", facts, replace(facts, sysctl=Sysctls({name: "2"}, {}))) == ()


def test_a_sysctl_that_gave_no_value_once_is_no_change() -> None:
    """It is there at both times; one of the two logins was not allowed to read it."""
    facts = replace(facts_of(_capture(), DOMAINS), sysctl=Sysctls({"net.core.somaxconn": "1"}, {}))
    denied = Absent(AbsentReason.NOT_PERMITTED, "Permission denied")
    unread = replace(facts, sysctl=Sysctls({}, {"net.core.somaxconn": denied}))
    assert changes("web1", facts, unread) == changes("web1", unread, facts) == ()
    gone = replace(facts, sysctl=Sysctls({}, {}))
    assert [change.name for change in changes("web1", facts, gone)] == ["net.core.somaxconn"]


def test_an_interface_that_is_put_into_a_bond_is_told() -> None:
    """Whose part an interface is was chosen, too."""
    facts = facts_of(_capture(), DOMAINS)
    assert not isinstance(facts.nics, Absent)
    nics = tuple(replace(nic, master="bond0") if nic.name == "eth0" else nic for nic in facts.nics)
    (change,) = changes("web1", facts, replace(facts, nics=nics))
    assert (change.name, change.before, change.after) == ("eth0 master", None, "bond0")


def test_no_host_makes_the_list_longer_than_its_bound() -> None:
    """However many names a host makes up."""
    facts = facts_of(_capture(), DOMAINS)
    first, second = (
        replace(facts, sysctl=Sysctls({f"net.a{n}": value for n in range(MOST_CHANGES + 9)}, {})) for value in "12"
    )
    assert len(changes("web1", first, second)) == MOST_CHANGES
