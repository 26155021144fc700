"""What a change must prove before it is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from netaudit.assets.catalogue import load_ruleset
from netaudit.baseline.evaluate import evaluate
from netaudit.baseline.schema import Waiver
from netaudit.model.facts import Persisted, PersistedValue
from netaudit.model.plan import HostPlan, NotRemedied, Step, StepClass
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.result import Severity, Verdict
from netaudit.remedy import proof

NOW = datetime(2026, 11, 20, tzinfo=UTC)
KEY = "net.core.somaxconn"
FILE = "/etc/sysctl.d/99-zz-netaudit.conf"


def step(check="tcp.accept_queue.somaxconn", step_class=StepClass.LIVE, **changes) -> Step:
    """A step that sets one key."""
    made = Step(
        operation="sysctl", subject=KEY, arguments={"key": KEY}, before="128", after="4096", step_class=step_class,
        checks=(check,), remediation="r", remediation_sha256="0", file=FILE,
    )  # fmt: skip
    return replace(made, **changes)


def plan(*steps: Step, left: tuple[NotRemedied, ...] = ()) -> HostPlan:
    """The plan of one host."""
    return HostPlan("web1", "198.18.0.2", "boot", "facts", steps, left)


def persisted(boot=None, system=None) -> Persisted:
    """What files set, under both loaders; the same unless it is said otherwise."""
    values = {KEY: PersistedValue("4096", FILE, 3)}
    return Persisted(
        boot=values if boot is None else boot, system=values if system is None else system, files=(), problems=(),
        modules_load=(), module_options={}, systemd=True,
    )  # fmt: skip


class Facts:
    """As much of a host's facts as the boot values take."""

    def __init__(self, persisted):
        self.persisted = persisted


def test_a_check_that_the_plan_answers_must_pass():
    """Every subject of it but those that the plan leaves alone."""
    before = {("a", "x"): Severity.HIGH, ("a", "y"): Severity.HIGH, ("b", "x"): Severity.LOW}
    made = plan(step("a"), left=(NotRemedied("a", "y", "no safe way"),))
    assert {("a", "x"): Severity.HIGH} == proof.answered(made, made, before)


def test_what_an_audit_let_pass_fails_once_its_waiver_has_ended(web1):
    """A waiver is a matter of time; what passed without one is not looked at again."""
    host = web1.sysctl(KEY, 128)
    rules = load_ruleset("linux-server").for_host("web1", {}, lambda _: frozenset())
    check = "tcp.accept_queue.somaxconn"
    waiver = Waiver(check, None, None, "r", "a", "T-1", None, NOW, any_value=True)
    checks = (replace(each, waivers=(waiver,) if each.compiled.check.id == check else ()) for each in rules.checks)
    waived = replace(rules, checks=tuple(checks))
    audited, later = evaluate(waived, host.facts, NOW), NOW + timedelta(seconds=1)
    assert {result.check: result.verdict for result in audited}[check] is Verdict.WAIVED
    found = [
        {name for name, _ in proof.failing(some, host.facts, moment, audited)}
        for some, moment in ((waived, NOW), (waived, later), (rules, later))
    ]
    assert [check in failing for failing in found] == [False, True, False]


def test_a_check_that_takes_two_classes_is_proved_by_neither_alone():
    """The part of one class cannot end what needs the other as well."""
    live, flap = step("a"), step("a", StepClass.LINK_FLAP)
    both = plan(live, flap, step("b"))
    part = plan(live, both.steps[2])
    before = {("a", ""): Severity.HIGH, ("b", ""): Severity.LOW}
    assert {("b", ""): Severity.LOW} == proof.answered(both, part, before)


@pytest.mark.parametrize(
    ("now", "lines"),
    [
        ({}, ()),
        ({("a", "x"): Severity.LOW}, ()),
        ({("a", "x"): Severity.HIGH}, ("a still fails (x)",)),
        ({("a", "x"): Severity.CRITICAL}, ("a still fails (x)",)),
        ({("b", "x"): Severity.CRITICAL}, ()),
    ],
)
def test_a_failure_that_is_no_milder_speaks_against(now, lines):
    """One that has become milder was answered in part, as planned."""
    assert lines == proof.unanswered({("a", "x"): Severity.HIGH}, now)


def test_new_failures_stop_unless_they_were_foreseen():
    """Only those that are worth it, and none of checks that say nothing before files are written."""
    now = {
        ("known", ""): Severity.HIGH, ("new", "x"): Severity.MEDIUM, ("small", ""): Severity.LOW,
        ("file", ""): Severity.HIGH,
    }  # fmt: skip
    assert ("new fails now and did not before (x)",) == proof.new_failures(
        now, {("known", ""): Severity.HIGH}, {"file"}
    )


def test_the_next_boot_must_bring_the_same():
    """Under both loaders, and from the file that wins."""
    assert () == proof.boot_objections([step()], Facts(persisted()))
    other = {KEY: PersistedValue("128", "/etc/sysctl.d/zz-site.conf", 7)}
    assert (f"the next boot would set {KEY} to 128 (/etc/sysctl.d/zz-site.conf:7)",) == proof.boot_objections(
        [step()], Facts(persisted(boot=other))
    )
    assert (f"sysctl --system would set {KEY} to 128 (/etc/sysctl.d/zz-site.conf:7)",) == proof.boot_objections(
        [step()], Facts(persisted(system=other))
    )
    assert 2 == len(proof.boot_objections([step()], Facts(persisted(boot={}, system={}))))


def test_what_is_not_kept_in_a_file_has_no_boot_value():
    """Neither a step without a file nor one in another namespace is judged by what files set."""
    empty = Facts(persisted(boot={}, system={}))
    assert () == proof.boot_objections([step(file=None), step(namespace="blue")], empty)


def test_files_that_cannot_be_read_again_prove_nothing():
    """The reason is said."""
    absent = Facts(Absent(AbsentReason.NOT_PERMITTED, "needs root"))
    (line,) = proof.boot_objections([step()], absent)
    assert "needs root" in line


def test_checks_of_files_are_told_apart():
    """Those of the shipped baseline that read what the next boot brings."""
    rules = load_ruleset("linux-server").for_host("web1", {}, lambda _: frozenset())
    about = proof.about_files(rules)
    assert "host.sysctl.lost_at_boot" in about
    assert "tcp.accept_queue.somaxconn" not in about


def test_only_what_checks_of_files_read_is_asked_again():
    """Once files are written not the whole audit is repeated, but what those checks take."""
    rules = load_ruleset("linux-server").for_host("web1", {}, lambda _: frozenset())
    about = proof.about_files(rules)
    assert about
    assert proof.probes_about(rules, sorted(about)[:1]) >= {"persisted", "system"}
    assert proof.probes_about(rules, about) < rules.probes
    assert frozenset() == proof.probes_about(rules, ()) - {"system"}
