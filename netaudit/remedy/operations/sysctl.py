"""Sets a sysctl: a number, a word or a whole vector, of the host or of a named network namespace.

A vector is always written whole: the kernel takes one that is cut or wrong in part (EINVAL after a partial write), and
then an undo of the part that was meant would be wrong. Status codes of the shell say nothing of use (one "I/O error"
for every errno), so the guard goes by what is read back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from netaudit.baseline.canonical import canonical
from netaudit.facts.absence import why_absent
from netaudit.model.facts import Facts, Sysctls
from netaudit.model.plan import Step
from netaudit.model.reading import Absent, AbsentReason, Maybe
from netaudit.remedy import literals
from netaudit.remedy.operations.operation import Arguments, alone, within
from netaudit.remedy.scripts import StepScript

# Settings that other domains of the facts hold as well: the domain and its field.
_TWICE = {
    "net.netfilter.nf_conntrack_max": ("conntrack", "max"),
    "net.netfilter.nf_conntrack_buckets": ("conntrack", "buckets"),
    "fs.file-max": ("limits", "files_max"),
    "fs.nr_open": ("limits", "nr_open"),
}


@dataclass(frozen=True, slots=True)
class SetSysctl:
    """``arguments``: ``key``, as sysctl(8) writes it. ``before`` and ``after`` are whole values."""

    name: str = "sysctl"

    def subject(self, arguments: Arguments) -> str:
        """The key."""
        return arguments["key"]

    def observed(self, arguments: Arguments, namespace: str, facts: Facts) -> Maybe[str]:
        """The running value in the namespace."""
        key = arguments["key"]
        if namespace:
            return _inside(key, namespace, facts)
        if isinstance(facts.sysctl, Absent):
            return facts.sysctl
        found = facts.sysctl.values.get(key)
        return found if found is not None else why_absent(key, facts)

    def foreseen(self, arguments: Arguments, namespace: str, value: str, facts: Facts) -> Facts:
        """With the key set, wherever the facts hold it."""
        key, printed = arguments["key"], canonical(arguments["key"], value)
        if namespace:
            return _with_inside(key, namespace, printed, facts)
        if not isinstance(facts.sysctl, Absent):
            facts = replace(facts, sysctl=Sysctls({**facts.sysctl.values, key: printed}, facts.sysctl.absent))
        domain, name = _TWICE.get(key, ("", ""))
        held = getattr(facts, domain) if domain else None
        if held is None or isinstance(held, Absent):
            return facts
        return replace(facts, **{domain: replace(held, **{name: int(printed)})})

    def undone(self, step: Step) -> str:
        """The write that takes it back."""
        place = f" in network namespace {step.namespace}" if step.namespace else ""
        return f"write {step.before} to {step.arguments['key']}{place}"

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


def _inside(key: str, namespace: str, facts: Facts) -> Maybe[str]:
    if isinstance(facts.namespaces, Absent):
        return facts.namespaces
    found = next((each for each in facts.namespaces if each.name == namespace), None)
    if found is None:
        return Absent(AbsentReason.NOT_PRESENT, f"no network namespace {namespace}")
    if isinstance(found.sysctl, Absent):
        return found.sysctl
    missing = Absent(AbsentReason.NOT_APPLICABLE, f"network namespace {namespace} has no {key} of its own")
    return found.sysctl.get(key, missing)


def _with_inside(key: str, namespace: str, value: str, facts: Facts) -> Facts:
    if isinstance(facts.namespaces, Absent):
        return facts
    changed = tuple(
        replace(each, sysctl={**each.sysctl, key: value})
        if each.name == namespace and not isinstance(each.sysctl, Absent)
        else each
        for each in facts.namespaces
    )
    return replace(facts, namespaces=changed)


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
