"""What must be true of a host before a change is kept: the checks pass that it answers, and a boot brings the same.

Pure: facts that were read through a new connection go in, a line comes out for each thing that speaks against.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from netaudit.baseline.canonical import applied, same
from netaudit.baseline.evaluate import failures
from netaudit.baseline.reads import all_reads
from netaudit.baseline.select import HostRules, domains_read
from netaudit.facts.domains import DOMAINS, probes_for
from netaudit.model.facts import Facts, Persisted, PersistedValue
from netaudit.model.plan import HostPlan, Step
from netaudit.model.probe import OWN_PREFIX
from netaudit.model.reading import Absent
from netaudit.model.result import Result, Severity, Verdict
from netaudit.remedy.operations import operation_of

Failing: TypeAlias = Mapping[tuple[str, str], Severity]

BOOT_PROBES = ("persisted",)
BOOT_DOMAINS = frozenset({"persisted"})
WORTH_STOPPING = Severity.MEDIUM  # a new finding of less does not stop a batch
_PERSISTED = "facts.persisted"


def failing(rules: HostRules, facts: Facts, now: datetime, audited: Sequence[Result] | None = None) -> Failing:
    """How bad each failure is, by check and subject.

    ``audited`` is what an audit made of the same facts: what did not fail then needs no second look, unless there is
    a waiver, which may have ended since.
    """
    if audited is not None:
        passed = {result.check for result in audited if result.verdict is not Verdict.FAIL}
        checks = (check for check in rules.checks if check.waivers or check.compiled.check.id not in passed)
        rules = replace(rules, checks=tuple(checks))
    return {
        (check.compiled.check.id, subject): outcome.severity for check, subject, outcome in failures(rules, facts, now)
    }


def answered(plan: HostPlan, part: HostPlan, before: Failing) -> Failing:
    """The failures that a part of a plan must end: those of its checks that the plan does not leave alone.

    A check that steps of another class have a share in is proved by neither part alone, and left out.
    """
    left = {(each.check, each.subject) for each in plan.not_remedied}
    others = {check for step in plan.steps if step not in part.steps for check in step.checks}
    mine = {check for step in part.steps for check in step.checks} - others
    return {pair: severity for pair, severity in before.items() if pair[0] in mine and pair not in left}


def about_files(rules: HostRules) -> frozenset[str]:
    """The checks that read what the next boot would bring: a change proves them once its files are written."""
    return frozenset(
        check.compiled.check.id
        for check in rules.checks
        if any(read == _PERSISTED or read.startswith(f"{_PERSISTED}.") for read in all_reads(check.compiled.check))
    )


def probes_about(rules: HostRules, checks: Collection[str]) -> frozenset[str]:
    """The probes whose answers some checks of a host read."""
    meant = tuple(check for check in rules.checks if check.compiled.check.id in checks)
    domains = domains_read(meant)
    own = replace(rules, checks=meant, domains=domains).own
    return probes_for(domains & DOMAINS.keys()) | {f"{OWN_PREFIX}{name}" for name in own}


def foreseen(facts: Facts, steps: Sequence[Step]) -> Facts:
    """The facts as they would be with the running values of these steps."""
    for step in steps:
        facts = operation_of(step).foreseen(step.arguments, step.namespace, step.after, facts)
    return facts


def new_failures(now: Failing, allowed: Failing, about: Collection[str]) -> tuple[str, ...]:
    """A line for each failure worth stopping for that was neither there before nor foreseen.

    ``about`` are checks that say nothing yet: those of files that are still to be written.
    """
    return tuple(
        f"{check} fails now and did not before" + (f" ({subject})" if subject else "")
        for (check, subject), severity in sorted(now.items())
        if severity.rank >= WORTH_STOPPING.rank and check not in about and (check, subject) not in allowed
    )


def unanswered(before: Failing, now: Failing) -> tuple[str, ...]:
    """A line for each failure that is still there and no milder than it was."""
    return tuple(
        f"{check} still fails ({subject})" if subject else f"{check} still fails"
        for (check, subject), severity in before.items()
        if (found := now.get((check, subject))) is not None and found.rank >= severity.rank
    )


def boot_objections(steps: Sequence[Step], facts: Facts) -> tuple[str, ...]:
    """A line for each sysctl that the next boot would not set as it is now, by either loader.

    Only steps with a drop-in are judged: what a link's own configuration sets is not known before the link comes up.
    """
    kept = [step for step in steps if step.operation == "sysctl" and step.file is not None and not step.namespace]
    if not kept:
        return ()
    if isinstance(facts.persisted, Absent):
        return (f"what files set at boot could not be read again: {facts.persisted}",)
    return tuple(_boot_lines(kept, facts.persisted))


def _boot_lines(steps: Collection[Step], persisted: Persisted) -> Iterator[str]:
    loaders = (("the next boot", persisted.boot), ("sysctl --system", persisted.system))
    for step in steps:
        key = step.arguments["key"]
        for loader, values in loaders:
            entry = values.get(key)
            if entry is None:
                yield f"{loader} would not set {key}, although {step.file} should"
            elif not same(key, applied(key, step.after, entry.value), step.after):
                yield f"{loader} would set {key} to {entry.value} ({_place(entry)})"


def _place(entry: PersistedValue) -> str:
    return f"{entry.file}:{entry.line}"
