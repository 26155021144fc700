"""How a rollout is told later: as it was told then, but where the journal knows better."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from netaudit.model.plan import Batch, HostOutcome, HostPlan, Outcome, Plan, Step, StepClass
from netaudit.remedy.gates import GateVerdict
from netaudit.remedy.rolled import KeptRollout, retold

MOMENT = datetime(2026, 6, 1, 12, tzinfo=UTC)
FAILED = {1: (GateVerdict(),), 2: (GateVerdict(reasons=("no",)),)}


def step(step_class: StepClass = StepClass.LIVE, subject: str = "net.core.somaxconn") -> Step:
    """A step of one class."""
    return Step(
        operation="sysctl", subject=subject, arguments={}, before="128", after="4096", step_class=step_class,
        checks=("c",), remediation="r", remediation_sha256="0",
    )  # fmt: skip


FLAP = step(StepClass.LINK_FLAP, "eth0 rx ring")
PLANS = (HostPlan("a", "198.18.0.1", "", "", (step(), FLAP)), HostPlan("b", "198.18.0.2", "", "", (step(),)))
BATCHES = (
    Batch(StepClass.LIVE, ("a",)),
    Batch(StepClass.LIVE, ("b",)),
    Batch(StepClass.LINK_FLAP, ("a",)),
)
PLAN = Plan("", MOMENT, MOMENT, "1", "b", "", PLANS, BATCHES)
A = HostOutcome("a", "198.18.0.1", Outcome.PERSISTED, "", "", (), {"net.core.somaxconn": "4096"}, 1.5, ("note",))
B = HostOutcome("b", "198.18.0.2", Outcome.LOST, "no answer", "resume", (), {}, 60.0)
KEPT = KeptRollout(PLAN, FAILED, {(1, "a"): A, (2, "b"): B}, 2, "the gate of batch 2 failed")


def change(of: HostOutcome, outcome: Outcome, reason: str = "", *steps: Step) -> HostOutcome:
    """What the journal accounts of one change: without address, notes, and what a plan says besides."""
    bare = tuple(replace(each, checks=(), remediation="") for each in steps or (step(),))
    return HostOutcome(of.host, "", outcome, reason, steps=bare)


def test_what_was_told_is_told_again():
    """Address, notes and duration are those of then; a host whose turn never came has the reason."""
    rolled = retold(KEPT, [change(A, Outcome.PERSISTED), change(B, Outcome.LOST)])
    (_, first), (_, second), (_, third) = rolled.outcomes
    assert (replace(A, steps=(step(),)), replace(B, steps=(step(),))) == (first, second)
    assert (Outcome.UNREACHED, "the gate of batch 2 failed", (FLAP,)) == (third.outcome, third.reason, third.steps)
    assert (FAILED, 2, "the gate of batch 2 failed") == (rolled.verdicts, rolled.stopped_after, rolled.reason)


def test_the_journal_knows_better():
    """A change that was resumed, or taken back since, is told as it is now; its steps are those of the plan."""
    rolled = retold(KEPT, [change(A, Outcome.ROLLED_BACK, "undone by run x"), change(B, Outcome.PERSISTED)])
    (_, first), (_, second), _ = rolled.outcomes
    assert (Outcome.ROLLED_BACK, "undone by run x", (step(),)) == (first.outcome, first.reason, first.steps)
    assert (Outcome.PERSISTED, "198.18.0.2", ("c",)) == (second.outcome, second.address, second.steps[0].checks)


def test_a_controller_that_died_left_only_the_journal():
    """No host's end was told: each change is found in its batch by what it changes."""
    kept = replace(KEPT, endings={}, stopped_after=None, reason="")
    rolled = retold(kept, [change(A, Outcome.PERSISTED), change(A, Outcome.ROLLED_BACK, "late", FLAP)])
    told = [(number, outcome.host, outcome.outcome) for number, outcome in rolled.outcomes]
    assert [(1, "a", Outcome.PERSISTED), (2, "b", Outcome.UNREACHED), (3, "a", Outcome.ROLLED_BACK)] == told
    assert "its turn never came" == rolled.outcomes[1][1].reason
