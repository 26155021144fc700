"""The places of the facts by which hosts are told apart, each read once a host whichever checks look there.

A place is one attribute, of one record or of every record of a list, or one key of a mapping. What stands there is
either plain, or is exchanged for a token: two hosts that agree have the same one. So a key of many places is quickly
made, hashed and compared, however much stands behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from netaudit.baseline.kinds import ANY, Kind, fields_of
from netaudit.model.facts import Facts
from netaudit.model.reading import Absent

if TYPE_CHECKING:
    from netaudit.baseline.footprint import Footprint
    from netaudit.baseline.sight import Sight

PLAIN = frozenset({int, float, str, bool, type(None), Absent})  # equal ones say the same, in one field of one record
UNSHARED = frozenset({"pid", "pids", "inode"})  # what the kernel numbers afresh on every host
_KEPT = 512  # tokens of one place; when there are more, hosts that agree are no longer seen to

Way: TypeAlias = "tuple[str, ...]"
Cut: TypeAlias = Callable[[object], object]


@dataclass(frozen=True, slots=True)
class Step:
    """One step down from a value: to an ``attribute``, to some ``entries``, to ``each`` element, or to what counts.

    That is that it is ``there``, all of it (``full``), or all of it and its class (``typed``): 1 is not ``true``.
    """

    how: str
    names: tuple[str, ...] = ()


_EACH, _THERE, _FULL, _TYPED = map(Step, ("each", "there", "full", "typed"))
Steps: TypeAlias = "tuple[Step, ...]"


class Place:
    """One place. ``way`` leads to it from the facts down, ``steps`` go on from there."""

    __slots__ = ("_cut", "_last", "_plain", "_read", "_tokens", "is_shared", "way")

    def __init__(self, way: Way, steps: Steps) -> None:
        self.way = way
        self.is_shared = UNSHARED.isdisjoint((*way, *(name for step in steps for name in step.names)))
        self._read: Callable[[Facts], object] = attrgetter(".".join(way))
        self._plain = PLAIN if steps != (_TYPED,) else frozenset()
        self._cut = _cutter(steps)
        self._tokens: dict[object, Hashable] = {}
        self._last: tuple[object, Hashable] = (self, None)

    def of(self, sight: Sight) -> Hashable:
        """What a host has there, or the token for it. Hosts that answer alike share one object, which is cut once."""
        try:
            value = self._read(sight.facts)
        except AttributeError:  # something above it is absent
            value = sight.reached(self.way)
        if value.__class__ in self._plain:
            return value
        last, token = self._last
        if last is not value:
            token = self._token(self._cut(value))
            self._last = value, token
        return token

    def _token(self, found: object) -> Hashable:
        if found.__class__ in PLAIN:
            return found
        if len(self._tokens) >= _KEPT:
            self._tokens.clear()
        return self._tokens.setdefault(found, object())


@dataclass(frozen=True, slots=True)
class SettingsOf:
    """The settings that are named after an attribute of every record of a list: ``net.ipv4.conf.NIC.rp_filter``."""

    domain: str
    attribute: str
    before: str
    after: str
    is_segment: bool  # whether the attribute is written as part of a sysctl name

    def of(self, sight: Sight) -> Hashable:
        """What the kernel prints for them; None where there is nothing, whose reason takes long to find."""
        return tuple(map(sight.known, self.names(sight)))

    def names(self, sight: Sight) -> list[str]:
        """The settings on one host. A subject without the attribute names none."""
        records = sight.reached((self.domain,))
        named = [getattr(record, self.attribute) for record in records] if isinstance(records, tuple) else []
        return [self.before + self._written(name) + self.after for name in named if isinstance(name, str)]

    def _written(self, name: str) -> str:
        return name.replace(".", "/") if self.is_segment else name


@cache
def _place(way: Way, steps: Steps) -> Place:
    return Place(way, steps)


def places_of(footprint: Footprint) -> tuple[Place, ...]:
    """The places that a footprint names, those of different footprints being the same objects."""
    found: dict[Place, None] = {}
    for domain in footprint.domains:
        for steps in _parts(fields_of(Facts)[domain], footprint, entire=domain in footprint.entire):
            down = next((at for at, step in enumerate(steps) if step.how != "attribute"), len(steps))
            found[_place((domain, *(step.names[0] for step in steps[:down])), steps[down:])] = None
    return tuple(found)


def _parts(kind: Kind, footprint: Footprint, *, entire: bool) -> Iterator[Steps]:
    """The steps to all that counts of a value of a kind."""
    if kind.record is not None:
        yield from _attributes(kind.record, footprint, entire=entire)
    elif kind.name == "list":
        yield from ((_EACH, *rest) for rest in _parts(kind.element or ANY, footprint, entire=entire))
    elif kind.name == "map":
        yield from [(_FULL,)] if entire else _entries(kind.element or ANY, footprint)
    else:
        yield (_TYPED,) if kind is ANY else ()


def _attributes(record: type, footprint: Footprint, *, entire: bool) -> Iterator[Steps]:
    kinds = fields_of(record)
    names = [each.name for each in fields(record)] if entire else [name for name in kinds if name in footprint.names]
    for name in names:
        for rest in _parts(kinds[name], footprint, entire=entire or name in footprint.entire):
            yield (Step("attribute", (name,)), *rest)
    if not names:
        yield (_THERE,)  # all that can be asked


def _entries(element: Kind, footprint: Footprint) -> Iterator[Steps]:
    keys = tuple(sorted(footprint.keys))
    for rest in _parts(element, footprint, entire=not footprint.entire.isdisjoint(keys)):
        yield (Step("entries", keys), *rest)


def _cutter(steps: Steps) -> Cut:
    """Goes some steps down from a value; what is plain before the end, such as an Absent, counts as it is."""
    if not steps:
        return in_full
    step, below = steps[0], _cutter(steps[1:])
    if step == _TYPED:
        return lambda value: (value.__class__, in_full(value))
    if step == _EACH and len(steps) == 2 and steps[1].how == "attribute":
        return _column(*steps[1].names)
    go = _STEPS[step.how](step.names, below)
    return lambda value: value if value.__class__ in PLAIN else go(value)


def _column(name: str) -> Callable[[Any], object]:
    """One attribute of every record of a list, which is plain by its kind."""
    read = attrgetter(name)
    return lambda records: tuple(map(read, records))


def _attribute(names: Sequence[str], below: Cut) -> Callable[[object], object]:
    read = attrgetter(*names)
    return lambda record: below(read(record))


def _some(keys: Sequence[str], below: Cut) -> Callable[[Mapping[str, object]], object]:
    """Some entries of a mapping, and how many it has."""
    return lambda mapping: (len(mapping), *[below(mapping.get(key)) for key in keys])


# What a step is taken from is of the kind that the step is for: the model says so.
_STEPS: dict[str, Callable[[Sequence[str], Cut], Callable[[Any], object]]] = {
    "attribute": _attribute,
    "entries": _some,
    "each": lambda _, below: lambda values: tuple(map(below, values)),
    "there": lambda _, __: lambda _: True,
    "full": lambda _, __: in_full,
}


def in_full(value: object) -> object:
    """A value with everything in it, as plain tuples that compare and hash."""
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
