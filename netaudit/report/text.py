"""The summary of a run as a page: what is wrong, worst first, with equal findings of many hosts as one.

Pure: it takes what ``fleet.fold`` gives and returns blocks of rows. Everything that came from a host goes through
``words.Words``, the one border at which text is made printable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netaudit.fleet.bins import Bin
from netaudit.fleet.fold import Folded
from netaudit.model.natural import natural_key
from netaudit.model.reading import AbsentReason
from netaudit.model.result import FleetFinding, RunInfo, Severity, Summary
from netaudit.report.findings import finding_blocks
from netaudit.report.history import fixed_block
from netaudit.report.one_host import host_blocks
from netaudit.report.page import Block, Line, Pair, Role, Row, Span, Spans, spans_width
from netaudit.report.words import ADVICE_CHARS, NO_BREAK, NO_LABEL, Options, Words, count, hosts_label, text_row
from netaudit.units import format_duration

_NO_PERMISSION = str(AbsentReason.NOT_PERMITTED)
_CANCELLED = "hosts that were not finished are listed as cancelled."


def summary_page(run: RunInfo, folded: Folded, fleet: Sequence[FleetFinding], options: Options) -> tuple[Block, ...]:
    """The whole summary, block by block; the totals are last."""
    only = folded.only
    blocks = [
        heading_block(run, folded, options),
        *(host_blocks(only, options) if only and not only.error else finding_blocks(folded, fleet, options)),
        waived_block(folded, options),
        unknown_block(folded, options),
        fixed_block(options.standing, {}, options),
        notes_block(folded, options),
        trouble_block(folded, options),
        totals_block(folded.summary, options),
    ]
    return tuple(block for block in blocks if block)


def waived_block(folded: Folded, options: Options) -> Block:
    """Findings that are allowed to stand: by whom, why, until when."""
    if not folded.waived:
        return ()
    words = Words(options)
    total = count(folded.summary.waived, "finding")
    lines: list[Line] = [Row(Span("WAIVED", Role.TITLE), (Span(f"{total} allowed to stand", Role.TITLE),))]
    for bin_ in folded.waived:
        lines.append(
            Pair(
                hosts_label(len(bin_.hosts)),
                (Span(words.say(bin_.kind.check)),),
                (Span(words.hosts(bin_.hosts), Role.HOSTS),),
            )
        )
        if waiver := bin_.kind.waived:
            terms = f" ({waiver.ticket}, {waiver.approver}, until {waiver.until:%Y-%m-%d})"
            lines.append(text_row("", words.say(bin_.text), words.say(terms)))
        elif bin_.text:
            lines.append(text_row("", words.say(bin_.text)))
    return tuple(lines)


def unknown_block(folded: Folded, options: Options) -> Block:
    """What could not be decided, by the reason."""
    if not folded.unknown:
        return ()
    words = Words(options)
    said = f"{count(folded.summary.unknown, 'result')} could not be decided, and none of them is a pass"
    lines: list[Line] = [Row(Span("UNKNOWN", Role.WARN), (Span(said, Role.TITLE),))]
    shown, locked = folded.unknown, [bin_ for bin_ in folded.unknown if _NO_PERMISSION in bin_.text]
    if locked and not options.verbose:
        shown = tuple(bin_ for bin_ in folded.unknown if bin_ not in locked)
        lines.append(_locked_row(locked, words))
    for bin_ in shown:
        such = "" if bin_.uniform else "such as "
        checks = bin_.sources[0] if len(bin_.sources) == 1 else count(len(bin_.sources), "check")
        reason = Span(such + words.say(bin_.text)), Span(f"  {words.say(checks)}", Role.FAINT)
        lines.append(Pair(hosts_label(len(bin_.hosts)), reason, (Span(words.hosts(bin_.hosts), Role.HOSTS),)))
    return tuple(lines)


def _locked_row(bins: Sequence[Bin[str]], words: Words) -> Line:
    """What root alone could have read, as one line whatever it was."""
    hosts = sorted({host for bin_ in bins for host in bin_.hosts}, key=natural_key)
    checks = len({source for bin_ in bins for source in bin_.sources})
    said = Span("needs root (--become)"), Span(f"  {count(checks, 'check')}", Role.FAINT)
    return Pair(hosts_label(len(hosts)), said, (Span(words.hosts(hosts), Role.HOSTS),))


def trouble_block(folded: Folded, options: Options) -> Block:
    """Hosts without verdict, by what kept them from one."""
    silent = folded.summary.unreachable + folded.summary.error
    if not silent:
        return ()
    words = Words(options)
    lines: list[Line] = [
        Row(Span("NO VERDICT", Role.BAD), (Span(f"{count(silent, 'host')} could not be audited", Role.TITLE),))
    ]
    hints: set[str] = set()
    for bin_ in folded.troubles:
        kind = (Span(f"{bin_.kind.status} {options.signs.dot} {bin_.kind.error}", Role.VALUE),)
        lines.append(Pair(hosts_label(len(bin_.hosts)), kind, (Span(words.hosts(bin_.hosts), Role.HOSTS),)))
        such = "" if bin_.uniform else "such as "
        lines.append(text_row("", such + words.say(bin_.text, ADVICE_CHARS)))
        if bin_.detail and bin_.detail not in hints:
            hints.add(bin_.detail)
            lines.append(text_row("hint", words.say(bin_.detail, ADVICE_CHARS)))
    return tuple(lines)


def notes_block(folded: Folded, options: Options) -> Block:
    """What was odd and did no harm; only when asked."""
    if not folded.notes or not options.verbose:
        return ()
    words = Words(options)
    lines: list[Line] = [Row(Span("NOTES", Role.TITLE), (Span("odd, and harmless", Role.TITLE),))]
    for bin_ in folded.notes:
        such = "" if bin_.uniform else "such as "
        lines.append(
            Pair(
                hosts_label(len(bin_.hosts)),
                (Span(such + words.say(bin_.text)),),
                (Span(words.hosts(bin_.hosts), Role.HOSTS),),
            )
        )
    return tuple(lines)


def heading_block(run: RunInfo, folded: Folded, options: Options) -> Block:
    """What was run, and what has to be known to judge the rest."""
    words = Words(options)
    dot = f" {options.signs.dot} "
    subject = folded.only.name if folded.only else count(folded.summary.hosts, "host")
    against = f" against {run.baseline.name}" if run.baseline else ""
    took = format_duration(run.duration_s).replace(" ", NO_BREAK)
    body = Span(words.say(subject + against), Role.TITLE), Span(dot.join(("", took, words.say(run.id))), Role.FAINT)
    lines: list[Line] = [Row(Span(words.say(run.command), Role.TITLE), body)]
    if options.verbose and run.baseline:
        lines.append(text_row("baseline", words.say(f"{run.baseline.name} sha256 {run.baseline.sha256}")))
    if options.verbose and run.bundle_digest:
        lines.append(text_row("payload", words.say(f"sha256 {run.bundle_digest}")))
    lines.extend(cautions(run, options))
    return tuple(lines)


def cautions(run: RunInfo, options: Options, *, stopped: str = _CANCELLED) -> Iterator[Line]:
    """What makes all of a run's answers less sure. ``stopped`` says what became of its hosts where it was."""
    if run.host_key_checking == "off":
        said = "Host-key checking was off: these may be the answers of other machines."
        yield Row(Span("WARNING", Role.BAD), (Span(said, Role.BAD),))
    if run.interrupted:
        yield Row(Span("STOPPED", Role.WARN), (Span(f"The run was interrupted: {stopped}", Role.WARN),))
    words = Words(options)
    yield from (Row(Span("NOTE", Role.WARN), (Span(words.say(note)),)) for note in run.notes)


def totals_block(summary: Summary, options: Options) -> Block:
    """The totals on one line if they fit, else on a line for hosts and one for findings."""
    hosts, findings = _host_totals(summary), _finding_totals(summary, options)
    together = (*hosts, Span(f" {options.signs.dot} ", Role.FAINT), *findings)
    if spans_width(together) <= options.body_columns:
        return (Row(NO_LABEL, together),)
    return Row(NO_LABEL, hosts), Row(NO_LABEL, findings)


def _host_totals(summary: Summary) -> Spans:
    """``12 hosts: 10 ok, 1 unreachable, 1 error``."""
    counted = [Span(f"{summary.ok:,} ok", Role.GOOD if summary.ok else Role.FAINT)]
    counted.extend(Span(f"{number:,}{NO_BREAK}{word}", Role.BAD) for number, word in _silent(summary) if number)
    return Span(f"{count(summary.hosts, 'host')}: ", Role.TITLE), *_joined(counted)


def _finding_totals(summary: Summary, options: Options) -> Spans:
    """``2 critical, 4 high · 2 waived, 12 unknown``."""
    numbers = {severity: summary.findings.get(severity, 0) for severity in Severity}
    failures = [
        Span(f"{number:,}{NO_BREAK}{each.value}", Role(each.value)) for each, number in numbers.items() if number
    ]
    if not failures:
        failures = [Span("nothing failed", Role.GOOD if summary.ok else Role.FAINT)]
    others = ((summary.waived, "waived"), (summary.unknown, "unknown"))
    rest = [Span(f"{number:,}{NO_BREAK}{word}") for number, word in others if number]
    dot = [Span(f" {options.signs.dot} ", Role.FAINT)] if rest else []
    return *_joined(failures), *dot, *_joined(rest)


def _silent(summary: Summary) -> tuple[tuple[int, str], ...]:
    return (summary.unreachable, "unreachable"), (summary.error, "error")


def _joined(spans: Sequence[Span]) -> Iterator[Span]:
    for place, span in enumerate(spans):
        if place:
            yield Span(", ", Role.FAINT)
        yield span
