"""Each step of the schema is taken once, whole, and recorded."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from netaudit.store import migrations
from netaudit.store.migrations import MIGRATIONS, Migration, applied, migrate, pending


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
