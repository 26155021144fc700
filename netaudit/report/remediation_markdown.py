"""What became of a remediation as a comment on a ticket: totals, batches with their gates, and a row for each change.

As ``markdown`` does it for an audit: bounded, the worst first, folded away where all is well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netaudit.fleet.jsonable import time_text
from netaudit.fleet.names import fold_within
from netaudit.model.plan import HostOutcome, Outcome, Step
from netaudit.remedy.gates import GateRow, GateVerdict
from netaudit.report.markdown import MOST_CHARS, within
from netaudit.report.markdown_text import code, details, in_html, prose, table
from netaudit.report.remediation import Told, figure
from netaudit.report.words import count
from netaudit.units import format_duration

_ROWS = 40  # of one section: what does not fit into a comment is left out by sections
_HOSTS_CHARS = 400
_COLUMNS = ("host", "key", "before", "after", "reads", "why")


def remediation_markdown(account: Told) -> Iterator[str]:
    """The comment, in one piece."""
    sections = [*_stopping_gates(account), *_outcomes(account), *_batches(account), *_notes(account)]
    yield within(_head(account), sections, f"`netaudit show {account.run.id}` shows everything.", MOST_CHARS)


def _head(account: Told) -> str:
    run = account.run
    against = f" against {prose(run.baseline.name)}" if run.baseline else ""
    numbers = [sum(1 for host in account.hosts if host.outcome is outcome) for outcome in account.order]
    shown = [(outcome, number) for outcome, number in zip(account.order, numbers, strict=True) if number]
    lines = [
        f"## netaudit {prose(run.command)}: {count(len(account.hosts), 'host')}{against}",
        "",
        f"| {' | '.join(['hosts', *(outcome.value for outcome, _ in shown)])} |",
        f"|{'---:|' * (1 + len(shown))}",
        f"| {' | '.join([f'{len(account.hosts):,}', *(f'{number:,}' for _, number in shown)])} |",
        "",
        f"Run {code(run.id)}, {time_text(run.started_at)}, {format_duration(run.duration_s)}.",
        "",
    ]
    if account.rolled.reason:
        where = f" after batch {account.rolled.stopped_after}" if account.rolled.stopped_after else ""
        lines += [f"**Stopped{where}:** {prose(account.rolled.reason)}", ""]
    if run.host_key_checking == "off":
        lines += ["**Host-key checking was off: these may be the answers of other machines.**", ""]
    if account.rolled.interrupted:
        lines += ["**The run was interrupted.**", ""]
    for note in run.notes[:10]:
        lines += [f"> {prose(note)}", ""]
    return "\n".join(lines) + "\n"


def _stopping_gates(account: Told) -> Iterator[str]:
    """Each gate that failed, with what it held against its batch: the counters before, now, and as granted."""
    for number, verdicts in sorted(account.rolled.verdicts.items()):
        for verdict in verdicts:
            if not verdict.passed:
                yield f"### The gate of batch {number} failed\n\n{_said(verdict)}"


def _said(verdict: GateVerdict) -> str:
    reasons = "".join(f"- {prose(reason)}\n" for reason in verdict.reasons[:_ROWS]) + "\n"
    rows = [_counter(row) for row in verdict.rows if not row.passed][:_ROWS]
    return reasons + (table(("host", "counter", "before", "now", "at most"), rows) if rows else "")


def _counter(row: GateRow) -> tuple[str, ...]:
    now = prose(row.note) if row.now is None else code(figure(row.now, row.unit))
    before = "" if row.before is None else code(figure(row.before, row.unit))
    granted = "" if row.threshold is None else code(figure(row.threshold, row.unit))
    return code(row.host), code(row.counter), before, now, granted


def _outcomes(account: Told) -> Iterator[str]:
    """A row for each change of each host, by how it ended."""
    for outcome in account.order:
        ended = [part for part in account.parts if part.outcome is outcome]
        rows = [row for part in ended for row in _rows(part)]
        hosts = len({part.host for part in ended})
        title = f"<b>{account.label(outcome)[0]}</b> {in_html(account.means(outcome))} ({count(hosts, 'host')})"
        for start in range(0, len(rows), _ROWS):
            more = f", from row {start + 1:,} on" if start else ""
            body = table(_COLUMNS, rows[start : start + _ROWS])
            yield details(title + more, body, is_open=outcome not in account.good and not start)


def _rows(part: HostOutcome) -> Iterator[tuple[str, ...]]:
    why = prose(part.reason)
    hint = f" Hint: {prose(part.hint)}" if part.hint else ""
    if not part.steps:
        yield code(part.host), "", "", "", "", why + hint
    for step in part.steps:
        reads = part.read_back.get(step.subject, "")
        yield code(part.host), _key(step), code(step.before), code(step.after), code(reads), why + hint


def _key(step: Step) -> str:
    return f"{code(step.subject)} in {code(step.namespace)}" if step.namespace else code(step.subject)


def _batches(account: Told) -> Iterator[str]:
    """The batches as they were, each with what its gate said."""
    rows = []
    for number, batch in enumerate(account.batches, 1):
        verdicts = account.rolled.verdicts.get(number, ())
        said = "passed" if all(verdict.passed for verdict in verdicts) else "failed"
        compared = sum(len(verdict.rows) for verdict in verdicts)
        gate = f"{said}, {count(compared, 'counter')} compared" if verdicts else "not asked"
        hosts = fold_within([name[:100] for name in batch.hosts], _HOSTS_CHARS)
        rows.append((str(number), code(batch.step_class.value), code(hosts, 2 * _HOSTS_CHARS), gate))
    for start in range(0, len(rows), _ROWS):
        title = ("1 batch" if len(rows) == 1 else f"{len(rows):,} batches") + (
            f", from batch {start + 1} on" if start else ""
        )
        yield details(title, table(("batch", "class", "hosts", "gate"), rows[start : start + _ROWS]))


def _notes(account: Told) -> Iterator[str]:
    """What to know of the hosts that were changed, each note once."""
    found: dict[str, list[str]] = {}
    for part in account.parts:
        kept = part.outcome in {Outcome.PERSISTED, Outcome.CONFIRMED}
        for note in dict.fromkeys((*part.notes, *(note for step in part.steps if kept for note in step.notes))):
            names = found.setdefault(note, [])
            if part.host not in names:
                names.append(part.host)
    rows = [(prose(note), _folded(names)) for note, names in found.items()]
    if rows:
        yield details("What to know of these hosts", table(("note", "hosts"), rows[:_ROWS]))


def _folded(names: Sequence[str]) -> str:
    return code(fold_within([name[:100] for name in names], _HOSTS_CHARS), 2 * _HOSTS_CHARS)
