"""The signs that reports are set with, for terminals that know Unicode and for those that know ASCII."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signs:
    """One set. ``plain`` says that everything else has to be ASCII as well."""

    arrow: str
    dot: str
    ellipsis: str
    at_least: str
    at_most: str
    dash: str
    passed: str
    failed: str
    bar: str
    rail: str
    plain: bool


UNICODE = Signs("→", "·", "…", "≥", "≤", "–", "✓", "✗", "━", "─", plain=False)
ASCII = Signs("->", "|", "...", ">=", "<=", "-", "+", "x", "#", ".", plain=True)


def signs_for(encoding: str) -> Signs:
    """The set that a stream of this encoding can carry."""
    try:
        f"{UNICODE.arrow}{UNICODE.at_least}{UNICODE.passed}".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE
