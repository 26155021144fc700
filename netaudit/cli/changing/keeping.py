"""Keeps what is told of a rollout for whoever asks about the run later, on its way to whoever watches it now.

What cannot be kept costs nothing but the later account: it is said once, and the rollout goes on by its journal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netaudit.app.rollout import RolloutObserver
from netaudit.cli.guard import say
from netaudit.errors import StoreError
from netaudit.model.plan import Batch, HostOutcome, Plan
from netaudit.remedy.gates import GateVerdict
from netaudit.store.rollouts import Rollouts


class Keeping:
    """Fits ``app.rollout.RolloutObserver``. Ends of hosts are written together, with what is told next."""

    def __init__(self, rollouts: Rollouts, run_id: str, plan: Plan, audience: RolloutObserver) -> None:
        self._rollouts = rollouts
        self._run_id = run_id
        self._audience = audience
        self._ended: list[tuple[int, HostOutcome]] = []
        self._has_failed = False
        self._keep(lambda: rollouts.begin(run_id, plan))

    def batch_started(self, number: int, batch: Batch) -> None:
        """Pass it on; the batch before it is at its end."""
        self.flush()
        self._audience.batch_started(number, batch)

    def gate_waits(self, number: int, hosts: Sequence[str], soak_s: float) -> None:
        """Pass it on."""
        self._audience.gate_waits(number, hosts, soak_s)

    def gate_said(self, number: int, verdict: GateVerdict) -> None:
        """Keep the verdict."""
        self._keep(lambda: self._rollouts.judged(self._run_id, number, verdict))
        self._audience.gate_said(number, verdict)

    def host_ended(self, number: int, outcome: HostOutcome) -> None:
        """Keep how one host ended."""
        self._ended.append((number, outcome))
        self._audience.host_ended(number, outcome)

    def stopped(self, number: int, reason: str) -> None:
        """Keep why no batch follows."""
        self._keep(lambda: self._rollouts.stopped(self._run_id, number, reason))
        self._audience.stopped(number, reason)

    def flush(self) -> None:
        """Write what waits."""
        ended, self._ended = self._ended, []
        if ended:
            self._keep(lambda: self._rollouts.ended(self._run_id, ended))

    def _keep(self, write: Callable[[], None]) -> None:
        try:
            if not self._has_failed:
                write()
        except StoreError as error:
            self._has_failed = True
            say(f"warning: the history will not have all of this rollout, the journal does: {error}")
