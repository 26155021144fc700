"""A waiver lets one value stand for one time, and says loudly when it no longer does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from netaudit.baseline.select import Ruleset
from netaudit.baseline.waivers import notes
from netaudit.model.facts import Facts, Listener
from netaudit.model.result import Result, Verdict

BODY = "value: sysctl['net.core.somaxconn']\nexpect: {at_least: 4096}\n"
WAIVER = """\
waivers:
  - check: t.one
    reason: until the new routers are in
    approver: j.doe
    ticket: NET-1234
    starts: 2026-11-01
    expires: 2027-01-31
    value: 128
"""


@pytest.fixture
def waived(judge: Callable[..., Result], facts: Callable[..., Facts]) -> Callable[[str, datetime], Result]:
    """The result with the waiver, for a value at a time."""
    return lambda value, now: judge(BODY, facts({"net.core.somaxconn": value}), WAIVER, now)


@pytest.mark.parametrize(
    ("now", "value", "verdict", "reason"),
    [
        (datetime(2026, 11, 1, tzinfo=UTC), "128", "waived", None),
        (datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC), "128", "waived", None),
        (datetime(2027, 2, 1, tzinfo=UTC), "128", "fail", "waiver of j.doe (NET-1234) expired on 2027-01-31"),
        (datetime(2026, 10, 31, 23, tzinfo=UTC), "128", "fail", "waiver of j.doe (NET-1234) begins on 2026-11-01"),
        (datetime(2026, 12, 1, tzinfo=UTC), "64", "fail",
         "waiver of j.doe (NET-1234) was granted for 128, and the value is 64"),
        (datetime(2026, 12, 1, tzinfo=UTC), "4096", "pass", None),
    ],
)  # fmt: skip
def test_time_and_value_decide(
    waived: Callable[[str, datetime], Result], now: datetime, value: str, verdict: str, reason: str | None
) -> None:
    """Both days count whole, in UTC; another value is another finding."""
    result = waived(value, now)
    assert (result.verdict, result.reason) == (verdict, reason)


def test_who_allowed_it_stands_in_the_result(waived: Callable[[str, datetime], Result]) -> None:
    """A waived result names reason, approver, ticket and end, and keeps what is wrong."""
    result = waived("128", datetime(2026, 12, 1, tzinfo=UTC))
    assert result.waived is not None
    assert (result.waived.approver, result.waived.ticket) == ("j.doe", "NET-1234")
    assert result.waived.until == datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC)
    assert (result.observed, result.expected, result.severity) == (128, ">= 4096", "high")


def test_run_is_told_of_waivers_that_do_not_count(ruleset: Callable[..., Ruleset]) -> None:
    """Expired and coming waivers are listed with their place."""
    rules = ruleset("baseline: test\nsysctl: {net.core.somaxconn: 1}\n" + WAIVER.replace("t.one", "sysctl.*"))
    waivers = rules.rules.waivers
    assert notes(waivers, datetime(2026, 12, 1, tzinfo=UTC)) == ()
    assert notes(waivers, datetime(2028, 1, 1, tzinfo=UTC)) == (
        "rules.yaml:4:5: waiver of j.doe (NET-1234) for sysctl.* expired on 2027-01-31",
    )


def test_one_subject_is_waived_and_the_others_are_not(
    judge: Callable[..., Result], facts: Callable[..., Facts]
) -> None:
    """A waiver may name a subject; the result fails as long as one of them does."""
    body = """\
for_each: {name: listener, in: facts.listeners, subject: "{{ listener.address }}:{{ listener.port }}"}
value: listener.backlog
expect: {at_least: 511}
"""
    head = "waivers: [{check: t.*, subject: '*:80', reason: r, approver: a, expires: 2027-01-31, value: 128}]\n"
    listeners = (Listener("tcp", "0.0.0.0", 80, 0, 128), Listener("tcp", "0.0.0.0", 81, 0, 128))
    both = judge(body, facts(listeners=listeners), head)
    assert [(item.subject, item.verdict) for item in both.items] == [("0.0.0.0:81", "fail"), ("0.0.0.0:80", "waived")]
    assert (both.verdict, both.waived) == (Verdict.FAIL, None)
    alone = judge(body, facts(listeners=listeners[:1]), head)
    assert alone.verdict is Verdict.WAIVED
    assert alone.waived is not None


def test_subject_in_full_may_hold_what_means_something_in_globs(
    judge: Callable[..., Result], facts: Callable[..., Facts]
) -> None:
    """The brackets of an IPv6 address are brackets where the whole subject is named."""
    body = """\
for_each: {name: listener, in: facts.listeners, subject: "{{ listener.endpoint }}"}
value: listener.backlog
expect: {at_least: 511}
"""
    head = "waivers: [{check: t.*, subject: '[::]:80', reason: r, approver: a, expires: 2027-01-31, value: 128}]\n"
    listeners = (Listener("tcp", "::", 80, 0, 128), Listener("tcp", "::", 81, 0, 128))
    both = judge(body, facts(listeners=listeners), head)
    assert [(item.subject, item.verdict) for item in both.items] == [("[::]:81", "fail"), ("[::]:80", "waived")]


def test_hosts_of_a_waiver_are_a_pattern(ruleset: Callable[..., Ruleset]) -> None:
    """A waiver for other hosts is none for this one."""
    rules = ruleset(
        "baseline: test\nsysctl: {net.core.somaxconn: 1}\n" + WAIVER.replace("t.one", "sysctl.*\n    hosts: lb[1:4]")
    )
    matched: list[str] = []

    def matches(pattern: str) -> frozenset[str]:
        matched.append(pattern)
        return frozenset({"lb1"})

    assert [len(check.waivers) for check in rules.for_host("lb1", {}, matches).checks] == [1]
    assert [len(check.waivers) for check in rules.for_host("web1", {}, matches).checks] == [0]
    assert matched == ["lb[1:4]"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("    value: 128\n", ""), ("rules.yaml:3:5: a waiver needs the key 'value' (a waiver names the value it was granted"  # noqa: E501  # one case, one line
         " for, and ends when that changes)")),
        (("    approver: j.doe\n", ""), "rules.yaml:3:5: a waiver needs the key 'approver'"),
        (("2027-01-31", "soon"), "rules.yaml:8:14: 'expires': 'soon' is no date (2027-01-31, or 2027-01-31T12:00:00Z)"),
        (("2027-01-31", "2027-02-30"), ("rules.yaml:8:14: 'expires': '2027-02-30' is no date (2027-01-31, or"
         " 2027-01-31T12:00:00Z)")),
        (("2027-01-31", "2026-10-01"), "rules.yaml:8:14: the waiver ends before it starts"),
        (("t.one", "t.two"), "rules.yaml:3:12: no check is called 't.two' (did you mean 't.one'?)"),
        (("approver", "aprover"), "rules.yaml:5:5: a waiver has no key 'aprover' (did you mean 'approver'?)"),
    ],
)  # fmt: skip
def test_mistakes_in_a_waiver(check_errors: Callable[..., list[str]], change: tuple[str, str], message: str) -> None:
    """A waiver that is not whole is none."""
    assert check_errors(BODY, WAIVER.replace(*change)) == [message]


def test_moments_may_be_exact(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """A time of day, with an offset, is a moment in UTC."""
    head = WAIVER.replace("2027-01-31", "'2026-11-20T16:00:00+02:00'")
    host = facts({"net.core.somaxconn": "128"})
    assert judge(BODY, host, head, datetime(2026, 11, 20, 13, 59, tzinfo=UTC)).verdict is Verdict.WAIVED
    assert judge(BODY, host, head, datetime(2026, 11, 20, 14, 1, tzinfo=UTC)).verdict is Verdict.FAIL
