"""Reads a user's own probes, from a folder beside ours: strictly, because what stands there runs on every host."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from netaudit.assets.textfile import read_bytes
from netaudit.errors import RuleError, Where
from netaudit.model.probe import OWN_PREFIX, Probe
from netaudit.wire.head import parse_probe

MOST_PROBES = 32
MAX_BYTES = 256 * 1024  # of what one of them may print
_LONGEST_NAME = 28
_SHELL = "/bin/sh"


def load_own_probes(folders: Sequence[Path]) -> tuple[Probe, ...]:
    """The probes of some folders, by name; of two that are called alike the later one counts. Raises RuleError.

    Their ids carry a prefix, so that none of them can take the place of a shipped one.
    """
    found: dict[str, Probe] = {}
    for folder in folders:
        if not folder.is_dir():
            raise RuleError("there is no such folder of probes", Where(str(folder)))
        for path in sorted(folder.glob("*.sh")):
            probe = _own(path)
            found[probe.id] = probe
    if len(found) > MOST_PROBES:
        raise RuleError(f"{len(found)} probes of your own: at most {MOST_PROBES}", Where(str(folders[-1])))
    return tuple(found[name] for name in sorted(found))


def _own(path: Path) -> Probe:
    where = Where(str(path), 1)
    if path.stat().st_mode & stat.S_IWOTH:
        raise RuleError("anybody may write to this probe, which would run on every host", where, hint="chmod o-w")
    try:
        text = read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise RuleError("this probe is not UTF-8", where) from error
    probe = parse_probe(text, str(path))
    if probe.params:
        raise RuleError("a probe of your own takes no params", where, hint="write its values into it")
    if len(probe.id) > _LONGEST_NAME:
        raise RuleError(f"{probe.id!r} is too long for a name", where, hint=f"at most {_LONGEST_NAME} characters")
    if probe.max_bytes > MAX_BYTES:
        raise RuleError("max_bytes: a probe of your own may print 256 KiB at most", where)
    _check_syntax(text, where)
    return replace(probe, id=f"{OWN_PREFIX}{probe.id}")


def _check_syntax(text: str, where: Where) -> None:
    """One syntax error would keep the whole payload from running. Where this machine has no shell hosts will say."""
    try:
        done = subprocess.run(
            [_SHELL, "-n"], input=text.encode(), capture_output=True, timeout=10, check=False, env={"LC_ALL": "C"}
        )
    except (OSError, subprocess.TimeoutExpired):
        return
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise RuleError(f"{_SHELL} does not take it: {said[:200]}", where)
