"""What ping said of the way to each declared peer: the domain ``paths``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from netaudit.facts.numbers import decimal, natural
from netaudit.facts.parts import Parts, split_parts
from netaudit.model.facts import PathProbe
from netaudit.model.probe import Section
from netaudit.model.reading import Absent, AbsentReason, Maybe

_COUNTS = re.compile(r"^([0-9]{1,6}) packets transmitted, ([0-9]{1,6}) (?:packets )?received", re.MULTILINE | re.ASCII)
_AVERAGE = re.compile(r"^(?:rtt|round-trip) min/avg/max\S* = [0-9.]+/([0-9.]+)/", re.MULTILINE | re.ASCII)
_SMALLER_MTU = re.compile(r"\bmtu ?[=:] ?([0-9]{2,5})\b", re.ASCII)
_UNREACHABLE = ("unreachable", "No route to host")


def parse_paths(section: Section) -> tuple[PathProbe, ...]:
    """Every peer that was asked, in the order of its address."""
    parts = split_parts(section)
    small = {label[6:]: text for label, text in parts.texts.items() if label.startswith("small ")}
    full = dict(_full(label, text) for label, text in parts.texts.items() if label.startswith("full "))
    return tuple(_path(peer, small[peer], full, parts) for peer in sorted(small))


def _full(label: str, text: str) -> tuple[str, tuple[int, str]]:
    _, peer, size = label.split(" ")
    return peer, (natural(size), text)


def _path(peer: str, small: str, full: Mapping[str, tuple[int, str]], parts: Parts) -> PathProbe:
    average = _AVERAGE.search(small)
    size: Maybe[int]
    if peer in full:
        size, text = full[peer]
        told = _SMALLER_MTU.findall(text)
        loss = _loss_ratio(text)
    else:
        told = []
        size = loss = parts.missing.get(f"route {peer}", Absent(AbsentReason.NOT_PRESENT, "no route to this peer"))
    return PathProbe(
        peer=peer,
        small_loss_ratio=_loss_ratio(small),
        rtt_avg_ms=decimal(average[1]) if average else None,
        df_size_bytes=size,
        df_loss_ratio=loss,
        frag_needed_mtu=min(int(mtu) for mtu in told) if told else None,
        device=_device(parts.texts.get(f"route {peer}", "")),
    )


def _loss_ratio(text: str) -> Maybe[float]:
    """The share of packets without an answer; or why none was sent."""
    counts = _COUNTS.search(text)
    if counts is not None:
        sent, received = int(counts[1]), int(counts[2])
        return round(1 - min(received, sent) / sent, 3) if sent else 1.0
    line = text.strip().split("\n")[-1][:200]
    if any(words in text for words in _UNREACHABLE):
        return 1.0
    if "not permitted" in text or "ermission denied" in text:
        return Absent(AbsentReason.NOT_PERMITTED, line)
    if "invalid option" in text or "unrecognized option" in text:
        return Absent(AbsentReason.NOT_PRESENT, "this ping cannot forbid fragmentation: iputils is not installed")
    return Absent(AbsentReason.NOT_UNDERSTOOD, line)


def _device(route: str) -> str:
    words = route.split()
    return words[words.index("dev") + 1] if "dev" in words[:-1] else ""
