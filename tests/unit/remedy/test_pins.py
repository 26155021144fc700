"""Pins are read back as they were written, and anything else is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from netaudit.errors import PlanError
from netaudit.remedy.pins import Altered, demand_pinned, difference, dump_pins, load_pins, pin_of

WHEN = datetime(2026, 11, 20, 22, 1, 2, tzinfo=UTC)
PIN = pin_of("/home/j/mine.yaml", b"a: 1\nb: 2\n", "j.doe", WHEN)


def test_pins_are_read_back() -> None:
    """With who, when and the text that was reviewed."""
    assert load_pins(dump_pins([PIN]), "pins.json") == {PIN.path: PIN}


def test_a_file_as_it_was_reviewed_passes() -> None:
    """The bytes are the same."""
    demand_pinned(PIN.path, b"a: 1\nb: 2\n", {PIN.path: PIN})


def test_an_unpinned_file() -> None:
    """The hint says how to pin it."""
    with pytest.raises(PlanError, match=r"is not pinned.*netaudit vet /x"):
        demand_pinned("/x", b"", {})


def test_an_altered_file() -> None:
    """What was altered is shown line by line."""
    with pytest.raises(Altered) as caught:
        demand_pinned(PIN.path, b"a: 1\nb: 3\n", {PIN.path: PIN})
    assert "-b: 2" in caught.value.difference
    assert "+b: 3" in caught.value.difference


def test_a_difference_is_bounded() -> None:
    """A file that is another one altogether does not fill the screen."""
    assert len(difference(PIN, b"x\n" * 1000)) < 50
    assert difference(PIN, b"a: 1\nb: 2\r\n")


@pytest.mark.parametrize(
    "text", ["", "{}", '{"schema": "x", "pins": []}', '{"schema": "netaudit.pins/1", "pins": [{"path": "x"}]}']
)
def test_what_is_no_file_of_pins(text: str) -> None:
    """It is refused and never taken for an empty one."""
    with pytest.raises(PlanError, match="is no file of pins"):
        load_pins(text, "pins.json")
