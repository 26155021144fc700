"""What the listing commands show, as tables and pages: past runs, probes, checks, the doctor's findings."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from netaudit.fleet.spread import plain
from netaudit.model.probe import Probe
from netaudit.model.result import HostReport, Result, RunInfo, Severity, Summary, Verdict
from netaudit.report.one_host import failure_block
from netaudit.report.page import Block, Line, Role, Row, Span
from netaudit.report.tables import Column, Table
from netaudit.report.values import change_texts, one
from netaudit.report.words import NO_LABEL, Options, Words, text_row
from netaudit.units import format_duration


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


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check in a list."""

    id: str
    title: str
    layer: str
    severity: Severity


def check_table(checks: Iterable[CheckRow], options: Options) -> Table:
    """The checks of a baseline."""
    words = Words(options)
    columns = (Column("CHECK"), Column("SEVERITY"), Column("LAYER"), Column("TITLE", grows=True))
    rows = tuple(
        (
            Span(words.say(check.id), Role.TITLE),
            Span(check.severity.value, Role(check.severity.value)),
            Span(words.say(check.layer)),
            Span(words.say(check.title)),
        )
        for check in checks
    )
    return Table(columns, rows)


@dataclass(frozen=True, slots=True)
class CheckPage:
    """Everything there is to say of one check; empty texts are left out.

    ``parts`` are further labelled texts in the order they are to be shown, such as ``("derived", "…")``; a label may
    come more than once. ``on_host`` is what the check says of one host, if there is one.
    """

    id: str
    title: str
    layer: str
    severity: Severity
    why: str
    parts: tuple[tuple[str, str], ...] = ()
    on_host: HostReport | None = None


def check_page(check: CheckPage, options: Options) -> tuple[Block, ...]:
    """A check explained to someone who has never heard of it, with the numbers of a host if there is one."""
    words = Words(options)
    name, identity = Span(words.say(check.title), Role.TITLE), Span(words.say(check.id), Role.FAINT)
    level = Span(check.severity.value.upper(), Role(check.severity.value))
    lines: list[Line] = [Row(level, (name,)), Row(NO_LABEL, (identity,))]
    lines.append(text_row("layer", words.say(check.layer)))
    blocks: list[Block] = [tuple(lines)]
    if check.why:
        blocks.append((text_row("why", _paragraph(words, check.why)),))
    rows = _labelled(check.parts, words)
    if rows:
        blocks.append(tuple(rows))
    if check.on_host is not None:
        blocks.extend(_on_host(check.on_host, options))
    return tuple(blocks)


def _paragraph(words: Words, text: str) -> str:
    return words.say(" ".join(text.split()), 10_000)


def _labelled(parts: Iterable[tuple[str, str]], words: Words) -> list[Line]:
    rows: list[Line] = []
    before = ""
    for label, text in parts:
        if text:
            rows.append(text_row("" if label == before else words.say(label), _paragraph(words, text)))
            before = label
    return rows


def _on_host(report: HostReport, options: Options) -> Iterable[Block]:
    words = Words(options)
    heading = Row(Span("HOST", Role.TITLE), (Span(words.say(report.name), Role.TITLE),))
    if report.error is not None:
        yield heading, text_row(report.error.kind.value, words.say(report.error.message))
        return
    yield (heading,)
    for result in report.results:
        if result.verdict is Verdict.FAIL:
            yield failure_block(result, options, explain=False)
        else:
            yield _other(result, options)


def _other(result: Result, options: Options) -> Block:
    words = Words(options)
    role = Role.GOOD if result.verdict is Verdict.PASS else Role.WARN
    observed, expected = one(plain(result.observed)), one(plain(result.expected or ""))
    seen, wanted = change_texts(observed, expected, result.unit, options.signs)
    lines: list[Line] = [Row(Span(result.verdict.value.upper(), role), (Span(words.say(result.title), Role.TITLE),))]
    rows = (("seen", seen), ("expected", wanted), ("reason", result.reason), ("read", result.evidence))
    lines.extend(text_row(label, words.say(text)) for label, text in rows if text)
    return tuple(lines)


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


def doctor_block(rows: Iterable[DoctorRow], options: Options) -> Block:
    """What this controller can do, thing by thing."""
    words = Words(options)
    lines: list[Line] = []
    for row in rows:
        body = Span(words.say(row.name), Role.TITLE), Span(f"  {words.say(row.detail)}")
        lines.append(Row(Span(row.health.value, _LOOKS[row.health]), body))
        if row.hint:
            lines.append(text_row("hint", words.say(row.hint)))
    return tuple(lines)
