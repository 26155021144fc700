"""Stored captures judged: CPU and memory, and whether memory grows with the number of hosts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import measure
from figures import Figure

CAPTURES = 10_000
_HERE = Path(__file__).parent


def figures(scratch: Path, *, quick: bool) -> list[Figure]:
    """100 checks on 10,000 stored captures, in a process of its own; then audits of fewer and of more replayed hosts."""
    from startup import NETAUDIT

    count = CAPTURES // 10 if quick else CAPTURES
    judged = measure.run([sys.executable, str(_HERE / "judge.py"), str(count)])
    few, many = (200, 400) if quick else (500, 2000)
    peaks = {}
    for hosts in (few, many):
        directory = scratch / f"captures-{hosts}"
        subprocess.run([sys.executable, str(_HERE / "captures.py"), str(directory), str(hosts)], check=True)
        cost = measure.run([NETAUDIT, "audit", "--from", str(directory), "--no-progress", "-o", "json"], ok=(0, 1))
        peaks[hosts] = cost.peak_bytes
    scale = CAPTURES / count
    return [
        Figure("100 checks on 10,000 stored captures, CPU", judged.cpu_s * scale, "s", 20),
        Figure("100 checks on 10,000 stored captures, peak memory", judged.peak_bytes / 2**20, "MiB", 286),
        Figure(f"audit of {many:,} replayed hosts, peak memory", peaks[many] / 2**20, "MiB"),
        Figure(f"  of that of {few:,} hosts", peaks[many] / peaks[few], "×", 1.15),
    ]
