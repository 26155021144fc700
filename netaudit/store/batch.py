"""Hosts of one run on their way into the database.

Rows wait here until there are enough of them or the last transaction is long enough ago. When another program holds
the lock they wait longer, up to a bound: a run is not held up for the sake of its record.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from netaudit.errors import StoreError
from netaudit.fleet.jsonable import clean, dumps
from netaudit.fleet.rows import error_row
from netaudit.model.probe import Capture
from netaudit.model.result import HostReport, RunInfo
from netaudit.store.database import Database
from netaudit.store.faults import is_busy, store_error
from netaudit.store.history import Sighting, follow, sighting
from netaudit.store.packing import Packed, Packer
from netaudit.store.retention import Retention
from netaudit.wire.codec import dump_capture

BATCH_HOSTS = 64
BATCH_BYTES = 8 * 2**20
BATCH_S = 0.5
_SHORT_WAIT_MS = 250  # for the lock, while hosts are being audited
_TRIES = 4  # short waits in a row, after which the run is not stored any further


@dataclass(frozen=True, slots=True)
class _Host:
    position: int
    report: HostReport
    packed: Packed
    capture: bytes | None
    sighting: Sighting | None


class Batch:
    """Packs the hosts of one run and writes them, some at a time."""

    def __init__(
        self,
        database: Database,
        run_no: int,
        retention: Retention,
        clock: Callable[[], float],
        followed: RunInfo | None = None,
    ) -> None:
        self.run_no = run_no
        self._followed = followed  # the run, if its findings are followed from run to run
        self._database = database
        self._retention = retention
        self._clock = clock
        self._packer = Packer()
        self._hosts: list[_Host] = []
        self._bytes = 0
        self._capture_bytes = 0
        self._captures_skipped = 0
        self._written_at = clock()
        self._waits = 0
        self._failure: StoreError | None = None

    def add(self, position: int, report: HostReport, capture: Capture | None) -> None:
        """Take in one host, and write if it is time. Raises StoreError, and from then on the same one at once."""
        if self._failure is not None:
            raise self._failure
        packed = self._packer.pack(report)
        raw = self._capture(capture)
        seen = None
        if self._followed is not None:
            seen = sighting(report, capture.started_at if capture else self._followed.started_at)
        self._hosts.append(_Host(position, report, packed, raw, seen))
        self._bytes += len(packed.body) + len(raw or b"")
        if self._is_due():
            self.write(wait_ms=_SHORT_WAIT_MS, tries=_TRIES)

    @property
    def has_failed(self) -> bool:
        """Whether something could not be written: what comes after it is not stored either."""
        return self._failure is not None

    def _capture(self, capture: Capture | None) -> bytes | None:
        """The capture as it is kept, or none when the run has used up its share."""
        if capture is None:
            return None
        raw = dump_capture(capture)
        if self._capture_bytes + len(raw) > self._retention.capture_bytes:
            self._captures_skipped += 1
            return None
        self._capture_bytes += len(raw)
        return raw

    def _is_due(self) -> bool:
        if len(self._hosts) >= BATCH_HOSTS or self._bytes >= BATCH_BYTES:
            return True
        return self._clock() - self._written_at >= BATCH_S

    def write(self, *, wait_ms: int | None = None, tries: int = 1) -> None:
        """Write what waits, in one transaction. Raises StoreError, at once or when a lock was met ``tries`` times."""
        if self._failure is not None:
            raise self._failure
        if not self._hosts:
            return
        try:
            with self._database.writing(wait_ms) as connection:
                self._write(connection)
        except sqlite3.Error as error:
            self._waits += 1
            self._written_at = self._clock()
            if is_busy(error) and self._waits < tries:
                return
            self._failure = store_error(self._database.path, error)
            self._hosts.clear()
            raise self._failure from error
        self._packer.forget_written()
        self._hosts.clear()
        self._bytes = 0
        self._waits = 0
        self._written_at = self._clock()

    def _write(self, connection: sqlite3.Connection) -> None:
        run = self.run_no
        if self._packer.new_dictionary is not None:
            connection.execute("UPDATE runs SET dictionary = ? WHERE no = ?", (self._packer.new_dictionary, run))
        if self._captures_skipped:
            connection.execute("UPDATE runs SET captures_skipped = ? WHERE no = ?", (self._captures_skipped, run))
        connection.executemany(
            "INSERT INTO checks VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(run, number, *map(_sayable, key)) for number, key in self._packer.new_checks],
        )
        connection.executemany(
            """
            UPDATE hosts SET address = ?, status = ?, duration_s = ?, error = ?, uses_dictionary = ?, body = ?
            WHERE run = ? AND position = ?
            """,
            [(*_host_columns(host), run, host.position) for host in self._hosts],
        )
        connection.executemany(
            "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)",
            [(run, check, host.position, rank) for host in self._hosts for check, rank in host.packed.failures],
        )
        connection.executemany(
            "INSERT OR REPLACE INTO captures VALUES (?, ?, ?, ?)",
            [(run, host.position, len(host.capture), host.capture) for host in self._hosts if host.capture],
        )
        if self._followed is not None:
            follow(connection, self._followed, [host.sighting for host in self._hosts if host.sighting])


def _host_columns(host: _Host) -> tuple[object, ...]:
    report, packed = host.report, host.packed
    return (
        _sayable(report.address),
        report.status.value,
        report.duration_s,
        dumps(error_row(report.error)) if report.error else None,
        packed.uses_dictionary,
        packed.body,
    )


def _sayable(text: str | None) -> object:
    """The text without lone surrogates, which SQLite refuses."""
    return clean(text)
