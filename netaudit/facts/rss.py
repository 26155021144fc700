"""Receive side scaling: the indirection table of a device, as ``ethtool -x`` prints it and ``ethtool -X`` sets it.

The hash of a flow points at an entry of the table, and the entry names the queue. ``ethtool -X`` has words for two
kinds of table only: queues in turn (``equal``) and queues in blocks (``weight``). Both are read here and made again, so
that what would be put back can be told from what could not (ethtool(8), Documentation/networking/scaling.rst).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from netaudit.facts.numbers import natural
from netaudit.model.facts import Rss
from netaudit.model.reading import Absent, AbsentReason, Maybe

MAX_ENTRIES = 16_384  # several times the largest table of any driver
MAX_QUEUES = 4096
MAX_WEIGHTS = 256  # words of one call

_HEAD = "RX flow hash indirection table for "
_NO_WORDS = Absent(AbsentReason.NOT_APPLICABLE, "ethtool -X has no words that make this table")


@lru_cache(maxsize=256)
def read_rss(text: str) -> Rss:
    """The table of the default context. Raises ValueError for what is no such table."""
    lines = text.split("\n")
    head = next((line for line in lines if line.startswith(_HEAD)), "")
    table: list[int] = []
    for line in lines:
        place, colon, words = line.partition(":")
        if colon and place.strip().isdigit():
            if natural(place.strip()) != len(table):
                raise ValueError(f"an entry is missing before {place.strip()}")
            table += [natural(word) for word in words.split()]
        elif line.startswith("RSS "):
            break
    if not table or len(table) > MAX_ENTRIES or max(table) >= MAX_QUEUES:
        raise ValueError("no indirection table in it")
    return rss_of(table, natural(head.rpartition(" with ")[2].partition(" ")[0]))


def rss_of(table: Sequence[int], rings: int) -> Rss:
    """A table in short: how often each queue is named, and the words that make it."""
    counts = Counter(table)
    return Rss(rings, len(table), tuple(counts[queue] for queue in range(max(table) + 1)), words_of(table))


def words_of(table: Sequence[int]) -> Maybe[str]:
    """The words of ``ethtool -X`` that make a table; absent where none do."""
    first = table[0]
    turn = next((place for place, queue in enumerate(table) if place and queue == first), len(table))
    if all(queue == first + place % turn for place, queue in enumerate(table)):
        return f"equal {turn} start {first}" if first else f"equal {turn}"
    if list(table) == sorted(table) and table[-1] < MAX_WEIGHTS:
        counts = Counter(table)
        return " ".join(("weight", *(str(counts[queue]) for queue in range(table[-1] + 1))))
    return _NO_WORDS


def table_of(words: str, entries: int) -> tuple[int, ...]:
    """The table that ``ethtool -X`` makes of words as ``words_of`` gives them. Raises ValueError for others."""
    match words.split():
        case ["equal", turn, *rest] if natural(turn) and rest[:1] in ([], ["start"]):
            first = natural(rest[1]) if rest else 0
            return tuple(first + place % natural(turn) for place in range(entries))
        case ["weight", *weights] if sum(map(natural, weights)) == entries:
            return tuple(queue for queue, weight in enumerate(weights) for _ in range(natural(weight)))
    raise ValueError(f"{words[:80]!r} makes no table of {entries} entries")


__all__ = ["MAX_ENTRIES", "MAX_QUEUES", "read_rss", "rss_of", "table_of", "words_of"]
