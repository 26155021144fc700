"""Whatever is wrong with a host: every finding is answered or listed, and what is planned cures and can be undone."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from netaudit.baseline.evaluate import evaluate
from netaudit.baseline.select import HostRules
from netaudit.model.facts import Facts
from netaudit.model.plan import HostPlan
from netaudit.model.result import Severity, Verdict
from netaudit.remedy import proof
from netaudit.remedy.operations import OPERATIONS, scripts_of


def _conftest() -> Any:
    name = "remedy_conftest"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("conftest.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


PLANS = _conftest()
NUMBERS = st.integers(0, 2**20)
BAD = st.fixed_dictionaries(
    {},
    optional={
        "net.core.somaxconn": NUMBERS,
        "net.core.netdev_max_backlog": NUMBERS,
        "net.ipv4.tcp_syncookies": st.integers(0, 2),
        "net.ipv4.tcp_sack": st.integers(0, 1),
        "net.ipv4.tcp_timestamps": st.integers(0, 1),
        "net.ipv4.tcp_fin_timeout": st.integers(1, 200),
        "net.ipv4.tcp_synack_retries": st.integers(0, 20),
        "net.ipv4.tcp_max_tw_buckets": NUMBERS,
        "net.ipv4.tcp_rmem": st.tuples(NUMBERS, NUMBERS, NUMBERS).map(lambda row: " ".join(map(str, row))),
        "net.ipv4.tcp_wmem": st.tuples(NUMBERS, NUMBERS, NUMBERS).map(lambda row: " ".join(map(str, row))),
        "net.ipv4.tcp_mem": st.tuples(NUMBERS, NUMBERS, NUMBERS).map(lambda row: " ".join(map(str, row))),
        "net.ipv4.neigh.default.gc_thresh1": NUMBERS,
        "net.ipv4.neigh.default.gc_thresh3": NUMBERS,
        "net.ipv4.ip_local_port_range": st.sampled_from(["32768 60999", "40000 41000", "1024 65535"]),
    },
)
VARIABLES = st.fixed_dictionaries(
    {},
    optional={
        "new_conn_per_s": st.integers(0, 10**7),
        "flow_bandwidth_bps": st.integers(0, 10**11),
        "expected_onlink_peers": st.integers(0, 10**6),
        "outbound_concurrent_per_dst": st.integers(0, 10**5),
        "active_close_per_s": st.integers(0, 10**6),
    },
)


def after(facts: Facts, plan: HostPlan) -> Facts:
    """The facts with every step of a plan made."""
    for step in plan.steps:
        facts = OPERATIONS[step.operation].foreseen(step.arguments, step.namespace, step.after, facts)
    return facts


def undone(facts: Facts, plan: HostPlan) -> Facts:
    """The facts with every step taken back, in reverse."""
    for step in reversed(plan.steps):
        facts = OPERATIONS[step.operation].foreseen(step.arguments, step.namespace, step.before, facts)
    return facts


def without_memory(rules: HostRules) -> HostRules:
    """The same rules, of which every check is evaluated each time."""
    checks = tuple(replace(check) for check in rules.checks)
    for check in checks:
        object.__setattr__(check, "memo", None)
    return replace(rules, checks=checks)


@settings(max_examples=40, deadline=None)
@given(BAD, VARIABLES)
def test_what_fails_before_and_after_is_told_in_full(bad: dict[str, object], variables: dict[str, object]) -> None:
    """What a change is proved against is the same with all that is remembered and was audited, and without."""
    host = PLANS.catalogue().Host().have(managers=PLANS.MANAGERS).sysctls(bad).given(**variables)
    rules = PLANS.catalogue().host_rules("linux-server", host.variables)
    alone, audited = without_memory(rules), evaluate(rules, host.facts, PLANS.NOW)
    before = proof.failing(alone, host.facts, PLANS.NOW)
    assert list(proof.failing(rules, host.facts, PLANS.NOW, audited).items()) == list(before.items())
    foreseen = proof.foreseen(host.facts, PLANS.plan_of(host).steps)
    assert proof.failing(rules, foreseen, PLANS.NOW) == proof.failing(alone, foreseen, PLANS.NOW)


@settings(max_examples=40, deadline=None)
@given(BAD, VARIABLES)
def test_every_finding_is_answered_or_listed(bad: dict[str, object], variables: dict[str, object]) -> None:
    """And steps lie within what is allowed, make the checks pass or milder, and their undo is exact."""
    host = PLANS.catalogue().Host().have(managers=PLANS.MANAGERS).sysctls(bad).given(**variables)
    rules = PLANS.catalogue().host_rules("linux-server", host.variables)
    before = {result.check: result for result in evaluate(rules, host.facts, PLANS.NOW)}
    plan = PLANS.plan_of(host)
    failed = {check for check, result in before.items() if result.verdict is Verdict.FAIL}
    answered = {check for step in plan.steps for check in step.checks}
    listed = {each.check for each in plan.not_remedied}
    assert failed <= answered | listed
    assert answered <= failed
    scripts_of(plan)
    later = {result.check: result for result in evaluate(rules, after(host.facts, plan), PLANS.NOW)}
    for check in {check for check in answered - listed if not check.startswith("host.sysctl.")}:  # those cure files
        cured = later[check].verdict is not Verdict.FAIL or later[check].severity.rank < before[check].severity.rank
        assert cured, check
    assert undone(after(host.facts, plan), plan) == host.facts
    assert all(result.severity is not Severity.CRITICAL or result.check in failed
               for result in later.values() if result.verdict is Verdict.FAIL)  # fmt: skip
