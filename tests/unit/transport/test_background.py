"""Blocking work beside the loop: its outcome comes back, and nobody has to wait for it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from netaudit.transport.background import in_background


def never() -> None:
    """An abort that must not be called."""
    raise AssertionError("aborted")


def test_the_result_comes_back():
    """From another thread, a daemon."""
    seen = []

    def work() -> int:
        seen.append(threading.current_thread())
        return 42

    assert asyncio.run(in_background(work, never)) == 42
    assert seen[0] is not threading.main_thread()
    assert seen[0].daemon


def test_an_exception_comes_back():
    """Whatever it is."""

    def work() -> None:
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        asyncio.run(in_background(work, never))


def test_a_cancelled_wait_aborts_the_work():
    """The wait is over at once; the work notices by what abort has done, and its outcome is dropped."""
    released, ended = threading.Event(), threading.Event()

    def work() -> None:
        released.wait(10)
        ended.set()
        raise OSError("closed")

    async def cancelled() -> None:
        task = asyncio.create_task(in_background(work, released.set))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(ended.wait, 10)

    asyncio.run(cancelled())


def test_work_may_outlive_the_loop():
    """A thread that comes back after the end finds nobody, and that is no error."""
    release, ended = threading.Event(), threading.Event()

    def work() -> None:
        release.wait(10)
        ended.set()

    async def left_alone() -> None:
        task = asyncio.create_task(in_background(work, lambda: None))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(left_alone())
    release.set()
    assert ended.wait(10)
