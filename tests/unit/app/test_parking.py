"""Connections that wait for a second use: given once, never too old, never after trouble, and closed in the end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from netaudit.app.parking import IDLE_AT_MOST_S, Parking
from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.contact import Exit
from netaudit.model.target import Target

WEB1, WEB2 = Target("web1", "192.0.2.1"), Target("web2", "192.0.2.2")


@dataclass
class Connection:
    """One connection, which may fail."""

    fails: bool = False
    closed: int = 0

    async def run(self, bundle, sink) -> Exit:
        """Answer, or not."""
        if self.fails:
            raise WorldError(ErrorKind.DISCONNECTED, "lost", phase=Phase.ANSWER)
        return Exit(0)

    async def close(self) -> None:
        """Count it."""
        self.closed += 1


@dataclass
class Way:
    """Makes connections."""

    fails: bool = False
    made: list[Connection] = field(default_factory=list)
    closed: int = 0

    async def open(self, target: Target) -> Connection:
        """One more."""
        self.made.append(Connection(self.fails))
        return self.made[-1]

    async def close(self) -> None:
        """Count it."""
        self.closed += 1


async def used(parking: Parking, target: Target = WEB1) -> None:
    """An audit's use of a connection."""
    session = await parking.open(target)
    try:
        await session.run(None, None)
    except WorldError:
        pass
    finally:
        await session.close()


def test_a_connection_serves_once_more():
    """It is not closed between, is given to one alone, and is the transport's own again."""

    async def story() -> None:
        way = Way()
        parking = Parking(way)
        await used(parking)
        await parking.close()
        assert (way.made[0], None) == (parking.take("web1"), parking.take("web1"))
        assert ([0], 1) == ([each.closed for each in way.made], way.closed)

    asyncio.run(story())


@pytest.mark.parametrize("fails", [True, False])
def test_what_has_failed_or_said_nothing_is_closed(fails):
    """A connection without one whole answer is no good for another."""

    async def story() -> None:
        way = Way(fails)
        parking = Parking(way)
        if fails:
            await used(parking)
        else:
            await (await parking.open(WEB1)).close()
        assert parking.take("web1") is None
        assert [1] == [each.closed for each in way.made]

    asyncio.run(story())


def test_an_old_one_is_not_given_and_all_are_closed_in_the_end():
    """Who lies between may have forgotten it; clearing keeps those that are still wanted."""

    async def story() -> None:
        way, now = Way(), [0.0]
        parking = Parking(way, clock=lambda: now[0])
        await used(parking, WEB1)
        await used(parking, WEB2)
        await parking.clear(but={"web2"})
        assert [1, 0] == [each.closed for each in way.made]
        now[0] = IDLE_AT_MOST_S + 1
        assert parking.take("web2") is None
        await parking.clear()
        assert [1, 1] == [each.closed for each in way.made]

    asyncio.run(story())


def test_no_more_are_kept_than_there_is_room_for():
    """The others are closed as ever, and so is a second one of a host."""

    async def story() -> None:
        way = Way()
        parking = Parking(way, at_most=1)
        await used(parking, WEB1)
        await used(parking, WEB1)
        await used(parking, WEB2)
        assert [0, 1, 1] == [each.closed for each in way.made]

    asyncio.run(story())
