"""The outline of a result: all that hosts have in common of it, with what each must say itself left open.

Four services that fail a check fail it in the same words on every host of a role, but for the process id in each line.
Which subjects fail, by which level, and every word that rests on what the key of the outline has, is written once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from netaudit.baseline.compiled import Compiled
from netaudit.baseline.outcome import Outcome, Tally
from netaudit.baseline.saying import Said, item, whole
from netaudit.baseline.scope import Scope
from netaudit.baseline.texts import Rests, Speech, Words
from netaudit.model.result import Result, Severity, Verdict


@dataclass(frozen=True, slots=True)
class Draft:
    """What is said of one subject, the one at a place in the list; ``value`` and ``wanted`` are names of its texts.

    ``words`` are its name, what is expected, evidence, reason and fix; those that are ``left_open`` are None.
    """

    place: int
    severity: Severity
    value: object
    wanted: object
    observed: object
    words: tuple[str | None, ...]
    left_open: tuple[tuple[int, Speech], ...]

    def written(self, compiled: Compiled, scope: Scope, listed: Sequence[object]) -> tuple[str, Said]:
        """The name of the subject, and what is said of it on one host."""
        words = list(self.words)
        if self.left_open and compiled.subjects is not None:
            names = scope.begin(compiled.subjects.name, listed[self.place])
            if compiled.value is not None:
                names["value"] = self.value
            names["expected"] = self.wanted
            for at, speech in self.left_open:
                words[at] = speech(scope)
        subject, expected, evidence, reason, fix = words
        return subject or "", Said(self.observed, expected, evidence, reason or None, fix)


@dataclass(frozen=True, slots=True)
class Outline:
    """What became of the subjects of a check: those that failed, the first that passed if none did, how many passed."""

    failed: tuple[Draft, ...]
    first_passed: Draft | None
    passed: int

    def filled(self, compiled: Compiled, scope: Scope) -> Result:
        """The result on one host, whose own subjects say what is open."""
        subjects = compiled.subjects
        listed = cast("Sequence[object]", subjects.listed(scope)) if subjects is not None else ()
        said = [draft.written(compiled, scope, listed) for draft in self.failed]
        if not said and self.first_passed is not None:
            _, of_first = self.first_passed.written(compiled, scope, listed)
            return whole(compiled.check, Verdict.PASS, self.first_passed.severity, of_first, (), self.passed)
        items = [
            item(name, Verdict.FAIL, draft.severity, each)
            for draft, (name, each) in zip(self.failed, said, strict=True)
        ]
        return whole(compiled.check, Verdict.FAIL, self.failed[0].severity, said[0][1], tuple(items), self.passed)


def outline(compiled: Compiled, tally: Tally, said: Sequence[Said], rests: Rests) -> Outline:
    """The outline of outcomes that were put in words: the failures, or else the first that passed."""
    failed = [_draft(compiled, each, words, rests) for each, words in zip(tally.rest, said, strict=False)]
    first = _draft(compiled, tally.first, said[0], rests) if tally.first is not None and not failed else None
    return Outline(tuple(failed), first, tally.passed)


def _draft(compiled: Compiled, outcome: Outcome, said: Said, rests: Rests) -> Draft:
    scope, step = outcome.scope, outcome.step
    scope.names = names = outcome.names

    def settled(speech: Speech | None) -> Words:
        return speech.settled(scope, rests) if speech is not None else None

    words = (
        settled(compiled.subjects.subject if compiled.subjects is not None else None),
        settled(compiled.expected) if compiled.expected is not None else said.expected,
        settled(compiled.evidence),
        settled(step.note) if step is not None else None,
        settled(compiled.fix) if step is not None else None,
    )
    return Draft(
        outcome.place,
        outcome.severity,
        names.get("value"),
        names["expected"],
        said.observed,
        tuple([each if isinstance(each, str) else None for each in words]),
        tuple([(at, each) for at, each in enumerate(words) if each is not None and not isinstance(each, str)]),
    )
