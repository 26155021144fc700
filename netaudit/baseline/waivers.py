"""Leave to let a finding stand: whether one counts now, and loudly why not.

A waiver stops counting when its time is over or when the value is no longer the one it was granted for. Either is said
in the result that it used to cover; that its time is over is said for the whole run as well, by ``notes``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from netaudit.baseline.schema import Waiver
from netaudit.baseline.unknown import Unknown
from netaudit.baseline.values import as_text, shown


@dataclass(frozen=True, slots=True)
class Decision:
    """The waiver that counts, if any, and what is to be said of those that do not."""

    waiver: Waiver | None
    notes: tuple[str, ...] = ()


def decision(waivers: Sequence[Waiver], subject: str, value: object, now: datetime) -> Decision:
    """Whether one of a check's waivers lets a failure with this value stand."""
    notes = []
    for waiver in waivers:
        if waiver.subject not in {None, subject} and not fnmatchcase(subject, waiver.subject or ""):
            continue  # the subject in full counts as well: that of IPv6 sockets has brackets
        problem = _problem(waiver, value, now)
        if problem is None:
            return Decision(waiver)
        notes.append(f"{titled(waiver)} {problem}")
    return Decision(None, tuple(notes))


def _problem(waiver: Waiver, value: object, now: datetime) -> str | None:
    over = lapsed(waiver, now)
    if over is not None:
        return over
    if waiver.any_value:
        return None
    if isinstance(value, Unknown):
        return f"was granted for {shown(waiver.value)}, and the value is not known"
    if as_text(value) != as_text(waiver.value):
        return f"was granted for {shown(waiver.value)}, and the value is {shown(value)}"
    return None


def lapsed(waiver: Waiver, now: datetime) -> str | None:
    """That a waiver is over, or has not begun; None while it lasts."""
    if now > waiver.expires:
        return f"expired on {waiver.expires:%Y-%m-%d}"
    if waiver.starts is not None and now < waiver.starts:
        return f"begins on {waiver.starts:%Y-%m-%d}"
    return None


def titled(waiver: Waiver) -> str:
    """A waiver in a sentence."""
    ticket = f" ({waiver.ticket})" if waiver.ticket else ""
    return f"waiver of {waiver.approver}{ticket}"


def notes(waivers: Iterable[Waiver], now: datetime) -> tuple[str, ...]:
    """What a run says of waivers that do not count at its time, with their place."""
    found = []
    for waiver in waivers:
        over = lapsed(waiver, now)
        if over is not None:
            hosts = f" on {waiver.hosts}" if waiver.hosts else ""
            place = f"{waiver.where}: " if waiver.where is not None else ""
            found.append(f"{place}{titled(waiver)} for {waiver.check}{hosts} {over}")
    return tuple(found)
