"""What a trace says of hosts, as blocks of a page and as JSON. What came from hosts goes through ``words.Words``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from netaudit.model.diagnosis import HostDiagnosis
from netaudit.model.natural import natural_key
from netaudit.model.trace import DevicePath, HostTrace, Means, Scope, TracedReason
from netaudit.report.page import Block, Line, Role, Row, Span
from netaudit.report.words import NO_LABEL, Options, Words, text_row
from netaudit.units import format_duration

Json: TypeAlias = dict[str, object]
_ROWS = 8
_WAYS = {"netif_receive_skb": "in", "net_dev_queue": "out"}


def trace_blocks(hosts: Sequence[HostDiagnosis], options: Options) -> list[Block]:
    """Drops, TCP events, and driver against stack: all of one host, or what many have in common."""
    traced = [(host.name, host.trace) for host in hosts if host.trace is not None]
    if not traced:
        return []
    if len(traced) == 1 and len(hosts) == 1:
        return [_one(traced[0][1], options), _tcp(traced[0][1], options), _paths(traced[0][1], options)]
    return [_many(traced, options)]


def _one(trace: HostTrace, options: Options) -> Block:
    words = Words(options)
    if trace.absent:
        return (Row(Span("TRACE", Role.WARN), (Span(words.say(f"could not be taken: {trace.absent}")),)),)
    lines: list[Line] = [Row(Span("TRACE", Role.TITLE), (Span(trace_title(trace), Role.FAINT),))]
    shown = trace.reasons if options.verbose else trace.reasons[:_ROWS]
    for one in shown:
        lines.extend(_reason(one, options))
    if len(trace.reasons) > len(shown):
        lines.append(Row(NO_LABEL, (Span(f"and {len(trace.reasons) - len(shown):,} more; -v shows them", Role.FAINT),)))
    if trace.elsewhere:
        total = sum(trace.elsewhere.values())
        lines.append(text_row("", f"{total:,} more in other network namespaces of the machine"))
    lines.extend(text_row("" if place else "note", words.say(note)) for place, note in enumerate(trace.notes))
    return tuple(lines)


def trace_title(trace: HostTrace) -> str:
    """What it is about, how drops were counted, and for how long."""
    if trace.means is Means.NONE:
        return "drops could not be traced"
    if not trace.reasons:
        return f"no packet was freed before its time ({trace.means} for {format_duration(trace.seconds)})"
    return f"why the kernel freed packets ({trace.means} for {format_duration(trace.seconds)})"


def _reason(one: TracedReason, options: Options) -> Iterator[Line]:
    words = Words(options)
    role = Role.WARN if one.is_loss else Role.FAINT
    whose = "" if one.scope is Scope.NAMESPACE else " (on the whole machine)"
    yield Row(
        NO_LABEL, (Span(f"{one.packets:,} ", role), Span(words.say(one.reason), role), Span(f"{whose}: {one.meaning}"))
    )
    places = ", ".join(place for place, _ in one.places if place)
    if places:
        yield text_row("", words.say(f"in {places}"))


def _tcp(trace: HostTrace, options: Options) -> Block:
    words = Words(options)
    lines: list[Line] = []
    for one in trace.tcp:
        told = one.told if options.verbose else one.told[:3]
        what = "; ".join(f"{count:,} {text}" for text, count in told)
        lines.append(Row(NO_LABEL, (Span(f"{one.event}: {one.count:,}"), Span(words.say(f"  {what}"), Role.FAINT))))
    if not lines:
        return ()
    return (Row(Span("TCP", Role.TITLE), (Span("by its tracepoints, of all network namespaces", Role.FAINT),)), *lines)


def _paths(trace: HostTrace, options: Options) -> Block:
    words = Words(options)
    shown = trace.paths if options.verbose else trace.paths[:_ROWS]
    lines: list[Line] = [
        Row(NO_LABEL, (Span(words.say(one.device), Role.HOSTS), Span(f" {_WAYS[one.event]:3} {path_text(one)}")))
        for one in shown
    ]
    if trace.delivery is not None and trace.delivery.received:
        parts = ", ".join(f"{name} {count:,}" for name, count in trace.delivery.by_protocol.items())
        said = f"of {trace.delivery.received:,} IP packets {trace.delivery.delivered:,} were delivered here: {parts}"
        lines.append(text_row("", said))
    if not lines:
        return ()
    return (Row(Span("PATH", Role.TITLE), (Span("driver against stack, for a second each", Role.FAINT),)), *lines)


def path_text(one: DevicePath) -> str:
    """What the driver counted beside what the stack took or gave. Packets that GRO joined count once in the stack."""
    about = "about " if one.is_estimate else ""
    dropped = f", {one.driver_dropped:,} dropped by it" if one.driver_dropped else ""
    if one.stack_packets > one.driver_packets + one.driver_packets // 10 + 2:
        return f"driver {one.driver_packets:,}{dropped}; the stack's cannot be told from those of a namesake elsewhere"
    return f"driver {one.driver_packets:,} packets{dropped}, stack {about}{one.stack_packets:,}"


def _many(traced: Sequence[tuple[str, HostTrace]], options: Options) -> Block:
    """What was lost on which hosts, and where no trace could be taken."""
    words = Words(options)
    by_reason: dict[tuple[str, str], dict[str, int]] = {}
    by_why: dict[str, list[str]] = {}
    for name, trace in traced:
        if trace.absent:
            by_why.setdefault(trace.absent, []).append(name)
        for one in trace.reasons:
            if one.is_loss or options.verbose:
                counts = by_reason.setdefault((one.reason, one.meaning), {})
                counts[name] = counts.get(name, 0) + one.packets
        for note in trace.notes:
            by_why.setdefault(note, []).append(name)
    lines: list[Line] = [Row(Span("TRACE", Role.TITLE), (Span("why the kernels freed packets", Role.FAINT),))]
    rows = sorted(by_reason.items(), key=lambda each: -sum(each[1].values()))
    for (reason, meaning), counts in rows if options.verbose else rows[:_ROWS]:
        names = words.hosts(sorted(counts, key=natural_key))
        said = Span(f"{sum(counts.values()):,} {words.say(reason)}", Role.WARN)
        lines.append(Row(NO_LABEL, (said, Span(f": {meaning} "), Span(f"({names})", Role.FAINT))))
    if not rows:
        lines.append(text_row("", "nothing that anybody misses"))
    for place, (why, members) in enumerate(by_why.items()):
        on = words.hosts(sorted(members, key=natural_key))
        lines.append(text_row("" if place else "note", words.say(why), f" ({on})"))
    return tuple(lines)


def trace_row(trace: HostTrace | None) -> Json | None:
    """The object of a trace; None when none was asked for."""
    if trace is None:
        return None
    return {
        "absent": trace.absent or None,
        "means": trace.means.value,
        "seconds": trace.seconds,
        "drops": [
            {
                "reason": one.reason,
                "meaning": one.meaning,
                "packets": one.packets,
                "places": [{"function": place, "packets": packets} for place, packets in one.places],
                "scope": one.scope.value,
                "loss": one.is_loss,
                "causes": list(one.causes),
            }
            for one in trace.reasons
        ],
        "elsewhere": dict(trace.elsewhere),
        "tcp": [
            {
                "event": one.event,
                "count": one.count,
                "told": [{"what": text, "count": count} for text, count in one.told],
            }
            for one in trace.tcp
        ],
        "paths": [_path_row(one) for one in trace.paths],
        "delivery": None
        if trace.delivery is None
        else {
            "received": trace.delivery.received,
            "delivered": trace.delivery.delivered,
            "by_protocol": dict(trace.delivery.by_protocol),
        },
        "unseen_drops": trace.unseen_drops,
        "unseen_events": trace.unseen_events,
        "notes": list(trace.notes),
    }


def _path_row(one: DevicePath) -> Json:
    return {
        "device": one.device,
        "event": one.event,
        "driver_packets": one.driver_packets,
        "driver_bytes": one.driver_bytes,
        "driver_dropped": one.driver_dropped,
        "stack_packets": one.stack_packets,
        "stack_bytes": one.stack_bytes,
        "estimate": one.is_estimate,
    }
