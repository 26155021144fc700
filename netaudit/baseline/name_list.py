"""The names that sysctls and counters can have, so that a misspelt one is found before a host is asked.

The lists are data (``playbooks/schema/*-names.txt``): a name a line, ``*`` for a segment that the system chooses, such
as an interface. They need not be complete: a baseline may declare further names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from netaudit.baseline.nearest import nearest


class NameList:
    """A set of names and patterns. An empty set knows every name."""

    __slots__ = ("_exact", "_patterns", "_told")

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._told = tuple(names)
        self._exact = frozenset(self._told)
        self._patterns: dict[int, list[tuple[str, ...]]] = {}
        for name in self._exact:
            if "*" in name:
                segments = tuple(name.split("."))
                self._patterns.setdefault(len(segments), []).append(segments)

    def knows(self, name: str) -> bool:
        """Whether a name, or a pattern with ``*`` for what is computed, can be one of the list."""
        if not self._exact or name in self._exact:
            return True
        segments = tuple(name.split("."))
        candidates: Iterable[tuple[str, ...]] = self._patterns.get(len(segments), ())
        if "*" in name:
            candidates = (tuple(known.split(".")) for known in self._exact if known.count(".") == name.count("."))
        return any(_fits(segments, known) for known in candidates)

    def nearest(self, name: str) -> str | None:
        """The name of the list that looks most like this one."""
        return nearest(name, self._exact)

    def and_also(self, names: Iterable[str]) -> NameList:
        """These names and some more; an empty set stays empty, for it knows every name already."""
        return NameList((*self._told, *names)) if self._told else self


def _fits(segments: tuple[str, ...], known: tuple[str, ...]) -> bool:
    pairs = zip(segments, known, strict=True)
    return all("*" in {mine, other} or mine == other or _partly(mine, other) for mine, other in pairs)


def _partly(mine: str, other: str) -> bool:
    """Whether a segment that is only partly computed, such as ``nf_conntrack_*_timeout``, can be that one."""
    if "*" not in mine and "*" not in other:
        return False
    pattern, name = (mine, other) if "*" in mine else (other, mine)
    head, _, tail = pattern.partition("*")
    return name.startswith(head) and name.endswith(tail.rpartition("*")[2]) and len(name) >= len(head)


def names_of(text: str) -> NameList:
    """The names of a list: one a line, blank lines and comments (``#``) left out."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return NameList(line for line in lines if line)


@dataclass(frozen=True, slots=True)
class Lists:
    """The names that sysctls and counters can have."""

    sysctls: NameList = field(default_factory=NameList)
    counters: NameList = field(default_factory=NameList)
