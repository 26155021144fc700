"""Moments and ages on the command line: ``90d``, ``2w``, ``2026-11-01``, ``2026-11-01T14:00``; always UTC."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta

from netaudit.units import parse_duration_s

_WEEKS = re.compile(r"([0-9]{1,4})w\Z", re.ASCII)
_LONGEST_S = 100 * 366 * 86400.0


def age(text: str) -> timedelta:
    """How long ago: ``90d``, ``2w``, ``12h``."""
    weeks = _WEEKS.match(text)
    try:
        seconds = float(weeks[1]) * 7 * 86400 if weeks else parse_duration_s(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an age: 90d, 2w, 12h") from None
    if not 0 < seconds <= _LONGEST_S or text.strip().isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not an age: 90d, 2w, 12h")
    return timedelta(seconds=seconds)


def moment(text: str) -> datetime:
    """A moment in UTC: a date, a time of a date, or an age before now."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            return datetime.now(UTC) - age(text)
        except argparse.ArgumentTypeError:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a moment: 7d, 2026-11-01, 2026-11-01T14:00 (UTC)"
            ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
