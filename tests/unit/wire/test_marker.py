"""Markers say what they say, and nothing else passes for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.model.probe import Stream
from netaudit.wire.marker import Begin, Done, End, Word, opening, parse_marker, render_marker

NONCE = "0123456789abcdef" * 2
streams = st.sampled_from(Stream)
ids = st.from_regex(r"\A[a-z][a-z0-9_]{0,20}\Z")
uptimes = st.none() | st.integers(0, 10**12)
codes = st.integers(0, 255) | st.sampled_from(Word)
markers = st.one_of(
    st.builds(Begin, streams, ids, uptimes),
    st.builds(End, streams, ids, codes, uptimes),
    st.builds(Done, streams, st.integers(0, 9999)),
)


@given(markers)
def test_a_marker_reads_as_it_was_written(marker):
    """Whatever is rendered is parsed to the same value."""
    line = render_marker(NONCE, marker)
    assert line.startswith(opening(NONCE))
    assert line.endswith(b"\n")
    assert parse_marker(line[len(opening(NONCE)) : -1]) == marker


def test_the_clock_of_a_host_has_hundredths():
    """The kernel prints two decimals; they are taken as tens of milliseconds."""
    assert parse_marker(b"out begin sysctl 12.34") == Begin(Stream.OUT, "sysctl", 12340)


@pytest.mark.parametrize("uptime", [b"", b"12", b"-1.00", b"1e5.00", b"9" * 13 + b".00", b"x"])
def test_a_clock_that_cannot_be_read_is_no_clock(uptime):
    """An odd uptime costs the duration, not the section."""
    assert parse_marker(b"out begin sysctl " + uptime) == Begin(Stream.OUT, "sysctl", None)


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"out",
        b"in begin a 1.00",
        b"out start a 1.00",
        b"out end a 1000 1.00",
        b"out end a -1 1.00",
        b"out end a oops 1.00",
        b"out end a 0",
        b"out begin a 1.00 more",
        b"out done x",
        b"out done 99999",
        b"out begin \xff 1.00",
        "out end a ٣ 1.00".encode(),
    ],
)
def test_anything_else_is_no_marker(rest):
    """Wrong words, wrong numbers and wrong counts of fields are refused."""
    with pytest.raises(ValueError, match="not a marker"):
        parse_marker(rest)
