"""Reads the bytes of files that people name, within a bound."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from netaudit.errors import RuleError, Where

MAX_BYTES = 5 * 2**20


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file, or of a pipe such as a shell's ``<(…)``. Raises RuleError."""
    where = Where(str(path))
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
                raise RuleError("is not a file", where)
            data = stream.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise RuleError("is a folder, and a file is wanted", where) from None
    except FileNotFoundError:
        raise RuleError("there is no such file", where) from None
    except OSError as error:
        raise RuleError(f"cannot be read: {error.strerror or error}", where) from error
    if len(data) > MAX_BYTES:
        raise RuleError(f"is larger than {MAX_BYTES // 2**20} MiB", where)
    return data
