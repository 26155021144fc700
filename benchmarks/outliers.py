"""Stored captures compared with each other."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import measure
from figures import Figure
from startup import NETAUDIT

CAPTURES = 5_000
_HERE = Path(__file__).parent


def figures(scratch: Path, *, quick: bool) -> list[Figure]:
    """The odd ones of 5,000 stored captures."""
    count = CAPTURES // 10 if quick else CAPTURES
    directory = scratch / "captures-outliers"
    subprocess.run([sys.executable, str(_HERE / "captures.py"), str(directory), str(count)], check=True)
    cost = measure.run([NETAUDIT, "outliers", "--from", str(directory), "--no-progress", "-o", "json"])
    shutil.rmtree(directory)
    return [
        Figure(f"outliers of {count:,} stored captures, wall", cost.wall_s, "s", 10 * count / CAPTURES),
        Figure("  peak memory", cost.peak_bytes / 1e6, "MB"),
    ]
