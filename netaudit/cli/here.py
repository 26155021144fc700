"""The current directory, which may be gone: then names are told from the root, and nothing is found below it."""

from __future__ import annotations

from pathlib import Path


def here() -> Path:
    """The current directory, or the root where it has been removed under us."""
    try:
        return Path.cwd()
    except OSError:
        return Path("/")
