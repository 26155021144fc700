"""Rows say all that the values say, and JSON can say all that rows say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.fleet.from_rows import fleet_from_row, host_from_row, summary_from_row
from netaudit.fleet.jsonable import dumps
from netaudit.fleet.rows import fleet_row, host_row, summary_row
from netaudit.fleet.tally import Tally
from netaudit.model.result import HostReport, HostStatus, Item, Result, Severity, Verdict, Waived

_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=5,
)
_SECONDS = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
_ITEMS = st.builds(Item, _TEXT, st.sampled_from(Verdict), st.sampled_from(Severity), _VALUES, _TEXT, _TEXT)
_MAYBE = st.none() | _TEXT
_RESULTS = st.builds(
    Result,
    *(_TEXT, _TEXT, _TEXT, st.sampled_from(Verdict), st.sampled_from(Severity), _VALUES),
    *(_MAYBE, _MAYBE, _MAYBE, _MAYBE, _MAYBE, _MAYBE),
    waived=st.none() | st.builds(Waived, _TEXT, _TEXT, _TEXT, _SECONDS),
    items=st.lists(_ITEMS, max_size=2).map(tuple),
    passed_items=st.integers(0, 5),
)


@given(_RESULTS)
def test_a_result_comes_back(result: Result) -> None:
    """Through JSON text and back, every field is the same."""
    report = HostReport("web1", "198.18.0.1", HostStatus.OK, None, 0.125, (result,), ("a note",))
    assert host_from_row(json.loads(dumps(host_row(report)))) == report


def test_a_silent_host_comes_back(made_up: ModuleType) -> None:
    """With its kind, phase and hint."""
    report = made_up.silent("db1", 3)
    assert host_from_row(json.loads(dumps(host_row(report)))) == report


def test_a_finding_of_the_fleet_comes_back(made_up: ModuleType) -> None:
    """With its hosts."""
    finding = made_up.mtu_finding(40)
    assert fleet_from_row(json.loads(dumps(fleet_row(finding)))) == finding


def test_totals_come_back(made_up: ModuleType) -> None:
    """All of them."""
    tally = Tally()
    for report in made_up.fleet_of(30, checks=3):
        tally.add(report)
    assert summary_from_row(json.loads(dumps(summary_row(tally.summary())))) == tally.summary()


_ANY_TEXT = st.text(st.characters(exclude_categories=()))  # surrogates as well
_ANYTHING = st.recursive(
    st.none() | st.floats() | _ANY_TEXT | st.binary(max_size=4) | st.integers().map(lambda n: n * 10**4500),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(_ANY_TEXT | st.integers() | st.tuples(st.integers()), inner, max_size=3)
        | st.frozensets(_ANY_TEXT, max_size=2)
    ),
    max_leaves=6,
)


@given(_ANYTHING)
def test_json_is_valid_whatever_a_value_is(value: object) -> None:
    """ASCII, one line, no NaN, and no surrogate that stands alone."""

    def refuse(constant: str) -> object:
        raise AssertionError(constant)

    text = dumps({"value": value})
    assert text.isascii()
    assert "\n" not in text
    json.dumps(json.loads(text, parse_constant=refuse), ensure_ascii=False).encode("utf-8")


def test_half_a_pair_is_written_as_text() -> None:
    """Also when nothing else is wrong; a whole pair is one sign."""
    assert json.loads(dumps({"half \ud83d": "\ud83d", "whole": "\U0001f600"})) == {
        "half \\ud83d": "\\ud83d",
        "whole": "\U0001f600",
    }


def test_depth_is_bounded() -> None:
    """A value that contains itself a thousand times is cut."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert dumps(deep) == '[[[[[[[["\\u2026"]]]]]]]]'


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"name": 1},
        {"name": "a", "address": "", "status": "fine", "error": None, "duration_s": 0, "results": []},
        {"name": "a", "address": "", "status": "ok", "error": [], "duration_s": 0, "results": []},
        {"name": "a", "address": "", "status": "ok", "error": None, "duration_s": 0, "results": {}},
    ],
)
def test_other_objects_are_refused(row: dict[str, object]) -> None:
    """What is not such an object raises one of three errors, and nothing else."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        host_from_row(row)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_json_has_not_are_no_numbers_in_it(number: float) -> None:
    """The line is valid for every reader; Python's own would take ``NaN``."""

    def refused(word: str) -> None:
        raise AssertionError(word)

    json.loads(dumps({"value": number, "more": [number]}), parse_constant=refused)
