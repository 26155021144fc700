"""A store in a directory of its own and a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netaudit.model.probe import Capture, Section, SectionStatus
from netaudit.store import Retention, Store, open_store
from netaudit.store.database import Database


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database will be."""
    return tmp_path / "state" / "netaudit" / "netaudit.db"


@pytest.fixture
def store(path: Path, clock: Clock) -> Iterator[Store]:
    """An empty store."""
    with Store(Database(path), Retention(), clock) as opened:
        yield opened


@pytest.fixture
def second(store: Store) -> Iterator[Store]:
    """The same store as another program sees it."""
    with open_store(store.path) as opened:
        yield opened


@pytest.fixture
def capture() -> Capture:
    """A small capture."""
    section = Section("sysctl", SectionStatus.COMPLETE, 0, b"net.core.somaxconn = 128\n\xff", b"", 3)
    started = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    return Capture("web1", "198.18.0.1", "ab" * 32, started, 0.4, (section,))
