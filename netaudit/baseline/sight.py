"""One host as it is told apart from others: what it has at every place that some check looks at, read when first asked.

A ``Reader`` makes the key of a footprint from it. Hosts with equal keys cannot be told apart by what has the footprint.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from operator import itemgetter
from typing import Protocol, TypeAlias

from netaudit.baseline.cuts import PLAIN
from netaudit.baseline.footprint import Footprint
from netaudit.baseline.places import Way, places_of
from netaudit.baseline.scope import RunningSysctls
from netaudit.baseline.unknown import Unknown
from netaudit.model.facts import Facts

Key: TypeAlias = "tuple[Hashable, ...]"


class Same:
    """A value that is equal to itself alone, and is kept as long as a key is made of it."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


class Seen(Protocol):
    """Something of a host that counts."""

    def of(self, sight: Sight) -> Hashable:
        """What a host has of it, or what stands for that."""


class Sight(dict[Seen, Hashable]):
    """One host, by what was asked of it so far."""

    __slots__ = ("_drift", "facts", "known", "sysctls")

    def __init__(self, facts: Facts, sysctls: RunningSysctls, drift: Callable[[], Sequence[object]]) -> None:
        super().__init__()
        self.facts = facts
        self.sysctls = sysctls
        self.known = sysctls.texts.get  # a setting's text, None when it is absent for whatever reason
        self._drift = drift

    def __missing__(self, seen: Seen) -> Hashable:
        found = self[seen] = seen.of(self)
        return found

    def end_of(self, way: Way) -> tuple[int, object]:
        """After how many steps a way that cannot be gone in full ends, and the plain value that stands there."""
        value: object = self.facts
        for steps, name in enumerate(way):
            if value.__class__ in PLAIN:
                return steps, value
            value = getattr(value, name)
        return len(way), value

    def drift(self) -> Hashable:
        """The drift of the host's settings, or why there is none."""
        try:
            return Same(self._drift())
        except Unknown as unknown:
            return unknown.absent, unknown.what


class _Drift:
    """The drift of the settings, which counts as one."""

    def of(self, sight: Sight) -> Hashable:
        return sight.drift()


_DRIFT = _Drift()


class Reader:
    """Reads the key of a footprint from a host."""

    __slots__ = ("_read", "_woven", "has_drift", "seen", "sysctls")

    def __init__(self, footprint: Footprint, places: Iterable[Seen] | None = None) -> None:
        places = places_of(footprint.domains) if places is None else places
        self.sysctls = footprint.sysctls
        self.has_drift = footprint.has_drift
        self._woven = footprint.woven
        self.seen: tuple[Seen, ...] = (*places, *footprint.woven, *((_DRIFT,) if footprint.has_drift else ()))
        self._read: Callable[[Sight], Key] | None = itemgetter(*self.seen) if len(self.seen) > 1 else None

    def __call__(self, sight: Sight) -> Key:
        """What the host has of it: texts of settings, then what counts of the facts."""
        texts: Key = tuple(map(sight.known, self.sysctls))
        if None in texts:
            texts = tuple(map(sight.sysctls.text, self.sysctls))
        if self._read is not None:
            return texts + self._read(sight) if texts else self._read(sight)
        return (*texts, sight[self.seen[0]]) if self.seen else texts

    def __le__(self, other: Reader) -> bool:
        """Whether the key of another has all that this one reads."""
        return set(self.seen) <= set(other.seen) and set(self.sysctls) <= set(other.sysctls)

    def is_whole(self, sight: Sight) -> bool:
        """Whether a host was asked no more than the key says: not why a setting that a subject names is not there."""
        return not any(sight.sysctls.lost(name) for woven in self._woven for name in woven.names(sight))
