"""This process's own open-file limit: raised to the hard one, and how many hosts that allows at a time."""

from __future__ import annotations

import contextlib
import resource
from dataclasses import dataclass

RESERVED_FILES = 64  # database, known_hosts, keys, terminals, resolver, a spool
FILES_A_HOST = 1
FILES_A_PROXY_COMMAND = 3  # its pipes


@dataclass(frozen=True, slots=True)
class OpenFiles:
    """RLIMIT_NOFILE of this process: getrlimit(2)."""

    soft: int
    hard: int

    def hosts(self, files_a_host: int = FILES_A_HOST) -> int:
        """How many hosts can be open at a time; 1 at least."""
        return max(1, (self.soft - RESERVED_FILES) // files_a_host)


def raise_limit() -> OpenFiles:
    """Raise the soft limit to the hard one, and say what holds now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = 1 << 20
    if soft == resource.RLIM_INFINITY:
        soft = hard
    elif soft < hard:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
            soft = hard
    return OpenFiles(soft, hard)
