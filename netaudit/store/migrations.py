"""The schema, as the steps that lead to it. Each step is one transaction together with its own record.

A step is never changed once released: a change is a new step at the end.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from netaudit.errors import StoreError, Where


@dataclass(frozen=True, slots=True)
class Migration:
    """One step, recorded by its name."""

    name: str
    statements: tuple[str, ...]


MIGRATIONS = (
    Migration(
        "0001-runs",
        (
            """
            CREATE TABLE runs (
                no INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,          -- sorts by time
                command TEXT NOT NULL,
                started_at TEXT NOT NULL,         -- ISO 8601, UTC
                version TEXT NOT NULL,
                baseline_name TEXT,
                baseline_sha256 TEXT,
                host_key_checking TEXT NOT NULL,
                probes_digest TEXT NOT NULL,
                bundle_digest TEXT NOT NULL,
                pattern TEXT NOT NULL,
                finished INTEGER NOT NULL DEFAULT 0,
                interrupted INTEGER NOT NULL DEFAULT 0,
                duration_s REAL NOT NULL DEFAULT 0,
                notes TEXT NOT NULL,              -- JSON list
                summary TEXT,                     -- JSON, once finished
                dictionary BLOB,                  -- for the bodies of hosts that say so
                captures_skipped INTEGER NOT NULL DEFAULT 0
            ) STRICT
            """,
            """
            CREATE TABLE hosts (
                run INTEGER NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
                position INTEGER NOT NULL,        -- in inventory order, from 0
                name TEXT NOT NULL,
                address TEXT,                     -- this and the rest: NULL until the host has ended
                status TEXT,
                duration_s REAL,
                error TEXT,                       -- JSON
                uses_dictionary INTEGER,
                body BLOB,                        -- see packing.py
                PRIMARY KEY (run, position)
            ) STRICT
            """,
            """
            CREATE TABLE checks (                 -- what is the same for all hosts of a run
                run INTEGER NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
                no INTEGER NOT NULL,
                id TEXT NOT NULL,
                title TEXT NOT NULL,
                layer TEXT NOT NULL,
                unit TEXT,
                remediation TEXT,
                PRIMARY KEY (run, no)
            ) STRICT, WITHOUT ROWID
            """,
            """
            CREATE TABLE results (                -- failures only
                run INTEGER NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
                check_no INTEGER NOT NULL,
                position INTEGER NOT NULL,
                severity INTEGER NOT NULL,        -- 4 critical … 0 info
                PRIMARY KEY (run, check_no, position)
            ) STRICT, WITHOUT ROWID
            """,
            """
            CREATE TABLE fleet (
                run INTEGER NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
                place INTEGER NOT NULL,
                body TEXT NOT NULL,               -- JSON
                PRIMARY KEY (run, place)
            ) STRICT, WITHOUT ROWID
            """,
            """
            CREATE TABLE captures (
                run INTEGER NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
                position INTEGER NOT NULL,
                bytes INTEGER NOT NULL,
                body BLOB NOT NULL,               -- see netaudit.wire.codec
                PRIMARY KEY (run, position)
            ) STRICT
            """,
        ),
    ),
    Migration(
        "0002-journal",
        (
            """
            CREATE TABLE changes (                -- one host of one run of a remediation
                no INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,          -- by which the host knows it; not a secret
                run TEXT NOT NULL,                -- outlives the run itself: not a reference
                host TEXT NOT NULL,
                position INTEGER NOT NULL,        -- in inventory order, from 0
                owner TEXT NOT NULL,
                begun_at TEXT NOT NULL,           -- ISO 8601, UTC
                work TEXT NOT NULL                -- JSON, see journal_rows.py
            ) STRICT
            """,
            "CREATE INDEX changes_of_run ON changes (run, position)",
            """
            CREATE TABLE journal (                -- only ever added to
                no INTEGER PRIMARY KEY,
                change INTEGER NOT NULL REFERENCES changes (no),
                at TEXT NOT NULL,                 -- ISO 8601, UTC
                state TEXT NOT NULL,              -- as of netaudit.remedy.guard
                action TEXT,                      -- about to be asked of the host
                event TEXT,                       -- or what has led to this state
                detail TEXT NOT NULL,
                body TEXT NOT NULL                -- JSON: values that were read, files as they were
            ) STRICT
            """,
            "CREATE INDEX journal_of_change ON journal (change, no)",
        ),
    ),
    Migration(
        "0003-history",
        (
            "ALTER TABLE runs ADD COLUMN rules TEXT",  # digest of a context
            "ALTER TABLE runs ADD COLUMN inventory TEXT",  # the same
            "ALTER TABLE runs ADD COLUMN imported_at TEXT",  # ISO 8601, UTC; NULL: the run was made here
            """
            CREATE TABLE contexts (               -- what runs have in common, see contexts.py
                digest TEXT NOT NULL PRIMARY KEY,
                body BLOB NOT NULL
            ) STRICT
            """,
            "CREATE INDEX hosts_by_name ON hosts (run, name, position, status)",
            """
            CREATE TABLE watermarks (             -- the latest moment that anything is known of, per host
                host TEXT NOT NULL PRIMARY KEY,
                at TEXT NOT NULL,                 -- ISO 8601, UTC, when the host was asked
                run TEXT NOT NULL                 -- id; the run itself may be gone
            ) STRICT, WITHOUT ROWID
            """,
            """
            CREATE TABLE spells (                 -- of one finding on one host without interruption, see history.py
                host TEXT NOT NULL,
                check_id TEXT NOT NULL,
                since_at TEXT NOT NULL,
                since_run TEXT NOT NULL,
                last_at TEXT NOT NULL,
                last_run TEXT NOT NULL,
                fixed_at TEXT,                    -- NULL: it stands
                fixed_run TEXT,
                severity INTEGER NOT NULL,        -- 4 critical … 0 info, when it was seen last
                times INTEGER NOT NULL,           -- runs that saw it
                PRIMARY KEY (host, check_id, since_at, since_run)
            ) STRICT, WITHOUT ROWID
            """,
            "CREATE INDEX spells_by_check ON spells (check_id, host)",
            "CREATE INDEX spells_standing ON spells (host) WHERE fixed_at IS NULL",
            "CREATE INDEX spells_by_fix ON spells (fixed_run) WHERE fixed_run IS NOT NULL",
            """
            CREATE TABLE keys (                   -- made at random when they are first needed
                name TEXT NOT NULL PRIMARY KEY,
                value BLOB NOT NULL
            ) STRICT
            """,
        ),
    ),
    Migration(
        "0004-spells-by-rules",  # two baselines may disagree about one host for ever
        (
            "DROP TABLE watermarks",
            "DROP TABLE spells",
            """
            CREATE TABLE watermarks (             -- the latest moment that anything is known of, per host and rules
                host TEXT NOT NULL,
                rules TEXT NOT NULL,              -- name of the baseline, or empty
                at TEXT NOT NULL,                 -- when the host was asked, as SQLite's datetime() writes it, UTC
                run TEXT NOT NULL,                -- id; the run itself may be gone
                PRIMARY KEY (host, rules)
            ) STRICT, WITHOUT ROWID
            """,
            """
            CREATE TABLE spells (                 -- of one finding on one host without interruption, see history.py
                host TEXT NOT NULL,
                check_id TEXT NOT NULL,
                rules TEXT NOT NULL,
                since_at TEXT NOT NULL,
                since_run TEXT NOT NULL,
                last_at TEXT NOT NULL,
                last_run TEXT NOT NULL,
                fixed_at TEXT,                    -- NULL: it stands
                fixed_run TEXT,
                severity INTEGER NOT NULL,        -- 4 critical … 0 info, when it was seen last
                times INTEGER NOT NULL,           -- runs that saw it
                PRIMARY KEY (host, check_id, rules, since_at, since_run)
            ) STRICT, WITHOUT ROWID
            """,
            "CREATE INDEX spells_by_check ON spells (check_id, host)",
            "CREATE INDEX spells_standing ON spells (host) WHERE fixed_at IS NULL",
            "CREATE INDEX spells_by_fix ON spells (fixed_run) WHERE fixed_run IS NOT NULL",
        ),
    ),
    Migration(
        "0005-undoes",
        (
            "ALTER TABLE changes ADD COLUMN undoes TEXT NOT NULL DEFAULT ''",  # id of the change that it takes back
            "CREATE INDEX changes_by_undone ON changes (undoes) WHERE undoes <> ''",
        ),
    ),
    Migration("0006-load", ("ALTER TABLE runs ADD COLUMN load TEXT",)),  # digest of a context: of a capacity check
    Migration(
        "0007-rollouts",
        (
            """
            CREATE TABLE rollouts (               -- what a remediation set out to do, see rollouts.py
                run INTEGER PRIMARY KEY REFERENCES runs (no) ON DELETE CASCADE,
                plan BLOB NOT NULL,               -- JSON as of plan_file.py, compressed
                stopped_after INTEGER,            -- number of the last batch that was begun, when others were left
                reason TEXT NOT NULL DEFAULT ''
            ) STRICT
            """,
            """
            CREATE TABLE gates (                  -- one verdict, or one for each part of a large batch
                no INTEGER PRIMARY KEY,
                run INTEGER NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
                batch INTEGER NOT NULL,           -- from 1
                at TEXT NOT NULL,                 -- ISO 8601, UTC
                body TEXT NOT NULL                -- JSON: the reasons, the counters
            ) STRICT
            """,
            "CREATE INDEX gates_of_run ON gates (run, no)",
            """
            CREATE TABLE endings (                -- how a host ended in a batch, as it was told then
                run INTEGER NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
                batch INTEGER NOT NULL,
                host TEXT NOT NULL,
                body TEXT NOT NULL,               -- JSON
                PRIMARY KEY (run, batch, host)
            ) STRICT, WITHOUT ROWID
            """,
        ),
    ),
)

_RECORD = "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT"


def applied(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The names of the steps that this database has taken, in their order."""
    known = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'migrations'").fetchone()[0]
    if not known:
        return ()
    return tuple(name for (name,) in connection.execute("SELECT name FROM migrations ORDER BY name"))


def pending(connection: sqlite3.Connection) -> tuple[Migration, ...]:
    """The steps that it has not taken."""
    done = set(applied(connection))
    return tuple(step for step in MIGRATIONS if step.name not in done)


def refuse_newer(connection: sqlite3.Connection, path: Path) -> None:
    """Raises StoreError when a later netaudit has changed the schema: nothing of it is touched."""
    known = {step.name for step in MIGRATIONS}
    unknown = [name for name in applied(connection) if name not in known]
    if unknown:
        message = f"the database of past runs was made by a newer netaudit (step {unknown[-1]})"
        raise StoreError(message, Where(str(path)), "use that version, or move the file away")


def migrate(connection: sqlite3.Connection) -> None:
    """Take all steps that are missing; safe when two programs do so at once."""
    for step in pending(connection):
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(_RECORD)
            if step.name not in applied(connection):  # another program may have been first
                for statement in step.statements:
                    connection.execute(statement)
                connection.execute("INSERT INTO migrations VALUES (?, datetime('now'))", (step.name,))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # SQLite itself rolls back on a full disk
                connection.execute("ROLLBACK")
            raise
