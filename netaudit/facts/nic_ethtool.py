"""Answers of ethtool(8): rings, channels, interrupt moderation, offloads and driver statistics.

A driver that has no such thing says "Operation not supported"; that is *not applicable*, neither zero nor off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TypeVar

from netaudit.facts.numbers import MAX_DIGITS, natural
from netaudit.facts.parts import Parts
from netaudit.model.facts import Channels, Coalesce, Rings
from netaudit.model.reading import Absent, AbsentReason, Maybe

MAX_COUNTERS = 2000  # driver statistics that are kept of one interface

_T = TypeVar("_T")
_once = lru_cache(maxsize=256)  # drivers of one kind are set up alike on many hosts; statistics never are
_SETTINGS = "\nCurrent hardware settings:"
_REFUSALS = (
    ("not supported", AbsentReason.NOT_APPLICABLE),
    ("no stats available", AbsentReason.NOT_APPLICABLE),
    ("not permitted", AbsentReason.NOT_PERMITTED),
    ("Permission denied", AbsentReason.NOT_PERMITTED),
    ("No such device", AbsentReason.NOT_PRESENT),
)


def answer(parts: Parts, question: str, name: str, read: Callable[[str], _T]) -> Maybe[_T]:
    """What ``read`` makes of the answer to one question about one interface, or why there is none."""
    text = parts.texts.get(f"ethtool -{question} {name}")
    if text is None:
        return parts.missing.get("ethtool", Absent(AbsentReason.NOT_ASKED, f"ethtool was not asked about {name}"))
    refusal = _refusal(text)
    if refusal is not None:
        return refusal
    try:
        return read(text)
    except (ValueError, KeyError, IndexError) as error:
        return Absent(AbsentReason.NOT_UNDERSTOOD, f"ethtool -{question} {name}: {error}"[:200])


def _refusal(text: str) -> Absent | None:
    """The reason in a refusal, which is a line or two, the last of them with the error."""
    if len(text) > 300:
        return None
    for words, reason in _REFUSALS:
        if words in text:
            return Absent(reason, text.strip().split("\n")[-1].lstrip(": ")[:200])
    return None


@_once
def read_rings(text: str) -> Rings:
    """``ethtool -g``: descriptors, in force and at most."""
    at_most, _, now = text.partition(_SETTINGS)
    most, current = _fields(at_most), _fields(now)
    return Rings(_number(current, "RX"), _number(most, "RX"), _number(current, "TX"), _number(most, "TX"))


@_once
def read_channels(text: str) -> Channels:
    """``ethtool -l``: queues, in force and at most."""
    at_most, _, now = text.partition(_SETTINGS)
    most, current = _fields(at_most), _fields(now)
    return Channels(
        _number(current, "Combined"), _number(most, "Combined"), _number(current, "RX"), _number(most, "RX")
    )


@_once
def read_coalesce(text: str) -> Coalesce:
    """``ethtool -c``: when the device interrupts."""
    fields = _fields(text)
    adaptive = fields.get("Adaptive RX", "").split()[:1]
    known: Maybe[bool] = Absent(AbsentReason.NOT_APPLICABLE, "the driver has no adaptive moderation")
    if adaptive in (["on"], ["off"]):
        known = adaptive == ["on"]
    return Coalesce(known, _number(fields, "rx-usecs"), _number(fields, "rx-frames"))


@_once
def read_offloads(text: str) -> Mapping[str, bool]:
    """``ethtool -k``: every feature, on or off."""
    found: dict[str, bool] = {}
    for line in text.split("\n"):
        name, colon, value = line.partition(": ")
        if colon and value[:2] in {"on", "of"}:
            found[name.strip()] = value[:2] == "on"
    if not found:
        raise ValueError("no feature in it")
    return MappingProxyType(found)


@_once
def read_fixed(text: str) -> tuple[str, ...]:
    """``ethtool -k``: the features that cannot be switched."""
    return tuple(line.partition(":")[0].strip() for line in text.split("\n") if line.endswith("[fixed]"))


def read_statistics(text: str) -> dict[str, int]:
    """``ethtool -S``: the driver's own counters. A name that comes again for every queue is summed."""
    found: dict[str, int] = {}
    for line in text.split("\n"):
        name, colon, value = line.rpartition(": ")
        if not colon or not value.isdigit() or not value.isascii() or len(value) > MAX_DIGITS + 1:
            continue
        name = name.strip()
        if name in found:
            found[name] += int(value)
        elif len(found) < MAX_COUNTERS and "#" not in name:  # "Rx Queue#: 0" numbers what follows
            found[name] = int(value)
    return found


def _fields(text: str) -> dict[str, str]:
    """The ``name: value`` lines; the first of two with one name counts."""
    found: dict[str, str] = {}
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip(), value.strip())
    return found


def _number(fields: dict[str, str], name: str) -> Maybe[int]:
    value = fields.get(name, "")
    if not value or value == "n/a":
        return Absent(AbsentReason.NOT_APPLICABLE, f"the driver has no {name}")
    return natural(value)
