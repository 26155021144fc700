"""Panels: checks that look at the same domains of the facts, answered together by one look at a host.

Once some hosts have been judged it is known which checks answer from memory nearly always. Those that said the same to
all of them, and those that look at the same domains, share a key from then on: with it a host has all of their results.
What a panel does not know is asked check by check, as before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netaudit.baseline.footprint import joined
from netaudit.baseline.memo import Memo, Shelf
from netaudit.baseline.places import whole_places_of
from netaudit.baseline.sight import Reader, Sight
from netaudit.model.result import Result

if TYPE_CHECKING:
    from netaudit.baseline.select import HostCheck

_TRIED = 256  # hosts that were judged before, check by check
_KEPT = 4096  # answers of one panel


class Panel:
    """Some checks of a host, by their places among all of them."""

    __slots__ = ("_answers", "_refusing", "places")

    def __init__(self, places: Sequence[int], memos: Sequence[Memo]) -> None:
        self.places = places
        self._refusing = [memo for memo in memos if not memo.has_applied]
        footprint = joined([memo.footprint for memo in memos])
        key = Reader(footprint, whole_places_of(footprint.domains))
        self._answers: Shelf[tuple[Result, ...]] = Shelf(key, most=_KEPT)

    def answer(self, sight: Sight, into: list[Result | None]) -> bool:
        """Put the results of a host in their places; whether they are known."""
        known = self._answers.seek(sight)
        if known is None:
            return False
        for place, result in zip(self.places, known, strict=True):
            into[place] = result
        return True

    def learn(self, sight: Sight, results: Sequence[Result]) -> None:
        """Remember what the checks said one by one, unless one of them applies for the first time."""
        if all(memo.refuses(sight) for memo in self._refusing):
            self._answers.keep(sight, tuple([results[place] for place in self.places]))


class Panels:
    """The panels of the checks of some hosts, put together when enough of these have been judged."""

    __slots__ = ("_checks", "_hosts", "_made")

    def __init__(self, checks: Sequence[HostCheck]) -> None:
        self._checks = checks
        self._hosts = 0
        self._made: list[Panel] | None = None

    def for_next(self) -> Sequence[Panel]:
        """The panels that the next host is shown; none as long as little is known of the checks."""
        if self._made is None:
            self._hosts += 1
            if self._hosts <= _TRIED:
                return ()
            self._made = _panels(self._checks)
        return self._made


def _panels(checks: Sequence[HostCheck]) -> list[Panel]:
    alike: dict[object, dict[int, Memo]] = {}
    for place, check in enumerate(checks):
        memo = check.memo
        if memo is not None and memo.is_steady:
            alike.setdefault("constant" if memo.is_constant else _domains(memo), {})[place] = memo
    return [Panel([*some], [*some.values()]) for some in alike.values() if len(some) > 1]


def _domains(memo: Memo) -> tuple[object, ...]:
    """What a check looks at, roughly: where much of it varies, checks that look elsewhere should not depend on it."""
    footprint = memo.footprint
    return frozenset(footprint.domains), footprint.woven, footprint.has_drift
