"""One host under guard, without a host: a session that answers as one would, a journal that fails at every entry."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from netaudit.app.guarded_host import GuardedHost, Inspection, Ways, change_of
from netaudit.app.journalling import Journalling
from netaudit.app.recovery import Recovery, accounted
from netaudit.assets.locate import locate
from netaudit.assets.probes import load_probes
from netaudit.errors import ErrorKind, Phase, StoreError, WorldError
from netaudit.model.contact import Exit
from netaudit.model.plan import HostOutcome, Outcome
from netaudit.model.probe import Section, SectionStatus, Stream
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.target import Target
from netaudit.remedy.guard import Action, Event, State
from netaudit.remedy.record import ChangeRecord
from netaudit.remedy.scripts import StepScript
from netaudit.remedy.unchanged import Watched
from netaudit.remedy.work import FileState, Work, WorkStep, undoing
from netaudit.wire.frame import encode

PATH = "/etc/sysctl.d/99-zz-netaudit.conf"
BOOT = "e23a3c34-6efd-487f-8b65-5ed0d78bc78c"
TARGET = Target("web1", "192.0.2.1")
STEP = WorkStep("net.core.somaxconn", "128", StepScript("r", "a", "u", ("4096",)))
WORK = Work("web1", BOOT, (STEP,), (FileState(PATH, b"new\n"),), (), 60)
# What only one of the payloads holds.
_MARKS = {
    Action.ARM: b"guard_place()", Action.GO: b': >"$dir/go"', Action.CONFIRM: b"v.confirmed", Action.KEEP: b"v.keep",
    Action.ABORT: b"busy=", Action.TIDY: b"clear_away",
}  # fmt: skip


@dataclass
class Host:
    """What the shell of a host would answer. ``deaf_to`` are actions whose answer is lost."""

    word: str = "none"
    value: str = "128"
    file: bytes | None = None
    deaf_to: frozenset[Action] = frozenset()
    unreachable: bool = False
    boot: str = BOOT
    keeps_sessions: bool = True
    asked: list[Action] = field(default_factory=list)
    probed: dict[Action, list[str]] = field(default_factory=dict)  # what went along with the last one of each
    routes: bytes = b""
    opened: int = 0
    closed: int = 0

    async def open(self, target: Target) -> Host:
        """A connection."""
        if self.unreachable:
            raise WorldError(ErrorKind.REFUSED, "nobody listens", phase=Phase.CONNECT)
        self.opened += 1
        return self

    async def close(self) -> None:
        """Of a connection."""
        self.closed += 1

    async def run(self, bundle, sink) -> Exit:
        """Answer a payload."""
        action = next((action for action, mark in _MARKS.items() if mark in bundle.payload), Action.STATUS)
        self.asked.append(action)
        self.probed[action] = [probe.id for probe in bundle.probes if not probe.id.startswith("guard")]
        self._do(action)
        sections = [self._section(probe.id, action) for probe in bundle.probes]
        if action is Action.KEEP:
            self.word = "none"
        if action in self.deaf_to:
            raise WorldError(ErrorKind.DISCONNECTED, "the connection was lost", phase=Phase.ANSWER)
        for stream, data in zip((Stream.OUT, Stream.ERR), encode(sections, bundle.nonce), strict=True):
            sink.feed(stream, data)
        return Exit(0)

    def _do(self, action: Action) -> None:
        match action:
            case Action.ARM:
                self.word = "armed"
            case Action.GO:
                self.word, self.value = "applied", "4096"
            case Action.CONFIRM:
                self.word, self.file = "confirmed", b"new\n"
            case Action.KEEP:
                self.word = "kept" if self.word == "confirmed" else self.word
            case Action.ABORT:
                self.word = {"armed": "expired", "none": "none"}.get(self.word, "reverted")
                self.value, self.file = "128", None

    def _section(self, name: str, action: Action) -> Section:
        if name == "guard_file1" and self.file is None:
            return Section(name, SectionStatus.NOT_PRESENT, 11, b"", b"", 1)
        if name == "guard_file1":
            return Section(name, SectionStatus.COMPLETE, 0, self.file, b"-rw-r--r-- 1 0 0 4 x", 1)
        if name == "routes":
            return Section(name, SectionStatus.COMPLETE, 0, self.routes, b"", 1)
        said = f"boot {self.boot}\nstate {self.word}\nwatcher alive\nvalue 1 {self.value}\n".encode()
        if not self.keeps_sessions:
            said += b"watcher_of nobody\n"
        if (action, self.word) == (Action.KEEP, "kept"):
            said += b"gone\n"
        mine = said if name in {"guard", "guard_arm", "guard_values"} else b""
        return Section(name, SectionStatus.COMPLETE, 0, mine, b"", 1)


@dataclass
class Book:
    """A journal in memory that fails from one entry on."""

    fails_at: int | None = None
    entries: list = field(default_factory=list)
    begun: list = field(default_factory=list)
    tries: int = 0

    def begin(self, run_id, changes) -> None:
        """Take changes."""
        self._count()
        self.begun += changes

    def write(self, entries) -> None:
        """Take entries."""
        self._count()
        self.entries += [entry for _, entry in entries]

    def _count(self) -> None:
        if self.fails_at is not None and self.tries >= self.fails_at:
            raise StoreError("the disk is full")
        self.tries += 1


def guarded(
    host: Host, book: Book, *, work: Work = WORK, inspection: Inspection | None = None, session: Host | None = None
) -> GuardedHost:
    """A change whose clock stands still but for its pauses."""
    now = [0.0]

    async def sleep(seconds: float) -> None:
        now[0] += seconds
        await asyncio.sleep(0)

    ways = Ways(host, Journalling(book, "run1"), clock=lambda: now[0], sleep=sleep)
    return GuardedHost(TARGET, change_of(work, "run1"), ways, inspection, session=session)


async def through(host: GuardedHost, *, abandon: str = ""):
    """Both halves."""
    return await host.apply() or await (host.abandon(abandon) if abandon else host.confirm())


def test_a_change_is_kept():
    """Three connections, each step noted before it is asked, and the host forgets it at the end."""
    host, book = Host(), Book()
    outcome = asyncio.run(through(guarded(host, book)))
    assert (Outcome.PERSISTED, "4096", b"new\n") == (outcome.outcome, host.value, host.file)
    assert {"net.core.somaxconn": "4096"} == outcome.read_back
    assert [Action.ARM, Action.STATUS, Action.GO, Action.STATUS, Action.CONFIRM, Action.KEEP] == host.asked
    assert Action.TIDY is book.entries[-1].action
    assert 3 == host.opened == host.closed


def test_where_no_session_can_end_the_watcher_it_is_not_looked_for_anew():
    """It is started on the connection that armed it; what verifies is a new one."""
    host, book = Host(keeps_sessions=False), Book()
    outcome = asyncio.run(through(guarded(host, book)))
    assert (Outcome.PERSISTED, "4096") == (outcome.outcome, host.value)
    assert [Action.ARM, Action.GO, Action.STATUS, Action.CONFIRM, Action.KEEP] == host.asked
    assert Event.SEEN_ARMED in [entry.event for entry in book.entries]
    assert 2 == host.opened == host.closed


ROUTE_LINES = b"#@ ip\ndefault via 192.0.2.7 dev eth0\n"
ROUTES = tuple(probe for probe in load_probes(locate()) if probe.id == "routes")
COUNTERS = tuple(probe for probe in load_probes(locate()) if probe.id == "counters")
OTHER_ROUTE = Watched(
    frozenset({"inet 192.0.2.1 dev eth0 table main"}), None, None, None, Absent(AbsentReason.NOT_ASKED)
)


def test_what_was_seen_a_moment_ago_is_not_asked_again_before_the_change():
    """It is asked after the change and compared with what was seen; what is counted is asked both times."""
    host = Host(routes=ROUTE_LINES)
    inspection = Inspection(watched=ROUTES, counted=COUNTERS)
    outcome = asyncio.run(through(guarded(host, Book(), inspection=inspection)))
    assert Outcome.PERSISTED is outcome.outcome
    assert (["routes", "counters"], ["routes", "counters"]) == (host.probed[Action.ARM], host.probed[Action.STATUS])
    host = Host(routes=ROUTE_LINES)
    inspection = replace(inspection, seen=OTHER_ROUTE)
    outcome = asyncio.run(through(guarded(host, Book(), inspection=inspection)))
    assert (["counters"], ["routes", "counters"]) == (host.probed[Action.ARM], host.probed[Action.STATUS])
    assert Outcome.ROLLED_BACK is outcome.outcome
    assert outcome.reason.startswith("no default route any more: inet 192.0.2.1 dev eth0")


def test_a_connection_that_was_there_before_arms_the_host_and_no_more():
    """What sees the host armed, and what verifies, are new ones all the same."""
    host = Host()
    outcome = asyncio.run(through(guarded(host, Book(), session=host)))
    assert (Outcome.PERSISTED, "4096") == (outcome.outcome, host.value)
    assert (2, 3) == (host.opened, host.closed)


def test_a_connection_that_has_died_since_says_nothing_of_the_host():
    """A new one takes its place."""
    host, dead = Host(), Host(deaf_to=frozenset(Action))
    outcome = asyncio.run(through(guarded(host, Book(), session=dead)))
    assert (Outcome.PERSISTED, "4096") == (outcome.outcome, host.value)
    assert (3, 1) == (host.opened, dead.closed)


def test_a_start_that_may_have_reached_the_host_is_not_sent_again():
    """Also on the connection of the audit, once it has armed the host: the host is asked how far it is."""
    host = Host(keeps_sessions=False, deaf_to=frozenset({Action.GO}))
    outcome = asyncio.run(through(guarded(host, Book(), session=host)))
    assert Outcome.PERSISTED is outcome.outcome
    assert [Action.ARM, Action.GO, Action.STATUS, Action.STATUS, Action.CONFIRM, Action.KEEP] == host.asked


def test_without_persist_the_outcome_says_so():
    """Nothing lasts, so nothing is read again."""
    host = Host()
    outcome = asyncio.run(through(guarded(host, Book(), work=replace(WORK, files=()))))
    assert Outcome.CONFIRMED is outcome.outcome


def test_an_abandoned_change_is_undone_and_says_why():
    """The gate's reason is the outcome's."""
    host = Host()
    outcome = asyncio.run(through(guarded(host, Book()), abandon="the gate of batch 1 failed"))
    assert (Outcome.ROLLED_BACK, "the gate of batch 1 failed", "128") == (outcome.outcome, outcome.reason, host.value)


def test_the_judges_are_asked():
    """An objection before the confirmation undoes it; one after it takes back what was written as well."""
    host = Host()
    judged = Inspection(judge=lambda _: ["the check fails still"])
    outcome = asyncio.run(through(guarded(host, Book(), inspection=judged)))
    assert (Outcome.ROLLED_BACK, "the check fails still") == (outcome.outcome, outcome.reason)
    assert Action.CONFIRM not in host.asked
    host = Host()
    read_again = Inspection(boot_judge=lambda _: ["/etc/sysctl.d/zz.conf wins at boot"])
    outcome = asyncio.run(through(guarded(host, Book(), inspection=read_again)))
    assert (Outcome.ROLLED_BACK, "/etc/sysctl.d/zz.conf wins at boot") == (outcome.outcome, outcome.reason)
    assert (None, "128") == (host.file, host.value)


@pytest.mark.parametrize("entry", range(17))
def test_a_journal_that_fails_never_leaves_a_riddle(entry):
    """From whichever entry on it cannot be written: nothing was begun, or it was undone, or it was confirmed before."""
    host, book = Host(), Book(fails_at=entry)
    outcome = asyncio.run(through(guarded(host, book)))
    noted = {each.action for each in book.entries}
    for action in (Action.ARM, Action.GO, Action.CONFIRM):
        assert action not in host.asked or action in noted
    match outcome.outcome:
        case Outcome.REFUSED | Outcome.ROLLED_BACK:
            assert ("128", None) == (host.value, host.file)
        case Outcome.PERSISTED | Outcome.LOST:
            assert Action.CONFIRM in noted
        case other:
            raise AssertionError(other)
    if entry == 0:
        assert ([], "nothing was sent: the disk is full") == (host.asked, outcome.reason)


@pytest.mark.parametrize("action", [Action.ARM, Action.STATUS, Action.GO, Action.CONFIRM, Action.KEEP, Action.TIDY])
def test_lost_answers_do_not_lose_the_host(action):
    """Whatever answer never comes, the outcome is the truth about the host, or that it is not known."""
    host = Host(deaf_to=frozenset({action}))
    outcome = asyncio.run(through(guarded(host, Book())))
    truth = {"128": {Outcome.ROLLED_BACK, Outcome.UNREACHED, Outcome.LOST}, "4096": {Outcome.PERSISTED, Outcome.LOST}}
    assert outcome.outcome in truth[host.value]


def test_a_host_that_nobody_reaches_is_unreached():
    """Nothing was sent, and the line says why."""
    outcome = asyncio.run(through(guarded(Host(unreachable=True), Book())))
    assert (Outcome.UNREACHED, "nobody listens") == (outcome.outcome, outcome.reason)


def test_a_change_that_never_began_is_abandoned_without_a_word():
    """No connection, no entry."""
    host, book = Host(), Book()
    outcome = asyncio.run(guarded(host, book).abandon("the run was interrupted"))
    assert (Outcome.UNREACHED, 0, []) == (outcome.outcome, host.opened, book.entries)


def test_a_cancelled_change_can_be_called_off():
    """Interrupted in the middle of a half, the host is told to undo it."""
    host = Host()
    change = guarded(host, Book())

    async def interrupted():
        task = asyncio.ensure_future(change.apply())
        while Action.GO not in host.asked:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await change.abandon("interrupted")

    outcome = asyncio.run(interrupted())
    assert (Outcome.ROLLED_BACK, "128") == (outcome.outcome, host.value)


def test_many_hosts_share_a_transaction():
    """What comes while the disk is busy goes into the next transaction; each waits for its own."""
    book = Book()

    async def all_of_them():
        writing = Journalling(book, "run1")
        changes = [guarded(Host(), book).change for _ in range(50)]
        return await asyncio.gather(*(writing.begin(place, change) for place, change in enumerate(changes)))

    assert [True] * 50 == asyncio.run(all_of_them())
    assert 50 == len(book.begun)
    assert book.tries <= 3


def record(book: Book, work: Work = WORK) -> ChangeRecord:
    """What a journal keeps of it."""
    return ChangeRecord("0" * 16, "run1", "web1", 0, "me", datetime(2026, 6, 1, tzinfo=UTC), work, tuple(book.entries))


def recovery(host: Host, book: Book) -> Recovery:
    """Another controller."""
    now = [0.0]

    async def sleep(seconds: float) -> None:
        now[0] += seconds

    ways = Ways(host, Journalling(book, "run2"), clock=lambda: now[0], sleep=sleep)
    return Recovery(ways, lambda name: TARGET if name == "web1" else None)


def test_resume_of_a_host_that_is_not_in_the_inventory_is_lost():
    """It is named, with what to look at there."""
    book = Book()
    asyncio.run(guarded(Host(), book).apply())
    stranger = replace(record(book), host="web9")
    (outcome,) = asyncio.run(recovery(Host(), book).resume([stranger], lambda _: None))
    assert (Outcome.LOST, "web9 is not in the inventory") == (outcome.outcome, outcome.reason)
    assert "net.core.somaxconn" in outcome.hint


@pytest.mark.parametrize(
    ("abandon", "outcome", "reason"),
    [("", Outcome.ROLLED_BACK, "undone on request"), ("no", Outcome.REFUSED, "the change stands: no")],
)
@pytest.mark.parametrize("knows", [True, False])
def test_resume_of_an_undo_tells_of_the_change(abandon, outcome, reason, knows):
    """What was taken back is rolled back, with the change's own steps; what was not stands. Known before, or found."""
    host, book = Host(), Book()
    asyncio.run(through(guarded(host, book), abandon=abandon))
    if not knows:
        last = next(place for place, each in enumerate(book.entries) if each.state is State.VERIFIED)
        book.entries = book.entries[: last + 1]
    undo = replace(record(book), undoes="an earlier one")
    host.word = "confirmed" if not abandon else "applied"
    (found,) = asyncio.run(recovery(host, book).resume([undo], lambda _: None))
    assert (outcome, found.reason if knows else reason) == (found.outcome, reason)
    assert [("4096", "128")] == [(step.before, step.after) for step in found.steps]


def test_resume_of_a_change_that_was_only_begun_asks_nobody():
    """The controller had died before it sent anything."""
    host, book = Host(), Book()
    (outcome,) = asyncio.run(recovery(host, book).resume([record(book)], lambda _: None))
    assert (Outcome.UNREACHED, []) == (outcome.outcome, host.asked)
    assert State.REFUSED is book.entries[-1].state


@pytest.mark.parametrize(
    ("value", "file", "outcome"),
    [("128", None, Outcome.ROLLED_BACK), ("4096", b"new\n", Outcome.PERSISTED), ("7", None, Outcome.LOST)],
)
def test_resume_of_a_host_that_has_forgotten_goes_by_values_and_files(value, file, outcome):
    """The old ones, the new ones, or neither: then a person must look."""
    host, book = Host(), Book()
    asyncio.run(guarded(host, book).apply())
    gone = Host(word="none", value=value, file=file)
    gone._do = lambda action: None
    (found,) = asyncio.run(recovery(gone, book).resume([record(book)], lambda _: None))
    assert outcome is found.outcome
    if outcome is Outcome.LOST:
        assert "net.core.somaxconn is '7'" in found.reason


@pytest.mark.parametrize("state", [State.APPLIED, State.ROLLING_BACK])
def test_resume_says_that_the_host_has_booted_since(state):
    """That is why it knows nothing: also where no plan said in which boot it was made, and in the journal later."""
    book = Book()
    asyncio.run(guarded(Host(), book, work=replace(WORK, boot_id="")).apply())
    last = next(place for place, entry in enumerate(book.entries) if entry.state is State.APPLIED and entry.event)
    del book.entries[last + 1 :]
    book.entries[last] = replace(book.entries[last], state=state)
    host = Host(boot="01234567-89ab-cdef-0123-456789abcdef")
    host._do = lambda action: None
    made = record(book, replace(WORK, boot_id=""))
    (found,) = asyncio.run(recovery(host, book).resume([made], lambda _: None))
    assert found.outcome is Outcome.ROLLED_BACK
    assert found.reason.startswith("the host has booted since")
    later = accounted(replace(made, entries=tuple(book.entries)))
    assert (found.outcome, found.reason, found.read_back) == (later.outcome, later.reason, later.read_back)


def test_a_power_cut_between_two_files_is_lost():
    """One of two files was written when the host went down: neither old nor new, so a person must look."""
    two = replace(WORK, files=(*WORK.files, FileState("/etc/other", b"x")))
    host, book = Host(), Book()
    asyncio.run(guarded(host, book, work=two).apply())
    half = Host(word="none", value="128", file=b"new\n")
    half._do = lambda action: None
    (found,) = asyncio.run(recovery(half, book).resume([record(book, two)], lambda _: None))
    assert Outcome.LOST is found.outcome
    assert "1 of 2 files are written" in found.reason


def test_what_was_undone_has_nothing_to_roll_back():
    """Only a persisted change can be taken back; one whose end is not known must be resumed first."""
    host, book = Host(), Book()
    asyncio.run(through(guarded(host, book), abandon="no"))
    (outcome,), foreign = asyncio.run(recovery(host, book).roll_back("run2", [record(book)], lambda _: None))
    assert (Outcome.NOTHING, frozenset()) == (outcome.outcome, foreign)
    unknown = replace(record(book), entries=record(book).entries[:6])
    (outcome,), _ = asyncio.run(recovery(host, book).roll_back("run2", [unknown], lambda _: None))
    assert (Outcome.LOST, "netaudit resume run1") == (outcome.outcome, outcome.hint)


def test_a_roll_back_is_a_change_of_its_own():
    """It is begun under its own run, with a work that leads to the values and files before."""
    host, book = Host(), Book()
    asyncio.run(through(guarded(host, book)))
    kept = record(book)
    asyncio.run(recovery(host, book).roll_back("run2", [kept], lambda _: None))
    _, change = book.begun[-1]
    assert undoing(WORK, (FileState(PATH, None),), {1: "4096"}) == change.work


@pytest.mark.parametrize(
    ("value", "file", "outcome", "said"),
    [("128", None, Outcome.NOTHING, "it is as it was before already"),
     ("128", b"new\n", Outcome.REFUSED, "is not as it was left"),
     ("7", None, Outcome.REFUSED, "is not as it was left")],
)  # fmt: skip
def test_an_undo_that_is_refused_is_told_later_as_it_was_then(value, file, outcome, said):
    """By its journal alone: whether there was nothing to undo, or somebody else had changed it; and what was read."""
    host, book = Host(), Book()
    asyncio.run(through(guarded(host, book)))
    kept = record(book)
    host._do = lambda action: None
    host.word, host.value, host.file = f"refused stale 1 it is '{value}', not '4096'", value, file
    done = Book()
    (found,), _ = asyncio.run(recovery(host, done).roll_back("run2", [kept], lambda _: None))
    assert (found.outcome, found.read_back) == (outcome, {"net.core.somaxconn": value})
    assert said in found.reason
    assert "--force" in found.hint or outcome is Outcome.NOTHING
    _, change = done.begun[-1]
    later = accounted(replace(record(done, change.work), run="run2", undoes=kept.id))
    assert (found.outcome, found.reason, found.read_back) == (later.outcome, later.reason, later.read_back)


def test_every_change_of_a_host_is_told_when_they_are_undone():
    """The latest first, up to the one whose undo is refused."""
    host, book = Host(), Book()
    asyncio.run(through(guarded(host, book)))
    other = replace(STEP, subject="net.core.netdev_max_backlog")
    first, last = replace(record(book), work=replace(WORK, steps=(other,))), replace(record(book), id="1" * 16)
    told: list[HostOutcome] = []
    found, _ = asyncio.run(recovery(host, Book()).roll_back("run2", [first, last], told.append))
    assert [(Outcome.ROLLED_BACK, STEP.subject), (Outcome.ROLLED_BACK, other.subject)] == [
        (each.outcome, each.steps[0].subject) for each in found
    ]
    assert [found[-1]] == told


@pytest.mark.parametrize("files", [WORK.files, ()])
@pytest.mark.parametrize("has_booted", [False, True])
def test_a_host_forgets_with_its_last_word_and_a_lost_one_is_no_riddle(files, has_booted):
    """Its answer is lost: in the same boot it was kept, which the next question tells; after a boot nobody guesses."""
    host, work = Host(deaf_to=frozenset({Action.KEEP})), replace(WORK, files=files)
    answers = host.run

    async def run(bundle, sink) -> Exit:
        try:
            return await answers(bundle, sink)
        finally:
            if Action.KEEP in host.asked:
                host.deaf_to = frozenset()
                host.boot = "another-boot" if has_booted else host.boot

    host.run = run
    outcome = asyncio.run(through(guarded(host, Book(), work=work)))
    kept = Outcome.PERSISTED if files else Outcome.CONFIRMED
    assert (Outcome.LOST if has_booted else kept) is outcome.outcome


@pytest.mark.parametrize(
    ("entries", "value", "outcome"),
    [
        ("keep", "4096", Outcome.CONFIRMED),
        ("keep", "7", Outcome.LOST),
        ("verify", "4096", Outcome.LOST),
    ],
)
def test_resume_after_a_last_word_that_nobody_heard(entries, value, outcome):
    """Without files it takes the host's confirmation in the journal and its new values to call a change kept."""
    bare = replace(WORK, files=())
    host, book = Host(), Book()
    asyncio.run(through(guarded(host, book, work=bare)))
    asked = [str(each.action or "") for each in book.entries]
    book.entries = book.entries[: asked.index(entries) + 1]
    gone = Host(word="none", value=value)
    gone._do = lambda action: None
    (found,) = asyncio.run(recovery(gone, book).resume([record(book, bare)], lambda _: None))
    assert outcome is found.outcome
