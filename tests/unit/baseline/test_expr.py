"""Expressions are read by Jinja2's parser, with their places, and only what is allowed passes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.baseline.expr import NotAnExpression, Term, parse


def test_terms_know_the_character_where_they_stand() -> None:
    """Names, attributes, constants and operators carry their place in the text."""
    term = parse("facts.memory.total_bytes >= vars.need")
    left, right = term.parts
    assert (term.op, term.name) == ("compare", ">=")
    assert (left.op, left.name, left.at) == ("attribute", "total_bytes", 12)
    assert (right.parts[0].name, right.parts[0].at) == ("vars", 28)


def test_chain_is_an_and_of_its_links() -> None:
    """``a < b < c`` is ``a < b and b < c``."""
    term = parse("1 < x <= 3")
    assert term.op == "and"
    assert [part.name for part in term.parts] == ["<", "<="]


def test_start_is_where_an_operation_begins() -> None:
    """The place of a whole operation is that of its leftmost part."""
    assert parse("  a.b.c | max").start == 2


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        ("", "an expression is missing here", 0),
        ("   ", "an expression is missing here", 0),
        ("a b", "'b' is not expected here", 2),
        ("a +", "cannot be read: unexpected 'the end'", 3),
        ("a @ b", "cannot be read: unexpected char '@' at 2", 1),
        ("a ** 2", "powers (**) are not allowed", 0),
        ("{'a': 1}", "a mapping cannot be written here", 0),
        ("a if b", "`if` needs its `else`", 0),
        ("a.__class__", "'__class__': names do not begin with an underscore", 1),
        ("_a", "'_a': names do not begin with an underscore", 0),
        ("x | _f", "'_f': names do not begin with an underscore", 4),
        ("a.b()", "only functions of this language can be called", 3),
        ("f(*a)", "arguments are written out, without * and **", 1),
        ("f(**a)", "arguments are written out, without * and **", 1),
        ("a[1:2:3]", "a slice has a start and an end, no step", 1),
        ("none", "none is not a value here", 0),
        ("x == None", "none is not a value here", 5),
        ("12345678901234567890", "a number has at most 19 digits", 0),
        ("1 < (2 < 3) < 4", "the middle of a chained comparison holds another one", 5),
        ("a is b is c", "cannot be read: You cannot chain multiple tests with is", 7),
        ("x" * 1001, "an expression is at most 1000 characters long", 1000),
    ],
)
def test_refusals(text: str, message: str, at: int) -> None:
    """What is no part of the language is refused where it stands."""
    with pytest.raises(NotAnExpression) as caught:
        parse(text)
    assert caught.value.message.startswith(message)
    assert caught.value.at == at


@pytest.mark.parametrize("text", ["(" * 400 + "1" + ")" * 400, "-" * 900 + "1", "not " * 200 + "a", "[" * 300, "a" + ".b" * 300,  # noqa: E501  # one case, one line
                                  "1 < " * 200 + "1", "9" * 990])  # fmt: skip
def test_nesting_is_bounded(text: str) -> None:
    """Deep nesting is one error, and a quick one."""
    started = time.process_time()
    with pytest.raises(NotAnExpression):
        parse(text)
    assert time.process_time() - started < 2


def test_line_breaks_do_not_move_places() -> None:
    """In an expression over several lines a place still counts characters."""
    term = parse("a +\n  b")
    assert term.parts[1].at == 6


@given(st.text(max_size=80))
def test_any_text_is_an_expression_or_one_error(text: str) -> None:
    """No text makes the parser raise anything else, nor point outside the text."""
    try:
        assert isinstance(parse(text), Term)
    except NotAnExpression as error:
        assert 0 <= error.at <= len(text)  # noqa: PT017  # either outcome is right


@given(st.text(alphabet="abfv.()[]|~+-*/%<>=!'\" 019:,&", max_size=60))
def test_any_text_of_the_language_is_an_expression_or_one_error(text: str) -> None:
    """The same for texts made of what expressions are made of."""
    try:
        parse(text)
    except NotAnExpression as error:
        assert 0 <= error.at <= len(text)  # noqa: PT017  # either outcome is right
