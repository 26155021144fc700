"""The places of the facts by which hosts are told apart, each read once a host whichever checks look there.

A place is one attribute, of one record or of every record of a list, or one key of a mapping. What stands there is
either plain, or is exchanged for a token: two hosts that agree have the same one. So a key of many places is quickly
made, hashed and compared, however much stands behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias

from netaudit.baseline.cuts import EACH, FULL, PLAIN, THERE, TYPED, Path, Step, cutter
from netaudit.baseline.kinds import ANY, Kind, fields_of
from netaudit.model.facts import Facts

if TYPE_CHECKING:
    from netaudit.baseline.sight import Sight

UNSHARED = frozenset({"pid", "pids", "inode"})  # what the kernel numbers afresh on every host
_KEPT = 512  # tokens of one place; when there are more, hosts that agree are no longer seen to

Way: TypeAlias = "tuple[str, ...]"


@dataclass(slots=True)
class Look:
    """What is looked at in one domain of the facts: ``names`` of attributes and ``keys`` of mappings, wherever in it.

    What stands under one of ``entire`` counts with all that is in it.
    """

    names: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    entire: set[str] = field(default_factory=set)
    is_entire: bool = False

    def __or__(self, other: Look) -> Look:
        return Look(
            self.names | other.names,
            self.keys | other.keys,
            self.entire | other.entire,
            self.is_entire or other.is_entire,
        )

    def attribute(self, name: str, *, entire: bool) -> None:
        """Note an attribute."""
        self.names.add(name)
        if entire:
            self.entire.add(name)

    def key(self, key: str, *, entire: bool) -> None:
        """Note a key."""
        self.keys.add(key)
        if entire:
            self.entire.add(key)


class Place:
    """One place. ``way`` leads to it from the facts down; what counts there is at the ends of ``paths``."""

    __slots__ = ("_cut", "_last", "_plain", "_read", "_tokens", "is_shared", "way")

    def __init__(self, way: Way, paths: tuple[Path, ...]) -> None:
        self.way = way
        self.is_shared = UNSHARED.isdisjoint((*way, *(name for path in paths for step in path for name in step.names)))
        self._read: Callable[[Facts], object] = attrgetter(".".join(way))
        self._plain = PLAIN if (TYPED,) not in paths else frozenset()
        self._cut = cutter(paths)
        self._tokens: dict[object, Hashable] = {}
        self._last: tuple[object, Hashable] = (self, None)

    def of(self, sight: Sight) -> Hashable:
        """What a host has there, or the token for it. Hosts that answer alike share one object, which is cut once."""
        try:
            value = self._read(sight.facts)
        except AttributeError:  # something above it is absent
            return self._token(sight.end_of(self.way))
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
        records = getattr(sight.facts, self.domain)
        named = [getattr(record, self.attribute) for record in records] if isinstance(records, tuple) else []
        return [self.before + self._written(name) + self.after for name in named if isinstance(name, str)]

    def _written(self, name: str) -> str:
        return name.replace(".", "/") if self.is_segment else name


_place = cache(Place)


def places_of(domains: Mapping[str, Look]) -> tuple[Place, ...]:
    """The places that are looked at in some domains; whoever looks at the same has the same objects."""
    found: dict[Place, None] = {}
    for domain, look in domains.items():
        for path in _paths(fields_of(Facts)[domain], look, entire=look.is_entire):
            down = next((at for at, step in enumerate(path) if step.how != "attribute"), len(path))
            found[_place((domain, *(step.names[0] for step in path[:down])), (path[down:],))] = None
    return tuple(found)


def whole_places_of(domains: Mapping[str, Look]) -> tuple[Place, ...]:
    """One place for each of some domains, with all that is looked at in it: read at once, and told apart as one."""
    return tuple(
        _place((domain,), tuple(dict.fromkeys(_paths(fields_of(Facts)[domain], look, entire=look.is_entire))))
        for domain, look in domains.items()
    )


def _paths(kind: Kind, look: Look, *, entire: bool) -> Iterator[Path]:
    """The paths to all that counts of a value of a kind."""
    if kind.record is not None:
        yield from _attributes(kind.record, look, entire=entire)
    elif kind.name == "list":
        yield from ((EACH, *rest) for rest in _paths(kind.element or ANY, look, entire=entire))
    elif kind.name == "map":
        yield from [(FULL,)] if entire else _entries(kind.element or ANY, look)
    else:
        yield (TYPED,) if kind is ANY else ()


def _attributes(record: type, look: Look, *, entire: bool) -> Iterator[Path]:
    kinds = fields_of(record)
    names = [each.name for each in fields(record)] if entire else [name for name in kinds if name in look.names]
    for name in names:
        for rest in _paths(kinds[name], look, entire=entire or name in look.entire):
            yield (Step("attribute", (name,)), *rest)
    if not names:
        yield (THERE,)  # all that can be asked


def _entries(element: Kind, look: Look) -> Iterator[Path]:
    keys = tuple(sorted(look.keys))
    for rest in _paths(element, look, entire=not look.entire.isdisjoint(keys)):
        yield (Step("entries", keys), *rest)
