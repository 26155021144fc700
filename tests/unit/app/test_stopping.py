"""Work that is stopped, tasks that are ended, connections of peers that do not answer."""

from __future__ import annotations

import asyncio

import pytest

from netaudit.app import stopping
from netaudit.app.stopping import close, end, unless_stopped


class _Silent:
    """A connection whose peer never answers the closing of it."""

    def __init__(self):
        self.given_up = False

    async def close(self):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.given_up = True
            raise


def test_work_that_is_stopped_has_cleaned_up_before_anything_else_happens():
    """A stop cancels the work and waits for what it does about that."""
    said = []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            said.append("clean")

    async def main():
        stop = asyncio.Event()
        asyncio.get_running_loop().call_soon(stop.set)
        await unless_stopped(work(), stop)
        said.append("stopped")

    asyncio.run(main())
    assert ["clean", "stopped"] == said


@pytest.mark.parametrize("with_stop", [True, False])
def test_work_that_ends_leaves_nothing_behind(with_stop):
    """When the work is done nobody waits for the stop any more; what the work raises is raised."""

    async def work():
        await asyncio.sleep(0)
        raise RuntimeError("defect")

    async def main():
        with pytest.raises(RuntimeError, match="defect"):
            await unless_stopped(work(), asyncio.Event() if with_stop else None)
        assert {asyncio.current_task()} == asyncio.all_tasks()

    asyncio.run(main())


def test_whoever_is_cancelled_takes_the_work_along():
    """Cancelled from without, the work is cancelled too, and the cancellation is not lost."""
    cancelled = []

    async def work():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append("work")
            raise

    async def main():
        task = asyncio.create_task(unless_stopped(work(), asyncio.Event()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ["work"] == cancelled

    asyncio.run(main())


def test_tasks_that_are_ended_have_ended():
    """What a task raises when it is cancelled is dropped, and none is left."""

    async def stubborn():
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError("dropped")

    async def main():
        tasks = {asyncio.create_task(stubborn()) for _ in range(3)}
        await asyncio.sleep(0)
        await end(tasks)
        assert all(task.done() for task in tasks)

    asyncio.run(main())


def test_a_silent_peer_holds_nobody_when_its_connection_is_closed(monkeypatch):
    """Closing waits for a while, then goes on without the peer's answer."""
    monkeypatch.setattr(stopping, "CLOSE_WITHIN_S", 0.01)
    session = _Silent()

    async def main():
        await asyncio.wait_for(close(session), 30)
        await asyncio.sleep(0)
        assert session.given_up

    asyncio.run(main())
