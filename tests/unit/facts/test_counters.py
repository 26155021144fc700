"""Protocol counters."""

from __future__ import annotations

import pytest

from netaudit.facts.counters import parse_netstat, parse_snmp, parse_snmp6, parse_sockstat
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason


def section(text: str) -> Section:
    """A complete answer of the probe."""
    return Section("counters", SectionStatus.COMPLETE, 0, text.encode(), b"", 1)


def test_counters_are_named_by_protocol_and_field() -> None:
    """Names of the first line meet values of the second, to the full width of a counter."""
    text = "netstat:TcpExt: ListenOverflows ListenDrops\nnetstat:TcpExt: 48 18446744073709551615\n"
    assert parse_netstat(section(text)) == {"TcpExt.ListenOverflows": 48, "TcpExt.ListenDrops": 2**64 - 1}


def test_one_field_has_a_sign() -> None:
    """Tcp.MaxConn is -1 where there is no limit."""
    assert parse_snmp(section("snmp:Tcp: RtoMin MaxConn\nsnmp:Tcp: 200 -1\n")) == {"Tcp.RtoMin": 200, "Tcp.MaxConn": -1}


def test_ipv6_names_get_a_dot() -> None:
    """The IPv6 file writes names in one word; lines of no protocol of ours are passed over."""
    text = "snmp6:Ip6InReceives                   \t7\nsnmp6:UdpLite6InErrors\t1\nsnmp6:Other\t2\n"
    assert parse_snmp6(section(text)) == {"Ip6.InReceives": 7, "UdpLite6.InErrors": 1}


def test_both_socket_files_are_one_domain() -> None:
    """Numbers of sockstat and sockstat6 stand side by side; without IPv6 the first file is enough."""
    text = "sockstat:sockets: used 5\nsockstat:TCP: inuse 2 mem 3\n"
    assert parse_sockstat(section(text)) == {"sockets.used": 5, "TCP.inuse": 2, "TCP.mem": 3}
    more = parse_sockstat(section(text + "sockstat6:TCP6: inuse 1\n"))
    assert isinstance(more, dict)
    assert more["TCP6.inuse"] == 1


def test_missing_file_says_why() -> None:
    """A file that the host has not, or does not show, is absent with the reason the probe gave."""
    text = "#! snmp6: not permitted\nsnmp:Ip: A\nsnmp:Ip: 1\n"
    assert parse_snmp6(section(text)) == Absent(AbsentReason.NOT_PERMITTED, "snmp6")
    assert parse_netstat(section(text)) == Absent(AbsentReason.NOT_PRESENT, "/proc/net/netstat")


@pytest.mark.parametrize(
    "text",
    [
        "netstat:TcpExt: A B\nnetstat:TcpExt: 1\n",
        "netstat:TcpExt: A\n",
        "netstat:TcpExt: A\nnetstat:IpExt: 1\n",
        "netstat:TcpExt: A\nnetstat:TcpExt: 1_0\n",
        "netstat:TcpExt: A\nnetstat:TcpExt: ٣\n",
        "netstat:TcpExt: A\nnetstat:TcpExt: " + "9" * 30 + "\n",
    ],
)
def test_odd_lines_are_not_understood(text: str) -> None:
    """Lines that do not match, and values that are no numbers, are an error and not half a table."""
    with pytest.raises(ValueError):
        parse_netstat(section(text))
