"""Interfaces as ip, /proc/net/dev and the bonding driver show them."""

from __future__ import annotations

import pytest

from netaudit.facts.nic_addresses import MAX_ADDRESSES
from netaudit.facts.nic_links import read_bond, read_dev, read_ip

HEAD = "2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default qlen 1000\n"
NEW = """\
    RX:  bytes packets errors dropped  missed   mcast
         10 11 12 13 14 15
    RX errors:  length    crc   frame    fifo overrun nohandler
                 16 17 18 19 20 21
    TX:  bytes packets errors dropped carrier collsns
          22 23 24 25 26 27
    TX errors: aborted   fifo  window heartbt transns
                28 29 30 31 32
"""
OLD = """\
    RX: bytes  packets  errors  dropped overrun mcast
    10 11 12 13 20 15
    RX errors: length   crc     frame   fifo    missed
               16 17 18 19 14
    TX: bytes  packets  errors  dropped carrier collsns
    22 23 24 25 26 27
"""


def test_counters_are_named_by_the_heading() -> None:
    """Versions differ in which of two counters stands in which row; the heading decides."""
    new, old = read_ip(HEAD + NEW)["eth0"], read_ip(HEAD + OLD)["eth0"]
    for name, value in {"rx_missed_errors": 14, "rx_over_errors": 20, "multicast": 15, "collisions": 27}.items():
        assert new.counters[name] == old.counters[name] == value
    assert (new.carrier_changes, old.carrier_changes) == (32, None)
    assert new.counters["rx_nohandler"] == 21
    assert "rx_nohandler" not in old.counters


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("    veth numtxqueues 2 numrxqueues 2\n", "veth"),
        ("    vlan protocol 802.1Q id 5 <REORDER_HDR> numtxqueues 1\n", "vlan"),
        ("    bridge_slave state forwarding\n", ""),
        ("    altname veth\n", ""),
        ("    alias bond of my uplinks\n", ""),
        ("    vf 0     link/ether 02:00:00:00:00:01\n", ""),
    ],
)
def test_kind(line: str, kind: str) -> None:
    """Only a line that begins with a kind of netlink names one; other lines may look alike."""
    assert read_ip(HEAD + "    link/ether 02:00:00:00:00:02 promiscuity 0\n" + line)["eth0"].kind == kind


@pytest.mark.parametrize(
    ("queues", "expected"),
    [
        ("numtxqueues 1 numrxqueues 1", True),
        ("numtxqueues 1 numrxqueues 12", False),
        ("numtxqueues 21 numrxqueues 1", False),
    ],
)
def test_one_queue(queues: str, expected: bool) -> None:
    """A device has a single queue when it was set up for one each way."""
    link = read_ip(f"{HEAD}    link/ether 02:00:00:00:00:02 promiscuity 0 {queues} gso_max_size 65536\n")["eth0"]
    assert link.has_one_queue is expected


def test_other_end() -> None:
    """What stands behind the @ is the other end; NONE is none."""
    text = HEAD.replace("eth0:", "eth0.5@eth0:") + HEAD.replace("2: eth0", "3: tun0@NONE")
    links = read_ip(text)
    assert (links["eth0.5"].other_end, links["tun0"].other_end) == ("eth0", "")


def test_addresses_of_a_point_to_point_link() -> None:
    """The network of a point-to-point address is that of its peer."""
    link = read_ip(HEAD + "    inet 10.8.0.1 peer 10.8.0.2/32 scope global eth0\n")["eth0"]
    (address,) = link.addresses
    assert (address.address, address.network) == ("10.8.0.1", "10.8.0.2/32")


def test_addresses_are_bounded() -> None:
    """Thousands of addresses of a load balancer are cut to the first ones."""
    many = "".join(f"    inet 10.1.{i // 250}.{i % 250}/32 scope global eth0\n" for i in range(1000))
    assert len(read_ip(HEAD + many)["eth0"].addresses) == MAX_ADDRESSES


def test_dev_columns() -> None:
    """The columns of /proc/net/dev get the names sysfs has for them; two are sums and get none."""
    found = read_dev(
        [
            "Inter-|   Receive                            |  Transmit",
            " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop",
            "  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
        ]
    )
    assert found["eth0"]["multicast"] == 8
    assert found["eth0"]["collisions"] == 14
    assert not {6, 15} & set(found["eth0"].values())
    assert set(found) == {"eth0"}


def test_bond_counts_members_that_are_up() -> None:
    """The status before the first member is the bond's own and counts for no member."""
    bond = read_bond(
        [
            "Bonding Mode: fault-tolerance (active-backup) (fail_over_mac active)",
            "MII Status: up",
            "Slave Interface: eth0",
            "MII Status: up",
            "Link Failure Count: 2",
            "Slave Interface: eth1",
            "MII Status: going down",
            "Link Failure Count: 3",
        ]
    )
    assert (bond.mode, bond.members, bond.active_members, bond.link_failures) == ("active-backup", 2, 1, 5)
