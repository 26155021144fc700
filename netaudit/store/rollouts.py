"""What is kept of a rollout beside the journal of changes: the plan, the verdicts of its gates, how each host ended.

The journal knows what was asked of each host and is what ``resume`` and ``rollback`` go by. This is for whoever reads
about a run later; it goes with the run when that is forgotten. What stands here is never needed to put a host right.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from netaudit.errors import PlanError, StoreError, Where
from netaudit.fleet.jsonable import clean, dumps
from netaudit.model.plan import HostOutcome, Plan
from netaudit.remedy.gates import GateVerdict
from netaudit.remedy.plan_file import plain_plan, plan_of
from netaudit.remedy.rolled import KeptRollout
from netaudit.store.database import Database, Opened
from netaudit.store.faults import explained
from netaudit.store.rollout_rows import outcome_from, outcome_row, verdict_from, verdict_row

_MAX_PLAN_BYTES = 512 * 2**20


def open_rollouts(path: Path) -> Rollouts:
    """The rollouts of this file, which is made where there is none. Raises StoreError."""
    return Rollouts(Database(path))


class Rollouts(Opened):
    """The rollouts of all runs. Use it from one thread at a time, and close it. Every method may raise StoreError."""

    def begin(self, run_id: str, plan: Plan) -> None:
        """Keep the plan of a run that is in the history already."""
        body = zlib.compress(json.dumps(plain_plan(plan), ensure_ascii=True, separators=(",", ":")).encode())
        with explained(self._database.path), self._database.writing() as connection:
            connection.execute("INSERT INTO rollouts (run, plan) SELECT no, ? FROM runs WHERE id = ?", (body, run_id))

    def judged(self, run_id: str, batch: int, verdict: GateVerdict) -> None:
        """Keep the verdict on a batch, or on the next part of it."""
        with explained(self._database.path), self._database.writing() as connection:
            connection.execute(
                "INSERT INTO gates (run, batch, at, body) SELECT no, ?, ?, ? FROM runs WHERE id = ?",
                (batch, datetime.now(UTC).isoformat(timespec="milliseconds"), dumps(verdict_row(verdict)), run_id),
            )

    def ended(self, run_id: str, outcomes: Sequence[tuple[int, HostOutcome]]) -> None:
        """Keep how hosts ended, each with the number of its batch; what is told later of the same one counts."""
        rows = [(number, clean(outcome.host), dumps(outcome_row(outcome)), run_id) for number, outcome in outcomes]
        with explained(self._database.path), self._database.writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO endings (run, batch, host, body) SELECT no, ?, ?, ? FROM runs WHERE id = ?",
                rows,
            )

    def stopped(self, run_id: str, batch: int, reason: str) -> None:
        """Keep after which batch no other was begun, and why."""
        with explained(self._database.path), self._database.writing() as connection:
            connection.execute(
                "UPDATE rollouts SET stopped_after = ?, reason = ? WHERE run = (SELECT no FROM runs WHERE id = ?)",
                (batch, clean(reason), run_id),
            )

    def kept(self, run_id: str) -> KeptRollout | None:
        """What is known of the rollout of one run; None where it had none, or was made by an older netaudit."""
        found = list(
            self._database.rows(
                "SELECT run, plan, stopped_after, reason FROM rollouts WHERE run = (SELECT no FROM runs WHERE id = ?)",
                run_id,
            )
        )
        if not found:
            return None
        number, body, stopped_after, reason = found[0]
        try:
            return KeptRollout(
                plan_of(json.loads(_opened(body)), Where(str(self._database.path))),
                self._verdicts(number),
                self._endings(number),
                stopped_after,
                reason,
            )
        except (PlanError, ValueError, KeyError, TypeError, zlib.error) as error:
            message = f"what is kept of the rollout of {run_id} is damaged: {error}"
            raise StoreError(message, Where(str(self._database.path))) from error

    def _verdicts(self, number: int) -> dict[int, tuple[GateVerdict, ...]]:
        found: dict[int, list[GateVerdict]] = {}
        for batch, body in self._database.rows("SELECT batch, body FROM gates WHERE run = ? ORDER BY no", number):
            found.setdefault(batch, []).append(verdict_from(json.loads(body)))
        return {batch: tuple(verdicts) for batch, verdicts in found.items()}

    def _endings(self, number: int) -> dict[tuple[int, str], HostOutcome]:
        rows = self._database.rows("SELECT batch, host, body FROM endings WHERE run = ?", number)
        return {(batch, host): outcome_from(host, json.loads(body)) for batch, host, body in rows}


def _opened(body: bytes) -> bytes:
    """The text of a plan; bounded, since the file may be another's."""
    unpacking = zlib.decompressobj()
    text = unpacking.decompress(body, _MAX_PLAN_BYTES)
    if unpacking.unconsumed_tail:
        raise ValueError("the plan is too large")
    return text
