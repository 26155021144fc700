"""A diagnosis as the results of checks: so that the history, and every report of a past run, can tell it."""

from __future__ import annotations

from netaudit.diagnosis.catalogue import CAUSES
from netaudit.model.diagnosis import Cause, HostDiagnosis, Unseen
from netaudit.model.result import HostReport, Result, Verdict

PREFIX = "diagnosis."


def report_of(diagnosis: HostDiagnosis) -> HostReport:
    """The host with one result a cause: failed when it is implicated, unknown when it could not be looked for."""
    told = {cause.id for cause in diagnosis.causes} | {one.cause for one in diagnosis.unseen}
    follows = {each for cause in diagnosis.causes for each in cause.explains}
    quiet = tuple(_passed(name) for name in diagnosis.examined if name not in told and name not in follows)
    return HostReport(
        name=diagnosis.name,
        address=diagnosis.address,
        status=diagnosis.status,
        error=diagnosis.error,
        duration_s=diagnosis.duration_s,
        results=(*map(_failed, diagnosis.causes), *map(_unknown, diagnosis.unseen), *quiet),
        notes=diagnosis.notes,
    )


_RULES = {rule.id: rule for rule in CAUSES}


def _passed(name: str) -> Result:
    rule = _RULES[name]
    return Result(
        f"{PREFIX}{name}", rule.title, str(rule.layer), Verdict.PASS, rule.severity, remediation=rule.remediation
    )


def _failed(cause: Cause) -> Result:
    return Result(
        check=f"{PREFIX}{cause.id}",
        title=cause.title,
        layer=str(cause.layer),
        verdict=Verdict.FAIL,
        severity=cause.severity,
        observed=str(cause.confidence),
        evidence="; ".join((*map(str, cause.changes), *cause.evidence)) or None,
        reason=cause.summary,
        remediation=cause.remediation,
        fix=cause.fix,
    )


def _unknown(unseen: Unseen) -> Result:
    return Result(
        check=f"{PREFIX}{unseen.cause}",
        title=unseen.title,
        layer=str(unseen.layer),
        verdict=Verdict.UNKNOWN,
        severity=_RULES[unseen.cause].severity,
        remediation=_RULES[unseen.cause].remediation,
        reason=f"not observable: {unseen.reason}",
    )
