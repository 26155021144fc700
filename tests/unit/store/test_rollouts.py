"""What is kept of a rollout: the plan, the verdicts and the ends come back as they went in, and go with the run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from netaudit.errors import StoreError
from netaudit.model.plan import Batch, HostOutcome, HostPlan, Outcome, Plan, Step, StepClass
from netaudit.model.result import RunInfo, Summary
from netaudit.remedy.gates import GateRow, GateVerdict
from netaudit.store.choosing import Choice
from netaudit.store.rollouts import Rollouts, open_rollouts
from netaudit.store.runs import open_store

RUN = "20260601-120000-abcd"
MOMENT = datetime(2026, 6, 1, 12, tzinfo=UTC)
STEP = Step(
    operation="sysctl", subject="net.core.somaxconn", arguments={"key": "net.core.somaxconn"}, before="128",
    after="4096", step_class=StepClass.LIVE, checks=("tcp.accept_queue.somaxconn",), remediation="r",
    remediation_sha256="0", notes=("nginx keeps its backlog",),
)  # fmt: skip
PLAN = Plan(
    digest="d", created_at=MOMENT, expires_at=MOMENT, version="1", baseline="web-edge", baseline_sha256="0",
    hosts=tuple(HostPlan(name, name, "boot", "facts", (STEP,)) for name in ("web1", "web2")),
    batches=(Batch(StepClass.LIVE, ("web1",)), Batch(StepClass.LIVE, ("web2",))),
)  # fmt: skip
VERDICT = GateVerdict(
    (
        GateRow("web1", "TcpExt.ListenDrops", "/s", 0.5, 12.25, 1.75, passed=False),
        GateRow("web1", "softnet dropped", "/s", None, None, None, passed=True, note="not observable"),
    ),
    ("web1: TcpExt.ListenDrops 12.2/s, at most 1.8/s granted",),
)
ENDED = HostOutcome("web1", "198.18.0.2", Outcome.ROLLED_BACK, "gate: no", "look", (), {"a": "1"}, 1.5, ("note",))


@pytest.fixture
def rollouts(store):
    """The rollouts of a store in which a run has begun."""
    run = RunInfo(RUN, "fix", MOMENT, "1")
    store.begin(run, ["web1", "web2"])
    with open_rollouts(store.path) as opened:
        yield opened
    store.abandon(RUN)


def test_all_of_it_comes_back(rollouts: Rollouts):
    """Every field of plan, verdicts and ends, in their order; the last word on a host counts."""
    assert rollouts.kept(RUN) is None
    rollouts.begin(RUN, PLAN)
    rollouts.judged(RUN, 1, VERDICT)
    rollouts.judged(RUN, 1, GateVerdict())
    rollouts.ended(RUN, [(1, HostOutcome("web1", "", Outcome.PERSISTED))])
    rollouts.ended(RUN, [(1, ENDED)])
    rollouts.stopped(RUN, 1, "the gate of batch 1 failed")
    kept = rollouts.kept(RUN)
    assert (PLAN, {1: (VERDICT, GateVerdict())}) == (kept.plan, kept.verdicts)
    assert ({(1, "web1"): ENDED}, 1, "the gate of batch 1 failed") == (kept.endings, kept.stopped_after, kept.reason)


def test_it_goes_with_the_run(rollouts: Rollouts, store):
    """Who forgets a run forgets its rollout; of a run that is not there nothing is kept."""
    rollouts.begin(RUN, PLAN)
    rollouts.judged(RUN, 1, VERDICT)
    rollouts.ended(RUN, [(1, ENDED)])
    store.finish(RunInfo(RUN, "fix", MOMENT, "1"), Summary(hosts=2), ())
    store.delete([RUN])
    assert rollouts.kept(RUN) is None
    for table in ("rollouts", "gates", "endings"):
        assert [(0,)] == list(rollouts._database.rows(f"SELECT count(*) FROM {table}"))  # of the test


def test_a_damaged_plan_is_said(rollouts: Rollouts):
    """Neither a traceback nor half of an account."""
    rollouts.begin(RUN, PLAN)
    with rollouts._database.writing() as connection:
        connection.execute("UPDATE rollouts SET plan = x'00'")
    with pytest.raises(StoreError, match="damaged"):
        rollouts.kept(RUN)


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ([(1, Outcome.PERSISTED)], (1, 0, 0)),
        ([(1, Outcome.PERSISTED), (2, Outcome.CONFIRMED), (3, Outcome.NOTHING)], (1, 0, 0)),
        ([(1, Outcome.PERSISTED), (2, Outcome.ROLLED_BACK)], (0, 0, 1)),
        ([], (0, 1, 0)),
    ],
)
def test_a_host_of_a_change_counts_by_how_it_ended(rollouts: Rollouts, store, ends, told):
    """In all of its batches, as the totals of the whole run count it; one whose end nobody wrote down gave none."""
    rollouts.begin(RUN, PLAN)
    rollouts.ended(RUN, [(batch, HostOutcome("web1", "", outcome)) for batch, outcome in ends])
    (chosen,) = store.chosen(Choice(host="web1"))
    assert (1, *told) == (chosen.summary.hosts, chosen.summary.ok, chosen.summary.unreachable, chosen.summary.error)


@pytest.mark.parametrize(("well", "told"), [(2, 1), (1, 0)])
def test_a_host_of_an_undo_counts_where_all_went_well(rollouts: Rollouts, store, well, told):
    """Of an undo no ends are kept: its totals tell of each host when all of them are alike."""
    with open_store(store.path) as other:
        run = RunInfo("20260601-130000-abcd", "rollback", MOMENT, "1")
        other.begin(run, ["web1", "web2"])
        other.finish(run, Summary(hosts=2, ok=well, error=2 - well), ())
        (chosen,) = other.chosen(Choice(host="web1", command="rollback"))
    assert told == chosen.summary.ok
