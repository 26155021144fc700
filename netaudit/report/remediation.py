"""What became of a remediation, as a page. Equal ends of many hosts are told once.

Pure: it takes the values that the rollout left and returns blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from netaudit.model.plan import Batch, HostOutcome, Outcome, Step
from netaudit.model.result import RunInfo
from netaudit.remedy.gates import GateRow, GateVerdict
from netaudit.remedy.rolled import GOOD, ORDER, ORDER_OF_UNDO, UNDONE, Rolled
from netaudit.report.page import Block, Line, Pair, Role, Row, Span, Spans
from netaudit.report.words import ADVICE_CHARS, NO_BREAK, NO_LABEL, Options, Words, count, hosts_label, text_row
from netaudit.units import format_duration

LABELS: Mapping[Outcome, tuple[str, Role]] = {
    Outcome.LOST: ("LOST", Role.CRITICAL),
    Outcome.ROLLED_BACK: ("UNDONE", Role.HIGH),
    Outcome.REFUSED: ("REFUSED", Role.MEDIUM),
    Outcome.UNREACHED: ("NOT BEGUN", Role.WARN),
    Outcome.CONFIRMED: ("CHANGED", Role.GOOD),
    Outcome.PERSISTED: ("CHANGED", Role.GOOD),
    Outcome.NOTHING: ("NOTHING", Role.FAINT),
}
MEANS: Mapping[Outcome, str] = {
    Outcome.LOST: "the state is not known: netaudit resume RUN asks the host",
    Outcome.ROLLED_BACK: "every value and file is as it was before",
    Outcome.REFUSED: "nothing was changed",
    Outcome.UNREACHED: "nothing was changed",
    Outcome.CONFIRMED: "verified and kept; nothing of it is written for the next boot",
    Outcome.PERSISTED: "verified, kept, and written for the next boot",
    Outcome.NOTHING: "there was nothing to do",
}
_MEANS_OF_UNDO: Mapping[Outcome, str] = {
    **MEANS,
    Outcome.REFUSED: "nothing was taken back",
    Outcome.UNREACHED: "nothing was taken back",
}


@dataclass(frozen=True, slots=True)
class Told:
    """All that a report of one remediation is made of. ``hosts`` are in inventory order."""

    run: RunInfo
    batches: tuple[Batch, ...]
    hosts: tuple[HostOutcome, ...]
    rolled: Rolled

    @property
    def is_undo(self) -> bool:
        """Whether the run was to take back another one: what is told of a host is then what became of that change."""
        return self.run.command == "rollback"

    @property
    def order(self) -> tuple[Outcome, ...]:
        """The ends, the worst first."""
        return ORDER_OF_UNDO if self.is_undo else ORDER

    @property
    def good(self) -> frozenset[Outcome]:
        """The ends that were wanted."""
        return UNDONE if self.is_undo else GOOD

    def label(self, outcome: Outcome) -> tuple[str, Role]:
        """An end in a word."""
        name, role = LABELS[outcome]
        return name, Role.GOOD if self.is_undo and outcome is Outcome.ROLLED_BACK else role

    def means(self, outcome: Outcome) -> str:
        """What is so on a host that ended so."""
        return (_MEANS_OF_UNDO if self.is_undo else MEANS)[outcome]

    @property
    def parts(self) -> tuple[HostOutcome, ...]:
        """What became of each host in each of its batches: one that was in two may have ended in two ways."""
        return tuple(outcome for _, outcome in self.numbered_parts)

    @property
    def numbered_parts(self) -> tuple[tuple[int, HostOutcome], ...]:
        """The same, each with the number of the batch."""
        place = {host.host: number for number, host in enumerate(self.hosts)}
        return tuple(sorted(self.rolled.outcomes, key=lambda each: place[each[1].host]))


def told(run: RunInfo, batches: Sequence[Batch], hosts: Sequence[str], rolled: Rolled) -> Told:
    """What a report needs, with one outcome a host in the order of ``hosts``."""
    account = Told(run, tuple(batches), (), rolled)
    return replace(account, hosts=rolled.by_host(hosts, account.order))


def remediation_page(account: Told, options: Options) -> tuple[Block, ...]:
    """The whole page: what was run, each batch with its gate, what became of the hosts, and the totals last."""
    blocks = [
        _heading(account, options),
        _batches(account, options),
        *(_outcome_block(outcome, account, options) for outcome in reversed(account.order)),
        _notes(account.parts, options),
        _totals(account),
    ]
    return tuple(block for block in blocks if block)


def gate_lines(verdict: GateVerdict, options: Options, *, all_rows: bool) -> Iterator[Line]:
    """The verdict of a gate: its counters before, now and as granted where one is against it, or all when asked."""
    words = Words(options)
    if verdict.passed:
        said = f"passed, {count(len(verdict.rows), 'counter')} compared" if verdict.rows else "passed"
        yield Row(Span("gate", Role.FAINT), (Span(said, Role.GOOD),))
    else:
        for place, reason in enumerate(verdict.reasons):
            yield Row(Span("" if place else "gate", Role.BAD), (Span(words.say(reason, ADVICE_CHARS)),))
    rows = [row for row in verdict.rows if all_rows or not row.passed]
    for row in rows:
        yield Pair(NO_LABEL, (Span(words.say(f"{row.host} {row.counter}")),), _figures(row, options))


def _figures(row: GateRow, options: Options) -> Spans:
    if row.now is None:
        return (Span(Words(options).say(row.note), Role.FAINT),)
    before = "not known" if row.before is None else figure(row.before, row.unit)
    role = Role.GOOD if row.passed else Role.BAD
    granted = f", at most {figure(row.threshold, row.unit)}" if row.threshold is not None else ""
    arrow = f" {options.signs.arrow} "
    return Span(f"{before}{arrow}", Role.FAINT), Span(figure(row.now, row.unit), role), Span(granted, Role.FAINT)


def figure(value: float, unit: str) -> str:
    """A rate or a ratio: ``12.5/s``, ``1.20 %``."""
    return f"{100 * value:.2f}{NO_BREAK}%" if unit == "ratio" else f"{value:.1f}{unit}"


def _heading(account: Told, options: Options) -> Block:
    words = Words(options)
    dot = f" {options.signs.dot} "
    against = f" against {account.run.baseline.name}" if account.run.baseline else ""
    took = format_duration(account.run.duration_s).replace(" ", NO_BREAK)
    body = (
        Span(words.say(count(len(account.hosts), "host") + against), Role.TITLE),
        Span(dot.join(("", took, words.say(account.run.id))), Role.FAINT),
    )
    lines: list[Line] = [Row(Span(words.say(account.run.command), Role.TITLE), body)]
    lines.extend(Row(Span("NOTE", Role.WARN), (Span(words.say(note)),)) for note in account.run.notes)
    if account.rolled.reason:
        where = f"after batch {account.rolled.stopped_after}: " if account.rolled.stopped_after else ""
        lines.append(Row(Span("STOPPED", Role.BAD), (Span(words.say(where + account.rolled.reason, ADVICE_CHARS)),)))
    return tuple(lines)


def _batches(account: Told, options: Options) -> Block:
    words = Words(options)
    lines: list[Line] = []
    for number, batch in enumerate(account.batches, 1):
        label = Span(f"batch {number}", Role.TITLE)
        what = Span(f"{count(len(batch.hosts), 'host')}, {batch.step_class}")
        lines.append(Pair(label, (what,), (Span(words.hosts(batch.hosts), Role.HOSTS),)))
        for verdict in account.rolled.verdicts.get(number, ()):
            if options.verbose or not verdict.passed:
                lines.extend(gate_lines(verdict, options, all_rows=options.verbose))
    return tuple(lines)


def _outcome_block(outcome: Outcome, account: Told, options: Options) -> Block:
    """The hosts that ended so, by the reason, with what was changed on them."""
    ended = [host for host in account.parts if host.outcome is outcome]
    if not ended:
        return ()
    words = Words(options)
    name, role = account.label(outcome)
    lines: list[Line] = [Row(Span(name, role), (Span(account.means(outcome), Role.TITLE),))]
    for reason, alike in _by_reason(ended):
        names = tuple(host.host for host in alike)
        lines.append(Row(hosts_label(len(names)), (Span(words.hosts(names), Role.HOSTS),)))
        if reason:
            lines.append(text_row("why", words.say(reason, ADVICE_CHARS)))
        if alike[0].hint:
            lines.append(text_row("hint", words.say(alike[0].hint, ADVICE_CHARS)))
        if outcome is not Outcome.UNREACHED:
            lines.extend(_changes(alike, options, is_undo=account.is_undo))
    return tuple(lines)


def _changes(hosts: Sequence[HostOutcome], options: Options, *, is_undo: bool) -> Iterator[Line]:
    """Each different change once, with the hosts that had it where not all did."""
    words = Words(options)
    found: dict[tuple[str, bool, str, str, str], list[str]] = {}
    for host in hosts:
        for step in host.steps:
            now = host.read_back.get(step.subject, "")
            key = (_subject(step), step.operation == "restart", step.before, step.after, now)
            found.setdefault(key, []).append(host.host)
    for (subject, is_restart, before, after, now), names in found.items():
        where = "" if len(names) == len(hosts) else words.hosts(names)
        outcome = hosts[0].outcome
        if is_restart:
            change = _restart(now, outcome, options)
        elif is_undo and outcome is Outcome.REFUSED:
            change = _left(before, after, now, options)
        else:
            change = _change(before, after, now, outcome, options)
        yield Pair(NO_LABEL, (Span(f"{words.say(subject)}  "), *change), (Span(where, Role.HOSTS),))


def _restart(now: str, outcome: Outcome, options: Options) -> Spans:
    """A service has no value to tell: it was started anew, or not, or twice."""
    match outcome:
        case Outcome.PERSISTED | Outcome.CONFIRMED:
            return (Span("started anew", Role.GOOD),)
        case Outcome.ROLLED_BACK:
            return (Span("started anew with what was before", Role.VALUE),)
        case Outcome.LOST:
            return (Span(f"not known{f', reads {Words(options).say(now)}' if now else ''}", Role.FAINT),)
        case _:
            return (Span("not started anew", Role.FAINT),)


def _change(before: str, after: str, now: str, outcome: Outcome, options: Options) -> Spans:
    """``128 → 4096``, or what is read now where that was undone."""
    words = Words(options)
    arrow = Span(f" {options.signs.arrow} ", Role.FAINT)
    if outcome in {Outcome.PERSISTED, Outcome.CONFIRMED}:
        return Span(words.say(before), Role.FAINT), arrow, Span(words.say(now or after), Role.GOOD)
    if outcome is Outcome.ROLLED_BACK:
        still = Span(f", reads {words.say(now)}" if now else "")
        return Span(words.say(before), Role.VALUE), arrow, Span(words.say(f"{after} undone"), Role.FAINT), still
    end = "not known" if outcome is Outcome.LOST else "not made"
    return Span(words.say(before), Role.VALUE), arrow, Span(words.say(f"{after} {end}"), Role.FAINT)


def _left(before: str, after: str, now: str, options: Options) -> Spans:
    """``128 → 4096 stands``, where its undo was refused; or what is read now, where somebody else has changed it."""
    words = Words(options)
    arrow = Span(f" {options.signs.arrow} ", Role.FAINT)
    if now in {"", after}:
        return Span(words.say(before), Role.FAINT), arrow, Span(words.say(f"{after} stands"), Role.VALUE)
    return (
        Span(words.say(before), Role.FAINT), arrow, Span(words.say(after), Role.FAINT),
        Span(words.say(f", reads {now}"), Role.VALUE),
    )  # fmt: skip


def _subject(step: Step) -> str:
    return f"{step.subject} in {step.namespace}" if step.namespace else step.subject


def _notes(hosts: Sequence[HostOutcome], options: Options) -> Block:
    """What the operator should know of the hosts that were changed: listeners that keep their old backlog, and such."""
    words = Words(options)
    found: dict[str, list[str]] = {}
    for host in hosts:
        kept = host.outcome in {Outcome.PERSISTED, Outcome.CONFIRMED}
        for note in (*host.notes, *(note for step in host.steps if kept for note in step.notes)):
            names = found.setdefault(note, [])
            if host.host not in names:
                names.append(host.host)
    if not found:
        return ()
    alike: dict[tuple[str, ...], list[str]] = {}
    for note, names in found.items():
        alike.setdefault(tuple(names), []).append(note)
    lines: list[Line] = [Row(Span("NOTES", Role.TITLE), (Span("what to know of these hosts", Role.TITLE),))]
    for hosts_alike, notes in alike.items():
        lines.append(Row(hosts_label(len(hosts_alike)), (Span(words.hosts(hosts_alike), Role.HOSTS),)))
        lines.extend(text_row(options.signs.dot, words.say(note, ADVICE_CHARS)) for note in notes)
    return tuple(lines)


def _totals(account: Told) -> Block:
    hosts = account.hosts
    numbers = [(sum(1 for host in hosts if host.outcome is outcome), outcome) for outcome in reversed(account.order)]
    spans: list[Span] = [Span(f"{count(len(hosts), 'host')}: ", Role.TITLE)]
    shown = [(number, outcome) for number, outcome in numbers if number]
    for place, (number, outcome) in enumerate(shown):
        spans.append(Span(", " if place else "", Role.FAINT))
        spans.append(Span(f"{number:,}{NO_BREAK}{outcome}", account.label(outcome)[1]))
    if not shown:
        spans.append(Span("nothing to do", Role.GOOD))
    return (Row(NO_LABEL, tuple(spans)),)


def _without_name(reason: str, host: str) -> str:
    """The reason with the host's own name taken out of its beginning, so that equal ones are equal."""
    return reason.removeprefix(f"{host}: ")


def _by_reason(hosts: Sequence[HostOutcome]) -> Iterator[tuple[str, list[HostOutcome]]]:
    groups: dict[str, list[HostOutcome]] = {}
    for host in hosts:
        groups.setdefault(_without_name(host.reason, host.host), []).append(host)
    yield from groups.items()
