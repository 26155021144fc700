"""Last month can be asked: past runs, what changed, since when, and what is handed on or forgotten."""

from __future__ import annotations

import gzip
import shutil
import sqlite3
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from netaudit.errors import ErrorKind, Phase
from netaudit.model.probe import HostError

REFUSED = HostError(ErrorKind.REFUSED, "nothing listens on that port", Phase.CONNECT, "is sshd running?")
DAY = timedelta(days=1)
CHECK = "tcp.accept_queue.somaxconn"
GROUPS = {"web1": ("web",), "web2": ("web",), "web3": ("web",), "db1": ("db",)}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where the history of the three days is kept once it is made: every test gets a copy."""
    return tmp_path_factory.mktemp("days") / "netaudit.db"


@pytest.fixture
def days(netaudit, kept, host, stored, edit):
    """Three audits of three days: a queue that is short on one host and then on another, hosts that come and go."""
    database = netaudit.state / "netaudit" / "netaudit.db"
    if kept.exists():
        database.parent.mkdir(parents=True, mode=0o700)
        shutil.copy(kept, database)
    else:
        short = {"sysctl": edit((b"net/core/somaxconn <==\n4096", b"net/core/somaxconn <==\n128"))}
        fleets = (
            (host("web1"), host("web2"), host("db1")),
            (host("web1", short), host("web2"), host("web3", error=REFUSED)),
            (host("web1"), host("web2", short), host("web3")),
        )
        for number, captures in enumerate(fleets):
            moved = [replace(each, started_at=datetime(2026, 6, 1, 12, tzinfo=UTC) + number * DAY) for each in captures]
            netaudit("audit", "--from", stored(*moved, groups=GROUPS), "-q", "-o", "jsonl=x", code=None)
        shutil.copy(database, kept)  # whole: the last one to close it has emptied the log beside it
    runs = netaudit("history", "-o", "json").json()["runs"]
    return [each["run"]["id"] for each in reversed(runs)]


def _ids(netaudit, *words):
    return [each["run"]["id"] for each in netaudit("history", *words, "-o", "json").json()["runs"]]


def test_runs_are_found(netaudit, days, published):
    """By host, group, check, command and time; totals are those of the part."""
    first, second, third = days
    assert _ids(netaudit) == [third, second, first]
    assert _ids(netaudit, "--host", "db1") == [first]
    assert _ids(netaudit, "--host", "web[13]", "-n", "1") == [third]
    assert _ids(netaudit, "--group", "db") == [first]
    assert _ids(netaudit, "--check", CHECK) == [third, second, first]
    assert _ids(netaudit, "--check", "no.such") == []
    assert _ids(netaudit, "--command", "collect") == []
    assert _ids(netaudit, "--since", "1h") == [third, second, first]
    assert _ids(netaudit, "--until", "2020-01-01") == []
    told = netaudit("history", "--host", "web1", "--check", CHECK, "-o", "json").json()
    published("history-1", told)
    assert [each["summary"]["findings"]["high"] for each in told["runs"]] == [0, 1, 0]


def test_since_when_and_until_when(netaudit, days):
    """The finding that was fixed by the third run, and the one that it was the first to see."""
    first, second, third = days
    findings = netaudit("history", "--check", CHECK, "-o", "json").json()["findings"]
    assert [(each["host"], each["first_run"], each["fixed_by"]) for each in findings] == [
        ("web1", second, third),
        ("web2", third, None),
    ]
    assert [each["first_seen"] for each in findings] == ["2026-06-02T12:00:00Z", "2026-06-03T12:00:00Z"]
    page = netaudit("history", "--check", CHECK).out
    assert f"fixed 2026-06-03 12:00 by run {third}" in " ".join(page.split())
    assert "stands" in page
    shown = netaudit("show", third, code=1).out
    assert "new in this run" in shown
    assert "FIXED" in shown
    assert "since" in shown
    assert "new in this run" not in netaudit("show", first, code=1).out  # of a first run everything would be


def test_what_changed(netaudit, days, published):
    """Findings, hosts that come and go, and settings from the captures that are kept."""
    first, second, third = days
    told = netaudit("diff", first, second, "-o", "json", code=1).json()
    published("diff-1", told)
    new = {(each["host"], each["check"]) for each in told["findings"] if each["change"] == "new"}
    assert ("web1", CHECK) in new
    assert not [host for host, _ in new if host == "web2"]
    assert [(each["host"], each["before"], each["after"]) for each in told["hosts"]] == [
        ("web3", None, "unreachable"),
        ("db1", "ok", None),
    ]
    assert told["settings"]["changes"] == [
        {"host": "web1", "setting": "net.core.somaxconn", "before": "4096", "after": "128"}
    ]
    back = netaudit("diff", second, third, "-o", "json", "-o", "console=page", code=1).json()
    assert {"web1"} == {
        each["host"] for each in back["findings"] if each["check"] == CHECK and each["change"] == "fixed"
    }
    (gone,) = [each for each in back["findings"] if (each["host"], each["check"]) == ("web1", CHECK)]
    assert (gone["spell"]["first_run"], gone["spell"]["fixed_by"]) == (second, third)
    published("diff-1", back)
    assert f"fixed  by run {third}" in (netaudit.home / "page").read_text()
    assert ("web3", "unreachable", "ok") in [(each["host"], each["before"], each["after"]) for each in back["hosts"]]
    page = (netaudit.home / "page").read_text()
    assert "net.core.somaxconn 128 → 4096" in page
    assert all(len(line) <= 80 for line in page.splitlines())


def test_the_exit_code_of_a_diff_is_that_of_what_is_new(netaudit, days):
    """Nothing new at or above the severity is 0; two names of one run are misuse."""
    _, second, third = days
    netaudit("diff", second, third, "--no-settings", "--fail-on", "critical")
    netaudit("diff", second, "--fail-on", "high", code=1)
    assert "are the same run" in netaudit("diff", third, "last", code=2).err
    told = netaudit("diff", second, third, "--no-settings", "-o", "json", code=1).json()
    assert told["settings"] is None


def test_a_run_is_handed_on(netaudit, days, tmp_path):
    """A colleague shows, reports and compares it; names are gone when asked; it is taken in once."""
    _, second, third = days
    done = netaudit("history", "export", third, "run.file", "--captures")
    assert "3 hosts" in done.err
    assert stat.S_IMODE((netaudit.home / "run.file").stat().st_mode) == 0o600
    netaudit("history", "export", second, "anonymous.file", "--anonymous")
    assert "web1" not in gzip.decompress((netaudit.home / "anonymous.file").read_bytes()).decode()
    assert "File exists" in netaudit("history", "export", third, "run.file", code=2).err
    other = {"XDG_STATE_HOME": str(tmp_path / "other")}
    netaudit("history", "import", "run.file", env=other)
    theirs = netaudit("report", third, "-o", "json", env=other).json()
    ours = netaudit("report", third, "-o", "json").json()
    assert theirs == ours
    assert "imported" in netaudit("history", env=other).out
    netaudit("history", "import", "anonymous.file", env=other)
    netaudit("diff", second, third, env=other, code=None)
    assert "in the history already" in netaudit("history", "import", "run.file", env=other, code=2).err
    assert netaudit("history", "--check", CHECK, "-o", "json", env=other).json()["findings"] == []
    (netaudit.home / "cut.file").write_bytes((netaudit.home / "run.file").read_bytes()[:999])
    assert "cut" in netaudit("history", "import", "cut.file", env=other, code=2).err


def test_old_runs_are_forgotten(netaudit, days):
    """Those that are older than asked for, but never the newest; since when findings stand is still known."""
    first, second, third = days
    with sqlite3.connect(netaudit.state / "netaudit" / "netaudit.db") as database:
        for place, identity in enumerate(days):
            at = datetime.now(UTC) - (100 - 40 * place) * DAY
            database.execute("UPDATE runs SET started_at = ? WHERE id = ?", (at.isoformat(), identity))
        database.execute("UPDATE watermarks SET at = ?", (datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),))
    database.close()
    said = netaudit("history", "prune", "--keep", "90d", "--dry-run")
    assert said.out.split() == [first]
    assert "1 run would be forgotten" in said.err
    assert "1 run forgotten" in netaudit("history", "prune", "--keep", "90d").err
    assert _ids(netaudit) == [third, second]
    assert "1 run forgotten" in netaudit("history", "prune", "--keep", "1d").err
    assert _ids(netaudit) == [third]
    (standing,) = [
        each for each in netaudit("history", "--check", CHECK, "-o", "json").json()["findings"] if not each["fixed"]
    ]
    assert standing["host"] == "web2"
    for bad in ("90", "0d", "soon", "-1d"):
        assert "is not an age" in netaudit("history", "prune", f"--keep={bad}", code=2).err


def test_two_audits_at_the_same_time_are_both_kept(netaudit, host, stored):
    """Over the same hosts, into one history that neither of them has made: both whole, and nothing is warned of."""
    folder = stored(*(host(f"web{number}") for number in range(20)))
    running = [
        netaudit.start("audit", "--from", folder, "--no-progress", "-o", f"jsonl=x{place}") for place in range(2)
    ]
    for process in running:
        _, err = process.communicate(timeout=100)
        assert process.returncode == 1
        assert b"warning" not in err
    told = netaudit("history", "-o", "json").json()["runs"]
    assert [(each["finished"], each["summary"]["ok"]) for each in told] == [(True, 20)] * 2
    spells = netaudit("history", "--check", "tcp.*", "-o", "json").json()["findings"]
    assert spells
    assert {each["runs"] for each in spells} == {2}


def test_hostile_names_are_harmless_in_every_page(netaudit, host, stored, edit):
    """What a host says in a value is text in diff, history and show."""
    evil = b"128 \x1b[31m<script>"
    odd = {"sysctl": edit((b"net/core/somaxconn <==\n4096", b"net/core/somaxconn <==\n" + evil))}
    for captures in ((host("web1"),), (host("web1", odd),)):
        moved = [replace(each, started_at=each.started_at + DAY) for each in captures]
        netaudit("audit", "--from", stored(*moved), "-q", "-o", "jsonl=x", code=None)
    last, before = (each["run"]["id"] for each in netaudit("history", "-o", "json").json()["runs"])
    for words in (("diff", before, last, "-v"), ("show", last, "-v"), ("history", "--check", "*")):
        assert "\x1b" not in netaudit(*words, code=None).out
