"""A whole audit of a lab fleet against a bare asyncssh script that streams the same payload and reads the answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import measure
from figures import Figure
from startup import NETAUDIT

from netaudit.cli.asking.options import FORKS
from netaudit.lab import Lab

HOSTS = 100
BARE = str(Path(__file__).with_name("bare.py"))


def figures(scratch: Path, *, quick: bool) -> list[Figure]:
    """Wall and CPU of the controller's own process, pair by pair."""
    lab = Lab(scratch / "lab")
    hosts = lab.up(10 if quick else HOSTS, healthy=True)
    try:
        payload = scratch / "payload.sh"
        payload.write_bytes(subprocess.run([NETAUDIT, "bundle", "--show"], capture_output=True, check=True).stdout)
        ours = [NETAUDIT, "audit", "-i", str(lab.inventory), "-b", str(lab.baseline), "--no-progress", "-o", "json"]
        theirs = [
            sys.executable,
            BARE,
            str(payload),
            str(lab.directory / "id_ed25519"),
            str(lab.directory / "known_hosts"),
        ]
        theirs += [str(FORKS), *(host.address for host in hosts)]
        ratio = measure.compare(ours, theirs, runs=1 if quick else 5, ok=(0, 1))
    finally:
        lab.down()
    each = len(hosts)
    return [
        Figure(f"audit of {each} hosts, wall, of a bare asyncssh script", ratio.wall, "×", 1.15),
        Figure(f"audit of {each} hosts, CPU, of a bare asyncssh script", ratio.cpu, "×", 1.5),
        Figure("  that is, hosts a second", each / ratio.ours.wall_s, "hosts/s"),
        Figure("  and the controller's CPU a host", ratio.ours.cpu_s / each * 1000, "ms"),
        Figure("payload", payload.stat().st_size / 1024, "KiB"),
    ]
