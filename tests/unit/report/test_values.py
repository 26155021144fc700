"""Values in words are short, carry their unit, and are never rounded to something else."""

from __future__ import annotations

import pytest

from netaudit.fleet.spread import Counter, Spread, plain
from netaudit.report.signs import ASCII, UNICODE
from netaudit.report.values import change_texts, expected_text, one, subjects_text, value_text


@pytest.mark.parametrize(
    ("observed", "expected", "unit", "said"),
    [
        (128, ">= 4096", "connections", ("128", "≥ 4096 connections")),
        (128, "listener.backlog >= 4096", "connections", ("128 connections", "listener.backlog ≥ 4096")),
        (6291456, ">= 16777216 (16 MiB)", "bytes", ("6 MiB", "≥ 16 MiB")),
        (131071, ">= 131072 (128 KiB)", "bytes", ("131071 B", "≥ 128 KiB")),
        (131072, ">= 131071 (128 KiB)", "bytes", ("128 KiB", "≥ 131071 B")),
        (1500, "<= 1400 (1.4 KiB)", "bytes", ("1500 B", "≤ 1400 B")),
        (25184534528, ">= 33554432 (32 MiB)", "bytes", ("25184534528 B (23.5 GiB)", "≥ 32 MiB")),
        (512, ">= 1024", "bytes", ("512 B", "≥ 1024 B")),
        (7200, "<= 600 (10 m)", "seconds", ("2 h", "≤ 10 m")),
        (7201, "<= 30", "seconds", ("7201 s", "≤ 30 s")),
        (15, "10 to 20", "seconds", ("15 s", "10 s to 20 s")),
        (
            [4096, 131072, 6291456],
            "field 2: >= 16777216 (16 MiB)",
            "bytes",
            ("4096 131072 6291456 bytes", "field 2: ≥ 16 MiB"),
        ),
        ("cubic", "one of bbr, cubic2", None, ("cubic", "one of bbr, cubic2")),
        (True, "false", None, ("true", "false")),
        (None, "nic.speed >= 1000", "Mbit/s", ("", "nic.speed ≥ 1000")),
        (0.25, "<= 0.1", "ratio", ("0.25", "≤ 0.1")),
        (1, "", "packets", ("1 packets", "")),
    ],
)
def test_one_value(observed: object, expected: str, unit: str | None, said: tuple[str, str]) -> None:
    """What was seen and what was expected, each with its unit."""
    assert change_texts(one(plain(observed)), one(expected) if expected else Spread(), unit, UNICODE) == said


def _spread(*values: object) -> Spread:
    counter = Counter()
    for value in values:
        counter.add(plain(value))
    return counter.spread()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([128] * 36 + [511], "128 (36 hosts), 511 (1)"),
        ([511, 128], "128 (1 host), 511 (1)"),
        ([None, "x"], "none (1 host), x (1)"),
        (list(range(10)), "0 to 9"),
        ([256] * 20 + [1, 2, 4096], "1 to 4096 (mostly 256)"),
        (["a"] * 5 + ["b", "c", "d", "e"], "a (5 hosts), b (1), c (1), others (2)"),
        (list(range(1000)), "0 to 999"),
    ],
)
def test_a_spread(values: list[object], said: str) -> None:
    """A few values are counted, many numbers are spanned."""
    assert change_texts(_spread(*values), Spread(), None, UNICODE)[0] == said


def test_expectations_that_differ_by_host() -> None:
    """One is shown, and that there are others."""
    wanted = change_texts(one(1), _spread(">= 4096", ">= 4096", ">= 8192"), "packets", UNICODE)[1]
    assert wanted == "≥ 4096 (and 1 other value, by host) packets"
    many = change_texts(one(1), _spread(*(f">= {n}" for n in range(100))), None, UNICODE)[1]
    assert many == "≥ 0 (and 63+ other values, by host)"


def test_subjects() -> None:
    """Two are named, the others counted."""
    assert subjects_text(_spread("eth0"), UNICODE) == "eth0"
    assert subjects_text(_spread("eth0", "eth1"), UNICODE) == "eth0, eth1"
    assert subjects_text(_spread("a", "b", "c"), UNICODE) == "a, b and 1 other"
    assert subjects_text(_spread(*map(str, range(100))), UNICODE) == "0, 1 and 62+ others"


def test_hostile_values_are_printable() -> None:
    """Escapes, markup and size do nothing."""
    assert value_text("\x1b[2J[/x]") == "\\x1b[2J[/x]"
    assert len(value_text("x" * 10_000)) < 120
    assert len(value_text(["y" * 5000] * 64)) < 120
    assert value_text(10**5000) == f"a number of {(10**5000).bit_length()} bits"
    assert expected_text(">= \x9b", UNICODE) == "≥ \\x9b"


def test_ascii() -> None:
    """A terminal without Unicode gets none."""
    seen, wanted = change_texts(one("größe" * 100), one(">= ü"), "ü", ASCII)
    assert seen.isascii()
    assert "... (" in seen
    assert wanted == ">= \\xfc"
