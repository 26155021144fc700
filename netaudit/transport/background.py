"""Blocking work beside the event loop, in threads that hold up neither the loop nor the end of the program."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_background(work: Callable[[], T], abort: Callable[[], None]) -> T:
    """What ``work`` returns or raises, done in a daemon thread of its own.

    When whoever waits is cancelled, ``abort`` is called on the loop: it must make the work fail soon, by closing what
    it waits for. The work is not waited for then; what it returns or raises afterwards is dropped.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def succeed(result: T) -> None:
        if not outcome.done():
            outcome.set_result(result)

    def fail(error: BaseException) -> None:
        if not outcome.done():
            outcome.set_exception(error)

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # whoever waits decides what it means
            _tell(loop, fail, error)
        else:
            _tell(loop, succeed, result)

    threading.Thread(target=run, daemon=True, name="netaudit-worker").start()
    try:
        return await outcome
    except asyncio.CancelledError:
        abort()
        raise


def _tell(loop: asyncio.AbstractEventLoop, what: Callable[[T], None], value: T) -> None:
    """Call on the loop, unless it has been closed meanwhile: then nobody waits any more."""
    try:
        loop.call_soon_threadsafe(what, value)
    except RuntimeError:
        return
