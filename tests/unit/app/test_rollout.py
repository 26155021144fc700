"""Batches, gates and the budget, with hosts that do as the test says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.app.fanout import Width
from netaudit.app.rollout import Rollout, Terms
from netaudit.model.plan import Batch, HostOutcome, HostPlan, Outcome, Step, StepClass
from netaudit.remedy.batches import batches_of, parse_serial
from netaudit.remedy.gates import GateVerdict
from netaudit.remedy.rolled import GOOD


def step(step_class: StepClass = StepClass.LIVE) -> Step:
    """A step of one class."""
    return Step(
        operation="sysctl", subject="net.core.somaxconn", arguments={}, before="128", after="4096",
        step_class=step_class, checks=("tcp.accept_queue.somaxconn",), remediation="r", remediation_sha256="0",
    )  # fmt: skip


def plan_of(host: str, *classes: StepClass) -> HostPlan:
    """The plan of one host."""
    return HostPlan(host, host, "boot", "facts", tuple(map(step, classes or (StepClass.LIVE,))))


@dataclass
class World:
    """Hosts that end as ``ends`` says (applied and kept where it says nothing), gates that pass but for ``fails``."""

    ends: dict[str, Outcome] = field(default_factory=dict)
    fails: dict[int, str] = field(default_factory=dict)
    apply_takes_s: float = 0.0
    log: list[tuple] = field(default_factory=list)
    now_s: float = 0.0
    gates: int = 0
    stop: asyncio.Event | None = None
    stop_at_gate: int | None = None

    def guarded(self, plan: HostPlan):
        """The guard of one host."""
        return Guard(self, plan)

    async def judge(self, held, *, soaked) -> GateVerdict:
        """The gate's question."""
        self.gates += 1
        self.log.append(("gate", tuple(held)))
        if self.stop_at_gate == self.gates:
            self.stop.set()
            await asyncio.sleep(3600)
        reason = self.fails.get(self.gates)
        return GateVerdict(reasons=(reason,) if reason else ())

    def batch_started(self, number, batch):
        """An observer's."""
        self.log.append(("batch", number, batch.hosts))

    def gate_waits(self, number, hosts, soak_s):
        """An observer's."""

    def gate_said(self, number, verdict):
        """An observer's."""

    def host_ended(self, number, outcome):
        """An observer's."""

    def stopped(self, number, reason):
        """An observer's."""
        self.log.append(("stopped", number, reason))

    def happened(self, word: str) -> list:
        """The second word of each entry of one kind."""
        return [entry[1] for entry in self.log if entry[0] == word]


@dataclass
class Guard:
    """One host."""

    world: World
    plan: HostPlan

    async def apply(self):
        """Held, or the end that the test has for it."""
        self.world.log.append(("apply", self.plan.host))
        self.world.now_s += self.world.apply_takes_s
        end = self.world.ends.get(self.plan.host)
        if end is None or end in GOOD:
            return None
        return HostOutcome(self.plan.host, self.plan.host, end, steps=self.plan.steps)

    async def confirm(self):
        """Kept."""
        self.world.log.append(("confirm", self.plan.host))
        return HostOutcome(self.plan.host, self.plan.host, Outcome.PERSISTED, steps=self.plan.steps)

    async def abandon(self, reason):
        """Undone."""
        self.world.log.append(("abandon", self.plan.host))
        return HostOutcome(self.plan.host, self.plan.host, Outcome.ROLLED_BACK, reason, steps=self.plan.steps)


def roll(world: World, plans, serial="1,10%,50%", terms=None, undo=None):
    """Run a rollout to its end."""

    async def work():
        world.stop = asyncio.Event()

        async def no_sleep(_):
            await asyncio.sleep(0)

        rollout = Rollout(
            world.guarded, world, world, terms or Terms(), undo, clock=lambda: world.now_s, sleep=no_sleep
        )
        return await rollout.run(plans, batches_of(plans, parse_serial(serial)), world.stop)

    return asyncio.run(work())


def outcomes(rolled, plans):
    """host -> outcome."""
    return {each.host: each.outcome for each in rolled.by_host([plan.host for plan in plans])}


PLANS = [plan_of(f"web{number}") for number in range(1, 11)]


def test_a_rollout_without_trouble_keeps_every_host():
    """One canary, then ten per cent, then half of the hosts at a time."""
    world = World()
    rolled = roll(world, PLANS)
    assert [1, 1, 5, 3] == [len(entry[2]) for entry in world.log if entry[0] == "batch"]
    assert {Outcome.PERSISTED} == set(outcomes(rolled, PLANS).values())
    assert rolled.reason == ""


def test_nothing_is_confirmed_before_its_gate():
    """Within a batch every confirmation comes after the gate's verdict."""
    world = World()
    roll(world, PLANS)
    for host in world.happened("confirm"):
        gate = next(place for place, entry in enumerate(world.log) if entry[0] == "gate" and host in entry[1])
        assert gate < world.log.index(("confirm", host))


def test_a_gate_that_fails_abandons_its_batch_and_stops_the_next():
    """The canary's gate fails: it alone was touched, and it is undone."""
    world = World(fails={1: "web1: ListenOverflows"})
    rolled = roll(world, PLANS)
    found = outcomes(rolled, PLANS)
    assert Outcome.ROLLED_BACK == found.pop("web1")
    assert {Outcome.UNREACHED} == set(found.values())
    assert ["web1"] == world.happened("apply")
    assert 1 == rolled.stopped_after
    assert "ListenOverflows" in rolled.reason


@pytest.mark.parametrize("end", [Outcome.ROLLED_BACK, Outcome.REFUSED, Outcome.LOST, Outcome.UNREACHED])
def test_one_bad_outcome_stops_the_next_batch(end):
    """Without --max-fail none is allowed; the others of its batch are still judged and kept."""
    world = World(ends={"web4": end})
    rolled = roll(world, PLANS)
    assert {"web1", "web2", "web3", "web5", "web6", "web7"} == set(world.happened("confirm"))
    assert {"web8", "web9", "web10"} == {
        host for host, each in outcomes(rolled, PLANS).items() if each is Outcome.UNREACHED and host != "web4"
    }


def test_the_budget_counts_over_the_whole_run():
    """Two bad ones are allowed, one in each of two batches; the third stops."""
    ends = {"web2": Outcome.ROLLED_BACK, "web3": Outcome.REFUSED}
    assert roll(World(ends=dict(ends)), PLANS, terms=Terms(max_fail=2)).reason == ""
    world = World(ends={**ends, "web4": Outcome.LOST})
    rolled = roll(world, PLANS, terms=Terms(max_fail=2))
    assert "3 bad outcomes, and 2 allowed" in rolled.reason
    assert ["stopped"] == [entry[0] for entry in world.log if entry[0] == "stopped"]


def test_a_budget_does_not_open_a_gate():
    """However many failures are allowed, a failed gate stops."""
    rolled = roll(World(fails={2: "no"}), PLANS, terms=Terms(max_fail=10))
    assert 2 == rolled.stopped_after


def test_classes_are_not_mixed():
    """A host with two classes of steps is in two batches, with the steps of one class in each."""
    plans = [plan_of("web1", StepClass.LIVE, StepClass.LINK_FLAP), plan_of("web2")]
    world = World()
    rolled = roll(world, plans, serial="100%")
    assert [("web1", "web2"), ("web1",)] == [entry[2] for entry in world.log if entry[0] == "batch"]
    assert [(1, 1), (1, 1), (2, 1)] == [(number, len(each.steps)) for number, each in rolled.outcomes]
    assert [2, 1] == [len(each.steps) for each in rolled.by_host(["web1", "web2"])]


def test_a_batch_that_takes_too_long_is_taken_in_parts():
    """No host is begun once a third of the first one's time is gone: the gate judges, then the rest begins."""
    world = World(apply_takes_s=10.0)
    rolled = roll(world, PLANS, serial="100%", terms=Terms(confirm_within_s=60, width=Width(1, 1)))
    parts = [entry[1] for entry in world.log if entry[0] == "gate"]
    assert [("web1", "web2", "web3"), ("web4", "web5", "web6"), ("web7", "web8", "web9"), ("web10",)] == parts
    assert {Outcome.PERSISTED} == set(outcomes(rolled, PLANS).values())


def test_a_gate_that_comes_too_late_is_not_asked():
    """When the hosts' own time is nearly over, the batch is abandoned."""
    world = World(apply_takes_s=50.0)
    rolled = roll(world, PLANS, terms=Terms(confirm_within_s=60))
    assert Outcome.ROLLED_BACK == outcomes(rolled, PLANS)["web1"]
    assert [] == world.happened("confirm")


def test_an_interruption_abandons_what_is_held():
    """Ctrl-C while the gate is asked: the hosts of the batch are undone, the others never begun."""
    world = World(stop_at_gate=3)
    rolled = roll(world, PLANS)
    assert rolled.interrupted
    assert ["web1", "web2"] == world.happened("confirm")
    assert {"web3", "web4", "web5", "web6", "web7"} == set(world.happened("abandon"))
    told = {each.host: each.reason for each in rolled.by_host([plan.host for plan in PLANS])}
    assert "gate: the run was interrupted before the gate had judged" == told["web3"]
    assert {"web8", "web9", "web10"} == {
        host for host, each in outcomes(rolled, PLANS).items() if each is Outcome.UNREACHED
    }


def test_all_can_be_undone_after_a_failure():
    """With undo_all the batches that were kept are undone too."""
    undone = []

    async def undo(kept):
        undone.append(kept)
        return [HostOutcome(host, "", Outcome.ROLLED_BACK, "undone", steps=(step(),)) for host in kept]

    rolled = roll(World(fails={3: "no"}), PLANS, terms=Terms(undo_all=True), undo=undo)
    assert [["web1", "web2"]] == undone
    assert Outcome.PERSISTED not in outcomes(rolled, PLANS).values()


def test_what_could_not_be_undone_after_a_failure_stands():
    """Each change has its own end: the latest was undone, the undo of the one before refused, the first left alone."""
    plans = [
        plan_of("web1", StepClass.LIVE, StepClass.NEW_SOCKETS, StepClass.LINK_FLAP),
        plan_of("web2", StepClass.REBOOT),
    ]
    plans[0] = replace(
        plans[0], steps=tuple(replace(each, subject=name) for each, name in zip(plans[0].steps, "abc", strict=True))
    )
    first, second, third = ((each,) for each in plans[0].steps)

    async def undo(kept):
        return [
            HostOutcome("web1", "", Outcome.ROLLED_BACK, "undone", steps=third),
            HostOutcome("web1", "", Outcome.REFUSED, "no room", "free some", steps=second),
        ]

    rolled = roll(World(fails={4: "no"}), plans, terms=Terms(undo_all=True), undo=undo)
    assert [(each.steps, each.outcome, each.reason, each.hint) for each in rolled.parts("web1")] == [
        (first, Outcome.PERSISTED, "", ""),
        (second, Outcome.PERSISTED, "it was to be taken back: no room", "free some"),
        (third, Outcome.ROLLED_BACK, "undone", ""),
    ]


def test_nothing_is_undone_without_being_asked():
    """What was confirmed stays when a later batch fails."""
    rolled = roll(World(fails={3: "no"}), PLANS)
    assert Outcome.PERSISTED == outcomes(rolled, PLANS)["web1"]


@given(
    st.lists(st.sampled_from([None, *Outcome]), min_size=1, max_size=12),
    st.sets(st.integers(1, 12), max_size=3),
    st.sampled_from(["1", "1,10%,50%", "100%", "3,50%"]),
    st.integers(0, 3),
)
def test_whatever_happens_each_host_has_one_end_and_only_open_gates_keep(ends, fails, serial, max_fail):
    """Every host ends exactly once; none is kept whose gate failed; nothing is begun after a reason to stop."""
    plans = [plan_of(f"h{place}") for place in range(len(ends))]
    world = World(
        ends={f"h{place}": end for place, end in enumerate(ends) if end is not None},
        fails=dict.fromkeys(fails, "no"),
    )
    rolled = roll(world, plans, serial=serial, terms=Terms(max_fail=max_fail))
    assert sorted(plan.host for plan in plans) == sorted(each.host for _, each in rolled.outcomes)
    opened = {
        host for number, entry in enumerate((e for e in world.log if e[0] == "gate"), 1)
        for host in entry[1] if number not in fails
    }  # fmt: skip
    assert set(world.happened("confirm")) <= opened
    stops = [place for place, entry in enumerate(world.log) if entry[0] == "stopped"]
    assert all(entry[0] != "apply" for place in stops for entry in world.log[place:])
    bad_before_stop = [
        each for _, each in rolled.outcomes if each.outcome not in GOOD and each.outcome is not Outcome.UNREACHED
    ]
    if not rolled.reason:
        assert len(bad_before_stop) <= max_fail


def test_batches_are_those_of_the_plan():
    """The observer hears the batches as the plan has them."""
    world = World()
    roll(world, PLANS[:2], serial="2")
    assert [("batch", 1, ("web1", "web2"))] == [entry for entry in world.log if entry[0] == "batch"]
    assert Batch(StepClass.LIVE, ("web1", "web2")) == batches_of(PLANS[:2], ("2",))[0]
