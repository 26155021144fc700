"""Connections of an audit that serve once more: for the first contact of a change that follows at once.

Nothing rests on one: it is the connection from before the change, through which a host is armed. Where it is gone, or
has been idle for long, a new one is made. What a change must be seen through is a new connection in any case.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from netaudit.app import stopping
from netaudit.app.ports import Session, Transport
from netaudit.model.contact import Exit, Sink
from netaudit.model.probe import Bundle
from netaudit.model.target import Target

IDLE_AT_MOST_S = 60.0  # what lies between hosts forgets connections that are silent for longer
AT_ONCE = 256  # idle ones; hosts beyond have a turn so late that theirs would be too old


@dataclass(slots=True)
class Parking:
    """A transport that keeps what is closed. All of it belongs to one event loop, and ``clear`` gives it back."""

    transport: Transport
    at_most: int = AT_ONCE
    clock: Callable[[], float] = time.monotonic
    _kept: dict[str, tuple[float, Session]] = field(default_factory=dict)

    async def open(self, target: Target) -> Session:
        """A new connection; closing it parks it, unless something went wrong."""
        return _Parked(await self.transport.open(target), target.name, self)

    async def close(self) -> None:
        """Give back what connections share. Parked ones stay."""
        await self.transport.close()

    def park(self, host: str, session: Session) -> bool:
        """Whether it is kept."""
        if len(self._kept) >= self.at_most or host in self._kept:
            return False
        self._kept[host] = (self.clock(), session)
        return True

    def holds(self, host: str) -> bool:
        """Whether a connection to it is kept."""
        return host in self._kept

    def take(self, host: str) -> Session | None:
        """The connection to a host, once; None where there is none that is young enough."""
        parked_s, session = self._kept.get(host, (0.0, None))
        if session is None or self.clock() - parked_s > IDLE_AT_MOST_S:
            return None
        del self._kept[host]
        return session

    async def clear(self, but: Collection[str] = ()) -> None:
        """Close what is parked, but the connections to some hosts. Never raises."""
        doomed = [self._kept.pop(host)[1] for host in [*self._kept] if host not in but]
        await asyncio.gather(*(stopping.close(session) for session in doomed))


@dataclass(slots=True)
class _Parked:
    """A connection that goes back to the parking when it is closed, after one whole answer at least."""

    session: Session
    host: str
    parking: Parking
    is_sound: bool = False

    async def run(self, bundle: Bundle, sink: Sink) -> Exit:
        """See ``app.ports.Session``."""
        self.is_sound = False
        ended = await self.session.run(bundle, sink)
        self.is_sound = True
        return ended

    async def close(self) -> None:
        """Park it, or close it."""
        if not (self.is_sound and self.parking.park(self.host, self.session)):
            await self.session.close()
