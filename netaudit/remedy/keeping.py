"""Where a change is made to last, by what survives a boot of that host; or why there is no safe way.

Only files of netaudit's own are written, and none that another one would beat unseen. What is decided here is shown
in the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netaudit.baseline.canonical import applied, same
from netaudit.facts.defaults import default_of
from netaudit.facts.precedence import SYSCTL_CONF
from netaudit.model.facts import Facts, PersistedValue
from netaudit.model.reading import Absent
from netaudit.remedy.persistence import sysctl_drop_in
from netaudit.remedy.refused import Refused


@dataclass(frozen=True, slots=True)
class Kept:
    """How a change outlives a boot. ``others`` are the files that our own has to sort after."""

    needs_file: bool
    boot_before: str | None  # what the next boot would set now; None: nothing sets it
    others: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    file: str | None = None  # fixed already, where the kind of the change decides about it
    arguments: tuple[tuple[str, str], ...] = ()  # what the step needs besides, to be kept there


def boot_value(key: str, running: str, facts: Facts) -> str | None:
    """What the next boot makes of a sysctl: of a file, else the kernel's default; None when neither is known."""
    if isinstance(facts.persisted, Absent):
        return None
    entry = facts.persisted.boot.get(key)
    return applied(key, running, entry.value) if entry is not None else default_of(key, facts)


def sysctl_kept(key: str, running: str, value: str, facts: Facts) -> Kept:
    """How a sysctl is kept. Raises Refused where another file would win."""
    persisted = facts.persisted
    if isinstance(persisted, Absent):
        raise Refused(f"what files set at boot could not be read ({persisted})", "--no-persist changes it until then")
    boot, system = persisted.boot.get(key), persisted.system.get(key)
    before = boot_value(key, running, facts)
    if _lasts(boot, key, running, value) and _lasts(system, key, running, value):
        return Kept(needs_file=False, boot_before=before, notes=(f"{_place(boot)} sets it at boot already",))
    if boot is None and system is None and running == value and before is not None and same(key, before, value):
        return Kept(needs_file=False, boot_before=before)
    if system is not None and system.file == SYSCTL_CONF and not same(key, system.value, value):
        raise Refused(
            f"{_place(system)} sets it to {system.value}, and `sysctl --system` reads that file last",
            f"write {key} = {value} there, or remove the line",
        )
    beaten = tuple(entry for entry in (boot, system) if entry is not None and not same(key, entry.value, value))
    notes = tuple(f"wins over {place}" for place in dict.fromkeys(map(_place, beaten)))
    others = tuple(dict.fromkeys(entry.file for entry in (boot, system) if entry is not None))
    return Kept(needs_file=True, boot_before=before, others=others, notes=notes)


def _lasts(entry: PersistedValue | None, key: str, running: str, value: str) -> bool:
    """Whether a file sets a value at boot, and will still be there."""
    return (
        entry is not None
        and not entry.file.startswith("/run/")
        and same(key, applied(key, running, entry.value), value)
    )


def _place(entry: PersistedValue | None) -> str:
    return f"{entry.file}:{entry.line}" if entry is not None else ""


def drop_in(stamp: str, kept: Sequence[Kept]) -> str:
    """The one drop-in for some settings of a host. Raises Refused when no name of ours sorts after the others'."""
    others = tuple(other for each in kept for other in each.others if other != SYSCTL_CONF)
    path = sysctl_drop_in(stamp, others)
    if path is None:
        last = max(others, key=lambda other: other.rpartition("/")[2].encode())
        raise Refused(f"{last} sorts after every name that netaudit uses, and would win", "rename it, or set it there")
    return path
