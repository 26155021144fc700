"""The fan-out: bounded, fair, and stopped at once."""

from __future__ import annotations

import asyncio

import pytest

from netaudit.app.fanout import Width, fan_out


def _run(items, work, *, width, stop=None):
    got = {}

    async def main():
        try:
            await fan_out(items, work, width=width, done=got.__setitem__, stop=stop)
        finally:
            assert {asyncio.current_task()} == asyncio.all_tasks(), "something is still under way"

    asyncio.run(main())
    return got


def test_every_item_is_done_once_with_its_place():
    """Results come with the place of their item, whatever order they end in."""

    async def work(number):
        await asyncio.sleep(0)
        return number * 2

    assert {place: place * 2 for place in range(100)} == _run(range(100), work, width=Width(forks=7))


def test_no_more_than_forks_are_at_work():
    """The number of items under way never exceeds the forks while none has lost patience."""
    under_way = most = 0

    async def work(_):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1

    _run(range(50), work, width=Width(forks=5))
    assert 5 == most


def test_stuck_items_do_not_hold_up_the_others():
    """With as many stuck items as forks, the good ones behind them still get done."""
    good = asyncio.Event()
    finished = []

    async def work(name):
        if name.startswith("stuck"):
            await good.wait()
        else:
            finished.append(name)
            if len(finished) == 20:
                good.set()
        return name

    items = [f"stuck{number}" for number in range(4)] + [f"good{number}" for number in range(20)]
    got = _run(items, work, width=Width(forks=4, patience_s=0.01))
    assert 24 == len(got)


def test_what_is_open_in_all_is_bounded():
    """Slow items that gave back their slot still count against the open limit."""
    under_way = most = 0

    async def work(_):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1

    _run(range(40), work, width=Width(forks=2, open_limit=6, patience_s=0.0001))
    assert 2 < most <= 6


def test_stop_cancels_what_runs_and_never_starts_the_rest():
    """After a stop only finished items are known, and the running ones were told."""
    stop = asyncio.Event()
    cancelled = []

    async def work(number):
        if number < 3:
            return number
        if number == 5:
            stop.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(number)
            raise

    got = _run(range(1000), work, width=Width(forks=6), stop=stop)
    assert {0, 1, 2} == set(got)
    assert {3, 4, 5} <= set(cancelled)
    assert len(cancelled) <= 6


def test_a_defect_ends_the_run():
    """An exception that escapes the work is not swallowed."""

    async def work(number):
        if number == 3:
            raise RuntimeError("defect")
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="defect"):
        _run(range(10), work, width=Width(forks=2))
