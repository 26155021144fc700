"""The domain ``routing``."""

from __future__ import annotations

from pathlib import Path

import pytest

from netaudit.facts.routing import MAX_ROUTES, parse_routing
from netaudit.model.facts import Route, Routing
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent

CASES = Path(__file__).parents[2] / "cases" / "routes"


def parse(stdout: bytes) -> Routing:
    """What the parser makes of some output."""
    return parse_routing(Section("routes", SectionStatus.COMPLETE, 0, stdout, b"", 1))


def route(line: str) -> Route:
    """The one route of a line of ip."""
    (only,) = parse(f"#@ ip\n{line}\n".encode()).routes
    return only


def case(name: str) -> Routing:
    """What the parser makes of one recorded case."""
    return parse(CASES.joinpath(name, "stdout").read_bytes())


def test_metrics_of_a_route() -> None:
    """MTU, windows and segment size are read; a locked value is the value."""
    found = route("default via 198.18.0.1 dev eth0 mtu lock 1400 advmss 1360 initcwnd 20 initrwnd 30")
    assert found.locked == ("mtu",)
    assert (found.mtu, found.advmss, found.initcwnd, found.initrwnd) == (1400, 1360, 20, 30)


@pytest.mark.parametrize(
    ("line", "family"),
    [
        ("default via 192.0.2.1 dev eth0", "inet"),
        ("default via fd00::1 dev eth0 metric 1024 pref medium", "inet6"),
        ("default dev wg0 metric 1024 pref medium", "inet6"),
        ("default dev ppp0 scope link", "inet"),
        ("default via fd00::1 dev eth0", "inet6"),
        ("default via inet6 fe80::1 dev eth0", "inet"),
        ("192.0.2.0/24 via inet6 fd00:18::1 dev eth0", "inet"),
        ("unreachable fd00::/8 dev lo metric 1024 error -113", "inet6"),
    ],
)
def test_family(line: str, family: str) -> None:
    """The family is told from the destination, else from what only one of the two has."""
    assert route(line).family == family


def test_gateway_of_the_other_family() -> None:
    """The word between via and the address is no gateway."""
    assert route("default via inet6 fe80::1 dev eth0").gateway == "fe80::1"


def test_host_route_has_a_length() -> None:
    """A destination without a length is one address."""
    assert route("10.0.0.5 dev eth0 scope link").destination == "10.0.0.5/32"
    assert route("2001:db8::5 via fd00::1 dev eth0 metric 1024").destination == "2001:db8::5/128"


def test_next_hops_are_an_entry_each() -> None:
    """A route over two devices is seen as two, with what is said of the whole."""
    found = [one for one in case("namespace").routes if one.destination == "198.19.0.0/16"]
    assert [(one.device, one.gateway, one.metric) for one in found] == [
        ("eth0", "198.18.0.1", 50),
        ("eth1", "198.18.1.1", 50),
    ]


def test_next_hops_of_ipv6_defaults() -> None:
    """The next hops of an IPv6 default route belong to IPv6, though its first line need not say so."""
    hops = "\tnexthop via fe80::1 dev eth0 weight 1\n\tnexthop via fe80::2 dev eth1 weight 1\n"
    found = parse(f"#@ ip\ndefault proto static metric 20\n{hops}".encode())
    assert [(one.family, one.device) for one in found.routes] == [("inet6", "eth0"), ("inet6", "eth1")]


def test_policy_rules_beyond_the_standard_ones() -> None:
    """Only rules that an operator added are counted."""
    assert case("namespace").policy_rules == 2
    assert case("debian-root").policy_rules == 0


def test_policy_rules_are_unknown_without_ip() -> None:
    """No file of /proc has the rules: without ip their number is absent, not zero."""
    assert isinstance(case("no-ip").policy_rules, Absent)


@pytest.mark.parametrize("name", ["namespace", "namespace-no-awk", "busybox", "no-ip"])
def test_default_routes_are_found_every_way(name: str) -> None:
    """The default routes of both families lead over eth0 whatever was there to ask."""
    found = {(one.family, one.gateway) for one in case(name).routes if one.destination == "default"}
    assert {("inet", "198.18.0.1"), ("inet6", "fd00:18::1")} <= found


def test_full_table_is_cut_and_says_so() -> None:
    """Of a table with thousands of routes the first ones are kept."""
    found = case("full-table")
    assert (len(found.routes), found.truncated) == (MAX_ROUTES, True)
    assert not case("namespace").truncated


@pytest.mark.parametrize("kind", ["local", "broadcast", "multicast", "anycast"])
def test_routes_of_the_local_table_are_left_out(kind: str) -> None:
    """Addresses of the host itself are no ways to anywhere."""
    assert parse(f"#@ ip\n{kind} 10.0.0.1 dev eth0 table local proto kernel scope host\n".encode()).routes == ()


def test_neighbours_are_no_routes() -> None:
    """The neighbours that stand in the same part are passed over."""
    assert parse(b"#@ ip\n10.0.0.7 dev eth0 FAILED\n10.0.0.8 dev eth0 lladdr 02::1 STALE \n").routes == ()


def test_rule_is_not_mistaken_for_a_route() -> None:
    """An address that ends in colons is a destination; a number with one is the priority of a rule."""
    found = parse(b"#@ ip\n100:\tnot from all fwmark 0x1 lookup 5\n2001:: dev lo metric 1024 pref medium\n")
    assert (found.policy_rules, len(found.routes)) == (1, 1)
