"""What is remembered of a check is what would be worked out anew."""

from __future__ import annotations

import dataclasses
import gc
import random
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netaudit.assets.catalogue import load_ruleset
from netaudit.baseline import drift_memo, memo, panel, select
from netaudit.baseline.evaluate import _not_passed, evaluate
from netaudit.baseline.evidence import DESCRIBED, described
from netaudit.baseline.memo import Memo, memo_of
from netaudit.baseline.outline import Outline
from netaudit.baseline.panel import Panel
from netaudit.baseline.scope import RunningSysctls
from netaudit.baseline.select import HostCheck, HostRules, Ruleset
from netaudit.baseline.sight import Sight
from netaudit.facts.absence import why_absent
from netaudit.facts.snapshot import facts_of
from netaudit.model.facts import Cpu, Facts, Limits, Listener, Nic, ProcessLimits, Qdisc
from netaudit.model.probe import Capture, Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.result import Result, Verdict

CASES = Path(__file__).parents[2] / "cases"
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
NOBODY: frozenset[str] = frozenset()
LISTENER = Listener("tcp", "0.0.0.0", 80, 3, 511, "", "nginx", 41, 7, "nginx.service", (41, 42))
ROWS: tuple[object, ...] = (
    LISTENER,
    ProcessLimits(41, "nginx", "nginx.service", "www", 1024, 4096, 12, 1.5),
    Qdisc("eth0", "fq", "0:", "root", 1, 1, 0, 0, 0, 0),
)


def recorded_host(chance: random.Random) -> Facts:
    """The facts of a host that answered each probe as some recorded host did."""
    sections = []
    for probe in sorted({stdout.parents[1] for stdout in CASES.glob("*/*/stdout")}):
        folder = chance.choice(sorted(path.parent for path in probe.glob("*/stdout")))
        status = folder / "status"
        ended = SectionStatus(status.read_text().strip()) if status.exists() else SectionStatus.COMPLETE
        stderr = folder / "stderr"
        said = stderr.read_bytes() if stderr.exists() else b""
        sections.append(Section(probe.name, ended, 0, (folder / "stdout").read_bytes(), said, 1))
    return facts_of(Capture("web1", "198.18.0.1", "0" * 64, NOW, 0.1, tuple(sections)))


class Fresh:
    """Judges as if every host were the first."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        with monkeypatch.context() as patched:
            patched.setattr(select, "memo_of", lambda _: None)
            self._rules = rules_of()

    def results(self, facts: Facts) -> tuple[Result, ...]:
        """The results of one host."""
        with self._patch.context() as patched:
            patched.setattr(drift_memo, "_KEPT", 0)
            return evaluate(self._rules, facts, NOW)


def rules_of(baseline: str | None = None) -> HostRules:
    """The rules of a shipped baseline."""
    return load_ruleset(baseline).for_host("web1", {}, lambda _: NOBODY)


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of results are remembered from the first host on, and all checks are in panels after three."""
    monkeypatch.setattr(memo, "_FEW", -1)
    monkeypatch.setattr(memo, "_STEADY", 1)
    monkeypatch.setattr(panel, "_TRIED", 3)


def test_memory_changes_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fleet in which hosts share some answers and differ in others gets the results that each gets by itself."""
    remembering, fresh = rules_of(), Fresh(monkeypatch)
    chance = random.Random(1)
    for _ in range(40):
        facts = recorded_host(chance)
        assert evaluate(remembering, facts, NOW) == fresh.results(facts)


def test_memory_changes_no_result_of_a_host_that_differs_a_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """One value is changed after the other, as from host to host; whichever it is, the result follows it."""
    remembering, fresh = rules_of(), Fresh(monkeypatch)
    chance = random.Random(2)
    facts = recorded_host(chance)
    for _ in range(120):
        facts = changed(facts, chance)
        assert evaluate(remembering, facts, NOW) == fresh.results(facts)


def test_hosts_with_process_ids_of_their_own_share_outlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every host numbers its processes and sockets by itself, and now and then something else is changed as well."""
    remembering, fresh = rules_of(), Fresh(monkeypatch)
    outlines: list[object] = []
    monkeypatch.setattr(Outline, "filled", _counting(outlines, Outline.filled))
    panels: list[bool] = []
    monkeypatch.setattr(Panel, "answer", _noting(panels, Panel.answer))
    chance = random.Random(5)
    for _ in range(8):
        facts = with_services(recorded_host(chance), chance)
        for _ in range(8):
            facts = renumbered(changed(facts, chance) if chance.random() < 0.3 else facts, chance.randrange(1, 30_000))
            assert evaluate(remembering, facts, NOW) == fresh.results(facts)
    assert len({id(outline) for outline, *_ in outlines}) > 3
    assert len(outlines) > 30
    assert panels.count(True) > 10
    assert panels.count(False) > 10


def with_services(facts: Facts, chance: random.Random) -> Facts:
    """The facts with listeners that fail one check or the other, in the order and number of some host."""
    services = [
        dataclasses.replace(LISTENER, port=port, queue=queue, backlog=backlog, pid=pid, pids=(pid, pid + 1), inode=pid)
        for pid, (port, queue, backlog) in enumerate(((80, 0, 128), (443, 120, 128), (5432, 9, 4096), (53, 0, 16)), 40)
    ]
    processes = tuple(
        ProcessLimits(each.inode, "nginx", "nginx.service", "www", 1024, 4096, chance.choice((12, 1000, 1024)), 1.5)
        for each in services
    )
    limits = facts.limits
    if not isinstance(limits, Absent):
        limits = dataclasses.replace(limits, processes=processes)
    return dataclasses.replace(facts, listeners=tuple(chance.sample(services, 3)), limits=limits)


def renumbered(facts: Facts, by: int) -> Facts:
    """The same host after its processes were started again."""
    listeners, limits = facts.listeners, facts.limits
    if isinstance(listeners, tuple):
        listeners = tuple(
            dataclasses.replace(each, **{name: _plus(getattr(each, name), by) for name in ("pid", "pids", "inode")})
            for each in listeners
        )
    if not isinstance(limits, Absent) and isinstance(limits.processes, tuple):
        processes = tuple(dataclasses.replace(each, pid=each.pid + by) for each in limits.processes)
        limits = dataclasses.replace(limits, processes=processes)
    return dataclasses.replace(facts, listeners=listeners, limits=limits)


def _plus(value: object, by: int) -> object:
    if isinstance(value, tuple):
        return tuple(each + by for each in value)
    return value + by if isinstance(value, int) else value


def changed(record: Facts, chance: random.Random) -> Facts:
    """The facts with one number or text somewhere in them changed."""
    domain = chance.choice([each.name for each in dataclasses.fields(record)])
    return dataclasses.replace(record, **{domain: other(getattr(record, domain), chance)})


def other(value: object, chance: random.Random) -> object:
    """A value of the same type that differs in one place, if there is one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return chance.choice((0, value + 1, value * 2))
    if isinstance(value, tuple | list) and value:
        place = chance.randrange(len(value))
        return (*value[:place], other(value[place], chance), *value[place + 1 :])
    if isinstance(value, dict) and value:
        key = chance.choice(sorted(value))
        return {**value, key: other(value[key], chance)}
    if isinstance(value, str) and value.isdigit():
        return str(other(int(value), chance))
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and hasattr(value, "__slots__"):
        name = chance.choice([each.name for each in dataclasses.fields(value)])
        if type(value).__name__ != "Absent":
            return dataclasses.replace(value, **{name: other(getattr(value, name), chance)})
    return value


HEAD = """\
baseline: test
define:
  - id: t.one
    title: One
    layer: host
    kind: setting
    severity: high
    why: because
"""
BY_PORT = """\
    for_each: {name: listener, in: facts.listeners, subject: "{{ listener.port }}"}
    value: listener.queue
    expect: {at_most: 1}
    evidence: "{{ listener.process }}"
"""


def test_equal_footprints_share_one_result(ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]) -> None:
    """Listeners that differ in their inode get the very same result; one with another queue gets another."""
    rules = _one_check(ruleset, BY_PORT)
    first, second, third = (
        evaluate(rules, facts(listeners=(dataclasses.replace(LISTENER, **own),)), NOW)[0]
        for own in ({"inode": 1, "pid": 1}, {"inode": 2, "pid": 2}, {"inode": 1, "queue": 9})
    )
    assert first is second
    assert [third.items[0].observed, first.items[0].observed] == [9, 3]


def test_a_footprint_has_what_texts_name(ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]) -> None:
    """What only the evidence tells belongs to the result as well."""
    rules = _one_check(ruleset, BY_PORT)
    found = [
        evaluate(rules, facts(listeners=(dataclasses.replace(LISTENER, process=name),)), NOW)[0].items[0].evidence
        for name in ("nginx", "haproxy")
    ]
    assert found == ["nginx", "haproxy"]


def test_evidence_of_its_own_making_counts(ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]) -> None:
    """Without evidence in its own words a check shows whole rows of subjects, whatever of them it names."""
    rules = _one_check(ruleset, BY_PORT[: BY_PORT.index("    evidence")])
    found = [
        evaluate(rules, facts(listeners=(dataclasses.replace(LISTENER, pid=pid),)), NOW)[0].items[0].evidence
        for pid in (5, 6)
    ]
    assert ["pid 5" in found[0], "pid 6" in found[1]] == [True, True]


def test_a_mapping_that_is_shown_counts_in_full(ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]) -> None:
    """Of a mapping without a key, every entry belongs to the result."""
    rules = _one_check(ruleset, 'value: facts.cpu.count\nexpect: {at_most: 1}\nevidence: "{{ facts.snmp }}"\n')
    found = [evaluate(rules, facts(cpu=Cpu(2, "", 1), snmp={"Tcp.InErrs": count}), NOW)[0].evidence for count in (1, 2)]
    assert found == ["Tcp.InErrs=1", "Tcp.InErrs=2"]


def test_a_mapping_that_is_shown_unasked_counts_in_full(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]
) -> None:
    """Evidence of a check's own making prints all of a small mapping of which only the length decides."""
    rules = _one_check(ruleset, "value: facts.snmp | length\nexpect: {at_most: 9}\n")
    found = [evaluate(rules, facts(snmp={"Tcp.InErrs": count}), NOW)[0].evidence for count in (1, 2)]
    assert ["Tcp.InErrs=1" in found[0], "Tcp.InErrs=2" in found[1]] == [True, True]


def test_names_of_a_mapping_count_where_they_are_said(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]
) -> None:
    """A function of a mapping sees all of it, though no key is written out."""
    body = 'value: facts.cpu.count\nexpect: {at_most: 1}\nevidence: "{{ facts.snmp | keys | join }}"\n'
    rules = _one_check(ruleset, body)
    found = [evaluate(rules, facts(cpu=Cpu(2, "", 1), snmp={name: 1}), NOW)[0].evidence for name in ("a", "b")]
    assert found == ["a", "b"]


def test_whether_a_key_is_there_counts(ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]) -> None:
    """Mappings of one length have other keys."""
    body = "value: \"'Tcp.InErrs' in facts.snmp\"\nexpect: {equals: true}\nevidence: x\n"
    rules = _one_check(ruleset, body)
    found = [evaluate(rules, facts(snmp={name: 1}), NOW)[0].verdict for name in ("Tcp.InErrs", "x")]
    assert found == [Verdict.PASS, Verdict.FAIL]


def test_what_is_said_where_nothing_is_looked_at_counts(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]
) -> None:
    """Hosts without subjects have a result by what the words for that name."""
    body = BY_PORT.replace('subject: "', 'else: "none on {{ facts.cpu.model }}", subject: "')
    rules = _one_check(ruleset, body)
    hosts = [facts(listeners=(), cpu=Cpu(2, model, 1)) for model in ("EPYC", "Xeon")]
    assert [evaluate(rules, host, NOW)[0].reason for host in hosts] == ["none on EPYC", "none on Xeon"]


def test_a_subject_that_is_unknown_stays_so(ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]) -> None:
    """Beside one that fails it is told as unknown on the next host as well, whose processes are others."""
    body = BY_PORT.replace("listener.queue", "listener.backlog").replace("listener.process", "listener.pid")
    rules = _one_check(ruleset, body)
    nothing = Absent(AbsentReason.NOT_PERMITTED)
    for pid in (1, 2):
        one = dataclasses.replace(LISTENER, pid=pid)
        (result,) = evaluate(rules, facts(listeners=(one, dataclasses.replace(one, backlog=nothing))), NOW)
        assert [item.verdict for item in result.items] == [Verdict.FAIL, Verdict.UNKNOWN]


def test_why_a_check_does_not_apply_counts(ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]) -> None:
    """What only the words for it name belongs to the answer as well."""
    body = """\
    applies_to: [{when: facts.cpu.count > 8, else: "no: {{ facts.cpu.model }}"}]
    value: facts.cpu.count
    expect: {at_most: 99}
    """
    rules = _one_check(ruleset, body)
    found = [evaluate(rules, facts(cpu=Cpu(2, model, 1)), NOW)[0].reason for model in ("EPYC", "Xeon")]
    assert found == ["no: EPYC", "no: Xeon"]


def test_variables_of_one_check_are_not_those_of_another(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]
) -> None:
    """The same expression comes to something else where an override sets a variable, or an inventory its type."""
    body = """\
    value: "[facts.cpu.count, vars.limit] | max"
    levels: [{severity: critical, expect: {at_most: "{{ [vars.limit, 1] | max }}"}}]
    expect: {at_most: 99}
"""
    two = HEAD + body + HEAD[HEAD.index("  - id") :].replace("t.one", "t.two") + body
    rules = ruleset(f"{two}vars: {{limit: 4}}\noverrides: [{{check: t.two, vars: {{limit: 9}}, reason: r}}]\n")

    def seen(variables: dict[str, object]) -> list[object]:
        made = rules.for_host("web1", {"netaudit_vars": variables}, lambda _: NOBODY)
        return [(repr(each.observed), each.verdict) for each in evaluate(made, facts(cpu=Cpu(2, "", 1)), NOW)]

    found = [seen({"limit": limit}) for limit in (4, 4.0, 1, 4)]
    passed, failed = Verdict.PASS, Verdict.FAIL
    assert [one for one, _ in found] == [("4", passed), ("4.0", passed), ("2", failed), ("4", passed)]
    assert [two for _, two in found] == [("9", passed)] * 4


PER_NIC = """\
    for_each: {name: nic, in: facts.nics, where: nic.is_physical, subject: "{{ nic.name }}"}
    value: sysctl['net.ipv4.conf.' ~ (nic.name | sysctl_segment) ~ '.rp_filter']
    expect: {equals: 1}
    evidence: "{{ value }}"
"""


def test_settings_that_subjects_name_are_part_of_the_footprint(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]
) -> None:
    """Hosts whose interfaces have the same settings share a result; another value, or interface, gives another."""
    rules = _one_check(ruleset, PER_NIC)
    eth, vlan = _nic("eth0"), _nic("eth0.7")

    def result(nics: tuple[Nic, ...], **values: str) -> Result:
        settings = {f"net.ipv4.conf.{name}.rp_filter": value for name, value in values.items()}
        return evaluate(rules, facts(settings, nics=nics), NOW)[0]

    assert result((eth,), eth0="2", eth1="1") is result((eth,), eth0="2")
    assert [item.subject for item in result((vlan,), **{"eth0/7": "2"}).items] == ["eth0.7"]
    assert result((eth,), eth0="1").verdict is Verdict.PASS
    assert result((eth, vlan), eth0="2", **{"eth0/7": "0"}).items[1].observed == 0
    assert result((vlan,), **{"eth0/7": "1"}).verdict is Verdict.PASS


def test_why_a_setting_that_a_subject_names_is_not_there_is_not_remembered(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]
) -> None:
    """The reason rests on more than the key of a host says."""
    rules = _one_check(ruleset, PER_NIC)
    reasons = [
        evaluate(rules, facts({setting: "1"}, nics=(_nic("eth0"),)), NOW)[0].items[0].reason or ""
        for setting in ("net.ipv4.conf.eth1.rp_filter", "net.ipv4.conf.eth0.forwarding")
    ]
    assert ["no interface eth0" in reason for reason in reasons] == [True, False]


def _nic(name: str) -> Nic:
    return dataclasses.replace(next(nic for nic in _nics() if nic.is_physical), name=name)


def test_a_name_that_only_evaluation_tells_is_not_remembered(ruleset: Callable[..., Ruleset]) -> None:
    """Of a sysctl whose name follows from more than one attribute of a subject no footprint can be told."""
    body = """\
    for_each: {name: nic, in: facts.nics, subject: x}
    value: sysctl[nic.driver ~ nic.name]
    expect: {equals: 1}
    """
    assert _check(ruleset, body).memo is None


def test_what_a_waiver_lets_stand_is_not_remembered(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]
) -> None:
    """The same host is waived on one day and fails on the next, whatever was said before."""
    waiver = (
        "waivers: [{check: t.one, reason: r, approver: a, ticket: T-1, starts: 2026-01-01, expires: 2026-12-31,"
        " value: 3}]\n"
    )
    text = HEAD.replace("define:", f"{waiver}define:") + BY_PORT
    rules = ruleset(text).for_host("web1", {}, lambda _: NOBODY)
    days = [NOW.replace(year=year) for year in (2026, 2027, 2025, 2026)]
    found = [evaluate(rules, facts(listeners=(LISTENER,)), day)[0].verdict for day in days for _ in range(3)]
    assert found == [Verdict.WAIVED] * 3 + [Verdict.FAIL] * 6 + [Verdict.WAIVED] * 3


def test_names_made_of_written_subjects_are_remembered(ruleset: Callable[..., Ruleset]) -> None:
    """The subjects of a written list name their sysctls beforehand."""
    body = """\
    for_each: {name: part, in: "['somaxconn']", subject: "{{ part }}"}
    value: sysctl['net.core.' ~ part]
    expect: {equals: 1}
    """
    memo = _check(ruleset, body).memo
    assert memo is not None
    assert memo.results.key.sysctls == ("net.core.somaxconn",)


def test_nearly_all_checks_are_remembered() -> None:
    """Every check of the catalogue but those with sysctls of interfaces has a memo."""
    without = [each.compiled.check.id for each in rules_of().checks if each.memo is None]
    assert len(without) < 5


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_a_row_is_made_of_what_is_said(row: object) -> None:
    """A change of an attribute that is not said to be part of a row leaves the row as it is."""
    chance = random.Random(3)
    for each in dataclasses.fields(row):  # type: ignore[arg-type]  # they are records
        if each.name not in DESCRIBED:
            value = getattr(row, each.name)
            changed_row = dataclasses.replace(row, **{each.name: other(value, chance) or "x"})  # type: ignore[type-var]
            assert described(changed_row) == described(row), each.name


def test_a_row_of_an_interface_is_made_of_what_is_said() -> None:
    """The same for interfaces."""
    nic = next(nic for nic in _nics() if nic.name == "eth0")
    for each in dataclasses.fields(nic):
        if each.name not in DESCRIBED:
            assert described(dataclasses.replace(nic, **{each.name: "x"})) == described(nic), each.name


def _nics() -> tuple[Nic, ...]:
    section = Section(
        "nics", SectionStatus.COMPLETE, 0, (CASES / "nics" / "debian-root" / "stdout").read_bytes(), b"", 1
    )
    facts = facts_of(Capture("web1", "", "0" * 64, NOW, 0.1, (section,)), {"nics"})
    assert isinstance(facts.nics, tuple)
    return facts.nics


BY_PID = BY_PORT.replace("listener.process", "listener.process ~ ' ' ~ listener.pid") + (
    "    fix: have {{ expected ~ ' at ' ~ listener.pid ~ ', not ' ~ value }}, {{ expected }} at most\n"
)


@pytest.mark.parametrize(
    ("tried", "hosts", "worked_out"),
    [(256, [("one", 7), ("one", 8)], 1), (3, [("a", 7), ("b", 7), ("c", 7), ("d", 8), ("e", 9)], 3)],
    ids=["pid", "name"],
)
def test_what_is_said_of_a_listener_follows_the_host_where_its_verdict_is_remembered(
    ruleset: Callable[..., Ruleset],
    facts: Callable[..., Facts],
    monkeypatch: pytest.MonkeyPatch,
    tried: int,
    hosts: list[tuple[str, int]],
    worked_out: int,
) -> None:
    """Hosts whose listeners have other processes share the verdicts on them, and each names its own.

    After some hosts that have not even names of processes in common, what decides is all that is looked at.
    """
    monkeypatch.setattr(memo, "_TRIED", tried)
    rules = _one_check(ruleset, BY_PID)
    judged: list[object] = []
    monkeypatch.setattr("netaudit.baseline.evaluate._not_passed", _counting(judged, _not_passed))

    def said(process: str, pid: int) -> list[str | None]:
        listeners = tuple(
            dataclasses.replace(LISTENER, port=port, queue=queue, process=process, pid=pid)
            for port, queue in ((1, 0), (2, 9), (3, 0), (4, 5))
        )
        (result,) = evaluate(rules, facts(listeners=listeners), NOW)
        assert (result.observed, result.passed_items) == (9, 2)
        return [f"{item.subject} {item.observed} {item.evidence}; {item.fix}" for item in result.items]

    for name, pid in hosts:
        assert said(name, pid) == [
            f"2 9 {name} {pid}; have 1 at {pid}, not 9, 1 at most",
            f"4 5 {name} {pid}; have 1 at {pid}, not 5, 1 at most",
        ]
    assert len(judged) == 4 * worked_out


def test_how_many_there_are_decides_where_only_process_ids_are_said_of_them(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]
) -> None:
    """Hosts with fewer listeners have other subjects, though no attribute of a listener that hosts share is named."""
    body = """\
    for_each: {name: listener, in: facts.listeners, subject: "{{ listener.pid }}"}
    value: sysctl['net.core.somaxconn']
    expect: {at_least: 4096}
    evidence: pid {{ listener.pid }}
    """
    rules = _one_check(ruleset, body)

    def subjects(pids: tuple[int, ...]) -> list[str]:
        listeners = tuple(dataclasses.replace(LISTENER, pid=pid) for pid in pids)
        (result,) = evaluate(rules, facts({"net.core.somaxconn": "128"}, listeners=listeners), NOW)
        return [item.subject for item in result.items]

    for pids in ((1, 2, 3), (4, 5, 6), (1, 2), (7,), (5, 6, 7, 8)):
        assert subjects(pids) == list(map(str, pids))


def test_what_decides_is_told_apart_beside_what_is_called_like_a_process_id(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]
) -> None:
    """Of one mapping, one key may decide while another, which hosts do not share by its name, is only said."""
    body = """\
    for_each: {name: part, in: "['disks']", subject: "{{ part }}"}
    value: facts.own.raid.disks
    expect: {equals: 4}
    evidence: pid {{ facts.own.raid.pid }}
    """
    rules = _one_check(ruleset, body)

    def observed(disks: int, pid: int) -> tuple[object, str | None]:
        (result,) = evaluate(rules, facts(own={"raid": {"disks": disks, "pid": pid}}), NOW)
        return result.observed, result.evidence

    for disks, pid in ((2, 1), (2, 2), (3, 1), (3, 2), (4, 1)):
        assert observed(disks, pid) == (disks, f"pid {pid}")


def test_process_ids_that_decide_are_told_apart(ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]) -> None:
    """Where the process of a listener is looked up by its id, another process is another result."""
    body = """\
    for_each: {name: listener, in: facts.listeners, subject: "{{ listener.port }}"}
    value: process_of(listener.pid).open_files
    expect: {at_most: 10}
    evidence: pid {{ listener.pid }}
    """
    rules = _one_check(ruleset, body)
    processes = tuple(
        ProcessLimits(pid, "nginx", "", "www", 1024, 4096, files, 1.5) for pid, files in ((1, 9), (2, 99))
    )
    limits = Limits(1, 1, 1, processes, ())
    verdicts = [
        evaluate(rules, facts(listeners=(dataclasses.replace(LISTENER, pid=pid),), limits=limits), NOW)[0].verdict
        for pid in (1, 2, 1, 2)
    ]
    assert verdicts == [Verdict.PASS, Verdict.FAIL] * 2


def _noting(answers: list[bool], run: Callable[..., bool]) -> Callable[..., bool]:
    def noted(*given: object) -> bool:
        answers.append(run(*given))
        return answers[-1]

    return noted


def _counting(calls: list[object], run: Callable[..., object]) -> Callable[..., object]:
    def counted(*given: object) -> object:
        calls.append(given)
        return run(*given)

    return counted


def test_a_memo_does_not_grow_without_bound(
    monkeypatch: pytest.MonkeyPatch, ruleset: Callable[..., Ruleset], facts: Callable[..., Facts]
) -> None:
    """When there are too many different results, it starts over."""
    monkeypatch.setattr("netaudit.baseline.memo._KEPT", 3)
    memo = memo_of(_check(ruleset, BY_PORT).compiled.check)
    assert isinstance(memo, Memo)
    result = evaluate(rules_of(), recorded_host(random.Random(4)), NOW)[0]
    for number in range(10):
        memo.results.keep(_sight(facts(listeners=(dataclasses.replace(LISTENER, port=number),))), result)
        memo.keep_refusal((number,), None)
    assert (len(memo.results), len(memo.refusals)) == (1, 1)


def _sight(facts: Facts) -> Sight:
    return Sight(facts, RunningSysctls(facts, lambda name: why_absent(name, facts)), tuple)


def _one_check(ruleset: Callable[..., Ruleset], body: str) -> HostRules:
    text = HEAD + textwrap.indent(textwrap.dedent(body), "    ")
    return ruleset(text).for_host("web1", {}, lambda _: NOBODY)


def _check(ruleset: Callable[..., Ruleset], body: str) -> HostCheck:
    return _one_check(ruleset, body).checks[0]


def test_a_host_that_was_judged_is_freed_at_once() -> None:
    """Nothing looks back at its facts in a circle that only the search for garbage would end, many hosts later."""
    rules, chance = rules_of(), random.Random(3)
    hosts = [recorded_host(chance) for _ in range(3)]
    evaluate(rules, hosts[0], NOW)
    gc.collect()
    gc.disable()
    try:
        for facts in hosts:
            evaluate(rules, facts, NOW)
        assert gc.collect() == 0
    finally:
        gc.enable()
