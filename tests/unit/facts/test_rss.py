"""The indirection table of receive side scaling: what is read of it, and the words that make it again."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.facts.rss import MAX_WEIGHTS, read_rss, table_of, words_of
from netaudit.model.reading import Absent

SIZES = st.sampled_from([1, 2, 8, 32, 100, 128])


def printed(table: Sequence[int], rings: int = 4, after: str = "") -> str:
    """As ethtool 6.1 prints a table (print_indir_table)."""
    lines = [f"RX flow hash indirection table for eth0 with {rings} RX ring(s):"]
    for place in range(0, len(table), 8):
        lines.append(f"{place:5d}: " + "".join(f" {queue:5d}" for queue in table[place : place + 8]))
    return "\n".join(lines) + "\n" + after


def filled(words: Sequence[str], size: int) -> list[int]:
    """The table that ethtool fills for its words (fill_indir_table), in its own arithmetic."""
    if words[0] == "equal":
        start = int(words[3]) if len(words) > 2 else 0
        return [start + place % int(words[1]) for place in range(size)]
    weights = list(map(int, words[1:]))
    total, partial, queue, table = sum(weights), 0, -1, []
    for place in range(size):
        while place >= size * partial // total:
            queue += 1
            partial += weights[queue]
        table.append(queue)
    return table


def test_a_table_in_turn() -> None:
    """Every queue has its share, and the words are those for as many queues in turn."""
    rss = read_rss(printed([place % 4 for place in range(128)]))
    assert (rss.rings, rss.entries, rss.weights, rss.words, rss.queues_used) == (4, 128, (32,) * 4, "equal 4", 4)


def test_a_table_in_blocks_leaves_a_queue_out() -> None:
    """A queue without an entry is not used, and its weight is zero in the words."""
    rss = read_rss(printed([0] * 64 + [2] * 32 + [3] * 32))
    assert (rss.weights, rss.words, rss.queues_used) == ((64, 0, 32, 32), "weight 64 0 32 32", 3)


def test_what_stands_below_the_table_is_no_part_of_it() -> None:
    """Neither the key of the hash nor its functions, whatever they look like."""
    below = "RSS hash key:\n0: 1 2 3\nRSS hash function:\n    toeplitz: on\n"
    assert read_rss(printed([0, 1], 2, below)) == read_rss(printed([0, 1], 2))


def test_a_table_without_words() -> None:
    """It is read, and there are no words for it: what could not be put back is not changed."""
    rss = read_rss(printed([0, 1, 1, 0] * 8, 2))
    assert rss.weights == (16, 16)
    assert isinstance(rss.words, Absent)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "RX flow hash indirection table for eth0 with 4 RX ring(s):\n",
        "RX flow hash indirection table for eth0 with 4 RX ring(s):\n    8:  0 1\n",  # the first line is missing
        "RX flow hash indirection table for eth0 with 4 RX ring(s):\n    0:  0 x\n",
        "RX flow hash indirection table for eth0 with 4 RX ring(s):\n    0:  0 70000\n",
        "RX flow hash indirection table for eth0\n    0:  0 1\n",
        printed([0] * 20_000),
    ],
)  # fmt: skip
def test_what_is_no_table(text: str) -> None:
    """Cut, damaged or beyond all bounds: an error, never half a table."""
    with pytest.raises(ValueError, match=r"."):
        read_rss(text)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40))
def test_words_make_exactly_their_table(table: list[int]) -> None:
    """Where there are words for a table, ethtool's own arithmetic makes that table of them, and so does ours."""
    words = words_of(table)
    if not isinstance(words, Absent):
        assert filled(words.split(), len(table)) == table == list(table_of(words, len(table)))


@given(SIZES, st.integers(1, 32), st.integers(0, 4))
def test_queues_in_turn_always_have_words(size: int, queues: int, start: int) -> None:
    """Also where the table has fewer entries than there are queues, or begins at another one."""
    table = filled(["equal", str(queues), "start", str(start)], size)
    words = words_of(table)
    assert isinstance(words, str)
    assert filled(words.split(), size) == table


@given(st.lists(st.integers(0, 20), min_size=1, max_size=12).filter(any))
def test_queues_in_blocks_always_have_words(weights: list[int]) -> None:
    """Queues without an entry among them."""
    table = [queue for queue, weight in enumerate(weights) for _ in range(weight)]
    words = words_of(table)
    assert isinstance(words, str)
    assert filled(words.split(), len(table)) == table


@pytest.mark.parametrize("words", ["equal 0", "equal x", "weight 1 2", "default", "", "equal 4 from 2"])
def test_what_makes_no_table_of_that_size(words: str) -> None:
    """Words of another kind, and weights that do not add up to the table."""
    with pytest.raises(ValueError, match=r"."):
        table_of(words, 128)


def test_more_weights_than_one_call_takes_are_no_words() -> None:
    """Blocks over many queues can be read, and not be put back."""
    few, many = [queue for queue in range(1, MAX_WEIGHTS) for _ in (0, 1)], list(range(1, MAX_WEIGHTS + 1)) * 2
    assert table_of(str(words_of(few)), len(few)) == tuple(few)
    assert isinstance(words_of(sorted(many)), Absent)
