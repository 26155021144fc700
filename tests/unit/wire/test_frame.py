"""The decoder gives what was sent, however the bytes come, and believes nothing that is not framed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.probe import Section, SectionStatus, Stream
from netaudit.wire.frame import MAX_STDERR_BYTES, Decoder, encode, excerpt
from netaudit.wire.marker import Begin, Done, End, render_marker

NONCE = "0f" * 16
OTHER = "f0" * 16
CAP = 4096


def section(probe_id: str, stdout: bytes = b"", stderr: bytes = b"", code: int = 0, elapsed_ms: int = 10) -> Section:
    """A section as it ended with an exit code."""
    status = {
        0: SectionStatus.COMPLETE,
        10: SectionStatus.NOT_APPLICABLE,
        11: SectionStatus.NOT_PRESENT,
        12: SectionStatus.NOT_PERMITTED,
    }.get(code, SectionStatus.FAILED)
    return Section(probe_id, status, code, stdout, stderr, elapsed_ms)


def decoder(*probe_ids: str, cap: int = CAP, total: int = 10**6) -> Decoder:
    """A decoder that expects these sections."""
    return Decoder(NONCE, probe_ids, dict.fromkeys(probe_ids, cap), total)


def out(*parts: bytes) -> bytes:
    """An answer of one section ``a`` on standard output."""
    return encoded(section("a", b"".join(parts)))[0]


def encoded(*sections: Section) -> tuple[bytes, bytes]:
    """Both streams of a whole answer."""
    return encode(sections, NONCE)


# Content that is likely to look like a frame: newlines, pieces of markers, markers of another run.
pieces = st.sampled_from(
    [b"\n", b"\r\n", b"@netaudit ", b"\n@netaudit ", NONCE[:7].encode(), NONCE.encode(), b" out end a 0 1.00\n",
     b"\n@netaudit " + OTHER.encode() + b" out end a 0 1.00\n", b"\n@netaudit " + NONCE.encode(), b"\x00\xff", b"x"]
)  # fmt: skip
texts = st.lists(pieces, max_size=12).map(b"".join).filter(lambda data: b"\n@netaudit " + NONCE.encode() not in data)
section_lists = st.lists(
    st.tuples(texts, texts, st.integers(0, 255), st.integers(0, 10**6)), min_size=1, max_size=4
).map(lambda rows: [section(f"s{place}", *row) for place, row in enumerate(rows)])


@st.composite
def splits(draw, data: bytes) -> list[bytes]:
    """The data in pieces of any size."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return [data[low:high] for low, high in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@given(st.data(), section_lists)
def test_any_split_of_the_bytes_gives_the_same_sections(data, sections):
    """Chunks of both streams in any size, and in any order of the streams, decode to what was sent."""
    stdout, stderr = encode(sections, NONCE)
    chunks = [(Stream.OUT, chunk) for chunk in data.draw(splits(stdout))]
    for chunk in data.draw(splits(stderr)):
        chunks.insert(data.draw(st.integers(0, len(chunks))), (Stream.ERR, chunk))
    in_order = [c for c in chunks if c[0] is Stream.OUT], iter(data.draw(splits(stderr)))
    taker = decoder(*(s.probe_id for s in sections))
    whole = False
    for stream, chunk in chunks:
        whole = taker.feed(stream, chunk if stream is Stream.OUT else next(in_order[1], b""))
    for chunk in in_order[1]:
        whole = taker.feed(Stream.ERR, chunk)
    assert whole
    assert taker.sections == tuple(sections)
    assert taker.finish() == tuple(sections)
    assert taker.problem() is None
    assert taker.notes == ()


@given(st.data(), st.lists(pieces, max_size=20).map(b"".join))
def test_rubbish_gives_the_same_outcome_however_it_is_split(data, rubbish):
    """Broken answers too: same sections, same problem, same notes, byte by byte or at once."""

    def outcome(chunks):
        taker = decoder("a", "b")
        try:
            for chunk in chunks:
                taker.feed(Stream.OUT, chunk)
        except WorldError:
            pass
        problem = taker.problem()
        return taker.finish(), problem, taker.notes

    answer = out(b"x")[:-20] + rubbish
    at_once = outcome([answer])
    assert outcome(data.draw(splits(answer))) == at_once
    assert outcome([bytes([byte]) for byte in answer]) == at_once


def test_every_way_to_end_is_told_apart():
    """Exit codes become words; what ended by its time limit has no exit code."""
    sections = [section(f"s{code}", b"x", code=code) for code in (0, 1, 10, 11, 12, 137)]
    late = Section("late", SectionStatus.TIMED_OUT, None, b"half", b"", 5000)
    cut = Section("cut", SectionStatus.CUT, None, b"half", b"", 0)
    taker = decoder(*(s.probe_id for s in [*sections, late, cut]))
    for stream, data in zip(Stream, encode([*sections, late, cut], NONCE), strict=True):
        taker.feed(stream, data)
    assert taker.finish() == (*sections, late, cut)


def test_a_marker_without_the_nonce_is_content():
    """A forged end of another run closes nothing."""
    forged = render_marker(OTHER, End(Stream.OUT, "a", 0, 0)) + render_marker(OTHER, Done(Stream.OUT, 1))
    taker = decoder("a")
    taker.feed(Stream.OUT, out(b"before", forged, b"after"))
    assert taker.finish()[0].stdout == b"before" + forged + b"after"


def test_the_last_newline_is_as_it_was_printed():
    """With one, without one, or with many: the frame adds and takes nothing."""
    for content in (b"", b"x", b"x\n", b"\n", b"\n\n", b"x\r\n"):
        taker = decoder("a")
        taker.feed(Stream.OUT, out(content))
        assert taker.finish()[0].stdout == content


def test_a_section_without_end_is_cut():
    """What came of it is kept, what never began is there and empty, and the problem says how far it came."""
    stdout, _ = encoded(section("a", b"one"), section("b", b"two\n@netau"), section("c"))
    taker = decoder("a", "b", "c")
    at = stdout.index(b"two\n@netau") + 10
    assert not taker.feed(Stream.OUT, stdout[:at])
    problem = taker.problem()
    assert (problem.kind, problem.phase) == (ErrorKind.DISCONNECTED, Phase.ANSWER)
    assert "after 1 of 3 sections" in problem.message
    assert [(s.status, s.stdout) for s in taker.finish()] == [
        (SectionStatus.COMPLETE, b"one"),
        (SectionStatus.CUT, b"two\n@netau"),
        (SectionStatus.CUT, b""),
    ]


def test_nothing_at_all_is_no_shell():
    """A channel that closes without a byte had no shell that runs commands."""
    problem = decoder("a").problem()
    assert (problem.kind, problem.phase) == (ErrorKind.NO_SHELL, Phase.SESSION)
    assert "printed nothing" in problem.message


def test_words_without_a_frame_are_no_shell():
    """What was said instead of an answer is quoted, fit to print."""
    taker = decoder("a")
    taker.feed(Stream.OUT, b"This account is \x1b[31mnot available.\r\n")
    taker.feed(Stream.ERR, b"bye")
    assert taker.problem().message.endswith("it printed: This account is \\x1b[31mnot available. bye")


def test_noise_around_and_within_is_counted_and_does_no_harm():
    """A login profile that prints on either stream leaves a note of bounded length."""
    stdout, stderr = encoded(section("a", b"1"), section("b", b"2"))
    between = stdout.replace(
        b"\n@netaudit %s out begin b" % NONCE.encode(), b"MID\n@netaudit %s out begin b" % NONCE.encode()
    )
    taker = decoder("a", "b", total=10**7)
    assert not taker.feed(Stream.OUT, b"Welcome!\n" + between + b"bye")
    assert taker.feed(Stream.ERR, b"y" * 10**5 + stderr)
    assert taker.problem() is None
    assert [s.stdout for s in taker.finish()] == [b"1", b"2"]
    assert taker.notes[:3] == (
        "9 bytes on stdout before the answer: Welcome!",
        "3 bytes on stdout within the answer: MID",
        "3 bytes on stdout after the answer: bye",
    )
    assert taker.notes[3].startswith("100000 bytes on stderr before the answer: yyy")
    assert len(taker.notes[3]) < 300


def test_a_terminal_in_between_is_undone():
    """With CR LF for LF, and both streams on one, the sections are those that were sent."""
    stdout, stderr = encoded(section("a", b"one\ntwo\n"), section("b", b"three"))
    merged = b""
    for left, right in zip(stdout.split(b"\n@"), stderr.split(b"\n@"), strict=True):
        merged += (b"\n@" + left + b"\n@" + right) if left else b""
    merged = merged.replace(b"\n", b"\r\n")
    for size in (1, 7, len(merged)):
        taker = decoder("a", "b")
        whole = [taker.feed(Stream.OUT, merged[at : at + size]) for at in range(0, len(merged), size)][-1]
        assert whole
        assert taker.notes == ()
        assert [(s.status, s.stdout) for s in taker.finish()] == [
            (SectionStatus.COMPLETE, b"one\ntwo\n"),
            (SectionStatus.COMPLETE, b"three"),
        ]


@pytest.mark.parametrize(("size", "status"), [(CAP, SectionStatus.COMPLETE), (CAP + 1, SectionStatus.CUT)])
def test_behind_a_terminal_a_bound_is_the_same(size, status):
    """The carriage return before a marker is the terminal's and does not count."""
    taker = decoder("a")
    taker.feed(Stream.OUT, out(b"x" * size).replace(b"\n", b"\r\n"))
    (only,) = taker.finish()
    assert (only.status, only.stdout) == (status, b"x" * CAP)


def test_standard_error_that_is_lost_costs_a_note():
    """Some ways in drop it; the facts are all on standard output."""
    taker = decoder("a")
    assert not taker.feed(Stream.OUT, out(b"x"))
    assert taker.problem() is None
    assert taker.notes == ("standard error did not arrive whole",)
    assert taker.finish()[0].status is SectionStatus.COMPLETE


def test_a_section_over_its_bound_is_cut_and_the_rest_goes_on():
    """Its first bytes are kept; the sections after it are whole."""
    sections = [section("a", b"x" * (CAP + 1)), section("b", b"y" * CAP)]
    taker = decoder("a", "b")
    for stream, data in zip(Stream, encode(sections, NONCE), strict=True):
        for at in range(0, len(data), 1000):
            taker.feed(stream, data[at : at + 1000])
    first, second = taker.finish()
    assert (first.status, first.exit_code, first.stdout) == (SectionStatus.CUT, None, b"x" * CAP)
    assert second == sections[1]
    assert taker.notes == ("a: cut at 4 KiB",)
    assert taker.problem() is None


def test_standard_error_over_its_bound_is_cut_and_the_section_stands():
    """Standard error is for people: less of it changes no fact."""
    taker = decoder("a")
    for stream, data in zip(Stream, encoded(section("a", b"x", b"e" * (MAX_STDERR_BYTES + 1))), strict=True):
        taker.feed(stream, data)
    (only,) = taker.finish()
    assert (only.status, len(only.stderr)) == (SectionStatus.COMPLETE, MAX_STDERR_BYTES)
    assert taker.notes == ("a: standard error cut at 64 KiB",)


@pytest.mark.parametrize("stream", list(Stream))
@pytest.mark.parametrize("start", [b"", out(b"x")[:70]], ids=["noise", "section"])
def test_an_answer_without_end_is_given_up(stream, start):
    """Noise, content and dropped content all count; memory is bounded by what is kept."""
    taker = decoder("a", total=50_000)
    taker.feed(Stream.OUT, start)
    flood = (taker.feed(stream, b"y" * 1000) for _ in range(100))
    with pytest.raises(WorldError) as caught:
        any(flood)
    assert (caught.value.kind, caught.value.phase) == (ErrorKind.OUTPUT_TOO_LARGE, Phase.ANSWER)
    assert taker.problem().kind is ErrorKind.OUTPUT_TOO_LARGE
    with pytest.raises(WorldError):
        taker.feed(stream, b"")
    assert len(taker.finish()[0].stdout) <= CAP


def marked(*markers: Begin | End | Done) -> bytes:
    """Markers of this run, one after another."""
    return b"".join(render_marker(NONCE, marker) for marker in markers)


A, B = Begin(Stream.OUT, "a", 0), End(Stream.OUT, "a", 0, 0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (marked(Done(Stream.OUT, 0)), "the end came after 0 of 2"),
        (marked(A, B, Done(Stream.OUT, 1)), "the end came after 1 of 2"),
        (marked(A, B, Begin(Stream.OUT, "b", 0), End(Stream.OUT, "b", 0, 0), Done(Stream.OUT, 3)), "after 2 of 2"),
        (marked(Begin(Stream.OUT, "b", 0)), "'b' came where 'a' was due"),
        (marked(A, A), "out of turn"),
        (marked(A, B, B), "did not begin"),
        (marked(B), "did not begin"),
        (marked(A, End(Stream.OUT, "b", 0, 0)), "did not begin"),
        (out(b"x").replace(b"done 1", b"done 9"), "the end came"),
        (b"\n@netaudit " + NONCE.encode() + b" says nothing\n", "says nothing"),
        (b"\n@netaudit " + NONCE.encode() + b" out" + b"x" * 500, "without end"),
    ],
)
def test_a_broken_frame_refuses_the_answer(data, words):
    """Wrong order, wrong count, twice the same: nothing of it can be believed to be whole."""
    taker = decoder("a", "b")
    with pytest.raises(WorldError, match="not framed as it was asked") as caught:
        taker.feed(Stream.OUT, data)
    assert caught.value.kind is ErrorKind.BAD_ANSWER
    assert words in caught.value.message
    assert taker.problem().kind is ErrorKind.BAD_ANSWER


def test_a_second_answer_refuses_both():
    """A frame after the end means that one of two answers is not the one."""
    taker = decoder("a")
    with pytest.raises(WorldError, match="a frame after the end"):
        taker.feed(Stream.OUT, out(b"x") + out(b"y"))


def test_standard_output_as_standard_error_is_refused():
    """Sections would look empty, and empty is not absent."""
    taker = decoder("a")
    with pytest.raises(WorldError, match="came as standard error"):
        taker.feed(Stream.ERR, out(b"x"))


def test_a_section_that_was_never_sent_is_not_there():
    """A replayed answer may lack what is asked now; that is neither empty nor cut."""
    stdout, stderr = encode([section("b", b"x")], NONCE, probe_ids=["a", "b", "c"])
    taker = decoder("a", "b", "c")
    taker.feed(Stream.OUT, stdout)
    assert taker.feed(Stream.ERR, stderr)
    assert taker.finish() == (section("b", b"x"),)
    assert taker.sections == (section("b", b"x"),)
    assert taker.problem() is None


def test_a_clock_that_goes_backwards_gives_no_negative_time():
    """Hosts are believed to be wrong."""
    data = marked(Begin(Stream.OUT, "a", 5000), End(Stream.OUT, "a", 0, 1000), Done(Stream.OUT, 1))
    taker = decoder("a")
    taker.feed(Stream.OUT, data)
    assert taker.finish()[0].elapsed_ms == 0


@given(st.binary(max_size=400))
def test_an_excerpt_is_printable_and_short(data):
    """Nothing in it moves a cursor, opens a link or turns the writing around."""
    text = excerpt(data)
    assert text.isprintable()
    assert len(text) <= 200
