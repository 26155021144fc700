"""Remembers what became of a check for the values it looked at.

Most hosts of a fleet agree on what most checks look at: their result is the same value, worked out once. A check
remembers whether it applies, which few values decide and which ends a third of all checks; and its result. Where no
two hosts have the same result, as it names a process or rests on counters, two more things come from memory: which
subjects are looked at, often none; and the outline of the result, with what the host itself must say left open.
Where it is only asked what fails, it is enough to know that nothing does, which rests on less than what is said.
Of what no footprint tells beforehand, and of what is a matter of time (a waiver), nothing is remembered.
"""

from __future__ import annotations

from functools import cached_property
from typing import Generic, TypeVar

from netaudit.baseline.closures import Tree
from netaudit.baseline.footprint import (
    NOTHING,
    Footprint,
    footprint_of_conditions,
    footprint_of_result,
    footprint_of_subjects,
    footprint_of_tree,
    footprint_of_verdict,
    footprint_of_verdicts,
    joined,
)
from netaudit.baseline.outline import Outline
from netaudit.baseline.places import places_of
from netaudit.baseline.schema import Check
from netaudit.baseline.sight import Key, Reader, Sight
from netaudit.model.result import Result

_FEW = 16  # so many hosts must differ before it is asked in what
_TRIED = 256  # so many hosts show whether a check is worth remembering
_WORTH = 32  # of those, so many must have had a result that was known
_STEADY = 4  # all but one host in so many know their result
_KEPT = 512  # results of one check; a fleet that has more different ones starts over

_V = TypeVar("_V")


class Shelf(Generic[_V]):
    """Values by the keys of a footprint.

    What no two hosts have in common, such as process ids, is found out after some hosts: from then on it ``is_vain``,
    and nothing is sought or kept, which would take a fifth of the time of a check.
    """

    __slots__ = ("_found", "_kept", "_most", "_sought", "is_vain", "key")

    def __init__(self, key: Reader | None, *, most: int | None = None) -> None:
        self.is_vain = key is None
        self.key = key or Reader(NOTHING)
        self._most = most or _KEPT
        self._kept: dict[Key, _V] = {}
        self._sought = self._found = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def is_doubtful(self) -> bool:
        """Whether a few hosts had nothing here that was known."""
        return self.is_vain or self._sought - self._found > _FEW

    @property
    def was_asked(self) -> bool:
        """Whether something was sought here."""
        return self._sought > 0

    @property
    def is_steady(self) -> bool:
        """Whether nearly all hosts had something here that was known."""
        return not self.is_vain and _STEADY * self._found >= (_STEADY - 1) * self._sought

    def seek(self, sight: Sight) -> _V | None:
        """What is kept for hosts that cannot be told from this one."""
        if self.is_vain:
            return None
        found = self._kept.get(self.key(sight))
        if self._sought < _TRIED:
            self._sought += 1
            self._found += found is not None
            if self._sought == _TRIED and self._found < _WORTH:
                self.is_vain = True
                self._kept.clear()
        return found

    def keep(self, sight: Sight, value: _V) -> None:
        """Keep a value for such hosts, if that is of use."""
        if self.is_vain or not self.key.is_whole(sight):
            return
        if len(self._kept) >= self._most:
            self._kept.clear()
        self._kept[self.key(sight)] = value


class Memo:
    """What became of one check under one set of variables. ``refusals`` are by the key of its conditions."""

    def __init__(self, check: Check, conditions: Footprint | None, judged: Footprint) -> None:
        self._check = check
        self._judged = judged
        self._conditions = conditions or NOTHING
        self.condition_key = Reader(conditions) if conditions is not None else None
        self.has_drift = judged.has_drift or (conditions is not None and conditions.has_drift)
        self.refusals: dict[Key, Result | None] = {}

    @cached_property
    def results(self) -> Shelf[Result]:
        """The results by what the check looks at; a third of all checks apply to no host and need none."""
        return Shelf(Reader(self._judged))

    @cached_property
    def sound(self) -> Shelf[bool]:
        """That the check, where it applies, fails for no subject: by what decides that, whatever is said of it."""
        verdicts = footprint_of_verdicts(self._check)
        return Shelf(Reader(verdicts) if verdicts is not None else None)

    def keep_refusal(self, key: Key, refusal: Result | None) -> None:
        """Keep why the check does not apply to such hosts, or that it does."""
        if len(self.refusals) >= _KEPT:
            self.refusals.clear()
        self.refusals[key] = refusal

    @property
    def has_applied(self) -> bool:
        """Whether the check applied to some host so far."""
        return self.results.is_vain or self.results.was_asked

    @property
    def footprint(self) -> Footprint:
        """What hosts were told by so far: as long as the check applied to none of them, no more than its conditions."""
        return joined([self._conditions, self._judged]) if self.has_applied else self._conditions

    def refuses(self, sight: Sight) -> bool:
        """Whether it is known that the check does not apply to such hosts."""
        return self.condition_key is not None and self.refusals.get(self.condition_key(sight)) is not None

    @property
    def is_steady(self) -> bool:
        """Whether the check answers nearly all hosts from memory."""
        return self.results.is_steady and len(self.refusals) < _TRIED // _STEADY

    @property
    def is_constant(self) -> bool:
        """Whether every host so far had the same."""
        return len(self.refusals) <= 1 and len(self.results) <= 1

    @cached_property
    def parts(self) -> Parts | None:
        """What is remembered where hosts do not have whole results in common; None of a check of the host itself."""
        return Parts(self._check, self._judged) if self._check.for_each is not None else None

    @cached_property
    def verdict_key(self) -> Reader | None:
        """Reads all that the verdict rests on, and whether the check applies; None where it rests on drift itself."""
        footprint = footprint_of_verdict(self._check)
        if footprint is None or footprint.has_drift or footprint.woven:
            return None
        return Reader(footprint)


class Parts:
    """What is remembered of the results of a check over subjects: which are looked at, and outlines.

    Where none is looked at, that is the result already.
    The key of an outline has all that decides, and of what is said what hosts may share: no process ids. Where no two
    hosts agree on that either, it has what decides alone.
    """

    def __init__(self, check: Check, judged: Footprint) -> None:
        self._check = check
        self._rests: dict[tuple[int, int], bool] = {}
        subjects, verdicts = footprint_of_subjects(check), footprint_of_verdicts(check)
        self.chosen: Shelf[Result | tuple[int, ...]] = Shelf(Reader(subjects) if subjects is not None else None)
        deciding = places_of(verdicts.domains) if verdicts is not None else ()
        shared = [place for place in places_of(judged.domains) if place.is_shared]
        self._outlines: Shelf[Outline] = Shelf(Reader(judged, dict.fromkeys((*shared, *deciding))))
        self._barest: Shelf[Outline] = Shelf(Reader(verdicts) if verdicts is not None else None)

    @property
    def outlines(self) -> Shelf[Outline]:
        """The outlines of results, by the most that hosts agree on."""
        return self._barest if self._outlines.is_vain else self._outlines

    def rests(self, tree: Tree) -> bool:
        """Whether the value of a tree is the same for all hosts with the same key of an outline."""
        key = self.outlines.key
        found = self._rests.get((id(tree), id(key)))
        if found is None:
            footprint = footprint_of_tree(self._check, tree)
            found = self._rests[id(tree), id(key)] = footprint is not None and Reader(footprint) <= key
        return found


def memo_of(check: Check) -> Memo | None:
    """A memo for a check; None when a footprint of it cannot be told beforehand."""
    conditions = footprint_of_conditions(check) if check.applies_to else None
    judged = footprint_of_result(check)
    if judged is None or (check.applies_to and conditions is None):
        return None
    return Memo(check, conditions, judged)
