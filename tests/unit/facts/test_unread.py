"""What is not known of a host is told apart from what it does not have, by the keys that its names lead to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netaudit.facts.settings import DOMAINS, by_domain
from netaudit.facts.snapshot import facts_of
from netaudit.facts.unread import keys_of, unread_of
from netaudit.model.facts import Facts, Sysctls
from netaudit.model.probe import Capture, Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason

CASES = Path(__file__).parents[2] / "cases"
RECORDED = ("sysctl", "nics", "qdisc", "routes", "persisted", "writers", "system", "conntrack")
HASHSIZE, RINGS = "conntrack hashsize", "eth0 ring rx"
MISSING = Absent(AbsentReason.NOT_PRESENT, "ethtool")


def facts(ending: SectionStatus = SectionStatus.COMPLETE, of: str = "", **cases: str) -> Facts:
    """A recorded host; ``of`` is a probe that ended otherwise."""
    sections = [
        Section(
            probe,
            ending if probe == of else SectionStatus.COMPLETE,
            0,
            (CASES / probe / cases.get(probe, "debian-root") / "stdout").read_bytes(),
            b"",
            1,
        )
        for probe in RECORDED
    ]
    capture = Capture("web1", "192.0.2.1", "0" * 64, datetime(2026, 6, 1, tzinfo=UTC), 0.1, tuple(sections))
    return facts_of(capture, DOMAINS)


def is_known(name: str, of: Facts) -> bool:
    """Whether it is known which value a host has, or that it has none."""
    return unread_of(of).keys().isdisjoint(keys_of(name))


def test_of_a_host_that_was_read_as_root_all_is_known() -> None:
    """No key is left over."""
    assert {} == unread_of(facts())


@pytest.mark.parametrize("nics", ["debian-root", "ixgbe-bond", "mlx5-and-usb", "virtio-queues"])
def test_each_name_leads_to_the_domain_that_it_was_read_from(nics: str) -> None:
    """For every setting of recorded hosts, also such as only physical interfaces have."""
    found = by_domain(facts(nics=nics))
    assert DOMAINS == found.keys()
    assert [] == [(name, domain) for domain, names in found.items() for name in names if keys_of(name)[0] != domain]


@pytest.mark.parametrize(
    ("ending", "known"),
    [
        (SectionStatus.NOT_PRESENT, True),  # the module is not loaded
        (SectionStatus.NOT_APPLICABLE, True),
        (SectionStatus.NOT_PERMITTED, False),
        (SectionStatus.TIMED_OUT, False),
        (SectionStatus.CUT, False),
    ],
)
def test_a_module_that_is_not_loaded_is_known_to_be_absent(ending: SectionStatus, known: bool) -> None:
    """Its table has no size then. Of one that could not be looked at nothing is known."""
    assert known == is_known(HASHSIZE, facts(ending, "conntrack"))


def test_a_file_that_only_root_may_read_is_not_known() -> None:
    """The domain was read but for this."""
    seen = facts(conntrack="debian-user")
    assert (
        Absent(AbsentReason.NOT_PERMITTED, "sys/module/nf_conntrack/parameters/hashsize") == unread_of(seen)[HASHSIZE]
    )
    assert not is_known(HASHSIZE, seen)


def test_every_setting_of_a_domain_that_was_not_read_is_not_known() -> None:
    """As a tool that is missing, or an answer that was cut; what is read from elsewhere is known."""
    seen = facts(SectionStatus.NOT_PRESENT, "qdisc")
    assert not is_known("eth0 qdisc", seen)
    assert is_known(RINGS, seen)
    assert not is_known("next boot vm.swappiness", facts(SectionStatus.CUT, "persisted"))


def test_what_ethtool_would_tell_is_not_known_without_it() -> None:
    """That a driver has no such thing is known."""
    seen = facts()
    assert not isinstance(seen.nics, Absent)

    def with_rings(rings: Absent) -> Facts:
        return replace(
            seen, nics=tuple(replace(nic, rings=rings, offloads=rings) for nic in seen.nics if nic.name == "eth0")
        )

    without = with_rings(MISSING)
    assert {"eth0 ring": MISSING, "eth0 offload": MISSING} == unread_of(without)
    assert not is_known(RINGS, without)
    assert not is_known("eth0 offload generic-receive-offload", without)
    assert is_known("eth0 mtu", without)
    assert is_known(RINGS, with_rings(Absent(AbsentReason.NOT_APPLICABLE, "Operation not supported")))


def test_a_sysctl_that_may_not_be_read_is_not_known() -> None:
    """One that the kernel has nothing to tell of has no value, and one that is only written is no setting."""
    refused, cut = Absent(AbsentReason.NOT_PERMITTED, ""), Absent(AbsentReason.NOT_FINISHED, "9,000 interfaces")
    nothing = Absent(AbsentReason.NOT_APPLICABLE, "Input/output error")
    absent = {"kernel.x": refused, "kernel.y": nothing, "net.ipv4.route.flush": refused, "net.ipv4.conf": cut}
    seen = replace(facts(), sysctl=Sysctls({}, absent))
    assert {"kernel.x": refused, "net.ipv4.conf": cut} == unread_of(seen)
    assert not is_known("net.ipv6.conf.eth9.mtu", seen)
    assert is_known("kernel.y", seen)
