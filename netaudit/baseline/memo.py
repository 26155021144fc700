"""Remembers what became of a check for the values it looked at.

Most hosts of a fleet agree on what most checks look at: their result is the same value, worked out once. A check
remembers three things: whether it applies, which few values decide and which ends a third of all checks; its result;
and where no two hosts have the same result, because it names a process, which of the subjects are in it.
Of what no footprint tells beforehand, and of what is a matter of time (a waiver), nothing is remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from netaudit.baseline.compiled import Step
from netaudit.baseline.footprint import (
    Footprint,
    Projection,
    footprint_of_conditions,
    footprint_of_result,
    footprint_of_verdicts,
)
from netaudit.baseline.schema import Check
from netaudit.baseline.scope import RunningSysctls
from netaudit.baseline.unknown import Unknown
from netaudit.model.facts import Facts
from netaudit.model.result import Result

_TRIED = 256  # so many hosts show whether a check is worth remembering
_WORTH = 32  # of those, so many must have had a result that was known
_KEPT = 512  # results of one check; a fleet that has more different ones starts over

_NOTHING = Footprint((), (), frozenset(), (), frozenset(), has_drift=False)

Key = tuple[object, ...]


class Same:
    """A value that is equal to itself alone, and is kept as long as a key is made of it."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


class Sight:
    """One host, as keys are read from it."""

    __slots__ = ("_drift", "facts", "known", "sysctls")

    def __init__(self, facts: Facts, sysctls: RunningSysctls, drift: Callable[[], Sequence[object]]) -> None:
        self.facts = facts
        self.sysctls = sysctls
        self.known = sysctls.texts.get  # a setting's text, None when it is absent for whatever reason
        self._drift = drift

    def drift(self) -> Hashable:
        """The drift of the host's settings, or why there is none."""
        try:
            return Same(self._drift())
        except Unknown as unknown:
            return unknown.absent, unknown.what


class Reader:
    """Reads the key of a footprint from a host."""

    __slots__ = ("_domains", "_has_drift", "_has_only_sysctls", "_projection", "sysctls")

    def __init__(self, footprint: Footprint) -> None:
        self.sysctls = footprint.sysctls
        self._domains = footprint.domains
        self._has_drift = footprint.has_drift
        self._has_only_sysctls = not (self._domains or self._has_drift)
        self._projection = Projection(footprint)

    def __call__(self, sight: Sight) -> Key:
        """What the host has of it: texts of settings, then what counts of each domain."""
        texts: Key = tuple(map(sight.known, self.sysctls))
        if None in texts:
            texts = tuple(map(sight.sysctls.text, self.sysctls))
        if self._has_only_sysctls:
            return texts
        facts, of = sight.facts, self._projection.of_domain
        found = [of(name, getattr(facts, name)) for name in self._domains]
        if self._has_drift:
            found.append(sight.drift())
        return (texts, *found)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What became of the subjects of a check, by their places in the list: the failed, with the level that failed."""

    failed: tuple[tuple[int, Step], ...]
    first_passed: int | None
    passed: int


_V = TypeVar("_V")


class Shelf(Generic[_V]):
    """Values by the keys of a footprint.

    What no two hosts have in common, such as process ids, is found out after some hosts: from then on it ``is_vain``,
    and nothing is sought or kept, which would take a fifth of the time of a check.
    """

    __slots__ = ("_found", "_kept", "_sought", "is_vain", "key")

    def __init__(self, footprint: Footprint | None) -> None:
        self.is_vain = footprint is None
        self.key = Reader(footprint or _NOTHING)
        self._kept: dict[Key, _V] = {}
        self._sought = self._found = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key) -> _V | None:
        """What is kept for a key."""
        found = self._kept.get(key)
        if self._sought < _TRIED:
            self._sought += 1
            self._found += found is not None
            if self._sought == _TRIED and self._found < _WORTH:
                self.is_vain = True
                self._kept.clear()
        return found

    def keep(self, key: Key, value: _V) -> None:
        """Keep a value."""
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        self._kept[key] = value


class Memo:
    """What became of one check under one set of variables. ``refusals`` are by the key of its conditions."""

    __slots__ = ("condition_key", "has_drift", "refusals", "results", "verdicts")

    def __init__(self, conditions: Footprint | None, judged: Footprint, decided: Footprint | None) -> None:
        self.condition_key = Reader(conditions) if conditions is not None else None
        self.has_drift = judged.has_drift or (conditions is not None and conditions.has_drift)
        self.refusals: dict[Key, Result | None] = {}
        self.results: Shelf[Result] = Shelf(judged)
        self.verdicts: Shelf[Verdicts] = Shelf(decided)

    def keep_refusal(self, key: Key, refusal: Result | None) -> None:
        """Keep why the check does not apply to such hosts, or that it does."""
        if len(self.refusals) >= _KEPT:
            self.refusals.clear()
        self.refusals[key] = refusal


def memo_of(check: Check) -> Memo | None:
    """A memo for a check; None when a footprint of it cannot be told beforehand."""
    conditions = footprint_of_conditions(check) if check.applies_to else None
    judged = footprint_of_result(check)
    if judged is None or (check.applies_to and conditions is None):
        return None
    return Memo(conditions, judged, footprint_of_verdicts(check) if check.for_each is not None else None)
