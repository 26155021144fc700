"""Rules for readers: lists, explanations, resolved baselines."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

from netaudit.assets.yamlfile import parse_yaml
from netaudit.baseline.load import drafts_of
from netaudit.baseline.node import plain
from netaudit.baseline.render import baseline_as_plain, check_rows, explain, explain_on, show_baseline
from netaudit.baseline.select import Ruleset
from netaudit.model.facts import Facts, Listener, Memory
from netaudit.model.reading import Absent, AbsentReason

TEXT = """\
baseline: test
title: A test
vars: {need: 5, unset: null}
define:
  - id: t.queue
    title: The cap
    layer: listener
    kind: setting
    severity: high
    scope: namespace
    why: It cuts every queue.
    derive: Half of memory.
    applies_to: [{when: "facts.kernel.version >= [3, 0, 0]", else: older than 3.0}]
    let: {half: facts.memory.total_bytes / 2, share: vars.need + vars.unset}
    value: sysctl['net.core.somaxconn']
    unit: connections
    levels: [{severity: critical, expect: {above: 128}, note: ancient}]
    expect: {at_least: "{{ half }}"}
    default: 4096
    remediation: sysctl
    set: {net.core.somaxconn: "{{ half }}"}
    fix: Set it to {{ expected }}.
    risk: safe
    caveats: [It is a cap only.]
    kernel: 4096 since 5.4
    sources: ["man: listen(2)"]
  - id: t.each
    title: Each listener
    layer: listener
    kind: state
    severity: low
    why: So.
    for_each: {name: it, in: facts.listeners, where: it.port > 0, subject: "{{ it.port }}"}
    value: it.backlog
    expect: {at_least: 511}
overrides:
  - {check: t.queue, hosts: web, expect: {at_least: 7}, reason: agreed}
  - {check: t.each, hosts: web, skip: not here}
"""
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def test_rows_of_checks(ruleset: Callable[..., Ruleset]) -> None:
    """A list shows what a check is about in one line each."""
    rows = check_rows(ruleset(TEXT).rules)
    assert [(row.id, row.severity, row.layer, row.kind, row.scope, row.title) for row in rows] == [
        ("t.queue", "high", "listener", "setting", "namespace", "The cap"),
        ("t.each", "low", "listener", "state", "host", "Each listener"),
    ]


def test_explanation_says_everything(ruleset: Callable[..., Ruleset]) -> None:
    """Someone who has never heard of a check learns what it reads, wants, why, and what to do."""
    rules = ruleset(TEXT).rules
    found = {each.heading: each.lines for each in explain(rules.checks[0], rules)}
    assert found == {
        "t.queue: The cap": ("A setting of listening sockets; severity high; looked at in every network namespace",),
        "Why it matters": ("It cuts every queue.",),
        "What is looked at": (
            "sysctl['net.core.somaxconn'], in connections",
            "read from /proc/meminfo MemTotal",
            "read from /proc/sys/net/core/somaxconn",
            "read from uname -r",
        ),
        "What must hold": ("> 128; otherwise critical: ancient", ">= half; otherwise high"),
        "How the expected value comes about": (
            "Half of memory.",
            "half = facts.memory.total_bytes / 2",
            "share = vars.need + vars.unset",
            "vars.need is 5 in test",
            "vars.unset is not set in test",
        ),
        "Where it does not apply": ("older than 3.0 (unless facts.kernel.version >= [3, 0, 0])",),
        "Kernel versions": ("4096 since 5.4", "the kernel's default: 4096"),
        "What to do": (
            "Set it to <expected>.",
            "net.core.somaxconn = half",
            "remediation: sysctl",
            "safe: nothing notices while it is done",
        ),
        "What it does not say": ("It is a cap only.",),
        "Sources": ("man: listen(2)",),
        "Defined in": ("rules.yaml:5:5",),
    }


def test_explanation_with_the_numbers_of_a_host(ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]) -> None:
    """What was read, what was worked out of it, and the result."""
    rules = ruleset(TEXT).for_host("db1", {}, lambda _: frozenset())
    host = facts({"net.core.somaxconn": "128"}, memory=Memory(8192, 1, 4096, 0))
    numbers, result = explain_on(rules, "t.queue", host, NOW)
    assert (numbers.heading, result.heading) == ("The numbers of web1", "The result on web1")
    assert numbers.lines == (
        "facts.memory.total_bytes = 8192",
        "vars.need = 5",
        "vars.unset = not set",
        "sysctl net.core.somaxconn = 128",
        "facts.kernel.version = 6 18 0",
        "half = 4096",
        "share = (not present: vars.unset is not set)",
    )
    assert result.lines == (
        "fail, critical",
        "observed: 128",
        "expected: >= 4096",
        "evidence: /proc/sys/net/core/somaxconn = 128; /proc/meminfo MemTotal = 8192",
        "reason: ancient",
        "fix: Set it to 4096.",
    )


def test_numbers_of_own_probes(ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]) -> None:
    """What a user's own probe said is counted, or the reason why it said nothing."""
    text = """\
baseline: test
define:
  - id: t.own
    title: T
    layer: host
    kind: state
    severity: low
    why: w
    value: facts.own.raid.ok
    expect: {equals: 1}
"""
    rules = ruleset(text).for_host("web1", {}, lambda _: frozenset())
    said = [
        explain_on(rules, "t.own", facts(own=own), NOW)[0].lines
        for own in ({"raid": {"ok": 1}}, {"raid": Absent(AbsentReason.NOT_FINISHED)}, {})
    ]
    assert said == [
        ("facts.own.raid = 1 entry",),
        ("facts.own.raid = (not finished)",),
        ("facts.own.raid = (not present: there is no 'raid' in facts.own)",),
    ]


def test_numbers_of_subjects_are_those_of_their_items(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]
) -> None:
    """A check over several subjects shows each that did not pass; a check the host does not have shows nothing."""
    rules = ruleset(TEXT).for_host("db1", {}, lambda _: frozenset())
    host = facts({}, listeners=tuple(Listener("tcp", "::", port, 0, port) for port in (1, 2, 600)))
    _, result = explain_on(rules, "t.each", host, NOW)
    assert result.lines[-3:] == (
        "1: fail, 1; ss -ltn: [::]:1 Recv-Q 0 Send-Q 1",
        "2: fail, 2; ss -ltn: [::]:2 Recv-Q 0 Send-Q 2",
        "1 passed",
    )
    assert explain_on(rules, "t.none", host, NOW) == ()
    absent = facts({}, listeners=Absent(AbsentReason.NOT_PERMITTED, "needs root"))
    assert explain_on(rules, "t.each", absent, NOW)[0].lines == ("facts.listeners = (not permitted: needs root)",)


def test_resolved_baseline_is_yaml_that_can_be_read(ruleset: Callable[..., Ruleset]) -> None:
    """What is shown is YAML and JSON of the same, and its checks are checks."""
    rules = ruleset(TEXT).rules
    shown = parse_yaml(show_baseline(rules).encode(), "shown.yaml")
    assert plain(shown) == json.loads(json.dumps(baseline_as_plain(rules)))
    assert isinstance(shown.value, dict)
    assert [draft.id for draft in drafts_of(shown.value["checks"])] == ["t.queue", "t.each"]
    assert len(plain(shown)["overrides"]) == 2  # type: ignore[index,call-overload]  # a mapping by its making


def test_resolved_for_a_host_has_its_overrides_applied(ruleset: Callable[..., Ruleset]) -> None:
    """For one host the overrides are in the checks, and what is skipped says why."""
    rules = ruleset(TEXT)
    host = rules.for_host("web1", {"netaudit_vars": {"need": 9}}, lambda _: frozenset({"web1"}))
    shown = baseline_as_plain(rules.rules, host)
    (check,) = shown["checks"]  # type: ignore[misc]  # one check is left
    assert check["expect"] == {"at_least": 7}
    assert (shown["vars"], shown["skipped"], "overrides" in shown) == (
        {"need": 9, "unset": None},
        {"t.each": "not here"},
        False,
    )
