"""Numbers are read strictly."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.facts.numbers import counter, decimal, hexadecimal, hexadecimals, integer, natural, naturals

NOT_NUMBERS = [
    "",
    " ",
    "1 ",
    "+1",
    "1_000",
    "٣",
    "²",
    "0x10",
    "1e3",
    "NaN",
    "inf",
    "--1",
    "9" * 21,
    "9" * 5000,
    "1.",
    "a",
]


@pytest.mark.parametrize("read", [natural, integer, counter, decimal])
@pytest.mark.parametrize("text", NOT_NUMBERS, ids=lambda text: repr(text[:8]))
def test_what_is_no_number_is_refused(read: Callable[[str], object], text: str) -> None:
    """Text that Python would take for a number, or could choke on, is refused with a short message."""
    with pytest.raises(ValueError, match="is not a") as caught:
        read(text)
    assert len(str(caught.value)) < 100


@given(st.integers(min_value=0, max_value=10**19 - 1))
def test_naturals_are_read_back(number: int) -> None:
    """A number of up to nineteen digits is itself, also behind zeros and with a sign where one may stand."""
    assert natural(str(number)) == integer(str(number)) == counter(str(number)) == number
    assert integer(f"-{number}") == -number
    assert hexadecimal(f"{number:x}"[:16]) == int(f"{number:x}"[:16], 16)


def test_counters_hold_64_bits() -> None:
    """The largest 64-bit counter has twenty digits and is read; twenty digits are no size or limit."""
    assert counter("18446744073709551615") == 2**64 - 1
    with pytest.raises(ValueError):
        natural("18446744073709551615")


def test_decimals_keep_their_fraction() -> None:
    """A decimal has a fraction, a sign, or neither."""
    assert decimal("3.25") == 3.25
    assert decimal("-0.050") == -0.05
    assert decimal("7") == 7.0


@pytest.mark.parametrize("text", ["", "g", "-1", "0x1", "1" * 17, "_1", "٣"])
def test_what_is_not_hexadecimal_is_refused(text: str) -> None:
    """Hexadecimal numbers have one to sixteen ASCII digits and no prefix."""
    with pytest.raises(ValueError):
        hexadecimal(text)


def _outcome(read: Callable[[], list[int]]) -> list[int] | str:
    try:
        return read()
    except ValueError as error:
        return str(error)


DECIMAL = st.one_of(st.integers(0, 2**64).map(str), st.sampled_from(["0", "9" * 19, "9" * 20, "9" * 21, "٣"]))
HEXADECIMAL = st.one_of(st.integers(0, 2**64).map("{:08x}".format), st.sampled_from(["00000000", "FFFFFFFF", "f" * 17]))
ODD = st.sampled_from(["-1", "1_0", "٣", "deadbeefg", "0x000001", "1_000_00"])
KINDS = (DECIMAL, HEXADECIMAL, ODD | DECIMAL | HEXADECIMAL)
WORDS = st.one_of(*(st.lists(word, max_size=5) for word in KINDS))


@given(WORDS)
def test_a_row_is_read_as_its_words_are(words: list[str]) -> None:
    """Read as a whole or word by word, a row has the same numbers, and the same is said of a bad one."""
    assert _outcome(lambda: naturals(words)) == _outcome(lambda: [natural(word) for word in words])
    row = "  ".join(words)
    assert _outcome(lambda: hexadecimals(row)) == _outcome(lambda: [hexadecimal(word) for word in words])
