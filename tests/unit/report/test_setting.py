"""Lines fit the page, lose nothing, and end where their text ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.report.page import Pair, Role, Row, Span, Spans, spans_width, width
from netaudit.report.sanitise import printable
from netaudit.report.setting import block_lines, cut, page_lines, wrapped
from netaudit.report.tables import Column, Table, table_lines
from netaudit.report.words import GAP, MARGIN, NO_BREAK, Options

_TEXT = st.text(st.characters(codec="utf-8"), max_size=60).map(printable)
_SPANS = st.lists(st.builds(Span, _TEXT, st.sampled_from(Role)), max_size=4).map(tuple)
_LABELS = st.sampled_from(["", "read", "CRITICAL", "1288 hosts"]).map(Span)
_LINES = st.builds(Row, _LABELS, _SPANS) | st.builds(Pair, _LABELS, _SPANS, _SPANS)


def _text(line: Spans) -> str:
    return "".join(span.text for span in line)


def _seen(spans: Spans) -> str:
    return "".join(_text(spans).split())


@given(_SPANS, st.integers(2, 90))
def test_wrapping_keeps_every_sign(spans: Spans, columns: int) -> None:
    """In order and in its role; no line is wider than asked."""
    lines = wrapped(spans, columns)
    assert "".join(_seen(line) for line in lines) == _seen(spans)
    for line in lines:
        assert spans_width(line) <= columns
        assert _text(line) == _text(line).strip(" ")
    roles = [(sign, span.role) for span in spans for sign in span.text if sign != " "]
    assert [(sign, span.role) for line in lines for span in line for sign in span.text if sign != " "] == roles


def test_lines_break_at_blanks_and_behind_commas() -> None:
    """Host lists and sentences break where a person would break them."""
    said = (Span("one two web[1,3,5,7,9,11],"), Span(" ok", Role.FAINT))
    assert [_text(line) for line in wrapped(said, 14)] == ["one two web[1,", "3,5,7,9,11],", "ok"]
    assert [_text(line) for line in wrapped((Span("abcdefghij"),), 4)] == ["abcd", "efgh", "ij"]
    assert [_text(line) for line in wrapped((Span(f"12 of{NO_BREAK}10 2,001{NO_BREAK}unknown"),), 12)] == [
        "12 of 10",
        "2,001",
        "unknown",
    ] or [_text(line) for line in wrapped((Span(f"12 of{NO_BREAK}10 2,001{NO_BREAK}unknown"),), 13)] == [
        "12 of 10",
        "2,001 unknown",
    ]
    assert wrapped((), 10) == []


@given(st.lists(st.lists(_LINES, min_size=1, max_size=4).map(tuple), max_size=4), st.integers(60, 140))
def test_a_page_fits(blocks: list[tuple[Row | Pair, ...]], columns: int) -> None:
    """No line is wider than the page, and none ends in white space."""
    for line in page_lines(blocks, Options(columns=columns)):
        assert spans_width(line) <= columns
        assert _text(line) == _text(line).rstrip(" ")


def test_pairs_share_their_first_column() -> None:
    """Beside each other where they fit."""
    pairs = (
        Pair(Span("1 host"), (Span("128"),), (Span("web1"),)),
        Pair(Span("12 hosts"), (Span("511 and more"),), (Span("db[1-12]"),)),
    )
    lines = [_text(line) for line in block_lines(pairs, Options(columns=60))]
    assert lines == [
        "     1 host  128           web1",
        "   12 hosts  511 and more  db[1-12]",
    ]
    narrow = [_text(line) for line in block_lines(pairs[1:], Options(columns=MARGIN + GAP + 20))]
    assert narrow == ["   12 hosts  511 and more", "             db[1-12]"]


@given(_SPANS, st.integers(3, 60))
def test_cutting(spans: Spans, columns: int) -> None:
    """A line that is cut says so and fits."""
    line = cut(spans, columns, "…")
    assert spans_width(line) <= columns
    if spans_width(spans) <= columns:
        assert line == spans
    else:
        assert _text(line).endswith("…")


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("網路", 4), ("e\u0301", 1), ("", 0), ("ｗeb", 4)])
def test_width(text: str, columns: int) -> None:
    """East Asian signs take two columns, combining ones none."""
    assert width(text) == columns


_TABLE = Table(
    (Column("NAME"), Column("N", right=True), Column("WHAT", grows=True), Column("END")),
    (
        (Span("web1"), Span("7"), Span("a sentence that is longer than there is room for"), Span("x")),
        (Span("web100"), Span("1234"), Span(""), Span("")),
    ),
)


def test_a_table() -> None:
    """Numbers stand right, what grows is wrapped, and lines end with their text."""
    assert [_text(line) for line in table_lines(_TABLE, 40)] == [
        "NAME       N  WHAT                   END",
        "web1       7  a sentence that is     x",
        "              longer than there is",
        "              room for",
        "web100  1234",
    ]


def test_a_wide_table_is_not_stretched() -> None:
    """Columns are as wide as their contents."""
    lines = [_text(line) for line in table_lines(_TABLE, 200)]
    assert lines[1] == "web1       7  a sentence that is longer than there is room for  x"


def test_an_empty_table_has_a_header() -> None:
    """So that a script finds the columns."""
    assert [_text(line) for line in table_lines(Table(_TABLE.columns, ()), 80)] == ["NAME  N  WHAT  END"]
