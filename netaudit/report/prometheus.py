"""A run as metrics in Prometheus' text format, for the textfile collector of node_exporter or an endpoint.

Write it to a file ending in ``.prom`` in the collector's directory: it gets its name once it is whole. The age of a run
is ``time() - netaudit_run_timestamp_seconds``. Labels are bounded: values in length, checks and hosts in number; totals
always count every host, and ``netaudit_hosts_left_out`` says how many have no series of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from netaudit.model.context import NO_CONTEXT, RunContext
from netaudit.model.result import FleetFinding, HostReport, HostStatus, RunInfo, Severity, Summary, Verdict
from netaudit.report.sanitise import printable

MOST_HOSTS = 2_000  # with series of their own, in inventory order
MOST_CHECKS = 500
LABEL_CHARS = 128
MOST_HEADROOM = 20_000

_CAPACITY = "capacity."  # how the checks of a capacity run begin
_AT_LEAST = re.compile(r">= ([0-9]+)\Z", re.ASCII)


def prometheus(
    run: RunInfo,
    summary: Summary,
    hosts: Iterable[HostReport],
    fleet: Sequence[FleetFinding],
    context: RunContext = NO_CONTEXT,
) -> Iterator[str]:
    """The metrics of an audit, in one piece."""
    del context  # what explains a check is not a number
    yield exposition(families(run, summary, hosts, fleet))


def exposition(metrics: Iterable[Metric]) -> str:
    """The metrics as text."""
    registry = CollectorRegistry()
    registry.register(_Given(tuple(metrics)))
    return generate_latest(registry).decode("utf-8")


def families(
    run: RunInfo, summary: Summary, hosts: Iterable[HostReport], fleet: Sequence[FleetFinding]
) -> Iterator[GaugeMetricFamily]:
    """The metrics of a run, for text or for an endpoint."""
    yield from _run_families(run)
    yield from _total_families(summary)
    yield from _host_families(hosts, fleet)


class _Given(Collector):
    """Metrics that are known already."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        return iter(self._metrics)


def _run_families(run: RunInfo) -> Iterator[GaugeMetricFamily]:
    info = _gauge("run_info", "The last run: always 1", "command", "baseline", "version", "host_key_checking")
    baseline = run.baseline.name if run.baseline else ""
    info.add_metric([_label(each) for each in (run.command, baseline, run.version, run.host_key_checking)], 1)
    yield info
    yield _single("run_timestamp_seconds", "When the last run began, in seconds since 1970", run.started_at.timestamp())
    yield _single("run_duration_seconds", "How long the last run took", round(run.duration_s, 3))
    yield _single("run_interrupted", "1 when the last run did not come to its end", float(run.interrupted))


def _total_families(summary: Summary) -> Iterator[GaugeMetricFamily]:
    by_status = _gauge("hosts", "Hosts by how they answered", "status")
    for status, number in zip(HostStatus, (summary.ok, summary.unreachable, summary.error), strict=True):
        by_status.add_metric([status.value], number)
    yield by_status
    by_severity = _gauge("findings", "Failed checks over all hosts and the fleet, by severity", "severity")
    for severity in Severity:
        by_severity.add_metric([severity.value], summary.findings.get(severity, 0))
    yield by_severity
    yield _single("results_waived", "Failed checks that are allowed to stand", summary.waived)
    yield _single("results_unknown", "Checks that could not be decided", summary.unknown)


def _host_families(hosts: Iterable[HostReport], fleet: Sequence[FleetFinding]) -> Iterator[GaugeMetricFamily]:
    """The series of each host, and those of each check, which are counted on the way."""
    ok = _gauge("host_ok", "1 when the host gave a verdict", "host")
    duration = _gauge("host_duration_seconds", "How long the host took", "host")
    found = _gauge("host_findings", "Failed checks of the host, by severity", "host", "severity")
    headroom = _gauge(
        "headroom_ratio",
        "What there is of a limited resource, divided by what the load needs with its reserve: below 1 is not enough",
        "host",
        "resource",
    )
    failed: dict[tuple[str, str], int] = {}
    seen: dict[str, int] = {}  # labels that have series: two would be refused as one
    left_out = 0
    for report in hosts:
        counts = dict.fromkeys(Severity, 0)
        for result in report.results:
            if result.verdict is Verdict.FAIL:
                counts[result.severity] += 1
                _count(failed, result.check, result.severity)
        name = _label(report.name)
        if len(seen) >= MOST_HOSTS or name in seen:
            left_out += 1
            continue
        seen[name] = 1
        ok.add_metric([name], float(report.status is HostStatus.OK))
        duration.add_metric([name], round(report.duration_s, 3))
        for severity, number in counts.items():
            found.add_metric([name, severity.value], number)
        for resource, ratio in _headroom(report):
            if len(headroom.samples) < MOST_HEADROOM:
                headroom.add_metric([name, resource], ratio)
    across: dict[tuple[str, str], int] = {}
    for finding in fleet:
        if finding.verdict is Verdict.FAIL:
            _count(across, finding.check, finding.severity)
    yield from (ok, duration, found)
    if headroom.samples:
        yield headroom
    yield _single("hosts_left_out", f"Hosts without series of their own, beyond the first {MOST_HOSTS}", left_out)
    yield _by_check("check_failed_hosts", "Hosts on which a check failed", failed)
    yield _by_check("fleet_findings", "Findings that only several hosts together show", across)


def _headroom(report: HostReport) -> Iterator[tuple[str, float]]:
    """Of the results of a capacity run: by resource, what there is divided by what is needed."""
    for result in report.results:
        needed = _AT_LEAST.match(result.expected or "") if result.check.startswith(_CAPACITY) else None
        if needed and int(needed[1]) and isinstance(result.observed, int | float):
            yield _label(result.check.removeprefix(_CAPACITY)), result.observed / int(needed[1])


def _count(counts: dict[tuple[str, str], int], check: str, severity: Severity) -> None:
    key = (_label(check), severity.value)
    if key in counts or len(counts) < MOST_CHECKS:
        counts[key] = counts.get(key, 0) + 1


def _by_check(name: str, meaning: str, counts: dict[tuple[str, str], int]) -> GaugeMetricFamily:
    family = _gauge(name, meaning, "check", "severity")
    for (check, severity), number in counts.items():
        family.add_metric([check, severity], number)
    return family


def _gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"netaudit_{name}", meaning, labels=labels)


def _single(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"netaudit_{name}", meaning, value=value)


def _label(text: str) -> str:
    return printable(text, LABEL_CHARS)
