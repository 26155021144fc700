"""A value that was read, or the reason why it was not. None, zero and empty never stand for absence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias, TypeGuard, TypeVar


class AbsentReason(StrEnum):
    """The six nothings."""

    NOT_ASKED = "not asked"  # the probe was not sent
    NOT_APPLICABLE = "not applicable"  # the probe says that this host has no such thing
    NOT_PERMITTED = "not permitted"  # it is there, and reading it needs root or a capability
    NOT_PRESENT = "not present"  # no such file, key, device or tool
    NOT_FINISHED = "not finished"  # cut, timed out or over its size
    NOT_UNDERSTOOD = "not understood"  # read, and the parser could make nothing of it


@dataclass(frozen=True, slots=True)
class Absent:
    """Why there is no value. ``detail`` is one line for a person; it may hold text a host sent."""

    reason: AbsentReason
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else str(self.reason)


T = TypeVar("T")
Maybe: TypeAlias = T | Absent


def is_known(value: T | Absent) -> TypeGuard[T]:
    """Whether a value was read."""
    return not isinstance(value, Absent)
