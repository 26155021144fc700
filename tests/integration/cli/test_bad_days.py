"""The machine that netaudit runs on has a bad day: the result is still shown, with the same exit code."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest

IN_TMPFS = 'mount -t tmpfs -o size=$SIZE,mode=700 tmpfs "$XDG_STATE_HOME" && eval "$AFTER" && exec "$@"'


@pytest.fixture
def one(host, stored):
    """A host that answered, with findings: exit code 1."""
    return stored(host("web1"))


def _history(netaudit):
    return netaudit("history", "-o", "json").json()["runs"]


def _in_tmpfs(netaudit, folder, size, after, *words):
    """A run whose state directory is a file system of its own, which is gone with the run."""
    trial = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, timeout=20)
    if os.geteuid() != 0 or trial.returncode:
        pytest.skip("needs root and the right to mount")
    netaudit.state.mkdir()
    before = ["unshare", "-m", "sh", "-c", IN_TMPFS, "sh"]
    arguments = ("audit", "--from", folder, "--no-progress", *words)
    return netaudit(*arguments, code=1, before=before, env={"SIZE": size, "AFTER": after})


@pytest.mark.parametrize(
    ("size", "after", "why"),
    [
        ("4k", "true", "No space left on device|disk of the database of past runs is full"),
        ("64k", "true", "disk of the database of past runs is full"),
        ("1m", 'mount -o remount,ro "$XDG_STATE_HOME"', "Read-only file system"),
    ],
    ids=["no-room", "little-room", "read-only"],
)
def test_a_disk_that_takes_nothing(netaudit, one, size, after, why):
    """One warning; the result on the screen and in the report is whole."""
    done = _in_tmpfs(netaudit, one, size, after, "-o", "console", "-o", "json=report.json")
    assert "1 host: 1 ok" in done.out
    assert 1 == done.err.count("warning: this run is not kept in the history: ")
    assert any(each in done.err for each in why.split("|")), done.err
    assert (netaudit.home / "report.json").stat().st_size > 1000


@pytest.mark.parametrize("damage", [b"not a database" * 100, b"", b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_damaged_database(netaudit, one, damage):
    """The run goes on; the history says in a line what is wrong with it; an empty file is simply filled."""
    database = netaudit.state / "netaudit" / "netaudit.db"
    database.parent.mkdir(parents=True)
    database.write_bytes(damage)
    done = netaudit("audit", "--from", one, "--no-progress", code=1)
    assert "1 host: 1 ok" in done.out
    if not damage:
        assert 1 == len(_history(netaudit))
        return
    assert "warning: this run is not kept in the history: " in done.err
    for command in ("history", "show"):
        refused = netaudit(command, code=2)
        assert "" == refused.out
        assert f"netaudit: {database}: the database of past runs is damaged (move the file away" in refused.err
    assert "history" in netaudit("doctor", code=2).out


def test_a_locked_database(netaudit, one):
    """Another program that holds the lock costs the record, after a wait, and nothing else."""
    netaudit("audit", "--from", one, "-q", code=1)
    with sqlite3.connect(netaudit.state / "netaudit" / "netaudit.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        done = netaudit("audit", "--from", one, "--no-progress", code=1)
        assert "1 host: 1 ok" in done.out
        assert "not kept in the history: " in done.err
        assert "the database of past runs is locked (another program holds it" in done.err
    assert 1 == len(_history(netaudit))


def test_two_runs_at_once(netaudit, host, stored):
    """Both are in the history, each with all of its hosts, though none was there before."""
    folder = stored(*(host(f"web{number}") for number in range(40)))
    both = [netaudit.start("audit", "--from", folder, "-q", "-o", "json") for _ in range(2)]
    ended = [process.communicate(timeout=120) for process in both]
    assert [1, 1] == [process.returncode for process in both]
    assert [b"", b""] == [err for _, err in ended]
    kept = _history(netaudit)
    assert [40, 40] == [each["summary"]["ok"] for each in kept]
    assert 2 == len({each["run"]["id"] for each in kept})


def test_without_a_home(netaudit, one):
    """No HOME and no XDG directories: no history and no cache, which is said once; the rest as ever."""
    nowhere = {"HOME": None, "XDG_STATE_HOME": None, "XDG_CACHE_HOME": None}
    done = netaudit("audit", "--from", one, "--no-progress", code=1, env=nowhere)
    assert "1 host: 1 ok" in done.out
    why = "there is no place for past runs: neither XDG_STATE_HOME nor HOME is an absolute path"
    assert f"netaudit: warning: this run is not kept in the history: {why}\n" == done.err
    assert done.err == netaudit("audit", "--from", one, "-q", code=1, env=nowhere).err  # a loss is said all the same
    assert "neither XDG_STATE_HOME nor HOME" in netaudit("history", code=2, env=nowhere).err


def test_in_a_directory_that_is_gone(netaudit, one):
    """The working directory may have been removed under the shell."""
    gone = netaudit.home / "gone"
    gone.mkdir()
    done = netaudit(
        "audit", "--from", one, "-q", code=1, cwd=gone, before=["sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh"],
        env={"PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    assert "1 host: 1 ok" in done.out


def test_a_cache_that_cannot_be_used(netaudit, one):
    """A cache of rules that is a file, damaged, or somebody else's work costs time, never the run or its truth."""
    blocked = netaudit.home / "file"
    blocked.write_text("")
    assert "1 host: 1 ok" in netaudit("audit", "--from", one, "-q", code=1, env={"XDG_CACHE_HOME": str(blocked)}).out
    own = netaudit.home / "cache"
    for round_ in range(2):
        done = netaudit("audit", "--from", one, "-q", code=1, env={"XDG_CACHE_HOME": str(own)})
        assert "1 host: 1 ok" in done.out
        files = [path for path in (own / "netaudit").rglob("*") if path.is_file()]
        assert files
        if not round_:
            for file in files:
                file.write_bytes(b"\0garbage")
    assert {0o700} == {path.parent.stat().st_mode & 0o777 for path in files}


def test_memory_serves_where_there_is_no_temporary_file(netaudit, host, stored):
    """JSON waits for its turn on disk; where no file can be made it waits in memory."""
    folder = stored(*(host(f"web{number}") for number in range(3)))
    done = netaudit(
        "audit", "--from", folder, "-q", "-o", "json", code=1,
        before=["sh", "-c", 'ulimit -f 0; exec "$@"', "sh"], env={"XDG_STATE_HOME": None, "HOME": None},
    )  # fmt: skip
    assert 3 == len(done.json()["hosts"])


@pytest.mark.lab
@pytest.mark.xdist_group("lab")
def test_few_open_files(netaudit, lab_fleet):
    """With 256 open files and --forks 500 the whole lab is audited, fewer at a time, and that is said."""
    lab, hosts = lab_fleet
    done = netaudit(
        "audit", "-i", lab.inventory, "-b", lab.baseline, "--forks", "500", "--timeout", "140s", "-o", "json",
        "--no-progress", "--no-history", code=3, before=["sh", "-c", 'ulimit -n 256; exec "$@"', "sh"],
    )  # fmt: skip
    assert "warning: only 192 hosts at a time: the open-file limit" in done.err
    assert len(hosts) - 1 == done.json()["summary"]["ok"]
    doctor = netaudit("doctor", before=["sh", "-c", 'ulimit -n 80; exec "$@"', "sh"])
    assert "16 hosts at a time" in doctor.out
    assert shutil.which("ssh") is None or "/ssh" in doctor.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_an_end_before_the_first_host(netaudit, kit, number):
    """Whoever ends a run while its inventory is read gets one line and 130; the inventory's program ends as well."""
    script = netaudit.home / "slow.sh"
    script.write_text(
        f"#!/bin/sh\necho $$ >{netaudit.home}/pid.new\nmv {netaudit.home}/pid.new {netaudit.home}/pid\nexec sleep 300\n"
    )
    script.chmod(0o755)
    process = netaudit.start("audit", "-i", script)
    assert kit.eventually((netaudit.home / "pid").exists)
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=60)
    assert (130, b"", b"netaudit: interrupted\n") == (process.returncode, out, err)
    child = int((netaudit.home / "pid").read_text())
    assert kit.eventually(lambda: not Path(f"/proc/{child}").exists())
