"""How long the command takes to start, in units of the interpreter that does nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import measure
from figures import Figure

NETAUDIT = str(Path(sys.executable).with_name("netaudit"))


def figures(_scratch: Path, *, quick: bool) -> list[Figure]:
    """``--version`` and ``audit --help`` against ``python -c pass``."""
    runs = 3 if quick else 21
    nothing = [sys.executable, "-c", "pass"]
    version = measure.compare([NETAUDIT, "--version"], nothing, runs=runs)
    audit_help = measure.compare([NETAUDIT, "audit", "--help"], nothing, runs=runs)
    return [
        Figure("netaudit --version, wall, of python -c pass", version.wall, "×", 3),
        Figure("netaudit audit --help, wall, of python -c pass", audit_help.wall, "×", 8),
    ]
