"""A timeline as a block of a page and as JSON: counters, drops and log lines of the same second beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TypeAlias

from netaudit.model.diagnosis import HostDiagnosis
from netaudit.model.pcap import HostHeaders
from netaudit.model.timeline import HostTimeline, TimelineRow
from netaudit.report.page import Block, Line, Role, Row, Span
from netaudit.report.words import NO_LABEL, Options, Words, text_row

Json: TypeAlias = dict[str, object]
_ROWS = 60
_LINES = 3
_HEADERS = 12


def timeline_block(host: HostDiagnosis, options: Options, *, many: bool) -> Block:
    """One line an interval in which anything happened; times are of the host, in UTC."""
    words, timeline = Words(options), host.timeline
    if timeline is None:
        return ()
    of = f" of {words.say(host.name)}" if many else ""
    lines: list[Line] = [Row(Span("TIMELINE", Role.TITLE), (Span(f"what grew, by the clock{of} (UTC)", Role.FAINT),))]
    busy = [row for row in timeline.rows if row.changes or row.drops or row.lines]
    shown = busy if options.verbose else busy[:_ROWS]
    for row in shown:
        lines.extend(_row(row, options))
    if len(busy) > len(shown):
        lines.append(Row(NO_LABEL, (Span(f"and {len(busy) - len(shown):,} more; -v shows them", Role.FAINT),)))
    if not busy and timeline.rows:
        lines.append(text_row("", "nothing that tells of loss moved"))
    lines.extend(text_row("" if place else "note", words.say(note)) for place, note in enumerate(timeline.log))
    return tuple(lines)


def _row(row: TimelineRow, options: Options) -> Iterator[Line]:
    words = Words(options)
    told = ", ".join(f"{name} +{growth:,}" for name, growth in row.changes)
    dropped = ", ".join(f"{count:,} {reason}" for reason, count in row.drops[:_LINES])
    spans = [Span(f"{clock(row.clock_s)}  ", Role.HOSTS), Span(words.say(told))]
    if dropped:
        spans.append(Span(words.say(f"{'; ' if told else ''}traced: {dropped}"), Role.WARN))
    yield Row(NO_LABEL, tuple(spans))
    shown = row.lines if options.verbose else row.lines[:_LINES]
    for line in shown:
        yield Row(Span("log", Role.FAINT), (Span(words.say(line), Role.WARN),))
    left = len(row.lines) - len(shown)
    if left or row.has_more_lines:
        more = f"and {left:,} more lines" if left else "and more lines"
        yield Row(NO_LABEL, (Span(more, Role.FAINT),))


def clock(seconds: int) -> str:
    """``14:03:07``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S")


def headers_block(host: HostDiagnosis, options: Options, *, many: bool) -> Block:
    """What was captured: how much of what, what it says, and all of it with -v."""
    words, found = Words(options), host.headers
    if found is None:
        return ()
    of = f" of {words.say(host.name)}" if many else ""
    if found.absent:
        return (Row(Span("HEADERS", Role.WARN), (Span(words.say(f"not captured{of}: {found.absent}")),)),)
    counts = ", ".join(f"{count:,} {flags}" for flags, count in found.counts) or "none came"
    lines: list[Line] = [Row(Span("HEADERS", Role.TITLE), (Span(f"that open, end and reset{of}: {counts}"),))]
    lines.extend(text_row("", words.say(each)) for each in found.findings)
    for one in found.headers if options.verbose else ():
        way = f"{one.source} port {one.source_port} to {one.destination} port {one.destination_port}"
        lines.append(text_row("", words.say(f"{clock(int(one.at_s))}  {one.flags:8} {way}")))
    return tuple(lines)


def seen_block(host: HostDiagnosis, options: Options, *, many: bool) -> Block:
    """What opt-in probes saw."""
    words = Words(options)
    lines: list[Line] = []
    for one in host.seen:
        of = f" of {words.say(host.name)}" if many else ""
        lines.append(Row(Span("PROBE", Role.TITLE), (Span(f"{one.name}{of}", Role.FAINT),)))
        if one.absent:
            lines.append(text_row("", words.say(one.absent)))
            continue
        shown = one.counts if options.verbose else one.counts[:_HEADERS]
        lines.extend(text_row("", words.say(f"{count:,} × {what}")) for what, count in shown)
        if one.seconds:
            first = ", ".join(moment(at_s) for at_s in one.first_calls_s[:_LINES])
            lines.append(text_row("", f"{one.calls:,} calls{', the first at ' + first if first else ''}"))
        elif not one.counts:
            lines.append(text_row("", "it saw nothing"))
    return tuple(lines)


def moment(seconds: float) -> str:
    """``14:03:07.250``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S.%f")[:-3]


def seen_rows(host: HostDiagnosis) -> list[Json]:
    """The objects of opt-in probes."""
    return [
        {
            "probe": one.name,
            "absent": one.absent or None,
            "counts": [{"what": what, "count": count} for what, count in one.counts],
            "calls": one.calls,
            "first_calls": [round(at_s, 6) for at_s in one.first_calls_s],
            "seconds": {clock(at): count for at, count in sorted(one.seconds.items())},
        }
        for one in host.seen
    ]


def timeline_row(timeline: HostTimeline | None) -> Json | None:
    """The object of a timeline; None when none was asked for."""
    if timeline is None:
        return None
    rows = [
        {
            "time": datetime.fromtimestamp(row.clock_s, UTC).isoformat().replace("+00:00", "Z"),
            "seconds": round(row.seconds, 3),
            "counters": dict(row.changes),
            "drops": dict(row.drops),
            "lines": list(row.lines),
            "more_lines": row.has_more_lines,
        }
        for row in timeline.rows
    ]
    return {"rows": rows, "notes": list(timeline.log)}


def headers_row(found: HostHeaders | None) -> Json | None:
    """The object of captured headers; None when none were asked for."""
    if found is None:
        return None
    return {
        "absent": found.absent or None,
        "counts": dict(found.counts),
        "findings": list(found.findings),
        "headers": [
            {
                "at": round(one.at_s, 6),
                "source": one.source,
                "source_port": one.source_port,
                "destination": one.destination,
                "destination_port": one.destination_port,
                "flags": one.flags,
                "outgoing": one.is_outgoing,
            }
            for one in found.headers
        ],
    }
