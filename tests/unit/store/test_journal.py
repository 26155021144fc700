"""The journal of changes: on disk before it returns, only ever added to, private, and readable after any crash."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from netaudit.errors import StoreError, UsageError
from netaudit.remedy.flow import Entry
from netaudit.remedy.guard import Action, Event, State
from netaudit.remedy.host_side import Change
from netaudit.remedy.scripts import StepScript
from netaudit.remedy.work import FileState, Work, WorkStep
from netaudit.store.database import Database
from netaudit.store.journal import Journal, open_journal

RUN = "20260601-120000-abcd"
PATH = "/etc/sysctl.d/99-zz-netaudit.conf"


def change(number: int = 1, host: str = "web1") -> Change:
    """A change with everything that a row must hold."""
    script = StepScript("cat x", "echo 2 >x", "echo 1 >x", ("2", "3"), "nmcli a", "nmcli b", 7)
    steps = (WorkStep("net.core.somaxconn", "1\t2", script, "blue"),)
    files = (FileState(PATH, b"\xff\0\n", 0o600, 1, 2), FileState("/etc/gone", None))
    return Change(Work(host, "boot-1", steps, files, files[:1], 42), f"{number:032x}", "run x of me@here pid 1")


@pytest.fixture
def path(tmp_path):
    """A journal that does not exist yet."""
    return tmp_path / "state" / "netaudit.db"


def claimed() -> Entry:
    """What is noted of a claim."""
    return Entry(State.CLAIMED, None, Event.CLAIMED, "setsid", {1: "1\t2"}, (FileState(PATH, b"old"),), "boot-1")


def test_what_is_read_is_what_was_written(path):
    """Works, entries, values, files and their bytes come back as they were, in their order."""
    first, second = change(1), change(2, "web2")
    entries = [Entry(State.PLANNED, Action.ARM), claimed(), Entry(State.APPLIED, None, Event.APPLIED, "", {1: "2"})]
    with open_journal(path) as journal:
        journal.begin(RUN, [(4, first), (5, second)])
        for entry in entries:
            journal.write([(first.id, entry)])
    with open_journal(path) as journal:
        one, other = journal.changes(RUN)
    assert (first.work, tuple(entries)) == (one.work, one.entries)
    assert (first.id, RUN, "web1", 4, first.owner) == (one.id, one.run, one.host, one.position, one.owner)
    assert ((FileState(PATH, b"old"),), {1: "2"}, "boot-1") == (one.prior, one.values_after, one.boot_id)
    assert (State.APPLIED, False) == (one.state, one.is_final)
    assert (State.PLANNED, ()) == (other.state, other.entries)


def test_no_secret_is_on_disk(path):
    """The token by which a host knows its controller is in no file."""
    made = change()
    with open_journal(path) as journal:
        journal.begin(RUN, [(0, made)])
        journal.write([(made.id, claimed())])
    assert made.token
    for file in path.parent.iterdir():
        assert made.token.encode() not in file.read_bytes()


def test_files_are_private_whatever_the_umask(path):
    """Owner alone, the write-ahead log included."""
    before = os.umask(0)
    try:
        with open_journal(path) as journal:
            journal.begin(RUN, [(0, change())])
            modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert {0o600} == modes
    assert 0o700 == stat.S_IMODE(path.parent.stat().st_mode)


def test_it_is_on_disk_when_it_returns(path):
    """SQLite is asked to sync each transaction, and another program sees it at once."""
    journal = open_journal(path)
    assert [(2,)] == list(journal._database.rows("PRAGMA synchronous"))  # FULL
    journal.begin(RUN, [(0, change())])
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT host FROM changes").fetchall() == [("web1",)]
    other.close()
    journal.close()


def test_a_locked_journal_is_an_error(path):
    """Another program's transaction is waited for, and then it is said."""
    journal = Journal(Database(path, wait_ms=10, durable=True))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        journal.begin(RUN, [(0, change())])
    other.close()
    journal.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_a_full_disk_is_an_error(tmp_path):
    """What cannot be on disk is not taken for written; what was is still there."""
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(small)], check=True)
    try:
        with open_journal(small / "netaudit.db") as journal:
            made = change()
            journal.begin(RUN, [(0, made)])
            long = Entry(State.PLANNED, Action.ARM, detail="x" * 20_000)
            with pytest.raises(StoreError, match="full"):
                _write_often(journal, made.id, long)
            assert journal.changes(RUN)[0].entries
    finally:
        subprocess.run(["umount", str(small)], check=True)


def _write_often(journal: Journal, identity: str, entry: Entry) -> None:
    for _ in range(100):
        journal.write([(identity, entry)])


def test_an_entry_of_a_change_that_was_not_begun_is_an_error(path):
    """Nothing is noted of a host that is not on record."""
    with open_journal(path) as journal, pytest.raises(StoreError, match="was not begun"):
        journal.write([("0" * 16, claimed())])


def test_runs_are_found_by_what_is_typed_of_them(path):
    """The id, its beginning or its end, or `last`; what is ambiguous or unknown is an error that helps."""
    with open_journal(path) as journal:
        with pytest.raises(UsageError, match="netaudit fix"):
            journal.run_id("last")
        for number, run in enumerate((RUN, "20260602-120000-ffff")):
            journal.begin(run, [(0, change(number))])
        assert "20260602-120000-ffff" == journal.run_id("last") == journal.run_id("ffff")
        assert RUN == journal.run_id("20260601")
        with pytest.raises(UsageError, match="may be any of"):
            journal.run_id("2026")
        with pytest.raises(UsageError, match="there is no run 'nonsense'"):
            journal.run_id("nonsense")


def test_runs_whose_end_is_not_known_are_listed(path):
    """Those with a host that is neither persisted, rolled back nor refused; a change that never began counts not."""
    ends = {"a": State.PERSISTED, "b": State.LOST, "c": State.APPLIED, "d": State.REFUSED}
    with open_journal(path) as journal:
        for number, (run, state) in enumerate(ends.items()):
            made = change(number)
            journal.begin(run, [(0, made)])
            journal.write([(made.id, Entry(state))])
        journal.begin("e", [(0, change(9))])
        assert ("c", "b") == journal.unfinished()


def test_what_was_taken_back_is_known(path):
    """Only by a change that was kept; and the run that did it is not the last one to be undone."""
    first, other = change(1), change(2, "web2")
    again, failed = replace(change(3), undoes=first.id), replace(change(4, "web2"), undoes=other.id)
    later = "20260602-120000-ffff"
    with open_journal(path) as journal:
        journal.begin(RUN, [(0, first), (1, other)])
        journal.begin(later, [(0, again), (1, failed)])
        journal.write([(again.id, Entry(State.PERSISTED)), (failed.id, Entry(State.ROLLED_BACK))])
        assert {first.id: later} == journal.undone(RUN)
        assert {} == journal.undone(later)
        assert ["", first.id] == [journal.changes(run)[0].undoes for run in (RUN, later)]
        assert (later, RUN) == (journal.run_id("last"), journal.run_id("last", is_to_be_undone=True))
        assert later == journal.run_id(later, is_to_be_undone=True)


def test_what_was_taken_back_and_made_again_stands(path):
    """A rollback that was itself rolled back undoes nothing any more, until somebody does so once more."""
    first = change(1)
    back, forth = replace(change(2), undoes=first.id), replace(change(3), undoes=change(2).id)
    again = replace(change(4), undoes=first.id)
    found = []
    with open_journal(path) as journal:
        for number, made in enumerate((first, back, forth, again)):
            journal.begin(f"run{number}", [(0, made)])
            journal.write([(made.id, Entry(State.PERSISTED))])
            found.append(journal.undone("run0"))
    assert [{}, {first.id: "run1"}, {}, {first.id: "run3"}] == found


def test_a_damaged_row_is_said(path):
    """No traceback out of what a disk has done to a row."""
    with open_journal(path) as journal:
        journal.begin(RUN, [(0, change())])
    with sqlite3.connect(path) as other:
        other.execute("UPDATE changes SET work = '{}'")
    other.close()
    with open_journal(path) as journal, pytest.raises(StoreError, match="damaged"):
        journal.changes(RUN)


def test_a_journal_that_must_exist_is_not_made(tmp_path):
    """Resume and rollback do not leave an empty one behind."""
    path = tmp_path / "none.db"
    with pytest.raises(StoreError, match="no run has been stored"):
        open_journal(path, must_exist=True)
    assert not Path(path).exists()
