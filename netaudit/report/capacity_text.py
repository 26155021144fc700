"""The answer of ``netaudit capacity`` as a page: what breaks first, then every resource, the worst first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from netaudit.capacity.results import breaking_text, change_text, need_text
from netaudit.capacity.words import amount
from netaudit.fleet.fold import Folded
from netaudit.model.capacity import (
    Assessment,
    CapacityLine,
    CapacityVerdict,
    FigureNeed,
    FleetCapacity,
    Uncertainty,
    WorkloadRef,
)
from netaudit.model.natural import natural_key
from netaudit.model.result import RunInfo
from netaudit.report.page import Block, Line, Pair, Role, Row, Span, Spans
from netaudit.report.text import cautions, trouble_block
from netaudit.report.words import ADVICE_CHARS, NO_BREAK, NO_LABEL, Options, Words, count, hosts_label, text_row
from netaudit.units import format_duration

_LONG = 600  # characters of a formula
_LOOKS = {
    CapacityVerdict.BREAKS: (Role.HIGH, "BREAKS"),
    CapacityVerdict.TIGHT: (Role.MEDIUM, "TIGHT"),
    CapacityVerdict.UNKNOWN: (Role.WARN, "UNKNOWN"),
    CapacityVerdict.FITS: (Role.GOOD, "FITS"),
    CapacityVerdict.NOT_CONCERNED: (Role.FAINT, "NOT ASKED"),
}
_TOTALS = (
    (CapacityVerdict.BREAKS, "break", Role.BAD),
    (CapacityVerdict.TIGHT, "tight", Role.WARN),
    (CapacityVerdict.NEEDS_FIGURE, "need a figure", Role.WARN),
    (CapacityVerdict.UNKNOWN, "unknown", Role.WARN),
    (CapacityVerdict.FITS, "fit", Role.GOOD),
)


def capacity_page(
    run: RunInfo, workload: WorkloadRef, fleet: FleetCapacity, folded: Folded, options: Options
) -> tuple[Block, ...]:
    """The whole answer, block by block; the totals are last. ``folded`` tells of hosts that gave no answer."""
    blocks = [
        _heading(run, workload, folded, options),
        _first(fleet, options),
        *(_detail(line, options) for line in _of(fleet, CapacityVerdict.BREAKS, CapacityVerdict.TIGHT)),
        _needs(fleet, options),
        _listed(fleet, CapacityVerdict.UNKNOWN, "the host does not tell enough", options),
        _fits(fleet, options),
        _listed(fleet, CapacityVerdict.NOT_CONCERNED, "not touched by the load", options) if options.verbose else (),
        trouble_block(folded, options),
        _totals(fleet, folded, options),
    ]
    return tuple(block for block in blocks if block)


def _of(fleet: FleetCapacity, *verdicts: CapacityVerdict) -> Iterator[CapacityLine]:
    for line in fleet.lines:
        if line.weakest.verdict in verdicts:
            yield line


def _heading(run: RunInfo, workload: WorkloadRef, folded: Folded, options: Options) -> Block:
    words = Words(options)
    hosts = folded.only.name if folded.only else count(folded.summary.hosts, "host")
    times = f", {workload.scale:g} times" if workload.scale != 1 else ""
    body = (
        Span(words.say(f"{hosts} under {workload.name}{times}"), Role.TITLE),
        Span(f" {options.signs.dot} {format_duration(run.duration_s)} {options.signs.dot} {words.say(run.id)}"
             .replace(" ", NO_BREAK), Role.FAINT),
    )  # fmt: skip
    lines: list[Line] = [Row(Span(words.say(run.command), Role.TITLE), body)]
    if workload.title != workload.name:
        lines.append(text_row("load", words.say(workload.title)))
    lines.extend(
        Row(Span("WHAT IF", Role.WARN), (Span(words.say(f"{name} = {value}")),))
        for name, value in workload.what_if.items()
    )
    if workload.present == "additional":
        lines.append(text_row("present", "what is in use now comes on top of the load"))
    lines.extend(cautions(run, options))
    return tuple(lines)


def _first(fleet: FleetCapacity, options: Options) -> Block:
    """What breaks first, and on which host."""
    words = Words(options)
    if fleet.first is None:
        if not fleet.lines:
            return (Row(Span("FIRST", Role.TITLE), (Span("no load of this workload is for these hosts"),)),)
        return (Row(Span("FIRST", Role.TITLE), (Span("nothing that is known breaks, however high the load"),)),)
    row = fleet.first.weakest
    at = row.breaks_at or 0.0
    role = Role.BAD if at < 1 else Role.GOOD if row.verdict is CapacityVerdict.FITS else Role.WARN
    said: Spans = (Span(f"{_name(row, words)} ", Role.TITLE), Span(_sign(breaking_text(row), options), role))
    lines: list[Line] = [Row(Span("FIRST", Role.TITLE), said)]
    if fleet.hosts > 1:
        alike = len(fleet.first.hosts)
        weakest = f"weakest host {fleet.first.weakest_host}" + (f", of {count(alike, 'host')}" if alike > 1 else "")
        lines.append(text_row("", words.say(weakest)))
    return tuple(lines)


def _name(row: Assessment, words: Words) -> str:
    return words.say(f"{row.title}, {row.subject}" if row.subject else row.title)


def _sign(text: str, options: Options) -> str:
    return text.replace(" × ", " x ").replace("±", "+-").replace("µ", "u") if options.signs.plain else text


def _detail(line: CapacityLine, options: Options) -> Block:
    """Everything there is to say of one line."""
    words, row = Words(options), line.weakest
    role, label = _LOOKS[row.verdict]
    lines: list[Line] = [Row(Span(label, role), (Span(_name(row, words), Role.TITLE),))]
    lines.append(_hosts(line, words))
    lines.append(text_row("what", _say(words, f"{need_text(row)}{_use(line)}", options)))
    lines.append(text_row("", _say(words, breaking_text(row), options), _say(words, _between(row), options)))
    lines.extend(_how(row, words, options))
    lines.append(text_row("then", _say(words, row.reason, options)))
    lines.extend(text_row("" if place else "change", _say(words, _change(row, place), options))
                 for place in range(len(row.changes)))  # fmt: skip
    return tuple(lines)


def _change(row: Assessment, place: int) -> str:
    return change_text(row.changes[place])


def _hosts(line: CapacityLine, words: Words) -> Row:
    weakest: Spans = ()
    if len(line.hosts) > 1 and line.limits and line.limits[0] != line.limits[1]:
        weakest = (Span(words.say(f"  (weakest: {line.weakest_host})"), Role.FAINT),)
    return Row(
        hosts_label(len(line.hosts)), (Span(words.hosts(sorted(line.hosts, key=natural_key)), Role.HOSTS), *weakest)
    )


def _use(line: CapacityLine) -> str:
    if line.in_use is None:
        return ""
    unit = line.weakest.unit
    least, most = (amount(value, unit if unit in {"bytes", "bit/s"} else "") for value in line.in_use)
    return f"; {most if least == most else f'{least} to {most}'} in use now"


def _between(row: Assessment) -> str:
    """The span in which it breaks, as the need is not known exactly."""
    if not row.breaks_at or row.uncertainty is None:
        return ""
    low, high = row.breaks_at / row.uncertainty.high, row.breaks_at / row.uncertainty.low
    return f" (between {low:.2g} and {high:.2g})"


def _how(row: Assessment, words: Words, options: Options) -> Iterator[Line]:
    yield text_row("how", _say(words, row.formula, options))
    if row.evidence:
        yield text_row("read", _say(words, row.evidence, options))
    if row.uncertainty is not None:
        yield text_row("sure", _say(words, uncertainty_text(row.uncertainty), options))
    for place, text in enumerate(row.assumed):
        yield text_row("" if place else "assumed", _say(words, text, options))
    if options.verbose:
        for place, text in enumerate(row.sources):
            yield text_row("" if place else "source", _say(words, text, options))


def _say(words: Words, text: str, options: Options) -> str:
    return words.say(_sign(text, options), _LONG)


def uncertainty_text(sure: Uncertainty) -> str:
    """``±50 %: …``, or the span of factors where it is not even."""
    below, above = 1 - sure.low, sure.high - 1
    if math.isclose(below, above, abs_tol=0.051):
        return f"±{max(below, above) * 100:.0f} %: {sure.why}"
    return f"{sure.low:g} to {sure.high:g} times as much: {sure.why}"


def _needs(fleet: FleetCapacity, options: Options) -> Block:
    """Which figures the workload lacks, and for what; those that most resources wait for come first."""
    if not fleet.needs:
        return ()
    words = Words(options)
    by_figure: dict[str, list[tuple[FigureNeed, tuple[str, ...]]]] = {}
    for need, titles in fleet.needs:
        by_figure.setdefault(need.figure, []).append((need, titles))
    title = f"{count(len(by_figure), 'figure')} that the workload does not give; nothing is taken for granted"
    lines: list[Line] = [Row(Span("NEEDS", Role.WARN), (Span(title, Role.TITLE),))]
    for figure, found in sorted(by_figure.items(), key=lambda pair: -max(len(titles) for _, titles in pair[1])):
        need = found[0][0]
        of = ", ".join(dict.fromkeys(each.load or "the machine" for each, _ in found))
        usual = f" (usual: {need.usual})" if need.usual else ""
        said = f" of {of}: {need.meaning}{usual}"
        lines.append(Row(NO_LABEL, (Span(words.say(figure), Role.VALUE), Span(words.say(said, ADVICE_CHARS)))))
        resources = ", ".join(dict.fromkeys(title for _, titles in found for title in titles))
        lines.append(Row(NO_LABEL, (Span(words.say(f"for {resources}", _LONG), Role.FAINT),)))
    return tuple(lines)


def _listed(fleet: FleetCapacity, verdict: CapacityVerdict, title: str, options: Options) -> Block:
    found = list(_of(fleet, verdict))
    if not found:
        return ()
    words = Words(options)
    role, label = _LOOKS[verdict]
    lines: list[Line] = [Row(Span(label, role), (Span(title, Role.TITLE),))]
    for line in found:
        lines.append(_hosts(line, words) if len(line.hosts) < fleet.hosts else Row(NO_LABEL, ()))
        name = _name(line.weakest, words)
        lines.append(Row(NO_LABEL, (Span(f"{name}: "), Span(_say(words, line.weakest.reason, options), Role.FAINT))))
        if need := need_text(line.weakest):
            lines.append(Row(NO_LABEL, (Span(_say(words, f"  {need}", options)),)))
    return tuple(line for line in lines if not (isinstance(line, Row) and not line.body))


def _fits(fleet: FleetCapacity, options: Options) -> Block:
    found = list(_of(fleet, CapacityVerdict.FITS))
    if not found:
        return ()
    words = Words(options)
    lines: list[Line] = [Row(Span("FITS", Role.GOOD), (Span("enough, with headroom", Role.TITLE),))]
    for line in found:
        row = line.weakest
        lines.append(Pair(_label(line, fleet), (Span(_name(row, words)),), _figures(line, options)))
        if options.verbose:
            lines.extend(_how(row, words, options))
    return tuple(lines)


def _label(line: CapacityLine, fleet: FleetCapacity) -> Span:
    return hosts_label(len(line.hosts)) if fleet.hosts > 1 else NO_LABEL


def _figures(line: CapacityLine, options: Options) -> Spans:
    row = line.weakest
    if row.required is None or row.limit is None:
        return (Span("no limit", Role.FAINT),)
    scaled = row.unit in {"bytes", "bit/s"}
    required = row.required if scaled else math.ceil(row.required - 1e-6)
    said = f"{amount(required, row.unit if scaled else '')} of {amount(row.limit, row.unit)}"
    at = "" if row.breaks_at is None else f"  {breaking_text(row).removesuffix(' the load')}"
    return Span(said.replace(" ", NO_BREAK)), Span(_sign(at + " ", options).rstrip(), Role.FAINT)


def _totals(fleet: FleetCapacity, folded: Folded, options: Options) -> Block:
    summary = folded.summary
    spans: list[Span] = [Span(f"{count(summary.hosts, 'host')}: {summary.ok:,} answered")]
    if summary.unreachable + summary.error:
        spans.append(Span(f", {summary.unreachable + summary.error:,} did not", Role.BAD))
    spans.append(Span(f" {options.signs.dot} resources: ", Role.FAINT))
    spans.extend(_counted(fleet))
    return (Row(NO_LABEL, tuple(spans)),)


def _counted(fleet: FleetCapacity) -> Sequence[Span]:
    spans: list[Span] = []
    for verdict, word, role in _TOTALS:
        number = fleet.verdicts.get(verdict, 0)
        spans.extend([Span(", ", Role.FAINT)] if spans else [])
        spans.append(Span(f"{number:,} {word}", role if number else Role.FAINT))
    return spans
