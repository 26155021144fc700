"""Which files of remediations a person has reviewed: by the sha256 of their bytes, with who and when.

A pin keeps the text that was reviewed, so that an altered file is refused together with what was altered. Shipped files
come pinned. Nothing here reads or writes a file.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from netaudit.errors import PlanError, Where

SCHEMA = "netaudit.pins/1"
_MAX_TEXT_BYTES = 5 * 2**20
_MOST_DIFFERENCES = 40  # lines of a difference that are shown


@dataclass(frozen=True, slots=True)
class Pin:
    """One reviewed file. ``path`` is absolute, or of a shipped file its name in the shipped folder."""

    path: str
    sha256: str
    who: str
    when: datetime  # UTC
    text: str  # as it was reviewed


class Altered(PlanError):
    """A file is not as it was reviewed; ``difference`` are the lines of what was altered."""

    def __init__(self, pin: Pin, data: bytes) -> None:
        message = f"was altered since {pin.who} pinned it on {pin.when:%Y-%m-%d}"
        super().__init__(message, Where(pin.path), f"review it again, then: netaudit vet {pin.path}")
        self.difference = tuple(difference(pin, data))


def sha256_of(data: bytes) -> str:
    """The digest that a pin holds."""
    return hashlib.sha256(data).hexdigest()


def pin_of(path: str, data: bytes, who: str, when: datetime) -> Pin:
    """The pin of a file that was reviewed."""
    return Pin(path, sha256_of(data), who, when.replace(microsecond=0), data.decode("utf-8", "replace"))


def demand_pinned(path: str, data: bytes, pins: Mapping[str, Pin]) -> None:
    """Raises PlanError for a file that is not pinned, or not as it was reviewed, with the difference."""
    pin = pins.get(path)
    if pin is None:
        raise PlanError("is not pinned: nobody has said that it was reviewed", Where(path), f"netaudit vet {path}")
    if pin.sha256 != sha256_of(data):
        raise Altered(pin, data)


def difference(pin: Pin, data: bytes) -> list[str]:
    """What was altered since a file was pinned, as a unified diff; a long one is cut."""
    lines = difflib.unified_diff(
        pin.text.splitlines(),
        data.decode("utf-8", "replace").splitlines(),
        f"{pin.path} as pinned",
        f"{pin.path} now",
        lineterm="",
    )
    found = list(lines)
    if not found:
        return ["(only in blanks at the ends of lines, or in bytes that are no text)"]
    more = len(found) - _MOST_DIFFERENCES
    return [*found[:_MOST_DIFFERENCES], *([f"… and {more} more lines"] if more > 0 else [])]


def dump_pins(pins: Iterable[Pin]) -> str:
    """Pins as JSON."""
    entries = [
        {
            "path": pin.path,
            "sha256": pin.sha256,
            "who": pin.who,
            "when": f"{pin.when:%Y-%m-%dT%H:%M:%SZ}",
            "text": base64.b64encode(zlib.compress(pin.text.encode(), 9)).decode(),
        }
        for pin in sorted(pins, key=lambda pin: pin.path)
    ]
    return json.dumps({"schema": SCHEMA, "pins": entries}, indent=1) + "\n"


def load_pins(text: str, file: str) -> dict[str, Pin]:
    """Pins by path. Raises PlanError when the file is not one of pins."""
    try:
        return {entry["path"]: _pin(entry) for entry in _entries(json.loads(text))}
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, zlib.error, RecursionError) as error:
        raise PlanError(f"is no file of pins: {error}", Where(file), "remove it, and review the files again") from error


def _entries(found: Mapping[str, object]) -> list[Mapping[str, str]]:
    if found["schema"] != SCHEMA:
        raise ValueError(f"its schema is {found['schema']!r}, and {SCHEMA} is wanted")
    listed = found["pins"]
    if not isinstance(listed, list):
        raise TypeError("its pins are no list")
    return listed


def _pin(entry: Mapping[str, str]) -> Pin:
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(base64.b64decode(entry["text"], validate=True), _MAX_TEXT_BYTES)
    when = datetime.strptime(entry["when"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    path, sha256, who = (str(entry[name]) for name in ("path", "sha256", "who"))
    return Pin(path, sha256, who, when, data.decode("utf-8", "replace"))
