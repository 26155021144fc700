"""Many hosts write to one journal: what comes while a transaction is on its way to the disk goes into the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, TypeVar

from netaudit.errors import OperatorError
from netaudit.remedy.flow import Entry
from netaudit.remedy.host_side import Change

T = TypeVar("T")
_Queue: TypeAlias = list[tuple[T, "asyncio.Future[bool]"]]  # what is to be written, and who waits for it


class ChangeJournal(Protocol):
    """Keeps what is about to be done. Both return once it is on disk, and raise OperatorError when it cannot be."""

    def begin(self, run_id: str, changes: Sequence[tuple[int, Change]]) -> None:
        """Record changes before any of their hosts is contacted, each with the host's position in the inventory."""
        ...

    def write(self, entries: Sequence[tuple[str, Entry]]) -> None:
        """Add entries, each with the id of its change."""
        ...


@dataclass(slots=True)
class Journalling:
    """The journal of one run. A disk that takes its time holds up nobody but those who wait for it."""

    journal: ChangeJournal
    run_id: str
    _waiting: _Queue[tuple[str, Entry]] = field(default_factory=list)
    _beginning: _Queue[tuple[int, Change]] = field(default_factory=list)
    _writer: asyncio.Task[None] | None = None
    trouble: str = ""  # what the journal said last, when it could not be written

    async def begin(self, position: int, change: Change) -> bool:
        """Whether the change is on record."""
        return await self._queued(self._beginning, (position, change))

    async def write(self, change_id: str, entry: Entry) -> bool:
        """Whether the entry is on disk."""
        return await self._queued(self._waiting, (change_id, entry))

    async def _queued(self, queue: _Queue[T], item: T) -> bool:
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        queue.append((item, written))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        return await asyncio.shield(written)

    async def _write_all(self) -> None:
        while self._beginning or self._waiting:
            beginning, self._beginning = self._beginning, []
            waiting, self._waiting = self._waiting, []
            done = True
            try:
                await asyncio.to_thread(self._commit, [item for item, _ in beginning], [item for item, _ in waiting])
            except OperatorError as error:
                self.trouble = str(error)
                done = False
            for _, written in (*beginning, *waiting):
                if not written.done():
                    written.set_result(done)
        self._writer = None

    def _commit(self, beginning: Sequence[tuple[int, Change]], waiting: Sequence[tuple[str, Entry]]) -> None:
        if beginning:
            self.journal.begin(self.run_id, beginning)
        if waiting:
            self.journal.write(waiting)
