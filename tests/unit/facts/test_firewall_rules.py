"""What the text of one rule says."""

from __future__ import annotations

import pytest

from netaudit.facts.firewall_rules import (
    accepts_pmtud,
    drops_pmtud,
    is_blanket,
    is_clamp,
    is_jump,
    is_notrack,
    is_stateful_drop,
    uses_conntrack,
    without_comment,
)


@pytest.mark.parametrize(
    "text",
    [
        "icmp type destination-unreachable drop",
        "icmp type { echo-request, destination-unreachable } counter packets 0 bytes 0 drop",
        "icmp type destination-unreachable icmp code frag-needed drop",
        "icmp type != echo-request drop",
        "icmp type != { echo-request, echo-reply } reject",
        "icmpv6 type packet-too-big drop",
        "icmpv6 type { nd-router-advert, packet-too-big } drop",
        "ip protocol icmp drop",
        "ip protocol 1 drop",
        "meta l4proto icmp drop",
        "meta l4proto ipv6-icmp drop",
        'iifname "eth0" meta l4proto { icmp, ipv6-icmp } counter drop',
        "-A INPUT -p icmp -j DROP",
        "-A INPUT -p icmp -m icmp --icmp-type 3 -j DROP",
        "-A INPUT -p icmp -m icmp --icmp-type 3/4 -j DROP",
        "-A FORWARD -p icmp -m icmp --icmp-type fragmentation-needed -j DROP",
        "-A INPUT -p icmp -m icmp ! --icmp-type 8 -j DROP",
        "-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 2 -j DROP",
        "-A OUTPUT -p ipv6-icmp -m icmp6 --icmpv6-type packet-too-big -j REJECT",
    ],
)
def test_drops_what_path_mtu_discovery_needs(text: str) -> None:
    """Rules that drop these messages by type, by exception, or with all of ICMP are found."""
    assert drops_pmtud(text)


@pytest.mark.parametrize(
    "text",
    [
        "icmp type echo-request drop",
        "icmp type destination-unreachable accept",
        "icmp type destination-unreachable icmp code host-unreachable drop",
        "icmp type != { echo-request, destination-unreachable } drop",
        "icmp type @unwanted drop",
        "icmp type echo-request limit rate over 10/second drop",
        "ip protocol icmp limit rate over 100/second drop",
        "icmpv6 type { echo-request, nd-redirect } drop",
        "icmpv6 type destination-unreachable drop",
        "tcp dport 22 drop",
        "-A INPUT -p icmp -m icmp --icmp-type 8 -j DROP",
        "-A INPUT -p icmp -m icmp --icmp-type 3/1 -j DROP",
        "-A INPUT -p icmp -m icmp ! --icmp-type 3 -j DROP",
        "-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 3 -j DROP",
        "-A INPUT -p icmp -m hashlimit --hashlimit-above 5/sec -j DROP",
        "-A INPUT -p icmp -j ACCEPT",
        "-A INPUT -j REJECT --reject-with icmp-host-prohibited",
        "-A INPUT -p tcp -m tcp --dport 25 -j REJECT --reject-with icmp6-port-unreachable",
        "tcp dport 25 reject with icmp port-unreachable",
        "tcp dport 25 counter packets 1 bytes 2 reject with icmpv6 type admin-prohibited",
    ],
)
def test_leaves_path_mtu_discovery_alone(text: str) -> None:
    """Rules about other types, other codes or the excess of a rate are no such drops."""
    assert not drops_pmtud(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ct state established,related accept", True),
        ("ct state vmap { invalid : drop, established : accept, related : accept }", True),
        ("-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", True),
        ("icmp type { destination-unreachable, echo-request } accept", True),
        ('iifname "eth1" accept', True),
        ("accept", True),
        ('iifname "lo" accept', False),
        ("-A INPUT -i lo -j ACCEPT", False),
        ("tcp dport 22 accept", False),
        ("ct state established accept", False),
        ("icmp type echo-request accept", False),
        ("icmp type destination-unreachable drop", False),
    ],
)
def test_accepts(text: str, expected: bool) -> None:
    """A rule lets these messages in by type, as related, or with everything from elsewhere than the host itself."""
    assert accepts_pmtud(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ct state invalid drop", True),
        ("ct mark 0x1 accept", True),
        ("oifname eth0 masquerade", True),
        ("tcp dport 8080 dnat to 198.18.0.5:80", True),
        ("tcp dport 8080 redirect to :80", True),
        ("-A POSTROUTING -o eth0 -j MASQUERADE", True),
        ("-A INPUT -m state --state NEW -j ACCEPT", True),
        ("-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1", True),
        ("counter xt match conntrack drop", True),
        ("tcp dport 53 notrack", False),
        ("-A PREROUTING -p tcp -j CT --notrack", False),
        ("ip saddr 10.0.0.0/8 accept", False),
        ("tcp dport 22 counter packets 5 bytes 3 accept", False),
        ("icmp type redirect drop", False),
        ("icmp type { echo-request, redirect } drop", False),
    ],
)
def test_uses_conntrack(text: str, expected: bool) -> None:
    """States, marks and translations need connection tracking; exemptions and ICMP types do not."""
    assert uses_conntrack(text) is expected


def test_notrack_and_clamp() -> None:
    """Both are known in the words of nft and of iptables, old and new."""
    assert all(map(is_notrack, ["udp dport 53 notrack", "-A OUTPUT -j NOTRACK", "-A OUTPUT -j CT --notrack"]))
    assert not is_notrack("-A PREROUTING -j CT --helper ftp")
    assert all(map(is_clamp, ["tcp option maxseg size set rt mtu", "-A FORWARD -j TCPMSS --clamp-mss-to-pmtu"]))
    assert not is_clamp("tcp option maxseg size 1-500 drop")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ct state invalid counter packets 0 bytes 0 drop", True),
        ("ct state vmap { established : accept, invalid : drop }", True),
        ("-A INPUT -m conntrack --ctstate INVALID -j DROP", True),
        ("-A INPUT -m state --state NEW -j REJECT --reject-with icmp-port-unreachable", True),
        ("ct state established,related accept", False),
        ("tcp dport 22 drop", False),
    ],
)
def test_stateful_drop(text: str, expected: bool) -> None:
    """A drop that looks at the state of a connection is stateful, in a verdict map too."""
    assert is_stateful_drop(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jump web", True),
        ("tcp dport 80 goto web", True),
        ("-A INPUT -p tcp -j ufw-before-input", True),
        ("-A INPUT -j DROP", False),
        ("-A INPUT -j LOG --log-prefix x", False),
        ("tcp dport 80 accept", False),
    ],
)
def test_jump(text: str, expected: bool) -> None:
    """A rule that hands over to another chain is known from one with a verdict of its own."""
    assert is_jump(text) is expected


def test_comments_say_nothing() -> None:
    """What an operator wrote about a rule is not the rule."""
    assert without_comment('tcp dport 22 accept comment "drop icmp \\" here"') == "tcp dport 22 accept"
    assert not drops_pmtud(without_comment('-A INPUT -p tcp -m comment --comment "no icmp" -j DROP'))
    assert not drops_pmtud(without_comment("-A INPUT -p tcp -m comment --comment icmp -j DROP"))


def test_blanket() -> None:
    """A rule about all of ICMP names no type."""
    assert is_blanket("ip protocol icmp drop")
    assert not is_blanket("icmp type destination-unreachable drop")
