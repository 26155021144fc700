"""Rules can be written down and read again: as YAML for people, as plain lists for the cache."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.assets.catalogue import load_rules
from netaudit.assets.yamlfile import parse_yaml
from netaudit.baseline.kinds import ANY, kind_of_value
from netaudit.baseline.load import Problems, check, drafts, names_inside
from netaudit.baseline.node import plain
from netaudit.baseline.pack import digest, packed, unpacked
from netaudit.baseline.plain import claim_in_words, plain_check, plain_override, plain_waiver
from netaudit.baseline.reads import expressions_of, texts_of
from netaudit.baseline.schema import Rules
from netaudit.baseline.select import Ruleset
from netaudit.baseline.spelling import spelled
from netaudit.baseline.static import Names, judge
from netaudit.baseline.yaml_text import yaml_text

WHOLE = """\
baseline: whole
vars: {need: 5, listed: [1, x], mapped: {a: 0.5}, unset: null}
sysctl_names: [net.site.own]
sysctl:
  net.core.somaxconn: {any_of: [{equals: 1}, {not: {above: "{{ vars.need }}"}}]}
  net.site.own: {matches: "a.*", reason: "~ about this"}
  net.ipv4.tcp_rmem: {ordered: ascending, fields: {0: {at_least: 1}}}
  net.ipv4.tcp_tw_reuse: {one_of: [0, "{{ vars.need }}"]}
overrides:
  - {check: sysctl.net.site.own, hosts: web, severity: low, expect: {contains: x}, reason: why}
  - {check: sysctl.net.core.*, skip: "never", vars: {need: 7}}
waivers:
  - {check: sysctl.*, hosts: web, subject: "*", reason: r, approver: a, ticket: 5, starts: 2026-01-01,
     expires: 2027-01-31, value: [1, 2]}
"""


@cache
def shipped() -> Rules:
    """The rules of the default baseline."""
    return load_rules()


def names_of(rules: Rules) -> Names:
    """What the expressions of a baseline may name."""
    return Names({name: kind_of_value(value) for name, value in rules.variables.items()})


def test_shipped_checks_survive_being_written_and_read() -> None:
    """What ``baseline show`` prints of a check is that check."""
    rules = shipped()
    text = yaml_text({"checks": [plain_check(each) for each in rules.checks]})
    problems = Problems([])
    again = [check(draft, names_of(rules), problems) for draft in drafts(parse_yaml(text.encode(), "shown.yaml"))]
    assert problems.found == []
    assert [replace(each, where=None) for each in again if each] == [replace(each, where=None) for each in rules.checks]


def test_expressions_are_spelled_so_that_they_mean_the_same() -> None:
    """Every expression of the catalogue, written out again, is resolved to the same tree."""
    rules = shipped()
    count = 0
    for each in rules.checks:
        names = names_inside(each, names_of(rules))[0].plus(expected=ANY)
        for expression in (*expressions_of(each), *texts_of(each)):
            assert judge(spelled(expression.tree), names).tree == expression.tree, expression.text
            count += 1
    assert count > 500


def test_rules_survive_the_cache(ruleset: Callable[..., Ruleset]) -> None:
    """Packed rules are JSON, and come back equal, digest included."""
    for rules in (shipped(), ruleset(WHOLE).rules):
        again = unpacked(json.loads(json.dumps(packed(rules))))
        assert again == rules
        assert digest(again) == digest(rules)


@pytest.mark.parametrize(
    "junk", [None, 5, [], ["~Rules"], ["~Nothing", 1], {"a": 1}, ["~Check", *["x"] * 40], ["~datetime", "x"]]
)
def test_other_values_are_no_rules(junk: Any) -> None:
    """Whatever a broken cache holds, it is one kind of error."""
    with pytest.raises(ValueError, match=r"not packed rules|Invalid isoformat"):
        unpacked(junk)


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ("{at_least: 1, below: 9}", ">= 1 and < 9"),
        ("{any_of: [{equals: 1}, {not: {above: 5}}]}", "is 1 or not (> 5)"),
        ("{fields: {0: {at_most: 5}, 2: {one_of: [1, 2]}}}", "first <= 5, third one of [1, 2]"),
        ("{ordered: ascending}", "in ascending order"),
        ("{contains_all: [a, b]}", "contains all [a, b]"),
        ("{holds: 'vars.x > 5'}", "vars.x > 5"),
        ("{matches: 'a.*'}", "matches a.*"),
        ("{between: [1, '{{ vars.x }}']}", "between [1, vars.x]"),
    ],
)
def test_claims_in_words(ruleset: Callable[..., Ruleset], claim: str, words: str) -> None:
    """A claim is explained as it was written, whatever the numbers of a host."""
    rules = ruleset(f"baseline: t\nvars: {{x: 1}}\nsysctl: {{net.core.somaxconn: {claim}}}\n").rules
    assert claim_in_words(rules.checks[0].levels[0].claim) == words


def test_overrides_and_waivers_are_written_as_they_are_read(ruleset: Callable[..., Ruleset]) -> None:
    """Hosts, times and values stand where a person wrote them."""
    rules = ruleset(WHOLE).rules
    assert [plain_override(each) for each in rules.overrides] == [
        {
            "check": "sysctl.net.site.own",
            "hosts": "web",
            "severity": "low",
            "expect": {"contains": "x"},
            "reason": "why",
        },
        {"check": "sysctl.net.core.somaxconn", "vars": {"need": 7}, "skip": "never"},
    ]
    assert plain_waiver(rules.waivers[0]) == {
        "check": "sysctl.*", "hosts": "web", "subject": "*", "reason": "r", "approver": "a", "ticket": "5",
        "starts": "2026-01-01T00:00:00Z", "expires": "2027-01-31T23:59:59Z", "value": [1, 2],
    }  # fmt: skip


_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**18), 10**18), st.sampled_from([0.5, -1.25, 1e-07, 123456.789]),
    st.text(alphabet=st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=30),
    st.sampled_from(["yes", "null", "~", "0644", "a: b", "- x", "{{ x }}", "#c", "a #b", "", " x", "x ", "a, b", "'q'", "\n", "é"]),  # noqa: E501  # one case, one line
    st.text(alphabet="ab ", min_size=90, max_size=200),
)  # fmt: skip
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(alphabet="ab-.:# 1", min_size=1, max_size=8), inner, max_size=4),
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["a", "b.c", "on", "1", "x y", "<<"]), _VALUES, max_size=4))
def test_written_yaml_is_read_as_the_same_values(value: dict[str, object]) -> None:
    """The writer writes what the strict reader reads back, whatever the text."""
    assert plain(parse_yaml(yaml_text(value).encode(), "f")) == value
