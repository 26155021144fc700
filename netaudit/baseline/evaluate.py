"""Holds one host's facts against its rules: a result for every check.

A check is evaluated for each of its subjects, in each network namespace if it says so, and folded into one result:
a failure decides before an unknown, an unknown before what is waived, that before a pass. An absent fact is never a
pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from netaudit.baseline.closures import Closure
from netaudit.baseline.compiled import Compiled, Step
from netaudit.baseline.drift import Drift, drifting
from netaudit.baseline.memo import Memo, Sight, Verdicts
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

_SILENT = IS_MISSING | {AbsentReason.NOT_ASKED}  # reasons for there being no list of namespaces that are not said
_ORDER = {Verdict.FAIL: 0, Verdict.UNKNOWN: 1, Verdict.WAIVED: 2, Verdict.PASS: 3, Verdict.SKIPPED: 4}


def evaluate(rules: HostRules, facts: Facts, now: datetime) -> tuple[Result, ...]:
    """A result for every check of the host's rules, in their order. ``now`` is UTC, and decides about waivers."""
    return _Evaluation(rules, facts, now).results()


def failures(rules: HostRules, facts: Facts, now: datetime) -> Iterator[tuple[HostCheck, str, Outcome]]:
    """Every subject of every check that fails, by name, with the names of its moment: what a remedy is worked out from.

    Before an expression is evaluated in the scope of an outcome its ``names`` must be put in place.
    """
    evaluation = _Evaluation(rules, facts, now)
    for check in rules.checks:
        for outcome in evaluation.failing(check):
            yield check, _subject_name(check.compiled, outcome), outcome


@dataclass(slots=True)
class Outcome:
    """What became of one subject; ``names`` are those of the moment, to write texts with later."""

    verdict: Verdict
    severity: Severity
    scope: Scope
    names: dict[str, object]
    step: Step | None = None
    unknown: Unknown | None = None
    decision: Decision | None = None
    place: int = 0  # in the list of subjects


class _Tally:
    """What became of the subjects of one check: all that did not pass, the first that did, and how many did.

    Subjects to which the check does not apply count only when there are no others.
    """

    __slots__ = ("first", "passed", "rest", "skipped")

    def __init__(self) -> None:
        self.first: Outcome | None = None
        self.passed = 0
        self.rest: list[Outcome] = []
        self.skipped: Outcome | None = None

    def add(self, outcome: Outcome) -> None:
        """Count one that did not pass; those to which the check does not apply are not listed."""
        if outcome.verdict is not Verdict.SKIPPED:
            self.rest.append(outcome)
        elif self.skipped is None:
            self.skipped = outcome

    def add_pass(self, severity: Severity, scope: Scope, names: dict[str, object], place: int) -> None:
        """Count one that passed."""
        self.passed += 1
        if self.first is None:
            self.first = Outcome(Verdict.PASS, severity, scope, names, place=place)

    @property
    def verdicts(self) -> Verdicts | None:
        """What became of the subjects, to be recalled; None where that is more than passes and failures."""
        if self.is_empty or self.skipped is not None or any(each.verdict is not Verdict.FAIL for each in self.rest):
            return None
        failed = tuple([(each.place, each.step) for each in self.rest if each.step is not None])
        return Verdicts(failed, self.first.place if self.first is not None else None, self.passed)

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to look at."""
        return not self.rest and self.first is None and self.skipped is None


class _Evaluation:
    """One host at one moment."""

    def __init__(self, rules: HostRules, facts: Facts, now: datetime) -> None:
        self._rules = rules
        self._facts = facts
        self._now = now
        self._sysctls = RunningSysctls(facts, lambda name: why_absent(name, facts))
        self._kept: dict[str, object] = {}
        self._alone = _is_alone(facts)
        self._sight = Sight(facts, self._sysctls, self._drifting)
        self._sights: dict[int, Sight] = {}
        self._drift: Sequence[Drift] | None = None
        self._others: list[tuple[str, Facts, RunningSysctls]] | None = None

    def results(self) -> tuple[Result, ...]:
        """All results."""
        return tuple([self._result(check) for check in self._rules.checks])

    def failing(self, check: HostCheck) -> list[Outcome]:
        """The subjects that fail, the worst first; none where the check does not apply or cannot be told."""
        if check.skip is not None:
            return []
        tally = _Tally()
        inside = self._scopes(check) if check.compiled.check.extent is Extent.NAMESPACE else []
        for scope in [self._scope(check), *inside]:
            with suppress(Unknown):
                if all(when(scope) for when, _ in check.compiled.conditions):
                    self._count(check, scope, tally)
        found = [outcome for outcome in tally.rest if outcome.verdict is Verdict.FAIL]
        return sorted(found, key=lambda outcome: -outcome.severity.rank)

    def _scope(self, check: HostCheck) -> Scope:
        scope = Scope(self._facts, self._sysctls, check.variables, drift=self._drifting, kept=self._kept)
        _define(scope, check.compiled)
        return scope

    def _drifting(self) -> Sequence[Drift]:
        if self._drift is None:
            self._drift = drifting(self._rules, self._facts, self.verdict_with)
        return self._drift

    def _sight_of(self, facts: Facts) -> Sight:
        if facts is self._facts:
            return self._sight
        sight = self._sights.get(id(facts))
        if sight is None or sight.facts is not facts:
            sysctls = RunningSysctls(facts, lambda name: why_absent(name, facts))
            sight = self._sights[id(facts)] = Sight(facts, sysctls, tuple)
        return sight

    def verdict_with(self, check: HostCheck, facts: Facts) -> Verdict:
        """The verdict of a check on the host's own namespace, had it these facts."""
        sight = self._sight_of(facts)

        def begin(check: HostCheck) -> Scope:
            scope = Scope(facts, sight.sysctls, check.variables)
            _define(scope, check.compiled)
            return scope

        memo = check.memo
        if memo is not None and not memo.has_drift and self._is_of_one_namespace(check):
            return self._remembered(check, memo, sight, begin).verdict
        scope = begin(check)
        try:
            if not all(when(scope) for when, _ in check.compiled.conditions):
                return Verdict.SKIPPED
        except Unknown:
            return Verdict.UNKNOWN
        if check.compiled.subjects is not None:
            return self._judged(replace(check, waivers=()) if check.waivers else check, scope).verdict
        outcome = _not_passed(check.compiled, scope, {})
        return outcome.verdict if outcome is not None else Verdict.PASS

    def _namespaces(self) -> list[tuple[str, Facts, RunningSysctls]]:
        """The other namespaces, each with the facts as they are seen from inside it."""
        if self._others is None:
            listed = self._facts.namespaces
            self._others = [] if isinstance(listed, Absent) else [_seen_from(self._facts, each) for each in listed]
        return self._others

    # one check

    def _result(self, check: HostCheck) -> Result:
        memo = check.memo
        if memo is None or not self._is_of_one_namespace(check):
            return self._worked_out(check)
        return self._remembered(check, memo, self._sight, self._scope)

    def _is_of_one_namespace(self, check: HostCheck) -> bool:
        return self._alone or check.compiled.check.extent is Extent.HOST

    def _remembered(self, check: HostCheck, memo: Memo, sight: Sight, begin: Callable[[HostCheck], Scope]) -> Result:
        """The result for what a check looks at, worked out when no host before had the same."""
        scope: Scope | None = None
        if memo.condition_key is not None:
            key = memo.condition_key(sight)
            try:
                refusal = memo.refusals[key]
            except KeyError:
                scope = begin(check)
                refusal = _refusal(check, scope)
                memo.keep_refusal(key, refusal)
            if refusal is not None:
                return refusal
        results = memo.results
        if results.is_vain:
            return self._said_anew(check, memo, sight, scope or begin(check))
        key = results.key(sight)
        found = results.get(key)
        if found is None:
            found = self._said_anew(check, memo, sight, scope or begin(check))
            results.keep(key, found)
        return found

    def _said_anew(self, check: HostCheck, memo: Memo, sight: Sight, scope: Scope) -> Result:
        """The result of a check that applies; which subjects are in it is remembered, what is said of them is not."""
        verdicts = memo.verdicts
        if verdicts.is_vain:
            return self._judged(check, scope)
        key = verdicts.key(sight)
        known = verdicts.get(key)
        if known is not None:
            return self._folded(check, _recalled(check.compiled, scope, known))
        tally = _Tally()
        result = self._judged(check, scope, tally)
        if (found := tally.verdicts) is not None:
            verdicts.keep(key, found)
        return result

    def _worked_out(self, check: HostCheck) -> Result:
        made = check.compiled.check
        if check.skip is not None:
            return _bare(check, Verdict.SKIPPED, check.skip)
        scope = self._scope(check)
        if made.extent is Extent.HOST or not self._namespaces():
            return self._in_one(check, scope)
        return self._in_all(check, scope)

    def _in_one(self, check: HostCheck, scope: Scope) -> Result:
        return _refusal(check, scope) or self._judged(check, scope)

    def _judged(self, check: HostCheck, scope: Scope, tally: _Tally | None = None) -> Result:
        """The result of a check that applies, in one namespace. An empty tally that is given is filled."""
        subjects = check.compiled.subjects
        if subjects is None:
            return self._single(check, scope)
        tally = tally or _Tally()
        try:
            self._count(check, scope, tally)
        except Unknown as unknown:
            return _bare(check, Verdict.UNKNOWN, unknown.reason)
        if tally.is_empty:
            empty = subjects.empty(scope) if subjects.empty is not None else "nothing to look at"
            return _bare(check, Verdict.PASS, empty)
        return self._folded(check, tally)

    def _single(self, check: HostCheck, scope: Scope) -> Result:
        names: dict[str, object] = {}
        outcome = _not_passed(check.compiled, scope, names)
        if outcome is None:
            outcome = Outcome(Verdict.PASS, check.compiled.check.severity, scope, names)
        else:
            self._waive(check, outcome)
        return _whole(check, outcome, _said(check.compiled, outcome), (), 0, self._beside(check))

    def _beside(self, check: HostCheck) -> str | None:
        """That other namespaces could not be looked at, where a check means them too."""
        listed = self._facts.namespaces
        if check.compiled.check.extent is Extent.HOST or not isinstance(listed, Absent):
            return None
        if listed.reason in _SILENT:
            return None
        return f"other network namespaces were not looked at: {listed}"

    def _in_all(self, check: HostCheck, scope: Scope) -> Result:
        """Every namespace is a subject, or has the subjects of ``for_each``."""
        refusal = _refusal(check, scope)
        tally = _Tally()
        severity = check.compiled.check.severity
        for each in [scope, *self._scopes(check)]:
            try:
                if not all(when(each) for when, _ in check.compiled.conditions):
                    continue
                self._count(check, each, tally)
            except Unknown as unknown:
                if not _is_of_the_host(each, unknown):
                    tally.add(Outcome(Verdict.UNKNOWN, severity, each, {}, None, unknown))
        if tally.is_empty:
            return refusal or _bare(check, Verdict.PASS, "nothing to look at")
        return self._folded(check, tally)

    def _scopes(self, check: HostCheck) -> list[Scope]:
        found = []
        for name, facts, sysctls in self._namespaces():
            scope = Scope(facts, sysctls, check.variables, namespace=name)
            _define(scope, check.compiled)
            found.append(scope)
        return found

    def _count(self, check: HostCheck, scope: Scope, tally: _Tally) -> None:
        """Count what becomes of each subject of one namespace. Raises Unknown when the list itself is absent.

        A setting that a namespace does not have is none of its subjects.
        """
        compiled = check.compiled
        subjects = compiled.subjects
        if subjects is None:
            self._count_one(check, scope, {}, tally, 0)
            return
        listed = subjects.listed(scope)
        if not isinstance(listed, list | tuple):
            raise not_understood(f"{shown(listed)} is not a list")
        for place, subject in enumerate(listed):
            names = scope.begin(subjects.name, subject)
            try:
                if subjects.where is None or subjects.where(scope):
                    self._count_one(check, scope, names, tally, place)
            except Unknown as unknown:
                if not _is_of_the_host(scope, unknown):
                    tally.add(Outcome(Verdict.UNKNOWN, compiled.check.severity, scope, names, None, unknown))

    def _count_one(self, check: HostCheck, scope: Scope, names: dict[str, object], tally: _Tally, place: int) -> None:
        outcome = _not_passed(check.compiled, scope, names)
        if outcome is None:
            tally.add_pass(check.compiled.check.severity, scope, names, place)
        elif not _is_of_the_host(scope, outcome.unknown):
            outcome.place = place
            self._waive(check, outcome)
            tally.add(outcome)

    def _waive(self, check: HostCheck, outcome: Outcome) -> None:
        """Decide whether a waiver lets a failure stand."""
        if outcome.verdict is not Verdict.FAIL or not check.waivers:
            return
        subject = _subject_name(check.compiled, outcome)
        outcome.decision = decision(check.waivers, subject, outcome.names.get("value"), self._now)
        if outcome.decision.waiver is not None:
            outcome.verdict = Verdict.WAIVED

    def _folded(self, check: HostCheck, tally: _Tally) -> Result:
        compiled = check.compiled
        tally.rest.sort(key=lambda each: (_ORDER[each.verdict], -each.severity.rank))
        worst = tally.rest[0] if tally.rest else tally.first or tally.skipped
        if worst is None:
            raise ValueError("a tally that is folded has subjects")
        said = [_said(compiled, each) for each in tally.rest]
        items = tuple([_item(compiled, each, texts) for each, texts in zip(tally.rest, said, strict=True)])
        return _whole(
            check, worst, said[0] if said else _said(compiled, worst), items, tally.passed, self._beside(check)
        )


def _is_alone(facts: Facts) -> bool:
    """Whether there is no other namespace, and nothing to say about it, that a result might depend on."""
    others = facts.namespaces
    return others.reason in _SILENT if isinstance(others, Absent) else not others


def _define(scope: Scope, compiled: Compiled) -> None:
    """Give a scope the definitions of a check."""
    scope.definitions = compiled.definitions
    scope.lasting = dict.fromkeys(compiled.lasting)


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
    if not scope.namespace or unknown is None:
        return False
    return unknown.absent.reason is AbsentReason.NOT_APPLICABLE


def _recalled(compiled: Compiled, scope: Scope, known: Verdicts) -> _Tally:
    """What became of subjects, as it was with those of another host that cannot be told from them."""
    subjects, severity = compiled.subjects, compiled.check.severity
    if subjects is None:
        raise ValueError("verdicts are recalled of subjects")
    listed = cast("Sequence[object]", subjects.listed(scope))
    tally = _Tally()

    def names_of(place: int) -> dict[str, object]:
        names = scope.begin(subjects.name, listed[place])
        if compiled.value is not None:
            names["value"] = _value(compiled.value, scope)
        return names

    for place, step in known.failed:
        tally.rest.append(Outcome(Verdict.FAIL, step.severity, scope, names_of(place), step, place=place))
    if known.first_passed is not None:
        tally.first = Outcome(Verdict.PASS, severity, scope, names_of(known.first_passed), place=known.first_passed)
    tally.passed = known.passed
    return tally


def _value(run: Closure, scope: Scope) -> object:
    """The value that is judged, or the Unknown that stands for it."""
    try:
        return run(scope)
    except Unknown as unknown:
        return unknown


def _not_passed(compiled: Compiled, scope: Scope, names: dict[str, object]) -> Outcome | None:
    """The first level that fails, else what is unknown, or skipped for want of a subject; None is a pass."""
    scope.names = names
    value: object = None
    if compiled.value is not None:
        names["value"] = value = _value(compiled.value, scope)
    lost: Unknown | None = None
    for step in compiled.steps:
        try:
            if not step.matcher.holds(scope, value):
                return Outcome(Verdict.FAIL, step.severity, scope, names, step)
        except Unknown as unknown:
            lost = lost or unknown
    if lost is None:
        return None
    verdict = Verdict.SKIPPED if _is_not_applicable(value) else Verdict.UNKNOWN
    return Outcome(verdict, compiled.check.severity, scope, names, None, lost)


def _is_not_applicable(value: object) -> bool:
    """Whether the host itself says that it has no such thing as the value of a check."""
    return isinstance(value, Unknown) and value.absent.reason is AbsentReason.NOT_APPLICABLE


def _subject_name(compiled: Compiled, outcome: Outcome) -> str:
    scope = outcome.scope
    place = f"netns {scope.namespace}" if scope.namespace else ""
    if compiled.subjects is None:
        return place or "host"
    scope.names = outcome.names
    if not outcome.names:  # the list of subjects itself is absent
        return place or "host"
    name = compiled.subjects.subject(scope)
    return f"{place}: {name}" if place else name


@dataclass(slots=True)
class _Said:
    """The texts of one subject."""

    observed: object
    expected: str | None
    evidence: str | None
    reason: str | None
    fix: str | None


def _said(compiled: Compiled, outcome: Outcome) -> _Said:
    scope = outcome.scope
    scope.names = names = outcome.names
    if compiled.subjects is not None and not names:
        return _Said(None, None, None, _reason(outcome, scope), None)
    words, names["expected"] = compiled.wanted(scope, outcome.step)
    value = names.get("value")
    observed = None if isinstance(value, Unknown) else plain_value(value)
    evidence, reason = compiled.evidence(scope), _reason(outcome, scope)
    return _Said(observed, words, evidence, reason, compiled.fix(scope) if outcome.step is not None else None)


def _item(compiled: Compiled, outcome: Outcome, said: _Said) -> Item:
    """One subject that did not pass."""
    return Item(
        _subject_name(compiled, outcome),
        outcome.verdict,
        outcome.severity,
        said.observed,
        said.expected or "",
        said.evidence or "",
        said.reason,
        said.fix,
    )


def plain_value(value: object) -> object:
    """A value as JSON can hold it."""
    if value.__class__ is int or value.__class__ is str:
        return value
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): plain_value(item) for name, item in value.items()}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def _reason(outcome: Outcome, scope: Scope) -> str | None:
    if outcome.verdict is Verdict.PASS:
        return None
    parts = []
    if outcome.unknown is not None:
        parts.append(outcome.unknown.reason)
    if outcome.step is not None and outcome.step.note is not None:
        parts.append(outcome.step.note(scope))
    if outcome.decision is not None:
        parts.extend(outcome.decision.notes)
    return "; ".join(parts) or None


def _whole(
    check: HostCheck, worst: Outcome, said: _Said, items: tuple[Item, ...], passed: int, beside: str | None
) -> Result:
    made = check.compiled.check
    reason = "; ".join([part for part in (said.reason, beside) if part]) if said.reason or beside else None
    return Result(
        made.id,
        made.title,
        made.layer,
        worst.verdict,
        worst.severity,
        said.observed,
        said.expected,
        made.unit,
        said.evidence,
        reason,
        made.remediation,
        said.fix,
        _leave(worst),
        items,
        passed,
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
