"""What a journal keeps of one change, and what follows from it for whoever takes the change up again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from netaudit.remedy.flow import Entry
from netaudit.remedy.guard import FINAL, Action, Event, State
from netaudit.remedy.work import FileState, Work


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """One change of one host, with all that was noted of it, the first entry first."""

    id: str
    run: str
    host: str
    position: int
    owner: str
    begun_at: datetime
    work: Work
    entries: tuple[Entry, ...] = field(default=())
    undoes: str = ""  # the id of the earlier change that this one takes back

    @property
    def state(self) -> State:
        """The last state that was noted."""
        return self.entries[-1].state if self.entries else State.PLANNED

    @property
    def is_final(self) -> bool:
        """Whether nothing is left to find out."""
        return self.state in FINAL and self.state is not State.LOST

    @property
    def last_learned(self) -> Entry | None:
        """The last entry that tells of the host; what follows it was only asked."""
        return next((entry for entry in reversed(self.entries) if entry.event is not None), None)

    @property
    def prior(self) -> tuple[FileState, ...]:
        """The files as they were before."""
        return next((entry.files for entry in self.entries if entry.event is Event.CLAIMED), ())

    @property
    def boot_id(self) -> str:
        """The boot in which the host was claimed; empty when it never was."""
        return next((entry.boot_id for entry in self.entries if entry.event is Event.CLAIMED), "")

    @property
    def values_after(self) -> dict[int, str]:
        """The values that were read when the change held, by number of step; empty when it never did."""
        held = {State.APPLIED, State.VERIFIED, State.CONFIRMED, State.PERSISTED}
        return next((dict(entry.values) for entry in reversed(self.entries) if entry.state in held), {})

    @property
    def was_confirmed(self) -> bool:
        """Whether the host had said that it keeps the change."""
        return any(entry.event is Event.CONFIRMED for entry in self.entries)

    @property
    def was_objected(self) -> bool:
        """Whether the controller had decided against a change that the host had confirmed."""
        events = [entry.event for entry in self.entries if entry.event is not None]
        return events[-2:] == [Event.CONFIRMED, Event.OBJECTION]

    @property
    def is_tidied(self) -> bool:
        """Whether the host was told to forget it, or had never heard of it."""
        return self.was_asked(Action.TIDY) or not any(entry.event is Event.CLAIMED for entry in self.entries)

    def was_asked(self, action: Action) -> bool:
        """Whether it was about to be asked of the host at some time."""
        return any(entry.action is action for entry in self.entries)


def to_be_undone(records: Sequence[ChangeRecord]) -> tuple[ChangeRecord, ...]:
    """The records so ordered that, undone from the last to the first, what is only done once more is done at the end.

    A service that was restarted for a new setting is restarted again when its undo has the old one back.
    """
    return tuple(sorted(records, key=lambda record: not _is_only_repeated(record.work)))


def _is_only_repeated(work: Work) -> bool:
    """Whether undoing means doing the same again."""
    return all(step.script.apply == step.script.undo for step in work.steps) and not work.files
