"""Why a host would not, in words for the operator: from the short codes that the host's side of the guard says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netaudit.remedy.answer import Answer, Word
from netaudit.remedy.work import FileState, Work


@dataclass(frozen=True, slots=True)
class Reason:
    """One line, and what would put it right."""

    text: str
    hint: str = ""
    code: str = ""  # what the host said, such as ``stale``; ``foreign`` for a file that is not as it was left


FOREIGN = "foreign"
NOT_PLANNED, NOT_LEFT = "is not what the plan saw", "is not as it was left"  # said of a value: of a change, of its undo

# code -> (what is so, what would be right); {detail} is what the host added, {subject} the step that it names.
_REFUSALS = {
    "no-root": ("it needs root there", "use --become, or log in as root"),
    "no-run": ("there is no place for the guard: {detail}", "/run must be writable for root"),
    "not-ours": ("{detail} is not a directory of root alone", "look who made it, and remove it"),
    "rebooted": ("the host has booted since the plan was made", "make a new plan"),
    "locked": ("another change is pending there: {owner}", "wait for it, or `netaudit resume` its run"),
    "unfinished": ("an earlier change never came to its end: {detail}", "`netaudit resume` its run first"),
    "stale": (f"{{subject}} {NOT_PLANNED}: {{detail}}", "make a new plan"),
    "unreadable": ("{subject} cannot be read: {detail}", "what cannot be read is never written"),
    "no-timer": ("no timer can be armed there: {detail}", "the host needs systemd-run or setsid"),
    "no-write": ("what is to last could not be written: {detail}", "see its mount and its free space; or --no-persist"),
    "full": ("there is no room for the guard: {detail}", "free some space below /run"),
    "tool": ("{detail} is missing there", "install it"),
    "token": ("the host holds another change under this name", ""),
    "start": ("the timer did not start: {detail}", ""),
}
_UNDONE = {
    "deadline": ("its time was over without a confirmation, and the host undid it", ""),
    "abandoned": ("it was called off", ""),
    "apply": ("{subject} could not be changed: {detail}", ""),
    "late": ("{subject} took too long to change", ""),
    "clamped": ("{subject} did not become what was asked: {detail}", "the kernel or the driver bounds it"),
    "persist": ("it could not be made to last: {detail}", "see the file system of /etc; or --no-persist"),
    "ended": ("the guard's process was told to end", ""),
    "recovered": ("the guard's process was gone; its undo was run", ""),
}


OUTLIVED = Reason(
    "the timer did not outlive the session that started it",
    "logind ends what a user leaves behind (KillUserProcesses); log in as root, or enable systemd-run",
)


ENDED_EARLY = Reason(
    "the timer was ended before anything was changed", "something on that host ends processes: look what it is"
)


def reason_of(answer: Answer, work: Work) -> Reason:
    """What an answer gives as reason; empty where there is nothing to explain."""
    if (answer.word is Word.ARMED and not answer.alive) or (answer.word is Word.EXPIRED and answer.why == "ended"):
        return OUTLIVED if answer.is_bound else ENDED_EARLY
    if answer.word in {Word.REFUSED, Word.EXPIRED}:
        return _filled(_REFUSALS | _UNDONE, answer, work) if answer.why else Reason("it was never started")
    if answer.word in {Word.REVERTED, Word.REVERTING}:
        return _filled(_UNDONE, answer, work)
    if answer.word is Word.STUCK:
        text = f"an old value could not be put back: {answer.detail or answer.why}"
        return Reason(text, "log in and look; nothing was made to last")
    if answer.word is Word.NONE and answer.is_of_another_boot(work.boot_id):
        return Reason("the host has booted since, and knows nothing of the change")
    if answer.word is Word.NONE:
        return Reason("the host knows nothing of the change")
    return Reason("")


def _filled(table: dict[str, tuple[str, str]], answer: Answer, work: Work) -> Reason:
    text, hint = table.get(answer.why, ("the host gave as reason: {why} {detail}", ""))
    number, _, rest = answer.detail.partition(" ")
    subject, detail = "", answer.detail
    if "{subject}" in text and number.isdigit() and 1 <= int(number) <= len(work.steps):
        subject, detail = work.steps[int(number) - 1].subject, rest
    words = {"subject": subject or "a step", "detail": detail or "no more is known", "owner": answer.owner or "unknown"}
    return Reason(text.format(why=answer.why, **words).strip(), hint, answer.why)


def surprise(work: Work, found: Sequence[FileState]) -> Reason | None:
    """Why the files of a host are not those that this work may replace, or None."""
    there = {file.path: file for file in found}
    for file in work.files:
        if file.path not in there:
            return Reason(f"{file.path} could not be read to be kept", "it is no plain file, or too large")
    for expected in work.expected_files:
        content = there[expected.path].content if expected.path in there else None
        if content != expected.content:
            return Reason(f"{expected.path} {NOT_LEFT}", "somebody else has changed it: look at it", FOREIGN)
    return None
