"""Failures as blocks of a page, equal ones of many hosts as one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from netaudit.fleet.fold import Folded, FoldedFinding
from netaudit.fleet.lines import FoldedLine
from netaudit.fleet.spread import Spread
from netaudit.model.result import FleetFinding, Severity, Verdict
from netaudit.report.history import since_rows
from netaudit.report.page import Block, Line, Pair, Role, Row, Span, Spans, spans_width
from netaudit.report.values import change_texts, subjects_text
from netaudit.report.words import (
    ADVICE_CHARS,
    EVIDENCE_CHARS,
    GAP,
    NO_BREAK,
    NO_LABEL,
    Options,
    Words,
    hosts_label,
    text_row,
)

_SENTENCE = re.compile(r".*?[.!?](?= |\Z)")
EXPLAINED = 3  # findings whose reason is told without being asked
_TEXTS_SHOWN = 3


def finding_block(finding: FoldedFinding, options: Options, *, explain: bool) -> Block:
    """One check at one severity: title, hosts with their values, why, where it was read, what to do."""
    words = Words(options)
    example = finding.lines[0].example
    lines: list[Line] = list(heading(finding.severity, finding.title, finding.check, options))
    lines.extend(_value_lines(finding, options))
    lines.extend(since_rows(finding.check, finding.hosts, options))
    lines.extend(text_rows("what", (line.example.reason for line in finding.lines), options))
    lines.extend(why_rows(finding.check, options, explain=explain))
    where = f" (on {example.host})" if len(finding.hosts) > 1 else ""
    if example.evidence:
        lines.append(text_row("read", words.say(example.evidence), words.say(where)))
    if example.fix:
        lines.append(text_row("fix", words.say(example.fix, ADVICE_CHARS)))
    return tuple(lines)


def fleet_block(finding: FleetFinding, options: Options, *, explain: bool) -> Block:
    """A finding that only several hosts together show."""
    words = Words(options)
    lines: list[Line] = list(heading(finding.severity, finding.title, finding.check, options))
    label = hosts_label(len(finding.hosts))
    lines.append(Row(label, (Span(words.hosts(finding.hosts), Role.HOSTS),)))
    lines.extend(why_rows(finding.check, options, explain=explain))
    lines.append(text_row("read", words.say(finding.evidence)))
    if finding.fix:
        lines.append(text_row("fix", words.say(finding.fix, ADVICE_CHARS)))
    return tuple(lines)


def heading(severity: Severity, title: str, check: str, options: Options) -> Iterator[Line]:
    """Severity, title and id, on one line if they fit."""
    words = Words(options)
    label = Span(severity.value.upper(), Role(severity.value))
    name, identity = Span(words.say(title), Role.TITLE), Span(words.say(check), Role.FAINT)
    if spans_width((name, identity)) + GAP <= options.body_columns:
        yield Row(label, (name, Span(" " * GAP), identity))
    else:
        yield Row(label, (name,))
        yield Row(NO_LABEL, (identity,))


def _value_lines(finding: FoldedFinding, options: Options) -> Iterator[Line]:
    """What was seen and expected, and on which hosts."""
    words = Words(options)
    for line in finding.lines:
        label = hosts_label(len(line.hosts))
        hosts = (Span(words.hosts(line.hosts), Role.HOSTS), *_group(line, words))
        yield Pair(label, _values(line, finding, options), hosts)


def _values(line: FoldedLine, finding: FoldedFinding, options: Options) -> Spans:
    spans = change_spans(line.observed, line.expected, finding.unit, finding.severity, options)
    if not line.subjects:
        return spans
    return Span(f"{subjects_text(line.subjects, options.signs)}: "), *spans


def change_spans(
    observed: Spread, expected: Spread, unit: str | None, severity: Severity, options: Options, *, single: bool = False
) -> Spans:
    """What was seen, in the colour of the severity, and what was expected; ``single`` values are of one host."""
    seen, wanted = change_texts(observed, expected, unit, options.signs, per_host=not single)
    if not wanted:
        return (Span(seen, Role(severity.value)),)
    if not seen:
        return Span("expected ", Role.FAINT), Span(wanted)
    return Span(seen, Role(severity.value)), Span(f" {options.signs.arrow} ", Role.FAINT), Span(wanted)


def _group(line: FoldedLine, words: Words) -> Spans:
    """Of which group these hosts are a part, or all."""
    if not line.group:
        return ()
    name = words.say(line.group)
    share = f"all of {name}" if line.group_hosts == len(line.hosts) else f"of {line.group_hosts} in {name}"
    return Span("  "), Span(f"({share})".replace(" ", NO_BREAK), Role.FAINT)


def text_rows(label: str, texts: Iterable[str | None], options: Options, limit: int = EVIDENCE_CHARS) -> Iterator[Line]:
    """The different ones of some texts under one label, the first few of them unless all are asked for."""
    different = list(dict.fromkeys(text for text in texts if text))
    shown = different if options.verbose else different[:_TEXTS_SHOWN]
    for place, text in enumerate(shown):
        yield text_row("" if place else label, Words(options).say(text, limit))
    if len(different) > len(shown):
        yield Row(NO_LABEL, (Span(f"and {len(different) - len(shown):,} more; -v shows them", Role.FAINT),))


def why_rows(check: str, options: Options, *, explain: bool) -> Iterator[Line]:
    """Why the check matters: its first sentence, or all of it when asked."""
    reason = " ".join(options.why.get(check, "").split())
    if not reason:
        return
    if options.verbose:
        yield text_row("why", Words(options).say(reason, 5_000))
    elif explain:
        first = _SENTENCE.match(reason)
        yield text_row("why", Words(options).say(first[0] if first else reason))


def finding_blocks(folded: Folded, fleet: Sequence[FleetFinding], options: Options) -> Iterator[Block]:
    """All failures, worst first; those across hosts come first among equals."""
    across = [finding for finding in fleet if finding.verdict is Verdict.FAIL]
    place = 0
    for severity in Severity:
        if severity is Severity.INFO and not options.verbose:
            remarks = [each for each in folded.findings if each.severity is severity]
            yield remarks_block([(hosts_label(len(each.hosts)), each.title, each.check) for each in remarks], options)
            continue
        for finding in across:
            if finding.severity is severity:
                yield fleet_block(finding, options, explain=place < EXPLAINED)
                place += 1
        for each in folded.findings:
            if each.severity is severity:
                yield finding_block(each, options, explain=place < EXPLAINED)
                place += 1


def remarks_block(remarks: Sequence[tuple[Span, str, str]], options: Options) -> Block:
    """What is worth knowing and no fault, a line each: label, title and id of a check."""
    if not remarks:
        return ()
    words = Words(options)
    lines: list[Line] = [Row(Span("INFO", Role.INFO), (Span("worth knowing, and no fault; -v says more", Role.FAINT),))]
    lines.extend(
        Row(label, (Span(words.say(title)), Span(" " * GAP), Span(words.say(check), Role.FAINT)))
        for label, title, check in remarks
    )
    return tuple(lines)
