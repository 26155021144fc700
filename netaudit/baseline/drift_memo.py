"""Remembers what becomes of the settings of hosts that have the same files and run the same values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netaudit.baseline.footprint import Footprint, footprint_of_default, joined
from netaudit.baseline.sight import Key, Reader, Sight
from netaudit.model.facts import Persisted
from netaudit.model.reading import Maybe

if TYPE_CHECKING:
    from netaudit.baseline.drift import Drift
    from netaudit.baseline.select import HostCheck

_KEPT = 4096  # settings, and lists of them; what comes after that starts over


@dataclass(slots=True)
class Answer:
    """The drift of one host, and what checks that were asked again said to it.

    ``on`` has it by the grounds of those checks: hosts that agree on them get the same again.
    """

    files: tuple[object, object]  # persisted and writers: the key has only their ids
    drifts: tuple[Drift, ...]
    boot: Mapping[str, str]
    system: Mapping[str, str]
    verdicts: Sequence[tuple[HostCheck, str, Maybe[bool]]]
    on: dict[tuple[Key, ...], tuple[Drift, ...]]
    keys: list[Reader | None] = field(init=False)

    def __post_init__(self) -> None:
        """Find out what those checks look at."""
        checks = {id(check): check for check, _, _ in self.verdicts}.values()
        self.keys = [check.memo.verdict_key if check.memo is not None else None for check in checks]

    def grounds_of(self, sight: Sight) -> tuple[Key, ...] | None:
        """What those checks look at, besides the settings of the files; None where one of them may look at anything."""
        found = [key(sight) for key in self.keys if key is not None]
        return tuple(found) if len(found) == len(self.keys) else None

    def hold(self, grounds: tuple[Key, ...] | None) -> None:
        """Remember that the answer holds on some grounds."""
        if grounds is not None:
            if len(self.on) >= _KEPT:
                self.on.clear()
            self.on[grounds] = self.drifts


class DriftMemo:
    """What is the same for all hosts under one set of rules, and what became of settings that hosts have in common.

    Equal answers are one object, so that what is made of them can be remembered by it.
    """

    __slots__ = ("_alike", "_defaults", "_defaults_key", "_hosts", "_lists", "_names", "_settings", "reckoned")

    def __init__(self) -> None:
        self._defaults: dict[str, list[HostCheck]] = {}
        self._settings: dict[tuple[object, ...], Drift] = {}
        self._alike: dict[Drift, Drift] = {}
        self._lists: dict[tuple[int, ...], tuple[Drift, ...]] = {}
        self._hosts: dict[tuple[object, ...], Answer] = {}
        self._names: tuple[object, tuple[str, ...]] = (None, ())
        self._defaults_key: Reader | None = None
        self.reckoned: list[HostCheck] = []

    def answer(self, key: tuple[object, ...]) -> Answer | None:
        """The answer of a host that had the same settings and files."""
        return self._hosts.get(key)

    def keep(self, key: tuple[object, ...], answer: Answer) -> None:
        """Keep the answer of a host."""
        if len(self._hosts) >= _KEPT:
            self._hosts.clear()
        self._hosts[key] = answer

    def names(self, judges: Iterable[str], persisted: Persisted) -> tuple[str, ...]:
        """The settings that the answer of a host with these files can rest on: those that are judged or written."""
        last, names = self._names
        if last is not persisted:
            judged = [name for name in judges if "*" not in name]
            names = tuple(dict.fromkeys((*judged, *persisted.boot, *persisted.system)))
            self._names = persisted, names
        return names

    def default_from(self, name: str, judges: Iterable[HostCheck]) -> list[HostCheck]:
        """The checks that say the kernel's default of a key."""
        found = self._defaults.get(name)
        if found is None:
            found = [each for each in judges if each.compiled.kernel_default and each.compiled.defaulted == name]
            self._defaults[name] = found
        return found

    def defaults(self, judges: Mapping[str, list[HostCheck]]) -> Reader:
        """Reads what the defaults rest on that checks say, but for those that are ``reckoned`` on every host."""
        if self._defaults_key is None:
            footprints: list[Footprint] = []
            for check in {id(check): check for checks in judges.values() for check in checks}.values():
                footprint = footprint_of_default(check.compiled.check)
                if footprint is None or footprint.woven or footprint.has_drift:
                    self.reckoned.append(check)
                else:
                    footprints.append(footprint)
            self._defaults_key = Reader(joined(footprints))
        return self._defaults_key

    def setting(self, key: tuple[object, ...], make: Callable[[], Drift]) -> Drift:
        """The answer for one setting. ``key`` is all that it is made of."""
        found = self._settings.get(key)
        if found is None:
            if len(self._settings) >= _KEPT:
                self._settings.clear()
            found = self._settings[key] = self.alike(make())
        return found

    def alike(self, drift: Drift) -> Drift:
        """The one object for equal answers."""
        if len(self._alike) >= _KEPT:
            self._alike.clear()
        return self._alike.setdefault(drift, drift)

    def one_list(self, drifts: tuple[Drift, ...]) -> tuple[Drift, ...]:
        """The one list of the same objects. It holds them, so no other object can have their ids."""
        if len(self._lists) >= _KEPT:
            self._lists.clear()
        return self._lists.setdefault(tuple(map(id, drifts)), drifts)
