"""One guarded change of one host as a conversation: commands come out, what was received goes in.

A flow walks over the table of ``guard``. It yields what is to be written to the journal, what is to be asked of the
host, and pauses; it is sent what came of it. It does no I/O and knows no clock: the moment stands in what it receives.
So the same code drives a real host, a test with lists, and the recovery after a crash.

Two halves, because the gate of a batch stands between: ``begin`` goes up to *verified*, ``settle`` takes the decision.
Nothing is asked of a host before its entry is in the journal. Where that cannot be written, nothing is started, or what
was started is called off.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from netaudit.remedy.answer import Answer, Word
from netaudit.remedy.forgotten import what_is_left
from netaudit.remedy.guard import FINAL, TOUCHED, Action, Event, State, after
from netaudit.remedy.reasons import Reason, reason_of, surprise
from netaudit.remedy.work import FileState, Work

CONTACT_S = 30.0  # login and answer of one contact
PATIENCE_S = 15.0  # after the host's own deadline: its undo must have ended by then
LINGER_S = 20.0  # how long a confirmed change is asked about before it is left to the host
_VERIFY_TRIES = 2  # an address may be tentative, a link may come up: a second look after a pause


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal: what is about to be asked, or what has been learned."""

    state: State
    action: Action | None = None
    event: Event | None = None
    detail: str = ""
    values: Mapping[int, str] = field(default_factory=dict)  # of the steps by number from 1, as read
    files: tuple[FileState, ...] = ()  # as they were before
    boot_id: str = ""  # of a claim: the boot in which it was made


@dataclass(frozen=True, slots=True)
class Note:
    """Write the entry and have it on disk before going on; ``Received.written`` says whether it is."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the host. ``fresh`` wants a new connection; else the last one may serve, if it is still there."""

    action: Action
    fresh: bool
    within_s: float
    force: bool = False  # of an abort: undo it also when it has been kept


@dataclass(frozen=True, slots=True)
class Pause:
    """Let some time pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Received:
    """What came of a command. ``at_s`` is the controller's own monotonic clock."""

    at_s: float
    answer: Answer | None = None  # None: no whole answer came
    files: tuple[FileState, ...] = ()
    objections: tuple[str, ...] = ()
    trouble: str = ""  # why there is no answer, in one line
    written: bool = True
    read_again: bool = False  # it was looked at what the next boot would bring, with the files written


@dataclass(frozen=True, slots=True)
class Decision:
    """What stands between the halves: confirm, or abandon for a reason."""

    confirm: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """Where a half has come to: *verified* or a final state, and why."""

    state: State
    reason: str = ""
    hint: str = ""


Command: TypeAlias = Note | Ask | Pause
Talk: TypeAlias = Generator[Command, Received, Ending]
_Asking: TypeAlias = Generator[Command, Received, Received]
_Moving: TypeAlias = Generator[Command, Received, None]


class _UnwrittenError(Exception):
    """The journal did not take the entry of the next step."""


class Flow:
    """The change of one host. Use either ``begin`` and then ``settle``, or ``recover``."""

    def __init__(
        self,
        work: Work,
        *,
        state: State = State.PLANNED,
        boot_id: str = "",
        prior: tuple[FileState, ...] = (),
        confirmed: bool = False,
    ) -> None:
        self.work = work
        self.state = state
        self.prior = prior  # what the files held at the claim, also at one that was refused
        self.values: dict[int, str] = {}
        self.notes: list[str] = []
        self.reason = Reason("")
        self.last_event: Event | None = None
        self._boot_id = boot_id or work.boot_id
        self._now_s = self._asked_s = 0.0
        self._deadline_s: float | None = None  # by the controller's reckoning: the host's own is a little later
        self._force = False
        self._confirmed_once = confirmed  # by the host's own word
        self._read_again: Received | None = None
        self._is_forgotten = False
        self._claimed = state is not State.PLANNED
        self._is_bound = True

    def begin(self) -> Talk:
        """Claim, arm, see armed, apply, verify. Ends *verified* or final."""
        try:
            yield from self._claim()
            if self.state is State.CLAIMED:
                yield from self._see_armed()
            if self.state is State.ARMED:
                yield from self._apply()
            if self.state is State.APPLIED:
                yield from self._verify()
        except _UnwrittenError:
            yield from self._unwritten()
        return (yield from self._end())

    def settle(self, decision: Decision) -> Talk:
        """Confirm a verified change or abandon it. Ends final."""
        try:
            if decision.confirm:
                yield from self._confirm()
            else:
                self.reason = Reason(decision.reason)
                yield from self._move(Event.ABANDONED, decision.reason)
            if self.state is State.CONFIRMED:
                yield from self._keep()
        except _UnwrittenError:
            yield from self._unwritten()
        return (yield from self._end())

    def call_off(self, reason: str) -> Talk:
        """Undo it, however far it has come: verified, or left in the middle of a half. Ends final."""
        if self.state is State.VERIFIED:
            return (yield from self.settle(Decision(confirm=False, reason=reason)))
        if self.state not in FINAL and self.state is not State.ROLLING_BACK:
            self.reason = Reason(reason)
            yield from self._move(Event.RESUMED, reason)
        return (yield from self._end())

    def recover(self, *, objected: bool = False) -> Talk:
        """Ask the host what became of a change whose controller is gone, and finish or undo it. Ends final.

        A change that the host has confirmed is finished, unless the last controller had ``objected`` to that;
        every other one is undone.
        """
        self._force = objected
        self._claimed = True  # perhaps
        try:
            if self.state is not State.ROLLING_BACK:
                yield from self._move(Event.RESUMED, "")
                yield from self._find_confirmed()
            if self.state is State.CONFIRMED:
                yield from self._keep()
        except _UnwrittenError:
            yield from self._unwritten()
        return (yield from self._end())

    def _ask(self, action: Action, *, fresh: bool, within_s: float = CONTACT_S) -> _Asking:
        """One entry, one question. What is undone is undone also where the journal cannot be written."""
        noted = yield Note(Entry(self.state, action))
        self._now_s = self._asked_s = noted.at_s
        if not noted.written and self.state is not State.ROLLING_BACK:
            raise _UnwrittenError
        got = yield Ask(action, fresh, max(0.5, within_s), self._force)
        self._learn(got)
        return got

    def _learn(self, got: Received) -> None:
        self._now_s = got.at_s
        if got.answer is None:
            self.reason = Reason(got.trouble or "the host did not answer")
            return
        self.notes += [note for note in got.answer.notes if note not in self.notes]
        for number, value in got.answer.values.items():
            if 1 <= number <= len(self.work.steps) and value is not None:
                self.values[number] = value
        self.reason = reason_of(got.answer, self.work)

    def _move(self, event: Event, detail: str = "", files: tuple[FileState, ...] = ()) -> _Moving:
        self.state = after(self.state, event)
        self.last_event = event
        self._confirmed_once |= event is Event.CONFIRMED
        boot_id = self._boot_id if event is Event.CLAIMED else ""
        got = yield Note(Entry(self.state, None, event, detail, dict(self.values), files, boot_id))
        self._now_s = got.at_s

    def _said(self, event: Event) -> _Moving:
        yield from self._move(event, self.reason.text)

    def _pause(self, seconds: float) -> _Moving:
        got = yield Pause(seconds)
        self._now_s = got.at_s

    def _claim(self) -> _Moving:
        got = yield from self._ask(Action.ARM, fresh=False)
        self.prior = got.files
        if got.answer is None:
            yield from self._said(Event.SILENCE)
        elif got.answer.word is not Word.ARMED:
            yield from self._said(Event.REFUSED)
        elif odd := surprise(self.work, got.files):
            self._claimed = True
            yield Ask(Action.ABORT, fresh=False, within_s=CONTACT_S)
            self.reason = odd
            yield from self._said(Event.REFUSED)
        else:
            self._claimed = True
            self._boot_id = got.answer.boot_id or self._boot_id
            self._is_bound = got.answer.is_bound or not got.answer.alive
            yield from self._move(Event.CLAIMED, got.answer.method, got.files)

    def _see_armed(self) -> _Moving:
        """Has the timer outlived its session? What no session can take along was seen armed with the last answer."""
        if not self._is_bound:
            yield from self._move(Event.SEEN_ARMED, "it belongs to no session")
            return
        got = yield from self._ask(Action.CHECK, fresh=True)
        if got.answer is None:
            yield from self._said(Event.SILENCE)
        elif got.answer.word is Word.ARMED and got.answer.alive:
            yield from self._said(Event.SEEN_ARMED)
        else:
            yield from self._said(Event.NOT_ARMED)
            yield Ask(Action.ABORT, fresh=False, within_s=CONTACT_S)

    def _apply(self) -> _Moving:
        """Start it. While the link may be down for the change's own sake, the host is asked again."""
        window_s = self.work.confirm_within_s
        got = yield from self._ask(Action.GO, fresh=False, within_s=window_s)
        self._deadline_s = self._asked_s + window_s
        verify_by_s = self._asked_s + window_s / 2
        while got.answer is None or got.answer.word in {Word.ARMED, Word.APPLYING, Word.REVERTING}:
            if got.answer is not None and not got.answer.alive:
                break
            if self._now_s >= verify_by_s and not (got.answer and got.answer.word is Word.REVERTING):
                break
            if self._deadline_s + PATIENCE_S <= self._now_s:
                break
            yield from self._pause(0.5)
            got = yield from self._ask(Action.STATUS, fresh=True, within_s=max(verify_by_s - self._now_s, 1.0))
        match got.answer.word if got.answer else None:
            case Word.APPLIED:
                yield from self._said(Event.APPLIED)
            case Word.ARMED if got.answer and not got.answer.alive:
                yield from self._said(Event.UNTOUCHED)
                yield Ask(Action.ABORT, fresh=False, within_s=CONTACT_S)
            case Word.REFUSED | Word.EXPIRED:
                yield from self._said(Event.UNTOUCHED)
            case Word.REVERTED:
                yield from self._said(Event.REVERTED)
            case Word.STUCK:
                yield from self._said(Event.NOT_REVERTED)
            case _:
                if got.answer is not None:
                    self.reason = Reason("the change was still being made when half of its time was over")
                yield from self._said(Event.SILENCE)

    def _verify(self) -> _Moving:
        """Look through a new login until half of the host's time is over."""
        deadline_s = self._deadline_s or self._now_s
        by_s = deadline_s - self.work.confirm_within_s / 2
        looks = 0
        while True:
            got = yield from self._ask(Action.VERIFY, fresh=True, within_s=max(1.0, by_s - self._now_s))
            event = self._verdict(got)
            looks += got.answer is not None
            is_over = got.at_s + 1.0 >= by_s
            if event is Event.OBJECTION and looks < _VERIFY_TRIES and not is_over:
                yield from self._pause(1.0)
            elif event is Event.SILENCE and not is_over:
                yield from self._pause(0.5)
            else:
                yield from self._said(event)
                return

    def _verdict(self, got: Received) -> Event:
        if got.answer is None:
            return Event.SILENCE
        match got.answer.word:
            case Word.APPLIED if got.answer.alive and not got.objections:
                return Event.VERIFIED
            case Word.APPLIED if got.answer.alive:
                self.reason = Reason("; ".join(got.objections))
                return Event.OBJECTION
            case Word.REVERTED:
                return Event.REVERTED
            case Word.STUCK:
                return Event.NOT_REVERTED
            case _:
                return Event.OBJECTION

    def _confirm(self) -> _Moving:
        window_s = self.work.confirm_within_s
        noted = yield Note(Entry(self.state, Action.CONFIRM))
        self._now_s = noted.at_s
        if not noted.written:
            raise _UnwrittenError
        by_s = (self._deadline_s or self._now_s) - min(3.0, window_s / 5)
        fresh = False
        while self._now_s < by_s:
            got = yield Ask(Action.CONFIRM, fresh, max(1.0, by_s - self._now_s))
            self._learn(got)
            event = self._confirmed(got.answer)
            if event is not None:
                self._read_again = got if got.read_again else None
                yield from self._said(event)
                return
            fresh = True
            yield from self._pause(0.5)
        if self.reason.text == "":
            self.reason = Reason("the host's time was over before it could be confirmed")
        yield from self._said(Event.SILENCE)

    @staticmethod
    def _confirmed(answer: Answer | None) -> Event | None:
        match answer.word if answer else None:
            case Word.CONFIRMED | Word.KEPT:
                return Event.CONFIRMED
            case Word.REVERTED:
                return Event.REVERTED
            case Word.STUCK:
                return Event.NOT_REVERTED
            case _:
                return None

    def _keep(self) -> _Moving:
        """Read again what the next boot would bring, then let the host close the matter."""
        if self._is_forgotten:
            yield from self._move(Event.KEPT, "the host has its new values and files")
            return
        by_s = self._now_s + LINGER_S
        fresh = False
        while self.work.lasts:
            got = self._read_again or (
                yield from self._ask(Action.REREAD, fresh=fresh, within_s=max(1.0, by_s - self._now_s))
            )
            self._read_again = None
            if got.answer is not None and got.objections:
                self.reason = Reason("; ".join(got.objections))
                self._force = True
                yield from self._said(Event.OBJECTION)
                return
            if got.answer is not None:
                break
            if got.at_s >= by_s:
                yield from self._said(Event.SILENCE)
                return
            fresh = True
            yield from self._pause(1.0)
        yield from self._close(by_s)

    def _close(self, by_s: float) -> _Moving:
        fresh = False
        while True:
            got = yield from self._ask(Action.KEEP, fresh=fresh)
            match got.answer.word if got.answer else None:
                case Word.KEPT | Word.NONE if self._has_kept(got.answer):
                    self.reason = Reason("")
                    self._is_forgotten = got.answer is not None and (got.answer.is_gone or got.answer.word is Word.NONE)
                    yield from self._said(Event.KEPT)
                    return
                case Word.REVERTED:
                    yield from self._said(Event.REVERTED)
                    return
                case Word.STUCK:
                    yield from self._said(Event.NOT_REVERTED)
                    return
            if got.at_s >= by_s:
                yield from self._said(Event.SILENCE)
                return
            fresh = True
            yield from self._pause(1.0)

    def _has_kept(self, answer: Answer | None) -> bool:
        """Whether a host has closed the matter: one that has forgotten it did so in the boot that confirmed it."""
        return answer is not None and (answer.word is Word.KEPT or answer.boot_id == self._boot_id != "")

    def _find_confirmed(self) -> _Moving:
        """Of a change that is taken up again: one that the host has confirmed is not undone."""
        got = yield from self._ask(Action.STATUS, fresh=True)
        if not self._force and self._confirmed(got.answer) is Event.CONFIRMED:
            yield from self._said(Event.CONFIRMED)

    def _undo(self) -> _Moving:
        """Call it off until the host says how it ended, or long after its own time is over."""
        why = self.reason
        by_s = max(self._now_s, self._deadline_s or self._now_s) + PATIENCE_S
        working_until_s = by_s + min(120, 2 * sum(step.script.timeout_s for step in self.work.steps))
        pause_s = 0.5
        while self.state is State.ROLLING_BACK:
            got = yield from self._ask(Action.ABORT, fresh=True)
            event = self._outcome(got)
            is_at_work = got.answer is not None and got.answer.alive
            if event is None and got.at_s >= (working_until_s if is_at_work else by_s):
                event = Event.SILENCE
            if event is None:
                yield from self._pause(pause_s)
                pause_s = min(pause_s * 2, 5.0)
                continue
            if event in {Event.REVERTED, Event.UNTOUCHED} and why.text:
                self.reason = why
            yield from self._said(event)

    def _outcome(self, got: Received) -> Event | None:
        """What an answer says of a change that is to be undone; None: nothing final."""
        if got.answer is None:
            return None
        match got.answer.word:
            case Word.REVERTED:
                return Event.REVERTED
            case Word.REFUSED | Word.EXPIRED:
                return Event.UNTOUCHED
            case Word.CONFIRMED | Word.KEPT if not self._force:
                return Event.CONFIRMED
            case Word.STUCK:
                return Event.NOT_REVERTED
            case Word.NONE:
                return self._forgotten(got, got.answer)
        return None

    def _forgotten(self, got: Received, answer: Answer) -> Event:
        found = what_is_left(
            self.work, answer, got.files, self.prior, self._boot_id, confirmed=self._confirmed_once and not self._force
        )
        self._is_forgotten = found.event is Event.CONFIRMED
        self.reason = found.reason
        return found.event

    def _unwritten(self) -> _Moving:
        """The journal is not there: what has not started never does, the rest is called off."""
        self.reason = Reason("the journal cannot be written", "see where past runs are kept, and its disk")
        if self.state is State.CONFIRMED:
            yield from self._said(Event.SILENCE)
            return
        if self.state in {State.CLAIMED, State.ARMED}:
            yield Ask(Action.ABORT, fresh=False, within_s=CONTACT_S)
        yield from self._said(Event.UNWRITTEN)

    def _end(self) -> Talk:
        if self.state is State.ROLLING_BACK:
            yield from self._undo()
        if self._is(State.CONFIRMED):
            yield from self._close_found()
        if self.state in FINAL - {State.LOST} and self._claimed:
            yield from self.tidy()
        return Ending(self.state, self.reason.text, self.reason.hint)

    def tidy(self) -> Talk:
        """Let the host forget a change whose end is in the journal.

        The one thing that is noted once it is done: nothing depends on it, and who resumes does what was left undone.
        """
        if not self._is_forgotten:
            got = yield Ask(Action.TIDY, fresh=False, within_s=CONTACT_S)
            if got.answer is None:
                return Ending(self.state, self.reason.text, self.reason.hint)
        yield Note(Entry(self.state, Action.TIDY))
        return Ending(self.state, self.reason.text, self.reason.hint)

    def _close_found(self) -> _Moving:
        """The confirmation had come first after all."""
        try:
            yield from self._keep()
        except _UnwrittenError:
            yield from self._unwritten()
        if self._is(State.ROLLING_BACK):
            yield from self._undo()

    def _is(self, state: State) -> bool:
        return self.state is state

    @property
    def read_back(self) -> dict[str, str]:
        """The values that the host read last, by subject."""
        return {self.work.steps[number - 1].subject: value for number, value in sorted(self.values.items())}

    @property
    def is_touched(self) -> bool:
        """Whether the host may have other values than before."""
        return self.state in TOUCHED
