"""What a cause is before it is held against a host, and what holding it there gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from netaudit.diagnosis.window import Window
from netaudit.model.diagnosis import Confidence, Layer
from netaudit.model.result import Severity


@dataclass(frozen=True, slots=True)
class Case:
    """What speaks for a cause on one host. ``changes`` are names of counters; those that did not move are left out."""

    confidence: Confidence
    summary: str
    changes: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    ruled_out: tuple[tuple[str, str], ...] = ()  # id of a neighbour, and the fact that speaks against it
    subjects: tuple[str, ...] = ()
    fix: str = ""  # where this case has a better one than the cause


Judge: TypeAlias = Callable[[Window], Case | None]


@dataclass(frozen=True, slots=True)
class CauseRule:
    """One cause of the catalogue.

    ``needs`` says what has to be observable: each entry is a counter, a family of counters that begin so, or a domain
    of the facts behind an ``@``; of alternatives between bars one is enough. ``grows``: two samples are needed.
    ``explains`` are causes whose counters this one moves as well: they are not named beside it.
    """

    id: str
    code: str
    title: str
    layer: Layer
    severity: Severity
    judge: Judge
    needs: tuple[str, ...]
    fix: str
    look: tuple[str, ...]
    checks: tuple[str, ...] = ()
    remediation: str | None = None
    grows: bool = True
    explains: tuple[str, ...] = field(default=())
