"""Whatever is wrong with the file is one clear line, and the run goes on without it."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from netaudit.errors import StoreError
from netaudit.fleet.tally import Tally
from netaudit.store import Retention, Store, open_store
from netaudit.store import batch as batching
from netaudit.store import runs as storing
from netaudit.store.database import Database

from_here = Path(__file__).parents[3]


@pytest.fixture
def store(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty store that writes every host at once and does not wait long for a lock that a test holds."""
    monkeypatch.setattr(batching, "_SHORT_WAIT_MS", 1)
    monkeypatch.setattr(batching, "BATCH_HOSTS", 1)
    with Store(Database(path, wait_ms=30), Retention()) as opened:
        yield opened


@pytest.fixture
def holder(store: Store) -> Iterator[sqlite3.Connection]:
    """Another program that holds the lock."""
    connection = sqlite3.connect(store.path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


def test_a_locked_database_is_said_when_a_run_begins(
    store: Store, holder: sqlite3.Connection, made_up: ModuleType
) -> None:
    """Nobody has been contacted yet, so this is the moment to say it."""
    assert holder.in_transaction
    with pytest.raises(StoreError, match=r"netaudit\.db: the database of past runs is locked \(another program"):
        store.begin(made_up.RUN, ["web1"])


def test_a_short_lock_loses_nothing(store: Store, made_up: ModuleType) -> None:
    """Hosts wait in memory until the other program lets go."""
    reports = list(made_up.fleet_of(6, checks=2))
    store.begin(made_up.RUN, [report.name for report in reports])
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for position in range(3):
        store.add_host(made_up.RUN.id, position, reports[position], None)
    other.execute("COMMIT")
    other.close()
    for position in range(3, 6):
        store.add_host(made_up.RUN.id, position, reports[position], None)
    assert [report.name for report in store.reports(made_up.RUN.id) if report.duration_s] == [r.name for r in reports]


def test_a_long_lock_ends_the_record_of_the_run(store: Store, made_up: ModuleType) -> None:
    """After some tries the run is not held up any more; closing then is quiet."""
    reports = list(made_up.fleet_of(6, checks=2))
    store.begin(made_up.RUN, [report.name for report in reports])
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for position in range(3):
        store.add_host(made_up.RUN.id, position, reports[position], None)
    for _ in range(2):
        with pytest.raises(StoreError, match="is locked"):
            store.add_host(made_up.RUN.id, 3, reports[3], None)
    with pytest.raises(StoreError, match="is locked"):
        store.finish(made_up.RUN, Tally().summary(), ())
    other.close()
    store.close()


def test_a_full_database_is_said_and_keeps_what_it_has(store: Store, made_up: ModuleType) -> None:
    """SQLite's own answer when there is no space for another page."""
    reports = list(made_up.fleet_of(300, checks=40))
    store.begin(made_up.RUN, [report.name for report in reports])
    store.add_host(made_up.RUN.id, 0, reports[0], None)
    (pages,) = next(store._database.rows("PRAGMA page_count"))
    list(store._database.rows(f"PRAGMA max_page_count = {pages + 4}"))

    def add_all() -> None:
        for position, report in enumerate(reports[1:], 1):
            store.add_host(made_up.RUN.id, position, report, None)

    with pytest.raises(StoreError, match="disk of the database of past runs is full"):
        add_all()
    kept = list(open_store(store.path).reports(made_up.RUN.id))
    assert kept[0].results
    assert len(kept) == len(reports)


@pytest.mark.parametrize("content", [b"this is no database" * 200, b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_damaged_file_is_said(path: Path, content: bytes) -> None:
    """The line names the file and what to do."""
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"netaudit\.db: the database of past runs is damaged \(move the file away"):
        open_store(path)


def test_damaged_results_are_said(store: Store, made_up: ModuleType) -> None:
    """A body that is not as it was written is found by its checksum."""
    report = made_up.host("web1", 1, 5)
    store.begin(made_up.RUN, ["web1"])
    store.add_host(made_up.RUN.id, 0, report, None)
    list(store.reports(made_up.RUN.id))
    with store._database.writing() as connection:
        connection.execute("UPDATE hosts SET body = substr(body, 1, length(body) - 8)")
    with pytest.raises(StoreError, match="is damaged"):
        list(store.reports(made_up.RUN.id))
    with store._database.writing() as connection:
        connection.execute("UPDATE hosts SET body = x'00'")
    with pytest.raises(StoreError, match="is damaged"):
        list(store.reports(made_up.RUN.id))


def test_a_newer_database_is_left_alone(store: Store) -> None:
    """A schema that this version does not know is not touched."""
    with store._database.writing() as connection:
        connection.execute("INSERT INTO migrations VALUES ('9999-from-the-future', '2030-01-01')")
    with pytest.raises(StoreError, match=r"made by a newer netaudit \(step 9999-from-the-future\)"):
        open_store(store.path)


def test_a_directory_in_place_of_the_file_is_said(path: Path) -> None:
    """Nor is anything else than a regular file opened."""
    path.mkdir(parents=True)
    with pytest.raises(StoreError, match="not a regular file"):
        open_store(path)


def test_a_place_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """The line carries the system's reason."""
    (tmp_path / "state").write_text("a file where a directory should be")
    with pytest.raises(StoreError, match="past runs cannot be kept: Not a directory"):
        open_store(tmp_path / "state" / "netaudit" / "netaudit.db")


def test_reading_does_not_make_a_database(path: Path) -> None:
    """The history of a machine that never ran an audit is an error of one line."""
    with pytest.raises(StoreError, match="no run has been stored yet"):
        open_store(path, must_exist=True)
    assert not path.exists()


_FILL = """
    import os, sys
    from pathlib import Path
    sys.path.insert(0, {golden!r})
    import synthetic
    from netaudit.errors import StoreError
    from netaudit.store import open_store
    directory = Path({directory!r})
    try:
        store = open_store(directory / "netaudit" / "netaudit.db")
        reports = list(synthetic.fleet_of(4000, checks=60))
        store.begin(synthetic.RUN, [report.name for report in reports])
        for position, report in enumerate(reports):
            store.add_host(synthetic.RUN.id, position, report, None)
    except StoreError as error:
        print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="mounts need root")
@pytest.mark.parametrize(
    ("options", "said"),
    [("size=400k", "the disk of the database of past runs is full"), ("ro", "Read-only file system")],
)
def test_real_file_systems(tmp_path: Path, options: str, said: str) -> None:
    """A full and a read-only file system, mounted where only the child sees them."""
    script = textwrap.dedent(_FILL.format(golden=str(from_here / "tests" / "golden"), directory=str(tmp_path)))
    mount = f'mount -t tmpfs -o {options} none {tmp_path} && exec {sys.executable} -c "$SCRIPT"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mount],
        env={**os.environ, "SCRIPT": script, "PYTHONPATH": str(from_here)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert said in done.stdout, done.stderr
    assert done.stdout.count("\n") == 1


_KILLED = """
    import os, signal, sys
    from pathlib import Path
    sys.path.insert(0, {golden!r})
    import synthetic
    from netaudit.store import open_store
    store = open_store(Path({path!r}))
    reports = list(synthetic.fleet_of(200, checks=5))
    store.begin(synthetic.RUN, [report.name for report in reports])
    for position, report in enumerate(reports[:150]):
        store.add_host(synthetic.RUN.id, position, report, None)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_keeps_its_full_batches(path: Path, made_up: ModuleType) -> None:
    """What was written before is whole, and the hosts that are missing are named."""
    script = textwrap.dedent(_KILLED.format(golden=str(from_here / "tests" / "golden"), path=str(path)))
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(from_here)}, timeout=60)
    assert done.returncode == -signal.SIGKILL
    with open_store(path) as store:
        stored = store.run("last")
        assert not stored.finished
        assert stored.summary.hosts == 200
        reports = list(store.reports(stored.info.id))
    whole = list(made_up.fleet_of(200, checks=5))
    assert [report.name for report in reports] == [report.name for report in whole]
    kept = [report for report in reports if report.duration_s]
    assert len(kept) >= 128
    assert [len(report.results) for report in kept] == [len(report.results) for report in whole[: len(kept)]]


_TWO = """
    import sys
    from dataclasses import replace
    from pathlib import Path
    sys.path.insert(0, {golden!r})
    import synthetic
    from netaudit.fleet.tally import Tally
    from netaudit.store import open_store
    sys.stdin.read(1)  # both begin together, with a database that neither has made
    run = replace(synthetic.RUN, id=sys.argv[1])
    with open_store(Path({path!r})) as store:
        reports = list(synthetic.fleet_of(300, checks=5))
        store.begin(run, [report.name for report in reports])
        for position, report in enumerate(reports):
            store.add_host(run.id, position, report, None)
        store.finish(run, Tally().summary(), ())
"""


def test_two_runs_at_once(path: Path, made_up: ModuleType) -> None:
    """Two programs that make the database and fill it at the same time do not disturb each other."""
    script = textwrap.dedent(_TWO.format(golden=str(from_here / "tests" / "golden"), path=str(path)))
    environment = {**os.environ, "PYTHONPATH": str(from_here)}
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script, name], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
        for name in ("20261120-150000-aaaa", "20261120-150000-bbbb")
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write(b".")
        child.stdin.flush()
    for child in children:
        _, complaint = child.communicate(timeout=60)
        assert child.returncode == 0, complaint
    with open_store(path) as store:
        assert [each.finished for each in store.runs()] == [True, True]
        for each in store.runs():
            results = [len(report.results) for report in store.reports(each.info.id)]
            assert results == [len(report.results) for report in made_up.fleet_of(300, checks=5)]


def test_the_store_is_quiet_about_expiry_that_must_wait(store: Store, made_up: ModuleType) -> None:
    """The results of a run are on disk before anything old is deleted."""
    report = made_up.host("web1", 1, 1)
    store.begin(made_up.RUN, ["web1"])
    store.add_host(made_up.RUN.id, 0, report, None)

    def locked(*_: object) -> None:
        raise sqlite3.OperationalError("locked")

    original, storing.expire = storing.expire, locked
    try:
        with pytest.raises(StoreError):
            store.finish(made_up.RUN, Tally().summary(), ())
    finally:
        storing.expire = original
    assert store.run("last").finished
