"""The page of a diagnosis: causes of loss, the likeliest first, each with a timeline of the counters behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from netaudit.fleet.fold import Fold
from netaudit.model.diagnosis import Cause, HostDiagnosis
from netaudit.model.natural import natural_key
from netaudit.model.result import HostReport, RunInfo, Severity, Summary
from netaudit.report.diagnosis_text import folded
from netaudit.report.html import beside
from netaudit.report.html.charts import skyline, strip
from netaudit.report.html.headline import FirstThing, Headline
from netaudit.report.html.page import pieces, slug
from netaudit.report.html.times import time_text
from netaudit.report.words import count
from netaudit.units import format_duration

EXAMPLES = 6  # hosts of a cause whose counters are drawn
COUNTERS = 8  # of one cause on one host
HOSTS_TOLD = 60  # hosts whose traffic is told, those with causes first


@dataclass(frozen=True, slots=True)
class Track:
    """One counter over the window: its growth between one sample and the next."""

    name: str
    growth: int
    rate: str
    series: tuple[int, ...]
    path: str


@dataclass(frozen=True, slots=True)
class Instance:
    """One cause on one host."""

    host: str
    cause: Cause
    tracks: tuple[Track, ...]
    window: str


@dataclass(frozen=True, slots=True)
class CauseSection:
    """One cause at one confidence, over all hosts that have it."""

    id: str
    cause: Cause
    hosts: tuple[str, ...]
    shown: tuple[Instance, ...]


@dataclass(frozen=True, slots=True)
class Unseen:
    """What could not be looked for, for one reason."""

    title: str
    reason: str
    hosts: tuple[str, ...]


def diagnosis_html(run: RunInfo, summary: Summary, hosts: Iterable[HostDiagnosis]) -> Iterator[str]:
    """One self-contained page of a diagnosis, in pieces."""
    told = list(hosts)
    windows = {host.name: host.window_s for host in told}
    sections = [_section(place, each.cause, each.hosts, windows) for place, each in enumerate(folded(told))]
    fold = Fold()
    for host in told:
        fold.add(HostReport(host.name, host.address, host.status, host.error, host.duration_s, (), host.notes))
    answered = [host for host in told if host.error is None]
    context = {
        "kind": "diagnosis",
        "run": run,
        "started": time_text(run.started_at),
        "took": format_duration(run.duration_s),
        "summary": summary,
        "headline": _headline(told, sections),
        "sections": sections,
        "samples": max((host.samples for host in told), default=0),
        "window": format_duration(max(windows.values(), default=0.0)),
        "traffic": _busiest(answered),
        "unseen": _unseen(answered),
        "examined": {title for host in answered for title in host.examined.values()},
        "troubles": fold.folded().troubles,
        "notes": fold.folded().notes,
        "by_cause": {section.cause.id: section for section in reversed(sections)},
        "reasons": beside.reasons_of(answered),
        "traces": beside.traces_of(answered),
        "untraced": beside.not_traced(answered),
        "seconds": beside.seconds_of(answered),
        "headers": beside.headers_of(answered),
        "without_headers": beside.none_came(answered),
        "uncaptured": beside.not_captured(answered),
        "probed": beside.probes_told(answered),
        "percent": _percent,
        "bits": _bits,
    }
    yield from pieces("diagnosis.html", context, scripts=("rows.js",))


def _section(place: int, cause: Cause, hosts: Sequence[tuple[str, Cause]], windows: dict[str, float]) -> CauseSection:
    most = sorted(hosts, key=lambda pair: -sum(change.growth for change in pair[1].changes))[:EXAMPLES]
    return CauseSection(
        id=f"cause-{place}-{slug(cause.id)}",
        cause=cause,
        hosts=tuple(name for name, _ in hosts),
        shown=tuple(_instance(name, each, windows.get(name, 0.0)) for name, each in most),
    )


def _instance(host: str, cause: Cause, window_s: float) -> Instance:
    tracks = tuple(
        Track(each.name, each.growth, f"{each.rate_per_s:.3g}/s", each.series, skyline(each.series))
        for each in cause.changes[:COUNTERS]
    )
    return Instance(host, cause, tracks, format_duration(window_s) if window_s else "")


def _headline(hosts: Sequence[HostDiagnosis], sections: Sequence[CauseSection]) -> Headline:
    answered = [host for host in hosts if host.error is None]
    silent = len(hosts) - len(answered)
    worst = [max((cause.severity for cause in host.causes), key=_rank, default=None) for host in answered]
    losing = sum(each is not None for each in worst)
    if not answered:
        title = "No host gave an answer"
    elif losing:
        title = f"{losing:,} of {count(len(hosts), 'host')} {'loses' if losing == 1 else 'lose'} traffic"
    else:
        title = f"No loss was seen on {count(len(answered), 'host')}"
    causes = {section.cause.id for section in sections}
    lead = f"{count(len(causes), 'cause')} implicated." if causes else "No counter that tells of loss moved."
    if silent:
        lead += f" {count(silent, 'host')} gave no answer."
    parts = strip(
        [
            *((each.value, sum(one is each for one in worst), each.value) for each in Severity),
            ("nothing seen", sum(one is None for one in worst), "pass"),
            ("no answer", silent, "silent"),
        ]
    )
    first = tuple(
        FirstThing(each.cause.fix or each.cause.title, each.cause.title, each.cause.severity, each.hosts, each.id)
        for each in sections[:4]
    )
    return Headline(title, lead, parts, first)


def _rank(severity: Severity) -> int:
    return severity.rank


def _busiest(hosts: Sequence[HostDiagnosis]) -> list[HostDiagnosis]:
    """Hosts that have traffic to tell of, those with causes first."""
    telling = [host for host in hosts if host.talkers or host.stuck or host.interfaces]
    return sorted(telling, key=lambda host: (not host.causes, natural_key(host.name)))[:HOSTS_TOLD]


def _unseen(hosts: Sequence[HostDiagnosis]) -> list[Unseen]:
    found: dict[tuple[str, str], list[str]] = {}
    for host in hosts:
        for each in host.unseen:
            found.setdefault((each.title, each.reason), []).append(host.name)
    return [Unseen(title, reason, tuple(names)) for (title, reason), names in found.items()]


def _percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{100 * ratio:.3g} %"


def _bits(bps: float) -> str:
    for factor, unit in ((1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s")):
        if bps >= factor:
            return f"{bps / factor:.3g} {unit}"
    return f"{bps:.0f} bit/s"
