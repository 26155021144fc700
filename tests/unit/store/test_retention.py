"""Old runs go, in the order of their age, and the newest never."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

from netaudit.fleet.tally import Tally
from netaudit.model.probe import Capture
from netaudit.model.result import RunInfo
from netaudit.remedy.flow import Entry
from netaudit.remedy.guard import State
from netaudit.remedy.host_side import Change
from netaudit.remedy.scripts import StepScript
from netaudit.remedy.work import Work, WorkStep
from netaudit.store import Retention, Store, open_store, run_id
from netaudit.store.journal import open_journal


def _runs(count: int) -> list[RunInfo]:
    begun = datetime(2026, 11, 20, 15, 0, 0, tzinfo=UTC)
    moments = [begun + timedelta(seconds=number) for number in range(count)]
    return [RunInfo(run_id(moment, "0123"), "audit", moment, "0.1.0") for moment in moments]


def _fill(store: Store, run: RunInfo, made_up: ModuleType, capture: Capture | None, hosts: int = 2) -> None:
    store.begin(run, [f"web{number}" for number in range(hosts)])
    for number in range(hosts):
        store.add_host(run.id, number, made_up.host(f"web{number}", number, 1), capture)
    store.finish(run, Tally().summary(), ())


def test_only_the_newest_runs_are_kept(path: Path, made_up: ModuleType) -> None:
    """A run that has not finished is kept as well: somebody may be writing it."""
    runs = _runs(5)
    fresh = replace(runs[0], id="20000101-000000-aaaa", started_at=datetime.now(UTC))
    with open_store(path, retention=Retention(runs=2)) as store:
        store.begin(fresh, ["web1"])
        for run in runs:
            _fill(store, run, made_up, None)
        assert [each.info.id for each in store.runs()] == [runs[4].id, runs[3].id, fresh.id]


def test_a_run_that_was_killed_long_ago_goes_too(path: Path, made_up: ModuleType) -> None:
    """After a day nobody writes it any more."""
    runs = _runs(3)
    stale = replace(runs[0], id="20000101-000000-aaaa", started_at=datetime(2000, 1, 1, tzinfo=UTC))
    with open_store(path, retention=Retention(runs=2)) as store:
        store.begin(stale, ["web1"])
        for run in runs:
            _fill(store, run, made_up, None)
        assert [each.info.id for each in store.runs()] == [runs[2].id, runs[1].id]


def _noise(capture: Capture, size: int) -> Capture:
    section = replace(capture.sections[0], stdout=os.urandom(size))
    return replace(capture, sections=(section,))


def test_captures_of_the_oldest_runs_go_first(path: Path, made_up: ModuleType, capture: Capture) -> None:
    """The findings of these runs stay."""
    runs = _runs(3)
    with open_store(path, retention=Retention(capture_bytes=50_000)) as store:
        for run in runs:
            _fill(store, run, made_up, _noise(capture, 10_000))
        kept = {each.info.id: each.captures for each in store.runs()}
        assert kept == {runs[2].id: 2, runs[1].id: 2, runs[0].id: 0}
        assert all(report.results for report in store.reports(runs[0].id))


def test_one_run_keeps_no_more_captures_than_the_bound(path: Path, made_up: ModuleType, capture: Capture) -> None:
    """What is left out is counted."""
    (run,) = _runs(1)
    with open_store(path, retention=Retention(capture_bytes=35_000)) as store:
        _fill(store, run, made_up, _noise(capture, 10_000), hosts=5)
        stored = store.run("last")
        assert (stored.captures, stored.captures_skipped) == (3, 2)
        assert stored.capture_bytes <= 35_000


def test_space_is_given_back(path: Path, made_up: ModuleType, capture: Capture) -> None:
    """The file shrinks when captures go."""
    runs = _runs(2)
    with open_store(path, retention=Retention(capture_bytes=3_000_000)) as store:
        _fill(store, runs[0], made_up, _noise(capture, 1_000_000))
        store.delete([runs[0].id])
    assert path.stat().st_size < 500_000


def test_run_ids_sort_by_time_and_are_short() -> None:
    """An id is the start in UTC, wherever the operator is, with a short tail; also within one second."""
    moment = datetime.fromisoformat("2026-11-20T17:00:00+02:00")
    assert run_id(moment, "3f2a99") == "20261120-150000-0003"
    assert run_id(moment.replace(microsecond=500_000), "f") == "20261120-150000-800f"
    moments = [moment + timedelta(milliseconds=each) for each in range(0, 3000, 7)]
    ids = [run_id(each, "0f"[place % 2]) for place, each in enumerate(moments)]
    assert ids == sorted(set(ids))
    assert run_id(moment.replace(microsecond=999_999), "f") < run_id(moment + timedelta(seconds=1), "0")


def test_the_journal_goes_with_its_run_once_all_has_ended(path: Path, made_up: ModuleType) -> None:
    """A run with a host whose state is not known stays, and so does what is noted of it."""
    ended, unknown, newest = _runs(3)
    step = WorkStep("net.core.somaxconn", "1", StepScript("cat x", "echo 2 >x", "echo 1 >x", ("2",)))
    work = Work("web1", "boot", (step,), (), (), 60)
    changes = {ended: (State.PERSISTED, State.ROLLED_BACK, State.REFUSED), unknown: (State.PERSISTED, State.LOST)}
    with open_store(path) as store, open_journal(path) as journal:
        for run in (ended, unknown, newest):
            _fill(store, run, made_up, None)
        for number, (run, states) in enumerate(changes.items()):
            for place, state in enumerate(states):
                change = Change(work, f"{number}{place:031x}")
                journal.begin(run.id, [(place, change)])
                journal.write([(change.id, Entry(State.CLAIMED)), (change.id, Entry(state))])
        later = newest.started_at + timedelta(days=1)
        assert (ended.id,) == store.older(later) == store.prune(later)
        assert ((), 2) == (journal.changes(ended.id), len(journal.changes(unknown.id)))
        assert [newest.id, unknown.id] == [each.info.id for each in store.runs()]
    with closing(sqlite3.connect(path)) as database:
        assert 4 == database.execute("SELECT count(*) FROM journal").fetchone()[0]
