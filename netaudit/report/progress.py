"""How far a run has come, as numbers and as lines of text. It keeps no time: that is told to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from netaudit.model.result import HostReport, HostStatus, Severity, Verdict
from netaudit.report.page import Role, Span, Spans, spans_width
from netaudit.report.setting import cut
from netaudit.report.words import GAP, MARGIN, Options, Words
from netaudit.units import format_duration

_LEAST_DONE_RATIO = 0.02  # before which nothing is foretold
_MINUTE_S = 60
_BAR_COLUMNS = 30
_NAMES = 12


@dataclass(slots=True)
class Progress:
    """Counts what has been told. ``began_s`` is on the clock of whoever tells."""

    total: int = 0
    began_s: float = 0.0
    done: int = 0
    running: dict[str, None] = field(default_factory=dict)
    silent: dict[str, int] = field(default_factory=dict)  # kind of error -> hosts
    failures: dict[Severity, int] = field(default_factory=dict)

    def host_started(self, name: str) -> None:
        """A host is about to be contacted."""
        self.running[name] = None

    def host_done(self, report: HostReport) -> None:
        """A host is finished, in whatever way."""
        self.running.pop(report.name, None)
        self.done += 1
        if report.status is not HostStatus.OK:
            kind = report.error.kind.value if report.error else report.status.value
            self.silent[kind] = self.silent.get(kind, 0) + 1
        for result in report.results:
            if result.verdict is Verdict.FAIL:
                self.failures[result.severity] = self.failures.get(result.severity, 0) + 1

    def rate_per_s(self, now_s: float) -> float:
        """Hosts finished a second, since the beginning."""
        return self.done / max(now_s - self.began_s, 0.001)

    def left_s(self, now_s: float) -> float | None:
        """Seconds until the end at this rate, once something can be foretold."""
        if self.done < max(1, self.total * _LEAST_DONE_RATIO):
            return None
        return (self.total - self.done) / self.rate_per_s(now_s)


def plain_line(progress: Progress, now_s: float) -> str:
    """One line for a log: ``400/2000 hosts, 66.1/s, 3 without verdict (2 refused, 1 timeout), 12 critical, 4 high``."""
    parts = [f"{progress.done}/{progress.total} hosts", f"{progress.rate_per_s(now_s):.1f}/s"]
    if progress.silent:
        kinds = ", ".join(f"{number} {kind}" for kind, number in _kinds(progress))
        parts.append(f"{sum(progress.silent.values())} without verdict ({kinds})")
    parts.extend(f"{number} {severity.value}" for severity, number in _failures(progress))
    return ", ".join(parts)


def live_lines(progress: Progress, now_s: float, options: Options) -> list[Spans]:
    """The lines of the live display: the bar, who is being audited, what was found, who gave no verdict."""
    lines = [_bar_line(progress, now_s, options)]
    if progress.running:
        lines.append(_labelled("running", _running(progress, options)))
    found = [
        span
        for severity, number in _failures(progress)
        for span in (Span(", ", Role.FAINT), Span(f"{number:,} {severity.value}", Role(severity.value)))
    ]
    if found:
        lines.append(_labelled("found", tuple(found[1:])))
    if progress.silent:
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in _kinds(progress))
        total = Span(f"{sum(progress.silent.values()):,} without verdict", Role.BAD)
        lines.append(_labelled("failed", (total, Span(f"  {kinds}", Role.FAINT))))
    return [cut(line, options.columns - 1, options.signs.ellipsis) for line in lines]


def _bar_line(progress: Progress, now_s: float, options: Options) -> Spans:
    full = round(_BAR_COLUMNS * progress.done / progress.total) if progress.total else _BAR_COLUMNS
    said = [f"{progress.done:,}/{progress.total:,} hosts", f"{progress.rate_per_s(now_s):.0f}/s"]
    left_s = progress.left_s(now_s)
    if left_s is not None and progress.done < progress.total:
        said.append(f"{round(left_s)} s left" if left_s < _MINUTE_S else f"{format_duration(left_s)} left")
    bar = Span(options.signs.bar * full, Role.GOOD), Span(options.signs.rail * (_BAR_COLUMNS - full), Role.FAINT)
    return _labelled("auditing", (*bar, Span("  " + f" {options.signs.dot} ".join(said))), Role.TITLE)


def _running(progress: Progress, options: Options) -> Spans:
    words = Words(options)
    number = Span(f"{len(progress.running):,}", Role.VALUE)
    names = ", ".join(words.say(name) for name in list(progress.running)[:_NAMES])
    more = f", {options.signs.ellipsis}" if len(progress.running) > _NAMES else ""
    return number, Span(f"  {names}{more}", Role.FAINT)


def _labelled(label: str, body: Spans, role: Role = Role.FAINT) -> Spans:
    lead = " " * (MARGIN - spans_width((Span(label),)))
    return Span(lead), Span(label, role), Span(" " * GAP), *body


def _kinds(progress: Progress) -> list[tuple[str, int]]:
    return sorted(progress.silent.items(), key=lambda entry: (-entry[1], entry[0]))


def _failures(progress: Progress) -> list[tuple[Severity, int]]:
    return [(severity, progress.failures[severity]) for severity in Severity if severity in progress.failures]
