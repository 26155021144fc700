"""Queueing disciplines: the domain ``qdiscs``, from the text of ``tc -s qdisc show``. All versions print it alike."""

from __future__ import annotations

import re
from functools import lru_cache

from netaudit.facts.numbers import counter
from netaudit.model.facts import Qdisc
from netaudit.model.probe import Section

MAX_QDISCS = 4000
_SENT = re.compile(r" Sent (\d+) bytes (\d+) pkt \(dropped (\d+), overlimits (\d+) requeues (\d+)\) ?\Z", re.ASCII)
_COUNTED = ("bytes", "pkt", "dropped", "overlimits", "requeues")


def parse_qdiscs(section: Section) -> tuple[Qdisc, ...]:
    """Every queueing discipline, in the order of tc; the leaves of mq have its handle as parent."""
    text = "\n" + section.stdout.decode("utf-8", "replace")
    return tuple(_qdisc(block) for block in text.split("\nqdisc ")[1 : MAX_QDISCS + 1])


@lru_cache(maxsize=1024)  # most disciplines of most hosts have counted nothing, or are equal but for that
def _qdisc(block: str) -> Qdisc:
    """One block: a line of settings, a line "Sent …", a line "backlog …", lines of the discipline's own."""
    lines = block.split("\n")
    words = lines[0].split()
    numbers = _numbers(lines[1:])
    return Qdisc(
        device=words[words.index("dev") + 1],
        kind=words[0],
        handle=words[1],
        parent=words[words.index("parent") + 1] if "parent" in words else "root" if "root" in words else "",
        sent_bytes=numbers.get("bytes", 0),
        sent_packets=numbers.get("pkt", 0),
        dropped=numbers.get("dropped", 0),
        overlimits=numbers.get("overlimits", 0),
        requeues=numbers.get("requeues", 0),
        backlog_packets=numbers.get("backlog", 0),
    )


def _numbers(lines: list[str]) -> dict[str, int]:
    """``Sent 203 bytes 2 pkt (dropped 0, overlimits 0 requeues 0)`` and ``backlog 0b 0p requeues 0``."""
    found: dict[str, int] = {}
    for line in lines:
        if (sent := _SENT.match(line)) is not None:
            found |= zip(_COUNTED, map(counter, sent.groups()), strict=True)
            continue
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
