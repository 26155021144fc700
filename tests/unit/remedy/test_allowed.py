"""What may be set is bounded, and of several wanted values the strictest is taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.remedy.allowed import Allowed, Combine, combined, written


@pytest.mark.parametrize(
    ("allowed", "value", "fine"),
    [
        (Allowed(((1, 10),)), "10", True),
        (Allowed(((1, 10),)), "11", False),
        (Allowed(((1, 10),)), "1 2 3", True),
        (Allowed(((1, 10),)), "1 2 11", False),
        (Allowed(((1, 10), (5, 6))), "1 5", True),
        (Allowed(((1, 10), (5, 6))), "1 7", False),
        (Allowed(((1, 10), (5, 6))), "1", False),
        (Allowed(((1, 10),)), "x", False),
        (Allowed(((1, 10),)), "", False),
        (Allowed((), ("bbr", "cubic")), "bbr", True),
        (Allowed((), ("bbr", "cubic")), "reno", False),
        (Allowed(((0, 1),), ("on",)), "on", True),
    ],
)
def test_ranges(allowed: Allowed, value: str, *, fine: bool) -> None:
    """Both ends are allowed, each field has its range, words stand as they are."""
    assert (allowed.refusal(value) is None) is fine


@pytest.mark.parametrize(
    ("values", "how", "expected"),
    [
        (["1", "3", "2"], Combine.LARGEST, "3"),
        (["1", "3", "2"], Combine.SMALLEST, "1"),
        (["1 5", "2 4"], Combine.LARGEST, "2 5"),
        (["10240 60999", "20000 65535"], Combine.WIDEST, "10240 65535"),
        (["1", "1"], Combine.ALIKE, "1"),
        (["1", "2"], Combine.ALIKE, None),
        (["bbr", "cubic"], Combine.LARGEST, None),
        (["1 2", "1"], Combine.LARGEST, None),
    ],
)
def test_combined(values: list[str], how: Combine, expected: str | None) -> None:
    """The strictest, field by field; what cannot be combined is not."""
    assert combined(values, how) == expected


@given(st.lists(st.integers(0, 10**6).map(str), min_size=1), st.sampled_from([Combine.LARGEST, Combine.SMALLEST]))
def test_combining_is_independent_of_the_order(values: list[str], how: Combine) -> None:
    """And of how often a value comes."""
    assert combined(values, how) == combined([*reversed(values), *values], how)


@pytest.mark.parametrize(
    ("value", "text"), [(1, "1"), (2.0, "2"), ([1, 2.0, 3], "1 2 3"), (True, "1"), (" a  b ", "a b")]
)
def test_written(value: object, text: str) -> None:
    """As the kernel takes it."""
    assert written(value) == text


@pytest.mark.parametrize("value", [1.5, None, [], {}, [1.5]])
def test_not_written(value: object) -> None:
    """Half a number is none."""
    with pytest.raises(ValueError, match="cannot be written"):
        written(value)
