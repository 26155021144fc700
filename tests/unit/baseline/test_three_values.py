"""Logic with three values: what is known decides when it can, and absence never becomes a pass."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.baseline.closures import closure, truth
from netaudit.baseline.kinds import ANY
from netaudit.baseline.matchers import matcher
from netaudit.baseline.schema import Claim, Expression, Op
from netaudit.baseline.scope import RunningSysctls, Scope
from netaudit.baseline.static import Names, judge
from netaudit.baseline.unknown import Unknown, decide, not_understood
from netaudit.model.facts import Facts
from netaudit.model.reading import Absent, AbsentReason

# True, False, and None for unknown
VALUES = (True, False, None)
REASONS = tuple(AbsentReason)
NAMES = Names(local={"a": ANY, "b": ANY, "c": ANY})


def scope_of(facts: Facts, **names: object) -> Scope:
    """A scope in which these names stand for values or for Unknown."""
    scope = Scope(facts, RunningSysctls(facts, lambda name: Absent(AbsentReason.NOT_PRESENT, name)), {})
    scope.names = {name: not_understood("test") if value is None else value for name, value in names.items()}
    return scope


def value_of(text: str, facts: Facts, **names: object) -> object:
    """What an expression gives; None for unknown."""
    try:
        return closure(judge(text, NAMES).tree)(scope_of(facts, **names))
    except Unknown:
        return None


@pytest.mark.parametrize(("a", "b"), [*product(VALUES, VALUES)])
def test_tables_of_and_or_not(facts: Callable[..., Facts], a: object, b: object) -> None:
    """The strong tables of Kleene."""
    host = facts()
    expected_and = False if False in (a, b) else None if None in (a, b) else True
    expected_or = True if True in (a, b) else None if None in (a, b) else False
    assert value_of("a and b", host, a=a, b=b) is expected_and
    assert value_of("a or b", host, a=a, b=b) is expected_or
    assert value_of("not a", host, a=a) is (None if a is None else not a)
    assert value_of("all([a, b])", host, a=a, b=b) is expected_and
    assert value_of("any([a, b])", host, a=a, b=b) is expected_or


@given(st.lists(st.sampled_from(VALUES), min_size=1, max_size=6))
def test_decide_is_the_fold_of_the_tables(values: list[bool | None]) -> None:
    """``any_of`` and ``all_of`` over many answers: one that decides decides, wherever it stands."""

    def answer(value: bool | None) -> Callable[[], bool]:
        def run() -> bool:
            if value is None:
                raise not_understood("test")
            return value

        return run

    def folded(*, deciding: bool) -> bool | None:
        try:
            return decide([answer(value) for value in values], deciding=deciding)
        except Unknown:
            return None

    assert folded(deciding=True) is (True if True in values else None if None in values else False)
    assert folded(deciding=False) is (False if False in values else None if None in values else True)


_ATOMS = st.sampled_from(["a", "b", "c"])
_FORMULAS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.builds(lambda x: f"(not {x})", inner),
        st.builds(lambda x, y: f"({x} and {y})", inner, inner),
        st.builds(lambda x, y: f"({x} or {y})", inner, inner),
        st.builds(lambda x, y, z: f"({x} if {y} else {z})", inner, inner, inner),
    ),
    max_leaves=8,
)


@given(_FORMULAS, st.tuples(*[st.sampled_from(VALUES)] * 3))
def test_what_is_decided_stays_decided(formula: str, values: tuple[bool | None, ...]) -> None:
    """If a formula is true or false with some facts unknown, it is the same whatever those facts turn out to be."""
    host = _no_facts()
    names = dict(zip("abc", values, strict=True))
    verdict = value_of(formula, host, **names)
    for filled in product(*[(value,) if value is not None else (True, False) for value in values]):
        complete = value_of(formula, host, **dict(zip("abc", filled, strict=True)))
        assert complete is not None
        assert verdict is None or verdict is complete


def _no_facts() -> Facts:
    missing: dict[str, Any] = dict.fromkeys(Facts.__dataclass_fields__, Absent(AbsentReason.NOT_ASKED))
    return Facts(**missing)


_CLAIMS = st.recursive(
    st.sampled_from([True, False, None]),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from([Op.ALL_OF, Op.ANY_OF]), st.lists(inner, min_size=1, max_size=3)),
        st.tuples(st.just(Op.NOT), st.lists(inner, min_size=1, max_size=1)),
    ),
    max_leaves=6,
)


def _claim(shape: object) -> Claim:
    """A claim that holds, does not, or cannot be told."""
    if isinstance(shape, tuple):
        return Claim(shape[0], claims=tuple(map(_claim, shape[1])))
    tree = ["name", "u"] if shape is None else ["c", shape]
    return Claim(Op.HOLDS, Expression("", tree))


def _expected(shape: object) -> bool | None:
    if not isinstance(shape, tuple):
        assert shape is None or isinstance(shape, bool)
        return shape
    inner = [_expected(each) for each in shape[1]]
    if shape[0] is Op.NOT:
        return None if inner[0] is None else not inner[0]
    deciding = shape[0] is Op.ANY_OF
    return deciding if deciding in inner else None if None in inner else not deciding


@given(_CLAIMS)
def test_claims_combine_in_three_values(shape: object) -> None:
    """Fail beats unknown beats pass in ``all_of``, pass beats unknown beats fail in ``any_of``; ``not`` keeps unknown."""  # noqa: E501  # one case, one line
    scope = scope_of(_no_facts(), u=None)
    try:
        verdict: bool | None = matcher(_claim(shape)).holds(scope, 1)
    except Unknown:
        verdict = None
    assert verdict is _expected(shape)


@pytest.mark.parametrize("reason", REASONS)
def test_no_absence_passes_a_comparison(facts: Callable[..., Facts], reason: AbsentReason) -> None:
    """Whatever the reason, a claim about an absent fact is unknown, negated or not."""
    host = facts(memory=Absent(reason, "test"))
    for text in ("facts.memory.total_bytes > 0", "not (facts.memory.total_bytes > 0)", "facts.memory.total_bytes != 5"):
        with pytest.raises(Unknown) as caught:
            truth(judge(text, NAMES).tree)(scope_of(host))
        assert caught.value.absent.reason is reason
        assert caught.value.reason == f"{reason}: test (facts.memory)"


@pytest.mark.parametrize("reason", REASONS)
def test_presence_tells_missing_from_unread(facts: Callable[..., Facts], reason: AbsentReason) -> None:
    """``is present`` is false of what is not there, and unknown of what could not be read."""
    host = facts(conntrack=Absent(reason))
    expected = False if reason in {AbsentReason.NOT_PRESENT, AbsentReason.NOT_APPLICABLE} else None
    assert value_of("facts.conntrack is present", host) is expected
    assert value_of("facts.conntrack is absent", host) is (None if expected is None else True)
    assert value_of("facts.conntrack.max is present", host) is expected
