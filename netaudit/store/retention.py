"""How much of the past is kept. The newest run is always kept."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

from netaudit.store.contexts import forget_unused
from netaudit.store.history import forget_old

KEEP_RUNS = 1_000
KEEP_CAPTURE_BYTES = 512 * 2**20


@dataclass(frozen=True, slots=True)
class Retention:
    """Bounds of the database. ``capture_bytes`` bounds one run as well as all runs together."""

    runs: int = KEEP_RUNS
    capture_bytes: int = KEEP_CAPTURE_BYTES


def expire(connection: sqlite3.Connection, retention: Retention) -> None:
    """Delete the oldest runs beyond the number, and the captures of the oldest runs beyond the bytes.

    A run that has not finished is left alone for a day: another program may still be writing it.
    """
    deleted = connection.execute(
        """
        DELETE FROM runs WHERE no IN (SELECT no FROM runs ORDER BY no DESC LIMIT -1 OFFSET ?)
            AND (finished OR started_at < strftime('%Y-%m-%dT%H:%M:%S', 'now', '-1 day'))
        """,
        (max(1, retention.runs),),
    ).rowcount
    if deleted:
        forget_unused(connection)
        forget_old(connection)
    connection.execute(
        """
        DELETE FROM captures WHERE run IN (
            SELECT no FROM (
                SELECT runs.no, row_number() OVER newest AS age, sum(total(bytes)) OVER newest AS bytes_so_far
                FROM captures JOIN runs ON runs.no = captures.run GROUP BY runs.no
                WINDOW newest AS (ORDER BY runs.id DESC)
            ) WHERE age > 1 AND bytes_so_far > ?
        )
        """,
        (retention.capture_bytes,),
    )


def older(connection: sqlite3.Connection, before: datetime) -> tuple[str, ...]:
    """The runs that began before a moment, but for the newest, those that another program may be writing, and those
    that have changed a host of which it is not known how that ended: their journal is what ``resume`` goes by.
    """
    rows = connection.execute(
        """
        SELECT id FROM runs WHERE started_at < ? AND id <> (SELECT max(id) FROM runs)
            AND (finished OR started_at < strftime('%Y-%m-%dT%H:%M:%S', 'now', '-1 day'))
            AND id NOT IN (
                SELECT run FROM changes WHERE coalesce(
                    (SELECT state FROM journal WHERE change = changes.no ORDER BY no DESC LIMIT 1), 'planned'
                ) NOT IN ('persisted', 'rolled_back', 'refused')
            ) ORDER BY id
        """,
        (before.astimezone(UTC).isoformat(),),
    )
    return tuple(identity for (identity,) in rows)


def prune(connection: sqlite3.Connection, before: datetime) -> tuple[str, ...]:
    """Delete the runs that began before a moment, with what is known of that time only; the ids of those deleted."""
    doomed = older(connection, before)
    runs = [(identity,) for identity in doomed]
    connection.executemany("DELETE FROM runs WHERE id = ?", runs)
    connection.executemany("DELETE FROM journal WHERE change IN (SELECT no FROM changes WHERE run = ?)", runs)
    connection.executemany("DELETE FROM changes WHERE run = ?", runs)
    forget_unused(connection)
    forget_old(connection, before)
    return doomed
