"""Second by second: what counters did, what the kernel dropped, and what an application logged meanwhile."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that was added to a log, and when it was seen there: at most a second after it was written."""

    uptime_s: float
    text: str


@dataclass(frozen=True, slots=True)
class LogLines:
    """The matching lines of a log while samples were taken."""

    lines: tuple[LogLine, ...]
    more_at_s: tuple[float, ...] = ()  # seconds since boot at which there were more than are kept
    turned_at_s: tuple[float, ...] = ()  # the file was replaced or cut
    skipped_bytes: int = 0  # came faster than they are looked at


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One interval between two samples."""

    clock_s: int  # time of day of the host: seconds since 1970, of the middle of the interval
    seconds: float
    changes: tuple[tuple[str, int], ...]  # counters that grew, the most first
    drops: tuple[tuple[str, int], ...] = ()  # reasons that were traced
    lines: tuple[str, ...] = ()
    has_more_lines: bool = False


@dataclass(frozen=True, slots=True)
class HostTimeline:
    """All intervals in their order. ``log`` says why there are no lines, or what was odd with them."""

    rows: tuple[TimelineRow, ...]
    log: tuple[str, ...] = ()
