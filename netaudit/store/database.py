"""One open SQLite file: how it is opened, and how a transaction is written."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from netaudit.store import location, migrations
from netaudit.store.faults import explained, is_busy

WAIT_MS = 5_000  # for another program's transaction
_OPENING_TRIES = 50
_WAL_BYTES_KEPT = 16 * 2**20


class Database:
    """A connection in write-ahead mode, with the schema of this version. Use it from one thread at a time.

    What is written is on disk when it returns if ``durable``; else a power cut may take the last transactions.
    """

    def __init__(self, path: Path, wait_ms: int = WAIT_MS, *, durable: bool = False) -> None:
        location.prepare(path)
        self.path = path
        self._wait_ms = wait_ms
        self._synchronous = "FULL" if durable else "NORMAL"
        with explained(path):
            self._connection = sqlite3.connect(
                path, timeout=wait_ms / 1000, isolation_level=None, check_same_thread=False
            )
            try:
                self._set_up()
            except BaseException:
                self._connection.close()
                raise

    def _set_up(self) -> None:
        execute = self._connection.execute
        migrations.refuse_newer(self._connection, self.path)
        if not migrations.applied(self._connection):
            execute("PRAGMA auto_vacuum = INCREMENTAL")  # only before the first table is made
        self._write_ahead()
        execute(f"PRAGMA synchronous = {self._synchronous}")
        execute("PRAGMA foreign_keys = ON")
        execute(f"PRAGMA journal_size_limit = {_WAL_BYTES_KEPT}")
        migrations.migrate(self._connection)

    def _write_ahead(self) -> None:
        """Switch to write-ahead mode. While two programs do so for the first time, SQLite does not wait by itself."""
        for attempt in range(_OPENING_TRIES):
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if not is_busy(error) or attempt == _OPENING_TRIES - 1:
                    raise
                time.sleep(0.02)
            else:
                return

    @contextmanager
    def writing(self, wait_ms: int | None = None) -> Iterator[sqlite3.Connection]:
        """One transaction, all or nothing; waits ``wait_ms`` for that of another program. Raises sqlite3.Error."""
        connection = self._connection
        connection.execute(f"PRAGMA busy_timeout = {self._wait_ms if wait_ms is None else wait_ms}")
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # SQLite itself rolls back on a full disk
                connection.execute("ROLLBACK")
            raise

    def rows(self, statement: str, *arguments: object) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, one at a time. Raises StoreError."""
        with explained(self.path):
            self._connection.execute(f"PRAGMA busy_timeout = {self._wait_ms}")
            yield from self._connection.execute(statement, arguments)

    def give_back_space(self) -> None:
        """Return free pages to the file system. Raises sqlite3.Error."""
        self._connection.executescript("PRAGMA incremental_vacuum")  # execute() would free a single page

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._connection.close()


class Opened:
    """What reads and writes an open file, and closes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()
