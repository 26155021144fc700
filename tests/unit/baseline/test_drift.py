"""The three values of a setting: what is right now and lost at boot, or right at boot and clobbered afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from netaudit.baseline.canonical import applied, canonical, same
from netaudit.baseline.evaluate import _Evaluation, evaluate
from netaudit.baseline.select import HostCheck, HostRules, Ruleset
from netaudit.model.facts import Facts, Memory, Persisted, PersistedValue, Writer
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.result import Result, Verdict

QUEUE, REUSE, RMEM = "net.core.somaxconn", "net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_rmem"
TEXT = """\
baseline: test
vars: {need: 4096}
define:
  - id: t.queue
    title: Q
    layer: listener
    kind: setting
    severity: high
    why: w
    value: sysctl['net.core.somaxconn']
    expect: {at_least: "{{ vars.need }}"}
    default: "4096 if facts.kernel.version >= [5, 4, 0] else 128"
  - id: t.related
    title: R
    layer: transport
    kind: setting
    severity: low
    why: w
    value: sysctl['net.ipv4.tcp_rmem']
    expect: {holds: "value[2] <= sysctl['net.core.somaxconn'] * 1000"}
  - id: t.drift
    title: D
    layer: host
    kind: topology
    severity: low
    why: w
    for_each: {name: it, in: drift, subject: "{{ it.name }}"}
    value: it.running
    levels:
      - {severity: high, expect: {holds: not it.lost_at_boot}, note: "lost: {{ it.boot }} from {{ it.boot_place }}"}
      - severity: medium
        expect: {holds: not it.clobbered_by_system}
        note: "clobbered: {{ it.system }} from {{ it.system_place }}"
      - {severity: info, expect: {holds: not it.cured_at_boot}, note: "cured: {{ it.boot }}"}
    expect: {holds: "it.writers | length == 0"}
    evidence: >-
      {{ it.checks }}; {{ it.is_persisted }} {{ it.differs_at_boot }} {{ it.differs_after_system }};
      {{ it.writers | join }}
sysctl: {net.ipv4.tcp_tw_reuse: 1}
"""


def persisted(boot: Mapping[str, str], system: Mapping[str, str] | None = None) -> Persisted:
    """Files that set these at boot, and these under ``sysctl --system``; the same when nothing else is said."""

    def entries(values: Mapping[str, str], file: str) -> dict[str, PersistedValue]:
        return {name: PersistedValue(value, file, line) for line, (name, value) in enumerate(values.items(), start=1)}

    later = entries(system, "/etc/sysctl.conf") if system is not None else entries(boot, "/etc/sysctl.d/50-site.conf")
    return Persisted(entries(boot, "/etc/sysctl.d/50-site.conf"), later, (), (), (), {}, systemd=True)


@pytest.fixture
def drift(audit: Callable[..., dict[str, Result]], facts: Callable[..., Facts]) -> Callable[..., Result]:
    """The result of a check over ``drift``."""

    def run(running: Mapping[str, str], files: object, writers: tuple[Writer, ...] = (), need: int = 4096) -> Result:
        host = facts(running, persisted=files, writers=writers)
        return audit(TEXT, host, variables={"netaudit_vars": {"need": need}})["t.drift"]

    return run


def found(result: Result) -> list[tuple[str, str, str | None]]:
    """Subject, severity and reason of what did not pass."""
    return [(item.subject, str(item.severity), item.reason) for item in result.items]


def test_right_now_and_lost_at_boot(drift: Callable[..., Result]) -> None:
    """The file and line that bring the old value back are named."""
    result = drift({QUEUE: "8192", REUSE: "1"}, persisted({QUEUE: "128", REUSE: "1"}))
    assert found(result) == [(QUEUE, "high", "lost: 128 from /etc/sysctl.d/50-site.conf:1")]
    assert result.passed_items == 1
    assert result.evidence == "t.queue, t.related; true true true; "


def test_right_at_boot_and_clobbered(drift: Callable[..., Result]) -> None:
    """``sysctl --system`` reads another file last."""
    result = drift({QUEUE: "8192"}, persisted({QUEUE: "8192"}, {QUEUE: "100"}))
    assert found(result) == [(QUEUE, "medium", "clobbered: 100 from /etc/sysctl.conf:1")]


def test_a_key_only_system_knows_is_clobbered_too(drift: Callable[..., Result]) -> None:
    """A key that no file sets at boot keeps the kernel's default until somebody calls ``sysctl --system``."""
    assert found(drift({QUEUE: "4096"}, persisted({}, {QUEUE: "100"}))) == [
        (QUEUE, "medium", "clobbered: 100 from /etc/sysctl.conf:1")
    ]


def test_wrong_now_and_cured_at_boot(drift: Callable[..., Result]) -> None:
    """A file that was put right and never loaded."""
    assert found(drift({QUEUE: "128"}, persisted({QUEUE: "8192"}))) == [(QUEUE, "info", "cured: 8192")]


def test_set_by_hand_is_lost_to_the_default(drift: Callable[..., Result]) -> None:
    """Where no file sets a key, the kernel's default is what the next boot brings."""
    assert found(drift({QUEUE: "8192"}, persisted({}), need=8192)) == [(QUEUE, "high", "lost: 4096 from ")]
    assert found(drift({QUEUE: "4096"}, persisted({}))) == []
    assert found(drift({REUSE: "1"}, persisted({}))) == [(REUSE, "high", "lost: 2 from ")], "no check says the default"
    assert found(drift({RMEM: "1 2 3"}, persisted({}))) == [], "the default of this key is not known without the memory"


def test_a_difference_that_is_right_both_times_is_no_loss(drift: Callable[..., Result]) -> None:
    """What counts is what the checks say, not that two numbers differ."""
    result = drift({QUEUE: "8192"}, persisted({QUEUE: "16384"}))
    assert found(result) == []


def test_relations_between_settings_are_judged_at_boot_as_well(drift: Callable[..., Result]) -> None:
    """A setting can be lost because another one it depends on changes."""
    result = drift({QUEUE: "8192", RMEM: "1 2 8000000"}, persisted({QUEUE: "4096", RMEM: "1 2 8000000"}))
    assert found(result) == [(QUEUE, "high", "lost: 4096 from /etc/sysctl.d/50-site.conf:1")]


FILTERS = """\
baseline: test
define:
  - id: t.filter
    title: F
    layer: ip
    kind: setting
    severity: high
    why: w
    for_each: {name: it, in: "['eth0', 'eth1']", subject: "{{ it }}"}
    value: "max(sysctl['net.ipv4.conf.all.rp_filter'], sysctl['net.ipv4.conf.' ~ it ~ '.rp_filter'])"
    expect: {not: {equals: 1}}
  - id: t.lost
    title: L
    layer: host
    kind: topology
    severity: low
    why: w
    for_each: {name: it, in: drift, subject: "{{ it.name }}"}
    expect: {holds: not it.lost_at_boot}
    evidence: "{{ it.is_volatile }}"
"""


def test_settings_of_subjects_are_judged_at_boot_as_well(
    audit: Callable[..., dict[str, Result]], facts: Callable[..., Facts]
) -> None:
    """A check that looks at several interfaces judges the settings of each of them that a file sets."""
    everywhere, first, second = (f"net.ipv4.conf.{name}.rp_filter" for name in ("all", "eth0", "eth1"))
    running = {everywhere: "0", first: "0", second: "2"}

    def lost(files: Mapping[str, str]) -> list[str]:
        result = audit(FILTERS, facts(running, persisted=persisted(files), writers=()))["t.lost"]
        return [item.subject for item in result.items]

    assert lost({}) == []
    assert lost({first: "1", second: "2"}) == [first]
    assert lost({everywhere: "1"}) == [everywhere]
    assert lost({"net.ipv4.conf.eth7.rp_filter": "1"}) == [], "there is no such interface"


def test_files_below_run_do_not_last(audit: Callable[..., dict[str, Result]], facts: Callable[..., Facts]) -> None:
    """What a file below /run sets is marked, as a reboot empties that directory."""
    entry = PersistedValue("2", "/run/sysctl.d/50-x.conf", 3)
    name = "net.ipv4.conf.all.rp_filter"
    files = Persisted({name: entry}, {name: entry}, (), (), (), {}, systemd=True)
    assert audit(FILTERS, facts({name: "2"}, persisted=files, writers=()))["t.lost"].evidence == "true"


def test_writers_that_are_active_are_named(drift: Callable[..., Result]) -> None:
    """A program that is installed and does not run writes nothing."""
    writers = (
        Writer("tuned", "x", True, ("net.core.*",)),
        Writer("kubelet", "y", False, ("net.*",)),
    )  # positional by its field
    result = drift({QUEUE: "8192", REUSE: "1"}, persisted({QUEUE: "8192", REUSE: "1"}), writers)
    assert [(item.subject, item.severity, item.evidence) for item in result.items] == [
        (QUEUE, "low", "t.queue, t.related; true false false; tuned")
    ]


def test_a_check_that_cannot_be_told_makes_its_setting_unknown(drift: Callable[..., Result]) -> None:
    """Whether something is lost is not known when the check itself is unknown."""
    result = drift({QUEUE: "8192"}, persisted({QUEUE: "many"}))
    assert [(item.subject, item.verdict, item.reason) for item in result.items] == [
        (QUEUE, "unknown", "not understood: t.queue is unknown (it.lost_at_boot)")
    ]


@pytest.mark.parametrize("missing", ["sysctl", "persisted"])
def test_without_its_facts_it_is_unknown(
    audit: Callable[..., dict[str, Result]], facts: Callable[..., Facts], missing: str
) -> None:
    """No files read, no verdict about them."""
    no_root = Absent(AbsentReason.NOT_PERMITTED, "needs root")
    host = facts(
        no_root if missing == "sysctl" else {QUEUE: "1"}, persisted=no_root if missing == "persisted" else persisted({})
    )
    result = audit(TEXT, host)["t.drift"]
    assert (result.verdict, result.reason) == (Verdict.UNKNOWN, f"not permitted: needs root (facts.{missing})")


@pytest.mark.parametrize(
    ("name", "one", "other", "expected"),
    [
        (RMEM, "4096 131072\t6291456", "4096   131072 6291456", True),
        (QUEUE, "0x1000", "4096", True),
        (QUEUE, "010000", "4096", True),
        (QUEUE, "-1", "-01", True),
        (QUEUE, "4096", "4097", False),
        (QUEUE, "08", "8", False),
        ("net.ipv4.tcp_congestion_control", "cubic", "bbr", False),
        ("net.ipv4.ip_local_reserved_ports", "8080,8081,8082", "8080-8082", True),
        ("net.ipv4.ip_local_reserved_ports", "9000,80", "80,9000", True),
        ("net.ipv4.ip_local_reserved_ports", "80-90,85-95", "80-95", True),
        ("net.ipv4.ip_local_reserved_ports", "", "80", False),
        ("net.netfilter.nf_conntrack_buckets", "100000", "100352", True),
        ("net.core.rps_sock_flow_entries", "30000", "32768", True),
        ("net.core.rps_sock_flow_entries", "0", "0", True),
        ("net.ipv4.neigh.default.base_reachable_time_ms", "30001", "30004", True),
        ("net.ipv4.neigh.default.base_reachable_time_ms", "30001", "30104", False),
        ("net.ipv4.conf.all.rp_filter", "30001", "30004", False),
    ],
)
def test_values_compare_as_the_kernel_prints_them(name: str, one: str, other: str, expected: bool) -> None:
    """What was written and what is read differ in form without differing."""
    assert same(name, one, other) is expected
    assert same(name, other, one) is expected


@pytest.mark.parametrize(
    ("name", "running", "written", "result"),
    [
        (RMEM, "4096 131072 6291456", "8192", "8192 131072 6291456"),
        (RMEM, "4096 131072 6291456", "1 2 3 4", "1 2 3"),
        (QUEUE, "4096", "8192 9", "8192"),
        (QUEUE, "4096", "0x2000", "8192"),
        ("net.ipv4.tcp_congestion_control", "cubic", "bbr", "bbr"),
        ("net.ipv4.ip_local_reserved_ports", "80", "90,91", "90-91"),
    ],
)
def test_short_vectors_keep_what_is_not_written(name: str, running: str, written: str, result: str) -> None:
    """The kernel changes the first numbers of a vector and leaves the rest."""
    assert applied(name, running, written) == result


def test_texts_that_are_no_ranges_stay() -> None:
    """A line that the kernel would refuse is shown as it stands."""
    assert canonical("net.ipv4.ip_local_reserved_ports", "80-, x") == "80-, x"


BY_MEMORY = """\
baseline: test
define:
  - id: t.queue
    title: Q
    layer: listener
    kind: setting
    severity: high
    why: w
    value: sysctl['net.core.somaxconn']
    expect: {at_least: "{{ 4096 if facts.memory.total_bytes > 1000 else 128 }}"}
  - id: t.drift
    title: D
    layer: host
    kind: topology
    severity: low
    why: w
    for_each: {name: it, in: drift, subject: "{{ it.name }}"}
    value: it.running
    expect: {holds: not it.lost_at_boot}
"""


def with_memory(facts: Callable[..., Facts], files: Persisted, total_bytes: int, **domains: object) -> Facts:
    """A host that runs the queue as it is by default, with that much memory."""
    memory = Memory(total_bytes, 500, 4096, 1)
    return facts({QUEUE: "4096"}, persisted=files, writers=(), memory=memory, **domains)


def drift_verdict(rules: HostRules, host: Facts) -> Verdict:
    """What the check over the drift says of a host."""
    return next(each.verdict for each in evaluate(rules, host, datetime.now(UTC)) if each.check == "t.drift")


def test_hosts_that_agree_on_what_checks_look_at_are_not_asked_again(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal settings and files have one answer for every memory that a check tells apart, worked out once."""
    rules = ruleset(BY_MEMORY).for_host("web1", {}, lambda _: frozenset())
    files, asked = persisted({QUEUE: "1024"}), []
    verdict_with = _Evaluation.verdict_with

    def counted(self: _Evaluation, check: HostCheck, of: Facts) -> Verdict:
        asked.append(check)
        return verdict_with(self, check, of)

    monkeypatch.setattr(_Evaluation, "verdict_with", counted)

    def verdict(total_bytes: int) -> tuple[Verdict, int]:
        asked.clear()
        return drift_verdict(rules, with_memory(facts, files, total_bytes)), len(asked)

    lost, kept = Verdict.FAIL, Verdict.PASS
    assert [verdict(total)[0] for total in (2000, 900, 2000, 900, 901, 901)] == [lost, kept, lost, kept, kept, kept]
    assert [verdict(total) for total in (2000, 900, 901)] == [(lost, 0), (kept, 0), (kept, 0)]
    assert verdict(902)[1] > 0


def test_files_of_another_host_do_not_hide_a_setting(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]
) -> None:
    """Which settings an answer rests on follows from the files of each host: those of interfaces only they name."""
    text = """\
    baseline: test
    define:
      - id: t.filter
        title: F
        layer: host
        kind: setting
        severity: low
        why: w
        for_each: {name: nic, in: facts.nics, subject: x}
        value: sysctl['net.ipv4.conf.' ~ nic.name ~ '.rp_filter']
        expect: {equals: 1}
      - id: t.drift
        title: D
        layer: host
        kind: topology
        severity: low
        why: w
        for_each: {name: it, in: drift, subject: "{{ it.name }}"}
        value: it.running
        expect: {holds: not it.differs_at_boot}
    """
    rules = ruleset(text).for_host("web1", {}, lambda _: frozenset())
    other, one = persisted({"vm.swappiness": "1"}), persisted({"net.ipv4.conf.eth0.rp_filter": "1"})

    def verdict(files: Persisted, running: str) -> Verdict:
        host = facts({"net.ipv4.conf.eth0.rp_filter": running}, persisted=files, writers=(), nics=())
        return drift_verdict(rules, host)

    assert [verdict(other, "1"), verdict(one, "1"), verdict(one, "2")] == [Verdict.PASS, Verdict.PASS, Verdict.FAIL]


def test_a_default_follows_the_facts_of_each_host(ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]) -> None:
    """Hosts that run the same and have no files differ in what a check says of the kernel's default."""
    text = BY_MEMORY.replace(
        'expect: {at_least: "{{ 4096 if facts.memory.total_bytes > 1000 else 128 }}"}',
        'expect: {at_least: 4096}\n    default: "4096 if facts.memory.total_bytes > 1000 else 128"',
    )
    rules = ruleset(text).for_host("web1", {}, lambda _: frozenset())
    files = persisted({})

    def verdict(total_bytes: int) -> Verdict:
        return drift_verdict(rules, with_memory(facts, files, total_bytes))

    assert [verdict(total) for total in (2000, 900, 2000)] == [Verdict.PASS, Verdict.FAIL, Verdict.PASS]


def test_a_check_over_drift_may_be_asked_for_drift(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]
) -> None:
    """A setting that is judged once for every one that drifts sees no drift while the drift is worked out."""
    text = BY_MEMORY.replace("kind: topology", "kind: setting").replace(
        "value: it.running", f"value: sysctl['{QUEUE}']"
    )
    rules = ruleset(text).for_host("web1", {}, lambda _: frozenset())
    found = [drift_verdict(rules, with_memory(facts, persisted({QUEUE: "1024"}), 2000)) for _ in range(3)]
    assert found == [Verdict.FAIL] * 3


def test_whether_a_check_applies_decides_about_drift(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]
) -> None:
    """Hosts that run the same and have the same files lose a setting only where the check of it applies."""
    text = BY_MEMORY.replace('"{{ 4096 if facts.memory.total_bytes > 1000 else 128 }}"', "4096")
    text = text.replace(
        "    value: sysctl", "    applies_to: [{when: facts.memory.total_bytes > 1000, else: x}]\n    value: sysctl"
    )
    rules = ruleset(text).for_host("web1", {}, lambda _: frozenset())
    files = persisted({QUEUE: "1024"})
    found = [drift_verdict(rules, with_memory(facts, files, total)) for total in (2000, 900, 2000, 900)]
    assert found == [Verdict.FAIL, Verdict.PASS] * 2


def test_what_was_worked_out_of_the_running_settings_counts_for_them_alone(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]
) -> None:
    """A list that is made once a host is made anew of the settings after a boot."""
    text = BY_MEMORY.replace(
        "value: sysctl['net.core.somaxconn']", "value: \"[sysctl['net.core.somaxconn'], 1] | max\""
    )
    rules = ruleset(text).for_host("web1", {}, lambda _: frozenset())
    found = [drift_verdict(rules, with_memory(facts, persisted({QUEUE: queue}), 2000)) for queue in ("1024", "8192")]
    assert found == [Verdict.FAIL, Verdict.PASS]


def test_a_setting_without_a_default_is_not_that_of_a_host_whose_default_it_runs(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]
) -> None:
    """Of a kernel that is not known no default is, whatever hosts before it had that run the same."""
    text = BY_MEMORY.replace("{holds: not it.lost_at_boot}", "{holds: it.boot is present}")
    rules = ruleset(text).for_host("web1", {}, lambda _: frozenset())

    def verdict(**domains: object) -> Verdict:
        return drift_verdict(rules, with_memory(facts, persisted({}), 2000, **domains))

    unknown = {"kernel": Absent(AbsentReason.NOT_UNDERSTOOD)}
    assert [verdict(), verdict(**unknown), verdict()] == [Verdict.PASS, Verdict.FAIL, Verdict.PASS]


def test_a_check_that_may_look_at_anything_is_asked_on_every_host(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no footprint tells what a check rests on, an answer holds for no other host until it was asked there."""
    monkeypatch.setattr("netaudit.baseline.select.memo_of", lambda _: None)
    rules = ruleset(BY_MEMORY).for_host("web1", {}, lambda _: frozenset())
    files = persisted({QUEUE: "1024"})

    def verdict(total_bytes: int) -> Verdict:
        return drift_verdict(rules, with_memory(facts, files, total_bytes))

    assert [verdict(total) for total in (2000, 900, 2000)] == [Verdict.FAIL, Verdict.PASS, Verdict.FAIL]
