"""The page of a capacity check: what breaks first, and the headroom of every resource, the worst first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from netaudit.capacity.fleet import CapacityFold
from netaudit.capacity.results import breaking_text, change_text
from netaudit.capacity.words import amount
from netaudit.fleet.fold import Fold
from netaudit.model.capacity import Assessment, CapacityLine, CapacityVerdict, HostCapacity, WorkloadRef
from netaudit.model.result import HostReport, HostStatus, RunInfo, Summary
from netaudit.report.html.charts import Gauge, Part, gauge, strip
from netaudit.report.html.headline import Headline
from netaudit.report.html.page import pieces, slug
from netaudit.report.html.times import time_text
from netaudit.report.words import count
from netaudit.units import format_duration

KINDS_LISTED = 200
TONES = {
    CapacityVerdict.BREAKS: "high",
    CapacityVerdict.TIGHT: "medium",
    CapacityVerdict.NEEDS_FIGURE: "unknown",
    CapacityVerdict.UNKNOWN: "unknown",
    CapacityVerdict.FITS: "pass",
    CapacityVerdict.NOT_CONCERNED: "skipped",
}
_WORDS = {
    CapacityVerdict.BREAKS: "breaks",
    CapacityVerdict.TIGHT: "tight",
    CapacityVerdict.NEEDS_FIGURE: "needs a figure",
    CapacityVerdict.UNKNOWN: "unknown",
    CapacityVerdict.FITS: "fits",
    CapacityVerdict.NOT_CONCERNED: "not concerned",
}
_STRIP = (("breaks", "high"), ("tight", "medium"), ("fits", "pass"), ("unknown", "unknown"), ("no verdict", "silent"))


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource over the hosts that fare alike, in words."""

    id: str
    row: Assessment  # of the weakest host
    weakest: str
    hosts: tuple[str, ...]
    tone: str
    verdict: str
    required: str
    limit: str
    in_use: str
    breaks: str
    bar: Gauge | None
    uncertainty: str
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HostKind:
    """What hosts can have in common: how they fare, and what breaks there first."""

    verdict: str
    tone: str
    first: str
    breaks: str
    order: float


class CapacityPage:
    """Fills the page of one run, a host at a time."""

    def __init__(self) -> None:
        self._capacity = CapacityFold()
        self._fold = Fold()
        self._hosts: dict[HostKind, list[str]] = {}

    def add(self, host: HostCapacity) -> None:
        """Take in one host."""
        self._fold.add(HostReport(host.name, host.address, host.status, host.error, host.duration_s, (), host.notes))
        if host.status is HostStatus.OK:
            self._capacity.add(host)
            self._hosts.setdefault(_kind(host), []).append(host.name)

    def pieces(self, run: RunInfo, workload: WorkloadRef, summary: Summary) -> Iterator[str]:
        """The page, in pieces to write one after the other."""
        fleet = self._capacity.folded()
        resources = [_resource(place, line) for place, line in enumerate(fleet.lines)]
        hosts = sorted(self._hosts.items(), key=lambda each: (each[0].order, -len(each[1]), each[0].first))
        fare = Counter({kind.verdict: 0 for kind, _ in hosts})
        for kind, names in hosts:
            fare[kind.verdict] += len(names)
        findings = [each for each in resources if each.row.verdict.severity is not None]
        judged = [each for each in resources if each.row.verdict is not CapacityVerdict.NOT_CONCERNED]
        silent = summary.unreachable + summary.error
        context = {
            "kind": "capacity",
            "run": run,
            "started": time_text(run.started_at),
            "took": format_duration(run.duration_s),
            "summary": summary,
            "workload": workload,
            "headline": Headline(_title(fare, silent), _lead(fleet.first), _parts(fare, silent), ()),
            "first": fleet.first,
            "first_breaks": breaking_text(fleet.first.weakest) if fleet.first else "",
            "resources": judged,
            "findings": findings,
            "needs": fleet.needs,
            "hosts": hosts[:KINDS_LISTED],
            "hosts_left": [name for _, names in hosts[KINDS_LISTED:] for name in names],
            "troubles": self._fold.folded().troubles,
        }
        yield from pieces("capacity.html", context, scripts=("rows.js",))


def capacity_html(
    run: RunInfo, workload: WorkloadRef, summary: Summary, hosts: Iterable[HostCapacity]
) -> Iterator[str]:
    """One self-contained page of a capacity check, in pieces."""
    page = CapacityPage()
    for host in hosts:
        page.add(host)
    yield from page.pieces(run, workload, summary)


def _resource(place: int, line: CapacityLine) -> Resource:
    row = line.weakest
    unit = row.unit
    has_bar = row.required is not None and row.limit is not None
    sure = row.uncertainty
    return Resource(
        id=f"resource-{place}-{slug(row.resource)}",
        row=row,
        weakest=line.weakest_host,
        hosts=line.hosts,
        tone=TONES[row.verdict],
        verdict=_WORDS[row.verdict],
        required=_amount(row.required, unit),
        limit=_limit(row),
        in_use=_amount(row.in_use, unit),
        breaks=breaking_text(row) if row.breaks_at is not None else "",
        bar=gauge(row.required or 0, row.limit or 0, row.in_use) if has_bar else None,
        uncertainty=f"{sure.low:g} to {sure.high:g} times as much: {sure.why}" if sure else "",
        changes=tuple(change_text(change) for change in row.changes),
    )


def _amount(value: float | None, unit: str) -> str:
    return "–" if value is None else amount(value, unit)


def _limit(row: Assessment) -> str:
    """What there is; what is enough though it has no number is without a limit."""
    if row.limit is None and row.verdict is CapacityVerdict.FITS:
        return "no limit"
    return _amount(row.limit, row.unit)


def _kind(host: HostCapacity) -> HostKind:
    first = host.first
    worst = min((each.verdict for each in host.assessments), key=lambda verdict: verdict.rank, default=None)
    verdict = worst or CapacityVerdict.UNKNOWN
    if verdict is CapacityVerdict.NOT_CONCERNED:
        verdict = CapacityVerdict.FITS
    return HostKind(
        verdict=_WORDS[verdict],
        tone=TONES[verdict],
        first="" if first is None else f"{first.title} {first.subject}".strip(),
        breaks=breaking_text(first) if first else "",
        order=math.inf if first is None or first.breaks_at is None else float(f"{first.breaks_at:.3g}"),
    )


def _title(fare: Counter[str], silent: int) -> str:
    total = fare.total() + silent
    breaking, tight = fare["breaks"], fare["tight"]
    if not fare:
        return "No host gave an answer"
    if breaking:
        return f"{breaking:,} of {count(total, 'host')} cannot carry this load"
    if tight:
        return f"{tight:,} of {count(total, 'host')} {'carries' if tight == 1 else 'carry'} this load without headroom"
    return f"{count(fare.total(), 'host')} can carry this load, as far as is known"


def _lead(first: CapacityLine | None) -> str:
    if first is None:
        return "Nothing was found that breaks as the load grows."
    row = first.weakest
    subject = f" of {row.subject}" if row.subject else ""
    return f"First to break: {row.title}{subject} on {first.weakest_host}, {breaking_text(row)}."


def _parts(fare: Counter[str], silent: int) -> tuple[Part, ...]:
    numbers = {word: fare[word] for word, _ in _STRIP}
    numbers["unknown"] += fare["needs a figure"]
    numbers["no verdict"] = silent
    return strip([(word, numbers[word], tone) for word, tone in _STRIP])
