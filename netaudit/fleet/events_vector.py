"""The settings of one host as kept from round to round, and what became otherwise, told in as few lines as say it.

Hosts that are set up alike share one tuple of names, and equal values are one string: so a host takes about ten bytes
a setting.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from netaudit.facts.settings import BOOT, DOMAINS, differences, settings_of
from netaudit.facts.unread import keys_of, without_value
from netaudit.model.facts import Facts
from netaudit.model.reading import Absent

MOST_SETTINGS = 20_000  # of one host
MOST_TOLD = 40  # changes of one host in one round, one by one
_FEW = 3  # settings that come or go together are told one by one
_VALUE_CHARS = 200
_OF_INTERFACE = re.compile(r"net\.(?:ipv4|ipv6|mpls)\.(?:conf|neigh)\.([^.]+)\.", re.ASCII)


@dataclass(frozen=True, slots=True)
class Vector:
    """The settings that one answer holds, and which domains it could read."""

    names: tuple[str, ...]
    values: tuple[str, ...]
    domains: frozenset[str]

    def items(self) -> dict[str, str]:
        """The settings by name."""
        return dict(zip(self.names, self.values, strict=True))


@dataclass(frozen=True, slots=True)
class SettingMoved:
    """One setting, or ``count`` that came or went together; None: it was not there."""

    name: str
    before: str | None
    after: str | None
    count: int = 1


def vector_of(facts: Facts, earlier: Vector | None = None) -> Vector:
    """The settings of an answer. What it could not read is as it was in the earlier one."""
    domains = frozenset(name for name in DOMAINS if not isinstance(getattr(facts, name), Absent))
    found = settings_of(facts)
    if earlier is not None and (unread := _unread(facts, earlier.domains - domains)) is not None:
        found.update({name: value for name, value in earlier.items().items() if name not in found and unread(name)})
        domains |= earlier.domains
    pairs = list(found.items())[:MOST_SETTINGS]
    names = _shared(tuple([sys.intern(name) for name, _ in pairs]))
    return Vector(names, tuple([sys.intern(value[:_VALUE_CHARS]) for _, value in pairs]), domains)


class _Unread:
    """Which names were there and could not be read."""

    def __init__(self, names: frozenset[str], *, everything: bool) -> None:
        self._names = names
        self._everything = everything

    def __call__(self, name: str) -> bool:
        return self._everything or not self._names.isdisjoint(keys_of(name))


def _unread(facts: Facts, lost: frozenset[str]) -> _Unread | None:
    names = without_value(facts)
    return _Unread(names, everything=bool(lost)) if lost or names else None


@lru_cache(maxsize=128)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    return names


def moved(before: Vector, after: Vector) -> Iterator[SettingMoved]:
    """What is set otherwise. What a domain says that could not be read before is no change."""
    if before.names is after.names and before.values == after.values:
        return
    gained = bool(after.domains - before.domains)
    rows = list(differences(before.items(), after.items()))
    told = [each for each in _folded(rows) if not (gained and each.before is None)]
    yield from told[:MOST_TOLD]
    if left := sum(each.count for each in told[MOST_TOLD:]):
        yield SettingMoved("and more settings", None, None, left)


def _folded(rows: list[tuple[str, str | None, str | None]]) -> Iterator[SettingMoved]:
    """Changed values one by one; what came or went, by what it belongs to where that is more than a few."""
    groups: dict[tuple[str, bool], list[SettingMoved]] = {}
    for name, before, after in rows:
        if before is not None and after is not None:
            yield SettingMoved(name, before, after)
        else:
            groups.setdefault((_owner(name), before is None), []).append(SettingMoved(name, before, after))
    for (owner, appeared), members in groups.items():
        if len(members) <= _FEW:
            yield from members
        else:
            before, after = (None, "present") if appeared else ("present", None)
            yield SettingMoved(owner, before, after, len(members))


def _owner(name: str) -> str:
    if name.startswith(BOOT):
        return BOOT.strip()
    of = _OF_INTERFACE.match(name)
    if of:
        return f"interface {of[1]}"
    word, blank, _ = name.partition(" ")
    if blank:
        return f"interface {word}"
    return ".".join(name.split(".")[:2]) + ".*"
