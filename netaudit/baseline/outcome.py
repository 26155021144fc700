"""What became of the subjects of a check on one host, before it is put in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netaudit.baseline.compiled import Step
from netaudit.baseline.scope import Scope
from netaudit.baseline.unknown import Unknown
from netaudit.baseline.waivers import Decision
from netaudit.model.result import Severity, Verdict

_ORDER = {Verdict.FAIL: 0, Verdict.UNKNOWN: 1, Verdict.WAIVED: 2, Verdict.PASS: 3, Verdict.SKIPPED: 4}


@dataclass(slots=True)
class Outcome:
    """What became of one subject; ``names`` are those of the moment, to write texts with later."""

    verdict: Verdict
    severity: Severity
    scope: Scope
    names: dict[str, object]
    step: Step | None = None
    unknown: Unknown | None = None
    decision: Decision | None = None
    place: int = 0  # in the list of subjects


class Tally:
    """What became of the subjects of one check: all that did not pass, the first that did, and how many did.

    Subjects to which the check does not apply count only when there are no others. ``chosen`` are the places of those
    that are looked at; given beforehand, they need not be chosen.
    """

    __slots__ = ("chosen", "first", "is_chosen", "is_unsure", "passed", "rest", "skipped")

    def __init__(self, chosen: Sequence[int] | None = None) -> None:
        self.is_chosen = chosen is not None
        self.chosen: list[int] = list(chosen or ())
        self.is_unsure = False  # of some subject it is not known whether it is looked at
        self.first: Outcome | None = None
        self.passed = 0
        self.rest: list[Outcome] = []
        self.skipped: Outcome | None = None

    def add(self, outcome: Outcome) -> None:
        """Count one that did not pass; those to which the check does not apply are not listed."""
        if outcome.verdict is not Verdict.SKIPPED:
            self.rest.append(outcome)
        elif self.skipped is None:
            self.skipped = outcome

    def add_pass(self, severity: Severity, scope: Scope, names: dict[str, object], place: int) -> None:
        """Count one that passed."""
        self.passed += 1
        if self.first is None:
            self.first = Outcome(Verdict.PASS, severity, scope, names, place=place)

    def told(self) -> list[Outcome]:
        """Those that a result speaks of: all that did not pass, the worst first, or one that passed or was skipped."""
        self.rest.sort(key=lambda each: (_ORDER[each.verdict], -each.severity.rank))
        return self.rest or [each for each in (self.first, self.skipped) if each is not None][:1]

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing but passes and failures."""
        return self.skipped is None and all(each.verdict is Verdict.FAIL for each in self.rest)

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to look at."""
        return not self.rest and self.first is None and self.skipped is None
