"""The journal of changes: each step is on disk here before it is asked of a host, so that a crash leaves no riddle.

Only ever added to. A transaction is on disk when it returns (``synchronous = FULL``); where it cannot be, StoreError
is raised, and the change is not begun, or called off. No secret is in it: the token by which a host knows its
controller stays in that controller's memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from netaudit.errors import StoreError, UsageError, Where
from netaudit.fleet.jsonable import clean
from netaudit.remedy.flow import Entry
from netaudit.remedy.host_side import Change
from netaudit.remedy.record import ChangeRecord
from netaudit.store.database import Database, Opened
from netaudit.store.faults import explained
from netaudit.store.journal_rows import body_text, entry_from, work_from, work_text

LAST = "last"
_NAMED_AT_MOST = 5


def open_journal(path: Path, *, must_exist: bool = False) -> Journal:
    """The journal in this file, which is made unless it ``must_exist``. Raises StoreError."""
    if must_exist and not path.exists():
        raise StoreError("no run has been stored yet", Where(str(path)), "netaudit fix makes one that can be undone")
    return Journal(Database(path, durable=True))


class Journal(Opened):
    """All changes of all runs. Use it from one thread at a time, and close it."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._numbers: dict[str, int] = {}

    def begin(self, run_id: str, changes: Sequence[tuple[int, Change]]) -> None:
        """Record what is about to be done on hosts, each with its position. On disk when this returns."""
        now = _now()
        with explained(self._database.path), self._database.writing() as connection:
            for position, change in changes:
                cursor = connection.execute(
                    "INSERT INTO changes (id, run, host, position, owner, begun_at, work, undoes) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(change.id, run_id, clean(change.work.host), position, clean(change.owner), now),
                        *(work_text(change.work), change.undoes),
                    ),
                )
                self._numbers[change.id] = cursor.lastrowid or 0

    def write(self, entries: Sequence[tuple[str, Entry]]) -> None:
        """Add entries, each with the id of its change, in one transaction. On disk when this returns."""
        now = _now()
        numbers = [self._number(identity) for identity, _ in entries]
        with explained(self._database.path), self._database.writing() as connection:
            connection.executemany(
                "INSERT INTO journal (change, at, state, action, event, detail, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (number, now, entry.state, entry.action, entry.event, clean(entry.detail), body_text(entry))
                    for number, (_, entry) in zip(numbers, entries, strict=True)
                ],
            )

    def _number(self, identity: str) -> int:
        if identity not in self._numbers:
            for (number,) in self._database.rows("SELECT no FROM changes WHERE id = ?", identity):
                self._numbers[identity] = number
        if identity not in self._numbers:
            raise StoreError(f"the change {identity} was not begun", Where(str(self._database.path)))
        return self._numbers[identity]

    def run_id(self, reference: str, *, is_to_be_undone: bool = False) -> str:
        """The run with changes of this id, or of the only id that begins or ends so, or the newest one for ``last``.

        ``last`` names no run that has itself taken back changes where it ``is_to_be_undone``: who says it twice
        does not want the changes back. Raises UsageError when there is no such run, or when there are several.
        """
        ids: list[str] = [run for (run,) in self._database.rows("SELECT DISTINCT run FROM changes ORDER BY run DESC")]
        if reference == LAST:
            undoing = {run for (run,) in self._database.rows("SELECT DISTINCT run FROM changes WHERE undoes <> ''")}
            found = [run for run in ids if not (is_to_be_undone and run in undoing)][:1]
        else:
            found = [run for run in ids if run == reference] or [
                run for run in ids if reference and (run.startswith(reference) or run.endswith(reference))
            ]
        if not found:
            hint = f"the last one is {ids[0]}" if ids else "netaudit fix makes one"
            raise UsageError(f"there is no run {reference!r} that has changed hosts", hint=hint)
        if len(found) > 1:
            some = ", ".join(found[:_NAMED_AT_MOST]) + (", …" if len(found) > _NAMED_AT_MOST else "")
            raise UsageError(f"{reference!r} may be any of the runs {some}", hint="give more of it")
        return found[0]

    def changes(self, run_id: str) -> tuple[ChangeRecord, ...]:
        """All changes of one run, in the order in which they were begun. Raises StoreError."""
        rows = self._database.rows(
            "SELECT no, id, run, host, position, owner, begun_at, work, undoes FROM changes WHERE run = ? ORDER BY no",
            run_id,
        )
        with _intact(self._database.path):
            return tuple(
                ChangeRecord(identity, run, host, position, owner, datetime.fromisoformat(begun), work_from(work),
                             self._entries(number), undoes)
                for number, identity, run, host, position, owner, begun, work, undoes in list(rows)
            )  # fmt: skip

    def undone(self, run_id: str) -> Mapping[str, str]:
        """The changes of a run that were taken back since and still are, by id, each with the run that did it."""
        rows = self._database.rows(
            """
            SELECT undoes, id, run FROM changes WHERE undoes <> ''
                AND (SELECT state FROM journal WHERE change = changes.no ORDER BY no DESC LIMIT 1) = 'persisted'
            ORDER BY no
            """
        )
        undoers: dict[str, list[tuple[str, str]]] = {}
        for undone, identity, run in rows:
            undoers.setdefault(undone, []).append((identity, run))

        def undoer(identity: str) -> str:
            """The last run that took it back and was not taken back itself; a change is always younger than it."""
            standing = [run for later, run in undoers.get(identity, ()) if not undoer(later)]
            return standing[-1] if standing else ""

        mine = [identity for (identity,) in self._database.rows("SELECT id FROM changes WHERE run = ?", run_id)]
        return {identity: run for identity in mine if (run := undoer(identity))}

    def unfinished(self) -> tuple[str, ...]:
        """The runs with a change whose end is not known, the newest first."""
        rows = self._database.rows(
            """
            SELECT DISTINCT run FROM changes
            WHERE coalesce((SELECT state FROM journal WHERE change = changes.no ORDER BY no DESC LIMIT 1), 'planned')
                NOT IN ('persisted', 'rolled_back', 'refused')
                AND EXISTS (SELECT 1 FROM journal WHERE change = changes.no)
            ORDER BY run DESC
            """
        )
        return tuple(run for (run,) in rows)

    def _entries(self, number: int) -> tuple[Entry, ...]:
        rows = self._database.rows(
            "SELECT state, action, event, detail, body FROM journal WHERE change = ? ORDER BY no", number
        )
        return tuple(entry_from(*row) for row in rows)


@contextmanager
def _intact(path: Path) -> Iterator[None]:
    """What is not as it was written becomes a StoreError."""
    try:
        yield
    except (ValueError, KeyError, TypeError) as error:
        message = f"the journal of changes is damaged: {error}"
        raise StoreError(message, Where(str(path)), "move the file away, and a new one is made") from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
