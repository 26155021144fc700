"""The flow against a host that lies down, boots, loses its watcher, and a journal that fails: what must always hold."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from netaudit.remedy.answer import Answer, Word
from netaudit.remedy.flow import Ask, Decision, Ending, Entry, Flow, Note, Pause, Received
from netaudit.remedy.guard import FINAL, Action, State
from netaudit.remedy.record import ChangeRecord
from netaudit.remedy.scripts import StepScript
from netaudit.remedy.work import FileState, Work, WorkStep

WINDOW_S = 60
BEGUN = datetime(2026, 6, 1, tzinfo=UTC)
LINGER_S = 30
PATH = "/etc/sysctl.d/99-zz-netaudit.conf"


def work(*, lasts: bool = True) -> Work:
    """One step and perhaps one file."""
    step = WorkStep("net.core.somaxconn", "old", StepScript("read", "apply", "undo", ("new",)))
    files = (FileState(PATH, b"new\n"),) if lasts else ()
    return Work("web1", "boot-1", (step,), files, (), WINDOW_S)


class SimulatedHost:
    """What the shell of a host does, in as few lines as it can be said."""

    def __init__(self, *, is_bound: bool = False, kills: bool = False) -> None:
        self.is_bound = is_bound  # it keeps sessions, and may end what they leave behind
        self.kills = is_bound and kills
        self.word = Word.NONE
        self.value = "old"
        self.file = False
        self.boot = 1
        self.alive = False
        self.until_s = 0.0
        self.history: list[str] = []

    def passes(self, now_s: float) -> None:
        """The watcher's own clock."""
        if not self.alive or now_s < self.until_s:
            return
        if self.word is Word.ARMED:
            self.word, self.alive = Word.EXPIRED, False
        elif self.word is Word.APPLIED:
            self._revert()
        elif self.word is Word.CONFIRMED:
            self.word, self.alive = Word.KEPT, False

    def _revert(self) -> None:
        self.value, self.file, self.word, self.alive = "old", False, Word.REVERTED, False
        self.history.append("reverted")

    def logs_out(self) -> None:
        """The session ends that has armed it."""
        self.alive &= not self.kills

    def boots(self) -> None:
        """What lies on a tmpfs is gone, and so is what was not written."""
        self.word, self.alive, self.boot = Word.NONE, False, self.boot + 1
        self.value = "new" if self.file else "old"

    def asked(self, ask: Ask, now_s: float) -> Answer:
        """Do it and say how far it is."""
        self.passes(now_s)
        match ask.action:
            case Action.ARM if self.word is Word.NONE:
                self.word, self.alive, self.until_s = Word.ARMED, True, now_s + WINDOW_S
            case Action.GO if self.word is Word.ARMED and self.alive:
                self.value, self.word, self.until_s = "new", Word.APPLIED, now_s + WINDOW_S
                self.history.append("applied")
            case Action.CONFIRM if self.word is Word.APPLIED and self.alive:
                self.word, self.file, self.until_s = Word.CONFIRMED, True, now_s + LINGER_S
                self.history.append("confirmed")
            case Action.KEEP if self.word in {Word.CONFIRMED, Word.KEPT}:
                self.word, self.alive = Word.NONE, False
                return Answer(Word.KEPT, boot_id=f"boot-{self.boot}", values={1: self.value}, is_gone=True)
            case Action.ABORT:
                self._called_off(force=ask.force)
            case Action.TIDY if self.word in {Word.EXPIRED, Word.KEPT, Word.REVERTED}:
                self.word = Word.NONE
        return Answer(
            self.word,
            alive=self.alive,
            boot_id=f"boot-{self.boot}",
            values={1: self.value},
            is_bound=self.is_bound,
        )

    def _called_off(self, *, force: bool) -> None:
        if self.word is Word.ARMED:
            self.word, self.alive = Word.EXPIRED, False
        elif self.word is Word.APPLIED or (force and self.word in {Word.CONFIRMED, Word.KEPT}):
            self._revert()
        elif self.word is Word.CONFIRMED and not self.alive:
            self.word = Word.KEPT


class Guarding(RuleBasedStateMachine):
    """A change from the first command to its end, with something going wrong between any two of them."""

    @initialize(confirms=st.booleans(), lasts=st.booleans(), is_bound=st.booleans(), kills=st.booleans())
    def begins(self, confirms: bool, lasts: bool, is_bound: bool, kills: bool) -> None:
        """A controller sets out."""
        self.host = SimulatedHost(is_bound=is_bound, kills=kills)
        self.flow = Flow(work(lasts=lasts))
        self.decision = Decision(confirm=confirms, reason="the gate failed")
        self.lasts = lasts
        self.now_s = 0.0
        self.connection = 0
        self.armed_on = None
        self.go_on = None  # connection on which the change was started
        self.verified_on = None
        self.noted: set[Action | None] = set()
        self.journal: list[Entry] = []
        self.journal_works = True
        self.boots = 0
        self.ending: Ending | None = None
        self.talk = self.flow.begin()
        self.command = next(self.talk)

    def _send(self, received: Received) -> None:
        try:
            self.command = self.talk.send(received)
        except StopIteration as end:
            if end.value.state is State.VERIFIED:
                self.talk = self.flow.settle(self.decision)
                self.command = next(self.talk)
            else:
                self.ending = end.value
                self.command = None

    def _answer(self, *, hears: bool = True, reaches: bool = True, objections: tuple[str, ...] = ()) -> None:
        command = self.command
        self.host.passes(self.now_s)
        if isinstance(command, Note):
            written = self.journal_works
            if written:
                self.journal.append(command.entry)
                self.noted.add(command.entry.action)
            self._send(Received(self.now_s, written=written))
        elif isinstance(command, Pause):
            self.now_s += command.seconds
            self._send(Received(self.now_s))
        else:
            self._ask(command, hears=hears, reaches=reaches, objections=objections)

    def _ask(self, ask: Ask, *, hears: bool, reaches: bool, objections: tuple[str, ...]) -> None:
        if ask.fresh:
            if self.armed_on == self.connection:
                self.host.logs_out()
            self.connection += 1
        if ask.action in {Action.ARM, Action.GO, Action.CONFIRM}:
            assert ask.action in self.noted, "asked before it was noted"
        if ask.action is Action.ARM:
            self.armed_on = self.connection
        if ask.action is Action.GO:
            assert self.flow.state is State.ARMED
            self.go_on = self.connection
        if ask.action is Action.CONFIRM:
            assert self.verified_on is not None, "confirmed without a look through a new connection"
            assert self.verified_on > self.go_on
        answer = self.host.asked(ask, self.now_s) if reaches else None
        self.now_s += 0.1 if reaches and hears else ask.within_s
        self.host.passes(self.now_s)
        if answer is None or not hears:
            self._send(Received(self.now_s, trouble="no answer"))
            return
        if ask.action is Action.VERIFY and answer.word is Word.APPLIED:
            self.verified_on = self.connection
        read_again = ask.action in {Action.CONFIRM, Action.REREAD} and answer.word in {Word.CONFIRMED, Word.KEPT}
        looked = ask.action is Action.VERIFY or read_again
        content = b"new\n" if self.host.file else None
        files = (FileState(PATH, content),) if self.lasts and ask.action in {Action.ARM, Action.ABORT} else ()
        self._send(Received(self.now_s, answer, files, objections if looked else (), read_again=read_again))

    @precondition(lambda self: self.command is not None)
    @rule()
    def goes_well(self) -> None:
        """The next command does what it should."""
        self._answer()

    @precondition(lambda self: isinstance(self.command, Ask))
    @rule(reaches=st.booleans())
    def is_cut(self, reaches: bool) -> None:
        """The question or its answer is lost."""
        self._answer(hears=False, reaches=reaches)

    @precondition(lambda self: isinstance(self.command, Ask))
    @rule()
    def is_objected_to(self) -> None:
        """A judge finds something, if it is asked."""
        self._answer(objections=("the default route has gone",))

    @rule(seconds=st.sampled_from((1.0, 20.0, 70.0)))
    def passes(self, seconds: float) -> None:
        """The controller was stopped for a while."""
        self.now_s += seconds
        self.host.passes(self.now_s)

    @precondition(lambda self: self.boots == 0)
    @rule()
    def boots_once(self) -> None:
        """A power cut."""
        self.boots = 1
        self.host.boots()

    @rule()
    def loses_its_watcher(self) -> None:
        """Somebody kills it."""
        self.host.alive = False

    @rule(works=st.booleans())
    def journal_changes(self, works: bool) -> None:
        """A disk is full, or has room again."""
        self.journal_works = works

    @precondition(lambda self: self.command is not None)
    @rule()
    def controller_dies(self) -> None:
        """Another one takes over where the journal ends, without the token."""
        self.talk.close()
        self.journal_works = True
        record = ChangeRecord("", "", "web1", 0, "", BEGUN, self.flow.work, tuple(self.journal))
        if record.is_final or not record.entries:
            self.ending = Ending(record.state if record.entries else State.REFUSED)
            self.command = None
            return
        self.flow = Flow(
            record.work,
            state=record.state,
            boot_id=record.boot_id,
            prior=record.prior,
            confirmed=record.was_confirmed,
        )
        self.talk = self.flow.recover(objected=record.was_objected)
        self.command = next(self.talk)

    @invariant()
    def nothing_is_applied_unarmed(self) -> None:
        """Whoever has new values was seen armed: by a connection of its own, where the end of one could matter."""
        if getattr(self, "host", None) and "applied" in self.host.history:
            assert self.go_on is not None
            assert self.go_on > self.armed_on or not self.host.is_bound
            assert not self.host.kills, "changed, and its watcher went with the session"

    def teardown(self) -> None:
        """From here on all goes well: it must come to an end, and the end must be the truth."""
        if not hasattr(self, "host"):
            return
        for _ in range(400):
            if self.command is None:
                break
            self._answer()
        assert self.ending is not None, "no end after all went well"
        assert self.ending.state in FINAL
        self.host.passes(self.now_s + 1000)
        match self.ending.state:
            case State.PERSISTED:
                assert self.host.value == "new" or self.boots
                assert self.host.file or not self.lasts
            case State.ROLLED_BACK | State.REFUSED:
                assert self.host.value == "old" or self.boots
                assert not self.host.file


TestGuarding = pytest.mark.timeout(120)(Guarding.TestCase)
TestGuarding.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
