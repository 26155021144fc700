"""The files of netaudit's own that make changes last: their names, and what stands in them.

Each run writes files of its own, named by the moment of its plan, and changes none that it finds. So later runs win
over earlier ones by their name, and the undo of any run is to remove its files, whatever other runs have done.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from netaudit.errors import PlanError
from netaudit.model.plan import Step
from netaudit.remedy.scripts import FileWrite

SYSCTL_DIRECTORY = "/etc/sysctl.d"
MODULES_DIRECTORY = "/etc/modules-load.d"
MODPROBE_DIRECTORY = "/etc/modprobe.d"
_STAMP = "%Y%m%dT%H%M%SZ"
_PREFIXES = ("99-zz-netaudit", "zz-netaudit", "zzz-netaudit", "zzzz-netaudit")
_OWN_FILE = re.compile(r"/etc/(?:sysctl|modules-load|modprobe)\.d/(?:[0-9z-]*-)?netaudit-[0-9TZ]{16}\.conf\Z", re.ASCII)


def stamp_of(moment: datetime) -> str:
    """How the moment of a plan stands in the names of its files: ``20261120T213600Z``."""
    return moment.strftime(_STAMP)


def sysctl_drop_in(stamp: str, others: Sequence[str]) -> str | None:
    """The path of a drop-in that sorts after all ``others`` (paths of drop-ins that set the same keys).

    None when there is one that no name of ours comes after.
    """
    last = max((path.rpartition("/")[2].encode() for path in others), default=b"")
    for prefix in _PREFIXES:
        name = f"{prefix}-{stamp}.conf"
        if name.encode() > last:
            return f"{SYSCTL_DIRECTORY}/{name}"
    return None


def own_file(directory: str, stamp: str) -> str:
    """The path of a run's file in a directory where order matters little."""
    return f"{directory}/zz-netaudit-{stamp}.conf"


def file_of(path: str, steps: Sequence[tuple[Step, Sequence[str]]]) -> FileWrite:
    """The file of some steps: for each a comment that says why it is there, then its lines. Raises PlanError."""
    if not _OWN_FILE.match(path):
        raise PlanError(f"{path[:120]!r} is no file of netaudit's own")
    text = ["# Written by netaudit. `netaudit rollback` takes it away again; so does removing this file."]
    said: set[str] = set()
    for step, lines in steps:
        new = [line for line in lines if line not in said]
        if new:
            text += [f"# {_why(step)}", *new]
            said.update(new)
    return FileWrite(path, "\n".join(text) + "\n")


def _why(step: Step) -> str:
    """One line of comment, of plain characters only."""
    line = f"{', '.join(step.checks)}: was {step.before}"
    return re.sub(r"[^ -~]", "?", line)[:200]
