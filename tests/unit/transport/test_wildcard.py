"""Patterns of OpenSSH."""

from __future__ import annotations

import pytest

from netaudit.transport.wildcard import matches, matches_list


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("web", "web", True),
        ("web", "we", False),
        ("web", "*", True),
        ("", "*", True),
        ("web1", "web?", True),
        ("web", "web?", False),
        ("a.b", "a?b", True),
        ("a+b", "a+b", True),
        ("aab", "a+b", False),
        ("[a]", "[a]", True),
        ("a", "[a]", False),
        ("a\nb", "a*b", True),
        ("a" * 200, "*a" * 20 + "b", False),
        ("xaybzabc", "x*ab*abc", False),
        ("xabyabc", "x*ab*abc", True),
        ("xab1ab", "x*ab?ab", True),
        ("ab", "a*b*b", False),
    ],
)
def test_one_pattern(text, pattern, expected):
    """Two wildcards, everything else is itself; many stars end soon enough."""
    assert matches(text, pattern) is expected


@pytest.mark.parametrize(
    ("text", "patterns", "expected"),
    [
        ("b", "a,b", True),
        ("c", "a,b", False),
        ("b", "*,!b", False),
        ("b", "!b,*", False),
        ("a", "!b,*", True),
        ("a", "!b", False),
    ],
)
def test_a_list(text, patterns, expected):
    """A negation beats every other pattern, and alone matches nothing."""
    assert matches_list(text, patterns) is expected
