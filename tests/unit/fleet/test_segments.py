"""Hosts of one segment agree on its MTU, or are named."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from netaudit.fleet.segments import Membership, SegmentRecord, extract, mtu_disagreements
from netaudit.model.facts import Facts, InterfaceAddress, Nic
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.result import Severity, Verdict

NOT_ASKED = Absent(AbsentReason.NOT_ASKED)


def _record(
    host: str, *memberships: tuple[str, int, str, str], groups: tuple[str, ...] = (), site: str = ""
) -> SegmentRecord:
    return SegmentRecord(host, site, groups, tuple(Membership(*each) for each in memberships))


def _plain(count: int, mtu: int = 1500, start: int = 1, **more: object) -> list[SegmentRecord]:
    return [
        _record(f"web{n}", ("eth0", mtu, "198.18.0.0/24", f"198.18.0.{n}"), **more)  # type: ignore[arg-type]  # keywords
        for n in range(start, start + count)
    ]


def test_agreement_is_no_finding() -> None:
    """Nothing is said of segments that agree, nor of hosts that are alone in theirs."""
    lonely = _record("db1", ("eth0", 9000, "10.1.0.0/24", "10.1.0.1"))
    assert mtu_disagreements([*_plain(39), lonely]) == ()
    assert mtu_disagreements([]) == ()


def test_those_who_differ_are_named() -> None:
    """The majority is counted, the others are shown with interface and MTU."""
    odd = _record("web40", ("bond0", 9000, "198.18.0.0/24", "198.18.0.40"))
    (finding,) = mtu_disagreements([*_plain(39), odd])
    assert finding.check == "path.mtu.segment"
    assert (finding.verdict, finding.severity) == (Verdict.FAIL, Severity.HIGH)
    assert finding.hosts == ("web40",)
    assert finding.evidence == "198.18.0.0/24: 39 hosts 1500, web40 bond0 9000"
    assert finding.expected == "mtu 1500"
    assert finding.fix is not None
    assert "1500" in finding.fix


def test_without_majority_all_are_named() -> None:
    """One against one: neither is right."""
    (finding,) = mtu_disagreements([*_plain(1), *_plain(1, 9000, 2)])
    assert finding.hosts == ("web1", "web2")
    assert finding.evidence == "198.18.0.0/24: web1 eth0 1500, web2 eth0 9000"
    assert finding.expected == "one mtu"


def test_many_who_differ_are_folded() -> None:
    """The evidence stays readable."""
    (finding,) = mtu_disagreements([*_plain(100), *_plain(50, 9000, 101)])
    assert finding.evidence == "198.18.0.0/24: 100 hosts 1500, web[101-150] eth0 9000"
    assert len(finding.hosts) == 50


def test_one_host_with_two_interfaces_in_one_network() -> None:
    """Both of its interfaces are members."""
    two = _record("lb1", ("eth0", 1500, "10.0.0.0/24", "10.0.0.1"), ("eth1", 1400, "10.0.0.0/24", "10.0.0.2"))
    (finding,) = mtu_disagreements([two])
    assert finding.hosts == ("lb1",)


def test_networks_of_the_same_interfaces_are_one_finding() -> None:
    """IPv4 and IPv6 on one wire are one mistake."""
    records = [
        _record(
            f"web{n}",
            ("eth0", 9000 if n == 7 else 1500, "198.18.0.0/24", f"198.18.0.{n}"),
            ("eth0", 9000 if n == 7 else 1500, "fd00::/64", f"fd00::{n:x}"),
        )
        for n in range(1, 11)
    ]
    (finding,) = mtu_disagreements(records)
    assert finding.evidence == "198.18.0.0/24, fd00::/64: 9 hosts 1500, web7 eth0 9000"


def test_networks_inside_every_host_are_not_compared() -> None:
    """The bridge of a container engine has the same address everywhere, so it is no segment."""
    records = [
        _record(f"web{n}", ("docker0", 1500 if n % 2 else 1450, "172.17.0.0/16", "172.17.0.1"), groups=("web",))
        for n in range(10)
    ]
    assert mtu_disagreements(records) == ()


def test_sites_with_the_same_numbers_are_kept_apart() -> None:
    """By what the inventory says."""
    assert mtu_disagreements([*_plain(5, site="fra"), *_plain(5, 9000, 11, site="ams")]) == ()


def test_reused_numbers_are_compared_within_groups() -> None:
    """Two hosts hold one address, so these are two segments: each group is one, and the rest is not compared."""
    fra = _plain(5, groups=("web", "fra"))
    ams = [replace(record, host=f"ams-{record.host}") for record in _plain(5, 9000, groups=("web", "ams"))]
    assert mtu_disagreements([*fra, *ams]) == ()
    wrong = _record("fra9", ("eth0", 1400, "198.18.0.0/24", "198.18.0.9"), groups=("web", "fra"))
    (finding,) = mtu_disagreements([*fra, *ams, wrong])
    assert finding.evidence == "198.18.0.0/24: 5 hosts 1500, fra9 eth0 1400"
    stray = _record("stray", ("eth0", 1400, "198.18.0.0/24", "198.18.0.99"))
    assert mtu_disagreements([*fra, *ams, stray]) == ()


def test_a_network_that_is_none_does_no_harm() -> None:
    """What a host calls its network is only a name here."""
    odd = [_record(f"h{n}", ("eth0", n, "not a network", f"a{n}")) for n in (1500, 9000)]
    (finding,) = mtu_disagreements(odd)
    assert finding.hosts == ("h1500", "h9000")


def _facts(*nics: Nic) -> Facts:
    values: dict[str, object] = dict.fromkeys((field.name for field in fields(Facts)), NOT_ASKED)
    values |= {"host": "web1", "address": "198.18.0.1", "taken_at": datetime(2026, 11, 20, tzinfo=UTC), "nics": nics}
    return Facts(**values)  # type: ignore[arg-type]  # every field is given by name


def _address(
    text: str = "198.18.0.1", length: int = 24, scope: str = "global", family: str = "inet"
) -> InterfaceAddress:
    return InterfaceAddress(family, text, length, "198.18.0.0/24", scope)


def _nic(name: str = "eth0", kind: str = "physical", state: str = "up", *addresses: InterfaceAddress) -> Nic:
    values: dict[str, object] = dict.fromkeys((field.name for field in fields(Nic)), NOT_ASKED)
    values |= {"name": name, "kind": kind, "mtu": 1500, "operstate": state, "addresses": addresses or (_address(),)}
    return Nic(**values)  # type: ignore[arg-type]  # every field is given by name


def test_an_extract_is_what_is_compared() -> None:
    """Host, groups, site and the networks of its interfaces; groups of everybody say nothing."""
    record = extract(_facts(_nic(), _nic("br0", "bridge")), groups=("all", "web"), site="fra")
    assert record == SegmentRecord(
        "web1",
        "fra",
        ("web",),
        (
            Membership("eth0", 1500, "198.18.0.0/24", "198.18.0.1"),
            Membership("br0", 1500, "198.18.0.0/24", "198.18.0.1"),
        ),
    )


@pytest.mark.parametrize(
    "nic",
    [
        _nic("lo", "loopback"),
        _nic("wg0", "wireguard"),
        _nic("tun0", "tun"),
        _nic("eth1", "physical", "down"),
        _nic("eth1", "physical", "up", _address(length=32)),
        _nic("eth1", "physical", "up", _address("fd00::1", 128, "global", "inet6")),
        _nic("eth1", "physical", "up", _address("fe80::1", 64, "link", "inet6")),
    ],
    ids=lambda nic: f"{nic.name}-{nic.operstate}-{nic.addresses[0].prefix_length}",
)
def test_what_is_no_segment_is_left_out(nic: Nic) -> None:
    """Loopback, point-to-point tunnels, interfaces that are down, single and link-local addresses."""
    assert extract(_facts(nic)).memberships == ()


def test_a_host_whose_interfaces_are_unknown_has_no_segments() -> None:
    """Absence is no disagreement."""
    assert extract(replace(_facts(), nics=NOT_ASKED)).memberships == ()
