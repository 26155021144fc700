"""One format, whichever library reads and writes it."""

from __future__ import annotations

import sys
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netaudit.wire import deflate

ENGINES = [zlib, deflate._ENGINE]
TEXT = b"net.ipv4.tcp_rmem = 4096 131072 6291456\n" * 500


@pytest.fixture(params=ENGINES, ids=lambda engine: engine.__name__)
def engine(request, monkeypatch):
    """Each of the libraries that there are, in turn."""
    monkeypatch.setattr(deflate, "_ENGINE", request.param)
    return request.param


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=2000))
def test_what_one_writes_every_other_reads(engine, data):
    """A dump of one machine is read on another, which may have another library."""
    packed = deflate.compress(data)
    assert zlib.decompress(packed) == data
    assert deflate.expand(memoryview(packed), 2000) == data
    assert deflate.expand(memoryview(zlib.compress(data, 9)), 2000) == data


def test_text_shrinks(engine):
    """Compression does compress."""
    assert len(deflate.compress(TEXT)) < len(TEXT) / 20


def test_what_is_not_whole_is_refused(engine):
    """A byte too few, one too many, one that is another: all are said in words."""
    packed = deflate.compress(TEXT)
    for broken in (b"", packed[:-1], packed[:20], packed + b"x", packed[:-1] + b"\0", b"rubbish"):
        with pytest.raises(ValueError, match=r"^(damaged: |cut, or larger)"):
            deflate.expand(memoryview(broken), len(TEXT))


def test_what_grows_beyond_its_bound_is_refused(engine):
    """No more is made than was allowed."""
    packed = memoryview(deflate.compress(TEXT))
    assert deflate.expand(packed, len(TEXT)) == TEXT
    with pytest.raises(ValueError, match="larger"):
        deflate.expand(packed, len(TEXT) - 1)


def test_without_the_fast_library_there_is_zlib(monkeypatch):
    """On a processor that ISA-L is not made for, nothing but the time is different."""
    monkeypatch.setitem(sys.modules, "isal", None)
    monkeypatch.setitem(sys.modules, "isal.isal_zlib", None)
    assert deflate._fastest() is zlib


def test_the_fast_library_is_taken_where_it_is():
    """It is found under the name that it has."""
    assert deflate._fastest() is pytest.importorskip("isal.isal_zlib")
