"""Decides claims: whether the value of a check is what it must be, and how that is said.

A matcher gives true or false, or raises Unknown when the value, or what it is held against, is absent or of a kind
that the claim is not for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import cast

from netaudit.baseline.closures import Closure, closure, truth
from netaudit.baseline.functions import known, number, numbers
from netaudit.baseline.schema import Claim, Expression, Op
from netaudit.baseline.scope import Scope
from netaudit.baseline.spelling import explained
from netaudit.baseline.unknown import Unknown, decide, not_understood
from netaudit.baseline.values import NUMBERS, OPERATORS, as_text, equal, family, is_in, ordinal, shown
from netaudit.units import format_bytes, format_duration

_MAX_TEXT = 10_000
_SIGNS = {Op.AT_LEAST: ">=", Op.AT_MOST: "<=", Op.ABOVE: ">", Op.BELOW: "<"}

Say = Callable[[Scope, str | None], str]


@dataclass(frozen=True, slots=True)
class Matcher:
    """A claim, compiled. ``holds`` decides about a value, or about the Unknown that stands for one; ``says`` puts the
    claim in words.

    ``wanted`` is what the value is held against, as rules name it with ``expected``.
    """

    holds: Callable[[Scope, object], bool]
    says: Say
    wanted: Closure


def quantity(value: object, unit: str | None) -> str:
    """A value in words, with large bytes and seconds in readable form behind the number."""
    text = as_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return text
    if unit == "bytes" and abs(value) >= 1024:
        return f"{text} ({format_bytes(value)})"
    if unit == "seconds" and abs(value) >= 120:
        return f"{text} ({format_duration(value)})"
    return text


def matcher(claim: Claim) -> Matcher:
    """The matcher of a claim."""
    return _MAKERS[claim.op](claim)


def _operand(claim: Claim) -> Closure:
    return closure(cast("Expression", claim.operand).tree)


def _side(claim: Claim) -> Matcher:
    wanted, sign = _operand(claim), _SIGNS[claim.op]
    compare = OPERATORS[sign]

    def holds(scope: Scope, value: object) -> bool:
        other = wanted(scope)
        if value.__class__ in NUMBERS and other.__class__ in NUMBERS:
            return compare(value, other)
        return compare(_number(value), _number(other))

    return Matcher(holds, lambda scope, unit: f"{sign} {quantity(wanted(scope), unit)}", wanted)


def given(value: object) -> object:
    """A value that is there. Raises the Unknown that stands for one again."""
    if isinstance(value, Unknown):
        raise value.again()
    return value


def _number(value: object) -> float:
    if isinstance(given(value), list | tuple):
        raise not_understood(f"{shown(value)} is a vector where a number is expected")
    return number(value)


def _equals(claim: Claim) -> Matcher:
    wanted = _operand(claim)
    return Matcher(
        lambda scope, value: equal(given(value), wanted(scope)),
        lambda scope, unit: quantity(wanted(scope), unit),
        wanted,
    )


def _between(claim: Claim) -> Matcher:
    ends = _operand(claim)

    def holds(scope: Scope, value: object) -> bool:
        low, high = numbers(ends(scope))
        return low <= _number(value) <= high

    def says(scope: Scope, unit: str | None) -> str:
        low, high = numbers(ends(scope))
        return f"{quantity(low, unit)} to {quantity(high, unit)}"

    return Matcher(holds, says, ends)


def _one_of(claim: Claim) -> Matcher:
    wanted = _operand(claim)

    def says(scope: Scope, unit: str | None) -> str:
        return "one of " + ", ".join(quantity(value, unit) for value in known(wanted(scope)))

    return Matcher(lambda scope, value: is_in(given(value), wanted(scope)), says, wanted)


def _parts(value: object) -> Sequence[object] | Mapping[str, object]:
    """What a value holds: the elements of a list, the words of a text, the keys of a mapping; a number is one."""
    if isinstance(value, str):
        return value.split()
    if isinstance(value, int | float):
        return [value]
    if isinstance(value, list | tuple | Mapping):
        return value
    raise not_understood(f"{shown(value)} holds nothing")


def _contains(claim: Claim) -> Matcher:
    wanted = _operand(claim)
    return Matcher(
        lambda scope, value: is_in(wanted(scope), _parts(given(value))),
        lambda scope, unit: f"contains {quantity(wanted(scope), unit)}",
        wanted,
    )


def _contains_all(claim: Claim) -> Matcher:
    wanted = _operand(claim)

    def holds(scope: Scope, value: object) -> bool:
        held = _parts(given(value))
        return decide((partial(is_in, part, held) for part in known(wanted(scope))), deciding=False)

    def says(scope: Scope, unit: str | None) -> str:
        text = "contains " + ", ".join(quantity(part, unit) for part in known(wanted(scope)))
        missing = _missing(scope, wanted)
        return f"{text} (missing: {missing})" if missing else text

    return Matcher(holds, says, wanted)


def _missing(scope: Scope, wanted: Closure) -> str:
    """What the value of the moment lacks."""
    value = scope.names.get("value")
    if not isinstance(value, str | list | tuple):
        return ""
    held = [part for part in _parts(value) if isinstance(part, str | int | float)]
    lacking = [
        part for part in known(wanted(scope)) if not any(family(part) == family(one) and part == one for one in held)
    ]
    return ", ".join(as_text(part) for part in lacking)


def _matches(claim: Claim) -> Matcher:
    pattern = str(cast("Sequence[object]", cast("Expression", claim.operand).tree)[1])
    compiled = re.compile(pattern)

    def holds(_: Scope, value: object) -> bool:
        text = given(value)
        if not isinstance(text, str | int) or isinstance(text, bool):
            raise not_understood(f"{shown(text)} is not a text")
        return compiled.fullmatch(str(text)[:_MAX_TEXT]) is not None

    return Matcher(holds, lambda _scope, _unit: f"matches {pattern}", lambda _: pattern)


def _ordered(_: Claim) -> Matcher:
    def holds(_: Scope, value: object) -> bool:
        found = numbers(given(value))
        return all(one <= other for one, other in pairwise(found))

    return Matcher(holds, lambda _scope, _unit: "in ascending order", lambda _: "in ascending order")


def _fields(claim: Claim) -> Matcher:
    inner = [(place, matcher(part)) for place, part in zip(claim.places, claim.claims, strict=True)]

    def holds(scope: Scope, value: object) -> bool:
        answers = (partial(made.holds, scope, _field(value, place)) for place, made in inner)
        return decide(answers, deciding=False)

    def says(scope: Scope, unit: str | None) -> str:
        return ", ".join(f"{ordinal(place)} {made.says(scope, unit)}" for place, made in inner)

    return Matcher(holds, says, lambda scope: says(scope, None))


def _field(value: object, place: int) -> object:
    """One field of a vector, or the Unknown that stands for it."""
    if isinstance(value, Unknown):
        return value
    if not isinstance(value, list | tuple):
        return not_understood(f"{shown(value)} is not a vector")
    if place >= len(value):
        return not_understood(f"{shown(value)} has no field {place}")
    return value[place]


def _holds(claim: Claim) -> Matcher:
    tree = cast("Expression", claim.operand).tree
    decides, words = truth(tree), explained(tree)
    return Matcher(lambda scope, _: decides(scope), lambda scope, _: words(scope), words)


def _several(claim: Claim) -> Matcher:
    inner = [matcher(part) for part in claim.claims]
    deciding = claim.op is Op.ANY_OF
    between = " or " if deciding else " and "

    def holds(scope: Scope, value: object) -> bool:
        return decide((partial(made.holds, scope, value) for made in inner), deciding=deciding)

    def says(scope: Scope, unit: str | None) -> str:
        return between.join(made.says(scope, unit) for made in inner)

    return Matcher(holds, says, lambda scope: says(scope, None))


def _negation(claim: Claim) -> Matcher:
    inner = matcher(claim.claims[0])

    def says(scope: Scope, unit: str | None) -> str:
        return f"not ({inner.says(scope, unit)})"

    return Matcher(lambda scope, value: not inner.holds(scope, value), says, lambda scope: says(scope, None))


_MAKERS: dict[Op, Callable[[Claim], Matcher]] = {
    **dict.fromkeys(_SIGNS, _side), Op.EQUALS: _equals, Op.BETWEEN: _between, Op.ONE_OF: _one_of,
    Op.CONTAINS: _contains, Op.CONTAINS_ALL: _contains_all, Op.MATCHES: _matches, Op.ORDERED: _ordered,
    Op.FIELDS: _fields, Op.HOLDS: _holds, Op.ALL_OF: _several, Op.ANY_OF: _several, Op.NOT: _negation,
}  # fmt: skip


def said(made: Matcher, scope: Scope, unit: str | None) -> str | None:
    """The claim in words; None when a number in it is not known."""
    try:
        return made.says(scope, unit)
    except Unknown:
        return None
