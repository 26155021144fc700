"""A guarded change of a whole lab fleet against an audit of the same fleet, with no soak asked for.

The lab's hosts work on this machine as well, and all of it is bound by its processors. So the figure counts what a
change makes of work altogether: the audit that the plan is made of, the re-audit before the confirmation with a login
of its own, and the guard on the host. What of it is the controller's own is told apart.
"""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import measure
from figures import Figure
from startup import NETAUDIT

from netaudit.lab import Lab, network

HOSTS = 100
CHECK = "tcp.slow_start_after_idle"
_RESET = "echo 1 >/proc/sys/net/ipv4/tcp_slow_start_after_idle; rm -f /etc/sysctl.d/99-zz-netaudit*"


def figures(scratch: Path, *, quick: bool) -> list[Figure]:
    """Wall of both, in turn: an audit, then audit, plan, canary, batches, proof and confirmation of every host.

    The reference is the same audit by itself, with the program's start; a fix holds one, and asks nearly all again.
    """
    lab = Lab(scratch / "lab")
    hosts = lab.up(10 if quick else HOSTS, healthy=True)
    try:
        inits = [_init(f"{lab.prefix}{place:03d}") for place in range(len(hosts))]
        shared = ["-i", str(lab.inventory), "-b", "web-edge", "--no-progress", "-o", "json"]
        audit = [NETAUDIT, "audit", *shared]
        fix = [NETAUDIT, "fix", *shared, "--only", CHECK, "--soak", "0s", "--yes"]
        fix += ["--connect-timeout", "30s"]
        at_once = [*fix, "--serial", "100%"]
        measure.run(audit, ok=(0, 1))
        rounds = [_round(audit, (fix, at_once), inits) for _ in range(1 if quick else 3)]
    finally:
        lab.down()
    audits, fixes, flat = zip(*rounds, strict=True)
    ratio = statistics.median(fixed.wall_s / audited.wall_s for audited, fixed, _ in rounds)
    own = statistics.median(fixed.cpu_s / audited.cpu_s for audited, fixed, _ in rounds)
    each = 1000 / len(hosts)
    return [
        Figure(f"fix of {len(hosts)} hosts without soak, wall, of an audit of them", ratio, "×", 3.0),
        Figure("  that is", _middle(cost.wall_s for cost in fixes), "s"),
        Figure("  and the audit", _middle(cost.wall_s for cost in audits), "s"),
        Figure("  and the fix in one batch, of the audit", _wall(flat) / _wall(audits), "×"),
        Figure("  CPU of the controller alone, of its own in an audit", own, "×"),
        Figure("  that is, for each host", _middle(cost.cpu_s for cost in fixes) * each, "ms"),
        Figure("  and in the audit", _middle(cost.cpu_s for cost in audits) * each, "ms"),
    ]


def _middle(values: Iterable[float]) -> float:
    return statistics.median(list(values))


def _wall(costs: Iterable[measure.Cost]) -> float:
    return _middle(cost.wall_s for cost in costs)


def _round(audit: list[str], fixes: tuple[list[str], ...], inits: list[int]) -> tuple[measure.Cost, ...]:
    """What an audit costs, and each way to fix; the hosts are as before afterwards."""
    costs = [measure.run(audit, ok=(0, 1))]
    for fix in fixes:
        costs.append(measure.run(fix))
        for init in inits:
            subprocess.run(["nsenter", "-t", str(init), "-m", "-n", "sh", "-c", _RESET], check=True)
    return tuple(costs)


def _init(namespace: str) -> int:
    """The first process of a lab host, by its number on this machine."""
    for pid in network.pids_in([namespace]):
        with suppress(OSError):
            words = Path(f"/proc/{pid}/status").read_text().partition("\nNSpid:")[2].split("\n")[0].split()
            if words[1:] == ["1"]:
                return pid
    raise SystemExit(f"{namespace} does not run (needs root: uid {os.geteuid()})")
