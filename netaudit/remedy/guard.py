"""The guard as one table: in which states a guarded change of one host can be, and what leads from one to the next.

Everything that decides about a change reads this table: the flow that drives a host, the recovery after a crash, the
tests that enumerate what can go wrong, and the page in the documentation. It knows neither hosts nor time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How far a change of one host has come, as the controller knows it."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    ARMED = "armed"
    APPLIED = "applied"
    VERIFIED = "verified"
    CONFIRMED = "confirmed"
    PERSISTED = "persisted"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    REFUSED = "refused"
    LOST = "lost"


class Event(StrEnum):
    """What the controller has learned, from the host or from outside."""

    CLAIMED = "claimed"
    REFUSED = "refused"
    SEEN_ARMED = "seen armed"
    NOT_ARMED = "not armed"
    APPLIED = "applied"
    UNTOUCHED = "untouched"
    VERIFIED = "verified"
    OBJECTION = "objection"
    CONFIRMED = "confirmed"
    KEPT = "kept"
    REVERTED = "reverted"
    NOT_REVERTED = "not reverted"
    REBOOTED = "rebooted"
    ABANDONED = "abandoned"
    SILENCE = "silence"
    UNWRITTEN = "unwritten"
    RESUMED = "resumed"


class Action(StrEnum):
    """What the controller asks of a host. Each is written to the journal before it is sent."""

    ARM = "arm"  # connection A, that of the audit if it is still there: snapshot, lock, undo script, timer
    CHECK = "check"  # connection B, a new one, where the end of A might end the watcher: is it still alive and armed?
    GO = "go"  # connection B; A where that cannot be
    VERIFY = "verify"  # connection C, a new one: probes, checks, what must not have changed
    CONFIRM = "confirm"  # connection C, or a later one; then what the next boot would bring, as the files are written
    REREAD = "reread"  # the latter alone, where the answer to the confirmation did not hold it
    KEEP = "keep"  # the host closes the matter and forgets it
    ABORT = "abort"
    STATUS = "status"
    TIDY = "tidy"  # the host forgets a change that was not kept, once its end is in the journal


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table."""

    state: State
    event: Event
    to: State
    means: str  # for people: what is true of the host then


_S, _E = State, Event

TABLE = (
    Transition(
        _S.PLANNED, _E.CLAIMED, _S.CLAIMED, "the host is locked, its values are those of the plan, a timer runs"
    ),
    Transition(_S.PLANNED, _E.REFUSED, _S.REFUSED, "locked by another, stale, no root, no timer, no place to write"),
    Transition(_S.PLANNED, _E.SILENCE, _S.REFUSED, "no answer; the change was never started and the timer expires"),
    Transition(_S.PLANNED, _E.UNWRITTEN, _S.REFUSED, "the journal cannot be written; nothing was sent"),
    Transition(_S.CLAIMED, _E.SEEN_ARMED, _S.ARMED, "the timer outlives its session: no part of one, or seen anew"),
    Transition(_S.CLAIMED, _E.NOT_ARMED, _S.REFUSED, "the timer did not outlive the session that started it"),
    Transition(_S.CLAIMED, _E.SILENCE, _S.REFUSED, "no answer; the change was never started and the timer expires"),
    Transition(_S.CLAIMED, _E.UNWRITTEN, _S.REFUSED, "the journal cannot be written; the timer expires"),
    Transition(_S.ARMED, _E.APPLIED, _S.APPLIED, "every step was made and read back"),
    Transition(_S.ARMED, _E.UNTOUCHED, _S.REFUSED, "the host would not start: a value had changed, or it was too late"),
    Transition(_S.ARMED, _E.REVERTED, _S.ROLLED_BACK, "a step failed or was clamped; the host has undone all of it"),
    Transition(_S.ARMED, _E.NOT_REVERTED, _S.LOST, "a step failed and so did its undo"),
    Transition(_S.ARMED, _E.SILENCE, _S.ROLLING_BACK, "no answer; the host undoes it when its time is over"),
    Transition(_S.ARMED, _E.UNWRITTEN, _S.REFUSED, "the journal cannot be written; the change is never started"),
    Transition(_S.APPLIED, _E.VERIFIED, _S.VERIFIED, "a new login works, the checks pass, nothing else has changed"),
    Transition(_S.APPLIED, _E.OBJECTION, _S.ROLLING_BACK, "the verification found a reason against it"),
    Transition(_S.APPLIED, _E.REVERTED, _S.ROLLED_BACK, "the host's time was over"),
    Transition(_S.APPLIED, _E.NOT_REVERTED, _S.LOST, "the host's time was over, and its undo failed"),
    Transition(_S.APPLIED, _E.SILENCE, _S.ROLLING_BACK, "no new connection; the host undoes it when its time is over"),
    Transition(_S.APPLIED, _E.UNWRITTEN, _S.ROLLING_BACK, "the journal cannot be written"),
    Transition(_S.VERIFIED, _E.CONFIRMED, _S.CONFIRMED, "the confirmation came before the deadline; files are written"),
    Transition(_S.VERIFIED, _E.ABANDONED, _S.ROLLING_BACK, "a gate, another host or the operator decided against it"),
    Transition(_S.VERIFIED, _E.REVERTED, _S.ROLLED_BACK, "the deadline came first, or the files could not be written"),
    Transition(_S.VERIFIED, _E.NOT_REVERTED, _S.LOST, "the deadline came first, and the undo failed"),
    Transition(_S.VERIFIED, _E.SILENCE, _S.ROLLING_BACK, "no answer; the host undoes it unless the confirmation came"),
    Transition(_S.VERIFIED, _E.UNWRITTEN, _S.ROLLING_BACK, "the journal cannot be written"),
    Transition(_S.CONFIRMED, _E.KEPT, _S.PERSISTED, "the next boot was predicted from the files: it will be the same"),
    Transition(_S.CONFIRMED, _E.OBJECTION, _S.ROLLING_BACK, "another file would win at boot"),
    Transition(_S.CONFIRMED, _E.REVERTED, _S.ROLLED_BACK, "the host has undone it, files included"),
    Transition(_S.CONFIRMED, _E.NOT_REVERTED, _S.LOST, "the host could not undo it"),
    Transition(_S.CONFIRMED, _E.SILENCE, _S.LOST, "confirmed and written, but nobody has read it since"),
    Transition(_S.ROLLING_BACK, _E.REVERTED, _S.ROLLED_BACK, "every old value was read back"),
    Transition(_S.ROLLING_BACK, _E.UNTOUCHED, _S.ROLLED_BACK, "the change was never started"),
    Transition(_S.ROLLING_BACK, _E.REBOOTED, _S.ROLLED_BACK, "the host has booted; what was not persisted is gone"),
    Transition(_S.ROLLING_BACK, _E.CONFIRMED, _S.CONFIRMED, "the confirmation had come first after all"),
    Transition(_S.ROLLING_BACK, _E.NOT_REVERTED, _S.LOST, "an old value could not be put back"),
    Transition(_S.ROLLING_BACK, _E.SILENCE, _S.LOST, "no answer long after the host's time was over"),
    *(
        Transition(state, _E.RESUMED, _S.ROLLING_BACK, "a later controller asks the host what became of it")
        for state in (_S.PLANNED, _S.CLAIMED, _S.ARMED, _S.APPLIED, _S.VERIFIED, _S.CONFIRMED, _S.LOST)
    ),
)

_NEXT = {(row.state, row.event): row.to for row in TABLE}

# The order on the straight way, for tables and diagrams.
STRAIGHT = (
    State.PLANNED, State.CLAIMED, State.ARMED, State.APPLIED, State.VERIFIED, State.CONFIRMED, State.PERSISTED,
)  # fmt: skip
FINAL = frozenset({State.PERSISTED, State.ROLLED_BACK, State.REFUSED, State.LOST})
# From here on the host's values may be other than before, as far as the controller can know.
TOUCHED = frozenset({State.ARMED, State.APPLIED, State.VERIFIED, State.CONFIRMED, State.ROLLING_BACK})


class ImpossibleError(Exception):
    """An event that the table does not allow in this state: a defect of netaudit, never of a host."""


def after(state: State, event: Event) -> State:
    """The state that follows. Raises ImpossibleError where the table has no such row."""
    try:
        return _NEXT[state, event]
    except KeyError:
        raise ImpossibleError(f"{event!r} cannot happen to a change that is {state!r}") from None


def allows(state: State, event: Event) -> bool:
    """Whether the table has a row for it."""
    return (state, event) in _NEXT


def events_of(state: State) -> tuple[Event, ...]:
    """What can happen to a change in this state, in the order of the table."""
    return tuple(row.event for row in TABLE if row.state is state)


def paths(start: State = State.PLANNED) -> Iterator[tuple[Transition, ...]]:
    """Every way through the table to a final state that passes no state twice and is not resumed."""
    yield from _paths(start, ())


def _paths(state: State, so_far: tuple[Transition, ...]) -> Iterator[tuple[Transition, ...]]:
    if state in FINAL:
        yield so_far
        return
    been = {row.state for row in so_far}
    for row in TABLE:
        if row.state is state and row.event is not Event.RESUMED and row.to not in been:
            yield from _paths(row.to, (*so_far, row))


def as_text() -> str:
    """The table in columns, a row a line."""
    rows = [("state", "event", "next state", "then"), *((r.state, r.event, r.to, r.means) for r in TABLE)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join([*(row[column].ljust(widths[column]) for column in range(3)), row[3]]).rstrip() for row in rows
    )


def as_markdown() -> str:
    """The table for a document."""
    lines = ["| state | event | next state | then |", "|---|---|---|---|"]
    lines += [f"| {row.state} | {row.event} | {row.to} | {row.means} |" for row in TABLE]
    return "\n".join(lines)


def as_diagram() -> str:
    """The table as a Mermaid state diagram; events that lead the same way share an arrow."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for row in TABLE:
        if row.event is not Event.RESUMED:
            arrows.setdefault((row.state, row.to), []).append(row.event)
    lines = ["stateDiagram-v2", f"    [*] --> {State.PLANNED}"]
    lines += [f"    {state} --> {to}: {', '.join(events)}" for (state, to), events in arrows.items()]
    lines += [f"    {state} --> [*]" for state in State if state in FINAL]
    return "\n".join(lines)
