"""Which probe answers for which domain of the facts, and which function reads the answer.

A domain is a field of ``model.facts.Facts``. Its parser is a pure function of one section: it returns the value, or
``Absent`` when the section says why there is none; ValueError, KeyError and IndexError mean that it could make
nothing of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from netaudit.facts.conntrack import parse_conntrack
from netaudit.facts.counters import parse_netstat, parse_snmp, parse_snmp6, parse_sockstat
from netaudit.facts.drop_rules import parse_drop_rules
from netaudit.facts.firewall import parse_firewall
from netaudit.facts.kernel_log import parse_kernel_log
from netaudit.facts.limits import parse_limits
from netaudit.facts.listeners import parse_listeners
from netaudit.facts.managers import parse_managers
from netaudit.facts.namespaces import parse_namespaces
from netaudit.facts.neighbours import parse_neighbours
from netaudit.facts.nics import parse_nics
from netaudit.facts.paths import parse_paths
from netaudit.facts.persisted import parse_persisted
from netaudit.facts.qdiscs import parse_qdiscs
from netaudit.facts.routing import parse_routing
from netaudit.facts.sockets import parse_sockets
from netaudit.facts.softnet import parse_softnet
from netaudit.facts.sysctl import parse_sysctl
from netaudit.facts.system import parse_cpu, parse_kernel, parse_memory
from netaudit.facts.talkers import parse_talkers
from netaudit.facts.tracing import parse_tracing
from netaudit.facts.writers import parse_writers
from netaudit.model.probe import Section

Parser = Callable[[Section], object]


@dataclass(frozen=True, slots=True)
class Domain:
    """One domain of the facts."""

    name: str  # the field of Facts
    probe: str  # id of the probe that answers for it
    parse: Parser
    is_alike: bool = False  # hosts that were set up by the same hand answer alike, byte by byte


DOMAINS: Mapping[str, Domain] = {
    domain.name: domain
    for domain in (
        Domain("sysctl", "sysctl", parse_sysctl),
        Domain("netstat", "counters", parse_netstat),
        Domain("snmp", "counters", parse_snmp),
        Domain("snmp6", "counters", parse_snmp6),
        Domain("sockstat", "counters", parse_sockstat),
        Domain("sockets", "sockets", parse_sockets),
        Domain("listeners", "sockets", parse_listeners),
        Domain("nics", "nics", parse_nics),
        Domain("softnet", "softnet", parse_softnet),
        Domain("qdiscs", "qdisc", parse_qdiscs),
        Domain("routing", "routes", parse_routing),
        Domain("neighbours", "routes", parse_neighbours),
        Domain("conntrack", "conntrack", parse_conntrack),
        Domain("firewall", "firewall", parse_firewall, is_alike=True),
        Domain("memory", "system", parse_memory),
        Domain("cpu", "system", parse_cpu),
        Domain("kernel", "system", parse_kernel),
        Domain("limits", "sockets", parse_limits),
        Domain("persisted", "persisted", parse_persisted, is_alike=True),
        Domain("writers", "writers", parse_writers, is_alike=True),
        Domain("namespaces", "namespaces", parse_namespaces),
        Domain("kernel_log", "kernel_log", parse_kernel_log),
        Domain("tracing", "tracing", parse_tracing, is_alike=True),
        Domain("paths", "path", parse_paths),
        Domain("talkers", "talkers", parse_talkers),
        Domain("drop_rules", "drop_rules", parse_drop_rules),
        Domain("managers", "managers", parse_managers),
    )
}


def probes_for(domains: Collection[str]) -> frozenset[str]:
    """The ids of the probes that the named domains need. Raises KeyError for a name that is no domain."""
    return frozenset(DOMAINS[name].probe for name in domains)


def domains_of(probe: str) -> tuple[str, ...]:
    """The domains that one probe answers for, in the order of ``Facts``."""
    return tuple(domain.name for domain in DOMAINS.values() if domain.probe == probe)
