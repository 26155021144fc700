"""The samples of one host as a timeline: what grew in each interval, beside what was traced and logged in it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from netaudit.diagnosis.beside import answer_of
from netaudit.diagnosis.window import Window
from netaudit.facts.trace_log import parse_log_lines
from netaudit.model.diagnosis import Cause
from netaudit.model.probe import Capture
from netaudit.model.reading import Absent, is_known
from netaudit.model.timeline import HostTimeline, LogLines, TimelineRow
from netaudit.model.trace import Trace

PROBE = "log_lines"
_SEEN_AFTER_S = 0.5  # half of the interval at which a log is looked at
_CHANGES = 6
_INDEX = re.compile(r"#[0-9]+(?=[./])", re.ASCII)
_RULE = "rule "  # counters of rules that drop begin so, and end with their place among equals
_RULE_LENGTH = 100

# Counters that tell of loss by themselves, whether or not a cause was named for them.
_LOSS = frozenset({
    "TcpExt.ListenOverflows", "TcpExt.ListenDrops", "TcpExt.TCPReqQFullDrop", "TcpExt.TCPReqQFullDoCookies",
    "TcpExt.TCPSynRetrans", "TcpExt.TCPTimeouts", "TcpExt.TCPAbortOnMemory", "TcpExt.TCPAbortOnTimeout",
    "TcpExt.TCPAbortOnClose", "TcpExt.TCPAbortOnData", "TcpExt.TCPTimeWaitOverflow", "TcpExt.EmbryonicRsts",
    "TcpExt.PruneCalled", "TcpExt.RcvPruned", "TcpExt.TCPRcvQDrop", "TcpExt.IPReversePathFilter",
    "TcpExt.TCPToZeroWindowAdv", "TcpExt.TCPMemoryPressures", "Tcp.RetransSegs", "Tcp.AttemptFails",
    "Tcp.EstabResets", "Tcp.OutRsts", "Tcp.InErrs", "Udp.RcvbufErrors", "Udp.SndbufErrors", "Udp.NoPorts",
    "Udp.InErrors", "Ip.InDiscards", "Ip.OutDiscards", "Ip.OutNoRoutes", "Ip.ReasmFails", "Ip.FragFails",
    "Icmp.InDestUnreachs", "Icmp.OutDestUnreachs", "conntrack.drop", "conntrack.insert_failed",
    "conntrack.early_drop", "conntrack.invalid", "arp_cache.table_fulls",
})  # fmt: skip
_LOSS_ENDINGS = (".dropped", ".rx_dropped", ".tx_dropped", ".rx_missed_errors", ".rx_fifo_errors", ".rx_errors")


def timeline_of(
    window: Window, causes: Sequence[Cause], captures: Sequence[Capture], trace: Trace | None
) -> HostTimeline:
    """One row for each interval between two samples of the window."""
    log = answer_of(captures, PROBE, parse_log_lines, LogLines)
    ends = [kernel.uptime_s for facts in window.samples if is_known(kernel := facts.kernel)]
    if len(ends) != len(window.samples) or len(ends) < 2:
        return HostTimeline((), ("the host's clock is not known, or there is one sample only: no timeline",))
    kernel = window.first.kernel
    offset_s = 0.0 if isinstance(kernel, Absent) else kernel.clock_s - kernel.uptime_s
    clocks = _clocks(ends, offset_s)
    lines = _lines(log if isinstance(log, LogLines) else LogLines(()), ends)
    drops = _drops(trace, ends) if trace is not None else {}
    wanted = _wanted(window, causes)
    rows = tuple(
        TimelineRow(
            clock_s=clocks[place],
            seconds=ends[place + 1] - ends[place],
            changes=_changes(window.deltas.series, wanted, place),
            drops=drops.get(place, ()),
            lines=lines[place][0],
            has_more_lines=lines[place][1],
        )
        for place in range(len(ends) - 1)
    )
    return HostTimeline(rows, tuple(_log_notes(log)))


def _clocks(ends: Sequence[float], offset_s: float) -> tuple[int, ...]:
    """The second in which the middle of each interval lies, counted from the first.

    Samples are never quite a second apart: where each was cut off for itself, one second would stand there twice and
    the next not at all.
    """
    middles = [(begin + end) / 2 for begin, end in pairwise(ends)]
    return tuple(int(middles[0] + offset_s) + round(middle - middles[0]) for middle in middles)


def _place(at_s: float, ends: Sequence[float]) -> int:
    """The interval in which a moment lies; those just outside belong to the nearest."""
    return min(max(bisect_left(ends, at_s) - 1, 0), len(ends) - 2)


def _lines(log: LogLines, ends: Sequence[float]) -> list[tuple[tuple[str, ...], bool]]:
    texts: list[list[str]] = [[] for _ in ends[1:]]
    for line in log.lines:
        texts[_place(line.uptime_s - _SEEN_AFTER_S, ends)].append(line.text)
    more = {_place(at_s - _SEEN_AFTER_S, ends) for at_s in log.more_at_s}
    return [(tuple(each), place in more) for place, each in enumerate(texts)]


def _drops(trace: Trace, ends: Sequence[float]) -> Mapping[int, tuple[tuple[str, int], ...]]:
    """What was dropped in each interval, by reason."""
    found: dict[int, dict[str, int]] = {}
    for (clock, event, tag), count in trace.series.items():
        if event == "kfree_skb":
            counts = found.setdefault(_place(clock + 0.5 - trace.clock_offset_s, ends), {})
            counts[tag] = counts.get(tag, 0) + count
    return {place: tuple(sorted(counts.items(), key=lambda each: -each[1])) for place, counts in found.items()}


def _wanted(window: Window, causes: Sequence[Cause]) -> tuple[str, ...]:
    """Counters that moved and tell of loss, or of a cause that was named."""
    named = {change.name for cause in causes for change in cause.changes}
    return tuple(
        name
        for name, series in window.deltas.series.items()
        if any(series)
        and (name in _LOSS or _INDEX.sub("", name) in named or name.endswith(_LOSS_ENDINGS) or name.startswith(_RULE))
    )


def _shown(name: str) -> str:
    """The name without what tells equals apart."""
    return name.rpartition("#")[0][:_RULE_LENGTH] if name.startswith(_RULE) else _INDEX.sub("", name)


def _changes(series: Mapping[str, tuple[int, ...]], wanted: Sequence[str], place: int) -> tuple[tuple[str, int], ...]:
    grown = [(_shown(name), series[name][place]) for name in wanted if series[name][place] > 0]
    return tuple(sorted(grown, key=lambda each: (-each[1], each[0]))[:_CHANGES])


def _log_notes(log: LogLines | Absent | None) -> Iterator[str]:
    if isinstance(log, Absent):
        yield f"the log: {log}"
    elif log is not None:
        if log.turned_at_s:
            yield "the log was turned over meanwhile: it was read on from the beginning of the new file"
        if log.skipped_bytes:
            yield f"the log grew faster than it is looked at: {log.skipped_bytes:,} bytes were skipped"
        if not log.lines:
            yield "no line that matches was added to the log"
