"""Names of runs: short enough to type, in the order of time."""

from __future__ import annotations

from datetime import UTC, datetime

_PARTS = 4096  # of a second: three hexadecimal digits


def run_id(started_at: datetime, nonce: str) -> str:
    """``20261120-150000-3f2a``: the start in UTC, the part of its second, and a digit of a random hexadecimal number.

    Ids sort as the runs began, to a quarter of a millisecond; the digit tells those of one moment apart.
    """
    moment = started_at.astimezone(UTC)
    part = moment.microsecond * _PARTS // 1_000_000
    return f"{moment:%Y%m%d-%H%M%S}-{part:03x}{nonce[:1]}"
