"""What a check reads: its expressions, and the facts, sysctls and variables they name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from netaudit.baseline.schema import Check, Claim, Expression, Template


def expressions_of(check: Check) -> Iterator[Expression]:
    """The expressions of a check that decide its verdict; those of its texts are told by ``texts_of``."""
    if check.for_each is not None:
        yield check.for_each.listed
        if check.for_each.where is not None:
            yield check.for_each.where
    yield from (made for _, made in check.definitions)
    if check.value is not None:
        yield check.value
    for level in check.levels:
        yield from _claimed(level.claim)


def texts_of(check: Check) -> Iterator[Expression]:
    """The expressions in what a check says: of subjects, claims, evidence and fix."""
    texts = [check.expected, check.evidence, check.fix, *(level.note for level in check.levels)]
    if check.for_each is not None:
        texts += [check.for_each.subject, check.for_each.empty]
    yield from expressions_in(text for text in texts if text is not None)


def expressions_in(texts: Iterable[Template]) -> Iterator[Expression]:
    """The expressions of some templates."""
    return (part for text in texts for part in text.parts if isinstance(part, Expression))


def _claimed(claim: Claim) -> Iterator[Expression]:
    if claim.operand is not None:
        yield claim.operand
    for inner in claim.claims:
        yield from _claimed(inner)


def reads_inside(check: Check) -> tuple[str, ...]:
    """What the check reads apart from ``applies_to``: ``facts.…``, ``sysctl:NAME``, ``vars.NAME``."""
    found = (name for made in (*expressions_of(check), *texts_of(check)) for name in made.reads)
    return tuple(dict.fromkeys(found))


def all_reads(made: Check) -> tuple[str, ...]:
    """Everything a check reads, conditions included."""
    found = dict.fromkeys(reads_inside(made))
    for condition in made.applies_to:
        found.update(dict.fromkeys(condition.when.reads))
        for made_of in expressions_in([condition.otherwise]):
            found.update(dict.fromkeys(made_of.reads))
    return tuple(found)
