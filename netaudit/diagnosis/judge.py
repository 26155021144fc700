"""Holds every cause of the catalogue against the window of one host, and ranks what remains."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from netaudit.diagnosis.catalogue import CAUSES, TITLES
from netaudit.diagnosis.rule import Case, CauseRule
from netaudit.diagnosis.window import Window
from netaudit.model.diagnosis import Cause, Change, Confidence, RuledOut, Unseen
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.result import Severity

_INDEX = re.compile(r"#[0-9]+(?=[./])", re.ASCII)
_ONE_SAMPLE = "one sample only: it shows in what grows"


def examined(window: Window) -> tuple[tuple[Cause, ...], tuple[Unseen, ...]]:
    """The causes that are implicated, the likeliest first, and those that could not be looked for."""
    found: dict[str, tuple[CauseRule, Case]] = {}
    unseen: list[Unseen] = []
    for rule in CAUSES:
        reason = _not_observable(rule, window)
        if reason is not None:
            unseen.append(Unseen(rule.id, rule.title, rule.layer, reason))
            continue
        case = rule.judge(window)
        if case is not None:
            found[rule.id] = (rule, case)
    followers = _followers(found)
    causes = [
        _cause(rule, case, window, followers.get(rule.id, ()))
        for rule, case in found.values()
        if not any(rule.id in those for those in followers.values())
    ]
    return tuple(sorted(causes, key=lambda cause: cause.order)), tuple(unseen)


def _followers(found: Mapping[str, tuple[CauseRule, Case]]) -> dict[str, tuple[str, ...]]:
    """For each cause those that follow from it. One that is only possible explains nothing."""
    explained: dict[str, tuple[str, ...]] = {}
    for name, (rule, case) in found.items():
        if case.confidence is not Confidence.POSSIBLE:
            explained[name] = tuple(each for each in rule.explains if each in found)
    return explained


def _cause(rule: CauseRule, case: Case, window: Window, explains: Sequence[str]) -> Cause:
    return Cause(
        id=rule.id,
        code=rule.code,
        title=rule.title,
        layer=rule.layer,
        severity=_severity(rule.severity, case.confidence),
        confidence=case.confidence,
        summary=case.summary,
        changes=tuple(_changes(case, window)),
        evidence=case.evidence,
        ruled_out=tuple(RuledOut(cause, TITLES[cause], fact) for cause, fact in case.ruled_out),
        subjects=case.subjects,
        fix=case.fix or rule.fix,
        checks=rule.checks,
        remediation=rule.remediation,
        look=rule.look,
        explains=tuple(explains),
    )


def _severity(severity: Severity, confidence: Confidence) -> Severity:
    """What is only possible is worth a look, and no alarm."""
    if confidence is Confidence.POSSIBLE and severity.rank > Severity.LOW.rank:
        return Severity.LOW
    return severity


def _changes(case: Case, window: Window) -> Iterator[Change]:
    for name in dict.fromkeys(case.changes):
        if window.deltas.up(name):
            yield replace(window.deltas.change(name), name=_INDEX.sub("", name))


def _not_observable(rule: CauseRule, window: Window) -> str | None:
    """Why this cause could not be looked for; None when it could."""
    reasons = []
    for need in rule.needs:
        alternatives = [_missing(each, window) for each in need.split("|")]
        if None not in alternatives:
            reasons.append(str(next(reason for reason in alternatives if reason)))
    if reasons:
        return reasons[0]
    return _ONE_SAMPLE if rule.grows and not window.has_growth else None


_DOMAINS = (
    ("conntrack.", "conntrack"), ("softnet[", "softnet"), ("qdisc ", "qdiscs"), ("arp_cache.", "neighbours"),
    ("TcpExt.", "netstat"), ("IpExt.", "netstat"), ("Ip6.", "snmp6"), ("Udp6.", "snmp6"), ("Icmp6.", "snmp6"),
    ("Tcp.", "snmp"), ("Udp.", "snmp"), ("Ip.", "snmp"), ("Icmp.", "snmp"), ("IcmpMsg.", "snmp"),
)  # fmt: skip


def _missing(need: str, window: Window) -> str | None:
    """Why a counter, family or domain is not there; None when it is."""
    if need.startswith("@"):
        value = getattr(window.last, need[1:])
        return _said(value) if isinstance(value, Absent) else None
    if window.deltas.has(need):
        return None
    domain = next(name for prefix, name in _DOMAINS if need.startswith(prefix))
    value = getattr(window.last, domain)
    if isinstance(value, Absent):
        return _said(value)
    if need in window.deltas.reset:
        return f"{need} was set back between samples"
    return f"this kernel does not count {need.rstrip('.[ ')}" if window.has_growth else _ONE_SAMPLE


def _said(value: Absent) -> str:
    """Why it is absent: what the probe itself said of what is not there, else how that came about."""
    probe, _, said = value.detail.partition(": ")
    by_itself = value.reason is AbsentReason.NOT_PRESENT and probe.startswith("probe ")
    return said if by_itself and said else str(value)
