"""What the remediations propose for the findings of a host, before anything is decided: which thing, which value.

A finding is one subject of a check that fails. A remediation answers it with one or more changes; each is worked out
in the scope of the check, with the names that the check itself uses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from netaudit.baseline.closures import closure, truth
from netaudit.baseline.outcome import Outcome
from netaudit.baseline.saying import say
from netaudit.baseline.schema import Check, Condition, Expression
from netaudit.baseline.scope import Scope
from netaudit.baseline.select import HostCheck
from netaudit.baseline.texts import text_of
from netaudit.baseline.unknown import Unknown
from netaudit.model.facts import Facts
from netaudit.model.plan import StepClass
from netaudit.model.reading import Absent
from netaudit.remedy.allowed import written
from netaudit.remedy.holders import listeners_text
from netaudit.remedy.operations.cpu_mask import mask_of
from netaudit.remedy.operations.rss import equal
from netaudit.remedy.refused import Refused
from netaudit.remedy.remediation import Remediation, Remediations, Rule, StepRule

UNANSWERED = "no remediation answers it"


@dataclass(frozen=True, slots=True)
class Target:
    """One thing of a host that can be changed. ``arguments`` are the operation's, by name."""

    operation: str
    namespace: str
    arguments: tuple[tuple[str, str], ...]

    @property
    def named(self) -> dict[str, str]:
        """The arguments as a mapping."""
        return dict(self.arguments)


@dataclass(slots=True)
class Finding:
    """One subject that fails, and where its expressions are evaluated."""

    check: HostCheck
    subject: str
    outcome: Outcome

    @property
    def id(self) -> str:
        """The check's id."""
        return self.check.compiled.check.id

    @property
    def namespace(self) -> str:
        """The network namespace it is about; empty for the one that was audited."""
        return self.outcome.scope.namespace

    def scope(self, **names: object) -> Scope:
        """The scope of the outcome with its names in place, and some more."""
        self.outcome.scope.names = {**self.outcome.names, **names}
        return self.outcome.scope

    def value(self, made: Expression, **names: object) -> object:
        """What an expression comes to. Raises Refused when it has no value."""
        try:
            return closure(made.tree)(self.scope(**names))
        except Unknown as unknown:
            raise Refused(f"the value cannot be worked out: {unknown.reason}") from unknown

    def holds(self, made: Expression, **names: object) -> bool:
        """Whether a condition is true. Raises Refused when that cannot be told."""
        try:
            return truth(made.tree)(self.scope(**names))
        except Unknown as unknown:
            raise Refused(f"whether it may be changed cannot be told: {unknown.reason}") from unknown

    def demand(self, conditions: Sequence[Condition], **names: object) -> None:
        """Raises Refused with the words of the first condition that does not hold."""
        for each in conditions:
            if not self.holds(each.when, **names):
                raise Refused(text_of(each.otherwise)(self.scope(**names)))


@dataclass(frozen=True, slots=True)
class Proposal:
    """One change that would answer a finding, in whole or in part."""

    finding: Finding
    remediation: Remediation
    rule: StepRule
    target: Target
    value: str


@dataclass(slots=True)
class Answer:
    """What one remediation makes of one finding: changes, what the operator should know, or only advice."""

    finding: Finding
    remediation: Remediation
    proposals: list[Proposal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)


Present = Callable[[Target], "str | Absent"]


def answer(finding: Finding, remediations: Remediations, facts: Facts, present: Present) -> Answer:
    """The first remediation whose conditions hold. Raises Refused with the reasons of those that do not."""
    candidates = remediations.answering(finding.id)
    if not candidates:
        raise Refused(UNANSWERED, fix_of(finding))
    reasons: list[Refused] = []
    for remediation in candidates:
        rule = remediation.rules[finding.id]
        try:
            finding.demand(rule.conditions)
            return _answered(finding, remediation, rule, facts, present)
        except Refused as refused:
            reasons.append(refused)
    raise Refused("; ".join(dict.fromkeys(each.reason for each in reasons)), reasons[0].advice or fix_of(finding))


def fix_of(finding: Finding) -> str:
    """The check's own words on what would put it right."""
    return say(finding.check.compiled, finding.outcome).fix or ""


def _answered(finding: Finding, remediation: Remediation, rule: Rule, facts: Facts, present: Present) -> Answer:
    made = Answer(finding, remediation)
    for step in rule.steps:
        if step.when is not None and not finding.holds(step.when):
            continue
        if step.operation == "advise":
            made.advice.append(text_of(step.arguments[0][1])(finding.scope()))
            continue
        made.proposals.append(_proposal(finding, remediation, step, present))
    words = {"listeners": listeners_text(finding.namespace, facts)}
    for tell in rule.tells:
        if tell.when is None or finding.holds(tell.when):
            made.notes.append(text_of(tell.say)(finding.scope(**words)))
    return made


def _proposal(finding: Finding, remediation: Remediation, step: StepRule, present: Present) -> Proposal:
    arguments = tuple((name, text_of(made)(finding.scope())) for name, made in step.arguments)
    target = Target(step.operation, finding.namespace, arguments)
    return Proposal(finding, remediation, step, target, _wanted(finding, step, target, present))


def _wanted(finding: Finding, step: StepRule, target: Target, present: Present) -> str:
    """The value that a step wants, as it is written."""
    fixed = {"load_module": "loaded", "restart": "active"}.get(step.operation)
    if fixed is not None:
        return fixed
    now = present(target)
    if step.keeps_running:
        return _known(now)
    value = finding.value(step.value) if step.value is not None else _own_value(finding, target)
    try:
        text = written(value)
        if step.operation == "cpu_mask":
            return mask_of(text, _known(now))
        if step.operation == "rss":
            return equal(text)
    except ValueError as error:
        raise Refused(str(error)) from error
    return text if step.field is None else _with_field(_known(now), step.field, text)


def _known(value: str | Absent) -> str:
    if isinstance(value, Absent):
        raise Refused(f"its present value is not known ({value})")
    return value


def _with_field(vector: str, place: int, number: str) -> str:
    parts = vector.split()
    if place >= len(parts):
        raise Refused(f"{vector!r} has no field {place}")
    return " ".join((*parts[:place], number, *parts[place + 1 :]))


def _own_value(finding: Finding, target: Target) -> object:
    """What the check's own ``set`` says of a key."""
    check: Check = finding.check.compiled.check
    for name, made in check.desired:
        if text_of(name)(finding.scope()) == target.named["key"]:
            return finding.value(made)
    raise Refused(f"the check does not say what {target.named['key']} should be here")


def class_of(proposals: Sequence[Proposal]) -> StepClass:
    """The most disruptive class of some remediations that want the same thing changed."""
    order = list(StepClass)
    return max((each.remediation.step_class for each in proposals), key=order.index)
