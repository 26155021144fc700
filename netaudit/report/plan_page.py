"""A plan as a page: what would be changed, as a difference, with equal hosts as one; then what is left alone and why.

Pure: a plan goes in, blocks of rows come out. Everything that came from a host goes through ``words.Words``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from netaudit.model.natural import natural_key
from netaudit.model.plan import HostPlan, NotRemedied, Plan, Step, StepClass
from netaudit.report.page import Block, Line, Role, Row, Span
from netaudit.report.words import ADVICE_CHARS, NO_BREAK, NO_LABEL, Options, Words, count, hosts_label, text_row

_CLASS_ROLES = {
    StepClass.LIVE: Role.GOOD,
    StepClass.NEW_SOCKETS: Role.GOOD,
    StepClass.LINK_FLAP: Role.WARN,
    StepClass.RESTART: Role.WARN,
    StepClass.REBOOT: Role.BAD,
}
_SHORT_DIGEST = 12
_UNDO_CHARS = 600
_IDLE = "for information only"  # how the planner begins to say so


def plan_page(plan: Plan, options: Options) -> tuple[Block, ...]:
    """The whole plan, block by block; the totals are last."""
    blocks = [
        _heading(plan, options),
        *(_group(hosts, options) for hosts in _alike(plan.hosts)),
        _batches(plan, options),
        _left_alone(plan, options),
        _totals(plan),
    ]
    return tuple(block for block in blocks if block)


def _heading(plan: Plan, options: Options) -> Block:
    words = Words(options)
    dot = f" {options.signs.dot} "
    changed = sum(1 for host in plan.hosts if host.steps)
    body = (
        Span(f"{count(changed, 'host')} of {len(plan.hosts):,} would be changed", Role.TITLE),
        Span(
            dot.join(("", words.say(f"against {plan.baseline}"), f"digest{NO_BREAK}{plan.digest[:_SHORT_DIGEST]}")),
            Role.FAINT,
        ),
    )
    lines: list[Line] = [Row(Span("plan", Role.TITLE), body)]
    lines.append(text_row("expires", f"{plan.expires_at:%Y-%m-%d %H:%M} UTC"))
    lines.extend(Row(Span("NOTE", Role.WARN), (Span(words.say(note)),)) for note in plan.notes)
    return tuple(lines)


def _alike(hosts: Iterable[HostPlan]) -> Iterable[list[HostPlan]]:
    """Hosts that would be changed alike, in the order of the first of each; what is noted of them may differ."""
    found: dict[tuple[object, ...], list[HostPlan]] = {}
    for host in hosts:
        if host.steps:
            found.setdefault(tuple(_seen(step) for step in host.steps), []).append(host)
    return found.values()


def _seen(step: Step) -> tuple[object, ...]:
    """All that a page shows of a step, but for notes."""
    return (
        step.operation, step.subject, step.namespace, step.before, step.after, step.step_class, step.checks,
        step.boot_before, step.file, step.undo,
    )  # fmt: skip


def _group(hosts: Sequence[HostPlan], options: Options) -> Block:
    words = Words(options)
    steps = hosts[0].steps
    names = words.hosts(sorted((host.host for host in hosts), key=natural_key))
    lines: list[Line] = [Row(hosts_label(len(hosts)), (Span(names, Role.HOSTS),))]
    for step in steps:
        lines.extend(_step(step, words, options))
    lines.extend(text_row("note", words.say(note, ADVICE_CHARS)) for note in _notes(hosts))
    undo = "; ".join(dict.fromkeys(step.undo for step in reversed(steps) if step.before != step.after))
    files = tuple(dict.fromkeys(step.file for step in steps if step.file))
    if undo:
        lines.append(text_row("undo", words.say(undo, _UNDO_CHARS)))
    lines.extend(text_row("file", words.say(file)) for file in files)
    return tuple(lines)


def _notes(hosts: Sequence[HostPlan]) -> Iterator[str]:
    """What is noted of equal hosts, each sort once; where it differs, with the host it is true of."""
    found: dict[str, tuple[str, str]] = {}
    differs: set[str] = set()
    for host in hosts:
        for note in (note for step in host.steps for note in step.notes):
            sort = note.partition(": ")[0]
            first = found.setdefault(sort, (note, host.host))
            if first[0] != note and first[1] != host.host:
                differs.add(sort)
    for sort, (note, name) in found.items():
        yield f"{note} (on {name})" if sort in differs else note


def _step(step: Step, words: Words, options: Options) -> Iterator[Line]:
    """A difference in two lines at most: the running value, and what the next boot sets."""
    arrow = f" {options.signs.arrow} "
    place = f" in netns {step.namespace}" if step.namespace else ""
    subject = Span(words.say(f"{step.subject}{place}  "), Role.TITLE)
    yield Row(
        Span("~", Role.WARN),
        (
            subject,
            *_change(step, words, arrow),
            Span(f"  {step.step_class}", _CLASS_ROLES[step.step_class]),
            Span(words.say(f"  {', '.join(step.checks)}"), Role.FAINT),
        ),
    )
    if step.file is not None and step.operation == "sysctl":
        before = step.boot_before if step.boot_before is not None else "not set"
        said = Span("same") if step.boot_before == step.after else Span(words.say(f"{before}{arrow}{step.after}"))
        yield Row(Span("boot", Role.FAINT), (said,))


def _change(step: Step, words: Words, arrow: str) -> tuple[Span, ...]:
    if step.operation == "restart":
        return (Span("started anew", Role.VALUE),)
    if step.before == step.after:
        return (Span(words.say(f"{step.after} (kept)"), Role.VALUE),)
    return (
        Span(words.say(step.before or "empty"), Role.BAD),
        Span(arrow, Role.FAINT),
        Span(words.say(step.after or "empty"), Role.GOOD),
    )


def _batches(plan: Plan, options: Options) -> Block:
    """The batches as they would go, each on a line."""
    words = Words(options)
    lines: list[Line] = []
    for place, batch in enumerate(plan.batches, 1):
        label = Span("BATCHES" if place == 1 else "", Role.TITLE)
        names = words.hosts(sorted(batch.hosts, key=natural_key))
        said = f"{place}. {count(len(batch.hosts), 'host')}, {batch.step_class}: "
        lines.append(Row(label, (Span(said), Span(names, Role.HOSTS))))
    return tuple(lines)


@dataclass(slots=True)
class _Left:
    """A reason for leaving things alone, with the hosts and subjects it is true of."""

    item: NotRemedied
    hosts: dict[str, None] = field(default_factory=dict)
    subjects: dict[str, None] = field(default_factory=dict)


def _left_alone(plan: Plan, options: Options) -> Block:
    """What is not remedied: a line for each check and reason, with its hosts."""
    found: dict[tuple[str, str, str], _Left] = {}
    for host in plan.hosts:
        for each in host.not_remedied:
            left = found.setdefault((each.check, each.reason, each.advice), _Left(each))
            left.hosts[host.host] = None
            left.subjects[each.subject] = None
    if not found:
        return ()
    words = Words(options)
    said = f"{count(len(found), 'finding')} not remedied"
    lines: list[Line] = [Row(Span("LEFT ALONE", Role.WARN), (Span(said, Role.TITLE),))]
    idle = [left for left in found.values() if left.item.reason.startswith(_IDLE) and not options.verbose]
    for left in found.values():
        if left not in idle:
            lines.extend(_left(left, words))
    if idle:
        checks = ", ".join(sorted({left.item.check for left in idle}))
        lines.append(text_row("for info", words.say(checks, 1000), "  (-v shows why, --only CHECK remedies it)"))
    return tuple(lines)


def _left(left: _Left, words: Words) -> Iterator[Line]:
    subjects = [subject for subject in left.subjects if subject != "host"]
    about = f" ({', '.join(subjects[:3])}{', …' if len(subjects) > 3 else ''})" if subjects else ""
    names = words.hosts(sorted(left.hosts, key=natural_key))
    body = Span(words.say(left.item.check + about), Role.TITLE), Span(f"  {names}", Role.HOSTS)
    yield Row(hosts_label(len(left.hosts)), body)
    yield text_row("why", words.say(left.item.reason, ADVICE_CHARS))
    if left.item.advice:
        yield text_row("instead", words.say(left.item.advice, ADVICE_CHARS))


def _totals(plan: Plan) -> Block:
    changed = [host for host in plan.hosts if host.steps]
    steps = sum(len(host.steps) for host in changed)
    if not changed:
        return (Row(NO_LABEL, (Span("nothing would be changed", Role.GOOD),)),)
    batches = "1 batch" if len(plan.batches) == 1 else f"{len(plan.batches):,} batches"
    said = f"{count(steps, 'change')} on {count(len(changed), 'host')} in {batches}"
    return (Row(NO_LABEL, (Span(said, Role.TITLE),)),)
