"""What is to be done on one host, as the guard sees it: steps with their scripts, and files with what they are to hold.

A later undo is such a work as well, turned round: so it is guarded in the same way as the change was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from netaudit.errors import RuleError
from netaudit.model.plan import HostPlan
from netaudit.remedy.scripts import HostScripts, StepScript

CONFIRM_WITHIN_S = 60
CONFIRM_AT_MOST_S = 900
MAX_FILE_BYTES = 64 * 1024  # of a file that is replaced: its content is kept to be put back


@dataclass(frozen=True, slots=True)
class WorkStep:
    """One step: what its value must be before, and the script that changes it and puts it back."""

    subject: str
    before: str  # the line that ``script.read`` prints before; empty: there is no value
    script: StepScript
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class FileState:
    """What a path holds. No content means that there is no such file."""

    path: str
    content: bytes | None
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True)
class Work:
    """All that is to be done on one host, in order. ``files`` are written only after the confirmation."""

    host: str
    boot_id: str  # of the boot that the plan saw; empty: whichever
    steps: tuple[WorkStep, ...]
    files: tuple[FileState, ...] = ()
    expected_files: tuple[FileState, ...] = ()  # what must be there before; a path that is not named may hold anything
    confirm_within_s: int = CONFIRM_WITHIN_S

    def __post_init__(self) -> None:
        if not 1 <= self.confirm_within_s <= CONFIRM_AT_MOST_S:
            raise RuleError(
                f"a change cannot be confirmed within {self.confirm_within_s} s",
                hint=f"--confirm-within takes 1 to {CONFIRM_AT_MOST_S} s",
            )
        if not self.steps:
            raise ValueError("a work without steps changes nothing that could be guarded")

    @property
    def arm_within_s(self) -> int:
        """How long an armed host waits to be started before it forgets the change."""
        return min(60, self.confirm_within_s)

    @property
    def lasts(self) -> bool:
        """Whether anything of it is made to last over a boot."""
        return bool(self.files) or any(step.script.persist for step in self.steps)


def work_of(
    plan: HostPlan, scripts: HostScripts, *, confirm_within_s: int = CONFIRM_WITHIN_S, persist: bool = True
) -> Work:
    """The work of one host's plan. Without ``persist`` nothing of it is made to last."""
    if len(plan.steps) != len(scripts.steps):
        raise ValueError(f"{plan.host}: {len(plan.steps)} steps have {len(scripts.steps)} scripts")
    steps = tuple(
        WorkStep(
            step.subject,
            step.before,
            script if persist else replace(script, persist="", unpersist=""),
            step.namespace,
        )
        for step, script in zip(plan.steps, scripts.steps, strict=True)
    )
    files = tuple(FileState(file.path, file.content.encode(), file.mode) for file in scripts.files) if persist else ()
    return Work(plan.host, plan.boot_id, steps, files, (), confirm_within_s)


def undoing(work: Work, prior: Sequence[FileState], values: Mapping[int, str], *, whatever_files: bool = False) -> Work:
    """The work that takes back a confirmed one: in reverse order, to the values and files before.

    ``prior`` are the files as they were, ``values`` those that were read after the change, by number of step
    from 1: only where a value is still that one may it be put back. The same holds for the files that were written,
    unless ``whatever_files`` may be there now.
    """
    numbered = reversed(list(enumerate(work.steps, start=1)))
    steps = tuple(_turned(step, values.get(number)) for number, step in numbered)
    before = {file.path: file for file in prior}
    files = tuple(before.get(file.path, FileState(file.path, None)) for file in reversed(work.files))
    expected = () if whatever_files else work.files
    return Work(work.host, "", steps, files, expected, work.confirm_within_s)


def _turned(step: WorkStep, value: str | None) -> WorkStep:
    script = step.script
    turned = StepScript(
        read=script.read,
        apply=script.undo,
        undo=script.apply,
        accepts=(step.before,),
        persist=script.unpersist,
        unpersist=script.persist,
        timeout_s=script.timeout_s,
    )
    return replace(step, before=script.accepts[0] if value is None else value, script=turned)


def transaction_id(token: str) -> str:
    """The public name of a change, by which the journal and the host know it. The token cannot be had from it."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]
