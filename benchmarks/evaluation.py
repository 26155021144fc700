"""Stored captures judged: CPU and memory, and whether memory grows with the number of hosts."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import measure
from figures import Figure
from startup import NETAUDIT

CAPTURES = 10_000
_HERE = Path(__file__).parent


def figures(scratch: Path, *, quick: bool) -> list[Figure]:
    """100 checks on 10,000 stored captures, in a process of its own; then audits of fewer and more replayed hosts."""
    count = CAPTURES // 10 if quick else CAPTURES
    stored = _stored(scratch, count)
    judged = measure.run([sys.executable, str(_HERE / "judge.py"), str(stored)])
    shutil.rmtree(stored)
    few, many = (100, 400) if quick else (500, 2000)
    peaks = {}
    for hosts in (few, many):
        command = [NETAUDIT, "audit", "--from", str(_stored(scratch, hosts)), "--no-progress", "-o", "json"]
        peaks[hosts] = measure.run(command, ok=(0, 1)).peak_bytes
    scale = CAPTURES / count
    return [
        Figure("100 checks on 10,000 stored captures, CPU", judged.cpu_s * scale, "s", 20),
        Figure("  peak memory", judged.peak_bytes / 1e6, "MB", 300),
        Figure(f"audit of {many:,} replayed hosts, peak memory", peaks[many] / 1e6, "MB"),
        Figure(f"  of that of {few:,} hosts", peaks[many] / peaks[few], "×", 1.15),
    ]


def _stored(scratch: Path, hosts: int) -> Path:
    directory = scratch / f"captures-{hosts}"
    subprocess.run([sys.executable, str(_HERE / "captures.py"), str(directory), str(hosts)], check=True)
    return directory
