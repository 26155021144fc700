"""Many hosts at once, none in another's way.

A host takes one of ``forks`` slots when its turn comes. One that has not finished after ``patience_s`` gives its slot
back and goes on: so tarpits and slow hosts do not hold up the others. What is open in all is bounded by ``open_limit``,
which follows from the open-file limit, and every host by its own deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from netaudit.app.stopping import end, unless_stopped

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Width:
    """How many hosts at once. ``forks`` are at work; ``open_limit`` bounds those and the slow ones together."""

    forks: int = 32
    open_limit: int = 1024
    patience_s: float = 5.0


class Slots:
    """Leases on a number of slots. A lease that runs out is given back; giving back twice counts once."""

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)

    async def lease(self, for_s: float) -> Callable[[], None]:
        """Wait for a slot; the answer gives it back, and so does the clock after ``for_s`` seconds."""
        await self._free.acquire()
        given_back = False

        def give_back() -> None:
            nonlocal given_back
            if not given_back:
                given_back = True
                timer.cancel()
                self._free.release()

        timer = asyncio.get_running_loop().call_later(for_s, give_back)
        return give_back


async def fan_out(
    items: Sequence[T],
    work: Callable[[T], Awaitable[R]],
    *,
    width: Width,
    done: Callable[[int, R], None],
    stop: asyncio.Event | None = None,
) -> None:
    """Do ``work`` on every item and hand each result to ``done`` with the item's place as it comes.

    ``work`` keeps failures of a host as values: an exception that escapes it is a defect and ends the run. Once
    ``stop`` is set, what is under way is cancelled and the rest never begins; for those ``done`` is not called.
    """
    slots = Slots(width.forks)
    open_now = asyncio.Semaphore(width.open_limit)
    tasks: set[asyncio.Task[None]] = set()

    async def one(place: int, item: T, give_back: Callable[[], None]) -> None:
        try:
            result = await work(item)
        finally:
            give_back()
            open_now.release()
        done(place, result)

    async def feed() -> None:
        for place, item in enumerate(items):
            await open_now.acquire()
            give_back = await slots.lease(width.patience_s)
            task = asyncio.create_task(one(place, item, give_back))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            if failed := [task for task in tasks if task.done() and not task.cancelled() and task.exception()]:
                failed[0].result()
        while tasks:
            await _first_failure(tasks)

    try:
        await unless_stopped(feed(), stop)
    finally:
        await end(tasks)


async def _first_failure(tasks: set[asyncio.Task[None]]) -> None:
    finished, _ = await asyncio.wait(set(tasks), return_when=asyncio.FIRST_EXCEPTION)
    for task in finished:
        task.result()
