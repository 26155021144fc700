"""Kernel log lines that speak of the network: the domain ``kernel_log``.

The ring buffer is finite, some messages are printed once in the life of a socket, and others are rate limited: that
a topic does not occur proves nothing.
"""

from __future__ import annotations

import re

from netaudit.facts.numbers import decimal
from netaudit.facts.parts import split_parts
from netaudit.model.facts import KernelLog, KernelLogLine
from netaudit.model.probe import Section
from netaudit.model.reading import Absent, AbsentReason, Maybe

_STAMP = re.compile(r"\A(?:<[0-9]{1,3}>)?\[ *([0-9]{1,15}\.[0-9]{1,9})\] ?", re.ASCII)


def parse_kernel_log(section: Section) -> Maybe[KernelLog]:
    """The last lines of each topic, in the order of their time, and how often each topic came up."""
    parts = split_parts(section)
    if "dmesg" in parts.missing:
        return parts.missing["dmesg"]
    lines: list[KernelLogLine] = []
    counts: dict[str, int] = {}
    for line in parts.texts.get("", "").split("\n"):
        topic, tab, rest = line.partition("\t")
        count, more, text = rest.partition("\t")
        if not tab or not more or not count.isdigit():
            continue
        counts[topic] = int(count[:9])
        lines.append(_line(topic, text))
    return KernelLog(tuple(sorted(lines, key=_moment)), dict(sorted(counts.items())))


def _line(topic: str, text: str) -> KernelLogLine:
    match = _STAMP.match(text)
    if match is None:
        return KernelLogLine(topic, Absent(AbsentReason.NOT_PRESENT, "no time stamp"), text)
    return KernelLogLine(topic, decimal(match[1]), text[match.end() :])


def _moment(line: KernelLogLine) -> float:
    return -1.0 if isinstance(line.at_s, Absent) else line.at_s
