"""Where the database lies, and how it comes to be readable by its owner alone.

Modes do not depend on the umask: directories are 0700, and the file exists with 0600 before SQLite opens it, which
gives its ``-wal`` and ``-shm`` the same mode.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from netaudit.errors import StoreError, Where

_DIRECTORY_MODE = 0o700
_FILE_MODE = 0o600


def default_path(environment: Mapping[str, str]) -> Path:
    """``netaudit/netaudit.db`` under ``$XDG_STATE_HOME`` or ``~/.local/state`` (XDG Base Directory Specification)."""
    stated = environment.get("XDG_STATE_HOME", "")
    if stated.startswith("/"):  # a relative path is to be ignored
        return Path(stated, "netaudit", "netaudit.db")
    home = environment.get("HOME", "")
    if not home.startswith("/"):
        raise StoreError("there is no place for past runs: neither XDG_STATE_HOME nor HOME is an absolute path")
    return Path(home, ".local", "state", "netaudit", "netaudit.db")


def prepare(path: Path) -> None:
    """Create the file and the directories it lies in, private to their owner. Raises StoreError."""
    try:
        _make_directory(path.parent)
        _make_file(path)
    except OSError as error:
        raise StoreError(f"past runs cannot be kept: {error.strerror}", Where(str(path))) from error


def _make_directory(directory: Path) -> None:
    missing = [each for each in (directory, *directory.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=_DIRECTORY_MODE, exist_ok=True)  # two runs may start at once
    _tighten(directory, _DIRECTORY_MODE)


def _make_file(path: Path) -> None:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, _FILE_MODE)
    except FileExistsError:
        if not path.is_file():
            raise StoreError("past runs cannot be kept: not a regular file", Where(str(path))) from None
        for each in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            if each.exists():
                _tighten(each, _FILE_MODE)
    else:
        os.close(descriptor)


def _tighten(path: Path, mode: int) -> None:
    """Take away what others may do, if it is ours."""
    found = path.stat()
    if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & ~mode:
        path.chmod(mode)
