"""Puts what became of subjects in words: the results of checks, and their items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netaudit.baseline.compiled import Compiled
from netaudit.baseline.outcome import Outcome
from netaudit.baseline.schema import Check
from netaudit.baseline.scope import Scope
from netaudit.baseline.unknown import Unknown
from netaudit.model.result import Item, Result, Severity, Verdict, Waived


def subject_name(compiled: Compiled, outcome: Outcome) -> str:
    """What a subject is called, with the network namespace it is in."""
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
class Said:
    """The texts of one subject."""

    observed: object
    expected: str | None
    evidence: str | None
    reason: str | None
    fix: str | None


def say(compiled: Compiled, outcome: Outcome) -> Said:
    """The texts of an outcome, whose names know from then on what was expected."""
    scope = outcome.scope
    scope.names = names = outcome.names
    if compiled.subjects is not None and not names:
        return Said(None, None, None, _reason(outcome, scope), None)
    words, names["expected"] = compiled.wanted(scope, outcome.step)
    value = names.get("value")
    observed = None if isinstance(value, Unknown) else plain_value(value)
    evidence, reason = compiled.evidence(scope), _reason(outcome, scope)
    fix = compiled.fix(scope) if outcome.step is not None and compiled.fix is not None else None
    return Said(observed, words, evidence, reason, fix)


def item(subject: str, verdict: Verdict, severity: Severity, said: Said) -> Item:
    """One subject that did not pass."""
    return Item(
        subject,
        verdict,
        severity,
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


def whole(
    check: Check,
    verdict: Verdict,
    severity: Severity,
    said: Said,
    items: tuple[Item, ...] = (),
    passed: int = 0,
    waived: Waived | None = None,
) -> Result:
    """The result of a check, by its worst outcome."""
    return Result(
        check.id,
        check.title,
        check.layer,
        verdict,
        severity,
        said.observed,
        said.expected,
        check.unit,
        said.evidence,
        said.reason,
        check.remediation,
        said.fix,
        waived,
        items,
        passed,
    )


def bare(check: Check, verdict: Verdict, reason: str) -> Result:
    """A result without subjects: why there is no more to say."""
    return Result(
        check.id,
        check.title,
        check.layer,
        verdict,
        check.severity,
        unit=check.unit,
        reason=reason,
        remediation=check.remediation,
    )


def leave(outcome: Outcome) -> Waived | None:
    """The waiver that lets a failure stand."""
    waiver = outcome.decision.waiver if outcome.decision is not None else None
    if waiver is None:
        return None
    return Waived(waiver.reason, waiver.approver, waiver.ticket, waiver.expires)
