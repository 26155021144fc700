"""Patterns as OpenSSH matches them: ssh_config(5), "PATTERNS"."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """``*`` is any number of characters and ``?`` is one; nothing else is special, brackets included."""
    wild = {"*": ".*", "?": "."}
    collapsed = re.sub(r"\*+", "*", pattern)
    return re.compile("".join(wild.get(sign) or re.escape(sign) for sign in collapsed), re.DOTALL)


def matches(text: str, pattern: str) -> bool:
    """Whether the whole text fits one pattern."""
    if "*" not in pattern and "?" not in pattern:
        return text == pattern
    return _compiled(pattern).fullmatch(text) is not None


def matches_list(text: str, patterns: str) -> bool:
    """Whether the text fits one of some comma-separated patterns and none of those negated by ``!``."""
    found = False
    for pattern in patterns.split(","):
        if pattern.startswith("!"):
            if matches(text, pattern[1:]):
                return False
        elif not found:
            found = matches(text, pattern)
    return found
