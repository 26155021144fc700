"""Ctrl-C and SIGTERM: the first asks the run to stop and say what it knows, the second ends the program at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Interrupt:
    """Runs one coroutine and turns signals into an event; in the event loop of ``runner`` where others share it."""

    def __init__(self, runner: asyncio.Runner | None = None) -> None:
        self.stop = asyncio.Event()
        self._runner = runner

    @property
    def heard(self) -> bool:
        """Whether the run was asked to stop."""
        return self.stop.is_set()

    def run(self, work: Coroutine[Any, Any, T]) -> T:  # Any: the type of a coroutine's sends and yields, unused
        """Run ``work`` to its end; it watches ``stop``."""

        async def main() -> T:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self._heard, number)
            try:
                return await work
            finally:
                for number in (signal.SIGINT, signal.SIGTERM):
                    loop.remove_signal_handler(number)
                    signal.signal(number, signal.default_int_handler)

        return asyncio.run(main()) if self._runner is None else self._runner.run(main())

    def _heard(self, number: int) -> None:
        if self.stop.is_set():
            os._exit(128 + number)
        self.stop.set()
