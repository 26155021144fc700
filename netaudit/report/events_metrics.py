"""A watch as metrics: those of an audit, of what is known last of each host, and how the watch itself is doing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from netaudit.model.result import FleetFinding, HostReport, RunInfo, Summary
from netaudit.report.prometheus import exposition, families


@dataclass(frozen=True, slots=True)
class WatchFigures:
    """How a watch is doing. ``age_s`` is since the end of the last round."""

    every_s: float
    age_s: float
    round_s: float
    rounds: int
    changes: int
    connections: int
    asked: int
    late: int
    waiting: int


def watch_metrics(
    run: RunInfo,
    summary: Summary,
    hosts: Sequence[HostReport],
    fleet: Sequence[FleetFinding],
    figures: WatchFigures,
) -> str:
    """The metrics as text. Labels are bounded as those of an audit."""
    return exposition([*families(run, summary, hosts, fleet), *_of_watch(summary, figures)])


def _of_watch(summary: Summary, figures: WatchFigures) -> Iterator[Metric]:
    gauges = {
        "watch_interval_seconds": ("How far apart rounds are", figures.every_s),
        "watch_round_age_seconds": ("Time since the last round ended", round(figures.age_s, 3)),
        "watch_round_duration_seconds": ("How long the last round took", round(figures.round_s, 3)),
        "watch_hosts_up": ("Hosts that gave a verdict when they were asked last", summary.ok),
        "watch_hosts_asked": ("Hosts that the last round asked", figures.asked),
        "watch_hosts_late": ("Hosts that had not answered when the last round ended", figures.late),
        "watch_hosts_waiting": ("Hosts that are left alone for a while after failures", figures.waiting),
    }
    for name, (meaning, value) in gauges.items():
        yield GaugeMetricFamily(f"netaudit_{name}", meaning, value=value)
    counters = {
        "watch_rounds": ("Rounds that are over", figures.rounds),
        "watch_changes": ("Changes that were told", figures.changes),
        "watch_connections": ("Connections that were made", figures.connections),
    }
    for name, (meaning, value) in counters.items():
        yield CounterMetricFamily(f"netaudit_{name}", meaning, value=value)
