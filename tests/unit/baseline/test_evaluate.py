"""Facts against rules: subjects, namespaces, reasons, and results that are JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace

import pytest

from netaudit.baseline.evaluate import evaluate
from netaudit.baseline.select import Ruleset
from netaudit.model.facts import Cpu, Facts, Limits, Listener, Memory, Namespace, Nic, ProcessLimits, Sysctls
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.result import Result, Verdict

KEY = "net.core.somaxconn"
NEEDS_ROOT = Absent(AbsentReason.NOT_PERMITTED, "needs root")
SETTING = f"value: sysctl['{KEY}']\nexpect: {{at_least: 4096}}\n"
LISTENER = """\
for_each:
  name: listener
  in: facts.listeners
  where: listener.protocol == 'tcp'
  subject: "{{ listener.address }}:{{ listener.port }}"
value: listener.backlog
levels: [{severity: critical, expect: {above: 5}}]
expect: {at_least: 511}
"""


def listener(port: int, backlog: int = 128, **more: object) -> Listener:
    """A TCP listener on every address."""
    return replace(Listener("tcp", "0.0.0.0", port, 0, backlog, "", "nginx", 812), **more)  # type: ignore[arg-type]  # fields by name


def namespace(name: str, sysctl: dict[str, str] | Absent, listeners: tuple[Listener, ...] | Absent = ()) -> Namespace:
    """Another network namespace."""
    return Namespace(4026531840, name, 77, "sleep", sysctl, listeners, {})


def test_setting_passes_and_fails(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """Observed, expected, unit, evidence and severity stand in the result."""
    failed = judge(SETTING + "unit: connections\nremediation: sysctl", facts({KEY: "128"}))
    assert failed == Result(
        check="t.one", title="One", layer="host", verdict=Verdict.FAIL, severity=failed.severity, observed=128,
        expected=">= 4096", unit="connections", evidence="/proc/sys/net/core/somaxconn = 128", remediation="sysctl",
    )  # fmt: skip
    assert judge(SETTING, facts({KEY: "4096"})).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("sysctl", "verdict", "reason"),
    [
        (None, "unknown", "not asked (net.core.somaxconn)"),
        (Absent(AbsentReason.NOT_FINISHED, "cut"), "unknown", "not finished: cut (net.core.somaxconn)"),
        ({}, "unknown", "not present: this kernel has no net.core.somaxconn (net.core.somaxconn)"),
        ({KEY: "many"}, "unknown", "not understood: 'many' is not a number"),
        ({KEY: "128 256"}, "unknown", "not understood: [128, 256] is a vector where a number is expected"),
        ({KEY: "9" * 30}, "unknown", f"not understood: '{'9' * 30}' is not a number"),
        ({KEY: "0x1000"}, "unknown", "not understood: '0x1000' is not a number"),
        ({KEY: "٤٠٩٦"}, "unknown", "not understood: '٤٠٩٦' is not a number"),
        ({KEY: "-1"}, "fail", None),
        ({KEY: ""}, "unknown", "not understood: '' is not a number"),
    ],
)
def test_values_that_are_no_number_are_unknown(
    judge: Callable[..., Result], facts: Callable[..., Facts], sysctl: object, verdict: str, reason: str | None
) -> None:
    """Absent or odd, a value that cannot be judged is never a pass."""
    result = judge(SETTING, facts(sysctl))
    assert (result.verdict, result.reason) == (verdict, reason)


def test_conditions_skip_with_their_text(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """The first condition that does not hold is the reason; one that cannot be told makes the result unknown."""
    body = SETTING + (
        "applies_to:\n"
        "  - {when: 'facts.kernel.version >= [3, 0, 0]', else: too old}\n"
        "  - {when: facts.memory.total_bytes > 1000, else: 'only {{ facts.memory.total_bytes }} bytes'}\n"
    )
    small = judge(body, facts({KEY: "128"}, memory=Memory(500, 400, 4096, 0)))
    assert (small.verdict, small.reason, small.observed) == (Verdict.SKIPPED, "only 500 bytes", None)
    unread = judge(body, facts({KEY: "128"}, memory=NEEDS_ROOT))
    assert (unread.verdict, unread.reason) == (
        Verdict.UNKNOWN, "whether it applies: not permitted: needs root (facts.memory)",
    )  # fmt: skip


def test_not_applicable_values_are_skipped(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """What the host says it has none of is no failure and no riddle; a level that needs no value still fails."""
    none = Absent(AbsentReason.NOT_APPLICABLE, "the driver has no rings")
    host = facts(memory=Memory(1, none, 4096, 0))
    body = "value: facts.memory.available_bytes\nexpect: {at_least: 5}\n"
    result = judge(body, host)
    assert (result.verdict, result.reason) == (
        Verdict.SKIPPED, "not applicable: the driver has no rings (facts.memory.available_bytes)",
    )  # fmt: skip
    failing = body + "levels: [{severity: critical, expect: {holds: facts.memory.total_bytes > 5}}]"
    assert judge(failing, host).verdict is Verdict.FAIL


def test_worst_subject_decides(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """Items are those that did not pass, the worst first; observed and evidence are the worst one's."""
    listeners = (
        listener(80),
        listener(81, 1024),
        listener(82, 1),
        Listener("udp", "0.0.0.0", 53, 0, 0),
        listener(83, 511),
    )
    result = judge(LISTENER, facts(listeners=listeners))
    assert [(item.subject, item.severity, item.observed) for item in result.items] == [
        ("0.0.0.0:82", "critical", 1),
        ("0.0.0.0:80", "high", 128),
    ]
    assert (result.verdict, result.severity, result.observed, result.passed_items) == ("fail", "critical", 1, 2)
    assert result.evidence == "ss -ltn: 0.0.0.0:82 Recv-Q 0 Send-Q 1 (nginx pid 812)"


def test_all_passing_subjects_show_the_first(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """A pass shows what was looked at, and how often."""
    result = judge(LISTENER, facts(listeners=(listener(80, 600), listener(81, 700))))
    assert (result.verdict, result.observed, result.items, result.passed_items) == ("pass", 600, (), 2)


def test_nothing_to_look_at_is_a_pass_that_says_so(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """An empty list is known; an absent one is unknown."""
    assert judge(LISTENER, facts(listeners=())).reason == "nothing to look at"
    worded = LISTENER.replace("value:", "  else: nobody listens\nvalue:")
    nobody = judge(worded, facts(listeners=(Listener("udp", "::", 53, 0, 0),)))
    assert (nobody.verdict, nobody.reason, nobody.observed) == (Verdict.PASS, "nobody listens", None)
    unread = judge(LISTENER, facts(listeners=NEEDS_ROOT))
    assert (unread.verdict, unread.reason) == (Verdict.UNKNOWN, "not permitted: needs root (facts.listeners)")


def test_unknown_subject_beats_passes_and_yields_to_failures(
    judge: Callable[..., Result], facts: Callable[..., Facts]
) -> None:
    """Fail beats unknown beats pass over subjects; a ``where`` that cannot be told makes its subject unknown."""
    body = LISTENER.replace("listener.protocol == 'tcp'", "listener.process != 'sshd'")
    hidden = listener(81, 600, process=NEEDS_ROOT)
    passing = judge(body, facts(listeners=(listener(80, 600), hidden)))
    assert (passing.verdict, passing.reason) == (Verdict.UNKNOWN, "not permitted: needs root (listener.process)")
    failing = judge(body, facts(listeners=(hidden, listener(80))))
    assert [item.verdict for item in failing.items] == [Verdict.FAIL, Verdict.UNKNOWN]


def test_subjects_without_the_thing_count_only_alone(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """A device that has no rings is neither passed nor failed; when none has any the check is skipped."""
    none = Absent(AbsentReason.NOT_APPLICABLE, "no rings")
    body = "for_each: {name: nic, in: facts.nics, subject: '{{ nic.name }}'}\nvalue: nic.speed_mbps\nexpect: {at_least: 10}\n"  # noqa: E501  # one case, one line

    def nic(name: str, speed: int | Absent) -> Nic:
        return Nic(
            name, 2, "physical", "e1000e", 1500, "up", True, 0, speed, "full", "", "", 1000, 0, 1, 1, (), none, none,
            none, {}, (), {}, {}, (), none,
        )  # fmt: skip

    some = judge(body, facts(nics=(nic("eth0", none), nic("eth1", 1000))))
    assert (some.verdict, some.passed_items, some.items) == (Verdict.PASS, 1, ())
    alone = judge(body, facts(nics=(nic("eth0", none),)))
    assert (alone.verdict, alone.reason) == (Verdict.SKIPPED, "not applicable: no rings (nic.speed_mbps)")


def test_definitions_are_worked_out_for_each_subject(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """A ``let`` that names the subject changes with it; its absence is that of what it names."""
    body = """\
for_each: {name: listener, in: facts.listeners, subject: "{{ listener.port }}"}
let:
  cap: sysctl['net.core.somaxconn']
  unit: process_of(listener.pid).unit
  twice: listener.port * 2
value: twice
expect: {holds: "twice > 165 and unit == 'nginx.service'"}
evidence: "{{ twice }} {{ unit }} {{ cap }}"
"""
    process = ProcessLimits(812, "nginx", "nginx.service", "root", 1, 1, 1, 1.0)
    host = facts(
        {KEY: "64"}, listeners=(listener(80), listener(83), listener(84, pid=5)), limits=Limits(0, 0, 0, (process,), ())
    )
    result = judge(body, host)
    assert [(item.subject, item.verdict, item.evidence) for item in result.items] == [
        ("80", "fail", "160 nginx.service 64"),
        ("84", "unknown", "168 (not present) 64"),
    ]
    assert result.items[1].reason == "not present: no process 5 among those that listen"


def test_rules_may_refuse_a_conclusion(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """``unknown('…')`` is the reason, in the rule's own words."""
    body = "value: \"unknown('the peer is silent') if facts.cpu.count == 1 else 5\"\nexpect: {equals: 5}\n"
    assert judge(body, facts(cpu=Cpu(1, "", 1))).reason == "the peer is silent"
    assert judge(body, facts(cpu=Cpu(2, "", 1))).verdict is Verdict.PASS


def test_texts_never_make_a_result_unknown(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """In evidence, notes and fixes an absent value stands as its reason."""
    body = (
        SETTING
        + "evidence: 'memory {{ facts.memory.total_bytes }}'\nfix: 'by {{ facts.cpu.count }} of {{ expected }}'\n"
    )
    result = judge(body, facts({KEY: "1"}, memory=NEEDS_ROOT))
    assert (result.verdict, result.evidence, result.fix) == ("fail", "memory (not permitted)", "by (not asked) of 4096")


# network namespaces


def test_each_namespace_is_a_subject(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """A setting of a namespace is read in all of them; the host is one of them."""
    others = (namespace("blue", {KEY: "128"}), namespace("green", {KEY: "8192"}), namespace("", {KEY: "4095"}))
    result = judge("scope: namespace\n" + SETTING, facts({KEY: "4096"}, namespaces=others))
    assert [(item.subject, item.observed, item.evidence) for item in result.items] == [
        ("netns blue", 128, "/proc/sys/net/core/somaxconn in network namespace blue = 128"),
        ("netns #4026531840", 4095, "/proc/sys/net/core/somaxconn in network namespace #4026531840 = 4095"),
    ]
    assert (result.verdict, result.passed_items) == ("fail", 2)
    host_too = judge("scope: namespace\n" + SETTING, facts({KEY: "1"}, namespaces=others[1:2]))
    assert [item.subject for item in host_too.items] == ["host"]


def test_scope_host_looks_at_the_host_alone(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """Without ``scope: namespace`` the others are not looked at."""
    result = judge(SETTING, facts({KEY: "4096"}, namespaces=(namespace("blue", {KEY: "1"}),)))
    assert (result.verdict, result.items) == (Verdict.PASS, ())


def test_settings_that_a_namespace_does_not_have_are_none_of_its_subjects(
    judge: Callable[..., Result], facts: Callable[..., Facts]
) -> None:
    """A host-wide key is absent inside; what could not be read inside is unknown."""
    body = "scope: namespace\n" + SETTING
    without = judge(body, facts({KEY: "4096"}, namespaces=(namespace("blue", {}),)))
    assert (without.verdict, without.passed_items) == (Verdict.PASS, 1)
    unread = judge(body, facts({KEY: "4096"}, namespaces=(namespace("blue", NEEDS_ROOT),)))
    assert (unread.verdict, unread.reason) == (Verdict.UNKNOWN, "not permitted: needs root (net.core.somaxconn)")


def test_fix_names_the_namespace_and_each_subject_has_its_own(
    judge: Callable[..., Result], facts: Callable[..., Facts]
) -> None:
    """What would put a subject right stands with it; inside of a namespace it says so."""
    texts = "evidence: '{{ value }}'\nfix: Set it to {{ expected }}, not {{ value }}.\n"
    body = "scope: namespace\n" + SETTING + texts
    result = judge(body, facts({KEY: "1"}, namespaces=(namespace("blue", {KEY: "2"}), namespace("red", {KEY: "4096"}))))
    assert [(item.subject, item.fix, item.evidence) for item in result.items] == [
        ("host", "Set it to 4096, not 1.", "1"),
        ("netns blue", "In network namespace blue: Set it to 4096, not 2.", "2 in network namespace blue"),
    ]
    assert result.fix == "Set it to 4096, not 1."


def test_listeners_of_namespaces_are_subjects(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """``facts.listeners`` and sysctls are those of the namespace, processes those of the host."""
    body = """\
scope: namespace
for_each: {name: listener, in: facts.listeners, subject: "{{ listener.port }}"}
value: listener.backlog
expect: {holds: "listener.backlog >= min(sysctl['net.core.somaxconn'], 4096)"}
evidence: "{{ namespace }} {{ process_of(listener.pid).unit }}"
"""
    process = ProcessLimits(812, "nginx", "nginx.service", "root", 1, 1, 1, 1.0)
    others = (namespace("blue", {KEY: "4096"}, (listener(80),)), namespace("green", {KEY: "128"}, (listener(80),)),
              namespace("red", {KEY: "1"}, NEEDS_ROOT))  # fmt: skip
    result = judge(body, facts({KEY: "512"}, listeners=(listener(443),), namespaces=others,
                               limits=Limits(0, 0, 0, (process,), ())))  # fmt: skip
    assert [(item.subject, item.verdict, item.expected) for item in result.items] == [
        ("443", "fail", "listener.backlog >= 512"),
        ("netns blue: 80", "fail", "listener.backlog >= 4096"),
        ("netns red", "unknown", ""),
    ]
    assert result.items[1].evidence == "blue nginx.service in network namespace blue"
    assert result.passed_items == 1


def test_conditions_are_asked_in_each_namespace(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """A namespace to which the check does not apply is left out."""
    body = f"scope: namespace\n{SETTING}applies_to: [{{when: \"sysctl['net.ipv4.tcp_tw_reuse'] == 1\", else: off}}]\n"
    body = body.replace("else: off", "else: it is off")
    others = (
        namespace("blue", {KEY: "1", "net.ipv4.tcp_tw_reuse": "1"}),
        namespace("green", {KEY: "1", "net.ipv4.tcp_tw_reuse": "0"}),
    )
    result = judge(body, facts({KEY: "1", "net.ipv4.tcp_tw_reuse": "0"}, namespaces=others))
    assert [item.subject for item in result.items] == ["netns blue"]
    nowhere = judge(body, facts({KEY: "1", "net.ipv4.tcp_tw_reuse": "0"}, namespaces=others[1:]))
    assert (nowhere.verdict, nowhere.reason) == (Verdict.SKIPPED, "it is off")


def test_unread_namespaces_are_mentioned(judge: Callable[..., Result], facts: Callable[..., Facts]) -> None:
    """A check that means all namespaces says when only one could be looked at."""
    body = "scope: namespace\n" + SETTING
    result = judge(body, facts({KEY: "4096"}, namespaces=NEEDS_ROOT))
    assert (result.verdict, result.reason) == (
        Verdict.PASS, "other network namespaces were not looked at: not permitted: needs root",
    )  # fmt: skip
    assert judge(body, facts({KEY: "4096"})).reason is None


# the whole


def test_results_are_json_and_in_the_order_of_the_checks(
    audit: Callable[..., dict[str, Result]], facts: Callable[..., Facts]
) -> None:
    """A result can be written down as it is."""
    text = "baseline: t\nsysctl: {net.ipv4.tcp_rmem: 1 2 3, net.core.somaxconn: {one_of: [1, 2]}}\n"
    results = audit(text, facts({KEY: "5", "net.ipv4.tcp_rmem": "1 2 4"}))
    assert list(results) == ["sysctl.net.ipv4.tcp_rmem", "sysctl.net.core.somaxconn"]
    assert json.loads(json.dumps([asdict(each) for each in results.values()]))[0]["observed"] == [1, 2, 4]


def test_remembered_results_are_those_of_the_same_values(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]
) -> None:
    """Equal settings give the very same result; another value, namespace or absence is worked out anew."""
    text = "baseline: t\nsysctl: {net.core.somaxconn: {at_least: 4096, scope: namespace}}\n"
    rules = ruleset(text).for_host("web1", {}, lambda _: frozenset())
    hosts = [
        facts({KEY: "128"}), facts({KEY: "128"}), facts({KEY: "4096"}), facts({KEY: "128"}, namespaces=NEEDS_ROOT),
        facts({KEY: "128"}, namespaces=(namespace("blue", {KEY: "64"}),)), facts({}), facts({KEY: "128"}),
    ]  # fmt: skip
    results = [evaluate(rules, host, host.taken_at)[0] for host in hosts]
    assert results[0] is results[1] is results[6]
    assert [each.verdict for each in results] == ["fail", "fail", "pass", "fail", "fail", "unknown", "fail"]
    assert [each.observed for each in results] == [128, 128, 4096, 128, 128, None, 128]
    assert results[3].reason is not None
    assert len(results[4].items) == 2


def test_absence_is_never_remembered(ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]) -> None:
    """Two hosts without a value may be without it for different reasons."""
    rules = ruleset("baseline: t\nsysctl: {net.core.somaxconn: 1}\n").for_host("web1", {}, lambda _: frozenset())
    unread = facts(sysctl=Sysctls({}, {KEY: NEEDS_ROOT}))
    reasons = [evaluate(rules, host, host.taken_at)[0].reason for host in (facts({}), unread)]
    assert reasons == [f"not present: this kernel has no {KEY} ({KEY})", f"not permitted: needs root ({KEY})"]


def test_overridden_copies_do_not_share_what_is_remembered(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]
) -> None:
    """Another limit for some hosts is another result for the same value."""
    rules = ruleset("baseline: t\nvars: {need: 5}\nsysctl: {net.core.somaxconn: {at_least: '{{ vars.need }}'}}\n")
    host = facts({KEY: "128"})
    verdicts = []
    for own in (
        {},
        {"netaudit_vars": {"need": 500}},
        {"netaudit_checks": {"sysctl.*": {"expect": {"at_least": 129}}}},
        {},
    ):
        made = rules.for_host("web1", own, lambda _: frozenset())
        verdicts.append(evaluate(made, host, host.taken_at)[0].verdict)
    assert verdicts == ["pass", "fail", "fail", "pass"]
