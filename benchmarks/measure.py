"""Runs commands as whole processes and says what they cost, by the operating system's own accounting."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """One run of one command: seconds of wall and CPU (its own and its children's), peak memory in bytes."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def run(command: Sequence[str], *, ok: Sequence[int] = (0,), env: dict[str, str] | None = None) -> Cost:
    """Run to the end; raises SystemExit when the command fails."""
    clock = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env)
    assert child.stderr is not None
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - clock
    child.stderr.close()
    if child.returncode not in ok:
        raise SystemExit(f"{command[0]} … exited {child.returncode}: {said.decode(errors='replace')[-2000:]}")
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


@dataclass(frozen=True, slots=True)
class Ratio:
    """What one command costs in terms of another: medians of pairs that ran one after the other."""

    wall: float
    cpu: float
    ours: Cost
    theirs: Cost


def compare(
    ours: Sequence[str],
    theirs: Sequence[str],
    *,
    runs: int,
    ok: Sequence[int] = (0,),
    env: dict[str, str] | None = None,
) -> Ratio:
    """Run the two in turn, one warm-up first, and take the median of the ratios pair by pair."""
    run(ours, ok=ok, env=env), run(theirs)
    pairs = [(run(ours, ok=ok, env=env), run(theirs)) for _ in range(runs)]
    middle = sorted(pairs, key=lambda pair: pair[0].wall_s)[len(pairs) // 2]
    return Ratio(
        statistics.median(a.wall_s / b.wall_s for a, b in pairs),
        statistics.median(a.cpu_s / max(b.cpu_s, 1e-6) for a, b in pairs),
        *middle,
    )


def own_peak_bytes() -> int:
    """The peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
