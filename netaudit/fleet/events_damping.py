"""Keeps what flaps from filling the screen: after some changes in few rounds it is told once, and when it rests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from netaudit.fleet.events import FINDINGS, Event, EventKind

MOST = 4  # changes within so many rounds are told as flapping
WITHIN = 10  # rounds; and so long it must rest
MOST_FOLLOWED = 50_000  # things that have changed lately

_DAMPED = FINDINGS | {EventKind.SETTING, EventKind.LOST, EventKind.BACK}
_Topic: TypeAlias = tuple[str, str, str, str]


@dataclass(slots=True)
class _Lately:
    """The last changes of one thing."""

    rounds: list[int]
    first: Event  # of those that were not told
    last: Event
    silent: bool = False
    count: int = 0


@dataclass(slots=True)
class Damper:
    """Decides which events are told. Holds only what has changed in the last rounds."""

    most: int = MOST
    within: int = WITHIN
    _lately: dict[_Topic, _Lately] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._lately)

    def admit(self, event: Event) -> Event | None:
        """The event, or that it flaps, or None when that has been told."""
        if event.kind not in _DAMPED:
            return event
        known = self._lately.get(event.topic)
        if known is None:
            if len(self._lately) < MOST_FOLLOWED:
                self._lately[event.topic] = _Lately([event.round], event, event, count=1)
            return event
        known.rounds = [*known.rounds, event.round][-self.most :]
        known.last = event
        known.count += 1
        if known.silent:
            return None
        if len(known.rounds) < self.most or event.round - known.rounds[0] >= self.within:
            return event
        known.silent, known.first = True, event
        return replace(event, kind=EventKind.FLAPPING, told_as=event.kind, count=known.count)

    def settled(self, number: int, at: datetime) -> Iterator[Event]:
        """What flapped and rests by this round; what has not changed for as long is forgotten."""
        for topic, known in list(self._lately.items()):
            if number - known.rounds[-1] < self.within:
                continue
            del self._lately[topic]
            if known.silent:
                yield replace(
                    known.last, kind=EventKind.SETTLED, told_as=known.last.kind, at=at, round=number,
                    before=known.first.before, count=known.count,
                )  # fmt: skip

    def forget(self, host: str) -> None:
        """Drop what is known of a host that has left."""
        for topic in [topic for topic in self._lately if topic[0] == host]:
            del self._lately[topic]
