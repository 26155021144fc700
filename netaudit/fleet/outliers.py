"""Which hosts are not like the others: without any baseline, by what most of their group agree on.

Hosts are taken in one at a time and only their differences from the first of their group are kept, so that thousands
cost little. A value counts as odd where a clear majority has another one. Where there is no majority the name is told
apart as something that simply varies. That a host has no such thing is a value; what could not be read of it is none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from netaudit.facts.settings import SIZED, Kind, kind_of
from netaudit.facts.unread import keys_of
from netaudit.model.natural import natural_key
from netaudit.model.reading import Absent

MAJORITY = 0.6  # of the hosts of a group must agree before the others are odd
LEAST_HOSTS = 3  # with fewer there is no majority
_WEIGHT = {Kind.SETTING: 1.0, Kind.SIZED: 0.5, Kind.MACHINE: 0.4}
_MATTERS = 3.0  # times the weight of a value that a check judges
_ALL_READ: Mapping[str, Absent] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Value:
    """One value and the hosts that have it; ``text`` None: they have no such thing."""

    text: str | None
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Odd:
    """One name on which a group does not agree: the majority's value first, then the rarest ones last."""

    name: str
    kind: Kind
    usual: Value
    others: tuple[Value, ...]
    score: float  # how telling: a rare value of a setting that matters, where many agree
    size: str = ""  # the class of machine within which it was compared, for what the kernel sizes

    @property
    def hosts(self) -> tuple[str, ...]:
        """The odd ones."""
        return tuple(sorted({host for value in self.others for host in value.hosts}, key=natural_key))


@dataclass(frozen=True, slots=True)
class GroupOutliers:
    """What is odd in one group, most telling first."""

    group: str
    hosts: tuple[str, ...]
    odd: tuple[Odd, ...]
    varying: tuple[str, ...]  # names without a majority
    agreed: int  # how many names all hosts have alike


@dataclass(frozen=True, slots=True)
class NotKnown:
    """A setting, or some that are read together, and the hosts of which it is not known for one reason."""

    name: str
    reason: str
    hosts: tuple[str, ...]


def not_known(unread: Mapping[str, Mapping[str, Absent]]) -> tuple[NotKnown, ...]:
    """What is not known of some hosts, by host and name, the same of several hosts as one; in the order of names."""
    hosts: dict[tuple[str, str], list[str]] = {}
    for host, reasons in unread.items():
        for name, why in reasons.items():
            hosts.setdefault((name, str(why)), []).append(host)
    return tuple(NotKnown(*key, tuple(sorted(hosts[key], key=natural_key))) for key in sorted(hosts))


def _lacking(names: Iterable[str], values: Mapping[str, str], unread: Collection[str]) -> Iterator[str]:
    """The names of which a host is known to have no value."""
    absent = (name for name in names if name not in values)
    return (name for name in absent if not any(key in unread for key in keys_of(name))) if unread else absent


@dataclass(slots=True)
class _Class:
    """Hosts that are compared with each other: the first one's values, and how the others differ."""

    reference: Mapping[str, str]
    hosts: list[str] = field(default_factory=list)
    differing: dict[str, dict[str | None, list[str]]] = field(default_factory=dict)
    unread: dict[str, list[str]] = field(default_factory=dict)  # hosts of which something is not known, by what

    def add(self, host: str, values: Mapping[str, str], unread: Collection[str]) -> None:
        self.hosts.append(host)
        for key in unread:
            self.unread.setdefault(key, []).append(host)
        if values == self.reference:
            return
        for name, value in values.items() - self.reference.items():
            self.differing.setdefault(name, {}).setdefault(value, []).append(host)
        for name in _lacking(self.reference, values, unread):
            self.differing.setdefault(name, {}).setdefault(None, []).append(host)

    def agreed(self) -> int:
        """How many names all of the hosts are known to have alike."""
        alike = self.reference.keys() - self.differing.keys()
        return sum(self.unread.keys().isdisjoint(keys_of(name)) for name in alike) if self.unread else len(alike)

    def values_of(self, name: str) -> list[Value]:
        """Every value of one name, the most frequent first; hosts of which it is not known have none."""
        others = self.differing[name]
        elsewhere = {host for hosts in others.values() for host in hosts}
        elsewhere.update(host for key in keys_of(name) for host in self.unread.get(key, ()))
        found = {value: tuple(hosts) for value, hosts in others.items()}
        alike = tuple(host for host in self.hosts if host not in elsewhere)
        found[self.reference.get(name)] = alike
        values = [Value(text, tuple(sorted(hosts, key=natural_key))) for text, hosts in found.items() if hosts]
        return sorted(values, key=lambda each: (-len(each.hosts), each.text is None, each.text or ""))


@dataclass(slots=True)
class Census:
    """Takes hosts in, one at a time, and then says which are odd. ``matters`` tells whether a check judges a name."""

    matters: Callable[[str], bool] = lambda _name: False
    _classes: dict[tuple[str, str | None], _Class] = field(default_factory=dict)

    def add(
        self,
        host: str,
        groups: tuple[str, ...],
        size: str,
        settings: Mapping[str, str],
        unread: Mapping[str, Absent] = _ALL_READ,
    ) -> None:
        """Count one host in each of its groups; ``size`` is its class of machine, ``unread`` what is not known."""
        plain = dict(settings)
        sized = {name: plain.pop(name) for name in plain.keys() & SIZED}
        for group in groups:
            self._of(group, None, plain).add(host, plain, unread)
            self._of(group, size, sized).add(host, sized, unread)

    def _of(self, group: str, size: str | None, values: Mapping[str, str]) -> _Class:
        return self._classes.setdefault((group, size), _Class(values))

    def outliers(self) -> tuple[GroupOutliers, ...]:
        """What is odd in each group, in the order of the groups' names; those too small for a majority left out."""
        groups = sorted({group for group, _ in self._classes}, key=natural_key)
        return tuple(self._group(group) for group in groups if len(self._classes[group, None].hosts) >= LEAST_HOSTS)

    def too_small(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The groups that have no majority because they have too few hosts."""
        return tuple(
            (group, tuple(each.hosts))
            for (group, size), each in self._classes.items()
            if size is None and len(each.hosts) < LEAST_HOSTS
        )

    def _group(self, group: str) -> GroupOutliers:
        odd: list[Odd] = []
        varying: list[str] = []
        agreed = 0
        for (name, size), each in self._classes.items():
            if name != group or len(each.hosts) < LEAST_HOSTS:
                continue
            agreed += each.agreed()
            for found in self._judged(each, size or ""):
                if isinstance(found, Odd):
                    odd.append(found)
                else:
                    varying.append(found)
        hosts = tuple(sorted(self._classes[group, None].hosts, key=natural_key))
        return GroupOutliers(
            group, hosts, tuple(sorted(odd, key=lambda each: (-each.score, each.name))), tuple(sorted(varying)), agreed
        )

    def _judged(self, members: _Class, size: str) -> Iterator[Odd | str]:
        for name in members.differing:
            usual, *others = values = members.values_of(name)
            if not others:
                continue
            count = sum(len(value.hosts) for value in values)
            share = len(usual.hosts) / count
            if share < MAJORITY:
                yield name
                continue
            rarest = min(len(other.hosts) for other in others)
            weight = _WEIGHT[kind_of(name)] * (_MATTERS if self.matters(name) else 1.0)
            yield Odd(name, kind_of(name), usual, tuple(others), weight * share * math.log2(count / rarest), size)


@dataclass(frozen=True, slots=True)
class Difference:
    """One value in which hosts differ from the one that they are held against."""

    name: str
    kind: Kind
    reference: str | None
    values: tuple[Value, ...]


def against(
    reference: Mapping[str, str],
    others: Mapping[str, Mapping[str, str]],
    matters: Callable[[str], bool],
    unread: Mapping[str, Mapping[str, Absent]] = MappingProxyType({}),
    unread_of_reference: Collection[str] = (),
) -> tuple[Difference, ...]:
    """How hosts differ from one of them, what matters and what most of them have first.

    What is not known of a host (``unread``, by its name) is no difference, nor what is not known of that one.
    """
    found: dict[str, dict[str | None, list[str]]] = {}
    for host, values in others.items():
        lacking = set(_lacking(values, reference, unread_of_reference))
        for name, value in values.items() - reference.items():
            if name in reference or name in lacking:
                found.setdefault(name, {}).setdefault(value, []).append(host)
        for name in _lacking(reference, values, unread.get(host, _ALL_READ)):
            found.setdefault(name, {}).setdefault(None, []).append(host)
    differences = [
        Difference(
            name,
            kind_of(name),
            reference.get(name),
            tuple(
                Value(text, tuple(sorted(hosts, key=natural_key)))
                for text, hosts in sorted(values.items(), key=lambda pair: (-len(pair[1]), pair[0] or ""))
            ),
        )
        for name, values in found.items()
    ]

    def order(each: Difference) -> tuple[float, int, str]:
        weight = _WEIGHT[each.kind] * (_MATTERS if matters(each.name) else 1.0)
        return -weight, -sum(len(value.hosts) for value in each.values), each.name

    return tuple(sorted(differences, key=order))
