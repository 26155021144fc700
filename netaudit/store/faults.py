"""What SQLite reports, as one line for the operator."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netaudit.errors import StoreError, Where

_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
_EXPLAINED = (
    (_BUSY, "the database of past runs is locked", "another program holds it: try again when that has ended"),
    (("SQLITE_FULL",), "the disk of the database of past runs is full", "free some space"),
    (("SQLITE_READONLY",), "the database of past runs cannot be written", "check who owns it and its directory"),
    (("SQLITE_CANTOPEN",), "the database of past runs cannot be opened", "check who owns it and its directory"),
    (("SQLITE_PERM", "SQLITE_AUTH"), "the database of past runs is not accessible", "check who owns it"),
    (
        ("SQLITE_CORRUPT", "SQLITE_NOTADB"),
        "the database of past runs is damaged",
        "move the file away, and a new one is made",
    ),
    (("SQLITE_IOERR",), "the database of past runs cannot be read or written", "check its disk"),
)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Errors of SQLite inside become a StoreError that names the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise store_error(path, error) from error


def is_busy(error: sqlite3.Error) -> bool:
    """Whether somebody else holds the lock."""
    return getattr(error, "sqlite_errorname", "").startswith(_BUSY)


def store_error(path: Path, error: sqlite3.Error) -> StoreError:
    """The line for one error, with SQLite's own words when they add something."""
    name = getattr(error, "sqlite_errorname", "")
    for prefixes, message, hint in _EXPLAINED:
        if name.startswith(prefixes):
            return StoreError(message, Where(str(path)), hint)
    return StoreError(f"the database of past runs cannot be used: {error}", Where(str(path)))
