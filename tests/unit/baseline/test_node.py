"""Every character of a text in a file can be found again, however YAML wrote it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netaudit.baseline.node import Node, Source, kind_name, of_plain, plain
from netaudit.errors import RuleError


@pytest.mark.parametrize(
    ("text", "wanted", "place"),
    [
        ("a: one two three\n", "three", (1, 12)),
        ("a: 'it''s three'\n", "three", (1, 11)),
        ('a: "one three"\n', "three", (1, 9)),
        ("a:\n  one\n  two three\n", "three", (3, 7)),
        ("a: >-\n  one\n  two three\n", "three", (3, 7)),
        ("a: |\n  one\n\n  two three\n", "three", (4, 7)),
        ("- a: one   three\n", "three", (1, 12)),
        ("a: [one, 'two three']\n", "three", (1, 15)),
        ("ä: ö three\n", "three", (1, 6)),
    ],
)
def test_places_inside_texts(node: Callable[..., Node], text: str, wanted: str, place: tuple[int, int]) -> None:
    """Plain, quoted, folded and literal texts, on one line or several."""
    found = _first_text(node(text), wanted)
    where = found.where_in(str(found.value).index(wanted))
    assert (where.line, where.column) == place


def _first_text(node: Node, wanted: str) -> Node:
    if isinstance(node.value, str) and wanted in node.value:
        return node
    inner = node.value.values() if isinstance(node.value, dict) else node.value
    assert not isinstance(inner, str | int | float | None)
    return next(_first_text(each, wanted) for each in inner if not isinstance(each.value, str) or wanted in each.value)


def test_escapes_fall_back_to_the_start_of_the_text(node: Callable[..., Node]) -> None:
    """Where an escape makes file and value differ, the place is that of the whole text, not a wrong one."""
    found = _first_text(node('a: "t\\x41b three"\n'), "three")
    where = found.where_in(4)
    assert (where.line, where.column) == (1, 4)


def test_line_breaks_are_those_of_yaml() -> None:
    """All five breaks of YAML end a line."""
    source = Source("f", "a\r\nb\rc\x85d\u2028e\u2029f\ng")
    assert [source.place(source.text.index(letter)) for letter in "abcdefg"] == [(line, 1) for line in range(1, 8)]
    assert [source.text[source.offset(line, 1)] for line in range(1, 8)] == list("abcdefg")


def test_plain_values_make_nodes_without_places() -> None:
    """Values that have no file of their own keep the name of where they come from."""
    value = {"a": [1, None, True, "x"], "b": {"c": 0.5}}
    made = of_plain(value, Source("netaudit_vars of web1"))
    assert plain(made) == value
    assert str(made.where) == "netaudit_vars of web1"


def test_values_of_other_types_are_refused() -> None:
    """Only what YAML can hold becomes a node."""
    with pytest.raises(RuleError, match="a set cannot stand here"):
        of_plain({"a": {1, 2}}, Source("x"))


def test_kinds_have_names(node: Callable[..., Node]) -> None:
    """Errors say what is there in words."""
    root = node("[~, true, 1, 1.5, x, [], {}]")
    assert isinstance(root.value, tuple)
    words = ["nothing", "a truth value", "a number", "a number", "a text", "a list", "a mapping"]
    assert [kind_name(each) for each in root.value] == words
