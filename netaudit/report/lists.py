"""What the listing commands show, as tables and pages: past runs, probes, checks, the doctor's findings."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from netaudit.model.probe import Probe
from netaudit.model.result import RunInfo, Severity, Summary
from netaudit.report.page import Role, Span
from netaudit.report.tables import Column, Table
from netaudit.report.words import Options, Words
from netaudit.units import format_duration

_SAID_CHARS = 1_000  # of what the doctor found; paths and names of hosts are long
_WIDE_COLUMNS = 110  # from which on a list of checks has room for everything


def history_table(
    runs: Iterable[tuple[RunInfo, Summary, bool]], options: Options, imported: Collection[str] = ()
) -> Table:
    """Past runs, as given, with hosts that answered of all; the truth value says whether the run has finished.

    ``imported`` are the ids of those that came from elsewhere.
    """
    words = Words(options)
    shown = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
    columns = (
        Column("RUN"),
        Column("HOSTS", right=True),
        *(Column(title, right=True) for title in ("CRIT", "HIGH", "MED", "LOW")),
        Column("TOOK", right=True),
        Column("WHAT", grows=True),
    )
    rows = []
    for run, summary, finished in runs:
        numbers = [(summary.findings.get(severity, 0), severity) for severity in shown]
        complete = summary.ok == summary.hosts
        rows.append(
            (
                Span(words.say(run.id), Role.TITLE),
                Span(f"{summary.ok}/{summary.hosts}", Role.GOOD if complete else Role.WARN),
                *(Span(str(n), Role(severity.value) if n else Role.FAINT) for n, severity in numbers),
                Span(format_duration(run.duration_s) if finished else options.signs.dash),
                Span(words.say(_what(run, finished=finished, imported=run.id in imported))),
            )
        )
    return Table(columns, tuple(rows))


def _what(run: RunInfo, *, finished: bool, imported: bool) -> str:
    said = run.command if run.pattern == "all" else f"{run.command} {run.pattern}"
    if run.baseline:
        said += f", {run.baseline.name}"
    if imported:
        said += ", imported"
    if run.interrupted:
        said += ", interrupted"
    if not finished:
        said += ", not finished"
    if run.host_key_checking == "off":
        said += ", host keys not checked"
    return said


def probe_table(probes: Iterable[Probe], options: Options) -> Table:
    """What each probe is for and what it costs on a host."""
    words = Words(options)
    columns = (
        Column("PROBE"),
        Column("NEEDS"),
        Column("CPU", right=True),
        Column("PROCESSES", right=True),
        Column("READS", grows=True),
    )
    rows = tuple(
        (
            Span(words.say(probe.id), Role.TITLE),
            Span(probe.needs.value),
            Span(f"{probe.cost_cpu_ms:g} ms"),
            Span(str(probe.cost_processes)),
            Span(words.say(probe.summary)),
        )
        for probe in probes
    )
    return Table(columns, rows)


def bundle_table(probes: Iterable[Probe], options: Options) -> Table:
    """What a payload is made of, each part with the beginning of its digest."""
    words = Words(options)
    rows = tuple(
        (
            Span(words.say(probe.id), Role.TITLE),
            Span(probe.digest[:16]),
            Span(words.say(probe.summary)),
        )
        for probe in probes
    )
    return Table((Column("PROBE"), Column("SHA256"), Column("READS", grows=True)), rows)


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check in a list."""

    id: str
    title: str
    layer: str
    severity: Severity


def check_table(checks: Iterable[CheckRow], options: Options) -> Table:
    """The checks of a baseline. On a narrow page without their layers, which most names begin with."""
    words = Words(options)
    is_wide = options.columns >= _WIDE_COLUMNS
    layer = (Column("LAYER"),) if is_wide else ()
    columns = (Column("CHECK"), Column("SEVERITY"), *layer, Column("TITLE", grows=True))
    rows = tuple(
        (
            Span(words.say(check.id), Role.TITLE),
            Span(check.severity.value, Role(check.severity.value)),
            *((Span(words.say(check.layer)),) if is_wide else ()),
            Span(words.say(check.title)),
        )
        for check in checks
    )
    return Table(columns, rows)


class Health(StrEnum):
    """What the doctor says of one thing."""

    GOOD = "ok"
    WARN = "warning"
    BAD = "problem"


@dataclass(frozen=True, slots=True)
class DoctorRow:
    """One thing the doctor looked at, and what would put it right."""

    name: str
    health: Health
    detail: str
    hint: str = ""


_LOOKS = {Health.GOOD: Role.GOOD, Health.WARN: Role.WARN, Health.BAD: Role.BAD}


def doctor_table(rows: Iterable[DoctorRow], options: Options) -> Table:
    """What this controller can do, thing by thing, each hint below what it would put right."""
    words = Words(options)
    told: list[tuple[Span, ...]] = []
    for row in rows:
        told.append(
            (
                Span(row.health.value, _LOOKS[row.health]),
                Span(words.say(row.name), Role.TITLE),
                Span(words.say(row.detail, _SAID_CHARS)),
            )
        )
        if row.hint:
            told.append((Span(""), Span("hint", Role.FAINT), Span(words.say(row.hint, _SAID_CHARS))))
    return Table((Column("STATE"), Column("WHAT"), Column("FOUND", grows=True)), tuple(told))
