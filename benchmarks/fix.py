"""A guarded change of a whole lab fleet against an audit of the same fleet, with no soak asked for."""

from __future__ import annotations

import os
import statistics
import subprocess
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
    """Wall of both, in turn: an audit, then audit, plan, canary, batches, proof and confirmation of every host."""
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
    audits, fixes, flat = (statistics.median(walls) for walls in zip(*rounds, strict=True))
    ratio = statistics.median(fixed / audited for audited, fixed, _ in rounds)
    return [
        Figure(f"fix of {len(hosts)} hosts without soak, wall, of an audit of them", ratio, "×", 3.0),
        Figure("  that is", fixes, "s"),
        Figure("  and the audit", audits, "s"),
        Figure("  and the fix in one batch, of the audit", flat / audits, "×"),
    ]


def _round(audit: list[str], fixes: tuple[list[str], ...], inits: list[int]) -> tuple[float, ...]:
    """Seconds of an audit, and of each way to fix; the hosts are as before afterwards."""
    walls = [measure.run(audit, ok=(0, 1)).wall_s]
    for fix in fixes:
        walls.append(measure.run(fix).wall_s)
        for init in inits:
            subprocess.run(["nsenter", "-t", str(init), "-m", "-n", "sh", "-c", _RESET], check=True)
    return tuple(walls)


def _init(namespace: str) -> int:
    """The first process of a lab host, by its number on this machine."""
    for pid in network.pids_in([namespace]):
        with suppress(OSError):
            words = Path(f"/proc/{pid}/status").read_text().partition("\nNSpid:")[2].split("\n")[0].split()
            if words[1:] == ["1"]:
                return pid
    raise SystemExit(f"{namespace} does not run (needs root: uid {os.geteuid()})")
