"""Two streams out of one."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from netaudit.model.probe import Stream
from netaudit.transport.untag import Untagger

TAG = b"E0123:"


def joined(parts) -> dict[Stream, bytes]:
    """Each stream in one piece."""
    return {kind: b"".join(data for stream, data in parts if stream is kind) for kind in Stream}


@given(
    st.lists(st.tuples(st.booleans(), st.binary(max_size=20)), max_size=12),
    st.lists(st.integers(0, 300), max_size=12),
)
def test_any_split_gives_the_same_streams(pieces, cuts):
    """Tagged lines come out as standard error wherever the bytes were cut, all else as standard output."""
    out = err = wire = b""
    for tagged, raw in pieces:
        data = raw.replace(b"E", b"e")
        if tagged:
            line = data.replace(b"\n", b"") + b"\n"
            err, wire = err + line, wire + TAG + line
        else:
            out, wire = out + data, wire + data
    wire, out = wire + b".", out + b"."
    places = sorted({min(cut, len(wire)) for cut in cuts} | {0, len(wire)})
    untagger, parts = Untagger(TAG), []
    for begin, end in pairwise(places):
        parts += untagger.feed(wire[begin:end])
    assert joined(parts) == {Stream.OUT: out, Stream.ERR: err}


def test_the_beginning_of_a_tag_is_held_back_and_then_let_go():
    """What only looked like a tag arrives with the next bytes."""
    untagger = Untagger(TAG)
    assert untagger.feed(b"abE01") == ((Stream.OUT, b"ab"),)
    assert untagger.feed(b"x") == ((Stream.OUT, b"E01x"),)
