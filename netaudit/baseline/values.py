"""Comparison of the values that facts have: numbers with numbers, texts with texts, never across.

A comparison across kinds is neither true nor false: it raises Unknown (*not understood*), for a text where a number
was expected means that the kernel or a tool printed something else than the rule was written for.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from netaudit.baseline.unknown import Unknown, not_understood
from netaudit.model.reading import Absent

NUMBERS = frozenset({int, float})
# Called only with values of one kind that has an order, which types cannot say.
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def family(value: object) -> str:
    """What a value is compared as: ``number``, ``truth``, ``text``, ``list``, ``map`` or the name of its class."""
    match value:
        case bool():
            return "truth"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list() | tuple():
            return "list"
        case Mapping():
            return "map"
        case _:
            return type(value).__name__


def comparer(sign: str) -> Callable[[object, object], bool]:
    """The comparison of that sign. It raises Unknown where kinds differ or an element is absent."""
    compare = OPERATORS[sign]

    def run(left: object, right: object) -> bool:
        if type(left) in NUMBERS and type(right) in NUMBERS:
            return compare(left, right)
        if type(left) is str and type(right) is str:
            return compare(left, right)
        return _slowly(sign, left, right)

    return run


def _slowly(sign: str, left: object, right: object) -> bool:
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return OPERATORS[sign](*_alike(left, right))
    if family(left) != family(right):
        raise not_understood(f"{shown(left)} cannot be compared with {shown(right)}")
    if isinstance(left, bool) and sign in {"==", "!="}:
        return OPERATORS[sign](left, right)
    if isinstance(left, bool | Mapping):
        raise not_understood(f"{shown(left)} has no order")
    return OPERATORS[sign](left, right)


def _alike(left: Sequence[object], right: Sequence[object]) -> tuple[list[object], list[object]]:
    """Both lists, once it is sure that their elements can be compared."""
    for mine, other in zip(left, right, strict=False):
        for value in (mine, other):
            if isinstance(value, Absent):
                raise Unknown(value)
        if isinstance(mine, list | tuple) and isinstance(other, list | tuple):
            _alike(mine, other)
        elif family(mine) != family(other):
            raise not_understood(f"{shown(left)} cannot be compared with {shown(right)}")
    return _as_lists(left), _as_lists(right)


def _as_lists(values: Sequence[object]) -> list[object]:
    return [_as_lists(value) if isinstance(value, list | tuple) else value for value in values]


equal = comparer("==")


def is_in(wanted: object, holder: object) -> bool:
    """Whether a list has the element, a mapping the key, or a text the part.

    A list of several kinds is asked for those of the element's kind; one that has none of them cannot answer.
    """
    if isinstance(holder, Mapping):
        return wanted in holder if isinstance(wanted, str) else _never(wanted, holder)
    if isinstance(holder, str):
        return wanted in holder if isinstance(wanted, str) else _never(wanted, holder)
    if not isinstance(holder, list | tuple):
        return _never(wanted, holder)
    of_class = wanted.__class__
    if not [element for element in holder if element.__class__ is not of_class]:
        return wanted in holder
    return _is_among(wanted, holder)


def _is_among(wanted: object, holder: Sequence[object]) -> bool:
    absent = next((element for element in holder if isinstance(element, Absent)), None)
    kind = family(wanted)
    alike = [element for element in holder if family(element) == kind]
    if any(equal(wanted, element) for element in alike):
        return True
    if absent is not None:
        raise Unknown(absent)
    if not alike:
        raise not_understood(f"{shown(wanted)} cannot be compared with {shown(holder[0])}")
    return False


def _never(wanted: object, holder: object) -> bool:
    raise not_understood(f"whether {shown(holder)} has {shown(wanted)}")


def shown(value: object) -> str:
    """A value in a message: short, and a vector as the kernel prints it."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, list | tuple):
        text = "[" + ", ".join(shown(item) for item in value[:8]) + (", …]" if len(value) > 8 else "]")
    elif isinstance(value, str):
        text = repr(value)
    elif isinstance(value, Mapping):
        text = "a mapping"
    else:
        text = as_text(value)
    return text if len(text) <= 80 else text[:77] + "…"


def ordinal(place: int) -> str:
    """How the field at a place, counted from 0, is called: first, second, third, 4th."""
    return ("first", "second", "third")[place] if place < 3 else f"{place + 1}th"


def as_text(value: object) -> str:
    """A value as it stands in a sentence: numbers without a needless fraction, lists with single spaces."""
    if value.__class__ is str or value.__class__ is int:
        return str(value)
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:.6g}" if value != int(value) else str(int(value))
        case list() | tuple():
            return " ".join(as_text(item) for item in value)
        case Mapping():
            return ", ".join(f"{key}={as_text(item)}" for key, item in value.items())
        case Absent():
            return f"({value})"
        case _:
            return str(value)
