"""What JSON can say: no NaN, no infinity, no lone surrogate, text keys. Everything else is written as text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime

_MAX_BITS = 256  # of an integer that is written in digits
_MAX_DEPTH = 8
_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode  # made once: json.dumps makes one a call


def dumps(row: object) -> str:
    """The row as one line of JSON in ASCII, valid whatever a host put into its values."""
    try:
        text = _encode(row)
    except (TypeError, ValueError, RecursionError):
        return _encode(clean(row))
    if "\\ud" in text:  # a surrogate, or half of a pair
        return _encode(clean(row))
    return text


def clean(value: object, depth: int = 0) -> object:
    """The value with what JSON cannot say written as text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value.bit_length() <= _MAX_BITS else f"a number of {value.bit_length()} bits"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, datetime):
        return time_text(value)
    if depth >= _MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return {str(clean(str(key))): clean(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(each, depth + 1) for each in value]
    return clean(str(value))


def time_text(moment: datetime) -> str:
    """A moment as reports write it: ``2026-11-20T15:00:00Z``, whole seconds, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
