"""What a watch tells: one event for each thing that became otherwise from one round to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from netaudit.fleet.spread import Plain
from netaudit.model.result import Severity, Summary


class EventKind(StrEnum):
    """What happened. The words are those of the JSON."""

    STARTED = "started"  # the first round is over
    ENDED = "ended"
    NEW = "finding-new"
    FIXED = "finding-fixed"
    CHANGED = "finding-changed"  # fails still, with another value, expectation or severity
    WAIVED = "finding-waived"  # is allowed to stand since
    SETTING = "setting"
    LOST = "host-lost"
    BACK = "host-back"
    SEEN = "host-seen"  # answers for the first time, later than in the first round
    REBOOTED = "host-rebooted"
    JOINED = "host-joined"  # is in the inventory since
    LEFT = "host-left"
    FLAPPING = "flapping"  # keeps changing; is told again once it has settled
    SETTLED = "settled"
    SLEPT = "slept"  # the machine that watches was asleep


FINDINGS = frozenset({EventKind.NEW, EventKind.FIXED, EventKind.CHANGED, EventKind.WAIVED})
NO_CHANGE = frozenset({EventKind.STARTED, EventKind.ENDED, EventKind.SLEPT})  # of the fleet: notes of the watch itself


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a watch. ``name`` is a check or a setting; an empty ``host`` is the fleet, or the watch itself."""

    kind: EventKind
    at: datetime  # when it is told (UTC)
    round: int
    host: str = ""
    name: str = ""
    subject: str = ""  # of a check that looks at several
    before: Plain = None
    after: Plain = None
    since: datetime | None = None  # when it was first seen as it is now; it may have become so since the round before
    severity: Severity | None = None
    expected: str = ""
    unit: str | None = None
    detail: str = ""  # of a host that is lost the error, of one that is back its failures
    count: int = 0  # how many changes, settings or rounds
    duration_s: float | None = None  # how long it was so before
    summary: Summary | None = None
    told_as: EventKind | None = None  # of what flaps or has settled: what it is otherwise told as

    @property
    def topic(self) -> tuple[str, str, str, str]:
        """What it is about, the same for all events of one thing."""
        kind = self.told_as or self.kind
        about = "finding" if kind in FINDINGS else str(kind)
        return self.host, "host" if kind in {EventKind.LOST, EventKind.BACK} else about, self.name, self.subject


def severities_text(findings: Mapping[Severity, int]) -> str:
    """``4 high, 12 medium``, or ``no findings``."""
    return ", ".join(f"{findings[each]:,} {each}" for each in Severity if findings.get(each)) or "no findings"
