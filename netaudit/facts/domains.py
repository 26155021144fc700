"""Which probe answers for which domain of the facts, and which function reads the answer.

A domain is a field of ``model.facts.Facts``. Its parser is a pure function of one section: it returns the value, or
``Absent`` when the section says why there is none; ValueError, KeyError and IndexError mean that it could make
nothing of the text.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Collection
from dataclasses import dataclass

from netaudit.model.probe import Section

Parser = Callable[[Section], object]


@dataclass(frozen=True, slots=True)
class Domain:
    """One domain of the facts."""

    name: str  # the field of Facts
    probe: str  # id of the probe that answers for it
    parse: Parser


# Until every parser is here: a domain's parser is ``parse_<domain>`` of the module ``<module>``.
_MODULES = {
    "sysctl": ("sysctl", "sysctl"),
    "netstat": ("counters", "counters"),
    "snmp": ("counters", "counters"),
    "snmp6": ("counters", "counters"),
    "sockstat": ("counters", "counters"),
    "sockets": ("sockets", "sockets"),
    "listeners": ("sockets", "listeners"),
    "nics": ("nics", "nics"),
    "softnet": ("softnet", "softnet"),
    "qdiscs": ("qdisc", "qdiscs"),
    "routing": ("routes", "routing"),
    "neighbours": ("routes", "neighbours"),
    "conntrack": ("conntrack", "conntrack"),
    "firewall": ("firewall", "firewall"),
    "memory": ("system", "system"),
    "cpu": ("system", "system"),
    "kernel": ("system", "system"),
    "limits": ("limits", "limits"),
    "persisted": ("persisted", "persisted"),
    "writers": ("writers", "writers"),
    "namespaces": ("namespaces", "namespaces"),
    "kernel_log": ("kernel_log", "kernel_log"),
    "tracing": ("tracing", "tracing"),
    "paths": ("path", "paths"),
}


def _domains() -> dict[str, Domain]:
    found = {}
    for name, (probe, module) in _MODULES.items():
        if importlib.util.find_spec(f"netaudit.facts.{module}") is not None:
            parse = getattr(importlib.import_module(f"netaudit.facts.{module}"), f"parse_{name}", None)
            if parse is not None:
                found[name] = Domain(name, probe, parse)
    return found


DOMAINS = _domains()


def probes_for(domains: Collection[str]) -> frozenset[str]:
    """The ids of the probes that the named domains need."""
    return frozenset(DOMAINS[name].probe for name in domains)


def domains_of(probe: str) -> tuple[str, ...]:
    """The domains that one probe answers for, in the order of ``Facts``."""
    return tuple(domain.name for domain in DOMAINS.values() if domain.probe == probe)
