"""One host's plan, applied under the guard of the host itself.

A rollout over a fleet makes one ``GuardedHost`` a host and drives both halves of all of them:

    host = GuardedHost(target, change_of(work, run_id), Ways(transport, journalling), inspection, steps=plan.steps)
    ended = await host.apply()                  # None: verified and held; an outcome: it has ended already
    …the gate of the batch: host.seconds_left says how long it may take…
    outcome = await host.confirm()              # or: await host.abandon("the gate of batch 1 failed")

``apply`` never raises for what a host does, nor for a journal that cannot be written: both are outcomes. Cancelling it
leaves the host to its own timer; ``abandon`` afterwards calls the change off at once. Whatever happens to this program,
the host undoes what was not confirmed.

Between ``apply`` and the decision the connection that verified stays open, one a host, and serves to confirm if it is
still there. ``confirm`` and ``abandon`` give it back; ``close`` does so as well.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from netaudit.app import stopping
from netaudit.app.collect import deadline_s, decoder_for
from netaudit.app.journalling import Journalling
from netaudit.app.ports import Session, Transport
from netaudit.errors import OperatorError, WorldError
from netaudit.facts.snapshot import facts_of
from netaudit.model.plan import HostOutcome, Outcome, Step
from netaudit.model.probe import Bundle, Capture, Probe, Section
from netaudit.model.target import Target
from netaudit.remedy.answer import Answer, Word
from netaudit.remedy.flow import Ask, Decision, Ending, Flow, Note, Pause, Received, Talk
from netaudit.remedy.guard import FINAL, Action, Event, State
from netaudit.remedy.host_side import Change, answer_of, files_of, payload
from netaudit.remedy.unchanged import DOMAINS, Watched, before, differences, watched
from netaudit.remedy.work import Work
from netaudit.wire.bundle import build

_SLACK_S = 1.0  # of the last line of an answer over what the host may wait
_NO_PARAMS: Mapping[str, str] = MappingProxyType({})
_WRITTEN = frozenset({Word.CONFIRMED, Word.KEPT})

Judge = Callable[[Capture], Sequence[str]]


def _no_objection(_: Capture) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is looked at, and what speaks against a change: each judge gives a line for every objection."""

    probes: tuple[Probe, ...] = ()  # through the new connection, before the confirmation
    judge: Judge = _no_objection
    params: Mapping[str, str] = field(default_factory=lambda: _NO_PARAMS)
    watched: tuple[Probe, ...] = ()  # those of ``remedy.unchanged.PROBES``: asked before and after, and compared
    seen: Watched | None = None  # what they said a moment ago: then they are asked after the change only
    counted: tuple[Probe, ...] = ()  # those whose counters are compared: asked just before and just after in any case
    boot_probes: tuple[
        Probe, ...
    ] = ()  # once the files are written: what would the next boot bring? Few: time is short
    boot_judge: Judge = _no_objection

    def of(self, action: Action) -> tuple[Probe, ...]:
        """The probes that go along with what is asked of the host."""
        match action:
            case Action.ARM:
                return before(_together(self.watched if self.seen is None else (), self.counted))
            case Action.VERIFY:
                return _together(self.probes, self.watched, self.counted)
            case Action.CONFIRM | Action.REREAD:
                return self.boot_probes
        return ()


def _together(*probes: Sequence[Probe]) -> tuple[Probe, ...]:
    return tuple({probe.id: probe for some in probes for probe in some}.values())


@dataclass(frozen=True, slots=True)
class Ways:
    """How hosts are reached and where each step is noted: shared by all hosts of a run."""

    transport: Transport
    journalling: Journalling
    contact_s: float = 60.0  # of one contact, at most; the flow asks for less where time is short
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    nonce: Callable[[], str] = lambda: secrets.token_hex(16)


def change_of(work: Work, run_id: str, *, undoes: str = "") -> Change:
    """A change that nobody else can confirm. Its owner is shown to whoever finds the host locked."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    owner = f"run {run_id} of {user}@{socket.gethostname()} pid {os.getpid()}"
    return Change(work, secrets.token_hex(16), owner, undoes=undoes)


class GuardedHost:
    """The change of one host. Not to be used from two tasks at once."""

    def __init__(
        self,
        target: Target,
        change: Change,
        ways: Ways,
        inspection: Inspection | None = None,
        *,
        steps: tuple[Step, ...] = (),
        position: int = 0,
        flow: Flow | None = None,
        session: Session | None = None,
    ) -> None:
        self.target = target
        self.change = change
        self.flow = flow or Flow(change.work)
        self._ways = ways
        self._inspection = inspection or Inspection()
        self._steps = steps
        self._position = position
        self._session = session  # one that was open before, if any
        self._is_older = session is not None
        self._before: Watched | None = None
        self._seen: dict[Action, Capture] = {}
        self._begun = flow is not None  # a change that is taken up again is on record
        self._started_s = ways.clock()
        self._go_s: float | None = None

    @property
    def state(self) -> State:
        """How far it has come."""
        return self.flow.state

    @property
    def seconds_left(self) -> float:
        """Until the host undoes it by itself; by the controller's reckoning, which is never too long."""
        if self._go_s is None:
            return float(self.change.work.confirm_within_s)
        return self._go_s + self.change.work.confirm_within_s - self._ways.clock()

    @property
    def armed_with(self) -> Capture | None:
        """What probes said just before the change: those that are counted, and those that are watched if need be."""
        return self._seen.get(Action.ARM)

    @property
    def verified_with(self) -> Capture | None:
        """What all probes of the inspection said through the new connection, after the change."""
        return self._seen.get(Action.VERIFY)

    async def look(self, probes: Sequence[Probe], within_s: float) -> Capture | None:
        """What some probes say of a change that is held; None where there is no whole answer. Decides nothing."""
        bundle = build(
            probes, nonce=self._ways.nonce(), deadline_s=deadline_s(within_s), params=self._inspection.params
        )
        decoder, started_at = decoder_for(bundle), datetime.now(UTC)
        try:
            async with asyncio.timeout(within_s):
                session = await self._connected(fresh=False)
                await session.run(bundle, decoder)
        except (WorldError, OperatorError, TimeoutError):
            await self.close()
            return None
        sections = decoder.finish()
        if decoder.problem() is not None:
            return None
        return Capture(self.target.name, self.target.address, bundle.digest, started_at, 0.0, sections)

    async def apply(self) -> HostOutcome | None:
        """Claim, arm, apply, verify. None: it is verified and waits for ``confirm`` or ``abandon``."""
        if not self._begun:
            self._begun = await self._ways.journalling.begin(self._position, self.change)
            if not self._begun:
                return self._outcome(Outcome.REFUSED, f"nothing was sent: {self._ways.journalling.trouble}")
        ending = await self._drive(self.flow.begin())
        return None if ending.state is State.VERIFIED else await self._ended(ending)

    async def confirm(self) -> HostOutcome:
        """Keep a verified change: confirm, let it be made to last, read again what the next boot would bring."""
        return await self._ended(await self._drive(self.flow.settle(Decision(confirm=True))))

    async def abandon(self, reason: str) -> HostOutcome:
        """Undo it, in whatever state it is."""
        if self.state is State.PLANNED and not self._begun:
            return self._outcome(Outcome.UNREACHED, reason)
        return await self._ended(await self._drive(self.flow.call_off(reason)))

    async def recover(self, *, objected: bool = False) -> HostOutcome:
        """Find out what became of a change whose controller is gone, and finish or undo it."""
        return await self._ended(await self._drive(self.flow.recover(objected=objected)))

    async def tidy(self) -> None:
        """Let the host forget a change whose end is known. Never raises for what the host does."""
        await self._drive(self.flow.tidy())
        await self.close()

    async def close(self) -> None:
        """Give back the connection. Never raises; safe to call twice."""
        session, self._session, self._is_older = self._session, None, False
        if session is not None:
            await stopping.close(session)

    async def _ended(self, ending: Ending) -> HostOutcome:
        await self.close()
        work = self.change.work
        match ending.state:
            case State.PERSISTED:
                outcome = Outcome.PERSISTED if work.lasts else Outcome.CONFIRMED
            case State.ROLLED_BACK:
                outcome = Outcome.ROLLED_BACK
            case State.REFUSED:
                outcome = Outcome.UNREACHED if self.flow.last_event is Event.SILENCE else Outcome.REFUSED
            case _:
                outcome = Outcome.LOST
        hint = ending.hint or ("netaudit resume finds out what it has" if outcome is Outcome.LOST else "")
        return self._outcome(outcome, ending.reason, hint)

    def _outcome(self, outcome: Outcome, reason: str, hint: str = "") -> HostOutcome:
        return HostOutcome(
            host=self.target.name,
            address=self.target.address,
            outcome=outcome,
            reason=reason,
            hint=hint,
            steps=self._steps,
            read_back=self.flow.read_back,
            duration_s=self._ways.clock() - self._started_s,
            notes=tuple(self.flow.notes),
        )

    async def _drive(self, talk: Talk) -> Ending:
        """Do what the flow says until it ends."""
        try:
            command = next(talk)
            while True:
                command = talk.send(await self._done(command))
        except StopIteration as end:
            ending: Ending = end.value
            return ending

    async def _done(self, command: Note | Ask | Pause) -> Received:
        match command:
            case Note(entry):
                written = await self._ways.journalling.write(self.change.id, entry)
                trouble = "" if written else self._ways.journalling.trouble
                return Received(self._ways.clock(), written=written, trouble=trouble)
            case Pause(seconds):
                await self._ways.sleep(seconds)
                return Received(self._ways.clock())
        return await self._ask(command)

    async def _ask(self, ask: Ask) -> Received:
        """One contact. Whatever goes wrong is a line; only cancellation is raised."""
        if ask.action is Action.GO:
            self._go_s = self._ways.clock()
        trouble, sections = "", tuple[Section, ...]()
        started_at = datetime.now(UTC)
        try:
            bundle = self._bundle(ask)
            decoder = decoder_for(bundle)
            async with asyncio.timeout(min(ask.within_s, self._ways.contact_s) + _SLACK_S):
                session = await self._connected(fresh=ask.fresh)
                await session.run(bundle, decoder)
            sections = decoder.finish()
            if problem := decoder.problem():
                trouble = problem.message
            self._is_older = False  # it is alive: what is lost from now on may have reached the host
        except WorldError as error:
            if self._is_older and not ask.fresh:
                await self.close()  # it may have died long ago, which says nothing of the host
                return await self._ask(ask)
            trouble = error.message
        except OperatorError as error:
            trouble = str(error)
        except TimeoutError:
            trouble = f"no whole answer within {ask.within_s:.0f} s"
        except BaseException:
            await self.close()
            raise
        answer = None if trouble else answer_of(sections)
        if answer is None:
            await self.close()
            return Received(self._ways.clock(), trouble=trouble or "the answer says nothing of the change")
        return self._received(ask.action, answer, sections, started_at)

    def _bundle(self, ask: Ask) -> Bundle:
        return payload(
            ask.action,
            self.change,
            nonce=self._ways.nonce(),
            deadline_s=deadline_s(min(ask.within_s, self._ways.contact_s) + _SLACK_S),
            force=ask.force,
            probes=self._inspection.of(ask.action),
            params=self._inspection.params,
        )

    async def _connected(self, *, fresh: bool) -> Session:
        if fresh or self._session is None:
            await self.close()
            self._is_older = False
            self._session = await self._ways.transport.open(self.target)
        return self._session

    def _received(self, action: Action, answer: Answer, sections: Sequence[Section], started_at: datetime) -> Received:
        now_s = self._ways.clock()
        capture = Capture(self.target.name, self.target.address, "", started_at, 0.0, tuple(sections))
        objections: tuple[str, ...] = ()
        read_again = False
        files = files_of(sections, self.change.work) if action in {Action.ARM, Action.ABORT} else ()
        self._seen[action] = capture
        if action is Action.ARM and self._inspection.watched:
            self._before = self._inspection.seen or watched(facts_of(capture, DOMAINS))
        elif action is Action.VERIFY:
            objections = (*self._unlike_before(capture), *self._inspection.judge(capture))
        elif read_again := action in {Action.CONFIRM, Action.REREAD} and answer.word in _WRITTEN:
            objections = tuple(self._inspection.boot_judge(capture))
        return Received(now_s, answer, files, objections, read_again=read_again)

    def _unlike_before(self, capture: Capture) -> tuple[str, ...]:
        if self._before is None:
            return ()
        return differences(self._before, watched(facts_of(capture, DOMAINS)), self.change.work.steps)

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing left to decide."""
        return self.state in FINAL
