"""A kept capture is the capture, and a damaged one is refused."""

from __future__ import annotations

import contextlib
import json
import struct
import zlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.errors import ErrorKind, Phase
from netaudit.model.probe import Capture, HostError, Section, SectionStatus
from netaudit.wire import codec
from netaudit.wire.codec import MAGIC, dump_capture, load_capture

texts = st.text(max_size=40)
whole = st.integers(0, 10**9)
sections = st.builds(
    Section,
    texts,
    st.sampled_from(SectionStatus),
    st.none() | whole,
    st.binary(max_size=300),
    st.binary(max_size=9),
    whole,
)
errors = st.none() | st.builds(HostError, st.sampled_from(ErrorKind), texts, st.sampled_from(Phase), texts)
captures = st.builds(
    Capture,
    host=texts,
    address=texts,
    bundle_digest=texts,
    started_at=st.datetimes(timezones=st.just(UTC)),
    elapsed_s=st.floats(0, 1e6),
    sections=st.lists(sections, max_size=5).map(tuple),
    error=errors,
    notes=st.lists(texts, max_size=3).map(tuple),
)
CAPTURE = Capture(
    "web1", "192.0.2.1", "ab" * 32, datetime(2026, 11, 20, 15, tzinfo=UTC), 0.4,
    (Section("sysctl", SectionStatus.COMPLETE, 0, b"net.core.somaxconn = 128\n\xff\x00", b"odd", 10),),
    None, ("a note",),
)  # fmt: skip


def dump_of(header: object, contents: bytes = b"") -> bytes:
    """A dump with any header."""
    head = json.dumps(header).encode()
    return MAGIC + zlib.compress(struct.pack(">I", len(head)) + head + contents)


def header_of(dump: bytes) -> dict[str, object]:
    """The header of a dump."""
    body = zlib.decompress(dump[len(MAGIC) :])
    return json.loads(body[4 : 4 + struct.unpack(">I", body[:4])[0]])


@given(captures)
def test_a_capture_comes_back_equal(capture):
    """Every field, every byte; text but for lone surrogates."""
    assert load_capture(dump_capture(capture)) == capture


def test_times_are_kept_in_utc():
    """A capture with another zone comes back as the same moment."""
    zoned = datetime(2026, 11, 20, 16, tzinfo=timezone(timedelta(hours=1)))
    capture = Capture("a", "b", "", zoned, 0.0, ())
    assert load_capture(dump_capture(capture)).started_at == zoned
    assert header_of(dump_capture(capture))["started"] == "2026-11-20T15:00:00+00:00"


def test_text_that_no_encoding_carries_is_replaced():
    """A lone surrogate, as file names may hold it, does not break the dump."""
    error = HostError(ErrorKind.DNS, "no \udc80", Phase.CONNECT, "\ud800")
    capture = Capture("h\udcff", "a", "", CAPTURE.started_at, 0.0, (), error, ("\udcfe",))
    loaded = load_capture(dump_capture(capture))
    assert (loaded.host, loaded.notes, loaded.error.message) == ("h?", ("?",), "no ?")


@given(st.integers(0), st.integers(1, 255))
def test_a_flipped_byte_is_refused_or_harmless(place, flip):
    """The checksum of the compression sees to that; nothing but ValueError comes of it."""
    dump = bytearray(dump_capture(CAPTURE))
    dump[place % len(dump)] ^= flip
    with contextlib.suppress(ValueError):
        assert load_capture(bytes(dump)) == CAPTURE


@given(st.binary(max_size=200))
def test_rubbish_is_refused(rubbish):
    """With and without the magic in front, compressed or not."""
    for dump in (rubbish, MAGIC + rubbish, MAGIC + zlib.compress(rubbish)):
        with pytest.raises(ValueError, match="capture"):
            load_capture(dump)


def test_a_dump_that_is_cut_or_goes_on_is_refused():
    """Half a file, and a file with something behind it."""
    dump = dump_capture(CAPTURE)
    for broken in (dump[:-1], dump[: len(MAGIC)], dump[: len(dump) // 2], dump + b"x"):
        with pytest.raises(ValueError, match="capture"):
            load_capture(broken)


def test_a_dump_that_grows_without_bound_is_refused(monkeypatch):
    """Compressed zeros do not fill the memory."""
    monkeypatch.setattr(codec, "MAX_RAW_BYTES", 10_000)
    assert load_capture(dump_capture(CAPTURE)) == CAPTURE
    with pytest.raises(ValueError, match="larger than"):
        load_capture(MAGIC + zlib.compress(b"\0" * 10**6))
    monkeypatch.setattr(codec, "MAX_DUMP_BYTES", 10)
    with pytest.raises(ValueError, match="larger than"):
        load_capture(dump_capture(CAPTURE))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("host", 1),
        ("started", "yesterday"),
        ("started", "2026-11-20T15:00:00"),
        ("elapsed_s", "long"),
        ("elapsed_s", None),
        ("error", ["none", "a", "connect", "b"]),
        ("error", ["dns", "a"]),
        ("notes", 5),
        ("sections", [["a", "complete", 0, -1, 0, 0]]),
        ("sections", [["a", "complete", 0, 5, 0, 0]]),
        ("sections", [["a", "splendid", 0, 0, 0, 0]]),
        ("sections", [["a", "complete", True, 0, 0, 0]]),
        ("sections", [["a", "complete"]]),
        ("sections", {}),
    ],
)
def test_a_header_of_another_shape_is_refused(key, value):
    """Wrong types, unknown words and lengths that do not add up."""
    header = header_of(dump_capture(Capture("a", "b", "", CAPTURE.started_at, 0.0, ())))
    assert load_capture(dump_of(header)).host == "a"
    header[key] = value
    if value == {}:
        assert load_capture(dump_of(header)).sections == ()
        return
    with pytest.raises(ValueError, match="damaged"):
        load_capture(dump_of(header))
    del header[key]
    with pytest.raises(ValueError, match="damaged"):
        load_capture(dump_of(header))
