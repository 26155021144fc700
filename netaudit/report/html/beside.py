"""What ran beside the samples of a diagnosis, for its page: traces, what grew second by second, headers, probes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from netaudit.model.diagnosis import HostDiagnosis
from netaudit.model.natural import natural_key
from netaudit.model.pcap import HostHeaders
from netaudit.model.timeline import HostTimeline, TimelineRow
from netaudit.model.trace import HostTrace, Scope, TracedReason
from netaudit.report.html.charts import skyline, ticks
from netaudit.report.timeline import clock, moment
from netaudit.report.trace import path_text, trace_title

HOSTS_TOLD = 30  # hosts of which seconds and headers are told, those with causes first
ROWS = 120  # intervals of one host
TRACKS = 6  # counters of one host that are drawn, and as many reasons
HEADERS = 100  # packets of one host
_WAYS = {"netif_receive_skb": "in", "net_dev_queue": "out"}


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for which kernels freed packets, over all hosts that were traced."""

    reason: str
    meaning: str
    is_loss: bool
    packets: int
    places: tuple[tuple[str, int], ...]  # function and packets, the busiest first
    hosts: tuple[str, ...]
    is_machines: bool  # counted on the whole machine, not in the network namespace of the host alone
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Traced:
    """What one trace says besides why packets were freed."""

    host: str
    title: str
    tcp: tuple[tuple[str, int, str], ...]  # event, how often, its commonest details
    paths: tuple[tuple[str, str, str], ...]  # interface, way, driver against stack
    delivery: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """What could not be had, for one reason."""

    reason: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Track:
    """One counter, or one reason for drops, over all intervals."""

    name: str
    total: int
    series: tuple[int, ...]
    path: str
    is_traced: bool


@dataclass(frozen=True, slots=True)
class Second:
    """One interval in which something happened."""

    at: str
    grown: tuple[tuple[str, int], ...]
    drops: tuple[tuple[str, int], ...]
    lines: tuple[str, ...]
    has_more_lines: bool


@dataclass(frozen=True, slots=True)
class Seconds:
    """The intervals of one host."""

    host: str
    begin: str
    end: str
    tracks: tuple[Track, ...]
    logged: str  # marks where lines were logged
    lines: int
    rows: tuple[Second, ...]
    left: int  # intervals that are not told
    notes: tuple[str, ...]


def reasons_of(hosts: Sequence[HostDiagnosis]) -> tuple[Reason, ...]:
    """Why packets were freed: what is missed by somebody first, then what most packets were freed for."""
    found: dict[tuple[str, str, bool, bool], list[tuple[str, TracedReason]]] = {}
    for host in hosts:
        for one in host.trace.reasons if host.trace else ():
            key = (one.reason, one.meaning, one.is_loss, one.scope is Scope.MACHINE)
            found.setdefault(key, []).append((host.name, one))
    made = [_reason(members, is_machines=key[3]) for key, members in found.items()]
    return tuple(sorted(made, key=lambda each: (not each.is_loss, -each.packets, each.reason)))


def _reason(members: Sequence[tuple[str, TracedReason]], *, is_machines: bool) -> Reason:
    first = members[0][1]
    places: dict[str, int] = {}
    for _, one in members:
        for place, packets in one.places:
            places[place] = places.get(place, 0) + packets
    return Reason(
        reason=first.reason,
        meaning=first.meaning,
        is_loss=first.is_loss,
        packets=sum(one.packets for _, one in members),
        places=tuple(sorted(((name, n) for name, n in places.items() if name), key=lambda each: (-each[1], each[0]))),
        hosts=tuple(name for name, _ in members),
        is_machines=is_machines,
        causes=tuple(dict.fromkeys(cause for _, one in members for cause in one.causes)),
    )


def traces_of(hosts: Sequence[HostDiagnosis]) -> tuple[Traced, ...]:
    """The rest of each trace that could be taken."""
    return tuple(
        _traced(host.name, host.trace) for host in _telling(hosts) if host.trace is not None and not host.trace.absent
    )


def _traced(host: str, trace: HostTrace) -> Traced:
    delivery = ""
    if trace.delivery is not None and trace.delivery.received:
        parts = ", ".join(f"{name} {number:,}" for name, number in trace.delivery.by_protocol.items())
        delivery = (
            f"Of {trace.delivery.received:,} IP packets {trace.delivery.delivered:,} were delivered here: {parts}."
        )
    notes = list(trace.notes)
    if trace.elsewhere:
        notes.append(f"{sum(trace.elsewhere.values()):,} more in other network namespaces of the machine")
    return Traced(
        host=host,
        title=trace_title(trace),
        tcp=tuple((one.event, one.count, "; ".join(f"{n:,} {text}" for text, n in one.told[:6])) for one in trace.tcp),
        paths=tuple((one.device, _WAYS[one.event], path_text(one)) for one in trace.paths),
        delivery=delivery,
        notes=tuple(notes),
    )


def not_traced(hosts: Sequence[HostDiagnosis]) -> tuple[Missing, ...]:
    """Where no trace could be taken, and why."""
    return _missing((host.name, host.trace.absent) for host in hosts if host.trace is not None and host.trace.absent)


def _missing(pairs: Iterable[tuple[str, str]]) -> tuple[Missing, ...]:
    found: dict[str, list[str]] = {}
    for name, reason in pairs:
        found.setdefault(reason, []).append(name)
    return tuple(Missing(reason, tuple(names)) for reason, names in found.items())


def seconds_of(hosts: Sequence[HostDiagnosis]) -> tuple[Seconds, ...]:
    """What grew when, of hosts where anything did or was odd."""
    found = (_seconds(host.name, host.timeline) for host in _telling(hosts) if host.timeline is not None)
    return tuple(each for each in found if each.rows or each.notes)


def _seconds(host: str, timeline: HostTimeline) -> Seconds:
    rows = timeline.rows
    busy = [row for row in rows if row.changes or row.drops or row.lines]
    tracks = [*_tracks([row.changes for row in rows]), *_tracks([row.drops for row in rows], is_traced=True)]
    return Seconds(
        host=host,
        begin=clock(rows[0].clock_s) if rows else "",
        end=clock(rows[-1].clock_s) if rows else "",
        tracks=tuple(tracks),
        logged=ticks([bool(row.lines) for row in rows]),
        lines=sum(len(row.lines) for row in rows),
        rows=tuple(_second(row) for row in busy[:ROWS]),
        left=max(0, len(busy) - ROWS),
        notes=timeline.log,
    )


def _tracks(rows: Sequence[Sequence[tuple[str, int]]], *, is_traced: bool = False) -> list[Track]:
    """The names that count most, each over all intervals."""
    numbers = [dict(row) for row in rows]
    totals: dict[str, int] = {}
    for row in numbers:
        for name, number in row.items():
            totals[name] = totals.get(name, 0) + number
    names = sorted(totals, key=lambda name: (-totals[name], name))[:TRACKS]
    made = []
    for name in names:
        series = tuple(row.get(name, 0) for row in numbers)
        made.append(Track(name, totals[name], series, skyline(series), is_traced))
    return made


def _second(row: TimelineRow) -> Second:
    return Second(clock(row.clock_s), row.changes, row.drops, row.lines, row.has_more_lines)


@dataclass(frozen=True, slots=True)
class Headers:
    """The captured headers of one host."""

    host: str
    counts: tuple[tuple[str, int], ...]
    findings: tuple[str, ...]
    packets: tuple[tuple[str, str, str, str], ...]  # when, flags, from whom, to whom
    left: int


def headers_of(hosts: Sequence[HostDiagnosis]) -> tuple[Headers, ...]:
    """What was captured on each host, those with findings first."""
    taken = [(host.name, host.headers) for host in _telling(hosts) if host.headers and host.headers.counts]
    return tuple(_headers(name, found) for name, found in sorted(taken, key=lambda each: not each[1].findings))


def _headers(host: str, found: HostHeaders) -> Headers:
    packets = tuple(
        (
            moment(one.at_s),
            one.flags,
            f"{one.source} port {one.source_port}",
            f"{one.destination} port {one.destination_port}",
        )
        for one in found.headers[:HEADERS]
    )
    return Headers(host, found.counts, found.findings, packets, max(0, len(found.headers) - HEADERS))


def none_came(hosts: Sequence[HostDiagnosis]) -> tuple[str, ...]:
    """The hosts where headers were looked for, and no such packet came."""
    return tuple(host.name for host in hosts if host.headers and not host.headers.absent and not host.headers.counts)


def not_captured(hosts: Sequence[HostDiagnosis]) -> tuple[Missing, ...]:
    """Where no headers could be taken, and why."""
    return _missing((host.name, host.headers.absent) for host in hosts if host.headers and host.headers.absent)


@dataclass(frozen=True, slots=True)
class ProbeTold:
    """The answer of one opt-in probe of one host."""

    host: str
    name: str
    absent: str
    counts: tuple[tuple[str, int], ...]
    calls: str


def probes_told(hosts: Sequence[HostDiagnosis]) -> tuple[ProbeTold, ...]:
    """What opt-in probes saw."""
    made = []
    for host in _telling(hosts):
        for one in host.seen:
            first = ", ".join(moment(at_s) for at_s in one.first_calls_s[:3])
            calls = f"{one.calls:,} calls{', the first at ' + first if first else ''}" if one.seconds else ""
            made.append(ProbeTold(host.name, one.name, one.absent, one.counts, calls))
    return tuple(made)


def _telling(hosts: Sequence[HostDiagnosis]) -> list[HostDiagnosis]:
    """The hosts that there is room for, those with causes first."""
    return sorted(hosts, key=lambda host: (not host.causes, natural_key(host.name)))[:HOSTS_TOLD]
