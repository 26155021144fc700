"""What the text of one packet filter rule says, in the words of nft(8) or of iptables-save(8).

Comments are an operator's prose and are taken out first: a rule that talks of ICMP is not a rule about ICMP.
"""

from __future__ import annotations

import re

_COMMENT = re.compile(r' comment "(?:[^"\\]|\\.)*"| -m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+)')
_CONNTRACK = re.compile(
    r"(?:^|\s)ct (?:state|status|mark|zone|helper|timeout|count|label|direction|expiration|original|reply|id|proto"
    r"|bytes|packets|avgpkt|event|expectation|saddr|daddr|protocol|l3proto)\b"
    r"|\b(?:masquerade|snat|dnat)\b|(?<!type )(?<!, )(?<!\{ )\bredirect\b|\bflow add\b"
    r"|-m (?:conntrack|state|connlimit|connmark|connbytes|connlabel|helper)\b"
    r"|-j (?:MASQUERADE|SNAT|DNAT|REDIRECT|NETMAP|CONNMARK|CONNSECMARK)\b"
    r"|xt (?:match|target) \"?(?:conn\w+|state|helper|MASQUERADE|SNAT|DNAT|REDIRECT|NETMAP|CONNMARK)\b"
)
_ANSWER = re.compile(r"(?<=reject) with [^{}]*|(?<=-j REJECT) --reject-with \S+")
_DROPS = re.compile(r"(?:^|\s)(?:drop|reject)\b|-j (?:DROP|REJECT)\b")
_ACCEPTS = re.compile(r"(?:^|\s)accept\b|-j ACCEPT\b")
_STATE = re.compile(r"(?:^|\s)ct state\b|--(?:ct)?state\b")
_RELATED = re.compile(r"\brelated\b|\bRELATED\b")
_NOTRACK = re.compile(r"(?:^|\s)notrack\b|-j NOTRACK\b|--notrack\b")
_CLAMP = re.compile(r"\bmaxseg size set\b|-j TCPMSS\b|xt target \"?TCPMSS\b")
_ICMP = re.compile(r"\bicmp\b|\bicmpv6\b|\bicmpv6-type\b|\bipv6-icmp\b|\bip protocol 1\b|\bip6 nexthdr 58\b")
_TYPE = re.compile(r"(!? ?)(?:icmp(v6)? type|--icmp(v6)?-type) (!= )?(\{[^}]*\}|\S+)")
_CODE = re.compile(r"\bicmp code (?:!= )?(\{[^}]*\}|\S+)")
_RATE = re.compile(r"\blimit rate over\b|-m (?:limit|hashlimit)\b")
_JUMP = re.compile(r"(?:^|\s)(?:jump|goto) |(?:-j|-g) (?!ACCEPT|DROP|REJECT|LOG\b|RETURN|NFLOG|MARK)\S+")
_NARROW = re.compile(r"port\b|ports\b|\btcp\b|\budp\b|\bicmp|\bct |state\b|\"?\blo\b\"?|saddr|-s ")
_ONE_WAY = re.compile(r"port\b|ports\b|\btcp\b|\budp\b|addr\b|if(?:name|group|type)?\b|mark\b|\s-[sdiop] |\blimit\b")
_EXTRAS = r"(?:counter(?: packets \d+ bytes \d+)? |log(?: (?:prefix \"[^\"]*\"|level \S+|flags [^\"]*?|group \d+))* )*"
_EVERYTHING = re.compile(
    rf"{_EXTRAS}(?:drop|reject(?: with (?!tcp)[^{{}}]*)?)|-A \S+ -j (?:DROP|REJECT(?: --reject-with (?!tcp)\S+)?)"
)
_V4_WORDS = frozenset({"destination-unreachable", "fragmentation-needed", "3", "3/4", "any"})
_V6_WORDS = frozenset({"packet-too-big", "too-big", "2", "2/0"})
_CODE_WORDS = frozenset({"frag-needed", "fragmentation-needed", "4"})


def without_comment(text: str) -> str:
    """A rule without the words an operator wrote about it."""
    return _COMMENT.sub("", text) if "comment" in text else text


def uses_conntrack(text: str) -> bool:
    """Whether connection tracking is at work for this rule: a state, a mark, or an address translation."""
    return _CONNTRACK.search(text) is not None


def is_notrack(text: str) -> bool:
    """Whether the rule exempts packets from connection tracking."""
    return _NOTRACK.search(text) is not None


def is_clamp(text: str) -> bool:
    """Whether the rule rewrites the maximum segment size of TCP."""
    return _CLAMP.search(text) is not None


def is_stateful_drop(text: str) -> bool:
    """Whether the rule, or an entry of its verdict map, drops by the state of a connection."""
    return _STATE.search(text) is not None and (_DROPS.search(text) is not None or ": drop" in text)


def asks_state(text: str) -> bool:
    """Whether the rule looks at the state of a connection."""
    return _STATE.search(text) is not None


def is_jump(text: str) -> bool:
    """Whether another chain may decide."""
    return _JUMP.search(text) is not None


def drops_pmtud(text: str) -> bool:
    """Whether the rule drops the messages of path MTU discovery: by type, or with all of ICMP.

    What a rejected packet is answered with is no match: most rules answer with an ICMP message.
    """
    return _DROPS.search(text) is not None and _RATE.search(text) is None and _matches_pmtud(_ANSWER.sub("", text))


def accepts_pmtud(text: str) -> bool:
    """Whether the rule lets those messages in: by type, as related to a connection, or with everything else."""
    if _ACCEPTS.search(text) is None:
        return False
    return (
        _matches_pmtud(text)
        or (_STATE.search(text) is not None and _RELATED.search(text) is not None)
        or _NARROW.search(text) is None
    )


def surely_accepts_pmtud(text: str) -> bool:
    """Whether the rule lets those messages in whatever else they are: as related to a connection, from anywhere."""
    if not accepts_pmtud(text) or _ONE_WAY.search(text) is not None:
        return False
    return _ICMP.search(text) is None and (_RELATED.search(text) is not None or _STATE.search(text) is None)


def drops_everything(text: str) -> bool:
    """Whether the rule, as the last one of many chains, drops whatever comes to it."""
    return _EVERYTHING.fullmatch(text.strip()) is not None


def is_blanket(text: str) -> bool:
    """Whether a rule about ICMP names no type."""
    return _TYPE.search(text) is None


def _matches_pmtud(text: str) -> bool:
    if _ICMP.search(text) is None:
        return False
    types = _TYPE.search(text)
    if types is None:
        return True
    words = {word.strip("{},") for word in types[5].replace(",", " ").split()}
    if any(word.startswith("@") for word in words):
        return False  # a named set, whose elements are not listed
    named = bool(words & (_V6_WORDS if types[2] or types[3] else _V4_WORDS))
    if types[4] or types[1].startswith("!"):
        return not named
    code = _CODE.search(text)
    if named and code is not None:
        return bool({word.strip("{},") for word in code[1].replace(",", " ").split()} & _CODE_WORDS)
    return named
