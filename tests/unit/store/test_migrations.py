"""Each step of the schema is taken once, whole, and recorded."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from netaudit.model.context import RunContext
from netaudit.store import migrations, open_store
from netaudit.store.choosing import Choice
from netaudit.store.migrations import MIGRATIONS, Migration, applied, migrate, pending
from netaudit.store.packing import Packer


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """An empty database in memory."""
    opened = sqlite3.connect(":memory:", isolation_level=None)
    yield opened
    opened.close()


def test_every_step_is_recorded(connection: sqlite3.Connection) -> None:
    """What is applied is no longer pending, and taking the steps again changes nothing."""
    assert applied(connection) == ()
    assert pending(connection) == MIGRATIONS
    migrate(connection)
    migrate(connection)
    assert applied(connection) == tuple(step.name for step in MIGRATIONS)
    assert pending(connection) == ()


def test_a_step_that_fails_leaves_nothing(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a step would be a schema that no version knows."""
    broken = Migration("0002-broken", ("CREATE TABLE half (x INTEGER) STRICT", "CREATE TABLE nonsense ("))
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, broken))
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection)
    assert [step.name for step in pending(connection)] == ["0002-broken"]
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)


def test_steps_are_in_the_order_of_their_names() -> None:
    """The record is sorted by name, so the names carry the order."""
    names = [step.name for step in MIGRATIONS]
    assert names == sorted(set(names))


def test_a_database_of_the_first_version_is_taken_over(path: Path, made_up: ModuleType) -> None:
    """Its runs are shown, and what later steps add is empty for them; new findings are followed from now on."""
    path.parent.mkdir(parents=True)
    report = made_up.host("web1", 3, 2)
    packed = Packer().pack(replace(report, results=()))
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(migrations, "MIGRATIONS", MIGRATIONS[:1])
            migrate(old)
        old.execute(
            "INSERT INTO runs (no, id, command, started_at, version, host_key_checking, probes_digest, bundle_digest,"
            " pattern, notes, finished) VALUES (1, '20260101-000000-0000', 'audit', '2026-01-01T00:00:00+00:00', '0',"
            " 'strict', '', '', 'all', '[]', 1)"
        )
        old.execute("INSERT INTO hosts VALUES (1, 0, 'web1', 'a', 'ok', 0.1, NULL, 0, ?)", (packed.body,))
    with open_store(path) as store:
        assert [each.info.id for each in store.runs()] == ["20260101-000000-0000"]
        assert not store.run("last").is_imported
        assert store.context("20260101-000000-0000") == RunContext()
        assert [(each.name, each.groups) for each in store.reports("20260101-000000-0000")] == [("web1", ())]
        assert list(store.spells()) == []
        assert [each.stored.info.id for each in store.chosen(Choice(host="web*"))] == ["20260101-000000-0000"]
