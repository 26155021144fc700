"""Shell text, as far as quotes and comments go: enough to leave out what a host need not read.

Two things are needed of a probe before it travels: that lines which are nothing but a comment can go, and indentation
with them, and that it has no here-document, whose body would be taken for code by the first of these. Both must know
whether a line starts inside a quoted string. Where this scanner is unsure, it keeps a line as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a probe and whether it starts outside of quotes, right after a finished line."""

    number: int
    text: str
    starts_plain: bool


class HereDocument(ValueError):
    """A here-document stands in the text; ``line`` counts from 1."""

    def __init__(self, line: int) -> None:
        super().__init__("a probe must not use a here-document")
        self.line = line


_PLAIN, _SINGLE, _DOUBLE, _ARITHMETIC = "plain", "'", '"', "(("

# What a character may mean depends on what is open; all others are passed over at once, in a fourth of the time.
_MEANS_SOMETHING = {
    _PLAIN: re.compile(r"[\\$\"'#<()]"),
    _SINGLE: re.compile(r"'"),
    _DOUBLE: re.compile(r"[\\$\"]"),
    _ARITHMETIC: re.compile(r"[\\$()]"),
}


class _Scanner:
    """Walks over the text with a stack of the quotes and substitutions that are open."""

    def __init__(self) -> None:
        self._open: list[str] = [_PLAIN]
        self._depth: list[int] = [0]  # of plain parentheses, for each level of the stack
        self.is_continued = False

    @property
    def is_plain(self) -> bool:
        """Whether nothing is open and the line before was finished."""
        return self._open == [_PLAIN] and not self.is_continued

    def _push(self, what: str) -> None:
        self._open.append(what)
        self._depth.append(0)

    def _pop(self) -> None:
        if len(self._open) > 1:
            self._open.pop()
            self._depth.pop()

    def walk(self, line: str, number: int) -> None:
        """Take one line in."""
        self.is_continued = False
        place = 0
        while (found := _MEANS_SOMETHING[self._open[-1]].search(line, place)) is not None:
            place = found.start()
            place += self._step(line, place, number)

    def _step(self, line: str, place: int, number: int) -> int:
        """Take the character at ``place`` in; how many characters that took."""
        top, char = self._open[-1], line[place]
        if top == _SINGLE:
            if char == "'":
                self._pop()
            return 1
        if char == "\\":
            self.is_continued = place + 1 == len(line)
            return 2
        if line.startswith("$((", place):
            self._push(_ARITHMETIC)
            return 3
        if line.startswith("$(", place):
            self._push(_PLAIN)
            return 2
        if top == _ARITHMETIC:
            return self._step_arithmetic(line, place)
        if char == '"':
            if top == _DOUBLE:
                self._pop()
            else:
                self._push(_DOUBLE)
            return 1
        return 1 if top == _DOUBLE else self._step_plain(line, place, number)

    def _step_arithmetic(self, line: str, place: int) -> int:
        if line[place] == "(":
            self._depth[-1] += 1
        elif line[place] == ")" and self._depth[-1]:
            self._depth[-1] -= 1
        elif line.startswith("))", place):
            self._pop()
            return 2
        return 1

    def _step_plain(self, line: str, place: int, number: int) -> int:
        char = line[place]
        if char == "'":
            self._push(_SINGLE)
        elif char == "#" and (place == 0 or line[place - 1] in " \t;&|()"):
            return len(line) - place
        elif line.startswith("<<", place):
            raise HereDocument(number)
        elif char == "(":
            self._depth[-1] += 1
        elif char == ")" and self._depth[-1]:
            self._depth[-1] -= 1
        elif char == ")" and len(self._open) > 1:
            self._pop()
        return 1


def scan_lines(text: str) -> tuple[Line, ...]:
    """The lines of a shell text. Raises HereDocument where there is one."""
    scanner = _Scanner()
    lines = []
    for number, line in enumerate(text.split("\n"), start=1):
        lines.append(Line(number, line, scanner.is_plain))
        scanner.walk(line, number)
    return tuple(lines)


def condensed(text: str) -> str:
    """The text without indentation, empty lines and lines that are only a comment; it does the same as before."""
    kept = []
    for line in scan_lines(text):
        bare = line.text.lstrip(" \t") if line.starts_plain else line.text
        if line.starts_plain and (not bare or bare.startswith("#")):
            continue
        kept.append(bare)
    return "\n".join(kept)
