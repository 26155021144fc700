"""The page of an audit. Hosts are taken in one at a time; what is kept of each is a line and a number a check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from markupsafe import Markup

from netaudit.fleet.fold import Fold
from netaudit.model.context import NO_CONTEXT, RunContext
from netaudit.model.result import FleetFinding, HostReport, RunInfo, Severity, Summary
from netaudit.report.html.columns import STATES, Column, Columns
from netaudit.report.html.distributions import Distribution, distribution_of
from netaudit.report.html.headline import headline_of
from netaudit.report.html.page import pieces
from netaudit.report.html.payload import matrix_json
from netaudit.report.html.sections import sections_of
from netaudit.report.html.times import time_text
from netaudit.report.one_host import LAYERS
from netaudit.units import format_duration


class AuditPage:
    """Fills the page of one run."""

    def __init__(self, context: RunContext = NO_CONTEXT) -> None:
        self._context = context
        self._groups: dict[str, Sequence[str]] = {}
        self._fold = Fold(self._groups)
        self._columns = Columns()

    def add(self, report: HostReport, position: int | None = None) -> None:
        """Take in one host; ``position`` is its place on the page, by default behind those that came before."""
        if not report.groups and report.name in self._context.groups:
            report = replace(report, groups=self._context.groups[report.name])
        self._groups[report.name] = report.groups
        self._fold.add(report)
        self._columns.add(report, len(self._columns.hosts) if position is None else position)

    def pieces(self, run: RunInfo, summary: Summary, fleet: Sequence[FleetFinding]) -> Iterator[str]:
        """The page, in pieces to write one after the other."""
        columns = self._columns
        columns.add_fleet(fleet)
        folded = self._fold.folded(fleet)
        names = [host.name for host in columns.hosts]
        order = sorted(range(len(names)), key=lambda row: columns.hosts[row].position)
        checks = sorted(columns.by_check.values(), key=_check_place)
        distributions = _distributions(checks, names)
        sections = sections_of(folded, fleet, self._context.checks, distributions)
        told = {section.check for section in sections}
        context = {
            "kind": run.command or "audit",
            "run": run,
            "started": time_text(run.started_at),
            "took": format_duration(run.duration_s),
            "summary": summary,
            "folded": folded,
            "headline": headline_of(columns.worst_with(fleet).values(), folded, sections),
            "sections": sections,
            "other_distributions": [each for check, each in distributions.items() if check not in told],
            "groups": sorted({group for host in columns.hosts for group in host.groups} - {"all"}),
            "checks": checks,
            "layers": sorted({column.layer for column in checks}, key=_layer_place),
            "severities": list(Severity),
            "matrix": map(Markup, matrix_json(columns, order, checks)),
            "passing": _passing(checks),
        }
        yield from pieces("audit.html", context, scripts=("fold.js", "model.js", "matrix.js", "host.js"))


def audit_html(
    run: RunInfo,
    summary: Summary,
    hosts: Iterable[HostReport],
    fleet: Sequence[FleetFinding],
    context: RunContext = NO_CONTEXT,
) -> Iterator[str]:
    """One self-contained page of the run, in pieces. Hosts are named in the order in which they come."""
    page = AuditPage(context)
    for report in hosts:
        page.add(report)
    yield from page.pieces(run, summary, fleet)


def _layer_place(layer: str) -> tuple[int, str]:
    return (LAYERS.index(layer) if layer in LAYERS else len(LAYERS)), layer


def _check_place(column: Column) -> tuple[tuple[int, str], str]:
    return _layer_place(column.layer), column.check


def _distributions(checks: Iterable[Column], names: Sequence[str]) -> dict[str, Distribution]:
    found = ((column.check, distribution_of(column, names)) for column in checks)
    return {check: each for check, each in found if each is not None}


def _passing(checks: Iterable[Column]) -> list[Column]:
    """Checks that nothing has to be said of: no host fails, is waived or could not be judged."""
    return [column for column in checks if not any(kind.state in STATES[:7] for kind in column.kinds)]
