"""Ages and moments are read as people write them, and everything else is refused in a line."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta

import pytest

from netaudit.cli.asking.moments import age, moment


@pytest.mark.parametrize(
    ("text", "days"), [("90d", 90), ("2w", 14), ("12h", 0.5), ("1.5d", 1.5), ("30m", 1 / 48), ("86400s", 1)]
)
def test_ages(text: str, days: float) -> None:
    """Days and weeks above all, and whatever is a duration elsewhere."""
    assert age(text) == timedelta(days=days)


@pytest.mark.parametrize("text", ["", "90", "0d", "-1d", "d", "1y", "1w2d", "99999999d", "nan", "1e9d"])
def test_what_is_no_age(text: str) -> None:
    """A bare number would be seconds, and nobody means that."""
    with pytest.raises(argparse.ArgumentTypeError, match="is not an age"):
        age(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T14:00", datetime(2026, 11, 1, 14, tzinfo=UTC)),
        ("2026-11-01T14:00+02:00", datetime(2026, 11, 1, 12, tzinfo=UTC)),
        ("2026-11-01 14:00:05Z", datetime(2026, 11, 1, 14, 0, 5, tzinfo=UTC)),
    ],
)
def test_moments(text: str, expected: datetime) -> None:
    """Without a zone they are UTC, as everything that is printed."""
    assert moment(text) == expected


def test_a_moment_may_be_an_age() -> None:
    """So long before now."""
    assert timedelta(days=6.9) < datetime.now(UTC) - moment("7d") < timedelta(days=7.1)


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "", "7"])
def test_what_is_no_moment(text: str) -> None:
    """The line says how one is written."""
    with pytest.raises(argparse.ArgumentTypeError, match="is not a moment: 7d, 2026-11-01"):
        moment(text)
