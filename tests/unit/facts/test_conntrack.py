"""The domain ``conntrack``."""

from __future__ import annotations

from pathlib import Path

import pytest

from netaudit.facts.conntrack import parse_conntrack, sum_rows
from netaudit.model.facts import Conntrack
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason

CASES = Path(__file__).parents[2] / "cases" / "conntrack"


def case(name: str) -> Conntrack:
    """What the parser makes of one recorded case."""
    stdout = CASES.joinpath(name, "stdout").read_bytes()
    return parse_conntrack(Section("conntrack", SectionStatus.COMPLETE, 0, stdout, b"", 1))


def test_entry_size_needs_root() -> None:
    """A user gets the table's fill and limit, and for the size of an entry the reason why not."""
    found = case("debian-user")
    assert found.max == case("debian-root").max
    assert isinstance(found.entry_bytes, Absent)
    assert found.entry_bytes.reason is AbsentReason.NOT_PERMITTED
    assert isinstance(case("debian-root").entry_bytes, int)


def test_entry_size_of_an_old_kernel() -> None:
    """The row of slabinfo is that of entries, under the name with an address, and not that of expectations."""
    assert case("old-kernel").entry_bytes == 320


def test_statistics_follow_the_header() -> None:
    """Columns are named by the header of that kernel, summed over CPUs, and a name it lacks is absent."""
    old, new = case("old-kernel").stats, case("debian-root").stats
    assert not isinstance(old, Absent)
    assert not isinstance(new, Absent)
    assert (old["insert_failed"], old["drop"], old["searched"]) == (0x11 + 1, 0xA00 + 0x100, 0x12A0 + 0x1300)
    assert "searched" not in new
    assert "clashres" in new


def test_entries_are_not_summed() -> None:
    """Every row shows the same number of entries."""
    assert sum_rows(["entries found", "0000000a 00000001", "0000000a 00000002"]) == {"entries": 10, "found": 3}


def test_namespace_counts_for_itself() -> None:
    """In a namespace the entries are its own."""
    assert case("namespace").count == 1


def test_number_that_is_none() -> None:
    """A count that is no number raises, and is never taken for zero."""
    with pytest.raises(ValueError):
        parse_conntrack(
            Section("conntrack", SectionStatus.COMPLETE, 0, b"proc/sys/net/netfilter/nf_conntrack_count:many\n", b"", 1)
        )
