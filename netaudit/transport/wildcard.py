"""Patterns as OpenSSH matches them: ssh_config(5), "PATTERNS"."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """``*`` is any number of characters and ``?`` is one; nothing else is special, brackets included.

    What lies between two stars is taken where it first fits and never looked for again (atomic groups): that is enough
    for a pattern without other repetitions, and keeps one with many stars from taking for ever.
    """
    first, *others = (_literal(part) for part in re.sub(r"\*+", "*", pattern).split("*"))
    if not others:
        return re.compile(first, re.DOTALL)
    *middle, last = others
    return re.compile(first + "".join(f"(?>.*?{part})" for part in middle) + f".*{last}", re.DOTALL)


def _literal(part: str) -> str:
    return "".join("." if sign == "?" else re.escape(sign) for sign in part)


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
