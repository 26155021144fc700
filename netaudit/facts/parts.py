"""What a probe printed, cut into its parts. Knows the layout that all probes share and no file format.

A part is headed by a line ``#@ LABEL``; what stands before the first such line has the empty label. A line
``#! LABEL: REASON`` or ``#! LABEL: REASON: DETAIL`` says why something is missing, REASON being one of the words of
``AbsentReason``. Text that a user of the host wrote is printed behind its path (``path:line:text``) and so cannot
stand for either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from netaudit.model.probe import Section
from netaudit.model.reading import Absent, AbsentReason, Maybe

_HEAD = "#@ "
_MARK = "#! "
_REASONS = {str(reason): reason for reason in AbsentReason}
_BEFORE_PATH = ("cannot open ", "can't open ", "error reading ")
_ERRNO_REASONS = {
    "No such file or directory": AbsentReason.NOT_PRESENT,
    "Permission denied": AbsentReason.NOT_PERMITTED,
    "Operation not permitted": AbsentReason.NOT_PERMITTED,
}


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one section by label, and the reasons it gives for what is missing."""

    texts: Mapping[str, str]
    missing: Mapping[str, Absent]

    def text(self, label: str) -> Maybe[str]:
        """The text under a label, or why there is none: what the probe says, else *not present*."""
        found = self.texts.get(label)
        if found is not None:
            return found
        return self.missing.get(label, Absent(AbsentReason.NOT_PRESENT, label))

    def __getitem__(self, label: str) -> str:
        """The text under a label. Raises KeyError: for parts without which a domain cannot be."""
        return self.texts[label]


def split_parts(section: Section) -> Parts:
    """The parts of what a probe printed, each empty or ending in a newline. A label that comes twice is one part."""
    return _split(section.stdout)


@lru_cache(maxsize=16)
def _split(stdout: bytes) -> Parts:
    """The parts of a text; kept for a host, because several domains may be read from one section."""
    text = "\n" + stdout.decode("utf-8", "replace")
    missing: dict[str, Absent] = {}
    if "!" in text:  # a single character is found in a tenth of the time of a longer word
        text = _take_marks(text, missing)
    texts: dict[str, str] = {}
    head, *rest = text.split("\n" + _HEAD)
    if head[1:]:
        texts[""] = _ended(head[1:])
    for part in rest:
        label, _, body = part.partition("\n")
        texts[label] = texts[label] + _ended(body) if label in texts else _ended(body)
    return Parts(texts, missing)


def _ended(text: str) -> str:
    return text + "\n" if text and not text.endswith("\n") else text


def _take_marks(text: str, missing: dict[str, Absent]) -> str:
    """The text, whose lines each have a line feed before them, without those that say why something is missing."""
    before, *marked = text.split("\n" + _MARK)
    kept = [before]
    for piece in marked:
        line, feed, rest = piece.partition("\n")
        found = _read_mark(line)
        if found is not None:
            missing.update([found])
        kept.append(feed + rest if found else f"\n{_MARK}{piece}")
    return "".join(kept)


@lru_cache(maxsize=256)
def _read_mark(line: str) -> tuple[str, Absent] | None:
    """What is missing and why; None for a line that has only the looks of a mark."""
    pieces = line.split(": ")
    for place in range(1, len(pieces)):
        reason = _REASONS.get(pieces[place])
        if reason is not None:
            label = ": ".join(pieces[:place])
            return label, Absent(reason, ": ".join(pieces[place + 1 :]) or label)
    return None


def grep_lines(text: str) -> dict[str, list[str]]:
    """The lines of each file in what ``grep -H`` printed: ``path:line``. Paths must hold no colon."""
    found: dict[str, list[str]] = {}
    file = ""
    lines: list[str] = []
    for line in text.split("\n"):
        path, colon, content = line.partition(":")
        if path != file and colon:  # else it is one more line of the same file, or none
            file, lines = path, found.setdefault(path, [])
        if colon:
            lines.append(content)
    return found


def unreadable(stderr: bytes) -> dict[str, Absent]:
    """Paths that grep, head or cat could not read, as said on standard error, each with its reason.

    GNU writes ``grep: PATH: Permission denied`` and ``head: cannot open 'PATH' for reading: Permission denied``,
    busybox ``head: PATH: …`` and ``cat: can't open 'PATH': …``. Errors other than those of permission and presence
    (``Input/output error``, ``Invalid argument``) say that the kernel has nothing to tell there.
    """
    found: dict[str, Absent] = {}
    if not stderr:
        return found
    for line in stderr.decode("utf-8", "replace").split("\n"):
        place, colon, errno = line.rpartition(": ")
        path = place.partition(": ")[2]
        for word in _BEFORE_PATH:
            path = path.removeprefix(word)
        path = path.removesuffix(" for reading").strip("'")
        if colon and path:
            found[path] = Absent(_ERRNO_REASONS.get(errno, AbsentReason.NOT_APPLICABLE), errno)
    return found
