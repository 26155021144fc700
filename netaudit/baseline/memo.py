"""Remembers what became of a check for the values it looked at.

Most hosts of a fleet agree on what most checks look at: their result is the same value, worked out once. A check
remembers twice: whether it applies, which few values decide and which ends a third of all checks, and its result.
Of what no footprint tells beforehand, and of what is a matter of time (a waiver), nothing is remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from netaudit.baseline.footprint import (
    Footprint,
    Projection,
    footprint_of_conditions,
    footprint_of_result,
)
from netaudit.baseline.schema import Check
from netaudit.baseline.scope import RunningSysctls
from netaudit.baseline.unknown import Unknown
from netaudit.model.facts import Facts
from netaudit.model.result import Result

_TRIED = 256  # so many hosts show whether a check is worth remembering
_WORTH = 32  # of those, so many must have had a result that was known
_KEPT = 512  # results of one check; a fleet that has more different ones starts over

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


class Memo:
    """What became of one check under one set of variables. ``refusals`` and ``results`` are by their own keys.

    A check that looks at what no two hosts have in common, such as process ids, is found out after some hosts: from
    then on ``is_vain``, and its results are neither sought nor kept, which would take a fifth of its time.
    """

    __slots__ = ("_found", "_sought", "condition_key", "has_drift", "is_vain", "refusals", "result_key", "results")

    def __init__(self, conditions: Footprint | None, judged: Footprint) -> None:
        self.condition_key = Reader(conditions) if conditions is not None else None
        self.result_key = Reader(judged)
        self.has_drift = judged.has_drift or (conditions is not None and conditions.has_drift)
        self.refusals: dict[Key, Result | None] = {}
        self.results: dict[Key, Result] = {}
        self.is_vain = False
        self._sought = self._found = 0

    def result(self, key: Key) -> Result | None:
        """The result that is kept for a key."""
        found = self.results.get(key)
        if self._sought < _TRIED:
            self._sought += 1
            self._found += found is not None
            if self._sought == _TRIED and self._found < _WORTH:
                self.is_vain = True
                self.results.clear()
        return found

    def keep_refusal(self, key: Key, refusal: Result | None) -> None:
        """Keep why the check does not apply to such hosts, or that it does."""
        if len(self.refusals) >= _KEPT:
            self.refusals.clear()
        self.refusals[key] = refusal

    def keep(self, key: Key, result: Result) -> None:
        """Keep a result."""
        if len(self.results) >= _KEPT:
            self.results.clear()
        self.results[key] = result


def memo_of(check: Check) -> Memo | None:
    """A memo for a check; None when a footprint of it cannot be told beforehand."""
    conditions = footprint_of_conditions(check) if check.applies_to else None
    judged = footprint_of_result(check)
    if judged is None or (check.applies_to and conditions is None):
        return None
    return Memo(conditions, judged)
