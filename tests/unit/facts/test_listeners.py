"""The domain ``listeners``."""

from __future__ import annotations

from pathlib import Path

import pytest

from netaudit.facts.listeners import parse_listeners
from netaudit.model.facts import Listener
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason

CASES = Path(__file__).parents[2] / "cases" / "sockets"


def listeners(case: str) -> tuple[Listener, ...]:
    """What the parser makes of one recorded case."""
    return parse(CASES.joinpath(case, "stdout").read_bytes())


def parse(stdout: bytes) -> tuple[Listener, ...]:
    """What the parser makes of some output."""
    return parse_listeners(Section("sockets", SectionStatus.COMPLETE, 0, stdout, b"", 1))


def places(found: tuple[Listener, ...]) -> list[tuple[str, int, int]]:
    """Protocol, port and queue of each."""
    return [(one.protocol, one.port, one.queue) for one in found]


@pytest.mark.parametrize("case", ["many-sockets", "busybox-root", "busybox-user", "debian-user"])
def test_every_way_of_reading_finds_the_same_listeners(case: str) -> None:
    """The same sockets, read by ss or from /proc, by root or a user, few or many, give the same listeners."""
    assert places(listeners(case)) == places(listeners("debian-root"))


def test_backlog_is_absent_without_ss() -> None:
    """Nothing but ss tells the backlog in force: it is absent then, and never zero."""
    for one in listeners("busybox-root"):
        if one.protocol == "tcp":
            assert isinstance(one.backlog, Absent)
            assert one.backlog.reason is AbsentReason.NOT_PRESENT


def test_each_socket_of_a_shared_port_is_a_listener() -> None:
    """With SO_REUSEPORT every socket has a queue of its own, and stands for itself."""
    assert [one.port for one in listeners("debian-root")].count(8080) == 2


def test_device_and_wildcards() -> None:
    """A bound device is taken from the address; a dual-stack wildcard is told from an IPv6-only one."""
    by_port = {one.port: one for one in listeners("debian-root")}
    assert (by_port[53].address, by_port[53].device) == ("127.0.0.53", "lo")
    assert (by_port[443].address, by_port[8443].address) == ("*", "::")
    assert by_port[443].is_wildcard
    assert by_port[53].is_loopback


def test_no_listeners_is_an_empty_answer() -> None:
    """A host on which nothing listens has no listeners; that is known."""
    assert parse(b"#@ ss\nNetid State Recv-Q Send-Q Local Address:Port Peer Address:Port\n") == ()


def test_answer_without_its_part_is_not_understood() -> None:
    """Output that holds neither of the two parts raises, so that the domain is not understood."""
    with pytest.raises(KeyError):
        parse(b"sh: ss: segmentation fault\n")
