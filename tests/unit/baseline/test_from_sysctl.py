"""A baseline out of an existing sysctl.conf: what it sets, why, and what could not be taken over."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netaudit.baseline.from_sysctl import dotted, from_sysctl
from netaudit.baseline.name_list import Lists, NameList
from netaudit.baseline.select import Ruleset

KNOWN = NameList(
    ["net.core.somaxconn", "net.ipv4.tcp_rmem", "net.ipv4.conf.*.rp_filter", "net.ipv4.ip_forward",
     "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_congestion_control", "vm.swappiness"]
)  # fmt: skip
TEXT = """\
\ufeff# Queues for the front end
# (agreed with ops)
net.core.somaxconn = 4096

; 16 MiB for long paths
net.ipv4.tcp_rmem=4096\t131072   16777216

net/ipv4/conf/eth0.100/rp_filter = 2
-net.ipv4.ip_forward = 0x1
net.ipv4.ip_local_reserved_ports = 8081,8080
net.ipv4.tcp_congestion_control = bbr: x
# own module
net.site.special = 5
net.ipv4.conf.*.rp_filter = 1
-net.ipv4.conf.lo
kernel.panic = 5
vm.swappiness =
net.core.somaxconn = 8192
rubbish
net.ipv4.$(id) = 1
"""


def test_settings_comments_and_problems(ruleset: Callable[..., Ruleset]) -> None:
    """Values as the kernel prints them, comments as reasons, and a line for everything that is not in it."""
    made = from_sysctl(TEXT, "/etc/sysctl.conf", "site", KNOWN)
    assert (
        made.text
        == """\
baseline: site
title: Settings of /etc/sysctl.conf
sysctl_names: [net.site.special]
sysctl:
  net.ipv4.tcp_rmem: {equals: "4096 131072 16777216", reason: "16 MiB for long paths"}
  net.ipv4.conf.eth0/100.rp_filter: 2
  net.ipv4.ip_forward: 1
  net.ipv4.ip_local_reserved_ports: "8080-8081"
  net.ipv4.tcp_congestion_control: "bbr: x"
  net.site.special: {equals: 5, reason: own module}
  net.core.somaxconn: {equals: 8192, reason: Queues for the front end (agreed with ops)}
"""
    )
    assert made.settings == 7
    assert made.problems == (
        "/etc/sysctl.conf:14: 'net.ipv4.conf.*.rp_filter' is a pattern: write the settings out, or a check with for_each",  # noqa: E501  # one case, one line
        "/etc/sysctl.conf:15: '-net.ipv4.conf.lo' assigns nothing (a key left out of globs)",
        "/etc/sysctl.conf:16: kernel.panic is not among the settings that netaudit reads",
        "/etc/sysctl.conf:17: vm.swappiness is set to nothing",
        "/etc/sysctl.conf:18: net.core.somaxconn is set again; line 3 has no effect",
        "/etc/sysctl.conf:19: 'rubbish' assigns nothing",
        "/etc/sysctl.conf:20: 'net.ipv4.$(id)' is no name of a sysctl",
    )
    rules = ruleset(made.text, lists=Lists(KNOWN)).rules
    assert next(check.id for check in rules.checks) == "sysctl.net.ipv4.tcp_rmem"
    assert rules.checks[0].why == "16 MiB for long paths"


def test_an_empty_file_makes_an_empty_baseline(ruleset: Callable[..., Ruleset]) -> None:
    """Nothing set is nothing to check."""
    made = from_sysctl("# nothing\n\n", "x", "site", KNOWN)
    assert (made.settings, made.problems) == (0, ())
    assert ruleset(made.text).rules.checks == ()


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("net.ipv4.conf.eth0/100.rp_filter", "net.ipv4.conf.eth0/100.rp_filter"),
        ("net/ipv4/conf/eth0.100/rp_filter", "net.ipv4.conf.eth0/100.rp_filter"),
        ("net.core.somaxconn", "net.core.somaxconn"),
    ],
)
def test_slashes_and_dots_change_places(key: str, name: str) -> None:
    """The first separator says which of the two ways of writing is meant, as in sysctl(8)."""
    assert dotted(key) == name
