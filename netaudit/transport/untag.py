"""One stream taken apart into the two that it carries: the other half of what ``become`` runs behind a terminal."""

from __future__ import annotations

from netaudit.model.probe import Stream


class Untagger:
    """Takes a terminal's one stream apart again: tagged lines are standard error, the rest is standard output."""

    def __init__(self, tag: bytes) -> None:
        self._tag = tag
        self._held = b""

    def feed(self, data: bytes) -> tuple[tuple[Stream, bytes], ...]:
        """The parts in order. What may be the beginning of a tag, or a tagged line not yet whole, is held back."""
        parts: list[tuple[Stream, bytes]] = []
        rest = self._held + data
        while (at := rest.find(self._tag)) >= 0:
            end = rest.find(b"\n", at)
            if end < 0:
                break
            parts += [(Stream.OUT, rest[:at]), (Stream.ERR, rest[at + len(self._tag) : end + 1])]
            rest = rest[end + 1 :]
        keep = at if at >= 0 else len(rest) - _overlap(rest, self._tag)
        self._held = rest[keep:]
        parts.append((Stream.OUT, rest[:keep]))
        return tuple((stream, part) for stream, part in parts if part)


def _overlap(data: bytes, tag: bytes) -> int:
    """How many bytes at the end of ``data`` may be the beginning of ``tag``."""
    return next((size for size in range(min(len(tag) - 1, len(data)), 0, -1) if data.endswith(tag[:size])), 0)
