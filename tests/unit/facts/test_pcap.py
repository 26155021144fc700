"""Capture files as tcpdump writes them for netaudit, and files that are none."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.facts.pcap import parse_headers
from netaudit.facts.snapshot import value_of
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent

# Taken with tcpdump 4.99.3: two SYNs over loopback and the resets that answer them, and one pair of IPv6.
FOUR = (
    "1MOyoQIABAAAAAAAAAAAADgAAABxAAAA8NEAa6tiDgA4AAAATAAAAAAAAwQABgAAAAAAAAAACABFAAA8EsNAAEAGKfd/AAABfwAAAeL6AAHno8m1AAAA"
    "AKAC/9f+MAAA8NEAa7ZiDgA4AAAAOAAAAAAAAwQABgAAAAAAAAAACABFAAAoAABAAEAGPM5/AAABfwAAAQAB4voAAAAA56PJtlAUAAAdeAAA"
)
SIX = (
    "1MOyoQIABAAAAAAAAAAAAEwAAABxAAAA8dEAa0YpAQBMAAAAYAAAAAAAAwQABgAAAAAAAAAAht1gDiFMACgGQAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAA"
    "AAAAAAAAAAAB5fIAAXTYCi4AAAAAoAL/xAAwAADx0QBrTSkBAEwAAABMAAAAAAADBAAGAAAAAAAAAACG3WAKa1QAFAZAAAAAAAAAAAAAAAAAAAAAAQAA"
    "AAAAAAAAAAAAAAAAAAEAAeXyAAAAAHTYCi9QFAAAABwAAA=="
)


def _section(four: str, six: str = "") -> Section:
    text = f"#@ pcap6\n{six}\n#@ pcap4\n{four}\n"
    return Section("pcap_headers", SectionStatus.COMPLETE, 0, text.encode(), b"", 1)


def test_both_families_are_read_in_the_order_of_time() -> None:
    """Addresses, ports and flags are those of the packets."""
    told = [
        (one.source, one.source_port, one.destination_port, one.flags) for one in parse_headers(_section(FOUR, SIX))
    ]
    assert told == [
        ("127.0.0.1", 58106, 1, "SYN"), ("127.0.0.1", 1, 58106, "RST-ACK"),
        ("::1", 58866, 1, "SYN"), ("::1", 1, 58866, "RST-ACK"),
    ]  # fmt: skip


def test_nothing_of_what_a_packet_carried_is_taken() -> None:
    """56 bytes are the link's header, that of IP and that of TCP, and not one more."""
    data = base64.b64decode(FOUR)
    assert struct.unpack_from("<I", data, 16)[0] == 56
    assert struct.unpack_from("<I", data, 24 + 8)[0] == 56


def test_a_file_that_is_cut_gives_what_is_whole() -> None:
    """The last packet of a capture that was ended may be short."""
    data = base64.b64decode(FOUR)
    cut = base64.b64encode(data[:-30]).decode()
    assert len(parse_headers(_section(cut))) == 1
    assert parse_headers(_section("")) == ()


@pytest.mark.parametrize(
    "four", ["AAAA", "not base64!", base64.b64encode(b"x" * 60).decode(), base64.b64encode(bytes(60)).decode()]
)
def test_what_is_no_capture_is_not_understood(four: str) -> None:
    """A file of another kind is refused by its first bytes."""
    assert isinstance(value_of(_section(four), parse_headers), Absent)


@given(st.binary(max_size=300))
def test_any_bytes_after_a_right_beginning_are_survived(rest: bytes) -> None:
    """A host cannot make the parser raise anything but what it says."""
    data = base64.b64decode(FOUR)[:24] + rest
    assert isinstance(value_of(_section(base64.b64encode(data).decode()), parse_headers), tuple | Absent)
