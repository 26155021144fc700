"""Nothing that a terminal might obey passes the border."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.report.sanitise import MAX_CHARS, ascii_only, printable


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plain text, 100 %", "plain text, 100 %"),
        ("grüße, 網路, ☎, �", "grüße, 網路, ☎, �"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b2J", "\\x9b2J"),
        ("a\nb\tc\rd\x00\x7f", "a\\x0ab\\x09c\\x0dd\\x00\\x7f"),
        ("abc\u202egnp.exe", "abc\\u202egnp.exe"),
        ("\u2066\u2069\u200f\u200b\ufeff\u2028", "\\u2066\\u2069\\u200f\\u200b\\ufeff\\u2028"),
        ("byte \udcff, half \ud83d", "byte \\xff, half \\ud83d"),
        ("\xa0\u3164\ufe0f\U000e0041", "\\xa0\\u3164\\ufe0f\\U000e0041"),
        ("[/x] [bold]", "[/x] [bold]"),
    ],
)
def test_what_is_said(text: str, said: str) -> None:
    """Controls, format signs and lone surrogates are written out; everything that is seen stays."""
    assert printable(text) == said


def test_every_sign_of_unicode() -> None:
    """No control, format, surrogate, private or separating sign is left but the blank."""
    for start in range(0, 0x110000, 0x1000):
        said = printable("".join(map(chr, range(start, start + 0x1000))), 0x1000)
        left = {sign for sign in said if unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}}
        assert left <= {" "}


@given(st.text(st.characters(exclude_categories=())), st.integers(1, 50))
def test_length_is_bounded(text: str, limit: int) -> None:
    """What is cut says by how much; what is not is whole."""
    said = printable(text, limit)
    assert ("more characters)" in said) == (len(text) > limit) or "more characters)" in text
    said.encode("utf-8")
    assert ascii_only(said).isascii()


def test_ten_kilobytes_are_cut() -> None:
    """A value of 10 kB does not fill the screen."""
    said = printable("x" * 10_000)
    assert said == "x" * MAX_CHARS + "… (9,600 more characters)"
