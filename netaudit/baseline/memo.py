"""Remembers the result of a check for the values it was made of.

Most checks read a few settings, and most hosts of a fleet have the same ones: their result is the same value, worked
out once. Only checks over plain values are remembered; whatever is absent, a list of records, or a matter of time
(a waiver) is worked out anew.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping

from netaudit.baseline.reads import all_reads
from netaudit.baseline.schema import Check
from netaudit.model.facts import Facts
from netaudit.model.result import Result

_KEPT = 512  # results of one check; a fleet that has more different ones starts over
_PLAIN = frozenset({int, float, str, bool})

Key = tuple[object, ...]


class Memo:
    """The results of one check under one set of variables."""

    __slots__ = ("_kept", "_names", "_paths")

    def __init__(self, check: Check) -> None:
        reads = all_reads(check)
        self._names = tuple(name.removeprefix("sysctl:") for name in reads if name.startswith("sysctl:"))
        self._paths: tuple[Callable[[Facts], object], ...] = tuple(
            operator.attrgetter(name.removeprefix("facts.")) for name in reads if name.startswith("facts.")
        )
        self._kept: dict[Key, Result] = {}

    def key(self, facts: Facts, running: Mapping[str, str]) -> Key | None:
        """The values that the check reads; None when one of them is absent or not plain."""
        found: list[object] = []
        for name in self._names:
            text = running.get(name)
            if text is None:
                return None
            found.append(text)
        for path in self._paths:
            try:
                value = path(facts)
            except AttributeError:  # the record that the path leads through is absent
                return None
            if value.__class__ not in _PLAIN and not _is_plain_tuple(value):
                return None
            found.append(value)
        return tuple(found)

    def get(self, key: Key) -> Result | None:
        """The result that was kept for these values."""
        return self._kept.get(key)

    def keep(self, key: Key, result: Result) -> None:
        """Keep a result."""
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        self._kept[key] = result


def _is_plain_tuple(value: object) -> bool:
    return isinstance(value, tuple) and all(item.__class__ in _PLAIN for item in value)


def memo_of(check: Check) -> Memo | None:
    """A memo for a check that it is of use for: one whose every sysctl is named, without subjects of its own."""
    if check.for_each is not None or any(name.startswith("sysctl:") and "*" in name for name in all_reads(check)):
        return None
    return Memo(check)
