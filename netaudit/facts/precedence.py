"""Which assignment wins when files of settings are loaded: by systemd-sysctl(8), and by ``sysctl --system``.

The two agree on the order of the files of sysctl.d (by name, a name in a higher directory replacing the same name
further down) and on little else:

==================================  ==============================  ===================================
\\                                   systemd-sysctl                  sysctl --system (procps 3.3.17 and on)
==================================  ==============================  ===================================
/etc/sysctl.conf                    not read                        read last, beats every drop-in
names that begin with a dot         not read                        read
a key that is assigned twice        moves to the place of the last  both are written, in file order
                                    if the value differs
a wildcard that matches a key       not where the key is named      not where the key is named anywhere,
                                    anywhere, in any file           in any file
a later ``-key`` without a value    takes the assignment back       only keeps wildcards away
a carriage return                   ends a line                     is a blank
==================================  ==============================  ===================================

procps before 3.3.17 reads /run before /etc and knows no wildcards. Everything here was compared with both programs
on random trees; the test that does so is ``tests/probes/test_persisted_loaders.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from netaudit.model.facts import PersistedValue

DIRECTORIES = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d")
OLD_PROCPS_DIRECTORIES = (DIRECTORIES[1], DIRECTORIES[0], *DIRECTORIES[2:])
SYSCTL_CONF = "/etc/sysctl.conf"
_WILDCARDS = frozenset("*?[")
_SWAP = str.maketrans("/.", "./")
_BLANKS = " \t\n\v\f\r"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file of settings, as it stands there."""

    file: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one line says: ``path`` below /proc/sys, or a pattern of such paths; no value means *hands off*."""

    path: str
    value: str | None
    line: Line

    @property
    def is_pattern(self) -> bool:
        """Whether the path has wildcards."""
        return not _WILDCARDS.isdisjoint(self.path)


def files_in_order(present: Iterable[str], directories: Sequence[str], *, dotfiles: bool) -> tuple[str, ...]:
    """The drop-ins that are loaded, in order: by name, each from the first directory that has it.

    ``present`` are paths of whatever stands in the directories, also what is no readable file: it replaces its
    namesakes all the same.
    """
    by_directory: dict[str, dict[str, str]] = {directory: {} for directory in directories}
    for path in present:
        directory, _, name = path.rpartition("/")
        if directory in by_directory and (dotfiles or not name.startswith(".")):
            by_directory[directory][name] = path
    chosen: dict[str, str] = {}
    for directory in directories:
        chosen = by_directory[directory] | chosen
    return tuple(chosen[name] for name in sorted(chosen, key=lambda name: name.encode("utf-8", "replace")))


@lru_cache(maxsize=4096)
def path_of_key(key: str) -> str:
    """The path below /proc/sys that a key of sysctl.d(5) means: the first separator decides which kind it uses."""
    first = next((char for char in key if char in "/."), "")
    path = key.translate(_SWAP) if first == "." else key
    return "/".join(segment for segment in path.split("/") if segment)


def read_systemd(line: Line) -> tuple[Assignment, ...] | None:
    """What systemd-sysctl reads in a line; None for one that it cannot use."""
    found: list[Assignment] = []
    for piece in line.text.split("\r"):
        text = piece.strip(_BLANKS)
        if not text or text[0] in "#;":
            continue
        key, equals, value = text.partition("=")
        if not equals and not key.startswith("-"):
            return None
        path = path_of_key(key.removeprefix("-").strip(_BLANKS))
        found.append(Assignment(path, value.strip(_BLANKS) if equals else None, line))
    return tuple(found)


def read_procps(line: Line) -> tuple[Assignment, ...] | None:
    """What sysctl(8) of procps reads in a line; None for one that it cannot use."""
    text = line.text.lstrip(_BLANKS)
    if len(text) < 2 or text[0] in "#;":
        return ()
    key, equals, value = text.partition("=")
    if not equals and not key.startswith("-"):
        return None
    path = path_of_key(key.removeprefix("-").rstrip(_BLANKS))
    return (Assignment(path, value.strip(_BLANKS) if equals else None, line),)


def systemd_values(
    assignments: Iterable[Assignment], matches: Mapping[str, Sequence[str]]
) -> dict[str, PersistedValue]:
    """The winners under systemd-sysctl, by path. ``matches`` are the paths that each pattern fits now."""
    table: dict[str, Assignment] = {}
    for assignment in assignments:
        earlier = table.get(assignment.path)
        if earlier is not None and earlier.value != assignment.value:
            del table[assignment.path]
        table[assignment.path] = assignment
    winners: dict[str, PersistedValue] = {}
    for assignment in table.values():
        _apply(assignment, matches, table, winners)
    return winners


def procps_values(assignments: Iterable[Assignment], matches: Mapping[str, Sequence[str]]) -> dict[str, PersistedValue]:
    """The winners under ``sysctl --system``, by path."""
    listed = tuple(assignments)
    named = {assignment.path for assignment in listed}
    winners: dict[str, PersistedValue] = {}
    for assignment in listed:
        _apply(assignment, matches, named, winners)
    return winners


def _apply(
    assignment: Assignment,
    matches: Mapping[str, Sequence[str]],
    named: Iterable[str],
    winners: dict[str, PersistedValue],
) -> None:
    """Write one assignment over the winners so far; a pattern leaves alone what is named elsewhere."""
    if assignment.value is None:
        return
    value = PersistedValue(" ".join(assignment.value.split()), assignment.line.file, assignment.line.number)
    if not assignment.is_pattern:
        winners[assignment.path] = value
        return
    for path in matches.get(assignment.path, ()):
        if path not in named:
            winners[path] = value
