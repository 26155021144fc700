"""How a change ended of which its host knows nothing any more: after a boot, or when somebody has cleared it away.

What the host has tells it: its values, the files that were to be written, and in which boot it is. Where these do not
agree, nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netaudit.remedy.answer import Answer
from netaudit.remedy.guard import Event
from netaudit.remedy.reasons import Reason
from netaudit.remedy.work import FileState, Work


@dataclass(frozen=True, slots=True)
class Left:
    """What follows, and why."""

    event: Event
    reason: Reason


def what_is_left(
    work: Work,
    answer: Answer,
    files: Sequence[FileState],
    prior: Sequence[FileState],
    boot_id: str,
    *,
    confirmed: bool = False,
) -> Left:
    """The event that the host's values and files stand for. ``boot_id`` is of the boot in which it was claimed.

    A host that had ``confirmed`` forgets the change with its last word: where nothing was to be written, its new
    values in the same boot tell that it did.
    """
    pairs = [(step, answer.values.get(number)) for number, step in enumerate(work.steps, start=1)]
    written = _written(work.files, files, prior)
    is_new = all(value in step.script.accepts for step, value in pairs)
    if written and all(written) and is_new:
        return Left(Event.CONFIRMED, Reason("the host has its new values and files"))
    if not written and confirmed and is_new and boot_id == answer.boot_id != "":
        return Left(Event.CONFIRMED, Reason("the host has its new values"))
    if not any(written) and all(value == step.before for step, value in pairs):
        why = "has booted since" if answer.is_of_another_boot(boot_id) else "knows nothing of the change"
        return Left(Event.REVERTED, Reason(f"the host {why}, and has its old values"))
    if not any(written) and answer.is_of_another_boot(boot_id):
        text = "the host has booted since: what was not confirmed went with the boot before"
        return Left(Event.REBOOTED, Reason(text))
    shown = ", ".join(f"{step.subject} is {value!r}" for step, value in pairs)
    if any(written):
        shown += f"; {sum(written)} of {len(written)} files are written"
    return Left(Event.NOT_REVERTED, Reason(f"the host knows nothing of the change: {shown}", "log in and look"))


def _written(wanted: Sequence[FileState], found: Sequence[FileState], prior: Sequence[FileState]) -> list[bool]:
    """Of each file that was to become another: whether it holds what was to be written."""
    there = {file.path: file.content for file in found}
    before = {file.path: file.content for file in prior}
    return [
        file.path in there and there[file.path] == file.content
        for file in wanted
        if file.path not in before or before[file.path] != file.content
    ]
