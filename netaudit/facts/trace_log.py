"""What the probe ``log_lines`` printed: lines of an application's log with the moment at which they were seen."""

from __future__ import annotations

from netaudit.facts.numbers import decimal, natural
from netaudit.facts.parts import split_parts
from netaudit.model.probe import Section
from netaudit.model.reading import Absent
from netaudit.model.timeline import LogLine, LogLines

_MOST_LINES = 1000
_LONGEST = 300


def parse_log_lines(section: Section) -> LogLines | Absent:
    """The lines of a section; absent when the pattern was not understood there. Raises ValueError and KeyError."""
    parts = split_parts(section)
    if "log" in parts.missing:
        return parts.missing["log"]
    lines: list[LogLine] = []
    more: list[float] = []
    turned: list[float] = []
    skipped_bytes = 0
    for row in parts["log"].split("\n"):
        kind, _, rest = row.partition(" ")
        uptime, _, text = rest.partition(" ")
        if kind == "line":
            lines.append(LogLine(decimal(uptime), text[:_LONGEST]))
        elif kind == "more":
            more.append(decimal(uptime))
        elif kind == "turned":
            turned.append(decimal(uptime))
        elif kind == "skipped":
            skipped_bytes += natural(text)
        elif row:
            raise ValueError(f"{kind[:40]!r} is nothing that is told of a log")
    return LogLines(tuple(lines[:_MOST_LINES]), tuple(more), tuple(turned), skipped_bytes)
