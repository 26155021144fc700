"""A diagnosis as a page: causes, equal ones of many hosts as one; then who talks, what is stuck, what was not seen.

Pure: values in, blocks of rows out. Text that came from hosts goes through ``words.Words``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from netaudit.diagnosis.remedied import planned
from netaudit.model.diagnosis import Cause, Confidence, HostDiagnosis, InterfaceLoad, StuckQueue, Talker
from netaudit.model.natural import natural_key
from netaudit.model.result import RunInfo, Severity, Summary
from netaudit.report.page import Block, Line, Role, Row, Span, Spans, spans_width
from netaudit.report.text import cautions
from netaudit.report.timeline import headers_block, seen_block, timeline_block
from netaudit.report.trace import trace_blocks
from netaudit.report.words import ADVICE_CHARS, GAP, NO_BREAK, NO_LABEL, Options, Words, count, hosts_label, text_row
from netaudit.units import format_bytes, format_duration

_EXAMPLES = 3  # hosts whose own line stands below a cause of many
_WORTH_TELLING_BYTES = 4096  # of a queue, among those of many hosts
_ROWS = 8  # of talkers and queues, unless all are asked for
_ROLES = {Confidence.CERTAIN: Role.BAD, Confidence.LIKELY: Role.WARN, Confidence.POSSIBLE: Role.FAINT}


@dataclass(frozen=True, slots=True)
class Folded:
    """One cause at one confidence, on the hosts that have it."""

    cause: Cause  # as on the first host
    hosts: tuple[tuple[str, Cause], ...]

    @property
    def order(self) -> tuple[object, ...]:
        """By confidence, then from the application to the link, then those on most hosts."""
        return *self.cause.order, -len(self.hosts)


def folded(hosts: Iterable[HostDiagnosis]) -> tuple[Folded, ...]:
    """Equal causes of all hosts as one, the likeliest first."""
    found: dict[tuple[str, Confidence], list[tuple[str, Cause]]] = {}
    for host in hosts:
        for cause in host.causes:
            found.setdefault((cause.id, cause.confidence), []).append((host.name, cause))
    made = []
    for members in found.values():
        members.sort(key=lambda each: natural_key(each[0]))
        made.append(Folded(members[0][1], tuple(members)))
    return tuple(sorted(made, key=lambda one: one.order))


def diagnosis_page(
    run: RunInfo, summary: Summary, hosts: Sequence[HostDiagnosis], options: Options
) -> tuple[Block, ...]:
    """The whole page, block by block; the totals are last."""
    many = len(hosts) > 1
    blocks: list[Block] = [_heading(run, hosts, options)]
    blocks += [_cause_block(one, options, many=many) for one in folded(hosts)]
    answered = [host for host in hosts if host.error is None]
    if len(answered) == 1 or options.verbose:
        for host in answered:
            blocks += _traffic(host, options, many=many)
    else:
        blocks.append(_stuck_everywhere(answered, options))
    blocks += trace_blocks(answered, options)
    beside = (seen_block, timeline_block, headers_block)
    blocks += [block(host, options, many=many) for host in answered for block in beside]
    blocks += [_unseen_block(answered, options), _notes_block(hosts, options), _trouble_block(hosts, options)]
    blocks.append(_totals(summary, hosts, options))
    return tuple(block for block in blocks if block)


def _heading(run: RunInfo, hosts: Sequence[HostDiagnosis], options: Options) -> Block:
    words = Words(options)
    dot = f" {options.signs.dot} "
    subject = hosts[0].name if len(hosts) == 1 else count(len(hosts), "host")
    windows = [host.window_s for host in hosts if host.window_s > 0]
    samples = max((host.samples for host in hosts), default=0)
    over = f"{count(samples, 'sample')} over {format_duration(max(windows))}" if windows else "nothing to compare"
    took = format_duration(run.duration_s)
    faint = (
        dot.join(("", over, took, words.say(run.id)))
        .replace(" ", NO_BREAK)
        .replace(NO_BREAK + dot.strip(), f" {dot.strip()}")
    )
    body = Span(words.say(subject), Role.TITLE), Span(faint, Role.FAINT)
    lines: list[Line] = [Row(Span(words.say(run.command), Role.TITLE), body)]
    lines.extend(cautions(run, options, stopped="hosts are judged by what they had told by then."))
    return tuple(lines)


def _cause_block(one: Folded, options: Options, *, many: bool) -> Block:
    words, cause = Words(options), one.cause
    lines: list[Line] = list(_title(cause, options))
    if many:
        names = [name for name, _ in one.hosts]
        lines.append(Row(hosts_label(len(names)), (Span(words.hosts(names), Role.HOSTS),)))
    said: dict[str, list[str]] = {}
    for name, each in one.hosts:
        said.setdefault(each.summary, []).append(name)
    shown = list(said.items()) if options.verbose else list(said.items())[:_EXAMPLES]
    for place, (text, names) in enumerate(shown):
        where = f" ({words.hosts(names)})" if many and len(said) > 1 else ""
        lines.append(text_row("" if place else "what", words.say(text), where))
    left = len(one.hosts) - sum(len(names) for _, names in shown)
    if left:
        lines.append(Row(NO_LABEL, (Span(f"and on {left:,} more; -v shows them", Role.FAINT),)))
    where = f" (on {one.hosts[0][0]})" if len(one.hosts) > 1 else ""
    lines.extend(_evidence(cause, words.say(where), options))
    lines.append(text_row("fix", words.say(cause.fix, ADVICE_CHARS)))
    lines.extend(_further(cause, options))
    return tuple(lines)


def _title(cause: Cause, options: Options) -> Iterator[Line]:
    """Severity, title, layer and confidence, on one line if they fit."""
    words = Words(options)
    label = Span(cause.severity.value.upper(), Role(cause.severity.value))
    name = Span(words.say(cause.title), Role.TITLE)
    rest = (
        Span(cause.confidence.value, _ROLES[cause.confidence]),
        Span(f" {options.signs.dot} {cause.layer.value} {options.signs.dot} {cause.id}", Role.FAINT),
    )
    if spans_width((name, *rest)) + GAP <= options.body_columns:
        yield Row(label, (name, Span(" " * GAP), *rest))
    else:
        yield Row(label, (name,))
        yield Row(NO_LABEL, rest)


def _evidence(cause: Cause, where: str, options: Options) -> Iterator[Line]:
    words = Words(options)
    if cause.changes:
        shown = cause.changes if options.verbose else cause.changes[:4]
        yield text_row("counted", words.say(", ".join(map(str, shown)), ADVICE_CHARS), where)
    for place, text in enumerate(cause.evidence):
        yield text_row("" if place else "seen", words.say(text))
    shown_out = cause.ruled_out if options.verbose else cause.ruled_out[:3]
    for place, each in enumerate(shown_out):
        yield text_row("" if place else "rather than", words.say(f"{_within(each.title)}: {each.fact}"))
    if cause.explains and options.verbose:
        yield text_row("explains", words.say(", ".join(cause.explains)))


def _further(cause: Cause, options: Options) -> Iterator[Line]:
    words = Words(options)
    if options.verbose:
        for place, text in enumerate(cause.look):
            yield text_row("" if place else "look at", words.say(text))
    elif cause.look:
        yield text_row("look at", words.say(cause.look[0]))
    if only := planned(cause):
        yield text_row("remedy", words.say(" ".join(("netaudit plan", *(f"--only {check}" for check in only)))))
    if cause.checks:
        yield Row(Span("checks", Role.FAINT), (Span(words.say(", ".join(cause.checks)), Role.FAINT),))


def _traffic(host: HostDiagnosis, options: Options, *, many: bool) -> list[Block]:
    of = f" of {Words(options).say(host.name)}" if many else ""
    return [
        _lines(
            "INTERFACES",
            f"what they carried{of}",
            [row for each in host.interfaces for row in _interface(each, options)],
            options,
        ),
        _lines("TALKERS", f"TCP by process and peer{of}", [_talker(each, options) for each in host.talkers], options),
        _lines("STUCK", f"queues that did not move{of}", [_queue(each, options) for each in host.stuck], options),
    ]


def _lines(label: str, title: str, rows: Sequence[Spans], options: Options) -> Block:
    if not rows:
        return ()
    shown = rows if options.verbose else rows[:_ROWS]
    lines: list[Line] = [Row(Span(label, Role.TITLE), (Span(title, Role.FAINT),))]
    lines.extend(Row(NO_LABEL, row) for row in shown)
    if len(rows) > len(shown):
        lines.append(Row(NO_LABEL, (Span(f"and {len(rows) - len(shown):,} more; -v shows them", Role.FAINT),)))
    return tuple(lines)


def _interface(one: InterfaceLoad, options: Options) -> Iterator[Spans]:
    """What came in and what went out, a line each."""
    name = Words(options).say(one.name)
    ring = ""
    if one.rx_ring_slots and one.rx_ring_ms is not None:
        ring = f", ring of {one.rx_ring_slots:,} lasts {one.rx_ring_ms:,.0f}{NO_BREAK}ms"
    yield _way(name, "in ", one.rx_bps, one.rx_pps, one.rx_link_ratio, ring, one.rx_dropped)
    yield _way(name, "out", one.tx_bps, one.tx_pps, one.tx_link_ratio, "", one.tx_dropped)


def _way(name: str, way: str, bps: float, pps: float, ratio: float | None, ring: str, dropped: int) -> Spans:
    share = "" if ratio is None else f", {ratio:.0%} of the link"
    text = f" {way} {_bits(bps)}, {pps:,.0f} packets/s{share}{ring}"
    lost = (Span(f", {dropped:,} dropped", Role.BAD),) if dropped else ()
    return Span(name, Role.HOSTS), Span(text), *lost


def _talker(one: Talker, options: Options) -> Spans:
    words = Words(options)
    who = one.process or "a process that cannot be seen"
    more = f" over {one.connections:,} connections" if one.connections > 1 else ""
    least = options.signs.at_least + NO_BREAK if one.is_lower_bound else ""
    rates = f"out {least}{_bits(one.sent_bps)}, in {least}{_bits(one.received_bps)}"
    spans = [
        Span(words.say(who), Role.HOSTS),
        Span(words.say(f" with {one.peer} port {one.port}{more}: ")),
        Span(rates),
    ]
    if one.retransmitted:
        spans.append(Span(f", {one.retransmitted:,} sent again", Role.WARN))
    return tuple(spans)


def _queue(one: StuckQueue, options: Options) -> Spans:
    words = Words(options)
    unit = (lambda number: f"{number:,}") if one.kind == "accept" else format_bytes
    moved = unit(one.last) if one.first == one.last else f"{unit(one.first)} {options.signs.arrow} {unit(one.last)}"
    limit = f" of {one.limit:,}" if one.limit is not None else ""
    towards = f" towards {one.peer}" if one.peer else ""
    holder = f" of {one.holder}" if one.holder else ""
    return (
        Span(f"{one.kind} queue", Role.FAINT),
        Span(words.say(f" {one.endpoint}{holder}{towards}: ")),
        Span(words.say(f"{moved}{limit}"), Role.WARN),
    )


def _stuck_everywhere(hosts: Sequence[HostDiagnosis], options: Options) -> Block:
    """The fullest queues of a fleet, with the host in front."""
    words = Words(options)
    found: dict[Spans, tuple[int, list[str]]] = {}
    for host in hosts:
        for one in host.stuck:
            if one.kind == "accept" or one.last >= _WORTH_TELLING_BYTES:
                found.setdefault(_queue(one, options), (one.last, []))[1].append(host.name)
    rows = sorted(found.items(), key=lambda each: -each[1][0])
    told = [(Span(f"{words.hosts(names)}: ", Role.HOSTS), *spans) for spans, (_, names) in rows]
    return _lines("STUCK", "queues that did not move", told, options)


def _unseen_block(hosts: Sequence[HostDiagnosis], options: Options) -> Block:
    """What could not be looked for, by the reason."""
    words = Words(options)
    by_reason: dict[str, tuple[set[str], set[str]]] = {}
    for host in hosts:
        for one in host.unseen:
            causes, names = by_reason.setdefault(one.reason, (set(), set()))
            causes.add(one.cause)
            names.add(host.name)
    if not by_reason:
        return ()
    said = "not observable here, and so not known to be absent"
    lines: list[Line] = [Row(Span("NOT SEEN", Role.WARN), (Span(said, Role.TITLE),))]
    for reason, (causes, names) in sorted(by_reason.items(), key=lambda each: (-len(each[1][0]), each[0])):
        on = f" ({words.hosts(sorted(names, key=natural_key))})" if len(hosts) > 1 and len(names) < len(hosts) else ""
        told = ", ".join(sorted(causes)) if options.verbose or len(causes) <= 4 else count(len(causes), "cause")
        lines.append(text_row("", words.say(f"{told}: {reason}"), on))
    return tuple(lines)


def _notes_block(hosts: Sequence[HostDiagnosis], options: Options) -> Block:
    words = Words(options)
    by_note: dict[str, list[str]] = {}
    for host in hosts:
        for note in host.notes:
            by_note.setdefault(note, []).append(host.name)
    if not by_note:
        return ()
    lines: list[Line] = []
    for note, names in by_note.items():
        on = f" ({words.hosts(names)})" if len(hosts) > 1 else ""
        lines.append(Row(Span("" if lines else "NOTE", Role.WARN), (Span(words.say(note)), Span(on, Role.FAINT))))
    return tuple(lines)


def _trouble_block(hosts: Sequence[HostDiagnosis], options: Options) -> Block:
    words = Words(options)
    silent = [host for host in hosts if host.error is not None]
    if not silent:
        return ()
    title = f"{count(len(silent), 'host')} could not be diagnosed"
    lines: list[Line] = [Row(Span("NO VERDICT", Role.BAD), (Span(title, Role.TITLE),))]
    by_kind: dict[str, list[HostDiagnosis]] = {}
    for host in silent:
        by_kind.setdefault(host.error.kind.value if host.error else "", []).append(host)
    for kind, members in by_kind.items():
        names = words.hosts([host.name for host in members])
        lines.append(Row(hosts_label(len(members)), (Span(f"{kind}: "), Span(names, Role.HOSTS))))
        if error := members[0].error:
            lines.append(text_row("", words.say(error.message, ADVICE_CHARS)))
            if error.hint:
                lines.append(text_row("hint", words.say(error.hint, ADVICE_CHARS)))
    return tuple(lines)


def _totals(summary: Summary, hosts: Sequence[HostDiagnosis], options: Options) -> Block:
    hit = sum(1 for host in hosts if host.causes)
    parts = [
        Span(f"{count(summary.hosts, 'host')}: ", Role.TITLE),
        Span(f"{summary.ok:,} ok", Role.GOOD if summary.ok else Role.FAINT),
    ]
    for number, word in ((summary.unreachable, "unreachable"), (summary.error, "error")):
        if number:
            parts += [Span(", ", Role.FAINT), Span(f"{number:,}{NO_BREAK}{word}", Role.BAD)]
    parts.append(Span(f" {options.signs.dot} ", Role.FAINT))
    if not hit:
        parts.append(Span("no cause of loss found", Role.GOOD if summary.ok else Role.FAINT))
    else:
        kinds = len({cause.id for host in hosts for cause in host.causes})
        worst = max(
            (cause.severity for host in hosts for cause in host.causes),
            key=lambda each: each.rank,
            default=Severity.INFO,
        )
        parts.append(Span(f"{count(kinds, 'cause')} on {count(hit, 'host')}", Role(worst.value)))
    return (Row(NO_LABEL, tuple(parts)),)


def _bits(bps: float) -> str:
    for unit, factor in (("Gbit/s", 1e9), ("Mbit/s", 1e6), ("kbit/s", 1e3)):
        if bps >= factor:
            return f"{bps / factor:.3g}{NO_BREAK}{unit}"
    return f"{bps:.0f}{NO_BREAK}bit/s"


def _within(title: str) -> str:
    """A title in the middle of a sentence: its first letter small, unless its first word is of capitals."""
    return title if title[1:2].isupper() or " " not in title else title[0].lower() + title[1:]
