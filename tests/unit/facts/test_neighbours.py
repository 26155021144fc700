"""The domain ``neighbours``."""

from __future__ import annotations

from pathlib import Path

import pytest

from netaudit.facts.neighbours import parse_neighbours
from netaudit.model.facts import Neighbours
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason

CASES = Path(__file__).parents[2] / "cases" / "routes"


def parse(stdout: bytes) -> Neighbours:
    """What the parser makes of some output."""
    return parse_neighbours(Section("routes", SectionStatus.COMPLETE, 0, stdout, b"", 1))


def case(name: str) -> Neighbours:
    """What the parser makes of one recorded case."""
    return parse(CASES.joinpath(name, "stdout").read_bytes())


@pytest.mark.parametrize("name", ["namespace", "namespace-user", "namespace-no-awk", "busybox", "full-table", "no-ip"])
def test_every_way_of_reading_finds_the_same_neighbours(name: str) -> None:
    """IPv4 neighbours and those that do not answer are the same, listed or counted, by ip or from /proc."""
    found = case(name)
    assert (found.ipv4_entries, found.ipv4_failed) == (3, 1)


def test_kernels_own_count_beats_the_list() -> None:
    """Where the statistics exist, entries are those of all namespaces, which the limits are about."""
    found = parse(
        b"#@ stat\narp_cache:entries allocs table_fulls\narp_cache:00000400 00000001 00000002\n"
        b"arp_cache:00000400 00000001 00000003\n#@ ip\n10.0.0.1 dev eth0 FAILED\nfd00::1 dev eth0 lladdr 02::1 STALE\n"
    )
    assert (found.ipv4_entries, found.ipv4_failed, found.ipv6_entries) == (1024, 1, 1)
    assert found.ipv4_stats == {"entries": 1024, "allocs": 2, "table_fulls": 5}


def test_statistics_are_those_of_the_initial_namespace() -> None:
    """Elsewhere the counters of the tables are not present; that is no zero."""
    stats = case("namespace").ipv4_stats
    assert isinstance(stats, Absent)
    assert stats.reason is AbsentReason.NOT_PRESENT


def test_ipv6_is_unknown_without_ip() -> None:
    """No file of /proc lists IPv6 neighbours: without ip their number is absent."""
    found = case("no-ip")
    assert isinstance(found.ipv6_entries, Absent)
    assert isinstance(found.ipv6_failed, Absent)
