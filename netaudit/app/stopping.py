"""Ends what is under way: work when somebody asks for it, tasks nobody waits for, connections of silent peers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Coroutine

from netaudit.app.ports import Session

CLOSE_WITHIN_S = 1.0


async def unless_stopped(work: Coroutine[object, object, None], stop: asyncio.Event | None) -> None:
    """Do the work to its end, or until ``stop`` is set: then it is cancelled, and waited for. Raises what it raises."""
    doing = asyncio.create_task(work)
    waits: set[asyncio.Task[object]] = {doing}
    if stop is not None:
        waits.add(asyncio.create_task(stop.wait()))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            doing.result()
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await end(waits)


async def end(tasks: Collection[asyncio.Task[object]]) -> None:
    """Cancel tasks and wait until they have cleaned up. What they raise then is dropped."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def close(session: Session) -> None:
    """Close a connection; after a second a peer that does not answer cannot hold us any longer."""
    closing = asyncio.create_task(session.close())
    await asyncio.wait({closing}, timeout=CLOSE_WITHIN_S)
    closing.cancel()
