"""The lines that frame an answer, written by the payload's shell and read by the decoder.

    \\n@netaudit NONCE out begin sysctl 8123.41\\n      section ``sysctl`` starts; the host has been up 8123.41 s
    \\n@netaudit NONCE out end sysctl 0 8123.44\\n      it ended with exit code 0
    \\n@netaudit NONCE out done 17\\n                   that was all, 17 sections

Each line is written to stdout with the word ``out`` and to stderr with the word ``err``, so that both streams can be
cut into sections without temporary files, and a pseudo-terminal that merges them is noticed. A marker brings
the newline in front of it along: a section's last line keeps or lacks its own, exactly as printed.

Instead of an exit code, ``end`` may carry a word: ``timeout``, the section was ended by its time limit on the host;
``cut``, its content is not whole; ``unsent``, there is no such section. The last two stand only in replayed answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from netaudit.model.probe import Stream

MAX_LINE_BYTES = 160  # after the nonce; a marker is shorter by far
NONCE = re.compile(r"[0-9a-f]{32}", re.ASCII)

_NAMES = {Stream.OUT: "out", Stream.ERR: "err"}
_STREAMS = {b"out": Stream.OUT, b"err": Stream.ERR}
_CODE = re.compile(rb"[0-9]{1,3}")
_COUNT = re.compile(rb"[0-9]{1,4}")
_UPTIME = re.compile(rb"([0-9]{1,12})\.([0-9]{2,3})")


class Word(StrEnum):
    """What an ``end`` carries when it carries no exit code."""

    TIMEOUT = "timeout"
    CUT = "cut"
    UNSENT = "unsent"


_WORDS = {word.encode(): word for word in Word}


@dataclass(frozen=True, slots=True)
class Begin:
    """A section starts on one stream."""

    stream: Stream
    probe_id: str
    uptime_ms: int | None


@dataclass(frozen=True, slots=True)
class End:
    """A section has ended on one stream."""

    stream: Stream
    probe_id: str
    code: int | Word
    uptime_ms: int | None


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing follows on one stream."""

    stream: Stream
    count: int


def opening(nonce: str) -> bytes:
    """The bytes that every marker with this nonce starts with, the newline in front included."""
    return b"\n@netaudit %s " % nonce.encode("ascii")


def _uptime_ms(text: bytes) -> int | None:
    """Milliseconds of the first field of ``/proc/uptime``; None when the host could not say."""
    match = _UPTIME.fullmatch(text)
    return int(match[1]) * 1000 + int(match[2].ljust(3, b"0")) if match else None


def _code(text: bytes) -> int | Word:
    if _CODE.fullmatch(text):
        return int(text)
    return _WORDS[text]


def parse_marker(rest: bytes) -> Begin | End | Done:
    """The marker whose line goes on with ``rest`` after the nonce. Raises ValueError when it is none."""
    try:
        match rest.split(b" "):
            case [stream, b"begin", probe_id, uptime]:
                return Begin(_STREAMS[stream], probe_id.decode("ascii"), _uptime_ms(uptime))
            case [stream, b"end", probe_id, code, uptime]:
                return End(_STREAMS[stream], probe_id.decode("ascii"), _code(code), _uptime_ms(uptime))
            case [stream, b"done", count] if _COUNT.fullmatch(count):
                return Done(_STREAMS[stream], int(count))
    except (KeyError, UnicodeDecodeError) as error:
        raise ValueError("not a marker") from error
    raise ValueError("not a marker")


def _uptime_text(uptime_ms: int | None) -> str:
    return "" if uptime_ms is None else f"{uptime_ms // 1000}.{uptime_ms % 1000:03}"


def render_marker(nonce: str, marker: Begin | End | Done) -> bytes:
    """The bytes that ``parse_marker`` reads back as ``marker``, as the payload's shell would write them."""
    stream = _NAMES[marker.stream]
    match marker:
        case Begin():
            rest = f"{stream} begin {marker.probe_id} {_uptime_text(marker.uptime_ms)}"
        case End():
            rest = f"{stream} end {marker.probe_id} {marker.code} {_uptime_text(marker.uptime_ms)}"
        case Done():
            rest = f"{stream} done {marker.count}"
    return opening(nonce) + rest.encode("ascii") + b"\n"
