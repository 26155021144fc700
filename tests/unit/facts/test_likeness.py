"""Answers that are read by their likeness to others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.facts.likeness import Likeness

HEAD, END = "\n# ", ":"


class Counting:
    """Reads one entry, and counts how often that was asked of it."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def __call__(self, entry: str) -> tuple[str, str]:
        """The name and the value of an entry; of one without an end, or with two, there is none."""
        self.entries.append(entry)
        name, end, value = entry.partition(END)
        if not end or END in value:
            raise ValueError(entry)
        return name.strip(), value


def fresh(text: str) -> dict[str, str] | str:
    """What a text holds by itself, or how it fails."""
    try:
        return dict(map(Counting(), text.split(HEAD)[1:]))
    except ValueError as error:
        return str(error)


def read(likeness: Likeness, text: str) -> dict[str, str] | str:
    """The same by what was read before."""
    try:
        return likeness.values(text)
    except ValueError as error:
        return str(error)


def answer(*values: object) -> str:
    """An answer whose entries are numbered."""
    return "".join(f"{HEAD}name{number}{END}{value}\n" for number, value in enumerate(values))


ENTRIES = st.sampled_from([
    "# a:1\n", "# a:2\n", "# ab:1\n", "# a:1\n1\n", "# a:12\n", "# b:1\n", "# b:\n", "# c:x\n",
    "# c:x:y\n", "# d:1", "# d:11", "# \n", "#\n",
])  # fmt: skip


@given(st.lists(st.lists(ENTRIES, max_size=7), min_size=2, max_size=12))
def test_every_answer_is_read_as_if_it_were_the_first(answers: list[list[str]]) -> None:
    """Whatever was read before, an answer gives its own values in its own order, or its own error."""
    likeness = Likeness(HEAD, END, Counting())
    for entries in answers:
        text = "\n" + "\n".join(entries)
        text = text[text.find(HEAD) :] if HEAD in text else ""
        found, wanted = read(likeness, text), fresh(text)
        assert found == wanted
        assert list(found) == list(wanted)


def test_an_entry_that_is_equal_is_read_once() -> None:
    """Of an answer that is like a known one only the entries are read in which it differs."""
    count = Counting()
    likeness = Likeness(HEAD, END, count)
    likeness.values(answer(*range(100)))
    count.entries.clear()
    assert likeness.values(answer(*range(50), "other", *range(51, 100)))["name50"] == "other\n"
    assert count.entries == ["name50:other\n"]


def test_places_where_answers_differ_are_learnt() -> None:
    """A known answer is cut where another one differed, and only there."""
    likeness = Likeness(HEAD, END, Counting())
    likeness.values(answer(*range(100)))
    for place in (0, 50, 99, 50):
        likeness.values(answer(*range(place), "other", *range(place + 1, 100)))
    (known,) = likeness._known
    assert [stretch.count(HEAD) for stretch in known.stretches] == [1, 49, 1, 48, 1]
    assert "".join(known.stretches) == answer(*range(100))


@pytest.mark.parametrize("kinds", [1, 5, 30])
def test_few_answers_are_kept(kinds: int) -> None:
    """However many kinds of answers come, a bounded number is kept, and each kind is read right again."""
    likeness = Likeness(HEAD, END, Counting())
    for _ in range(2):
        for kind in range(kinds):
            text = f"{HEAD}kind{kind}{END}{kind}"
            assert likeness.values(text) == {f"kind{kind}": str(kind)}
    assert len(likeness._known) == min(kinds, 8)


def test_what_is_given_belongs_to_the_one_who_asked() -> None:
    """Values that are changed by one who was given them are unchanged for the next one."""
    likeness = Likeness(HEAD, END, Counting())
    for _ in range(3):
        values = likeness.values(answer(1, 2))
        assert values == {"name0": "1\n", "name1": "2\n"}
        values.clear()


def test_of_a_name_that_comes_twice_the_last_value_counts() -> None:
    """Also when the answer is like one that was read before, and differs where the name comes first."""
    likeness = Likeness(HEAD, END, Counting())
    twice = "{0}a{1}{2}{0}b{1}1{0}a{1}9"
    for first in "123":
        assert likeness.values(twice.format(HEAD, END, first)) == {"a": "9", "b": "1"}
