"""Follows each finding on each host from run to run: since when it stands, when it was fixed, whether it flaps.

This is written with the hosts of a run, so that a question about a thousand runs reads one small table. A host's answer
counts when it is not older than what is known of the host already: captures of last week that are judged again today
change nothing. Imported runs are of somebody else and are not followed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

from netaudit.fleet.jsonable import clean, dumps
from netaudit.model.result import HostReport, HostStatus, RunInfo, Severity, Verdict
from netaudit.model.spell import FLAPPING_WITHIN, Spell
from netaudit.store.database import Database

KEPT_SPELLS = 32  # of one finding on one host
_HOSTS_AT_ONCE = 64
_SEVERITIES = {severity.rank: severity for severity in Severity}

_Row: TypeAlias = tuple[Any, ...]  # columns, whose types the schema states


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one run says of one host: which checks failed, with the rank of the severity, and which are in order."""

    host: str
    at: str
    failed: dict[str, int]
    gone: frozenset[str]


def sighting(report: HostReport, asked_at: datetime) -> Sighting | None:
    """What is to be followed of a host; None when it gave no verdict."""
    if report.status is not HostStatus.OK:
        return None
    failed: dict[str, int] = {}
    gone = set()
    for result in report.results:  # ids of checks are ours: a baseline with odd ones is refused
        if result.verdict is Verdict.FAIL:
            failed[result.check] = max(failed.get(result.check, 0), result.severity.rank)
        elif result.verdict in {Verdict.PASS, Verdict.SKIPPED}:
            gone.add(result.check)
    return Sighting(str(clean(report.name)), _text(asked_at), failed, frozenset(gone - failed.keys()))


def follow(connection: sqlite3.Connection, run: RunInfo, seen: Sequence[Sighting]) -> None:
    """Record what a run has seen of some hosts, in the transaction that is open."""
    rules = rules_of(run)
    for start in range(0, len(seen), _HOSTS_AT_ONCE):
        part = _news(connection, rules, seen[start : start + _HOSTS_AT_ONCE])
        standing = _standing(connection, rules, part)
        changes = _Changes(run.id, rules)
        for each in part:
            changes.take(each, standing.get(each.host, {}))
        changes.write(connection)


def rules_of(run: RunInfo) -> str:
    """What the findings of a run are held against: each baseline has a history of its own."""
    return str(clean(run.baseline.name)) if run.baseline else ""


def _news(connection: sqlite3.Connection, rules: str, seen: Sequence[Sighting]) -> list[Sighting]:
    """Those that are not older than what is known."""
    query = "SELECT host, at FROM watermarks WHERE rules = ? AND host IN (SELECT value FROM json_each(?))"
    known = dict(connection.execute(query, (rules, _names(seen))))
    return [each for each in seen if each.at >= known.get(each.host, "")]


def _standing(
    connection: sqlite3.Connection, rules: str, seen: Sequence[Sighting]
) -> dict[str, dict[str, tuple[str, str]]]:
    """The open spells of these hosts: check -> when and in which run it began."""
    query = """
        SELECT host, check_id, since_at, since_run FROM spells
        WHERE fixed_at IS NULL AND rules = ? AND host IN (SELECT value FROM json_each(?))
    """
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for host, check, at, run in connection.execute(query, (rules, _names(seen))):
        found.setdefault(host, {})[check] = (at, run)
    return found


def _names(seen: Sequence[Sighting]) -> str:
    return dumps([each.host for each in seen])


@dataclass(slots=True)
class _Changes:
    """Rows to write for one run."""

    run_id: str
    rules: str
    begun: list[_Row] = field(default_factory=list)
    seen: list[_Row] = field(default_factory=list)
    ended: list[_Row] = field(default_factory=list)
    marks: list[_Row] = field(default_factory=list)

    def take(self, host: Sighting, standing: dict[str, tuple[str, str]]) -> None:
        """Work out what one host changes."""
        at, run = host.at, self.run_id
        for check, rank in host.failed.items():
            if check in standing:
                self.seen.append((at, run, rank, host.host, check, self.rules, *standing[check]))
            else:
                self.begun.append((host.host, check, self.rules, at, run, at, run, rank))
        for check in standing.keys() & host.gone:
            self.ended.append((at, run, host.host, check, self.rules, *standing[check]))
        self.marks.append((host.host, self.rules, at, run))

    def write(self, connection: sqlite3.Connection) -> None:
        """Write them."""
        connection.executemany("INSERT OR REPLACE INTO watermarks VALUES (?, ?, ?, ?)", self.marks)
        connection.executemany(
            "INSERT OR REPLACE INTO spells VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?, 1)", self.begun
        )
        connection.executemany(
            """
            UPDATE spells SET last_at = ?, last_run = ?, severity = ?, times = times + 1
            WHERE host = ? AND check_id = ? AND rules = ? AND since_at = ? AND since_run = ?
            """,
            self.seen,
        )
        connection.executemany(
            """
            UPDATE spells SET fixed_at = ?, fixed_run = ?
            WHERE host = ? AND check_id = ? AND rules = ? AND since_at = ? AND since_run = ?
            """,
            self.ended,
        )


def forget_old(connection: sqlite3.Connection, before: datetime | None = None) -> None:
    """Delete all but the latest spells of each finding, and those that ended before a moment."""
    if before is not None:
        connection.execute("DELETE FROM spells WHERE fixed_at < ?", (_text(before),))
        connection.execute(
            """
            DELETE FROM spells WHERE last_at < ?1 AND NOT EXISTS (
                SELECT 1 FROM watermarks WHERE watermarks.host = spells.host AND watermarks.rules = spells.rules
                    AND at >= ?1)
            """,
            (_text(before),),
        )
        connection.execute("DELETE FROM watermarks WHERE at < ?", (_text(before),))
    connection.execute(
        """
        DELETE FROM spells WHERE (host, check_id, rules, since_at, since_run) IN (
            SELECT host, check_id, rules, since_at, since_run FROM (
                SELECT *, row_number() OVER (PARTITION BY host, check_id, rules ORDER BY since_at DESC) AS age
                FROM spells
            ) WHERE age > ?)
        """,
        (KEPT_SPELLS,),
    )


_SELECT = """
    SELECT host, check_id, rules, severity, since_at, since_run, last_at, last_run, fixed_at, fixed_run, times,
        (SELECT count(*) FROM spells AS other
            WHERE other.host = spells.host AND other.check_id = spells.check_id AND other.rules = spells.rules
            AND other.since_at <= spells.last_at AND other.since_at >= datetime(spells.last_at, '-{days} days'))
    FROM spells
""".replace("{days}", str(FLAPPING_WITHIN.days))
_OF_RUN = (
    "WHERE since_run <= ?1 AND last_run >= ?1 AND rules = (SELECT ifnull(baseline_name, '') FROM runs WHERE id = ?1)"
)


def spells(
    database: Database, *, host: str | None = None, check: str | None = None, standing: bool = False
) -> Iterator[Spell]:
    """The spells of the hosts and checks that two globs name, by check, then host, then time."""
    statement = f"""
        {_SELECT} WHERE (?1 IS NULL OR host GLOB ?1) AND (?2 IS NULL OR check_id GLOB ?2)
            AND (NOT ?3 OR fixed_at IS NULL) ORDER BY check_id, host, rules, since_at
    """
    yield from map(_spell, database.rows(statement, host, check, standing))


def spells_of_run(database: Database, run_id: str) -> Iterator[Spell]:
    """The spells that a run saw or could have seen: what stood between their first and their last run."""
    yield from map(_spell, database.rows(f"{_SELECT} {_OF_RUN}", run_id))


def fixed_by(database: Database, run_id: str) -> Iterator[Spell]:
    """The spells that ended with a run."""
    statement = f"{_SELECT} WHERE fixed_run = ? ORDER BY check_id, host"
    yield from map(_spell, database.rows(statement, run_id))


def _spell(row: _Row) -> Spell:
    host, check, rules, rank, since_at, since_run, last_at, last_run, fixed_at, fixed_run, times, recent = row
    return Spell(
        host=host,
        check=check,
        rules=rules,
        severity=_SEVERITIES.get(rank, Severity.INFO),
        since_at=_moment(since_at),
        since_run=since_run,
        last_at=_moment(last_at),
        last_run=last_run,
        fixed_at=_moment(fixed_at) if fixed_at else None,
        fixed_run=fixed_run,
        times=times,
        recent=max(1, recent),
    )


def _text(moment: datetime) -> str:
    """A moment as SQLite's own functions write it, so that the two compare as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
