"""The page of two runs: findings that came, went or changed, hosts that came and went, and settings that are others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from netaudit.fleet.drift import Change, Drift, FindingChange, HostChange, Seen
from netaudit.fleet.drift_settings import SettingChange
from netaudit.model.result import HostStatus, RunInfo, Severity
from netaudit.report.diff import Settings
from netaudit.report.html.charts import strip
from netaudit.report.html.headline import Headline
from netaudit.report.html.page import pieces
from netaudit.report.html.times import time_text
from netaudit.report.signs import UNICODE
from netaudit.report.values import change_texts, one
from netaudit.report.words import count
from netaudit.units import format_duration

TONES = {
    Change.NEW: "high",
    Change.CHANGED: "medium",
    Change.WAIVED: "waived",
    Change.NOT_KNOWN: "unknown",
    Change.NOT_JUDGED: "skipped",
    Change.FIXED: "pass",
    Change.UNCHANGED: "info",
}
_WORDS = {change: change.value.replace("-", " ") for change in Change}


@dataclass(frozen=True, slots=True)
class FindingLine:
    """One finding that changed in the same way on several hosts."""

    change: str
    tone: str
    severity: Severity
    title: str
    check: str
    subject: str
    before: str
    after: str
    reason: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HostsLine:
    """Hosts whose status changed in the same way."""

    before: str
    after: str
    reason: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One setting that changed in the same way on several hosts."""

    name: str
    before: str
    after: str
    hosts: tuple[str, ...]


def drift_html(before: RunInfo, after: RunInfo, drift: Drift, settings: Settings | None = None) -> Iterator[str]:
    """One self-contained page of two runs, in pieces."""
    context = {
        "kind": "drift",
        "run": after,
        "before": before,
        "started": time_text(after.started_at),
        "before_started": time_text(before.started_at),
        "took": format_duration(after.duration_s),
        "headline": _headline(drift, settings),
        "findings": _findings(drift),
        "hosts": _hosts(drift.hosts),
        "settings": _settings(settings.changes) if settings else [],
        "compared": settings,
        "unchanged": drift.unchanged,
    }
    yield from pieces("drift.html", context, scripts=("rows.js",))


def _headline(drift: Drift, settings: Settings | None) -> Headline:
    new, fixed, changed = (drift.count(change) for change in (Change.NEW, Change.FIXED, Change.CHANGED))
    if new:
        title = f"{count(new, 'finding')} {'is' if new == 1 else 'are'} new"
    elif changed:
        title = f"{count(changed, 'finding')} changed"
    elif fixed:
        title = f"{count(fixed, 'finding')} fixed, and none is new"
    else:
        title = "No finding changed"
    said = [f"{fixed:,} fixed, {changed:,} changed, {drift.unchanged:,} as before."]
    if drift.hosts:
        said.append(f"{count(len(drift.hosts), 'host')} came, went or changed status.")
    if settings and settings.changes:
        said.append(
            f"{count(len(settings.changes), 'setting')} {'differs' if len(settings.changes) == 1 else 'differ'}."
        )
    numbers = [(change, drift.count(change)) for change in Change if change is not Change.UNCHANGED]
    parts = strip(
        [*((_WORDS[each], number, TONES[each]) for each, number in numbers), ("as before", drift.unchanged, "info")]
    )
    return Headline(title, " ".join(said), parts, ())


def _findings(drift: Drift) -> list[FindingLine]:
    found: dict[tuple[object, ...], tuple[FindingChange, list[str]]] = {}
    for each in drift.findings:
        key = (each.change, each.severity, each.check, each.subject, each.before, each.after, each.reason)
        found.setdefault(key, (each, []))[1].append(each.host)
    lines = [_finding(each, names) for each, names in found.values()]
    for change, across in drift.across:
        lines.append(
            FindingLine(
                _WORDS[change],
                TONES[change],
                across.severity,
                across.title,
                across.check,
                "",
                "" if change is Change.NEW else across.evidence,
                across.evidence if change is not Change.FIXED else "",
                "",
                across.hosts,
            )
        )
    order = list(_WORDS.values())
    return sorted(lines, key=lambda each: (order.index(each.change), -each.severity.rank, -len(each.hosts)))


def _finding(each: FindingChange, names: Sequence[str]) -> FindingLine:
    return FindingLine(
        change=_WORDS[each.change],
        tone=TONES[each.change],
        severity=each.severity,
        title=each.title,
        check=each.check,
        subject=each.subject,
        before=_seen(each.before, each.unit),
        after=_seen(each.after, each.unit) or ("in order" if each.change is Change.FIXED else ""),
        reason=each.reason,
        hosts=tuple(names),
    )


def _seen(seen: Seen | None, unit: str | None) -> str:
    if seen is None:
        return ""
    value, wanted = change_texts(one(seen.observed), one(seen.expected), unit, UNICODE, per_host=False)
    return f"{value}, expected {wanted}" if wanted else value


def _hosts(changes: Sequence[HostChange]) -> list[HostsLine]:
    found: dict[tuple[HostStatus | None, HostStatus | None, str], list[str]] = {}
    for each in changes:
        found.setdefault((each.before, each.after, each.reason), []).append(each.host)
    return [
        HostsLine(before.value if before else "not asked", after.value if after else "not asked", reason, tuple(names))
        for (before, after, reason), names in found.items()
    ]


def _settings(changes: Sequence[SettingChange]) -> list[SettingLine]:
    found: dict[tuple[str, str | None, str | None], list[str]] = {}
    for each in changes:
        found.setdefault((each.name, each.before, each.after), []).append(each.host)
    ranked = sorted(found.items(), key=lambda each: (-len(each[1]), each[0][0]))
    return [SettingLine(name, _or_none(old), _or_none(new), tuple(hosts)) for (name, old, new), hosts in ranked]


def _or_none(value: str | None) -> str:
    return "none" if value is None else value or '""'
