"""How long the command takes to start, in units of the interpreter that does nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import measure
from figures import Figure

NETAUDIT = str(Path(sys.executable).with_name("netaudit"))


def figures(scratch: Path, *, quick: bool) -> list[Figure]:
    """``--version``, ``audit --help`` and a completion against ``python -c pass``; settings against none."""
    runs = 3 if quick else 21
    nothing = [sys.executable, "-c", "pass"]
    version = measure.compare([NETAUDIT, "--version"], nothing, runs=runs)
    audit_help = measure.compare([NETAUDIT, "audit", "--help"], nothing, runs=runs)
    project = scratch / "project"
    project.mkdir()
    (project / "netaudit.toml").write_text("[defaults]\nforks = 8\n", encoding="utf-8")
    (project / "hosts.ini").write_text("[web]\n" + "".join(f"web{n}\n" for n in range(1000)), encoding="utf-8")
    line = f"netaudit audit -i {project}/hosts.ini web99"
    completed = measure.compare([NETAUDIT, "__complete", "bash", line, " :="], nothing, runs=runs)
    here = Path.cwd()
    os.chdir(project)
    try:
        listing = [NETAUDIT, "inventory", "hosts", "-i", "a,b"]
        configured = measure.compare(listing, ["env", "NETAUDIT_NO_CONFIG=1", *listing], runs=runs)
    finally:
        os.chdir(here)
    return [
        Figure("netaudit --version, wall, of python -c pass", version.wall, "×", 3),
        Figure("netaudit audit --help, wall, of python -c pass", audit_help.wall, "×", 8),
        Figure("a command with settings, wall, of the same without", configured.wall, "×", 1.5),
        Figure("TAB after a host of 1,000, wall, of python -c pass", completed.wall, "×", 10),
    ]
