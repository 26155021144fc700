"""What an opt-in probe of tracing printed: counts of what it saw, by kind or by second."""

from __future__ import annotations

from netaudit.facts.numbers import decimal, natural
from netaudit.facts.parts import split_parts
from netaudit.model.probe import Section
from netaudit.model.trace import Seen

_MOST = 400
_LONGEST = 300


def parse_seen(section: Section) -> Seen:
    """The counts of a section. Raises ValueError and KeyError for what holds none."""
    counts: list[tuple[str, int]] = []
    seconds: dict[int, int] = {}
    moments: list[float] = []
    for line in split_parts(section)["counts"].splitlines():
        kind, _, rest = line.partition(" ")
        number, _, text = rest.partition(" ")
        if kind == "count":
            counts.append((text[:_LONGEST], natural(number)))
        elif kind == "second":
            seconds[natural(number)] = natural(text)
        elif kind == "at":
            moments.append(decimal(number))
        elif line:
            raise ValueError(f"{kind[:40]!r} is no count")
    ordered = sorted(counts, key=lambda each: (-each[1], each[0]))[:_MOST]
    return Seen(tuple(ordered), seconds, tuple(moments[:_MOST]))
