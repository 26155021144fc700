"""The shell text of a host's plan: what operations give, and what the guard puts on the host.

Each text is POSIX sh that the guard runs in a function of its own with ``set -u``, PATH and LC_ALL set, standard
input from ``/dev/null`` and a time limit. Status 0 means done. Values stand in it as quoted literals only.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileWrite:
    """A whole file as it is to be. The guard writes it beside its place and renames it; what was there is kept."""

    path: str
    content: str
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class StepScript:
    """One step: how its value is read, changed and put back.

    ``read`` prints the present value as one normalised line, and nothing with status 3 where there is none.
    ``accepts`` are the lines that ``read`` may print once the change holds: more than one where the kernel rounds.
    """

    read: str
    apply: str
    undo: str
    accepts: tuple[str, ...]
    persist: str = ""  # what makes it last where that is not a file: a call of nmcli, for instance
    unpersist: str = ""  # its undo
    timeout_s: int = 10


@dataclass(frozen=True, slots=True)
class HostScripts:
    """A host's plan as text: a script for each step, in the order of the steps, and the files that make them last."""

    steps: tuple[StepScript, ...]
    files: tuple[FileWrite, ...] = ()
