"""Which settings of a host are not known, and why: neither absent nor of any value, so that nothing follows from them.

That a host has no such thing is knowledge: the driver has no rings, the module is not loaded. That somebody may not
read it, that an answer was cut or that a tool is missing says nothing of the host.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from netaudit.facts.absence import INTERFACE_TREES
from netaudit.facts.settings import BOOT, DOMAINS, compared_sysctls, is_compared
from netaudit.model.facts import Facts, Nic, Sysctls
from netaudit.model.reading import Absent, AbsentReason, is_known

_CONNTRACK, _HASHSIZE = "conntrack", "conntrack hashsize"
_ALL_INTERFACES = "net.ipv4.conf"  # what the probe says it left out when there are very many
_OF_KERNEL = frozenset({"machine", "distribution", "init", "virtualization"})
# The settings of an interface that are read together or not at all: the field, and how their names begin.
_OF_NIC = (
    ("driver", "driver"), ("speed_mbps", "speed_mbps"), ("duplex", "duplex"), ("txqueuelen", "txqueuelen"),
    ("rx_queues", "rx queues"), ("tx_queues", "tx queues"), ("rings", "ring"), ("channels", "channels"), ("rss", "rss"),
    ("coalesce", "coalesce"), ("offloads", "offload"), ("bond", "bond"),
)  # fmt: skip


def unread_of(facts: Facts) -> dict[str, Absent]:
    """What could not be read of one host, with the reason: a domain, a setting, or how the names of some begin."""
    found: dict[str, Absent] = {}
    for domain in sorted(DOMAINS):
        value = getattr(facts, domain)
        # Connection tracking is a module, which may not be there. Of all else every host has some.
        if isinstance(value, Absent) and not _says_there_is_none(value, of_module=domain == _CONNTRACK):
            found[domain] = value
    if isinstance(facts.sysctl, Sysctls):
        absent = facts.sysctl.absent
        names = compared_sysctls(tuple(absent))
        found.update((name, absent[name]) for name in names if not _says_there_is_none(absent[name]))
    if is_known(facts.nics):
        found.update(pair for nic in facts.nics if is_compared(nic) for pair in _of_nic(nic))
    if is_known(facts.conntrack):
        hashsize = facts.conntrack.hashsize
        if isinstance(hashsize, Absent) and not _says_there_is_none(hashsize, of_module=True):
            found[_HASHSIZE] = hashsize
    return found


def without_value(facts: Facts) -> frozenset[str]:
    """What could not be read, and sysctls that are there and of which the kernel has nothing to tell."""
    absent = facts.sysctl.absent if isinstance(facts.sysctl, Sysctls) else ()
    return frozenset((*unread_of(facts), *absent))


@lru_cache(maxsize=16_384)
def keys_of(name: str) -> tuple[str, ...]:
    """Every key of ``unread_of`` by which the setting of this name is not known."""
    domain = _domain_of(name)
    if domain == "nics":
        device, _, rest = name.partition(" ")
        return domain, name, f"{device} {rest.partition(' ')[0]}"
    if domain == "sysctl" and name.startswith(INTERFACE_TREES):
        return domain, name, _ALL_INTERFACES
    return domain, name


def _says_there_is_none(why: Absent, *, of_module: bool = False) -> bool:
    """Whether an absence says that the host has no such thing; *not present* mostly speaks of the tool that reads."""
    return why.reason is AbsentReason.NOT_APPLICABLE or (of_module and why.reason is AbsentReason.NOT_PRESENT)


def _of_nic(nic: Nic) -> Iterator[tuple[str, Absent]]:
    for field, beginning in _OF_NIC:
        value = getattr(nic, field)
        if isinstance(value, Absent) and not _says_there_is_none(value):
            yield f"{nic.name} {beginning}", value


def _domain_of(name: str) -> str:
    """The domain that a setting was read from."""
    if name.startswith(BOOT):
        return "persisted"
    first, blank, rest = name.partition(" ")
    if first in {"writer", "writers"}:
        return "writers"
    if not blank:
        return "kernel" if name in _OF_KERNEL else "sysctl"
    if name.startswith("default route "):
        return "routing"
    if first in {"kernel", "cpu", "memory", _CONNTRACK}:
        return first
    return "qdiscs" if rest == "qdisc" else "nics"
