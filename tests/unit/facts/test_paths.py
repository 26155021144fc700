"""The domain ``paths``."""

from __future__ import annotations

from pathlib import Path

from netaudit.facts.paths import parse_paths
from netaudit.model.facts import PathProbe
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason

CASES = Path(__file__).parents[2] / "cases" / "path"


def parse(stdout: bytes) -> dict[str, PathProbe]:
    """The paths of some output by peer."""
    found = parse_paths(Section("path", SectionStatus.COMPLETE, 0, stdout, b"", 1))
    return {one.peer: one for one in found}


def case(name: str) -> dict[str, PathProbe]:
    """The paths of one recorded case by peer."""
    return parse(CASES.joinpath(name, "stdout").read_bytes())


def test_full_size_arrives() -> None:
    """A peer that answers both sizes has no loss."""
    found = case("frag-needed")["198.18.0.1"]
    assert (found.small_loss_ratio, found.df_loss_ratio, found.df_size_bytes, found.device) == (0.0, 0.0, 9000, "e0")
    assert found.rtt_avg_ms is not None


def test_smaller_mtu_is_told() -> None:
    """A router that says what fits is heard, by IPv4 and by IPv6, in the words of either."""
    for peer in ("198.18.1.2", "fd00:18:1::2"):
        found = case("frag-needed")[peer]
        assert (found.small_loss_ratio, found.df_loss_ratio, found.frag_needed_mtu) == (0.0, 1.0, 1400)


def test_black_hole() -> None:
    """Full size is lost, small is not, and nobody says why."""
    found = case("black-hole")["198.18.1.2"]
    assert (found.small_loss_ratio, found.df_loss_ratio, found.frag_needed_mtu) == (0.0, 1.0, None)


def test_silent_peer_is_lost_both_ways() -> None:
    """A peer that does not exist loses everything, which proves nothing about the path."""
    found = case("frag-needed")["198.18.0.77"]
    assert (found.small_loss_ratio, found.df_loss_ratio, found.rtt_avg_ms) == (1.0, 1.0, None)


def test_no_route() -> None:
    """Without a route nothing is sent in full size, and the small loss is complete."""
    found = case("frag-needed")["198.19.0.1"]
    assert found.small_loss_ratio == 1.0
    assert isinstance(found.df_loss_ratio, Absent)


def test_ping_that_cannot_forbid_fragmentation() -> None:
    """The ping of busybox answers the small question; the other is absent and not a loss."""
    found = case("busybox")["198.18.1.2"]
    assert found.small_loss_ratio == 0.0
    assert isinstance(found.df_loss_ratio, Absent)
    assert found.df_loss_ratio.reason is AbsentReason.NOT_PRESENT


def test_ping_that_may_not_send() -> None:
    """A ping without the right to send gives no loss, but the reason."""
    found = case("not-permitted")["198.18.1.2"].small_loss_ratio
    assert isinstance(found, Absent)
    assert (found.reason, found.detail) == (AbsentReason.NOT_PERMITTED, "ping: permission denied (are you root?)")


def test_only_addresses_are_asked() -> None:
    """What is no address, such as a command behind a semicolon, is not handed to ping."""
    assert not any(";" in peer or "id" in peer for peer in case("frag-needed"))


def test_more_answers_than_packets() -> None:
    """Duplicated answers do not make the loss negative."""
    found = parse(b"#@ small 10.0.0.1\n3 packets transmitted, 5 received, +2 duplicates, 0% packet loss, time 2ms\n")
    assert found["10.0.0.1"].small_loss_ratio == 0.0
