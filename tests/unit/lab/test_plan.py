"""The plan of a lab fleet."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.lab.plan import MAX_HOSTS, Fault, plan_hosts

NETWORK = ipaddress.IPv4Network("198.18.0.0/20")


@given(st.integers(1, MAX_HOSTS))
def test_names_and_addresses_are_unique_and_inside_the_network(count):
    """However many hosts there are, no two share a name or an address, and none has the controller's."""
    hosts = plan_hosts(count, NETWORK)
    assert count == len({host.name for host in hosts}) == len({host.address for host in hosts})
    assert all(ipaddress.IPv4Address(host.address) in NETWORK for host in hosts)
    assert "198.18.0.1" not in {host.address for host in hosts}


def test_a_fleet_of_twentyfour_shows_every_fault():
    """The faults repeat every 24 hosts, and most hosts are healthy."""
    faults = [host.fault for host in plan_hosts(24, NETWORK)]
    assert set(Fault) == set(faults)
    assert faults.count(Fault.NONE) > 12


def test_twelve_hosts_are_enough_for_a_demo():
    """The default demo holds the stories that matter most."""
    faults = {host.fault for host in plan_hosts(12, NETWORK)}
    assert {
        Fault.SMALL_BACKLOG, Fault.LOST_AT_REBOOT, Fault.STALE_LISTENER, Fault.OTHER_MTU, Fault.SHORT_FIN_TIMEOUT,
        Fault.UNREACHABLE,
    } <= faults  # fmt: skip


def test_a_healthy_fleet_has_no_fault():
    """With ``healthy`` every host is."""
    assert {Fault.NONE} == {host.fault for host in plan_hosts(50, NETWORK, healthy=True)}


@pytest.mark.parametrize("count", [0, -1, MAX_HOSTS + 1])
def test_an_impossible_number_is_refused(count):
    """More hosts than a bridge has ports, or none, is an error that names the bound."""
    with pytest.raises(ValueError, match=f"1 to {MAX_HOSTS} hosts, not {count}"):
        plan_hosts(count, NETWORK)
