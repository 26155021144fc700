"""What is remembered of a check is what would be worked out anew."""

from __future__ import annotations

import dataclasses
import random
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netaudit.assets.catalogue import load_ruleset
from netaudit.baseline import drift, select
from netaudit.baseline.evaluate import _not_passed, evaluate
from netaudit.baseline.evidence import DESCRIBED, described
from netaudit.baseline.footprint import in_full
from netaudit.baseline.memo import Memo, memo_of
from netaudit.baseline.select import HostCheck, HostRules, Ruleset
from netaudit.facts.snapshot import facts_of
from netaudit.model.facts import Cpu, Facts, Listener, Nic, ProcessLimits, Qdisc
from netaudit.model.probe import Capture, Section, SectionStatus
from netaudit.model.result import Result

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
            patched.setattr(drift, "_KEPT", 0)
            return evaluate(self._rules, facts, NOW)


def rules_of(baseline: str | None = None) -> HostRules:
    """The rules of a shipped baseline."""
    return load_ruleset(baseline).for_host("web1", {}, lambda _: NOBODY)


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


@pytest.mark.parametrize(
    "value",
    ["sysctl['net.ipv4.conf.' ~ nic.name ~ '.rp_filter']", "sysctl[nic.driver]"],
)
def test_a_name_that_only_evaluation_tells_is_not_remembered(ruleset: Callable[..., Ruleset], value: str) -> None:
    """Of a sysctl whose name follows from the facts no footprint can be told."""
    body = f"for_each: {{name: nic, in: facts.nics, subject: x}}\nvalue: {value}\nexpect: {{equals: 1}}"
    assert _check(ruleset, body).memo is None


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


def test_what_is_said_of_a_listener_follows_the_host_where_its_verdict_is_remembered(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hosts whose listeners have other processes share the verdicts on them, and each names its own."""
    rules = _one_check(ruleset, BY_PORT)
    judged: list[object] = []
    monkeypatch.setattr("netaudit.baseline.evaluate._not_passed", _counting(judged, _not_passed))

    def said(process: str) -> list[str | None]:
        listeners = tuple(
            dataclasses.replace(LISTENER, port=port, queue=queue, process=process)
            for port, queue in ((1, 0), (2, 9), (3, 0), (4, 5))
        )
        (result,) = evaluate(rules, facts(listeners=listeners), NOW)
        assert (result.observed, result.passed_items) == (9, 2)
        return [f"{item.subject} {item.observed} {item.evidence}" for item in result.items]

    assert said("one") == ["2 9 one", "4 5 one"]
    assert said("other") == ["2 9 other", "4 5 other"]
    assert len(judged) == 4


def _counting(calls: list[object], run: Callable[..., object]) -> Callable[..., object]:
    def counted(*given: object) -> object:
        calls.append(given)
        return run(*given)

    return counted


def test_a_memo_does_not_grow_without_bound(monkeypatch: pytest.MonkeyPatch, ruleset: Callable[..., Ruleset]) -> None:
    """When there are too many different results, it starts over."""
    memo = memo_of(_check(ruleset, BY_PORT).compiled.check)
    assert isinstance(memo, Memo)
    monkeypatch.setattr("netaudit.baseline.memo._KEPT", 3)
    result = evaluate(rules_of(), recorded_host(random.Random(4)), NOW)[0]
    for number in range(10):
        memo.results.keep((number,), result)
        memo.keep_refusal((number,), None)
    assert (len(memo.results), len(memo.refusals)) == (1, 1)


def test_in_full_tells_records_apart() -> None:
    """Values that differ anywhere differ in full."""
    assert in_full(LISTENER) == in_full(dataclasses.replace(LISTENER))
    assert in_full(LISTENER) != in_full(dataclasses.replace(LISTENER, pids=(41,)))
    assert in_full({"a": [1, 2]}) != in_full({"a": [1, 3]})
    hash(in_full({"a": [LISTENER]}))


def _one_check(ruleset: Callable[..., Ruleset], body: str) -> HostRules:
    text = HEAD + textwrap.indent(textwrap.dedent(body), "    ")
    return ruleset(text).for_host("web1", {}, lambda _: NOBODY)


def _check(ruleset: Callable[..., Ruleset], body: str) -> HostCheck:
    return _one_check(ruleset, body).checks[0]
