"""A capture as bytes to keep, and back: compressed, versioned, bounded.

    "NACAP1\\n", then compressed by zlib:  length of the header, 4 bytes, big-endian
                                          header, JSON in UTF-8
                                          stdout and stderr of each section, one after another

Section contents stay raw bytes behind a small header, so nothing of them is escaped or parsed on the way: a stored
fleet of 10,000 hosts has to be read again in seconds.
"""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime
from typing import Any

from netaudit.errors import ErrorKind, Phase
from netaudit.model.probe import Capture, HostError, Section, SectionStatus
from netaudit.wire.deflate import compress, expand

MAGIC = b"NACAP1\n"
MAX_DUMP_BYTES = 64 * 2**20  # of a dump as it is kept
MAX_RAW_BYTES = 256 * 2**20  # of what it may grow to
_LENGTH = struct.Struct(">I")

# A table is faster than the enum's own look-up, which goes through a metaclass.
_STATUS = {str(status): status for status in SectionStatus}


def _text(value: str) -> str:
    """The text without lone surrogates, which no encoding can carry."""
    if value.isascii():
        return value
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace").decode("utf-8")
    return value


def _error_fields(error: HostError | None) -> list[str] | None:
    if error is None:
        return None
    return [str(error.kind), _text(error.message), str(error.phase), _text(error.hint)]


def dump_capture(capture: Capture) -> bytes:
    """The bytes that ``load_capture`` reads back as an equal capture."""
    header = {
        "host": _text(capture.host),
        "address": _text(capture.address),
        "bundle": _text(capture.bundle_digest),
        "started": capture.started_at.astimezone(UTC).isoformat(),
        "elapsed_s": capture.elapsed_s,
        "error": _error_fields(capture.error),
        "notes": [_text(note) for note in capture.notes],
        "sections": [
            [s.probe_id, str(s.status), s.exit_code, len(s.stdout), len(s.stderr), s.elapsed_ms]
            for s in capture.sections
        ],
    }
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    body = [_LENGTH.pack(len(head)), head]
    for section in capture.sections:
        body += [section.stdout, section.stderr]
    return MAGIC + compress(b"".join(body))


def _inflate(dump: bytes) -> bytes:
    """The body of a dump. A dump that would grow without bound, or is cut, is refused."""
    if not dump.startswith(MAGIC):
        raise ValueError("not a capture of this version of netaudit")
    if len(dump) > MAX_DUMP_BYTES:
        raise ValueError("the capture is larger than netaudit writes any")
    try:
        return expand(memoryview(dump)[len(MAGIC) :], MAX_RAW_BYTES)
    except ValueError as error:
        raise ValueError(f"the capture is {error}") from error


def load_capture(dump: bytes) -> Capture:
    """The capture that was dumped. Raises ValueError, with one line for a person, when it is not whole."""
    body = _inflate(dump)
    try:
        start = _LENGTH.size + _LENGTH.unpack_from(body)[0]
        header = json.loads(body[_LENGTH.size : start])
        return _capture(header, _sections(header["sections"], body, start))
    except (struct.error, KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"the capture is damaged: {type(error).__name__}: {error}") from error


def _sections(rows: list[Any], body: bytes, start: int) -> tuple[Section, ...]:
    """The sections whose contents stand one after another from ``start`` to the end of the body."""
    sections = []
    for probe_id, status, exit_code, out_bytes, err_bytes, elapsed_ms in rows:
        middle = start + _whole(out_bytes)
        end = middle + _whole(err_bytes)
        code = None if exit_code is None else _whole(exit_code)
        section = Section(
            _string(probe_id), _STATUS[status], code, body[start:middle], body[middle:end], _whole(elapsed_ms)
        )
        sections.append(section)
        start = end
    if start != len(body):
        raise ValueError("the contents are not as long as the header says")
    return tuple(sections)


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(f"{value!r:.40} is not a whole number")
    return value


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is not text")
    return _text(value)


def _capture(header: dict[str, Any], sections: tuple[Section, ...]) -> Capture:
    started_at = datetime.fromisoformat(header["started"])
    if started_at.tzinfo is None:
        raise ValueError("a time without zone")
    return Capture(
        host=_string(header["host"]),
        address=_string(header["address"]),
        bundle_digest=_string(header["bundle"]),
        started_at=started_at,
        elapsed_s=float(header["elapsed_s"]),
        sections=sections,
        error=_error(header["error"]),
        notes=tuple(_string(note) for note in header["notes"]),
    )


def _error(fields: list[str] | None) -> HostError | None:
    if fields is None:
        return None
    kind, message, phase, hint = fields
    return HostError(ErrorKind(kind), _string(message), Phase(phase), _string(hint))
