"""Makes a baseline out of an existing sysctl.conf(5) or file of sysctl.d(5).

Each setting becomes a line of the short form; a comment right above it becomes its reason. Lines that cannot be used
are left out and reported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from netaudit.baseline.canonical import canonical
from netaudit.baseline.name_list import NameList
from netaudit.baseline.yaml_text import yaml_text

_KEY = re.compile(r"[A-Za-z0-9_@:./-]+\Z", re.ASCII)
_INTEGER = re.compile(r"-?[0-9]{1,19}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Made:
    """The text of a baseline, and what of the file is not in it, as ``file:line: what``."""

    text: str
    settings: int
    problems: tuple[str, ...]


@dataclass(slots=True)
class _Setting:
    value: str
    reason: str
    line: int


def from_sysctl(text: str, file: str, name: str, known: NameList) -> Made:
    """A baseline of that name whose short form says what the file sets. ``known`` are the names that rules may use."""
    reading = _Reading(file, known)
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        reading.take(number, line.strip())
    document: dict[str, object] = {"baseline": name, "title": f"Settings of {file}"}
    if reading.undeclared:
        document["sysctl_names"] = list(reading.undeclared)
    document["sysctl"] = {key: _written(setting) for key, setting in reading.settings.items()}
    return Made(yaml_text(document), len(reading.settings), tuple(reading.problems))


class _Reading:
    """One file, line by line."""

    def __init__(self, file: str, known: NameList) -> None:
        self._file = file
        self._known = known
        self._comment: list[str] = []
        self.settings: dict[str, _Setting] = {}
        self.undeclared: dict[str, None] = {}
        self.problems: list[str] = []

    def take(self, number: int, line: str) -> None:
        """Take in one line without the blanks around it."""
        if line.startswith(("#", ";")):
            self._comment.append(line.lstrip("#; ").strip())
            return
        reason = " ".join(part for part in self._comment if part)
        self._comment = []
        if line:
            self._assign(number, line, reason)

    def _assign(self, number: int, line: str, reason: str) -> None:
        key, equals, value = line.partition("=")
        key, value = key.strip().removeprefix("-").strip(), " ".join(value.split())
        if not equals:
            self._problem(
                number, f"{line[:60]!r} assigns nothing" + (" (a key left out of globs)" if line[0] == "-" else "")
            )
        elif "*" in key or "?" in key or "[" in key:
            self._problem(number, f"{key!r} is a pattern: write the settings out, or a check with for_each")
        elif not _KEY.match(key):
            self._problem(number, f"{key[:60]!r} is no name of a sysctl")
        elif not value:
            self._problem(number, f"{key} is set to nothing")
        else:
            self._keep(number, dotted(key), value, reason)

    def _keep(self, number: int, key: str, value: str, reason: str) -> None:
        if not self._known.knows(key):
            if not key.startswith("net."):
                self._problem(number, f"{key} is not among the settings that netaudit reads")
                return
            self.undeclared[key] = None
        before = self.settings.pop(key, None)
        if before is not None:
            self._problem(number, f"{key} is set again; line {before.line} has no effect")
            reason = reason or before.reason
        self.settings[key] = _Setting(canonical(key, value), reason, number)

    def _problem(self, number: int, what: str) -> None:
        self.problems.append(f"{self._file}:{number}: {what}")


def dotted(key: str) -> str:
    """A key with dots between its segments, as sysctl(8) prints it; if slashes divide it, the two change places."""
    dot, slash = key.find("."), key.find("/")
    if slash < 0 or 0 <= dot < slash:
        return key
    return key.translate(str.maketrans("./", "/."))


def _written(setting: _Setting) -> object:
    value: object = int(setting.value) if _INTEGER.match(setting.value) else setting.value
    return {"equals": value, "reason": setting.reason} if setting.reason else value
