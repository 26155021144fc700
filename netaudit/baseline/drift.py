"""The three values of a sysctl: running, at the next boot, and after ``sysctl --system``. (placeholder)"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drift:
    name: str
