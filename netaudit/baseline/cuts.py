"""Cuts values of the facts down to what counts of them, as plain tuples that compare and hash.

What counts is said by paths: steps down from a value. They are made into functions once, for there are many hosts; what
several paths have in common is gone once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from operator import attrgetter
from typing import Any, TypeAlias

from netaudit.model.reading import Absent

PLAIN = frozenset({int, float, str, bool, type(None), Absent})  # equal ones say the same, in one field of one record


@dataclass(frozen=True, slots=True)
class Step:
    """One step down from a value: to an ``attribute``, to some ``entries``, to ``each`` element, or to what counts.

    That is that it is ``there``, all of it (``full``), or all of it and its class (``typed``): 1 is not ``true``.
    """

    how: str
    names: tuple[str, ...] = ()


EACH, THERE, FULL, TYPED = map(Step, ("each", "there", "full", "typed"))

Path: TypeAlias = "tuple[Step, ...]"  # an empty one ends at a plain value
Cut: TypeAlias = Callable[[Any], object]  # of a value that is what its path is for: the kinds of the facts say so


def cutter(paths: Collection[Path]) -> Cut:
    """Gives what is at the ends of some paths; a value that is plain before, such as an Absent, counts as it is."""
    if () in paths:
        return in_full
    if (TYPED,) in paths:
        return lambda value: (value.__class__, in_full(value))
    further = _by_step(paths)
    names = _plain_attributes(further)
    cuts: list[Cut] = [attrgetter(*names)] if names else []
    cuts += [_STEPS[step.how](step.names, rest) for step, rest in further.items() if not _is_plain(step, rest)]
    is_bare = len(further) == 1 and next(iter(further)).how == "attribute"  # an absence in it is none of the record
    cut = cuts[0] if len(cuts) == 1 and not is_bare else lambda value: tuple([each(value) for each in cuts])
    return lambda value: value if value.__class__ in PLAIN else cut(value)


def _by_step(paths: Collection[Path]) -> dict[Step, list[Path]]:
    found: dict[Step, list[Path]] = {}
    for step, *rest in paths:
        found.setdefault(step, []).append(tuple(rest))
    return found


def _plain_attributes(further: Mapping[Step, list[Path]]) -> list[str]:
    return [step.names[0] for step, rest in further.items() if _is_plain(step, rest)]


def _is_plain(step: Step, rest: list[Path]) -> bool:
    return step.how == "attribute" and rest == [()]


def _each(_: Sequence[str], paths: Collection[Path]) -> Cut:
    """Of every element; of records that count by plain attributes alone, these are read in one go."""
    if () in paths:
        return tuple
    further = _by_step(paths)
    names = _plain_attributes(further)
    below = attrgetter(*names) if names and len(names) == len(further) else cutter(paths)
    return lambda values: tuple(map(below, values))


def _attribute(names: Sequence[str], paths: Collection[Path]) -> Cut:
    read, below = attrgetter(*names), cutter(paths)
    return lambda record: below(read(record))


def _entries(keys: Sequence[str], paths: Collection[Path]) -> Cut:
    """Some entries of a mapping, and how many it has."""
    if () in paths:
        return lambda mapping: (len(mapping), *map(mapping.get, keys))
    below = cutter(paths)
    return lambda mapping: (len(mapping), *[below(mapping.get(key)) for key in keys])


_STEPS: dict[str, Callable[[Sequence[str], Collection[Path]], Cut]] = {
    "each": _each,
    "attribute": _attribute,
    "entries": _entries,
    "there": lambda _, __: lambda _: True,
    "full": lambda _, __: in_full,
}


def in_full(value: object) -> object:
    """A value with everything in it."""
    kind = value.__class__
    if kind in PLAIN:
        return value
    if isinstance(value, list | tuple):
        return tuple(map(in_full, value))
    if isinstance(value, Mapping):
        inside = value.values()  # 1 is not true, where either can stand
        return tuple(value), tuple(map(type, inside)), tuple(map(in_full, inside))
    if is_dataclass(value):
        return tuple([in_full(getattr(value, each.name)) for each in fields(value)])
    return value
