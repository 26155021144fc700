"""Rules and policies that drop or reject: the domain ``drop_rules``. Sources: nft(8), iptables-save(8)."""

from __future__ import annotations

import re

from netaudit.facts.numbers import counter
from netaudit.facts.parts import split_parts
from netaudit.model.facts.flows import DropRule
from netaudit.model.probe import Section
from netaudit.model.reading import Absent, AbsentReason, Maybe

MAX_RULES = 2000
_NFT_COUNTER = re.compile(r"\bcounter packets ([0-9]+) bytes [0-9]+ ?", re.ASCII)
_SAVED_COUNTER = re.compile(r"\A\[([0-9]+):[0-9]+\] ", re.ASCII)
_POLICY_COUNTER = re.compile(r" \[([0-9]+):[0-9]+\]\Z", re.ASCII)
_NO_COUNTER = Absent(AbsentReason.NOT_PRESENT, "the rule has no counter")


def parse_drop_rules(section: Section) -> Maybe[tuple[DropRule, ...]]:
    """Every rule, in the order of its tool."""
    parts = split_parts(section)
    found = [_rule(line.split("\t", 3)) for line in parts.texts.get("", "").split("\n") if line.count("\t") >= 3]
    if not found and parts.missing:
        return next(iter(parts.missing.values()))
    return tuple(found[:MAX_RULES])


def _rule(words: list[str]) -> DropRule:
    source, chain, hook, text = words
    for pattern in (_NFT_COUNTER, _SAVED_COUNTER, _POLICY_COUNTER):
        if match := pattern.search(text):
            bare = f"{text[: match.start()]}{text[match.end() :]}".strip()
            return DropRule(source, chain, hook, bare, counter(match[1]))
    return DropRule(source, chain, hook, text.strip(), _NO_COUNTER)
