"""The checks that one panel answers together answer as each would by itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from netaudit.baseline import panel
from netaudit.baseline.evaluate import _Evaluation, evaluate
from netaudit.baseline.select import HostCheck, Ruleset
from netaudit.model.facts import Cpu, Facts
from netaudit.model.result import Result, Verdict

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
NOBODY: frozenset[str] = frozenset()


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check is in a panel after three hosts, and remembered from the first on."""
    monkeypatch.setattr("netaudit.baseline.memo._FEW", -1)
    monkeypatch.setattr("netaudit.baseline.memo._STEADY", 1)
    monkeypatch.setattr(panel, "_TRIED", 3)


def test_checks_of_a_panel_are_answered_at_once(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some hosts, what is known of a key is asked no more check by check; another key is, and is known then."""
    sysctls = "{net.core.somaxconn: 4096, net.ipv4.tcp_tw_reuse: 1, net.ipv4.tcp_rmem: {ordered: ascending}}"
    rules = ruleset(f"baseline: test\nsysctl: {sysctls}").for_host("web1", {}, lambda _: NOBODY)
    asked: list[object] = []
    judged = _Evaluation._result

    def noted(evaluation: _Evaluation, check: HostCheck) -> Result:
        asked.append(check)
        return judged(evaluation, check)

    monkeypatch.setattr(_Evaluation, "_result", noted)

    def verdicts(queue: str) -> list[Verdict]:
        asked.clear()
        host = facts({"net.core.somaxconn": queue, "net.ipv4.tcp_tw_reuse": "1", "net.ipv4.tcp_rmem": "3 2 1"})
        return [result.verdict for result in evaluate(rules, host, NOW)]

    lasting = [Verdict.PASS, Verdict.FAIL]
    for queue, verdict, left in (
        *[("4096", Verdict.PASS, 3)] * 4,
        ("4096", Verdict.PASS, 0),
        ("128", Verdict.FAIL, 3),
        ("128", Verdict.FAIL, 0),
    ):
        assert (sorted(verdicts(queue)), len(asked)) == (sorted([verdict, *lasting]), left)


def test_a_panel_learns_nothing_of_a_check_that_applies_for_the_first_time(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts], one_check: Callable[[str], str]
) -> None:
    """What such a check looks at besides its conditions is not in the key of its panel."""
    one = one_check("""\
        applies_to: [{when: "facts.kernel.virtualization != 'none'", else: bare}]
        value: facts.cpu.count
        expect: {at_most: 4}
        """)
    two = one + one[one.index("  - id") :].replace("t.one", "t.two")
    rules = ruleset(two).for_host("web1", {}, lambda _: NOBODY)
    kernel = facts().kernel

    def verdict(virtualization: str, count: int) -> Verdict:
        host = facts(kernel=dataclasses.replace(kernel, virtualization=virtualization), cpu=Cpu(count, "", 1))
        return evaluate(rules, host, NOW)[0].verdict

    assert [verdict("none", 2) for _ in range(6)] == [Verdict.SKIPPED] * 6
    assert [verdict("kvm", count) for count in (2, 8, 2, 8)] == [Verdict.PASS, Verdict.FAIL] * 2
