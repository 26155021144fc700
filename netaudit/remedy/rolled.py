"""How a rollout over a fleet ended, as a value that reports are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from netaudit.model.plan import HostOutcome, HostPlan, Outcome, Plan, Step
from netaudit.remedy.batches import part_of
from netaudit.remedy.gates import GateVerdict

KEPT = frozenset({Outcome.PERSISTED, Outcome.CONFIRMED})
GOOD = KEPT | {Outcome.NOTHING}
UNDONE = frozenset({Outcome.ROLLED_BACK, Outcome.NOTHING})  # of a run that takes back another one
# The worst first: of a host that was in several batches this one counts.
ORDER = (
    Outcome.LOST, Outcome.ROLLED_BACK, Outcome.REFUSED, Outcome.UNREACHED, Outcome.CONFIRMED, Outcome.PERSISTED,
    Outcome.NOTHING,
)  # fmt: skip
ORDER_OF_UNDO = (  # where *rolled back* is what was wanted
    Outcome.LOST, Outcome.REFUSED, Outcome.UNREACHED, Outcome.CONFIRMED, Outcome.PERSISTED, Outcome.ROLLED_BACK,
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

    def by_host(self, hosts: Sequence[str], order: Sequence[Outcome] = ORDER) -> tuple[HostOutcome, ...]:
        """One outcome a host, as the hosts come: the worst of its batches, by ``order``, with the steps of all."""
        found: dict[str, list[HostOutcome]] = {}
        for _, outcome in self.outcomes:
            found.setdefault(outcome.host, []).append(outcome)
        return tuple(_together(found[host], order) for host in hosts if host in found)


@dataclass(frozen=True, slots=True)
class KeptRollout:
    """What is known later of a rollout. ``endings`` are by number of batch and host, as they were told then."""

    plan: Plan
    verdicts: Mapping[int, tuple[GateVerdict, ...]]
    endings: Mapping[tuple[int, str], HostOutcome]
    stopped_after: int | None = None
    reason: str = ""


def retold(kept: KeptRollout, journal: Sequence[HostOutcome], *, interrupted: bool = False) -> Rolled:
    """The rollout as it was told at its end, but for hosts of which the ``journal`` knows better since.

    That has an outcome for each change that was begun, none of which need be of the same end any more: a change may
    have been resumed, or taken back.
    """
    plans = {plan.host: plan for plan in kept.plan.hosts}
    begun: dict[tuple[str, tuple[tuple[str, str], ...]], list[HostOutcome]] = {}
    for each in journal:
        begun.setdefault((each.host, subjects(each.steps)), []).append(each)
    outcomes = []
    for number, batch in enumerate(kept.plan.batches, 1):
        for host in batch.hosts:
            part = part_of(plans[host], batch.step_class)
            told = kept.endings.get((number, host))
            changes = begun.get((host, subjects(part.steps)))
            known = changes.pop(0) if changes else None
            outcomes.append((number, _retold(part, told, known, kept.reason)))
    return Rolled(tuple(outcomes), kept.verdicts, kept.stopped_after, kept.reason, interrupted)


def _retold(part: HostPlan, told: HostOutcome | None, known: HostOutcome | None, reason: str) -> HostOutcome:
    if known is None and told is None:
        left = reason or "its turn never came"
        return HostOutcome(part.host, part.address, Outcome.UNREACHED, left, steps=part.steps)
    if told is not None and (known is None or known.outcome is told.outcome):
        return replace(told, steps=part.steps)
    assert known is not None  # noqa: S101  # one of the two is there
    duration_s, notes = (told.duration_s, told.notes) if told is not None else (0.0, ())
    return replace(known, address=part.address, steps=part.steps, duration_s=duration_s, notes=notes)


def subjects(steps: Sequence[Step]) -> tuple[tuple[str, str], ...]:
    """What steps are about: by that a change of a host is told from its other ones."""
    return tuple((step.subject, step.namespace) for step in steps)


def _together(outcomes: Sequence[HostOutcome], order: Sequence[Outcome]) -> HostOutcome:
    worst = min(outcomes, key=lambda each: order.index(each.outcome))
    return replace(
        worst,
        steps=tuple(step for each in outcomes for step in each.steps),
        read_back={name: value for each in outcomes for name, value in each.read_back.items()},
        duration_s=sum(each.duration_s for each in outcomes),
        notes=tuple(dict.fromkeys(note for each in outcomes for note in each.notes)),
    )
