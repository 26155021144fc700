"""The ARP and NDISC tables: the domain ``neighbours``, from the same section as the routes.

The statistics of the kernel count the entries of all namespaces, and exist in the initial one alone; elsewhere the
entries are counted as ip lists them.
"""

from __future__ import annotations

from collections import Counter

from netaudit.facts.conntrack import sum_rows
from netaudit.facts.numbers import natural
from netaudit.facts.parts import Parts, grep_lines, split_parts
from netaudit.model.facts import Neighbours
from netaudit.model.probe import Section
from netaudit.model.reading import Absent, AbsentReason, Maybe

NUD_STATES = frozenset({
    "INCOMPLETE", "REACHABLE", "STALE", "DELAY", "PROBE", "FAILED", "NOARP", "PERMANENT", "NONE",
})  # fmt: skip
_UNRESOLVED = ("FAILED", "INCOMPLETE")
_NO_STAT = Absent(AbsentReason.NOT_PRESENT, "only the initial network namespace has these counters")
_NO_IP = Absent(AbsentReason.NOT_PRESENT, "ip is not installed")


def parse_neighbours(section: Section) -> Neighbours:
    """How many neighbours each family has, and how many of them do not answer."""
    parts = split_parts(section)
    stat = grep_lines(parts.texts.get("stat", ""))
    ipv4_stats = sum_rows(stat["arp_cache"]) if "arp_cache" in stat else _NO_STAT
    ipv6_stats = sum_rows(stat["ndisc_cache"]) if "ndisc_cache" in stat else _NO_STAT
    states = _states(parts)
    return Neighbours(
        ipv4_entries=_entries("inet", ipv4_stats, states),
        ipv6_entries=_entries("inet6", ipv6_stats, states if "ip" in parts.texts else _NO_IP),
        ipv4_failed=_failed("inet", states),
        ipv6_failed=_failed("inet6", states if "ip" in parts.texts else _NO_IP),
        ipv4_stats=ipv4_stats,
        ipv6_stats=ipv6_stats,
    )


def _entries(family: str, stats: Maybe[dict[str, int]], states: Maybe[Counter[tuple[str, str]]]) -> Maybe[int]:
    if not isinstance(stats, Absent):
        return stats["entries"]
    if isinstance(states, Absent):
        return states
    return sum(count for (of, _), count in states.items() if of == family)


def _failed(family: str, states: Maybe[Counter[tuple[str, str]]]) -> Maybe[int]:
    return states if isinstance(states, Absent) else sum(states[family, state] for state in _UNRESOLVED)


def _states(parts: Parts) -> Maybe[Counter[tuple[str, str]]]:
    """Neighbours of the audited namespace by family and state."""
    states: Counter[tuple[str, str]] = Counter()
    if "neighbours" in parts.texts:
        for line in parts["neighbours"].split("\n"):
            words = line.split()
            if len(words) == 3:
                states[words[0], words[1]] += natural(words[2])
        return states
    if "ip" not in parts.texts:
        return _of_arp(parts)
    for line in parts["ip"].split("\n"):
        state = line.rstrip().rpartition(" ")[2]
        if state in NUD_STATES:
            states["inet6" if ":" in line.partition(" ")[0] else "inet", state] += 1
    return states


def _of_arp(parts: Parts) -> Maybe[Counter[tuple[str, str]]]:
    """/proc/net/arp: flag 0x2 marks an entry that is resolved. It knows no IPv6."""
    if "arp" not in parts.texts:
        return _NO_IP
    states: Counter[tuple[str, str]] = Counter()
    for line in parts["arp"].split("\n")[1:]:
        words = line.split()
        if len(words) > 3:
            states["inet", "REACHABLE" if int(words[2], 16) & 2 else "INCOMPLETE"] += 1
    return states
