"""A stranger's words in a message of ours."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from netaudit.transport.hosttext import MESSAGE_CHARS, one_line


@given(st.one_of(st.text(), st.binary()))
def test_it_is_printable_on_one_line_and_bounded(text):
    """Whatever it was."""
    line = one_line(text)
    assert len(line) <= MESSAGE_CHARS
    assert "\n" not in line
    assert not any(ord(sign) < 32 or 0x7F <= ord(sign) < 0xA0 for sign in line)
    line.encode()


def test_what_a_terminal_would_obey_is_spelt_out():
    """Escapes, C1 controls, directions of writing, lone surrogates."""
    assert one_line("a\x1b[2J\x9b\u202eb\udc80") == "a\\x1b[2J\\x9b\\u202eb\\udc80"


def test_what_is_cut_is_marked():
    """By an ellipsis within the limit."""
    assert one_line("x" * 50, 10) == "x" * 9 + "…"


def test_bytes_that_are_no_text_are_replaced():
    """One sign each."""
    assert one_line(b"a\xffb") == "a\ufffdb"
