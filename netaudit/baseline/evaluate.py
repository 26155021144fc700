"""Holds one host's facts against its rules: a result for every check.

A check is evaluated for each of its subjects, in each network namespace if it says so, and folded into one result:
a failure decides before an unknown, an unknown before what is waived, that before a pass. An absent fact is never a
pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from netaudit.baseline.closures import Closure
from netaudit.baseline.compiled import Compiled
from netaudit.baseline.drift import Drift, drifting
from netaudit.baseline.memo import Memo, Parts
from netaudit.baseline.outcome import Outcome, Tally
from netaudit.baseline.outline import outline
from netaudit.baseline.saying import Said, bare, item, leave, say, subject_name, whole
from netaudit.baseline.schema import Extent
from netaudit.baseline.scope import RunningSysctls, Scope, WhyAbsent
from netaudit.baseline.select import HostCheck, HostRules
from netaudit.baseline.sight import Sight
from netaudit.baseline.unknown import IS_MISSING, Unknown, not_understood
from netaudit.baseline.values import shown
from netaudit.baseline.waivers import decision
from netaudit.facts.absence import why_absent
from netaudit.model.facts import Facts, Namespace, Sysctls
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.result import Item, Result, Verdict

_SILENT = IS_MISSING | {AbsentReason.NOT_ASKED}  # reasons for there being no list of namespaces that are not said


def evaluate(rules: HostRules, facts: Facts, now: datetime) -> tuple[Result, ...]:
    """A result for every check of the host's rules, in their order. ``now`` is UTC, and decides about waivers."""
    evaluation = _Evaluation(rules, facts, now)
    try:
        return evaluation.results()
    finally:
        evaluation.end()


def failures(rules: HostRules, facts: Facts, now: datetime) -> Iterator[tuple[HostCheck, str, Outcome]]:
    """Every subject of every check that fails, by name, with the names of its moment: what a remedy is worked out from.

    Before an expression is evaluated in the scope of an outcome its ``names`` must be put in place.
    """
    evaluation = _Evaluation(rules, facts, now)
    for check in rules.checks:
        for outcome in evaluation.failing(check):
            yield check, subject_name(check.compiled, outcome), outcome


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
        checks = self._rules.checks
        found: list[Result | None] = [None] * len(checks)
        panels = self._rules.panels.for_next() if self._alone else ()
        missed = [panel for panel in panels if not panel.answer(self._sight, found)]
        results = [self._result(check) if known is None else known for check, known in zip(checks, found, strict=True)]
        for panel in missed:
            panel.learn(self._sight, results)
        return tuple(results)

    def end(self) -> None:
        """Let go of what looks back at this evaluation, so that the facts of the host are freed with it."""
        del self._sight

    def failing(self, check: HostCheck) -> list[Outcome]:
        """The subjects that fail, the worst first; none where the check does not apply or cannot be told."""
        if check.skip is not None:
            return []
        memo = check.memo
        if memo is None or not self._is_of_one_namespace(check):
            return self._failing(check)
        sight = self._sight
        if _remembered_refusal(check, memo, sight, self._scope) is not None or memo.sound.seek(sight):
            return []
        found = self._failing(check)
        if not found:
            memo.sound.keep(sight, True)
        return found

    def _failing(self, check: HostCheck) -> list[Outcome]:
        tally = Tally()
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
            self._drift = drifting(self._rules, self._sight, self.verdict_with)
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
        refusal = _remembered_refusal(check, memo, sight, begin)
        if refusal is not None:
            return refusal
        found = memo.results.seek(sight)
        if found is None:
            found = self._in_parts(check, memo, sight, begin(check))
            memo.results.keep(sight, found)
        return found

    def _in_parts(self, check: HostCheck, memo: Memo, sight: Sight, scope: Scope) -> Result:
        """The result of a check that applies, of which parts may be remembered where hosts differ in others."""
        parts = memo.parts if memo.results.is_doubtful else None
        if parts is None:
            return self._judged(check, scope)
        chosen = parts.chosen.seek(sight)
        if isinstance(chosen, Result):
            return chosen
        known = parts.outlines.seek(sight)
        if known is not None:
            return known.filled(check.compiled, scope)
        return self._in_new_parts(check, parts, sight, scope, chosen)

    def _in_new_parts(
        self, check: HostCheck, parts: Parts, sight: Sight, scope: Scope, chosen: Sequence[int] | None
    ) -> Result:
        tally = Tally(chosen)
        empty = self._counted(check, scope, tally)
        if chosen is None and not tally.is_unsure:
            parts.chosen.keep(sight, empty if empty is not None else tuple(tally.chosen))
        if empty is not None:
            return empty
        said = [say(check.compiled, each) for each in tally.told()]
        if tally.is_plain and not parts.outlines.is_vain:
            parts.outlines.keep(sight, outline(check.compiled, tally, said, parts.rests))
        return self._folded(check, tally, said)

    def _worked_out(self, check: HostCheck) -> Result:
        made = check.compiled.check
        if check.skip is not None:
            return bare(check.compiled.check, Verdict.SKIPPED, check.skip)
        scope = self._scope(check)
        if made.extent is Extent.HOST or not self._namespaces():
            return self._in_one(check, scope)
        return self._in_all(check, scope)

    def _in_one(self, check: HostCheck, scope: Scope) -> Result:
        return _refusal(check, scope) or self._judged(check, scope)

    def _judged(self, check: HostCheck, scope: Scope) -> Result:
        """The result of a check that applies, in one namespace."""
        if check.compiled.subjects is None:
            return self._single(check, scope)
        tally = Tally()
        return self._counted(check, scope, tally) or self._folded(check, tally)

    def _counted(self, check: HostCheck, scope: Scope, tally: Tally) -> Result | None:
        """Fills an empty tally with what becomes of the subjects; the result where it stays empty."""
        subjects = check.compiled.subjects
        try:
            self._count(check, scope, tally)
        except Unknown as unknown:
            return bare(check.compiled.check, Verdict.UNKNOWN, unknown.reason)
        if not tally.is_empty:
            return None
        empty = subjects.empty(scope) if subjects is not None and subjects.empty is not None else "nothing to look at"
        return bare(check.compiled.check, Verdict.PASS, empty)

    def _single(self, check: HostCheck, scope: Scope) -> Result:
        names: dict[str, object] = {}
        outcome = _not_passed(check.compiled, scope, names)
        if outcome is None:
            outcome = Outcome(Verdict.PASS, check.compiled.check.severity, scope, names)
        else:
            self._waive(check, outcome)
        return self._whole(check, outcome, say(check.compiled, outcome))

    def _whole(
        self, check: HostCheck, worst: Outcome, said: Said, items: tuple[Item, ...] = (), passed: int = 0
    ) -> Result:
        beside = self._beside(check)
        if beside is not None:
            said.reason = f"{said.reason}; {beside}" if said.reason else beside
        return whole(check.compiled.check, worst.verdict, worst.severity, said, items, passed, leave(worst))

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
        tally = Tally()
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
            return refusal or bare(check.compiled.check, Verdict.PASS, "nothing to look at")
        return self._folded(check, tally)

    def _scopes(self, check: HostCheck) -> list[Scope]:
        found = []
        for name, facts, sysctls in self._namespaces():
            scope = Scope(facts, sysctls, check.variables, namespace=name)
            _define(scope, check.compiled)
            found.append(scope)
        return found

    def _count(self, check: HostCheck, scope: Scope, tally: Tally) -> None:
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
        where = None if tally.is_chosen else subjects.where
        for place in tally.chosen if tally.is_chosen else range(len(listed)):
            names = scope.begin(subjects.name, listed[place])
            try:
                if where is not None and not where(scope):
                    continue
            except Unknown as unknown:
                tally.is_unsure = True
                if not _is_of_the_host(scope, unknown):
                    tally.add(Outcome(Verdict.UNKNOWN, compiled.check.severity, scope, names, None, unknown))
            else:
                if not tally.is_chosen:
                    tally.chosen.append(place)
                self._count_one(check, scope, names, tally, place)

    def _count_one(self, check: HostCheck, scope: Scope, names: dict[str, object], tally: Tally, place: int) -> None:
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
        subject = subject_name(check.compiled, outcome)
        outcome.decision = decision(check.waivers, subject, outcome.names.get("value"), self._now)
        if outcome.decision.waiver is not None:
            outcome.verdict = Verdict.WAIVED

    def _folded(self, check: HostCheck, tally: Tally, said: Sequence[Said] | None = None) -> Result:
        """The one result of several subjects; ``said`` is what is said of those that are told of, if that is known."""
        compiled, told = check.compiled, tally.told()
        said = said if said is not None else [say(compiled, each) for each in told]
        items = [
            item(subject_name(compiled, each), each.verdict, each.severity, words)
            for each, words in zip(told, said, strict=True)
            if tally.rest
        ]
        return self._whole(check, told[0], said[0], tuple(items), tally.passed)


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
                return bare(check.compiled.check, Verdict.SKIPPED, otherwise(scope))
        except Unknown as unknown:
            return bare(check.compiled.check, Verdict.UNKNOWN, f"whether it applies: {unknown.reason}")
    return None


def _remembered_refusal(
    check: HostCheck, memo: Memo, sight: Sight, begin: Callable[[HostCheck], Scope]
) -> Result | None:
    """Why a check does not apply to such hosts, worked out when none before had the same."""
    if memo.condition_key is None:
        return None
    key = memo.condition_key(sight)
    try:
        return memo.refusals[key]
    except KeyError:
        refusal = _refusal(check, begin(check))
        memo.keep_refusal(key, refusal)
        return refusal


def _is_of_the_host(scope: Scope, unknown: Unknown | None) -> bool:
    """Whether a namespace gives no answer because the setting is not its own: then it is no subject."""
    if not scope.namespace or unknown is None:
        return False
    return unknown.absent.reason is AbsentReason.NOT_APPLICABLE


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


def _seen_from(facts: Facts, namespace: Namespace) -> tuple[str, Facts, RunningSysctls]:
    name = namespace.name or f"#{namespace.inode}"
    inside = namespace.sysctl
    sysctl = inside if isinstance(inside, Absent) else Sysctls(inside, {})
    seen = replace(facts, sysctl=sysctl, listeners=namespace.listeners)
    return name, seen, RunningSysctls(seen, _missing_in(name))


def _missing_in(name: str) -> WhyAbsent:
    return lambda key: Absent(AbsentReason.NOT_APPLICABLE, f"network namespace {name} has no {key} of its own")
