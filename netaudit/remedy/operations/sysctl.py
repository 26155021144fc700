"""Sets a sysctl: a number, a word or a whole vector, of the host or of a named network namespace.

A vector is always written whole: the kernel takes one that is cut or wrong in part (EINVAL after a partial write), and
then an undo of the part that was meant would be wrong. Status codes of the shell say nothing of use (one "I/O error"
for every errno), so the guard goes by what is read back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netaudit.baseline.canonical import canonical
from netaudit.model.plan import Step
from netaudit.remedy.operations import literals
from netaudit.remedy.operations.operation import alone, within
from netaudit.remedy.scripts import StepScript


@dataclass(frozen=True, slots=True)
class SetSysctl:
    """``arguments``: ``key``, as sysctl(8) writes it. ``before`` and ``after`` are whole values."""

    name: str = "sysctl"

    def script(self, step: Step) -> StepScript:
        """Read, write and write back through /proc/sys."""
        key = step.arguments["key"]
        file = literals.sysctl_file(key)
        place = within(step, literals.namespace(step.namespace) if step.namespace else "")
        return StepScript(
            read=_read(file, place),
            apply=_write(file, place, step.after),
            undo=_write(file, place, step.before),
            accepts=tuple(dict.fromkeys((step.after, canonical(key, step.after)))),
        )

    def lines(self, step: Step) -> Sequence[str]:
        """One assignment, as sysctl.d(5) has it."""
        key = step.arguments["key"]
        literals.sysctl_file(key)
        literals.value(step.after)
        return (f"{key} = {step.after}",)


def _read(file: str, place: str) -> str:
    """The value on one line, words divided by single blanks."""
    there = f"{place}test -e {file} || exit 3"
    return alone(there, f"value=$({place}cat {file}) || exit 1", "unset IFS; set -f", 'set -- $value; echo "$*"')


def _write(file: str, place: str, value: str) -> str:
    """One write of the whole value."""
    literal = literals.value(value)
    if place:  # standard input, not an argument: values are seen by nobody and no second shell reads them
        return alone(f"printf '%s\\n' {literal} | {place}tee {file} >/dev/null")
    return alone(f"printf '%s\\n' {literal} >{file}")
