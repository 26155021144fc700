"""Routes whose MTU follows that of their device come back with all that they said, or the MTU is left alone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from netaudit.facts.routing import parse_routing
from netaudit.model.probe import Section, SectionStatus
from netaudit.remedy.operations.link import restored_routes, routes_with_mtu


def facts(*lines: str) -> SimpleNamespace:
    """As much of a host's facts as routes take."""
    text = "\n".join(("#@ ip", *lines, "")).encode()
    return SimpleNamespace(routing=parse_routing(Section("routes", SectionStatus.COMPLETE, 0, text, b"", 1)))


def test_every_metric_is_put_back():
    """Locked where it was locked; what ip locks by itself without the word, and an age as a number."""
    line = (
        "fd00:50::/64 via fd00:9::2 dev eth0 metric 1024 expires 999sec mtu 1400 window lock 65536 rtt 100ms "
        "advmss 1300 initcwnd lock 20 rto_min lock 40ms features ecn quickack 1 congctl lock reno "
        "hoplimit 33 pref high linkdown"
    )
    words = (
        "-6 route change fd00:50::/64 via fd00:9::2 dev eth0 table main metric 1024 mtu 1400 advmss 1300 "
        "initcwnd lock 20 expires 999 window lock 65536 rtt 100ms rto_min 40ms features ecn quickack 1 "
        "congctl lock reno hoplimit 33 pref high"
    )
    assert words == routes_with_mtu("eth0", facts(line))
    assert (f"ip {words} || exit 1",) == tuple(restored_routes(words))


@pytest.mark.parametrize(
    "line",
    [
        "10.0.0.0/8 via 192.0.2.1 dev eth0 mtu 1400 hoplimit 3",
        "fd00:50::/64 via fd00:9::2 dev eth0 metric 1024 mtu lock 1400 pref medium",
        "fd00:50::/64 via fd00:9::2 dev eth0 metric 1024 pref medium",
        "fd00:50::/64 via fd00:9::2 dev eth1 metric 1024 mtu 1400 pref medium",
    ],
)
def test_a_route_that_stays_is_not_touched(line):
    """That of IPv4, one that is locked, one without an MTU of its own, and one of another device."""
    assert "" == routes_with_mtu("eth0", facts(line))


@pytest.mark.parametrize(
    "lines",
    [
        ("fd00:50::/64 encap seg6 mode encap segs 1 [ fc00::1 ] dev eth0 metric 1024 mtu 1400 pref medium",),
        ("fd00:50::/64 nhid 7 via fd00:9::2 dev eth0 metric 1024 mtu 1400 pref medium",),
        ("fd00:50::/64 via fd00:9::2 dev eth0 metric 1024 mtu 1400 newer-than-us 7 pref medium",),
        ("fd00:50::/64 via fd00:9::2 dev eth0 metric 1024 mtu 1400 features lock ecn pref medium",),
        (
            "fd00:50::/64 metric 1024 mtu 1400 pref medium",
            "\tnexthop via fd00:9::2 dev eth0 weight 1",
            "\tnexthop via fd00:9::3 dev eth0 weight 1",
        ),
        (
            "fe80::/64 dev eth0 proto kernel metric 256 mtu 1400 pref medium",
            "fe80::/64 dev eth1 proto kernel metric 256 pref medium",
        ),
    ],
)
def test_a_route_that_cannot_be_told_whole_is_refused(lines):
    """What another tool made of it, what this one does not know, and what a change could take for another route."""
    with pytest.raises(ValueError, match="cannot be put back exactly"):
        routes_with_mtu("eth0", facts(*lines))
