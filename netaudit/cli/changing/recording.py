"""A run that changes hosts, as the history knows it beside the journal: begun before any host is changed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from netaudit.cli.guard import say
from netaudit.errors import StoreError
from netaudit.model.plan import HostOutcome
from netaudit.model.result import RunInfo, Summary
from netaudit.store.location import default_path
from netaudit.store.runs import open_store


@dataclass(slots=True)
class Recorded:
    """What is known of the run when it ends. ``well`` are hosts that ended as was wanted."""

    run: RunInfo
    hosts: Sequence[str]
    well: set[str] = field(default_factory=set)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def ended(self, outcomes: Sequence[HostOutcome], good: frozenset[object], *, interrupted: bool = False) -> RunInfo:
        """Note how it went; the run as it is now, with its whole duration."""
        self.well = {each.host for each in outcomes} - {each.host for each in outcomes if each.outcome not in good}
        self.run = replace(self.run, duration_s=self._duration_s(), interrupted=self.run.interrupted or interrupted)
        return self.run

    def _duration_s(self) -> float:
        return self.run.duration_s + (datetime.now(UTC) - self.started_at).total_seconds()


@contextlib.contextmanager
def recorded_run(run: RunInfo, hosts: Sequence[str]) -> Iterator[Recorded]:
    """Keep the run in the history. That its end cannot be written never costs the result; that it begins must be."""
    made = Recorded(run, hosts)
    with open_store(default_path(os.environ)) as store:
        store.begin(run, hosts)
        yield made
        well = len(made.well)
        try:
            store.finish(made.run, Summary(hosts=len(hosts), ok=well, error=len(hosts) - well), ())
        except StoreError as error:
            say(f"warning: the history does not know how this run ended, the journal does: {error}")
