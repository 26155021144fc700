"""What a check reads: its expressions, and the facts, sysctls and variables they name."""

from __future__ import annotations

from collections.abc import Iterator

from netaudit.baseline.schema import Check, Claim, Expression


def expressions_of(check: Check, *, deciding: bool = True) -> Iterator[Expression]:
    """The expressions of a check that decide its verdict; without ``deciding`` those of its texts as well."""
    if check.for_each is not None:
        yield check.for_each.listed
        if check.for_each.where is not None:
            yield check.for_each.where
    yield from (made for _, made in check.definitions)
    if check.value is not None:
        yield check.value
    for level in check.levels:
        yield from _claimed(level.claim)
    if deciding:
        return
    texts = [check.expected, check.evidence, check.fix, *(level.note for level in check.levels)]
    if check.for_each is not None:
        texts += [check.for_each.subject, check.for_each.empty]
    for text in texts:
        yield from (part for part in text.parts if isinstance(part, Expression)) if text is not None else ()


def _claimed(claim: Claim) -> Iterator[Expression]:
    if claim.operand is not None:
        yield claim.operand
    for inner in claim.claims:
        yield from _claimed(inner)


def reads_inside(check: Check) -> tuple[str, ...]:
    """What the check reads apart from ``applies_to``: ``facts.…``, ``sysctl:NAME``, ``vars.NAME``."""
    found = (name for made in expressions_of(check, deciding=False) for name in made.reads)
    return tuple(dict.fromkeys(found))


def all_reads(made: Check) -> tuple[str, ...]:
    """Everything a check reads, conditions included."""
    found = dict.fromkeys(reads_inside(made))
    for condition in made.applies_to:
        found.update(dict.fromkeys(condition.when.reads))
        for part in condition.otherwise.parts:
            found.update(dict.fromkeys(part.reads if isinstance(part, Expression) else ()))
    return tuple(found)
