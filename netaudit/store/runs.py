"""The store as the use cases see it: runs are begun, filled host by host, finished, and read again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from netaudit.errors import StoreError, Where
from netaudit.fleet.jsonable import clean, dumps
from netaudit.fleet.rows import fleet_row, summary_row
from netaudit.model.context import NO_CONTEXT, RunContext
from netaudit.model.probe import Capture
from netaudit.model.result import FleetFinding, HostReport, RunInfo, Summary
from netaudit.model.spell import Spell
from netaudit.store import contexts, history, reading
from netaudit.store.batch import Batch
from netaudit.store.database import Database, Opened
from netaudit.store.faults import explained
from netaudit.store.reading import StoredRun
from netaudit.store.retention import Retention, expire, older, prune

if TYPE_CHECKING:
    from netaudit.store.choosing import Choice, ChosenRun


def open_store(path: Path, *, retention: Retention | None = None, must_exist: bool = False) -> Store:
    """The store in this file, which is made unless it ``must_exist``. Raises StoreError."""
    if must_exist and not path.exists():
        raise StoreError("no run has been stored yet", Where(str(path)), "netaudit audit makes one")
    return Store(Database(path), retention or Retention())


class Store(Opened):
    """Past and present runs. Every method may raise StoreError. Use it from one thread at a time, and close it."""

    def __init__(self, database: Database, retention: Retention, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(database)
        self._retention = retention
        self._clock = clock
        self._batches: dict[str, Batch] = {}

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    def begin(self, run: RunInfo, hosts: Sequence[str], context: RunContext = NO_CONTEXT) -> None:
        """Record that a run starts over these hosts, in inventory order. It is on disk when this returns."""
        self._begin(run, hosts, context, None)

    def begin_import(self, run: RunInfo, hosts: Sequence[str], context: RunContext) -> None:
        """Record that a run of somebody else is taken in; its findings are not followed."""
        self._begin(run, hosts, context, datetime.now(UTC).isoformat())

    def _begin(self, run: RunInfo, hosts: Sequence[str], context: RunContext, imported_at: str | None) -> None:
        with explained(self.path), self._database.writing() as connection:
            if connection.execute("SELECT 1 FROM runs WHERE id = ?", (run.id,)).fetchone():
                raise StoreError(f"the run {run.id} is stored already", Where(str(self.path)))
            cursor = connection.execute(
                """
                INSERT INTO runs (id, command, started_at, version, baseline_name, baseline_sha256, host_key_checking,
                    probes_digest, bundle_digest, pattern, notes, rules, inventory, load, imported_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                (
                    *_run_columns(run),
                    contexts.keep(connection, contexts.rules_row(context)),
                    contexts.keep(connection, contexts.inventory_row(context)),
                    contexts.keep(connection, contexts.load_row(context)),
                    imported_at,
                ),
            )
            no = cursor.lastrowid or 0
            connection.executemany(
                "INSERT INTO hosts (run, position, name) VALUES (?, ?, ?)",
                ((no, position, clean(name)) for position, name in enumerate(hosts)),
            )
        followed = run if imported_at is None else None
        self._batches[run.id] = Batch(self._database, no, self._retention, self._clock, followed=followed)

    def add_host(self, run_id: str, position: int, report: HostReport, capture: Capture | None) -> None:
        """Record what became of one host. It is on disk with its batch: with the first host after half a second."""
        self._batch(run_id).add(position, report, capture)

    def finish(self, run: RunInfo, summary: Summary, fleet: Sequence[FleetFinding]) -> None:
        """Record that the run has ended, and how; then delete what is older than the retention allows."""
        batch = self._batch(run.id)
        batch.write()
        with explained(self.path):
            with self._database.writing() as connection:
                connection.execute(
                    """
                    UPDATE runs SET finished = 1, interrupted = ?, duration_s = ?, notes = ?, summary = ?,
                        bundle_digest = ? WHERE no = ?
                    """,
                    (
                        run.interrupted,
                        run.duration_s,
                        dumps(run.notes),
                        dumps(summary_row(summary)),
                        run.bundle_digest,
                        batch.run_no,
                    ),
                )
                connection.executemany(
                    "INSERT INTO fleet VALUES (?, ?, ?)",
                    [(batch.run_no, place, dumps(fleet_row(each))) for place, each in enumerate(fleet)],
                )
            del self._batches[run.id]
            self._expire()

    def _batch(self, run_id: str) -> Batch:
        if run_id not in self._batches:
            raise StoreError(f"the run {run_id} was not begun here", Where(str(self.path)))
        return self._batches[run_id]

    def _expire(self) -> None:
        with self._database.writing() as connection:
            expire(connection, self._retention)
        self._database.give_back_space()

    def runs(self, limit: int = 20) -> tuple[StoredRun, ...]:
        """The newest runs, the newest first."""
        return reading.runs(self._database, limit)

    def run(self, reference: str) -> StoredRun:
        """The run of this id, or of the only id that begins or ends so, or the newest one for ``last``.

        Raises UsageError when there is no such run, or when there are several.
        """
        return reading.run(self._database, reference)

    def reports(self, run_id: str) -> Iterator[HostReport]:
        """The hosts of a run in inventory order, one at a time, those included that wait to be written."""
        if run_id in self._batches:
            self._batches[run_id].write()
        return reading.reports(self._database, run_id)

    def fleet(self, run_id: str) -> tuple[FleetFinding, ...]:
        """The findings across hosts of a run."""
        return reading.fleet(self._database, run_id)

    def context(self, run_id: str) -> RunContext:
        """What the run was held against, and where its hosts are named; empty when it was not kept."""
        return reading.context(self._database, run_id)

    def captures(self, run_id: str, host: str | None = None) -> Iterator[Capture]:
        """The raw captures of a run that are still kept, in inventory order; of one host only, if it is named."""
        if run_id in self._batches:
            self._batches[run_id].write()
        return reading.captures(self._database, run_id, host)

    def captured(self, run_id: str) -> Mapping[str, int]:
        """The hosts of a run whose captures are still kept, with their places, in inventory order."""
        return reading.captured(self._database, run_id)

    def capture(self, run_id: str, position: int) -> Capture | None:
        """The capture of the host at this place; None when it is not kept any more."""
        return reading.capture(self._database, run_id, position)

    def names(self, run_id: str) -> tuple[str, ...]:
        """The names of the hosts of a run, in inventory order."""
        return reading.names(self._database, run_id)

    def hosts(self, run_id: str) -> frozenset[str]:
        """The names of the hosts of a run."""
        return frozenset(self.names(run_id))

    def ids(self) -> tuple[str, ...]:
        """The ids of all runs, the newest first."""
        return tuple(identity for (identity,) in self._database.rows("SELECT id FROM runs ORDER BY id DESC"))

    def key(self, name: str) -> bytes:
        """The random key of this name, which is made when it is first asked for and stays with the history."""
        from netaudit.store.export import new_key  # an audit writes no file and reads no past run

        with explained(self.path), self._database.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", (name, new_key()))
            (value,) = connection.execute("SELECT value FROM keys WHERE name = ?", (name,)).fetchone()
            return bytes(value)

    def chosen(self, choice: Choice) -> Iterator[ChosenRun]:
        """The runs of a choice, the newest first, with the totals of the hosts and checks that it names."""
        from netaudit.store import choosing

        return choosing.chosen(self._database, choice)

    def spells(self, *, host: str | None = None, check: str | None = None, standing: bool = False) -> Iterator[Spell]:
        """How long findings have stood on the hosts and of the checks that two globs name, by check and host."""
        return history.spells(self._database, host=host, check=check, standing=standing)

    def spells_of_run(self, run_id: str) -> Iterator[Spell]:
        """How long the findings of a run had stood, and have since."""
        return history.spells_of_run(self._database, run_id)

    def fixed_by(self, run_id: str) -> Iterator[Spell]:
        """The findings that a run was the first to see gone."""
        return history.fixed_by(self._database, run_id)

    def abandon(self, run_id: str) -> None:
        """Forget a run that was begun here and will not be finished."""
        self._batches.pop(run_id, None)
        self.delete([run_id])

    def delete(self, run_ids: Iterable[str]) -> None:
        """Forget these runs with all that belongs to them; since when findings stand is still known."""
        with explained(self.path):
            with self._database.writing() as connection:
                connection.executemany("DELETE FROM runs WHERE id = ?", [(run_id,) for run_id in run_ids])
                contexts.forget_unused(connection)
            self._database.give_back_space()

    def older(self, before: datetime) -> tuple[str, ...]:
        """The runs that ``prune`` would forget."""
        with explained(self.path), self._database.writing() as connection:
            return older(connection, before)

    def prune(self, before: datetime) -> tuple[str, ...]:
        """Forget the runs that began before a moment; the ids of those. The newest run always stays."""
        with explained(self.path):
            with self._database.writing() as connection:
                deleted = prune(connection, before)
            self._database.give_back_space()
        return deleted

    def close(self) -> None:
        """Write what waits and close the file; safe to call twice."""
        batches, self._batches = self._batches, {}
        try:
            for batch in batches.values():
                if not batch.has_failed:
                    batch.write()
        finally:
            self._database.close()


def _run_columns(run: RunInfo) -> tuple[object, ...]:
    baseline = run.baseline
    return (
        run.id,
        run.command,
        run.started_at.isoformat(),
        run.version,
        clean(baseline.name) if baseline else None,
        baseline.sha256 if baseline else None,
        run.host_key_checking,
        run.probes_digest,
        run.bundle_digest,
        clean(run.pattern),
        dumps(run.notes),
    )
