"""Which past runs a question is about, with the totals of the hosts and checks that it names.

Answered from indexes: the results of the hosts themselves are not unpacked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from netaudit.fleet.from_rows import summary_from_row
from netaudit.model.result import FleetFinding, HostStatus, Severity, Summary, Verdict
from netaudit.remedy.rolled import GOOD
from netaudit.store import reading
from netaudit.store.contexts import row_of
from netaudit.store.database import Database
from netaudit.store.reading import StoredRun

_FEW_HOSTS = 16  # so few are looked up one by one
_GOOD = {outcome.value for outcome in GOOD}

_Row: TypeAlias = tuple[Any, ...]  # columns, whose types the schema states


@dataclass(frozen=True, slots=True)
class Choice:
    """Runs to look for. ``host`` and ``check`` are globs; a run without such a host or check is left out."""

    host: str | None = None
    group: str | None = None
    check: str | None = None
    command: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 20

    @property
    def is_partial(self) -> bool:
        """Whether it names a part of the hosts or checks."""
        return any(each is not None for each in (self.host, self.group, self.check))


@dataclass(frozen=True, slots=True)
class ChosenRun:
    """A run, and the totals of what was chosen of it. ``waived`` and ``unknown`` count only when all was chosen."""

    stored: StoredRun
    summary: Summary


def chosen(database: Database, choice: Choice) -> Iterator[ChosenRun]:
    """The runs of a choice, the newest first."""
    left = choice.limit
    members = _Members(database)
    for no, identity, inventory in _candidates(database, choice):
        if left == 0:
            return
        if not choice.is_partial:
            stored = reading.run_of(database, identity)
            left -= 1
            yield ChosenRun(stored, stored.summary)
            continue
        summary = _part(database, no, choice, members.of(inventory, choice.group))
        if summary is not None:
            left -= 1
            yield ChosenRun(reading.run_of(database, identity), summary)


def _candidates(database: Database, choice: Choice) -> list[_Row]:
    return list(
        database.rows(
            """
            SELECT no, id, inventory FROM runs WHERE (?1 IS NULL OR command = ?1)
                AND (?2 IS NULL OR started_at >= ?2) AND (?3 IS NULL OR started_at < ?3) ORDER BY id DESC
            """,
            *(choice.command, _text(choice.since), _text(choice.until)),
        )
    )


def _text(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


class _Members:
    """The hosts of a group, once for each inventory."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[tuple[str | None, str], frozenset[str]] = {}

    def of(self, inventory: str | None, group: str | None) -> frozenset[str] | None:
        """The members in the inventory of this digest; None when no group is asked for."""
        if group is None:
            return None
        key = (inventory, group)
        if key not in self._known:
            row = row_of(self._database.rows("SELECT body FROM contexts WHERE digest = ?", inventory))
            self._known[key] = frozenset(row.get("groups", {}).get(group, ()))
        return self._known[key]


def _part(database: Database, no: int, choice: Choice, members: frozenset[str] | None) -> Summary | None:
    """The totals of the chosen part of a run; None when it has no such host or check."""
    hosts = _hosts(database, no, choice.host, members)
    checks = _checks(database, no, choice.check)
    across = _across(database, no, choice, {name for _, _, name in hosts})
    if not hosts or (checks is not None and not checks and not across):
        return None
    everyone = choice.host is None and members is None
    counts = _counts(database, no, None if everyone else [position for position, _, _ in hosts], checks)
    for finding in across:
        counts[finding.severity] = counts.get(finding.severity, 0) + 1
    changed = _changed(database, no) if any(status is None for _, status, _ in hosts) else {}
    statuses = [status or changed.get(name, HostStatus.UNREACHABLE) for _, status, name in hosts]
    return Summary(
        hosts=len(hosts),
        ok=statuses.count(HostStatus.OK),
        unreachable=statuses.count(HostStatus.UNREACHABLE),
        error=statuses.count(HostStatus.ERROR),
        findings={severity: counts.get(severity, 0) for severity in Severity},
    )


def _hosts(database: Database, no: int, glob: str | None, members: frozenset[str] | None) -> list[_Row]:
    """Position, status and name of the chosen hosts."""
    if glob is not None and not set(glob) & set("*?["):
        found = database.rows("SELECT position, status, name FROM hosts WHERE run = ? AND name = ?", no, glob)
    else:
        found = database.rows(
            "SELECT position, status, name FROM hosts WHERE run = ?1 AND (?2 IS NULL OR name GLOB ?2)", no, glob
        )
    return [row for row in found if members is None or row[2] in members]


def _changed(database: Database, no: int) -> Mapping[str, HostStatus]:
    """How the hosts of a run fared that changed them, as its totals count them; of other runs nothing."""
    ends = list(database.rows("SELECT host, json_extract(body, '$.outcome') FROM endings WHERE run = ?", no))
    if ends:
        bad = {host for host, outcome in ends if outcome not in _GOOD}
        return {host: HostStatus.ERROR if host in bad else HostStatus.OK for host, _ in ends}
    for (summary,) in database.rows("SELECT summary FROM runs WHERE no = ? AND summary IS NOT NULL", no):
        totals = summary_from_row(json.loads(summary))
        if totals.hosts == totals.ok:  # an undo, of which no endings are kept
            names = database.rows("SELECT name FROM hosts WHERE run = ?", no)
            return {name: HostStatus.OK for (name,) in names}
    return {}


def _checks(database: Database, no: int, glob: str | None) -> list[int] | None:
    """The numbers of the chosen checks in this run; None means all."""
    if glob is None:
        return None
    return [number for (number,) in database.rows("SELECT no FROM checks WHERE run = ? AND id GLOB ?", no, glob)]


def _counts(
    database: Database, no: int, positions: Sequence[int] | None, checks: Sequence[int] | None
) -> dict[Severity, int]:
    """Failures by severity."""
    if positions is not None and len(positions) <= _FEW_HOSTS:
        few = database.rows(
            """
            SELECT severity, count(*) FROM checks CROSS JOIN json_each(?2) CROSS JOIN results
                ON results.run = checks.run AND results.check_no = checks.no AND results.position = json_each.value
            WHERE checks.run = ?1 AND (?3 IS NULL OR checks.no IN (SELECT value FROM json_each(?3))) GROUP BY severity
            """,
            *(no, json.dumps(positions), None if checks is None else json.dumps(checks)),
        )
        return _by_severity(few)
    many = database.rows(
        """
        SELECT severity, count(*) FROM results WHERE run = ?1
            AND (?2 IS NULL OR position IN (SELECT value FROM json_each(?2)))
            AND (?3 IS NULL OR check_no IN (SELECT value FROM json_each(?3))) GROUP BY severity
        """,
        *(no, None if positions is None else json.dumps(positions), None if checks is None else json.dumps(checks)),
    )
    return _by_severity(many)


def _by_severity(rows: Iterator[_Row]) -> dict[Severity, int]:
    numbers: Mapping[int, int] = dict(rows)
    return {severity: numbers.get(severity.rank, 0) for severity in Severity}


def _across(database: Database, no: int, choice: Choice, names: set[str]) -> list[FleetFinding]:
    """Failures across hosts that name a chosen host and a chosen check."""
    return [
        finding
        for finding in reading.fleet_of(database, no)
        if finding.verdict is Verdict.FAIL
        and (choice.check is None or fnmatchcase(finding.check, choice.check))
        and names.intersection(finding.hosts)
    ]
