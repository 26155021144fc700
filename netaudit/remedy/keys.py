"""What is known of single settings: which are never changed by a plan, which are the whole host's, which come first.

Data, and the questions that are asked of it. Sources: the kernel's ip-sysctl.rst and nf_conntrack-sysctl.rst; the
traps (what a value that is put back does not put back) were measured on Linux 6.18.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from netaudit.facts.lifetimes import HOST_WIDE, MODULES

# Setting these back does not bring back what they took away. Pattern -> what is lost.
IRREVERSIBLE: Mapping[str, str] = {
    "net.ipv6.conf.*.disable_ipv6": "static IPv6 addresses and routes go, and setting it back does not restore them",
    "net.ipv4.ip_forward": "it resets settings of all interfaces (accept_redirects), and so does setting it back",
    "net.ipv4.conf.*.forwarding": "it resets other settings of the interface, and so does setting it back",
    "net.ipv6.conf.*.forwarding": "it changes how router advertisements are taken, and routes that go stay lost",
    "net.ipv6.conf.*.addr_gen_mode": "addresses that it takes away do not come back",
    "net.ipv6.conf.*.mtu": "below 1280 IPv6 addresses and routes go, and raising it again does not restore them",
}

# The way back to the controller can close without any test noticing: neighbour entries keep working for a while.
LATENT_CUTS = ("net.ipv4.conf.*.arp_ignore", "net.ipv4.conf.*.arp_filter", "net.ipv4.conf.*.arp_announce")

# Seen in every network namespace, and writable in the first one only; or limits of the whole machine.
_WRITABLE_IN_FIRST = (
    "net.core.rmem_max", "net.core.wmem_max", "net.core.rmem_default", "net.core.wmem_default",
    "net.netfilter.nf_conntrack_max", "net.netfilter.nf_conntrack_buckets",
    "net.netfilter.nf_conntrack_expect_max", "fs.*",
)  # fmt: skip

# Earlier before later, where both are changed: a limit before what it limits, what is needed before what needs it.
_ORDER = (
    "net.core.rmem_max", "net.core.wmem_max", "fs.file-max", "fs.nr_open", "net.core.somaxconn",
    "net.ipv4.tcp_timestamps", "net.ipv4.tcp_window_scaling", "net.ipv4.tcp_sack", "net.core.default_qdisc",
    "net.*.neigh.default.gc_thresh3", "net.*.neigh.default.gc_thresh2", "net.*.neigh.default.gc_thresh1",
    "net.netfilter.nf_conntrack_buckets", "net.netfilter.nf_conntrack_max", "net.ipv4.ip_local_reserved_ports",
)  # fmt: skip


def lost_by(key: str) -> str | None:
    """What an undo of a setting would not bring back; None where it brings back all."""
    return next((why for pattern, why in IRREVERSIBLE.items() if fnmatchcase(key, pattern)), None)


def may_cut_later(key: str) -> bool:
    """Whether a setting can close the way to a host only after a change was verified."""
    return any(fnmatchcase(key, pattern) for pattern in LATENT_CUTS)


def is_of_the_whole_host(key: str) -> bool:
    """Whether a setting cannot be changed from inside a network namespace."""
    return any(fnmatchcase(key, pattern) for pattern in (*_WRITABLE_IN_FIRST, *HOST_WIDE))


def module_of(key: str) -> str | None:
    """The module whose absence at boot loses a setting: sysctl.d is read before rules load it."""
    return next((module for pattern, module in MODULES.items() if fnmatchcase(key, pattern)), None)


def place_of(key: str) -> int:
    """Where a setting stands in the order of changes; those of which nothing is known come last, as they are found."""
    return next((place for place, pattern in enumerate(_ORDER) if fnmatchcase(key, pattern)), len(_ORDER))
