"""Queueing disciplines: the domain ``qdiscs``, from the text of ``tc -s qdisc show``. All versions print it alike."""

from __future__ import annotations

import re
from functools import lru_cache

from netaudit.facts.numbers import counter
from netaudit.model.facts import Qdisc
from netaudit.model.probe import Section

MAX_QDISCS = 4000
_USUAL = re.compile(
    r"(.*)\n Sent (\d{1,20}) bytes (\d{1,20}) pkt \(dropped (\d{1,20}), overlimits (\d{1,20}) requeues (\d{1,20})\) ?"
    r"\n backlog \S+ (\d{1,20})p (?!(?s:.)*(?:Sent|backlog))",
    re.ASCII,
)
_COUNTED_NOTHING = " Sent 0 bytes 0 pkt "


def parse_qdiscs(section: Section) -> tuple[Qdisc, ...]:
    """Every queueing discipline, in the order of tc; the leaves of mq have its handle as parent."""
    text = "\n" + section.stdout.decode("utf-8", "replace")
    blocks = text.split("\nqdisc ")[1 : MAX_QDISCS + 1]
    return tuple(_quiet_qdisc(block) if _COUNTED_NOTHING in block else _qdisc(block) for block in blocks)


def _qdisc(block: str) -> Qdisc:
    """One block: a line of settings, a line "Sent …", a line "backlog …", lines of the discipline's own."""
    if (usual := _USUAL.match(block)) is not None:
        first, *counts = usual.groups()
        return Qdisc(*_settings(first), *map(int, counts))
    first, *lines = block.split("\n")
    numbers = _numbers(lines)
    return Qdisc(
        *_settings(first),
        sent_bytes=numbers.get("bytes", 0),
        sent_packets=numbers.get("pkt", 0),
        dropped=numbers.get("dropped", 0),
        overlimits=numbers.get("overlimits", 0),
        requeues=numbers.get("requeues", 0),
        backlog_packets=numbers.get("backlog", 0),
    )


_quiet_qdisc = lru_cache(maxsize=1024)(_qdisc)  # most of most hosts are quiet; of others none is like another


@lru_cache(maxsize=1024)
def _settings(line: str) -> tuple[str, str, str, str]:
    """Device, kind, handle and parent."""
    words = line.split()
    parent = words[words.index("parent") + 1] if "parent" in words else "root" if "root" in words else ""
    return words[words.index("dev") + 1], words[0], words[1], parent


def _numbers(lines: list[str]) -> dict[str, int]:
    """``Sent 203 bytes 2 pkt (dropped 0, overlimits 0 requeues 0)`` and ``backlog 0b 0p requeues 0``."""
    found: dict[str, int] = {}
    for line in lines:
        words = line.replace("(", " ").replace(",", " ").replace(")", " ").split()
        if words[:1] == ["Sent"]:
            found["bytes"], found["pkt"] = counter(words[1]), counter(words[3])
            found |= {name: counter(value) for name, value in zip(words[5::2], words[6::2], strict=False)}
        elif words[:1] == ["backlog"]:
            found["backlog"] = _packets(words[2])
    return found


def _packets(word: str) -> int:
    """``12p`` is 12; large numbers are shortened by some versions: ``3Kp``."""
    digits = word.rstrip("p")
    factor = {"K": 1000, "M": 10**6}.get(digits[-1:], 1)
    return counter(digits.rstrip("KM")) * factor
