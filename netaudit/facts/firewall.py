"""The rules that bear on checks, of nftables and iptables: the domain ``firewall``.

Reads the layout of ``nft list ruleset`` and of ``iptables-save``, whole or shortened by the probe; what a rule means is
told by ``firewall_rules``. Which rule wins is not worked out: an earlier one may accept what a later one drops.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from netaudit.facts.firewall_rules import (
    accepts_pmtud,
    asks_state,
    drops_everything,
    drops_pmtud,
    is_blanket,
    is_clamp,
    is_jump,
    is_notrack,
    is_stateful_drop,
    surely_accepts_pmtud,
    uses_conntrack,
    without_comment,
)
from netaudit.facts.numbers import natural
from netaudit.facts.parts import Parts, split_parts
from netaudit.model.facts import Firewall, FirewallRule
from netaudit.model.probe import Section
from netaudit.model.reading import Maybe

MAX_RULES = 200  # that are kept of each kind
MAX_TEXT = 500  # of one rule

_FILTERING = frozenset({"input", "forward", "output", ""})  # hooks of a drop that matters; empty: a chain jumped to
_OF_IPTABLES = frozenset({"filter", "nat", "mangle", "raw", "security"})
_BETTER_LISTED = (("ip", "iptables nft4"), ("ip6", "iptables nft6"))
_HOOKS = frozenset({"INPUT", "OUTPUT", "FORWARD", "PREROUTING", "POSTROUTING"})


@dataclass(slots=True)
class _Chain:
    """One chain, and what its rules together let pass."""

    name: str
    hook: str = ""
    drops_by_policy: bool = False
    is_stateful: bool = False
    lets_pmtud_pass: bool = False  # or may do so, in a chain it jumps to
    reaches_pmtud: str = "yes"  # whether these messages come to the next rule, as in FirewallRule
    is_closed: bool = False  # a rule dropped everything

    @property
    def filters(self) -> bool:
        """Whether it is a base chain that packets to, from or through the host pass."""
        return self.hook in _FILTERING and self.hook != ""


@dataclass(slots=True)
class _Found:
    """What has been found so far."""

    uses_conntrack: bool = False
    notrack: list[FirewallRule] = field(default_factory=list)
    stateful_drops: list[FirewallRule] = field(default_factory=list)
    icmp_drops: list[FirewallRule] = field(default_factory=list)
    mss_clamps: list[FirewallRule] = field(default_factory=list)

    def add(self, chain: _Chain, line: str) -> None:
        """Sort one rule into the kinds it belongs to."""
        text = without_comment(line)
        rule = FirewallRule(chain.name, chain.hook, line[:MAX_TEXT])
        self.uses_conntrack = self.uses_conntrack or uses_conntrack(text)
        if is_notrack(text):
            self.notrack.append(rule)
        if is_clamp(text):
            self.mss_clamps.append(rule)
        if asks_state(text):
            chain.is_stateful = True
            if is_stateful_drop(text):
                self.stateful_drops.append(rule)
        if chain.hook in _FILTERING and drops_pmtud(text):
            reached = chain.reaches_pmtud if chain.filters else "perhaps"
            self.icmp_drops.append(replace(rule, is_blanket=is_blanket(text), reached=reached))
        if chain.filters:
            self._follow(chain, text, rule)

    def _follow(self, chain: _Chain, text: str, rule: FirewallRule) -> None:
        """Note what is left for the next rule of a base chain."""
        jumps = is_jump(text)
        if jumps or accepts_pmtud(text):
            chain.lets_pmtud_pass = True
        if surely_accepts_pmtud(text):
            chain.reaches_pmtud = "no"
        elif jumps and chain.reaches_pmtud == "yes":
            chain.reaches_pmtud = "perhaps"
        if drops_everything(text) and not chain.is_closed:
            chain.is_closed = True
            self._close(chain, rule.text, "no rule before it")

    def end(self, chain: _Chain) -> None:
        """Note what a chain's policy does to whatever none of its rules took."""
        if chain.drops_by_policy and chain.filters and not chain.is_closed:
            self._close(chain, "policy drop", "no rule")

    def _close(self, chain: _Chain, last: str, none: str) -> None:
        """Note that the rest of what comes to a chain is dropped, and by what."""
        if chain.is_stateful:
            self.stateful_drops.append(FirewallRule(chain.name, chain.hook, last))
        if not chain.lets_pmtud_pass:
            text = f"{last[: MAX_TEXT - 60]}, and {none} accepts ICMP errors"
            self.icmp_drops.append(FirewallRule(chain.name, chain.hook, text, is_blanket=True, reached="yes"))


def parse_firewall(section: Section) -> Maybe[Firewall]:
    """What the packet filters hold; absent when there are rules that no installed program can list."""
    parts = split_parts(section)
    saved = [label for label in parts.texts if label.startswith("iptables ")]
    for label, absent in parts.missing.items():
        if label.startswith("iptables ") or (label == "nft" and not saved):
            return absent
    if not saved and parts.texts.keys().isdisjoint({"nft", "none"}) and "nft" not in parts.missing:
        raise ValueError("neither nftables nor iptables is told of")
    found = _Found()
    better = frozenset(family for family, label in _BETTER_LISTED if label in saved)
    counted = _scan_nft(parts["nft"], better, found) if "nft" in parts.texts else 0
    for label in saved:
        counted += _scan_iptables(parts[label], found)
    shortened = _shortened(parts, better)
    return Firewall(
        rules=shortened[0] if shortened else counted,
        uses_conntrack=found.uses_conntrack,
        notrack=tuple(found.notrack[:MAX_RULES]),
        stateful_drops=tuple(found.stateful_drops[:MAX_RULES]),
        icmp_drops=tuple(found.icmp_drops[:MAX_RULES]),
        mss_clamps=tuple(found.mss_clamps[:MAX_RULES]),
        truncated=shortened is not None and shortened[1],
    )


def _shortened(parts: Parts, better: Collection[str]) -> tuple[int, bool] | None:
    """How many rules there were, and whether some that count were left out, of rulesets that the probe shortened.

    Lines ``nft FAMILY TABLE RULES CUT`` and ``NAME RULES CUT``; a question mark where nobody counted.
    """
    if "counts" not in parts.texts:
        return None
    rules, cut = 0, False
    for line in parts["counts"].split("\n"):
        words = line.split()
        if len(words) > 2 and not (words[0] == "nft" and _is_listed_better(words[1], words[2], better)):
            rules += natural(words[-2]) if words[-2] != "?" else 0
            cut = cut or words[-1] != "0"
    return rules, cut


def _is_listed_better(family: str, table: str, better: Collection[str]) -> bool:
    """Whether a table of nft is one of iptables-nft, of which iptables-save has the full text."""
    return family in better and table in _OF_IPTABLES


def _scan_nft(text: str, better: Collection[str], found: _Found) -> int:
    """Read ``nft list ruleset``; the number of rules. Tables listed better are passed over."""
    rules = 0
    table = ""
    skipped = False
    chain: _Chain | None = None
    for raw in text.split("\n"):
        line = raw.strip()
        if line.startswith("table ") and raw[0] == "t":
            family, _, name = line[6:].removesuffix("{").strip().partition(" ")
            table, skipped = name, _is_listed_better(family, name, better)
            _end(chain, found)
            chain = None
        elif line.startswith("chain ") and raw[:2] != "\t\t":
            _end(chain, found)
            chain = None if skipped else _Chain(f"{table} {line[6:].removesuffix('{').strip()}")
        elif line == "}" or (raw[:1] == "\t" and raw[:2] != "\t\t"):
            _end(chain, found)
            chain = None
        elif chain is None or not line:
            continue
        elif line.startswith("type ") and " hook " in line:
            chain.hook = line.partition(" hook ")[2].partition(" ")[0]
            chain.drops_by_policy = "policy drop" in line and line.startswith("type filter")
        elif not line.startswith('comment "'):
            rules += 1
            found.add(chain, line)
    _end(chain, found)
    return rules


def _end(chain: _Chain | None, found: _Found) -> None:
    if chain is not None:
        found.end(chain)


def _scan_iptables(text: str, found: _Found) -> int:
    """Read ``iptables-save``; the number of rules."""
    rules = 0
    table = ""
    chains: dict[str, _Chain] = {}
    for line in text.split("\n"):
        if line[:1] == "*":
            _end_all(chains, found)
            table = line[1:].strip()
        elif line[:1] == ":":
            name, policy = line[1:].split()[:2]
            chains[name] = _Chain(f"{table} {name}", name.lower() if name in _HOOKS else "")
            chains[name].drops_by_policy = policy == "DROP" and table == "filter"
        elif line.startswith("-A "):
            name = line.split(" ", 2)[1]
            hook = name.lower() if name in _HOOKS else ""
            rules += 1
            found.add(chains.setdefault(name, _Chain(f"{table} {name}", hook)), line)
    _end_all(chains, found)
    return rules


def _end_all(chains: dict[str, _Chain], found: _Found) -> None:
    for chain in chains.values():
        found.end(chain)
    chains.clear()
