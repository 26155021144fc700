"""What changed between two runs, as a page for people and as rows for JSON (``schema/diff-1.json``)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from netaudit.fleet.drift import Change, Drift, FindingChange, HostChange, Seen
from netaudit.fleet.drift_settings import SettingChange
from netaudit.fleet.rows import fleet_row, run_row
from netaudit.fleet.spread import plain
from netaudit.fleet.standing import Standing
from netaudit.model.result import FleetFinding, HostStatus, RunInfo, Severity
from netaudit.model.spell import Spell
from netaudit.report.history import since_rows, spell_row
from netaudit.report.page import Block, Line, Pair, Role, Row, Span, Spans
from netaudit.report.values import change_texts, one
from netaudit.report.words import NO_LABEL, Options, Words, count, hosts_label, text_row

SCHEMA = "netaudit.diff/1"
T = TypeVar("T")
_LINES = 30  # of one block, unless all is asked for

_HEADINGS = {
    Change.NEW: ("NEW", Role.BAD, "that the earlier run did not have"),
    Change.FIXED: ("FIXED", Role.GOOD, "gone"),
    Change.CHANGED: ("CHANGED", Role.WARN, "with another value, expectation or severity"),
    Change.WAIVED: ("WAIVED", Role.TITLE, "allowed to stand since"),
    Change.NOT_KNOWN: ("NOT KNOWN", Role.WARN, "that the later run could not decide"),
    Change.NOT_JUDGED: ("NOT JUDGED", Role.FAINT, "of checks that the later run did not have"),
}


@dataclass(frozen=True, slots=True)
class Past:
    """How long the findings of the two runs have stood."""

    before: Standing
    after: Standing

    def of(self, each: FindingChange) -> Spell | None:
        """The spell of a finding: of one that is gone, that which the earlier run saw."""
        standing = self.after if each.after is not None else self.before
        return standing.of(each.check, each.host)


@dataclass(frozen=True, slots=True)
class Settings:
    """What was set otherwise. ``hosts`` were compared; of others one run has no capture. None: not asked for."""

    changes: tuple[SettingChange, ...] = ()
    hosts: int = 0
    without_capture: int = 0


def diff_rows(
    before: RunInfo, after: RunInfo, drift: Drift, settings: Settings | None, past: Past | None = None
) -> dict[str, object]:
    """The object of two runs. ``past`` knows how long their findings have stood."""
    return {
        "schema": SCHEMA,
        "before": run_row(before),
        "after": run_row(after),
        "summary": {change.value.replace("-", "_"): _number(drift, change) for change in Change},
        "findings": [_finding_row(each, past) for each in drift.findings],
        "fleet": [{"change": change.value, **fleet_row(finding)} for change, finding in drift.across],
        "hosts": [
            {"host": each.host, "before": _status(each.before), "after": _status(each.after), "reason": each.reason}
            for each in drift.hosts
        ],
        "settings": None
        if settings is None
        else {
            "hosts": settings.hosts,
            "without_capture": settings.without_capture,
            "changes": [
                {"host": each.host, "setting": each.name, "before": each.before, "after": each.after}
                for each in settings.changes
            ],
        },
    }


def _number(drift: Drift, change: Change) -> int:
    return drift.unchanged if change is Change.UNCHANGED else drift.count(change)


def _status(status: HostStatus | None) -> str | None:
    return status.value if status else None


def _finding_row(each: FindingChange, past: Past | None) -> dict[str, object]:
    row: dict[str, object] = {
        "change": each.change.value,
        "host": each.host,
        "check": each.check,
        "subject": each.subject,
        "title": each.title,
        "unit": each.unit,
        "before": _seen_row(each.before),
        "after": _seen_row(each.after),
    }
    if each.reason:
        row["reason"] = each.reason
    spell = past.of(each) if past else None
    if spell is not None:
        row["spell"] = {name: value for name, value in spell_row(spell).items() if name not in row}
    return row


def _seen_row(seen: Seen | None) -> dict[str, object] | None:
    if seen is None:
        return None
    return {"severity": seen.severity.value, "observed": seen.observed, "expected": seen.expected}


def diff_page(
    before: RunInfo,
    after: RunInfo,
    drift: Drift,
    settings: Settings | None,
    options: Options,
    past: Past | None = None,
) -> tuple[Block, ...]:
    """The page of two runs: findings, hosts, settings, and the totals last."""
    options = replace(options, standing=past.after if past else None)
    blocks = [
        _heading(before, after, options),
        *(_findings(drift, change, past, options) for change in _HEADINGS),
        _hosts(drift.hosts, options),
        _settings(settings, options),
        _totals(drift),
    ]
    return tuple(block for block in blocks if block)


def _heading(before: RunInfo, after: RunInfo, options: Options) -> Block:
    words = Words(options)
    lines: list[Line] = [
        Row(Span("diff", Role.TITLE), (Span(words.say(f"{before.id} {options.signs.arrow} {after.id}"), Role.TITLE),))
    ]
    lines += [
        text_row(label, f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC, {words.say(run.command)} {words.say(run.pattern)}")
        for label, run in (("before", before), ("after", after))
    ]
    if before.baseline and after.baseline and before.baseline.sha256 != after.baseline.sha256:
        names = " and ".join(f"{each.name} {each.sha256[:12]}" for each in (before.baseline, after.baseline))
        said = f"The rules differ ({words.say(names)}): what changed may be the rules and not the hosts."
        lines.append(Row(Span("NOTE", Role.WARN), (Span(said, Role.WARN),)))
    if before.version != after.version:
        said = f"The runs were made by netaudit {words.say(before.version)} and {words.say(after.version)}."
        lines.append(Row(Span("NOTE", Role.WARN), (Span(said),)))
    return tuple(lines)


def _findings(drift: Drift, change: Change, past: Past | None, options: Options) -> Block:
    """The findings that changed in one way: a line for each check and each pair of values."""
    found = [each for each in drift.findings if each.change is change]
    remarks = [] if options.verbose else [each for each in found if each.severity is Severity.INFO]
    found = [each for each in found if each not in remarks] if remarks else found
    across = [finding for kind, finding in drift.across if kind is change]
    number = len(found) + len(across) + len(remarks)
    if not number:
        return ()
    label, role, said = _HEADINGS[change]
    lines: list[Line] = [Row(Span(label, role), (Span(f"{count(number, 'finding')} {said}", Role.TITLE),))]
    together = _together(found, lambda each: (each.check, each.subject, each.before, each.after, each.reason))
    lines += [line for finding in across for line in _fleet_lines(finding, options)]
    shown = together if options.verbose else together[:_LINES]
    for check in _together(shown, lambda group: group[0].check):
        lines.append(_title(check[0][0], options))
        lines += [Pair(_hosts_of(group), _change(group[0], options), _names(group, options)) for group in check]
        lines += _past_rows(change, [each for group in check for each in group], past, options)
    lines.extend(_left_out(len(together) - len(shown), options))
    if remarks:
        lines.append(
            Row(NO_LABEL, (Span(f"and {count(len(remarks), 'remark')}, no fault; -v shows them", Role.FAINT),))
        )
    return tuple(lines)


def _past_rows(change: Change, found: Sequence[FindingChange], past: Past | None, options: Options) -> Iterator[Line]:
    """Since when they fail, or which run saw them gone."""
    if past is None:
        return
    hosts = list(dict.fromkeys(each.host for each in found))
    if change in {Change.NEW, Change.CHANGED}:
        yield from since_rows(found[0].check, hosts, options)
    if change is Change.FIXED:
        spells = [spell for each in found if (spell := past.of(each)) and spell.fixed_run]
        words = Words(options)
        for run, gone in _by_run(spells).items():
            where = f" on {words.hosts(gone)}" if len(gone) < len(hosts) else ""
            yield text_row("fixed", f"by run {words.say(run)}{where}")


def _by_run(spells: Iterable[Spell]) -> dict[str, list[str]]:
    """The hosts of the spells that each run saw gone."""
    runs: dict[str, list[str]] = {}
    for spell in spells:
        hosts = runs.setdefault(spell.fixed_run or "", [])
        if spell.host not in hosts:
            hosts.append(spell.host)
    return runs


def _title(each: FindingChange, options: Options) -> Line:
    words = Words(options)
    label = Span(each.severity.value.upper(), Role(each.severity.value))
    return Row(label, (Span(words.say(each.title), Role.TITLE), Span(f"  {words.say(each.check)}", Role.FAINT)))


def _fleet_lines(finding: FleetFinding, options: Options) -> Iterator[Line]:
    words = Words(options)
    label = Span(finding.severity.value.upper(), Role(finding.severity.value))
    title = Span(words.say(finding.title), Role.TITLE), Span(f"  {words.say(finding.check)}", Role.FAINT)
    yield Row(label, title)
    yield text_row("", words.say(finding.evidence))


def _change(each: FindingChange, options: Options) -> Spans:
    """``eth0: 4096 → 128, expected ≥ 4096``: of a finding that is new or gone, only what it was."""
    words = Words(options)
    subject = (Span(f"{words.say(each.subject)}: "),) if each.subject else ()
    before, wanted_before = _texts(each.before, each.unit, options)
    after, wanted_after = _texts(each.after, each.unit, options)
    severity = each.severity.value
    if each.before is None or each.after is None:
        seen, wanted = (after, wanted_after) if each.after else (before, wanted_before)
        tail = (Span(f", expected {wanted}" if seen else f"expected {wanted}", Role.FAINT),) if wanted else ()
        reason = (Span(f"  ({words.say(each.reason)})", Role.FAINT),) if each.reason else ()
        return *subject, Span(seen, Role(severity)), *tail, *reason
    spans: list[Span] = [*subject, Span(before, Role.FAINT), Span(f" {options.signs.arrow} ", Role.FAINT)]
    spans.append(Span(after, Role(severity)))
    if wanted_before != wanted_after:
        spans.append(Span(f", expected {wanted_before} {options.signs.arrow} {wanted_after}", Role.FAINT))
    elif wanted_after:
        spans.append(Span(f", expected {wanted_after}", Role.FAINT))
    if each.before.severity is not each.after.severity:
        spans.append(Span(f", was {each.before.severity.value}", Role.FAINT))
    return tuple(spans)


def _texts(seen: Seen | None, unit: str | None, options: Options) -> tuple[str, str]:
    if seen is None:
        return "", ""
    return change_texts(one(seen.observed), one(plain(seen.expected)), unit, options.signs, per_host=False)


def _hosts(hosts: Sequence[HostChange], options: Options) -> Block:
    if not hosts:
        return ()
    words = Words(options)
    said = Span(f"{count(len(hosts), 'host')} came or went", Role.TITLE)
    lines: list[Line] = [Row(Span("HOSTS", Role.TITLE), (said,))]
    for group in _together(hosts, lambda each: (each.before, each.after)):
        names = Span(words.hosts([each.host for each in group]), Role.HOSTS)
        lines.append(Pair(hosts_label(len(group)), _coming(group[0], options), (names,)))
        reasons = list(dict.fromkeys(each.reason for each in group if each.reason))
        if reasons:
            lines.append(text_row("", ("such as " if len(reasons) > 1 else "") + words.say(reasons[0])))
    return tuple(lines)


def _coming(each: HostChange, options: Options) -> Spans:
    if each.before is None:
        status = f", {each.after.value}" if each.after and each.after is not HostStatus.OK else ""
        return (Span(f"new{status}", Role.GOOD),)
    if each.after is None:
        return (Span("not asked any more", Role.WARN),)
    role = Role.GOOD if each.after is HostStatus.OK else Role.BAD
    return Span(f"{each.before.value} {options.signs.arrow} ", Role.FAINT), Span(each.after.value, role)


def _settings(settings: Settings | None, options: Options) -> Block:
    """What is set otherwise, findings or not."""
    if settings is None:
        return ()
    words = Words(options)
    together = _together(settings.changes, lambda each: (each.name, each.before, each.after))
    hosts = len({each.host for each in settings.changes})
    said = f"{count(len(together), 'change')} on {count(hosts, 'host')}, of {count(settings.hosts, 'host')} compared"
    label = Span("SETTINGS", Role.WARN if settings.changes else Role.TITLE)
    lines: list[Line] = [Row(label, (Span(said, Role.TITLE),))]
    shown = together if options.verbose else together[:_LINES]
    for group in shown:
        each = group[0]
        change = (
            Span(f"{words.say(each.name)} "),
            Span(words.say(_or_none(each.before)), Role.FAINT),
            Span(f" {options.signs.arrow} ", Role.FAINT),
            Span(words.say(_or_none(each.after)), Role.WARN),
        )
        lines.append(Pair(_hosts_of(group), change, _names(group, options)))
    lines.extend(_left_out(len(together) - len(shown), options))
    if settings.without_capture:
        said = f"{count(settings.without_capture, 'host')} could not be compared: the captures of one run are not kept"
        lines.append(Row(NO_LABEL, (Span(said, Role.FAINT),)))
    return tuple(lines)


def _or_none(value: str | None) -> str:
    return "(none)" if value is None else value or '""'


def _totals(drift: Drift) -> Block:
    numbers = [(change.value, _number(drift, change)) for change in Change]
    shown = [f"{number:,} {name.replace('-', ' ')}" for name, number in numbers if number]
    if not shown:
        return (Row(NO_LABEL, (Span("no finding in either run", Role.GOOD),)),)
    return (Row(NO_LABEL, (Span(", ".join(shown)),)),)


def _left_out(number: int, options: Options) -> Iterator[Line]:
    if number > 0 and not options.verbose:
        yield Row(NO_LABEL, (Span(f"and {number:,} more lines; -v shows them", Role.FAINT),))


def _hosts_of(group: Iterable[FindingChange] | Iterable[SettingChange]) -> Span:
    return hosts_label(len({each.host for each in group}))


def _names(group: Iterable[FindingChange] | Iterable[SettingChange], options: Options) -> Spans:
    return (Span(Words(options).hosts([each.host for each in group]), Role.HOSTS),)


def _together(values: Iterable[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    """Values with the same key, in the order of the first of them."""
    groups: dict[Hashable, list[T]] = {}
    for each in values:
        groups.setdefault(key(each), []).append(each)
    return list(groups.values())
