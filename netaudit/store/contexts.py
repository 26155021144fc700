"""The context of a run as bytes to keep, and back.

Rules, inventory and load are kept apart and under the digest of what they say: runs that share them share the bytes.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from netaudit.errors import Where
from netaudit.fleet.jsonable import dumps
from netaudit.model.context import CheckContext, Decision, LoadContext, RunContext

_MAX_BYTES = 64 * 2**20
_TEXTS = ("title", "layer", "severity", "why", "derived", "fix", "risk")
_LISTS = ("caveats", "sources")

Row: TypeAlias = dict[str, Any]  # what JSON holds


def rules_row(context: RunContext) -> Row:
    """The checks, by id."""
    return {name: _check_row(check) for name, check in context.checks.items()}


def inventory_row(context: RunContext) -> Row:
    """Where hosts are named, where it is said what is expected of them, and the hosts of each group."""
    members: dict[str, list[str]] = {}
    for host, groups in context.groups.items():
        for group in groups:
            members.setdefault(group, []).append(host)
    sets: dict[frozenset[str], int] = {}  # of checks, each once: many hosts may set the same variables
    decisions = [
        {
            "where": _where_row(each.where),
            "checks": sets.setdefault(each.checks, len(sets)),
            "hosts": sorted(each.hosts),
        }
        for each in context.decisions
    ]
    return {
        "places": {host: _where_row(place) for host, place in context.places.items()},
        "groups": members,
        **({"decisions": decisions, "checks": [sorted(checks) for checks in sets]} if decisions else {}),
    }


def load_row(context: RunContext) -> Row:
    """The load of a capacity check; nothing of any other run."""
    load = context.load
    if load is None:
        return {}
    members = {pattern: sorted(hosts) for pattern, hosts in load.members.items()}
    return {
        "file": load.file, "text": load.text, "scale": load.scale, "what_if": dict(load.what_if), "members": members
    }  # fmt: skip


def context_from_rows(rules: Row, inventory: Row, load: Row | None = None) -> RunContext:
    """The context that these rows tell of. Raises KeyError, TypeError or ValueError on anything else."""
    groups: dict[str, list[str]] = {}
    for group, hosts in inventory.get("groups", {}).items():
        for host in hosts:
            groups.setdefault(_text(host), []).append(_text(group))
    return RunContext(
        checks={_text(name): _check_from(row) for name, row in rules.items()},
        places={_text(host): _where_from(row) for host, row in inventory.get("places", {}).items()},
        groups={host: tuple(sorted(named)) for host, named in groups.items()},
        load=_load_from(load) if load else None,
        decisions=_decisions_from(inventory),
    )


def _decisions_from(inventory: Row) -> tuple[Decision, ...]:
    sets = [frozenset(map(_text, checks)) for checks in inventory.get("checks", ())]
    try:
        return tuple(
            Decision(_where_from(row["where"]), sets[row["checks"]], frozenset(map(_text, row["hosts"])))
            for row in inventory.get("decisions", ())
        )
    except IndexError as error:
        raise ValueError("a decision is about checks that are not listed") from error


def _load_from(row: Row) -> LoadContext:
    scale = float(row["scale"])
    if not 0 < scale < float("inf"):
        raise ValueError("a load is multiplied by a number above zero")
    return LoadContext(
        file=_text(row["file"]),
        text=_text(row["text"]),
        scale=scale,
        what_if={_text(name): _text(value) for name, value in row["what_if"].items()},
        members={_text(pattern): frozenset(map(_text, hosts)) for pattern, hosts in row["members"].items()},
    )


def keep(connection: sqlite3.Connection, row: Row) -> str | None:
    """The digest under which a row is kept from now on; none of an empty one."""
    if not any(row.values()):
        return None
    text = dumps(row).encode("ascii")
    digest = hashlib.sha256(text).hexdigest()
    if not connection.execute("SELECT 1 FROM contexts WHERE digest = ?", (digest,)).fetchone():
        connection.execute("INSERT INTO contexts VALUES (?, ?)", (digest, zlib.compress(text, 6)))
    return digest


def forget_unused(connection: sqlite3.Connection) -> None:
    """Delete what no run refers to any more."""
    connection.execute(
        """
        DELETE FROM contexts WHERE digest NOT IN (
            SELECT rules FROM runs WHERE rules IS NOT NULL UNION SELECT inventory FROM runs WHERE inventory IS NOT NULL
            UNION SELECT load FROM runs WHERE load IS NOT NULL
        )
        """
    )


def row_of(rows: Iterable[tuple[bytes]]) -> Row:
    """The row whose bytes a query found, or an empty one. Raises ValueError when they are damaged."""
    for (body,) in rows:
        try:
            found = json.loads(zlib.decompressobj().decompress(body, _MAX_BYTES))
        except zlib.error as error:
            raise ValueError(f"the context of a run cannot be read back: {error}") from error
        if not isinstance(found, dict):
            raise TypeError("the context of a run is not an object")
        return found
    return {}


def _check_row(check: CheckContext) -> Row:
    row: Row = {name: getattr(check, name) for name in _TEXTS if getattr(check, name)}
    row |= {name: list(getattr(check, name)) for name in _LISTS if getattr(check, name)}
    if check.where:
        row["where"] = _where_row(check.where)
    return row


def _check_from(row: Mapping[str, Any]) -> CheckContext:
    said: dict[str, Any] = {name: _text(row.get(name, "")) for name in _TEXTS}  # Any: texts, then lists of texts
    said |= {name: tuple(_text(each) for each in row.get(name, ())) for name in _LISTS}
    return CheckContext(**said, where=_where_from(row["where"]) if "where" in row else None)


def _where_row(where: Where) -> list[object]:
    return [where.file, where.line, where.column]


def _where_from(row: object) -> Where:
    if not isinstance(row, list) or len(row) != 3 or not all(type(number) is int for number in row[1:]):
        raise TypeError("a place is a file, a line and a column")
    return Where(_text(row[0]), max(0, row[1]), max(0, row[2]))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text is wanted, not {type(value).__name__}")
    return value
