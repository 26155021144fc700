"""Folding of host names."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.fleet.names import fold, fold_within, pieces, unfold
from netaudit.model.natural import natural_key


@pytest.mark.parametrize(
    ("names", "folded"),
    [
        (["web1"], "web1"),
        ([f"web{n}" for n in range(1, 38)], "web[1-37]"),
        ([f"web{n:02}" for n in range(1, 21)], "web[01-20]"),
        (["web08", "web09", "web10", "web11"], "web[08-11]"),
        (["web9", "web10", "web99", "web100"], "web[9-10,99-100]"),
        (["web1", "web01"], "web[1,01]"),
        (["web9", "web010"], "web[9,010]"),
        (["web1", "web3", "web5"], "web[1,3,5]"),
        (["db-a", "db-b"], "db-a, db-b"),
        (["web10", "web2", "web1", "web1"], "web[1-2,10]"),
        (["a1.x", "a2.x", "a1.y"], "a[1-2].x, a1.y"),
        (["r1-n1", "r1-n2", "r2-n1"], "r1-n[1-2], r2-n1"),
        ([f"web{n}.dc{d}" for n in range(1, 38) for d in (1, 2)], "web[1-37].dc1, web[1-37].dc2"),
        (["n1.fra3", "n2.fra3"], "n[1-2].fra3"),
        (["10.0.0.1", "10.0.0.2", "10.0.1.1"], "10.0.0.[1-2], 10.0.1.1"),
        (["10.0.0.1", "10.0.1.1", "10.0.2.1"], "10.0.0.1, 10.0.1.1, 10.0.2.1"),
        (["fd00::9", "fd00::10"], "fd00::9, fd00::10"),
        (["x[1-2]", "x, y", ""], '"", "x, y", "x[1-2]"'),
        (["n" + "1" * 30, "n" + "1" * 29 + "2"], "n" + "1" * 30 + ", n" + "1" * 29 + "2"),
        ([], ""),
    ],
)
def test_folds_names_as_people_write_them(names: list[str], folded: str) -> None:
    """Numeric ranges are folded, padding is kept, and what is not decimal stays as it is."""
    assert fold(names) == folded


_NAMES = st.one_of(
    st.from_regex(r"\A(web|db-|n)[0-9]{1,4}(\.dc[0-9]|-[0-9]{1,2})?\Z"),
    st.from_regex(r"\A10\.[0-3]\.0\.[0-9]{1,2}\Z"),
    st.text(alphabet='ab01239.-:[], "\\\n', max_size=8),
    st.text(max_size=12),
    st.from_regex(r"\A[0-9]{1,20}\Z"),
)


@given(st.lists(_NAMES, max_size=60))
def test_unfolding_gives_back_the_names(names: list[str]) -> None:
    """Nothing is lost or made up, whatever the names are."""
    unfolded = unfold(fold(names))
    assert sorted(unfolded) == sorted(set(names))
    assert sum(piece.names for piece in pieces(names)) == len(set(names))


@given(st.lists(_NAMES, min_size=1, max_size=60))
def test_folding_does_not_depend_on_the_order(names: list[str]) -> None:
    """Hosts end in any order; the report does not change with it."""
    assert fold(names) == fold(reversed(names))


@pytest.mark.parametrize("text", ["web[1-", "web[x]", '"a"b', "web[1-2-3]"])
def test_unfolding_refuses_other_text(text: str) -> None:
    """What fold never writes is an error."""
    with pytest.raises(ValueError):
        unfold(text)


def test_natural_order() -> None:
    """Numbers count as numbers, of any length, and letters without regard to case."""
    names = ["web10", "Web2", "web1", "n" + "9" * 5000, "n" + "1" + "0" * 5000]
    assert sorted(names, key=natural_key) == [names[3], names[4], "web1", "Web2", "web10"]


def test_a_long_list_is_cut_between_names() -> None:
    """What is cut is counted."""
    odd = [f"web{n}" for n in range(1, 2001, 2)]
    text = fold_within(odd, 40)
    assert text.startswith("web[1,3,5,")
    shown = text[4 : text.index(",…")].count(",") + 1
    assert text.endswith(f"… {1000 - shown} more")
    assert len(text) < 60
    assert fold_within(["web1", "web2"], 40) == "web[1-2]"
    assert fold_within(["alpha", "beta", "gamma", "delta", "epsilon"], 20) == "alpha, beta, delta, … 2 more"


def test_a_long_family_does_not_hide_the_others() -> None:
    """The first three are shown at least in part."""
    names = [f"{word}{n}" for word in ("db", "lb", "web", "x") for n in range(1, 900, 2)]
    assert fold_within(names, 40) == "db[1,3,5,7,…], lb[1,3,5,…], web[1,3,5,…], … 1790 more"


@given(st.lists(_NAMES, max_size=60), st.integers(min_value=1, max_value=200))
def test_a_cut_list_counts_every_name(names: list[str], room: int) -> None:
    """A list that fits is the folded one, and a cut one stays near its bound."""
    text = fold_within(names, room)
    whole = fold(names)
    if len(whole) <= room:
        assert text == whole
    else:
        assert text.endswith(" more") or text == whole
        assert len(text) <= max(room, 3 * 40) + 60


def test_ten_thousand_names_fold_fast() -> None:
    """A fleet is folded once per finding, so the cost per name is a few microseconds of CPU."""
    names = [f"web{n}.rack{n % 40}.fra{n % 3}.example.com" for n in range(10_000)]
    begun = time.process_time()
    fold(names)
    assert time.process_time() - begun < 2.0


def test_zeros_before_a_number_do_not_make_it_larger() -> None:
    """Names with and without leading zeros stand in the order of their numbers."""
    found = sorted(["web10", "web0011", "web8", "web007", "web09"], key=natural_key)
    assert found == ["web007", "web8", "web09", "web10", "web0011"]
