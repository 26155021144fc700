"""Changes taken up again: after a crash of the controller, and later, when they are to be undone.

``resume`` asks each host what became of its change, and finishes or undoes it; where a host does not say, it is *lost*,
with its name and what to do. ``roll_back`` takes back what was confirmed, the latest change first, under the same
guard as any other change: to the values and files before, and only where they are still those that were left.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from netaudit.app.fanout import Width, fan_out
from netaudit.app.guarded_host import GuardedHost, Inspection, Ways, change_of
from netaudit.model.plan import HostOutcome, Outcome, Step, StepClass
from netaudit.model.target import Target
from netaudit.remedy.flow import Entry, Flow
from netaudit.remedy.guard import Event, State, after
from netaudit.remedy.host_side import Change
from netaudit.remedy.reasons import FOREIGN, NOT_LEFT, NOT_PLANNED
from netaudit.remedy.record import ChangeRecord
from netaudit.remedy.rolled import KEPT, UNDONE
from netaudit.remedy.work import Work, undoing

_OUTCOMES = {State.ROLLED_BACK: Outcome.ROLLED_BACK, State.REFUSED: Outcome.REFUSED}
_FOREIGN = frozenset({FOREIGN, "stale"})
_AS_BEFORE = "it is as it was before already"  # also the journal's word for it
_LOOK = "somebody else has changed it: look at it; --force puts back what was there before all the same"

T = TypeVar("T")
Told = Callable[[HostOutcome], None]


@dataclass(frozen=True, slots=True)
class Recovery:
    """Takes up changes of one run. ``ways`` note what is done under the run that does it."""

    ways: Ways
    target_of: Callable[[str], Target | None]
    inspection: Inspection = Inspection()
    width: Width = Width()

    async def resume(self, records: Sequence[ChangeRecord], told: Told) -> tuple[HostOutcome, ...]:
        """How each change ended, in the order of the records; those that had ended are not asked about again."""

        async def one(record: ChangeRecord) -> HostOutcome:
            outcome = await self._resume(record)
            return _as_undo(record, outcome) if record.undoes else outcome

        return await self._each(records, one, told)

    async def _resume(self, record: ChangeRecord) -> HostOutcome:
        target = self.target_of(record.host)
        if record.is_final:
            if not record.is_tidied and target is not None:
                await self._taken_up(record, target).tidy()
            return recorded(record)
        if not record.entries:
            return await self._never_begun(record)
        if target is None:
            hint = f"find it in the inventory again, then resume; or look at {_subjects(record.work)} there"
            return _outcome(record, Outcome.LOST, f"{record.host} is not in the inventory", hint)
        outcome = await self._taken_up(record, target).recover(objected=record.was_objected)
        if outcome.outcome is Outcome.LOST:
            hint = f"resume again when {record.host} can be reached, or log in and look at {_subjects(record.work)}"
            return replace(outcome, hint=hint)
        return outcome

    def _taken_up(self, record: ChangeRecord, target: Target) -> GuardedHost:
        """The change as a later controller finds it: without the token, so it can never confirm."""
        change = Change(record.work, "", record.owner, record.id)
        flow = Flow(
            replace(record.work, boot_id=record.boot_id or record.work.boot_id),
            state=record.state,
            boot_id=record.boot_id,
            prior=record.prior,
            confirmed=record.was_confirmed,
        )
        return GuardedHost(target, change, self.ways, self.inspection, steps=_shown(record.work), flow=flow)

    async def _never_begun(self, record: ChangeRecord) -> HostOutcome:
        """The controller ended before it asked the host for anything."""
        reason = "the run ended before its turn"
        state = after(State.PLANNED, Event.REFUSED)
        await self.ways.journalling.write(record.id, Entry(state, None, Event.REFUSED, reason))
        return _outcome(record, Outcome.UNREACHED, reason)

    async def roll_back(
        self, run_id: str, records: Sequence[ChangeRecord], told: Told, *, force: Collection[str] = ()
    ) -> tuple[tuple[HostOutcome, ...], frozenset[str]]:
        """An outcome for each change that was looked at, and the hosts where somebody else has changed something since.

        *Rolled back* means that the change is undone, *refused* that it stands; then the host's earlier ones are left
        alone. For the hosts of ``force`` it is also undone what is not any more as it was left. ``told`` is called
        once a host.
        """
        by_host: dict[str, list[ChangeRecord]] = {}
        for record in records:
            by_host.setdefault(record.host, []).append(record)
        foreign: set[str] = set()
        ended: dict[str, list[HostOutcome]] = {host: [] for host in by_host}

        async def one(host: str) -> HostOutcome:
            for record in reversed(by_host[host]):
                ended[host].append(await self._undo(run_id, record, foreign, forced=host in force))
                if ended[host][-1].outcome not in UNDONE:
                    break
            done = [outcome for outcome in ended[host] if outcome.outcome is not Outcome.NOTHING]
            return (done or ended[host])[-1]

        await self._each(list(by_host), one, told)
        return tuple(outcome for outcomes in ended.values() for outcome in outcomes), frozenset(foreign)

    async def _undo(self, run_id: str, record: ChangeRecord, foreign: set[str], *, forced: bool) -> HostOutcome:
        if not record.is_final:
            return _outcome(record, Outcome.LOST, "how its change ended is not known", f"netaudit resume {record.run}")
        if record.state is not State.PERSISTED:
            ended = _outcome(record, Outcome.NOTHING, f"its change had ended {_words(record.state)}")
            return replace(ended, read_back={})  # it was not asked
        target = self.target_of(record.host)
        if target is None:
            return _outcome(record, Outcome.UNREACHED, f"{record.host} is not in the inventory")
        work = undoing(record.work, record.prior, record.values_after)
        outcome, undo = await self._applied(run_id, record, work, target)
        flow = undo.flow
        if outcome.outcome is Outcome.REFUSED and flow.reason.code in _FOREIGN:
            if _is_as_before(record, flow):
                entry = Entry(flow.state, None, flow.last_event, _AS_BEFORE, dict(flow.values))
                await self.ways.journalling.write(undo.change.id, entry)
                return replace(outcome, outcome=Outcome.NOTHING, reason=_AS_BEFORE, hint="", notes=())
            if forced:
                found = {len(record.work.steps) + 1 - number: value for number, value in flow.values.items()}
                work = undoing(record.work, record.prior, found, whatever_files=True)
                outcome, _ = await self._applied(run_id, record, work, target)
            else:
                foreign.add(record.host)
                outcome = replace(outcome, hint=_LOOK)
        return _of_undo(outcome)

    async def _applied(
        self, run_id: str, record: ChangeRecord, work: Work, target: Target
    ) -> tuple[HostOutcome, GuardedHost]:
        host = GuardedHost(
            target,
            change_of(work, run_id, undoes=record.id),
            self.ways,
            self.inspection,
            steps=_shown(record.work),
            position=record.position,
        )
        return await host.apply() or await host.confirm(), host

    async def _each(
        self, items: Sequence[T], work: Callable[[T], Awaitable[HostOutcome]], told: Told
    ) -> tuple[HostOutcome, ...]:
        outcomes: dict[int, HostOutcome] = {}

        def done(place: int, outcome: HostOutcome) -> None:
            outcomes[place] = outcome
            told(outcome)

        await fan_out(items, work, width=self.width, done=done)
        return tuple(outcomes[place] for place in range(len(items)))


def _of_undo(outcome: HostOutcome) -> HostOutcome:
    """The outcome of an undo, said of the change: what was undone for good is *rolled back*, all else stands.

    Nobody has planned it: a value is not as it was left.
    """
    if outcome.outcome in KEPT:
        return replace(outcome, outcome=Outcome.ROLLED_BACK, reason=outcome.reason or "undone on request")
    if outcome.outcome is Outcome.ROLLED_BACK:
        return replace(outcome, outcome=Outcome.REFUSED, reason=f"the change stands: {outcome.reason}")
    if outcome.reason == _AS_BEFORE:
        return replace(outcome, outcome=Outcome.NOTHING)
    return replace(outcome, reason=outcome.reason.replace(NOT_PLANNED, NOT_LEFT))


def _as_undo(record: ChangeRecord, outcome: HostOutcome) -> HostOutcome:
    """The outcome of a record that takes a change back, said of that change, whose steps it has the other way round."""
    turned = tuple(replace(step, before=step.after, after=step.before) for step in _shown(record.work))
    return replace(_of_undo(outcome), steps=turned)


def _is_as_before(record: ChangeRecord, flow: Flow) -> bool:
    """Whether nothing is left to undo: values and files are those of before the change."""
    steps = list(enumerate(reversed(record.work.steps), start=1))
    found = {file.path: file.content for file in flow.prior}
    prior = {file.path: file.content for file in record.prior}
    return all(flow.values.get(number) == step.before for number, step in steps) and all(
        found.get(file.path, b"?") == prior.get(file.path) for file in record.work.files
    )


def recorded(record: ChangeRecord) -> HostOutcome:
    """How a change ended, as far as the journal knows; *lost* where it does not."""
    if not record.is_final:
        said = "the journal does not know how it ended" if record.entries else "the run ended before its turn"
        outcome = Outcome.LOST if record.entries else Outcome.UNREACHED
        return _outcome(record, outcome, said, f"netaudit resume {record.run} finds out" if record.entries else "")
    kept = Outcome.PERSISTED if record.work.lasts else Outcome.CONFIRMED
    outcome = _OUTCOMES.get(record.state, kept)
    return _outcome(record, outcome, record.last_learned.detail if record.last_learned else "")


def accounted(record: ChangeRecord, undone_by: str = "") -> HostOutcome:
    """The same for a report of the past: a change that was taken back since stands no more, whatever its own end."""
    outcome = recorded(record)
    if record.undoes:
        return _as_undo(record, outcome)
    if not undone_by or outcome.outcome not in KEPT:
        return outcome
    before = {step.subject: step.before for step in outcome.steps}
    return replace(outcome, outcome=Outcome.ROLLED_BACK, reason=f"undone by run {undone_by}", read_back=before)


def _outcome(record: ChangeRecord, outcome: Outcome, reason: str, hint: str = "") -> HostOutcome:
    values = record.last_learned.values if record.last_learned else {}
    steps = record.work.steps
    read_back = {steps[number - 1].subject: value for number, value in values.items() if number <= len(steps)}
    return HostOutcome(record.host, "", outcome, reason, hint, _shown(record.work), read_back)


def _words(state: State) -> str:
    return str(state).replace("_", " ")


def _subjects(work: Work) -> str:
    return ", ".join(step.subject for step in work.steps)


def _shown(work: Work) -> tuple[Step, ...]:
    """The steps as reports show them; what a plan says besides is not on record."""
    return tuple(
        Step(
            operation="",
            subject=step.subject,
            arguments={},
            before=step.before,
            after=step.script.accepts[0],
            step_class=StepClass.LIVE,
            checks=(),
            remediation="",
            remediation_sha256="",
            namespace=step.namespace,
            file=work.files[0].path if work.files else None,
        )
        for step in work.steps
    )
