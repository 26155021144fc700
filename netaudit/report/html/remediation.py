"""The page of a remediation: what became of each host, and every change as before, after, and what was read back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from netaudit.model.plan import HostOutcome, Outcome, Step
from netaudit.remedy.gates import GateVerdict
from netaudit.remedy.rolled import GOOD
from netaudit.report.html.charts import strip
from netaudit.report.html.headline import Headline
from netaudit.report.html.page import pieces
from netaudit.report.html.times import time_text
from netaudit.report.remediation import Told
from netaudit.report.words import count
from netaudit.units import format_duration

TONES = {
    Outcome.PERSISTED: "pass",
    Outcome.CONFIRMED: "pass",
    Outcome.NOTHING: "skipped",
    Outcome.UNREACHED: "silent",
    Outcome.REFUSED: "medium",
    Outcome.ROLLED_BACK: "high",
    Outcome.LOST: "critical",
}
_WORDS = {outcome: outcome.value.replace("-", " ") for outcome in Outcome}


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One change that was made, or tried, in the same way on several hosts."""

    step: Step
    outcome: str
    tone: str
    read_back: str
    holds: bool
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EndLine:
    """Hosts that ended in the same way for the same reason."""

    outcome: str
    tone: str
    reason: str
    hint: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One batch and what its gates said."""

    number: int
    step_class: str
    hosts: tuple[str, ...]
    verdicts: tuple[GateVerdict, ...]


def remediation_html(account: Told) -> Iterator[str]:
    """One self-contained page of a remediation, in pieces."""
    run = account.run
    batches = [
        BatchLine(number, batch.step_class.value, batch.hosts, account.rolled.verdicts.get(number, ()))
        for number, batch in enumerate(account.batches, 1)
    ]
    context = {
        "kind": "remediation",
        "run": run,
        "started": time_text(run.started_at),
        "took": format_duration(run.duration_s),
        "headline": _headline(account),
        "changes": _changes(account),
        "ends": _ends(account),
        "batches": batches,
        "stopped": account.rolled.reason,
        "interrupted": account.rolled.interrupted,
        "notes": [(host.host, note) for host in account.hosts for note in host.notes],
    }
    yield from pieces("remediation.html", context, scripts=("rows.js",))


def _headline(account: Told) -> Headline:
    hosts = account.hosts
    by_outcome = {outcome: sum(host.outcome is outcome for host in hosts) for outcome in account.order}
    bad = sum(number for outcome, number in by_outcome.items() if outcome not in account.good)
    lost = by_outcome[Outcome.LOST]
    total = count(len(hosts), "host")
    if lost:
        title = f"The state of {lost:,} of {total} is not known"
    elif bad:
        done = "taken back" if account.is_undo else "changed"
        title = f"{bad:,} of {total} {'was' if bad == 1 else 'were'} not {done}"
    elif account.is_undo:
        title = f"{total} {'has' if len(hosts) == 1 else 'have'} the values and files of before again"
    else:
        changed = len(hosts) - by_outcome[Outcome.NOTHING]
        title = (
            f"{count(changed, 'host')} changed, {'each ' if changed > 1 else ''}verified and confirmed"
            if changed
            else "Nothing had to be changed"
        )
    steps = sum(len(host.steps) for host in hosts)
    batches = f" in {count(len(account.batches), 'batch').replace('batchs', 'batches')}" if account.batches else ""
    lead = f"{count(steps, 'change')}{batches}."
    if lost:
        lead += f" netaudit resume {account.run.id} finds out what each of these hosts really has."
    elif bad and not account.is_undo:
        lead += " Where a change was begun and not confirmed the old values stand again."
    parts = strip([(_WORDS[outcome], by_outcome[outcome], _tone(account, outcome)) for outcome in account.order])
    return Headline(title, lead, parts, ())


def _tone(account: Told, outcome: Outcome) -> str:
    return "pass" if account.is_undo and outcome is Outcome.ROLLED_BACK else TONES[outcome]


def _changes(account: Told) -> list[ChangeLine]:
    """Equal changes of all hosts as one, the worst outcome first."""
    found: dict[tuple[object, ...], tuple[Step, HostOutcome, str, list[str]]] = {}
    for host in account.parts:
        for step in host.steps:
            read = host.read_back.get(step.subject, "")
            key = (step.operation, step.subject, step.namespace, step.before, step.after, host.outcome, read, step.file)
            found.setdefault(key, (step, host, read, []))[3].append(host.host)
    new = {Outcome.REFUSED, Outcome.UNREACHED} if account.is_undo else GOOD
    ranked = sorted(
        found.values(), key=lambda each: (account.order.index(each[1].outcome), -len(each[3]), each[0].subject)
    )
    return [
        ChangeLine(
            step=step,
            outcome=_WORDS[host.outcome],
            tone=_tone(account, host.outcome),
            read_back=read,
            holds=read == (step.after if host.outcome in new else step.before),
            hosts=tuple(names),
        )
        for step, host, read, names in ranked
    ]


def _ends(account: Told) -> list[EndLine]:
    found: dict[tuple[Outcome, str, str], list[str]] = {}
    for host in account.hosts:
        found.setdefault((host.outcome, host.reason, host.hint), []).append(host.host)
    ranked = sorted(found.items(), key=lambda each: (account.order.index(each[0][0]), -len(each[1])))
    return [
        EndLine(_WORDS[outcome], _tone(account, outcome), reason, hint, tuple(names))
        for (outcome, reason, hint), names in ranked
    ]
