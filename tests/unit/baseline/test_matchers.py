"""Claims about values: what holds, what does not, what cannot be told, and how it is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netaudit.model.facts import Facts
from netaudit.model.result import Result, Verdict

KEY = "net.core.somaxconn"
LISTED = "net.ipv4.tcp_rmem"


@pytest.fixture
def verdict(judge: Callable[..., Result], facts: Callable[..., Facts]) -> Callable[[str, str], Result]:
    """The result of a claim about a sysctl with this text."""

    def run(text: str, claim: str) -> Result:
        return judge(f"value: sysctl['{KEY}']\nunit: connections\nexpect: {claim}\n", facts({KEY: text}))

    return run


@pytest.mark.parametrize(
    ("text", "claim", "expected", "words"),
    [
        ("5", "{equals: 5}", "pass", "5"),
        ("5", "{equals: 6}", "fail", "6"),
        ("5", "{at_least: 5}", "pass", ">= 5"),
        ("4", "{at_least: '{{ 2 + 3 }}'}", "fail", ">= 5"),
        ("5", "{at_most: 4}", "fail", "<= 4"),
        ("5", "{above: 5}", "fail", "> 5"),
        ("5", "{below: 6}", "pass", "< 6"),
        ("5", "{between: [1, '{{ 4 + 1 }}']}", "pass", "1 to 5"),
        ("6", "{between: [1, 5]}", "fail", "1 to 5"),
        ("2", "{one_of: [0, 2]}", "pass", "one of 0, 2"),
        ("1", "{one_of: '{{ [0, 2] }}'}", "fail", "one of 0, 2"),
        ("1 2 3", "{contains: 2}", "pass", "contains 2"),
        ("reno cubic", "{contains: cubic}", "pass", "contains cubic"),
        ("reno cubicx", "{contains: cubic}", "fail", "contains cubic"),
        ("reno", "{contains_all: [reno, bbr]}", "fail", "contains reno, bbr (missing: bbr)"),
        ("bbr reno", "{contains_all: [reno, bbr]}", "pass", "contains reno, bbr"),
        ("cubic", "{matches: 'cub.*'}", "pass", "matches cub.*"),
        ("cubic", "{matches: 'cub'}", "fail", "matches cub"),
        ("1 2 2", "{ordered: ascending}", "pass", "in ascending order"),
        ("1 3 2", "{ordered: ascending}", "fail", "in ascending order"),
        ("1 3", "{fields: {0: {at_most: 1}, 1: {at_least: 3}}}", "pass", "first <= 1, second >= 3"),
        ("1 2", "{fields: {0: {at_most: 1}, 1: {at_least: 3}}}", "fail", "first <= 1, second >= 3"),
        ("1 2", "{equals: [1, 2]}", "pass", "1 2"),
        ("1 2", "{equals: 1 2}", "pass", "1 2"),
        ("1 2", "{equals: [1, 3]}", "fail", "1 3"),
        ("5", "{not: {equals: 5}}", "fail", "not (5)"),
        ("5", "{all_of: [{at_least: 1}, {at_most: 4}]}", "fail", ">= 1 and <= 4"),
        ("5", "{at_least: 1, at_most: 9}", "pass", ">= 1 and <= 9"),
        ("5", "{any_of: [{equals: 0}, {at_least: 9}]}", "fail", "0 or >= 9"),
        ("5", "{holds: value > 4 and value < 2 + 8}", "pass", "value > 4 and value < 10"),
        ("5", "{holds: not (value == 5)}", "fail", "not (value == 5)"),
    ],
)
def test_claims(verdict: Callable[[str, str], Result], text: str, claim: str, expected: str, words: str) -> None:
    """Every claim of the language, holding and not, in words with its numbers."""
    result = verdict(text, claim)
    assert (result.verdict, result.expected) == (expected, words)


@pytest.mark.parametrize(
    ("text", "claim", "reason"),
    [
        ("1 2", "{at_least: 5}", "not understood: [1, 2] is a vector where a number is expected"),
        ("cubic", "{at_least: 5}", "not understood: 'cubic' is not a number"),
        ("cubic", "{equals: 5}", "not understood: 'cubic' cannot be compared with 5"),
        ("cubic", "{not: {equals: 5}}", "not understood: 'cubic' cannot be compared with 5"),
        ("5", "{one_of: [a, b]}", "not understood: 5 cannot be compared with 'a'"),
        ("5", "{between: [1, '{{ sysctl[\"net.ipv4.tcp_rmem\"] }}']}", f"not present: this kernel has no {LISTED}"),
        ("5", "{fields: {0: {equals: 5}}}", "not understood: 5 is not a vector"),
        ("1 2", "{fields: {2: {equals: 5}}}", "not understood: [1, 2] has no field 2"),
        ("1 2", "{matches: '1'}", "not understood: [1, 2] is not a text"),
        ("a b", "{ordered: ascending}", "not understood: 'a b' is not a list"),
        ("5", "{any_of: [{equals: a}, {equals: 6}]}", "not understood: 5 cannot be compared with 'a'"),
    ],
)
def test_claims_that_cannot_be_told(verdict: Callable[[str, str], Result], text: str, claim: str, reason: str) -> None:
    """A value of another kind than the claim was written for is unknown, whichever way round the claim is."""
    result = verdict(text, claim)
    assert result.verdict is Verdict.UNKNOWN
    assert (result.reason or "").startswith(reason)


def test_one_bad_field_fails_beside_an_unknown_one(verdict: Callable[[str, str], Result]) -> None:
    """A field that does not satisfy decides, whatever the others are."""
    assert verdict("1 2", "{fields: {1: {equals: 9}, 5: {equals: 9}}}").verdict is Verdict.FAIL


def test_bytes_and_seconds_are_readable(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """Large numbers of a unit that people read otherwise stand with their readable form."""
    host = facts({KEY: "100"})
    size = judge(f"value: sysctl['{KEY}']\nunit: bytes\nexpect: {{at_least: 6MiB}}\n", host)
    span = judge(f"value: sysctl['{KEY}']\nunit: seconds\nexpect: {{at_least: 2h}}\n", host)
    assert size.expected == ">= 6291456 (6 MiB)"
    assert span.expected == ">= 7200 (2 h)"


def test_levels_go_from_the_worst_down(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """The first claim that fails gives severity and note; what is expected is what would satisfy them all."""
    body = f"""\
value: sysctl['{KEY}']
levels:
  - {{severity: low, expect: {{at_least: 8192}}, note: could be more}}
  - {{severity: critical, expect: {{above: 128}}, note: "only {{{{ value }}}}"}}
expect: {{at_least: 4096}}
fix: Set it to {{{{ expected }}}}.
"""
    found = {text: judge(body, facts({KEY: text})) for text in ("128", "1000", "5000", "9000")}
    assert [(r.verdict, r.severity, r.reason) for r in found.values()] == [
        ("fail", "critical", "only 128"),
        ("fail", "high", None),
        ("fail", "low", "could be more"),
        ("pass", "high", None),
    ]
    assert {r.expected for r in found.values()} == {">= 8192"}
    assert found["128"].fix == "Set it to 8192."
    assert found["9000"].fix is None


def test_expected_is_of_the_failing_level_when_the_mildest_holds(
    judge: Callable[..., Result], facts: Callable[..., Facts]
) -> None:
    """Levels need not be nested: what is said to be expected is never what the value already satisfies."""
    body = f"""\
value: sysctl['{KEY}']
levels:
  - {{severity: critical, expect: {{at_most: 10}}}}
expect: {{at_least: 5}}
"""
    assert judge(body, facts({KEY: "20"})).expected == "<= 10"


def test_a_milder_level_can_fail_beside_an_unknown_worse_one(
    judge: Callable[..., Result], facts: Callable[..., Facts]
) -> None:
    """Fail beats unknown over levels as well."""
    body = f"""\
value: sysctl['{KEY}']
levels:
  - {{severity: critical, expect: {{holds: facts.memory.total_bytes > 0}}}}
expect: {{at_least: 5}}
"""
    result = judge(body, facts({KEY: "4"}))
    assert (result.verdict, result.severity) == ("fail", "high")
    assert judge(body, facts({KEY: "6"})).verdict is Verdict.UNKNOWN


def test_own_words_replace_those_of_the_claim(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """``expected`` is said in place of the claim."""
    body = f"value: sysctl['{KEY}']\nexpect: {{holds: value >= 5}}\nexpected: at least {{{{ 4 + 1 }}}} of them\n"
    assert judge(body, facts({KEY: "4"})).expected == "at least 5 of them"
