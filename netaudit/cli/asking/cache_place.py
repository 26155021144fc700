"""Where things are kept that can be worked out again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def cache_folder(environment: Mapping[str, str] | None = None) -> Path | None:
    """``$XDG_CACHE_HOME/netaudit`` or ``~/.cache/netaudit``; None where there is neither."""
    env = os.environ if environment is None else environment
    stated = env.get("XDG_CACHE_HOME", "")
    if stated.startswith("/"):
        return Path(stated, "netaudit")
    home = env.get("HOME", "")
    return Path(home, ".cache", "netaudit") if home.startswith("/") else None
