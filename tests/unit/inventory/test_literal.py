"""What values of INI inventories mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.inventory.literal import parse_literal
from netaudit.inventory.values import UnsafeText


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("0", 0), ("-5", -5), ("0x1f", 31), ("007", "007"), ("1_000", 1000), ("1.10", 1.1), (".5", 0.5),
        ("True", True), ("true", "true"), ("yes", "yes"), ("None", None), ("null", "null"), ("", ""), ("abc", "abc"),
        ("abc # c", "abc # c"), ("2 # c", 2), ('"abc" # c', "abc"), ("'it'", "it"), ("[1, 'a']", [1, "a"]),
        ("(1, 2)", [1, 2]), ("{1}", [1]), ("{'a': (1,)}", {"a": [1]}), ('{"a": true}', '{"a": true}'), ("...", "..."),
        ("1+2j", "(1+2j)"), ("{{ x }}", "{{ x }}"), ("/usr/bin/x", "/usr/bin/x"), ("10.0.0.1", "10.0.0.1"),
        ("9" * 6000, "9" * 6000), ("a\x00b", "a\x00b"),
    ],
)  # fmt: skip
def test_value_of_a_text(text: str, value: object) -> None:
    """A Python literal is its value, with lists for tuples and sets; everything else is the text itself."""
    found = parse_literal(text)
    assert (type(found), found) == (type(value), value)


def test_bytes_are_text_that_is_no_template() -> None:
    """A bytes literal becomes text, and is never evaluated."""
    assert isinstance(parse_literal("b'{{ x }}'"), UnsafeText)


@pytest.mark.parametrize("text", ["{{ 1 }}", "{[]: 1}", "b'\\xff'", "-" * 5000 + "1"])
def test_text_that_breaks_the_literal_parser_is_refused(text: str) -> None:
    """A few texts are neither literals nor fit to be taken as text; Ansible rejects the file as well."""
    with pytest.raises(ValueError, match=r"literal|UTF-8"):
        parse_literal(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=8,
    )
)
def test_literals_come_back(value: object) -> None:
    """What Python prints of plain data is read back as the same data."""
    assert parse_literal(repr(value)) == value
