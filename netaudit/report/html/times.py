"""Points in time as pages tell them."""

from __future__ import annotations

from datetime import datetime


def time_text(when: datetime) -> str:
    """A point in time: ``2026-11-20 15:00:00 UTC``."""
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"
