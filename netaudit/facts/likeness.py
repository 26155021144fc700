"""Long answers of many entries, of which two hosts differ in few: read by their likeness to one that was read before.

An answer that was read is kept, and the next one held against it from the front: a stretch that is equal is passed over
in one comparison, however many entries it has. An entry that is not equal is read by itself, and the known answer is
cut there; so where hosts differ is learnt from the hosts, and after a few of them an answer of a thousand entries takes
some twenty comparisons. Answers whose entries do not have the same headings in the same order are not alike. What is
returned never depends on what is kept. It knows no format but that of entries behind headings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

_KEPT_ANSWERS = 8
_KEPT_ENTRIES = 16_384


@dataclass(slots=True)
class _Known:
    """An answer that was read, in stretches: cut around each entry that was another one on another host."""

    stretches: tuple[str, ...]
    values: Mapping[str, str]


class Likeness:
    """Reads answers whose entries begin with ``head``, then a name in the host's spelling, then ``end``, then a value.

    ``read`` is given one entry without its ``head`` and returns name and value; it raises ValueError for text that is
    none, which an entry with a second ``end`` must be. Names must differ where the texts up to ``end`` do.
    """

    def __init__(self, head: str, end: str, read: Callable[[str], tuple[str, str]]) -> None:
        self._head, self._end = head, end
        self._entry = lru_cache(maxsize=_KEPT_ENTRIES)(read)
        self._cut = lru_cache(maxsize=4 * _KEPT_ANSWERS)(self._cut_anew)
        self._known: tuple[_Known, ...] = ()

    def values(self, text: str) -> dict[str, str]:
        """Every value by its name, of a text that begins with a head; of a name that comes twice the last one."""
        for known in self._known:
            found = self._like(known, text)
            if found is not None:
                if known is not self._known[0]:
                    self._keep(known)
                return found
        entries = text.split(self._head)[1:]
        found = dict(map(self._entry, entries))
        if entries and len(found) == len(entries):
            self._keep(_Known((text,), found.copy()))
        return found

    def forget(self) -> None:
        """Keep nothing of what was read."""
        self._known = ()
        self._entry.cache_clear()
        self._cut.cache_clear()

    def _keep(self, first: _Known) -> None:
        others = [known for known in self._known if known is not first]
        self._known = (first, *others[: _KEPT_ANSWERS - 1])

    def _cut_anew(self, stretch: str) -> tuple[str, ...]:
        """A stretch in entries."""
        return tuple(self._head + entry for entry in stretch.split(self._head)[1:])

    def _like(self, known: _Known, text: str) -> dict[str, str] | None:
        """What a text holds that has the entries of a known answer, with other values or not; None if it has others."""
        place = 0
        others: list[tuple[str, str]] = []
        stretches: list[str] = []
        for stretch in known.stretches:
            if text.startswith(stretch, place):
                place += len(stretch)
                stretches.append(stretch)
                continue
            equal_from = place
            for entry in self._cut(stretch):
                if text.startswith(entry, place):
                    place += len(entry)
                    continue
                if not text.startswith(entry[: entry.index(self._end) + len(self._end)], place):
                    return None
                stretches += (text[equal_from:place], entry) if place > equal_from else (entry,)
                end = text.find(self._head, place + len(self._head))
                end = end if end >= 0 else len(text)
                others.append(self._entry(text[place + len(self._head) : end]))
                place = equal_from = end
            if place > equal_from:
                stretches.append(text[equal_from:place])
        if place != len(text):
            return None
        if len(stretches) > len(known.stretches):
            known.stretches = tuple(stretches)
        found = dict(known.values)
        found.update(others)
        return found
