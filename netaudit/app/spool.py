"""Keeps the text of each host until all are known, then gives it back in inventory order.

Hosts finish in any order and a report names them in the inventory's. The texts lie in an unnamed temporary file, so
memory does not grow with the fleet; when the disk has no room they are kept in memory instead.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from typing import IO


class Spool:
    """Texts by position. ``close`` gives the disk back; iteration may be done once or often."""

    def __init__(self) -> None:
        self._places: dict[int, tuple[int, int]] = {}
        self._in_memory: dict[int, bytes] = {}
        self._file: IO[bytes] | None = None
        with contextlib.suppress(OSError):  # no room for it: memory will do
            self._file = tempfile.TemporaryFile(prefix="netaudit-")  # noqa: SIM115  # open for as long as the spool

    def put(self, position: int, text: str) -> None:
        """Keep the text of one position."""
        data = text.encode("utf-8", "backslashreplace")
        if self._file is not None:
            try:
                start = self._file.seek(0, 2)
                self._file.write(data)
                self._file.flush()
            except OSError:
                pass  # the disk is full: this one stays in memory
            else:
                self._places[position] = (start, len(data))
                return
        self._in_memory[position] = data

    def __iter__(self) -> Iterator[str]:
        """Every text, by position."""
        for position in sorted(self._places.keys() | self._in_memory.keys()):
            data = self._in_memory.get(position)
            if data is None and self._file is not None:
                start, length = self._places[position]
                self._file.seek(start)
                data = self._file.read(length)
            yield (data or b"").decode()

    def close(self) -> None:
        """Give the disk back."""
        if self._file is not None:
            self._file.close()
