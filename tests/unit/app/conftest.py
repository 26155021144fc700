"""A loop whose time passes only when nobody has anything to do, so that hours of a watch take no time."""

from __future__ import annotations

import asyncio
import selectors
from datetime import UTC, datetime, timedelta

import pytest


class _Jumping(selectors.DefaultSelector):
    """Waits for nothing: when nothing is ready, its time is set forward by as much as was to be waited."""

    now = 0.0

    def select(self, timeout=None):
        """What is ready now."""
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everybody waits for somebody else"
            self.now += max(0.0, timeout)
        return ready


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop on such time. ``slept_s`` is what its clock has missed, as a suspended machine does."""

    def __init__(self):
        self.waiting = _Jumping()
        self.slept_s = 0.0
        self.sleeps = []  # (at, for so long): the machine is suspended when its clock reads so much
        super().__init__(self.waiting)

    def time(self):
        """Seconds."""
        return self.waiting.now

    def run_in_executor(self, executor, work, *words):
        """What threads would do is done here and now: time must not skip what they are at."""
        outcome = self.create_future()
        outcome.set_result(work(*words))
        return outcome

    def now(self):
        """Seconds, with those of the sleep. Fits ``app.watch_clock.Clock``."""
        while self.sleeps and self.time() >= self.sleeps[0][0]:
            self.slept_s += self.sleeps.pop(0)[1]
        return self.time() + self.slept_s

    def wall(self):
        """The time of day."""
        return datetime(2026, 11, 20, 14, tzinfo=UTC) + timedelta(seconds=self.now())


@pytest.fixture
def skipping():
    """Such a loop, closed afterwards."""
    loop = SkippingLoop()
    yield loop
    loop.close()
