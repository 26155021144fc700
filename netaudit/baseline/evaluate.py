"""Holds one host's facts against its rules: a result for every check.

A check is evaluated for each of its subjects, in each network namespace if it says so, and folded into one result:
a failure decides before an unknown, an unknown before what is waived, that before a pass. An absent fact is never a
pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from netaudit.baseline.compiled import Compiled, Step
from netaudit.baseline.drift import Drift, drifting
from netaudit.baseline.schema import Extent
from netaudit.baseline.scope import RunningSysctls, Scope, WhyAbsent
from netaudit.baseline.select import HostCheck, HostRules
from netaudit.baseline.unknown import IS_MISSING, Unknown, not_understood
from netaudit.baseline.values import shown
from netaudit.baseline.waivers import Decision, decision
from netaudit.facts.absence import why_absent
from netaudit.model.facts import Facts, Namespace, Sysctls
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.result import Item, Result, Severity, Verdict, Waived

_ORDER = {Verdict.FAIL: 0, Verdict.UNKNOWN: 1, Verdict.WAIVED: 2, Verdict.PASS: 3, Verdict.SKIPPED: 4}


def evaluate(rules: HostRules, facts: Facts, now: datetime) -> tuple[Result, ...]:
    """A result for every check of the host's rules, in their order. ``now`` is UTC, and decides about waivers."""
    return _Evaluation(rules, facts, now).results()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one subject; ``names`` are those of the moment, to write texts with later."""

    verdict: Verdict
    severity: Severity
    scope: Scope
    names: dict[str, object]
    step: Step | None = None
    unknown: Unknown | None = None
    decision: Decision | None = None


class _Evaluation:
    """One host at one moment."""

    def __init__(self, rules: HostRules, facts: Facts, now: datetime) -> None:
        self._rules = rules
        self._facts = facts
        self._now = now
        self._sysctls = RunningSysctls(facts, lambda name: why_absent(name, facts))
        self._drift: Sequence[Drift] | None = None
        self._others: list[tuple[str, Facts, RunningSysctls]] | None = None

    def results(self) -> tuple[Result, ...]:
        """All results."""
        return tuple([self._result(check) for check in self._rules.checks])

    def _scope(self, check: HostCheck) -> Scope:
        scope = Scope(self._facts, self._sysctls, check.variables, drift=self._drifting)
        scope.definitions = check.compiled.definitions
        return scope

    def _drifting(self) -> Sequence[Drift]:
        if self._drift is None:
            self._drift = drifting(self._rules, self._facts, self.verdict_with)
        return self._drift

    def verdict_with(self, check: HostCheck, facts: Facts) -> Verdict:
        """The verdict of a check on the host's own namespace, had it these facts."""
        scope = Scope(facts, RunningSysctls(facts, lambda name: why_absent(name, facts)), check.variables)
        scope.definitions = check.compiled.definitions
        try:
            if not all(when(scope) for when, _ in check.compiled.conditions):
                return Verdict.SKIPPED
        except Unknown:
            return Verdict.UNKNOWN
        return _judged(check.compiled, scope).verdict

    def _namespaces(self) -> list[tuple[str, Facts, RunningSysctls]]:
        """The other namespaces, each with the facts as they are seen from inside it."""
        if self._others is None:
            listed = self._facts.namespaces
            self._others = [] if isinstance(listed, Absent) else [_seen_from(self._facts, each) for each in listed]
        return self._others

    # one check

    def _result(self, check: HostCheck) -> Result:
        made = check.compiled.check
        if check.skip is not None:
            return _bare(check, Verdict.SKIPPED, check.skip)
        scope = self._scope(check)
        if made.extent is Extent.HOST or not self._namespaces():
            return self._in_one(check, scope)
        return self._in_all(check, scope)

    def _in_one(self, check: HostCheck, scope: Scope) -> Result:
        refusal = _refusal(check, scope)
        if refusal is not None:
            return refusal
        subjects = check.compiled.subjects
        if subjects is None:
            return self._single(check, scope)
        try:
            outcomes = self._outcomes(check, scope)
        except Unknown as unknown:
            return _bare(check, Verdict.UNKNOWN, unknown.reason)
        if not outcomes:
            empty = subjects.empty(scope) if subjects.empty is not None else "nothing to look at"
            return _bare(check, Verdict.PASS, empty)
        return self._folded(check, outcomes)

    def _single(self, check: HostCheck, scope: Scope) -> Result:
        outcome = self._waived(check, _judged(check.compiled, scope), "")
        item = _item(check.compiled, outcome, "")
        return _whole(check, outcome, item, (), 0, self._beside(check))

    def _beside(self, check: HostCheck) -> str | None:
        """That other namespaces could not be looked at, where a check means them too."""
        listed = self._facts.namespaces
        if check.compiled.check.extent is Extent.HOST or not isinstance(listed, Absent):
            return None
        if listed.reason in {AbsentReason.NOT_ASKED, *IS_MISSING}:
            return None
        return f"other network namespaces were not looked at: {listed}"

    def _in_all(self, check: HostCheck, scope: Scope) -> Result:
        """Every namespace is a subject, or has the subjects of ``for_each``."""
        refusal = _refusal(check, scope)
        outcomes: list[Outcome] = []
        lost: Unknown | None = None
        for each in [scope, *self._scopes(check)]:
            try:
                if not all(when(each) for when, _ in check.compiled.conditions):
                    continue
                outcomes += self._outcomes(check, each)
            except Unknown as unknown:
                if not _is_of_the_host(each, unknown):
                    lost = lost or unknown
        if not outcomes and lost is not None:
            return _bare(check, Verdict.UNKNOWN, lost.reason)
        if not outcomes:
            return refusal or _bare(check, Verdict.PASS, "nothing to look at")
        if lost is not None:
            outcomes.append(Outcome(Verdict.UNKNOWN, check.compiled.check.severity, scope, {}, None, lost))
        return self._folded(check, outcomes)

    def _scopes(self, check: HostCheck) -> list[Scope]:
        found = []
        for name, facts, sysctls in self._namespaces():
            scope = Scope(facts, sysctls, check.variables, namespace=name)
            scope.definitions = check.compiled.definitions
            found.append(scope)
        return found

    def _outcomes(self, check: HostCheck, scope: Scope) -> list[Outcome]:
        """What became of each subject of one namespace. Raises Unknown when the list itself is absent.

        A setting that a namespace does not have is none of its subjects.
        """
        compiled = check.compiled
        if compiled.subjects is None:
            only = _judged(compiled, scope)
            if _is_of_the_host(scope, only.unknown):
                return []
            return [self._waived(check, only, _subject_name(compiled, only))]
        listed = compiled.subjects.listed(scope)
        if not isinstance(listed, list | tuple):
            raise not_understood(f"{shown(listed)} is not a list")
        found = []
        for subject in listed:
            outcome = _of_subject(compiled, scope, subject)
            if outcome is not None and not _is_of_the_host(scope, outcome.unknown):
                found.append(self._waived(check, outcome, _subject_name(compiled, outcome)))
        return found

    def _waived(self, check: HostCheck, outcome: Outcome, subject: str) -> Outcome:
        if outcome.verdict is not Verdict.FAIL or not check.waivers:
            return outcome
        made = decision(check.waivers, subject, outcome.names.get("value"), self._now)
        verdict = Verdict.WAIVED if made.waiver is not None else Verdict.FAIL
        return replace(outcome, verdict=verdict, decision=made)

    def _folded(self, check: HostCheck, outcomes: list[Outcome]) -> Result:
        worst = min(outcomes, key=lambda each: (_ORDER[each.verdict], -each.severity.rank))
        rest = [each for each in outcomes if each.verdict is not Verdict.PASS]
        rest.sort(key=lambda each: (_ORDER[each.verdict], -each.severity.rank))
        items = [_item(check.compiled, each, _subject_name(check.compiled, each)) for each in rest]
        shown_item = items[0] if items else _item(check.compiled, worst, "")
        return _whole(check, worst, shown_item, tuple(items), len(outcomes) - len(rest), self._beside(check))


def _refusal(check: HostCheck, scope: Scope) -> Result | None:
    """Why a check does not apply here, or why that cannot be told; None when it does."""
    for when, otherwise in check.compiled.conditions:
        try:
            if not when(scope):
                return _bare(check, Verdict.SKIPPED, otherwise(scope))
        except Unknown as unknown:
            return _bare(check, Verdict.UNKNOWN, f"whether it applies: {unknown.reason}")
    return None


def _is_of_the_host(scope: Scope, unknown: Unknown | None) -> bool:
    """Whether a namespace gives no answer because the setting is not its own: then it is no subject."""
    return bool(scope.namespace) and unknown is not None and unknown.absent.reason is AbsentReason.NOT_APPLICABLE


def _of_subject(compiled: Compiled, scope: Scope, subject: object) -> Outcome | None:
    """What became of one subject; None when ``where`` leaves it out."""
    subjects = compiled.subjects
    scope.names = {subjects.name: subject} if subjects is not None else {}
    try:
        if subjects is not None and subjects.where is not None and not subjects.where(scope):
            return None
    except Unknown as unknown:
        return Outcome(Verdict.UNKNOWN, compiled.check.severity, scope, scope.names, None, unknown)
    return _judged(compiled, scope, scope.names)


def _judged(compiled: Compiled, scope: Scope, names: dict[str, object] | None = None) -> Outcome:
    """The verdict on what the scope shows: the first level that fails, else what is unknown, else a pass."""
    scope.names = names = names if names is not None else {}
    if compiled.value is not None:
        try:
            names["value"] = compiled.value(scope)
        except Unknown as unknown:
            names["value"] = unknown
    lost: Unknown | None = None
    for step in compiled.steps:
        try:
            if not step.matcher.holds(scope, compiled.observed):
                return Outcome(Verdict.FAIL, step.severity, scope, names, step)
        except Unknown as unknown:
            lost = lost or unknown
    if lost is not None:
        return Outcome(Verdict.UNKNOWN, compiled.check.severity, scope, names, None, lost)
    return Outcome(Verdict.PASS, compiled.check.severity, scope, names)


def _subject_name(compiled: Compiled, outcome: Outcome) -> str:
    scope = outcome.scope
    place = f"netns {scope.namespace}" if scope.namespace else ""
    if compiled.subjects is None:
        return place or "host"
    scope.names = outcome.names
    name = compiled.subjects.subject(scope) if outcome.names else "host"
    return f"{place}: {name}" if place else name


def _item(compiled: Compiled, outcome: Outcome, subject: str) -> Item:
    """One subject with its texts."""
    scope = outcome.scope
    scope.names = names = outcome.names
    words, wanted = compiled.wanted(scope, outcome.step)
    names["expected"] = wanted
    value = names.get("value")
    return Item(
        subject,
        outcome.verdict,
        outcome.severity,
        None if isinstance(value, Unknown) else plain_value(value),
        words or "",
        compiled.evidence(scope) or "",
        _reason(outcome, scope),
    )


def plain_value(value: object) -> object:
    """A value as JSON can hold it."""
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): plain_value(item) for name, item in value.items()}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def _reason(outcome: Outcome, scope: Scope) -> str | None:
    parts = []
    if outcome.unknown is not None:
        parts.append(outcome.unknown.reason)
    if outcome.step is not None and outcome.step.note is not None:
        parts.append(outcome.step.note(scope))
    if outcome.decision is not None:
        parts.extend(outcome.decision.notes)
    return "; ".join(parts) or None


def _whole(
    check: HostCheck, worst: Outcome, item: Item, items: tuple[Item, ...], passed: int, beside: str | None
) -> Result:
    made = check.compiled.check
    failed = worst.verdict in {Verdict.FAIL, Verdict.WAIVED}
    worst.scope.names = worst.names
    reasons = [reason for reason in (item.reason, beside) if reason]
    return Result(
        check=made.id,
        title=made.title,
        layer=made.layer,
        verdict=worst.verdict,
        severity=worst.severity,
        observed=item.observed,
        expected=item.expected or None,
        unit=made.unit,
        evidence=item.evidence or None,
        reason="; ".join(reasons) or None,
        remediation=made.remediation,
        fix=check.compiled.fix(worst.scope) if failed else None,
        waived=_leave(worst),
        items=items,
        passed_items=passed,
    )


def _leave(outcome: Outcome) -> Waived | None:
    waiver = outcome.decision.waiver if outcome.decision is not None else None
    if waiver is None:
        return None
    return Waived(waiver.reason, waiver.approver, waiver.ticket, waiver.expires)


def _bare(check: HostCheck, verdict: Verdict, reason: str) -> Result:
    made = check.compiled.check
    return Result(
        made.id,
        made.title,
        made.layer,
        verdict,
        made.severity,
        unit=made.unit,
        reason=reason,
        remediation=made.remediation,
    )


def _seen_from(facts: Facts, namespace: Namespace) -> tuple[str, Facts, RunningSysctls]:
    name = namespace.name or f"#{namespace.inode}"
    inside = namespace.sysctl
    sysctl = inside if isinstance(inside, Absent) else Sysctls(inside, {})
    seen = replace(facts, sysctl=sysctl, listeners=namespace.listeners)
    return name, seen, RunningSysctls(seen, _missing_in(name))


def _missing_in(name: str) -> WhyAbsent:
    return lambda key: Absent(AbsentReason.NOT_APPLICABLE, f"network namespace {name} has no {key} of its own")
