"""How long a finding has stood: one spell is its presence on one host without interruption."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from netaudit.model.result import Severity

FLAPPING_WITHIN = timedelta(days=30)
FLAPPING_SPELLS = 3  # so many spells within that time, and a finding comes and goes


@dataclass(frozen=True, slots=True)
class Spell:
    """From the run that first saw a finding on a host to the last one that did, and to the one that saw it gone.

    ``at`` is always when the host was asked (UTC). A run that did not reach the host, or could not decide the check,
    says nothing, and a waived finding stands. The runs themselves may have been deleted since.
    """

    host: str
    check: str
    severity: Severity  # when it was seen last
    since_at: datetime
    since_run: str
    last_at: datetime
    last_run: str
    fixed_at: datetime | None  # None: it stands
    fixed_run: str | None
    times: int  # runs that saw it
    rules: str = ""  # name of the baseline: each has a history of its own
    recent: int = 1  # spells of this finding on this host that began within FLAPPING_WITHIN of its last sighting

    @property
    def stands(self) -> bool:
        """Whether nobody has seen it gone."""
        return self.fixed_at is None

    @property
    def is_flapping(self) -> bool:
        """Whether it comes and goes."""
        return self.recent >= FLAPPING_SPELLS
