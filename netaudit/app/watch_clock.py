"""When the rounds of a watch are due: on a grid of one clock that goes on while the machine is asleep.

``loop.time()`` and all timers of the event loop stand still in a suspended machine, so the grid is laid on
CLOCK_BOOTTIME, see clock_gettime(2), and waiting is done in slices: the first one that ends much later than it should
tells of the sleep.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

SLICE_S = 5.0
GAP_S = 30.0  # so much later than it should a slice ends only after a sleep: connections of before are given up


class Clock(Protocol):
    """What time it is."""

    def now(self) -> float:
        """Seconds of a clock that nobody sets and that goes on in a suspended machine."""
        ...

    def wall(self) -> datetime:
        """The time of day (UTC)."""
        ...


class SystemClock:
    """The clocks of this machine."""

    def now(self) -> float:
        """CLOCK_BOOTTIME, or the monotonic clock where there is none."""
        number = getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic() if number is None else time.clock_gettime(number)

    def wall(self) -> datetime:
        """The time of day (UTC)."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Beats:
    """The grid: ``start + n * every_s``."""

    start: float
    every_s: float

    def after(self, moment: float) -> float:
        """The next place of the grid after a round that began at this moment.

        What lies less than half an interval ahead is left out: a round off the grid, as after a sleep, stands for it.
        """
        return self.start + self.every_s * math.ceil((moment - self.start) / self.every_s + 0.5 - 1e-9)

    def latest(self, due: float, now: float) -> float:
        """The place of the grid to count from when a round that was due begins only now: those between are left out."""
        missed = math.floor((now - due) / self.every_s + 1e-9)
        return due + self.every_s * max(0, missed)
