"""The domain ``sockets``: counted on the host or here, the numbers are the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from netaudit.facts.sockets import parse_sockets
from netaudit.model.facts import Destination, PortCount, Sockets
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason

CASES = Path(__file__).parents[2] / "cases" / "sockets"


def parse(stdout: bytes) -> Sockets:
    """What the parser makes of some output, which must be known."""
    found = parse_sockets(Section("sockets", SectionStatus.COMPLETE, 0, stdout, b"", 1))
    assert isinstance(found, Sockets)
    return found


def sockets(case: str) -> Sockets:
    """What the parser makes of one recorded case, without the sizes of buffers that /proc does not tell."""
    found = parse(CASES.joinpath(case, "stdout").read_bytes())
    return replace(found, udp=tuple(replace(one, buffer_bytes=None) for one in found.udp))


@pytest.mark.parametrize(
    ("case", "other"),
    [
        ("debian-root", "many-sockets"),
        ("debian-root", "busybox-root"),
        ("half-open", "half-open-many"),
        ("half-open", "half-open-busybox"),
        ("ipv6-only", "ipv6-only-busybox"),
    ],
)
def test_every_way_of_counting_gives_the_same(case: str, other: str) -> None:
    """Rows of ss counted here, by awk on the host, and rows of /proc counted by awk agree in every number."""
    assert sockets(case) == sockets(other)


def test_connections_that_came_in_are_no_destinations() -> None:
    """What a listener accepted uses no ephemeral port: only the other direction is counted."""
    assert sockets("debian-root").busiest_destinations == (
        Destination("127.0.0.1", "127.0.0.1", 5432, 12),
        Destination("127.0.0.1", "127.0.0.1", 9000, 3),
    )


def test_half_open_connections_are_counted_at_their_listener() -> None:
    """SYN-RECV is grouped by the port of the listener."""
    assert sockets("half-open").syn_recv_by_port == (PortCount(5555, 6),)


def test_unread_data_and_shut_windows() -> None:
    """Data that nobody reads and a peer that closed its window are seen among established connections."""
    found = sockets("debian-root")
    assert (found.unread_established, found.largest_unread_bytes, found.persist_timers) == (2, 128512, 1)


def test_udp_socket_with_drops_comes_first() -> None:
    """The socket that dropped stands before one that did not, with its buffer."""
    first, second = parse(CASES.joinpath("debian-root", "stdout").read_bytes()).udp
    assert (first.port, first.drops > 0, first.buffer_bytes) == (53, True, 212992)
    assert (second.port, second.drops) == (68, 0)


def test_states_are_exact_when_the_sample_was_cut() -> None:
    """Of more sockets than awk looks at, the kernel's own totals give the states."""
    found = parse(
        b"#@ ss\n#@ groups\nstate ESTAB 49000\nstate CLOSE-WAIT 7\nstate TIME-WAIT 1000\n"
        b"to 10.0.0.1 10.0.0.2:443 9000\nunread 0\nlargest 0\npersist 0\ncut 1\n"
        b"#@ totals\nTCP: inuse 900000 orphan 0 tw 250000 alloc 900100 mem 5\n"
        b"Tcp: RtoAlgorithm CurrEstab InSegs\nTcp: 1 800007 5\n"
    )
    assert found.truncated
    assert found.tcp_states == {"CLOSE-WAIT": 7, "ESTAB": 800000, "TIME-WAIT": 250000}


def test_without_a_way_to_count_there_are_no_numbers() -> None:
    """A host that has neither ss nor awk gives no socket counts, and says why."""
    stdout = CASES.joinpath("no-ss-no-awk", "stdout").read_bytes()
    found = parse_sockets(Section("sockets", SectionStatus.COMPLETE, 0, stdout, b"", 1))
    assert isinstance(found, Absent)
    assert found.reason is AbsentReason.NOT_PRESENT


def test_only_the_largest_groups_are_kept() -> None:
    """Of more than fifty destinations the fifty busiest are kept, the largest first."""
    rows = "".join(f"to 10.0.0.1 10.0.{i}.2:443 {i + 1}\n" for i in range(60))
    found = parse(f"#@ ss\n#@ groups\n{rows}unread 0\nlargest 0\npersist 0\n".encode())
    assert [one.count for one in found.busiest_destinations] == list(range(60, 10, -1))


def test_one_peer_that_is_reached_in_two_ways_is_one_destination() -> None:
    """The device behind an address of a link belongs to the way; connections to the same end are counted together."""
    rows = "".join(
        f"tcp ESTAB 0 0 [fe80::2]%eth0:4000{place} [fe80::1]%{device}:443\n"
        for place, device in enumerate(["eth0", "eth1", "eth1"])
    )
    (one,) = parse(f"#@ ss\n{rows}".encode()).busiest_destinations
    assert (one.peer_address, one.peer_port, one.count) == ("fe80::1", 443, 3)
