"""What a user's own probe says: names and plain values, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from netaudit.facts.own import MOST_NAMES, parse_own
from netaudit.facts.snapshot import facts_of
from netaudit.model.probe import Capture, Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason


def _section(text: str, name: str = "own_service", status: SectionStatus = SectionStatus.COMPLETE) -> Section:
    return Section(name, status, 0, text.encode(), b"why not", 1)


def test_lines_and_json_give_the_same_values() -> None:
    """Both forms tell whole numbers, decimals, truth and texts apart."""
    lines = parse_own(_section("total=20417\nratio=0.25\nready=true\nversion=go1.22\nempty=\n"))
    json = parse_own(_section('{"total": 20417, "ratio": 0.25, "ready": true}\n{"version": "go1.22", "empty": ""}\n'))
    assert lines == json == {"total": 20417, "ratio": 0.25, "ready": True, "version": "go1.22", "empty": ""}


def test_a_later_line_beats_an_earlier_one() -> None:
    """A name that comes twice has its last value."""
    assert parse_own(_section("a=1\n\n a = 2 \n")) == {"a": 2}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no equals sign", "neither key=value"),
        ("Total=1", "no name"),
        ("a.b=1", "no name"),
        ("=1", "no name"),
        ('{"a": [1]}', "neither a text"),
        ('{"a": null}', "neither a text"),
        ('{"a": 1', "no JSON"),
        (f"a={'x' * 1001}", "1000 characters"),
        ("\n".join(f"k{i}=1" for i in range(MOST_NAMES + 1)), "more than 200"),
        ('{"a":' * 5000, "no JSON"),
    ],
)
def test_anything_else_is_not_understood_with_its_line(text: str, why: str) -> None:
    """A value is never guessed: the line that is wrong is named."""
    with pytest.raises(ValueError, match=why):
        parse_own(_section(text))


def test_each_probe_is_told_by_its_name() -> None:
    """One that failed is absent with its reason and takes no other along; without any the domain was not asked."""
    sections = (
        _section("total=7\n", "own_goroutines"),
        _section("", "own_other", SectionStatus.NOT_PRESENT),
        _section("what?\n", "own_third"),
        _section("x=1", "sysctl"),
    )
    capture = Capture("web1", "", "0" * 64, datetime(2026, 11, 20, tzinfo=UTC), 0.1, sections)
    own = facts_of(capture, {"own"}).own
    assert not isinstance(own, Absent)
    assert own["goroutines"] == {"total": 7}
    assert own["other"] == Absent(AbsentReason.NOT_PRESENT, "probe own_other not present: why not")
    third = own["third"]
    assert isinstance(third, Absent)
    assert third.reason is AbsentReason.NOT_UNDERSTOOD
    assert set(own) == {"goroutines", "other", "third"}
    bare = Capture("web1", "", "0" * 64, datetime(2026, 11, 20, tzinfo=UTC), 0.1, ())
    assert facts_of(bare).own == Absent(AbsentReason.NOT_ASKED)


def test_digits_of_other_scripts_and_huge_numbers_stay_texts() -> None:
    """Only ASCII digits of a bounded length are a number."""
    assert parse_own(_section("a=٣\nb=" + "9" * 40 + "\nc=1_000\nd=-5\n")) == {
        "a": "٣", "b": "9" * 40, "c": "1_000", "d": -5,
    }  # fmt: skip
