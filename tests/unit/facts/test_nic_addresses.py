"""Addresses where ip is not installed."""

from __future__ import annotations

import ipaddress

import pytest

from netaudit.facts.nic_addresses import interface_address, read_ifconfig, read_proc_addresses
from netaudit.facts.parts import Parts

NET_TOOLS_2 = """\
eth0: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500
        inet 192.0.2.5  netmask 255.255.255.128  broadcast 192.0.2.127
        inet6 fe80::5054:ff:fe12:3456  prefixlen 64  scopeid 0x20<link>
        ether 52:54:00:12:34:56  txqueuelen 1000  (Ethernet)

lo: flags=73<UP,LOOPBACK,RUNNING>  mtu 65536
        inet 127.0.0.1  netmask 255.0.0.0
"""
NET_TOOLS_1 = """\
eth0      Link encap:Ethernet  HWaddr 52:54:00:12:34:56
          inet addr:192.0.2.5  Bcast:192.0.2.127  Mask:255.255.255.128
          inet6 addr: fe80::5054:ff:fe12:3456/64 Scope:Link

lo        Link encap:Local Loopback
          inet addr:127.0.0.1  Mask:255.0.0.0
"""


def test_ifconfig_old_and_new_say_the_same() -> None:
    """Both ways in which ifconfig writes are read alike."""
    assert read_ifconfig(NET_TOOLS_1) == read_ifconfig(NET_TOOLS_2)
    assert read_ifconfig(NET_TOOLS_2)["eth0"][0].network == "192.0.2.0/25"
    assert [one.scope for one in read_ifconfig(NET_TOOLS_2)["eth0"]] == ["global", "link"]


def test_proc_files_together_tell_an_ipv4_address() -> None:
    """A local address of the trie belongs to the interface whose connected route holds it."""
    parts = Parts(
        {
            "if_inet6": "fd000018000000000000000000000001 02 40 00 82     eth0\n",
            "route": "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
            "eth0\t00000000\t010012C6\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
            "eth0\t000012C6\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n",
            "fib_trie": "  |-- 127.0.0.0\n   /8 host LOCAL\n  |-- 127.0.0.1\n   /32 host LOCAL\n"
            "  |-- 198.18.0.1\n    /32 host LOCAL\n",
        },
        {},
    )
    found = read_proc_addresses(parts)
    assert [(one.address, one.network) for one in found["eth0"]] == [
        ("198.18.0.1", "198.18.0.0/24"),
        ("fd00:18::1", "fd00:18::/64"),
    ]
    assert [one.network for one in found["lo"]] == ["127.0.0.0/8"]


@pytest.mark.parametrize(
    ("own", "network"),
    [
        ("fe80::1", "fe80::/64"),
        ("fe80::5054:ff:fe12:3456", "fe80::/64"),
        ("fe80::1:5054:ff:fe12:3456", "fe80:0:0:1::/64"),
        ("fe80:0:0:1::2", "fe80:0:0:1::/64"),
        ("fe80:1::2", "fe80:1::/64"),
    ],
)
def test_the_subnet_of_links_is_told_as_any_other(own: str, network: str) -> None:
    """What is seen sooner than read is what reading it would give."""
    assert interface_address("inet6", own, "64", "link").network == network
    assert str(ipaddress.ip_network(f"{own}/64", strict=False)) == network
