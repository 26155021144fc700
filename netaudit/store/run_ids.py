"""Names of runs: short enough to type, in the order of time."""

from __future__ import annotations

from datetime import UTC, datetime

_TAIL_DIGITS = 4


def run_id(started_at: datetime, nonce: str) -> str:
    """``20261120-150000-3f2a``: the start in UTC and the first digits of a random hexadecimal number."""
    moment = started_at.astimezone(UTC)
    return f"{moment:%Y%m%d-%H%M%S}-{nonce[:_TAIL_DIGITS]}"
