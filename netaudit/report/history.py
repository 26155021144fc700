"""How long findings have stood, in words: beside a finding, after a run, and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from netaudit.fleet.jsonable import time_text
from netaudit.fleet.standing import Standing
from netaudit.model.spell import FLAPPING_WITHIN, Spell
from netaudit.report.page import Block, Line, Pair, Role, Row, Span, Spans
from netaudit.report.words import NO_BREAK, NO_LABEL, Options, Words, count, hosts_label, text_row
from netaudit.units import format_duration

_ROWS = 15  # of what was fixed, unless all is asked for


def since_rows(check: str, hosts: Sequence[str], options: Options) -> Iterator[Line]:
    """Since when a finding stands on these hosts, on which it is new, and where it comes and goes."""
    standing = options.standing
    if standing is None or not standing.has_past:
        return
    words = Words(options)
    since = standing.since(check, hosts)
    label = "since"
    for text, remark in _since_texts(standing, since.older, words):
        yield text_row(label, text, remark)
        label = ""
    if since.new:
        everywhere = len(since.new) == len(hosts)
        text = "new in this run" if everywhere else f"new in this run on {words.hosts(since.new)}"
        yield Row(Span(label, Role.FAINT), (Span(text, Role.WARN),))
    if since.flapping:
        most = max(spell.recent for spell in since.flapping)
        names = words.hosts([spell.host for spell in since.flapping])
        text = f"up to {most} times in {FLAPPING_WITHIN.days} days on {names}"
        yield Row(Span("flaps", Role.FAINT), (Span(text, Role.WARN),))


def _since_texts(standing: Standing, older: Sequence[Spell], words: Words) -> Iterator[tuple[str, str]]:
    if not older:
        return
    first, last = older[0], older[-1]
    age = _age(first.since_at, standing.run.started_at)
    remark = f", {age} before, in run {words.say(first.since_run)}"
    if first.since_run == last.since_run:
        yield _when(first.since_at), remark
    else:
        yield f"{_when(first.since_at)} on {words.say(first.host)}", remark
        yield f"{_when(last.since_at)} on the last of them", ""


def fixed_block(standing: Standing | None, titles: Mapping[str, str], options: Options) -> Block:
    """What the run was the first to see gone, equal findings of many hosts as one."""
    if standing is None or not standing.fixed:
        return ()
    words = Words(options)
    by_check: dict[str, list[Spell]] = {}
    for spell in standing.fixed:
        by_check.setdefault(spell.check, []).append(spell)
    said = f"{count(len(standing.fixed), 'finding')} of earlier runs gone"
    lines: list[Line] = [Row(Span("FIXED", Role.GOOD), (Span(said, Role.TITLE),))]
    shown = list(by_check.items()) if options.verbose else list(by_check.items())[:_ROWS]
    for check, spells in shown:
        title = words.say(titles.get(check, check))
        hosts = [spell.host for spell in spells]
        lines.append(Pair(hosts_label(len(hosts)), (Span(title),), (Span(words.hosts(hosts), Role.HOSTS),)))
    if len(by_check) > len(shown):
        more = f"and {count(len(by_check) - len(shown), 'check')} more; -v shows them"
        lines.append(Row(NO_LABEL, (Span(more, Role.FAINT),)))
    return tuple(lines)


def spells_page(spells: Iterable[Spell], options: Options) -> tuple[Block, ...]:
    """A block for each check: since when it fails on which hosts, and on which it is gone, by which run."""
    words = Words(options)
    by_check: dict[tuple[str, str], list[list[Spell]]] = {}
    for together in _alike(spells):
        by_check.setdefault((together[0].check, together[0].rules), []).append(together)
    several = len({rules for _, rules in by_check}) > 1
    blocks = []
    for (check, rules), groups in by_check.items():
        severity = groups[0][0].severity
        label = Span(severity.value.upper(), Role(severity.value))
        against = Span(f"  against {words.say(rules)}" if several and rules else "", Role.FAINT)
        lines: list[Line] = [Row(label, (Span(words.say(check), Role.TITLE), against))]
        for group in groups:
            hosts = Span(words.hosts(list(dict.fromkeys(each.host for each in group))), Role.HOSTS)
            lines.append(Pair(hosts_label(len({each.host for each in group})), _span(group[0], options), (hosts,)))
        blocks.append(tuple(lines))
    return tuple(blocks)


def _span(spell: Spell, options: Options) -> Spans:
    """``2026-11-03 15:00 → stands, in 18 runs``."""
    words = Words(options)
    runs = f", in {count(spell.times, 'run')}"
    flaps = f", {spell.recent} times in {FLAPPING_WITHIN.days} days" if spell.is_flapping else ""
    began = Span(f"{_when(spell.since_at)} {options.signs.arrow} ")
    if spell.fixed_at is None:
        seen = f", seen {_when(spell.last_at)}"
        return began, Span("stands", Role.WARN), Span(seen + runs, Role.FAINT), Span(flaps, Role.WARN)
    by = f" by run {words.say(spell.fixed_run or '')}"
    return began, Span(f"fixed {_when(spell.fixed_at)}", Role.GOOD), Span(by + runs, Role.FAINT), Span(flaps, Role.WARN)


def spell_row(spell: Spell) -> dict[str, object]:
    """The JSON of one spell."""
    return {
        "host": spell.host,
        "check": spell.check,
        "baseline": spell.rules or None,
        "severity": spell.severity.value,
        "first_seen": time_text(spell.since_at),
        "first_run": spell.since_run,
        "last_seen": time_text(spell.last_at),
        "last_run": spell.last_run,
        "fixed": time_text(spell.fixed_at) if spell.fixed_at else None,
        "fixed_by": spell.fixed_run,
        "runs": spell.times,
        "flapping": spell.is_flapping,
    }


def _alike(spells: Iterable[Spell]) -> list[list[Spell]]:
    """Spells of one check that began, were seen last and ended with the same runs; those that stand come first."""
    together: dict[tuple[object, ...], list[Spell]] = {}
    for each in spells:
        key = (
            each.check,
            each.rules,
            each.severity,
            each.since_run,
            each.last_run,
            each.fixed_run,
            each.times,
            each.is_flapping,
        )
        together.setdefault(key, []).append(each)
    return sorted(
        together.values(),
        key=lambda group: (
            not group[0].stands,
            -group[0].severity.rank,
            -group[0].last_at.timestamp(),
            group[0].check,
            group[0].since_at,
        ),
    )


def _when(moment: datetime) -> str:
    """To the minute, in UTC as everywhere in the reports, kept on one line."""
    return f"{moment:%Y-%m-%d}{NO_BREAK}{moment:%H:%M}"


def _age(since: datetime, now: datetime) -> str:
    return format_duration(max(0.0, (now - since).total_seconds())).replace(" ", NO_BREAK)
