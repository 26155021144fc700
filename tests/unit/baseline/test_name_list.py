"""Lists of names tell a misspelt setting from one that an interface or a protocol brings along."""

from __future__ import annotations

import pytest

from netaudit.baseline.name_list import NameList, names_of

NAMES = names_of(
    """\
# comment
net.core.somaxconn
net.ipv4.conf.*.rp_filter   # of every interface

net.netfilter.nf_conntrack_tcp_timeout_close
Icmp6OutType*
"""
)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("net.core.somaxconn", True),
        ("net.core.somaxcon", False),
        ("net.ipv4.conf.eth0/1.rp_filter", True),
        ("net.ipv4.conf.*.rp_filter", True),
        ("net.ipv4.conf.*.rp_filte", False),
        ("net.ipv4.conf.eth0.1.rp_filter", False),
        ("net.netfilter.nf_conntrack_*_timeout_close", True),
        ("net.netfilter.nf_conntrack_*_timeout_open", False),
        ("net.core.*", True),
        ("net.nowhere.*", False),
        ("Icmp6OutType135", True),
        ("Icmp6InType135", False),
    ],
)
def test_names_and_patterns(name: str, known: bool) -> None:
    """A star stands for one segment or a part of one, on either side."""
    assert NAMES.knows(name) is known


def test_an_empty_list_knows_every_name() -> None:
    """Without a list nothing can be called misspelt."""
    assert NameList().knows("anything")
    assert NameList().and_also(["x"]).knows("anything")


def test_declared_names_are_added() -> None:
    """A baseline's own names count beside those of the list."""
    assert NAMES.and_also(["net.site.own"]).knows("net.site.own")
    assert not NAMES.and_also(["net.site.own"]).knows("net.site.other")


def test_nearest_name() -> None:
    """The right name to a wrong one, if there is one."""
    assert NAMES.nearest("net.core.somaxcon") == "net.core.somaxconn"
    assert NAMES.nearest("zzz") is None
