"""How a rollout over a fleet ended, as a value that reports are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from netaudit.model.plan import HostOutcome, Outcome
from netaudit.remedy.gates import GateVerdict

KEPT = frozenset({Outcome.PERSISTED, Outcome.CONFIRMED})
GOOD = KEPT | {Outcome.NOTHING}
UNDONE = frozenset({Outcome.ROLLED_BACK, Outcome.NOTHING})  # of a run that takes back another one
# The worst first: of a host that was in several batches this one counts.
ORDER = (
    Outcome.LOST, Outcome.ROLLED_BACK, Outcome.REFUSED, Outcome.UNREACHED, Outcome.CONFIRMED, Outcome.PERSISTED,
    Outcome.NOTHING,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rolled:
    """How a rollout ended: an outcome for each host and batch, in the order in which they came."""

    outcomes: tuple[tuple[int, HostOutcome], ...]  # with the number of the batch
    verdicts: Mapping[int, tuple[GateVerdict, ...]]  # one, or one for each part of a batch too large to be held at once
    stopped_after: int | None = None  # the last batch that was begun, when others were left
    reason: str = ""
    interrupted: bool = False

    def parts(self, host: str) -> tuple[HostOutcome, ...]:
        """What became of one host in each of its batches."""
        return tuple(outcome for _, outcome in self.outcomes if outcome.host == host)

    def by_host(self, hosts: Sequence[str]) -> tuple[HostOutcome, ...]:
        """One outcome a host, in this order: the worst of its batches, with the steps of all."""
        found: dict[str, list[HostOutcome]] = {}
        for _, outcome in self.outcomes:
            found.setdefault(outcome.host, []).append(outcome)
        return tuple(_together(found[host]) for host in hosts if host in found)


def _together(outcomes: Sequence[HostOutcome]) -> HostOutcome:
    worst = min(outcomes, key=lambda each: ORDER.index(each.outcome))
    return replace(
        worst,
        steps=tuple(step for each in outcomes for step in each.steps),
        read_back={name: value for each in outcomes for name, value in each.read_back.items()},
        duration_s=sum(each.duration_s for each in outcomes),
        notes=tuple(dict.fromkeys(note for each in outcomes for note in each.notes)),
    )
