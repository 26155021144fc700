"""What the database tells of past runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from netaudit.errors import ErrorKind, Phase, StoreError, UsageError, Where
from netaudit.fleet.from_rows import error_from_row, fleet_from_row, summary_from_row
from netaudit.model.context import RunContext
from netaudit.model.probe import Capture, HostError
from netaudit.model.result import BaselineRef, FleetFinding, HostReport, HostStatus, RunInfo, Severity, Summary
from netaudit.store.contexts import context_from_rows, row_of
from netaudit.store.database import Database
from netaudit.store.packing import CheckText, unpack
from netaudit.wire.codec import load_capture

LAST = "last"
_NAMED_AT_MOST = 5
_PAGE_HOSTS = 256
_LOST = HostError(
    ErrorKind.CANCELLED,
    "netaudit ended before the answer of this host was stored",
    Phase.CONNECT,
    "audit the host again",
)

_Row: TypeAlias = tuple[Any, ...]  # columns, whose types the schema states


@dataclass(frozen=True, slots=True)
class StoredRun:
    """One past run. ``finished`` is false while it runs, and for ever when netaudit was killed."""

    info: RunInfo
    summary: Summary
    finished: bool
    captures: int
    capture_bytes: int
    captures_skipped: int  # beyond what one run may keep
    is_imported: bool = False


_SELECT_RUNS = """
    SELECT no, id, command, started_at, version, baseline_name, baseline_sha256, duration_s, host_key_checking,
        probes_digest, bundle_digest, interrupted, pattern, notes, finished, summary, captures_skipped,
        (SELECT count(*) FROM captures WHERE run = no), (SELECT total(bytes) FROM captures WHERE run = no),
        imported_at
    FROM runs
"""


def runs(database: Database, limit: int) -> tuple[StoredRun, ...]:
    """The newest runs, the newest first."""
    rows = list(database.rows(f"{_SELECT_RUNS} ORDER BY id DESC LIMIT ?", limit))
    return tuple(_stored_run(database, row) for row in rows)


def run(database: Database, reference: str) -> StoredRun:
    """The run of this id, or of the only id that begins or ends so, or the newest one for ``last``.

    Raises UsageError when there is no such run, or when there are several.
    """
    ids = _matching_ids(database, reference)
    if not ids:
        raise UsageError(*_no_such_run(database, reference))
    if len(ids) > 1:
        some = ", ".join(ids[:_NAMED_AT_MOST]) + (", …" if len(ids) > _NAMED_AT_MOST else "")
        raise UsageError(f"{reference!r} may be any of the runs {some}", hint="give more of it")
    return run_of(database, ids[0])


def run_of(database: Database, identity: str) -> StoredRun:
    """The run of this very id."""
    (row,) = database.rows(f"{_SELECT_RUNS} WHERE id = ?", identity)
    return _stored_run(database, row)


def _matching_ids(database: Database, reference: str) -> list[str]:
    if reference == LAST:
        rows = database.rows("SELECT id FROM runs ORDER BY id DESC LIMIT 1")
    else:
        rows = database.rows(
            """
            SELECT id FROM runs WHERE id = ?1
            UNION SELECT id FROM runs WHERE ?1 <> '' AND NOT EXISTS (SELECT 1 FROM runs WHERE id = ?1)
                AND (substr(id, 1, length(?1)) = ?1 OR substr(id, -length(?1)) = ?1)
            ORDER BY id DESC
            """,
            reference,
        )
    return [identity for (identity,) in rows]


def _no_such_run(database: Database, reference: str) -> tuple[str, None, str]:
    newest = [identity for (identity,) in database.rows("SELECT id FROM runs ORDER BY id DESC LIMIT 1")]
    if not newest:
        return "no run has been stored yet", None, "netaudit audit makes one"
    return f"there is no run {reference!r}", None, f"the last one is {newest[0]}"


def _stored_run(database: Database, row: _Row) -> StoredRun:
    (no, identity, command, started, version, name, digest, duration_s, checking, probes, bundle) = row[:11]
    (interrupted, pattern, notes, finished, summary, skipped, captures, capture_bytes, imported_at) = row[11:]
    with _intact(database):
        info = RunInfo(
            id=identity,
            command=command,
            started_at=datetime.fromisoformat(started),
            version=version,
            baseline=BaselineRef(name, digest or "") if name is not None else None,
            duration_s=duration_s,
            host_key_checking=checking,
            probes_digest=probes,
            bundle_digest=bundle,
            interrupted=bool(interrupted),
            pattern=pattern,
            notes=tuple(json.loads(notes)),
        )
        totals = summary_from_row(json.loads(summary)) if summary else _summary_so_far(database, no)
    return StoredRun(info, totals, bool(finished), captures, int(capture_bytes), skipped, imported_at is not None)


def _summary_so_far(database: Database, no: int) -> Summary:
    statuses: Mapping[str | None, int] = dict(
        database.rows("SELECT status, count(*) FROM hosts WHERE run = ? GROUP BY status", no)
    )
    ranks = dict(database.rows("SELECT severity, count(*) FROM results WHERE run = ? GROUP BY severity", no))
    return Summary(
        hosts=sum(statuses.values()),
        ok=statuses.get(HostStatus.OK, 0),
        unreachable=statuses.get(HostStatus.UNREACHABLE, 0),
        error=statuses.get(HostStatus.ERROR, 0),
        findings={severity: ranks.get(severity.rank, 0) for severity in Severity},
    )


def reports(database: Database, identity: str) -> Iterator[HostReport]:
    """The hosts of a run in inventory order. Those of which nothing was stored are *unreachable, cancelled*."""
    no, dictionary = _key(database, identity)
    checks = {
        number: CheckText(*texts)
        for number, *texts in database.rows(
            "SELECT no, id, title, layer, unit, remediation FROM checks WHERE run = ?", no
        )
    }
    groups = context(database, identity).groups
    start = 0
    while page := list(
        database.rows(
            """
            SELECT position, name, address, status, duration_s, error, uses_dictionary, body
            FROM hosts WHERE run = ? AND position >= ? ORDER BY position LIMIT ?
            """,
            *(no, start, _PAGE_HOSTS),
        )
    ):
        for row in page:
            with _intact(database):
                yield _report(row, dictionary, checks, groups)
        start = page[-1][0] + 1


def _key(database: Database, identity: str) -> tuple[int, bytes | None]:
    for no, dictionary in database.rows("SELECT no, dictionary FROM runs WHERE id = ?", identity):
        return no, dictionary
    raise UsageError(*_no_such_run(database, identity))


def _report(
    row: _Row, dictionary: bytes | None, checks: Mapping[int, CheckText], groups: Mapping[str, tuple[str, ...]]
) -> HostReport:
    _, name, address, status, duration_s, error, uses_dictionary, body = row
    member_of = groups.get(name, ())
    if status is None:
        return HostReport(name, "", HostStatus.UNREACHABLE, _LOST, 0.0, groups=member_of)
    notes, results = unpack(body, dictionary if uses_dictionary else None, checks)
    trouble = error_from_row(json.loads(error)) if error else None
    return HostReport(name, address, HostStatus(status), trouble, duration_s, results, notes, member_of)


def fleet(database: Database, identity: str) -> tuple[FleetFinding, ...]:
    """The findings across hosts of a run."""
    no, _ = _key(database, identity)
    return fleet_of(database, no)


def fleet_of(database: Database, no: int) -> tuple[FleetFinding, ...]:
    """The same, of the run of this number."""
    with _intact(database):
        bodies = database.rows("SELECT body FROM fleet WHERE run = ? ORDER BY place", no)
        return tuple(fleet_from_row(json.loads(body)) for (body,) in bodies)


def context(database: Database, identity: str) -> RunContext:
    """What a run was held against, and where its hosts are named."""
    no, _ = _key(database, identity)
    with _intact(database):
        rules = row_of(database.rows("SELECT body FROM contexts JOIN runs ON digest = rules WHERE no = ?", no))
        inventory = row_of(database.rows("SELECT body FROM contexts JOIN runs ON digest = inventory WHERE no = ?", no))
        load = row_of(database.rows("SELECT body FROM contexts JOIN runs ON digest = load WHERE no = ?", no))
        return context_from_rows(rules, inventory, load)


def captures(database: Database, identity: str, host: str | None) -> Iterator[Capture]:
    """The raw captures of a run that are still kept, in inventory order; of one host only, if it is named."""
    no, _ = _key(database, identity)
    positions = database.rows(
        """
        SELECT position FROM captures JOIN hosts USING (run, position)
        WHERE run = ?1 AND (?2 IS NULL OR name = ?2) ORDER BY position
        """,
        *(no, host),
    )
    for (position,) in list(positions):
        for (body,) in database.rows("SELECT body FROM captures WHERE run = ? AND position = ?", no, position):
            with _intact(database):
                yield load_capture(body)


def names(database: Database, identity: str) -> tuple[str, ...]:
    """The names of the hosts of a run, in inventory order."""
    no, _ = _key(database, identity)
    return tuple(name for (name,) in database.rows("SELECT name FROM hosts WHERE run = ? ORDER BY position", no))


def captured(database: Database, identity: str) -> Mapping[str, int]:
    """The hosts whose captures are still kept, with their places, in inventory order."""
    no, _ = _key(database, identity)
    return dict(
        database.rows(
            """
            SELECT name, position FROM captures JOIN hosts USING (run, position) WHERE run = ? ORDER BY position
            """,
            no,
        )
    )


def capture(database: Database, identity: str, position: int) -> Capture | None:
    """The capture of the host at this place; None when it is not kept any more."""
    no, _ = _key(database, identity)
    for (body,) in database.rows("SELECT body FROM captures WHERE run = ? AND position = ?", no, position):
        with _intact(database):
            return load_capture(body)
    return None


@contextmanager
def _intact(database: Database) -> Iterator[None]:
    """What is not as it was written becomes a StoreError."""
    try:
        yield
    except (ValueError, KeyError, TypeError) as error:
        message = f"the database of past runs is damaged: {error}"
        raise StoreError(message, Where(str(database.path)), "move the file away, and a new one is made") from error
