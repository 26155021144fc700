"""A page of text before it is set: blocks of rows, each with a label in the margin and text with a role.

A renderer for terminals, or for anything else, decides what the roles look like. Every text in here is printable.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Role(StrEnum):
    """What a piece of text is, as far as its looks go."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"
    TITLE = "title"
    VALUE = "value"
    HOSTS = "hosts"
    TEXT = "text"
    FAINT = "faint"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Span:
    """Text of one role."""

    text: str
    role: Role = Role.TEXT


Spans: TypeAlias = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A label in the margin and text beside it, on as many lines as it takes."""

    label: Span
    body: Spans


@dataclass(frozen=True, slots=True)
class Pair:
    """A label and two texts, beside each other if all pairs that follow one another fit, else one above the other."""

    label: Span
    left: Spans
    right: Spans


Line: TypeAlias = "Row | Pair"
Block: TypeAlias = tuple[Line, ...]


def width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(_columns(sign) for sign in text)


def _columns(sign: str) -> int:
    if unicodedata.combining(sign):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def spans_width(spans: Spans) -> int:
    """How many columns the spans take on one line."""
    return sum(width(span.text) for span in spans)
