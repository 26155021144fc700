"""What a host says about a change: its own word for the state, and the lines that come with it.

The host's words are not to be trusted with more than they say: each is bounded, and what is unknown is left aside.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from netaudit.wire.frame import excerpt

MAX_VALUE_BYTES = 4096
_MAX_LINES = 2000


class Word(StrEnum):
    """How far the host itself says that it is."""

    NONE = "none"  # it knows of no such change
    STARTING = "starting"
    REFUSED = "refused"  # nothing was changed; ``why`` says for what reason
    ARMED = "armed"
    EXPIRED = "expired"  # no start came in time, or it was called off before; nothing was changed
    APPLYING = "applying"
    APPLIED = "applied"
    PERSISTING = "persisting"
    CONFIRMED = "confirmed"  # files are written; it can still be undone
    KEPT = "kept"
    REVERTING = "reverting"
    REVERTED = "reverted"
    STUCK = "stuck"  # an old value could not be put back


ENDED = frozenset({Word.NONE, Word.REFUSED, Word.EXPIRED, Word.KEPT, Word.REVERTED, Word.STUCK})


@dataclass(frozen=True, slots=True)
class Answer:
    """What one contact brought. ``values`` are those of the steps, by number from 1; None: could not be read."""

    word: Word
    why: str = ""  # a short code, such as ``locked``
    detail: str = ""  # the rest of the line, as the host wrote it, printable
    alive: bool = False  # its watcher runs
    boot_id: str = ""
    made_at_boot: str = ""  # the boot in which the change was armed
    left_s: float | None = None  # until the host undoes it by itself
    method: str = ""  # how the watcher was detached: ``systemd`` or ``setsid``
    is_bound: bool = True  # whether whoever ends the session could end its watcher with it
    owner: str = ""  # who holds the lock, where it is another
    values: Mapping[int, str | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    is_gone: bool = False  # it has forgotten the change with this word

    def is_of_another_boot(self, boot_id: str) -> bool:
        """Whether the host has booted since that one, as far as both are known."""
        return "" not in {boot_id, self.boot_id} and self.boot_id != boot_id


_NUMBER = re.compile(rb"[0-9]{1,4}")
_SECONDS = re.compile(rb"-?[0-9]{1,9}")
_BOOT = re.compile(rb"[0-9a-f-]{8,64}")


def parse_answer(data: bytes) -> Answer | None:
    """The answer that these lines make, or None when the host did not say how far it is."""
    said: dict[str, bytes] = {}
    values: dict[int, str | None] = {}
    notes: list[str] = []
    for line in data.split(b"\n", _MAX_LINES)[:_MAX_LINES]:
        key, _, rest = line.partition(b" ")
        name = key.decode("ascii", "replace")
        if name in {"value", "unread"}:
            number, _, text = rest.partition(b" ")
            if _NUMBER.fullmatch(number):
                values[int(number)] = _value(text) if name == "value" else None
        elif name == "note":
            notes.append(excerpt(rest))
        else:
            said.setdefault(name, rest)
    word, why, detail = _state(said.get("state", b""))
    if word is None:
        return None
    return Answer(
        word=word,
        why=why,
        detail=detail,
        alive=said.get("watcher") == b"alive",
        boot_id=_boot(said.get("boot", b"")),
        made_at_boot=_boot(said.get("made", b"")),
        left_s=_left_s(said.get("left", b"")),
        method=excerpt(said.get("method", b"")),
        is_bound=said.get("watcher_of") != b"nobody",
        owner=excerpt(said.get("owner", b"")),
        values=values,
        notes=tuple(notes[:20]),
        is_gone="gone" in said,
    )


def _state(line: bytes) -> tuple[Word | None, str, str]:
    word, _, rest = line.partition(b" ")
    why, _, detail = rest.partition(b" ")
    try:
        return Word(word.decode("ascii", "replace")), excerpt(why), excerpt(detail)
    except ValueError:
        return None, "", ""


def _value(text: bytes) -> str:
    return text[:MAX_VALUE_BYTES].decode("utf-8", "replace")


def _boot(text: bytes) -> str:
    return text.decode("ascii") if _BOOT.fullmatch(text) else ""


def _left_s(text: bytes) -> float | None:
    return int(text) / 100 if _SECONDS.fullmatch(text) else None
