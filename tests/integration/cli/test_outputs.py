"""What a run prints, where, and how it ends: over recorded answers, so that every byte is known beforehand."""

from __future__ import annotations

import json
import os
import pty
import re
import stat
from pathlib import Path

import pytest

from netaudit.errors import ErrorKind, Phase
from netaudit.model.probe import HostError

ESCAPE = "\x1b"
REFUSED = HostError(ErrorKind.REFUSED, "nothing listens on that port", Phase.CONNECT, "is sshd running?")
CUT = HostError(ErrorKind.DISCONNECTED, "the answer ends after 3 of 16 sections", Phase.ANSWER, "")


@pytest.fixture
def fleet(host, stored):
    """Three hosts that answered, one that could not be reached and one that was cut off, in an order of their own."""
    return stored(host("web2"), host("web10"), host("db9", error=REFUSED), host("db1", error=CUT), host("web1"))


def test_json_alone_is_on_standard_output(netaudit, fleet, published):
    """One object, as published; every host once, in inventory order; progress went elsewhere; 3 beats 1."""
    done = netaudit("audit", "--from", fleet, "-o", "json", code=3)
    audit = done.json()
    published("audit-1", audit)
    assert ["web2", "web10", "db9", "db1", "web1"] == [each["name"] for each in audit["hosts"]]
    assert ["ok", "ok", "unreachable", "error", "ok"] == [each["status"] for each in audit["hosts"]]
    assert {"kind": "refused", "message": REFUSED.message, "hint": REFUSED.hint, "phase": "connect"} == (
        audit["hosts"][2]["error"]
    )
    counted = audit["summary"]
    assert (5, 3, 1, 1) == tuple(counted[name] for name in ("hosts", "ok", "unreachable", "error"))
    assert re.search(r"^netaudit: 5/5 hosts, .*2 without verdict", done.err, re.MULTILINE)
    for severity, count in counted["findings"].items():
        failed = [
            result
            for each in [*audit["hosts"], {"results": audit["fleet"]}]
            for result in each["results"]
            if result["status"] == "fail" and result["severity"] == severity
        ]
        assert len(failed) == count, severity
    assert counted["findings"]["high"] > 0


def test_several_outputs_tell_the_same(netaudit, fleet, published):
    """Console on standard output, JSON and JSONL in files of their owner's only, whatever the umask."""
    done = netaudit(
        "audit", "--from", fleet, "-q", "-o", "console", "-o", "json=a.json", "-o", "jsonl=b.jsonl", code=3,
        before=["sh", "-c", 'umask 0; exec "$@"', "sh"],
    )  # fmt: skip
    assert "" == done.err
    assert "5 hosts: 3 ok, 1 unreachable, 1 error" in done.out
    whole = json.loads((netaudit.home / "a.json").read_text())
    lines = [json.loads(line) for line in (netaudit.home / "b.jsonl").read_text().splitlines()]
    for line in lines:
        published("audit-host-1", line)

    def timeless(hosts):
        return sorted(({**each, "duration_s": 0} for each in hosts), key=lambda each: each["name"])

    assert timeless(whole["hosts"]) == timeless(lines)
    for name in ("a.json", "b.jsonl"):
        assert 0o600 == stat.S_IMODE((netaudit.home / name).stat().st_mode)
    assert {"a.json", "b.jsonl", "state"} == {path.name for path in netaudit.home.iterdir()}


@pytest.mark.parametrize(("severity", "code"), [("critical", 0), ("high", 1), ("medium", 1), ("info", 1)], ids=str)
def test_findings_decide_the_exit_code(netaudit, host, stored, severity, code):
    """0 below --fail-on, 1 from there on; the recorded host has findings of high, low and info."""
    folder = stored(host("web1"))
    netaudit("audit", "--from", folder, "--fail-on", severity, "-q", "-o", "json", "--no-history", code=code)


def test_what_is_said_beside_the_report(netaudit, host, stored):
    """Plain progress without a terminal; none with -q or --no-progress; warnings stay with --no-progress alone."""
    folder = stored(host("web1"))
    arguments = ("audit", "--from", folder, "--fail-on", "critical", "-e", "nonsense=1", "--no-history")
    loud = netaudit(*arguments)
    assert "warning: -e nonsense" in loud.err
    assert "netaudit: 1/1 hosts" in loud.err
    still = netaudit(*arguments, "--no-progress")
    assert "warning: -e nonsense" in still.err
    assert "hosts" not in still.err
    quiet = netaudit(*arguments, "-q")
    assert "" == quiet.err
    assert "1 host: 1 ok" in quiet.out


def test_colour(netaudit, host, stored):
    """None in a pipe, none with NO_COLOR; --color always beats both; no line is wider than 80 columns."""
    folder = stored(host("web1"))
    arguments = ("audit", "--from", folder, "--fail-on", "critical", "-q", "--no-history")
    plain = netaudit(*arguments).out
    assert ESCAPE not in plain
    assert max(map(len, plain.splitlines())) <= 80
    colored = netaudit(*arguments, "--color", "always", env={"NO_COLOR": "1"}).out
    assert re.search(r"\x1b\[31m *HIGH", colored)

    def without_time(text):
        return re.sub(r"[0-9.]+ m?s · [0-9]{8}-[0-9]{6}-[0-9a-f]{4}", "", text)

    assert without_time(plain) == without_time(re.sub(r"\x1b\[[0-9;]*m", "", colored))


def _on_terminal(netaudit, *words, env):
    """Standard error as a terminal saw it, and what was on standard output."""
    master, slave = pty.openpty()
    process = netaudit.start(*words, stderr=slave, env={"TERM": "xterm-256color", **env})
    os.close(slave)
    out = process.communicate(timeout=60)[0].decode()
    seen = b""
    try:
        while piece := os.read(master, 65536):
            seen += piece
    except OSError:
        pass  # Linux: the other end is closed
    os.close(master)
    return seen.decode(), out


def _colours(seen):
    """The colours that were set, as ECMA-48 numbers them."""
    codes = {int(code) for sequence in re.findall(r"\x1b\[([0-9;]+)m", seen) for code in sequence.split(";")}
    return codes & {*range(30, 50), *range(90, 108)}


def test_a_terminal_gets_a_live_display(netaudit, host, stored):
    """It is drawn and taken away again; standard output has nothing of it; NO_COLOR takes the colours out."""
    folder = stored(*(host(f"web{number}") for number in range(8)))
    words = ("audit", "--from", folder, "-o", "json", "--no-history", "--fail-on", "critical")
    seen, out = _on_terminal(netaudit, *words, env={})
    assert f"{ESCAPE}[?25l" in seen, "the cursor is hidden while it is drawn"
    assert seen.rindex(f"{ESCAPE}[?25h") > seen.rindex(f"{ESCAPE}[?25l"), "and shown again"
    assert 8 == len(json.loads(out)["hosts"])
    assert _colours(seen)
    seen, _ = _on_terminal(netaudit, *words, env={"NO_COLOR": "1"})
    assert f"{ESCAPE}[?25l" in seen
    assert set() == _colours(seen)


def test_a_file_is_replaced_whole_and_a_link_not_followed(netaudit, host, stored):
    """What was there stays until the report is whole; a link in its place is replaced, its target untouched."""
    folder = stored(host("web1"))
    precious = netaudit.home / "precious"
    precious.write_text("untouched")
    (netaudit.home / "report.json").symlink_to(precious)
    words = ("audit", "--from", folder, "-q", "--no-history", "-o", "json=report.json")
    netaudit(*words, code=1)
    assert "untouched" == precious.read_text()
    before = (netaudit.home / "report.json").read_text()
    assert json.loads(before)
    refused = netaudit(*words, "-b", "nosuch", code=2)
    assert "no baseline 'nosuch'" in refused.err
    assert before == (netaudit.home / "report.json").read_text()


def test_a_report_that_cannot_be_written_loses_no_other(netaudit, host, stored):
    """A full device is said with its option, exit 2; the others are whole, the run is kept, the device is still one."""
    folder = stored(host("web1"))
    done = netaudit("audit", "--from", folder, "-o", "console", "-o", "json=/dev/full", "-o", "jsonl=b.jsonl", code=2)
    assert "netaudit: -o json=/dev/full: No space left on device\n" in done.err
    assert "1 host: 1 ok" in done.out
    assert "web1" == json.loads((netaudit.home / "b.jsonl").read_text())["name"]
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)
    assert 1 == len(netaudit("history", "-o", "json").json()["runs"])
    done = netaudit("audit", "--from", folder, "-q", "-o", "console", "-o", "jsonl=/dev/full", code=2)
    assert "netaudit: -o jsonl=/dev/full: No space left on device\n" == done.err
    assert "1 host: 1 ok" in done.out


def test_a_report_to_what_the_shell_gives(netaudit, host, stored):
    """/dev/stderr is written to as it is and stays what it was."""
    folder = stored(host("web1"))
    done = netaudit("audit", "--from", folder, "-q", "-o", "json=/dev/stderr", "-o", "console", code=1)
    assert json.loads(done.err)["summary"]["hosts"] == 1
    assert "1 host: 1 ok" in done.out


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ('"$@" | true', 0, ""),
        ('"$@" >/dev/full', 2, "netaudit: standard output: No space left on device\n"),
        ('"$@" >&-', 1, ""),
        ('"$@" <&- >&- 2>&-', 1, ""),
    ],
    ids=["reader-gone", "full", "closed", "all-closed"],
)
def test_a_standard_output_that_takes_nothing(netaudit, host, stored, command, code, said):
    """A reader that has gone is no error; a full device is one, in a line; a closed stream is asked for."""
    folder = stored(*(host(f"web{number}") for number in range(4)))
    done = netaudit(
        "audit", "--from", folder, "-q", "-o", "json", code=None, before=["bash", "-o", "pipefail", "-c", command, "sh"]
    )
    assert (said, code) == (done.err, done.code)
    assert 1 == len(netaudit("history", "-o", "json").json()["runs"])


def test_lines_come_as_hosts_finish(netaudit, host, stored):
    """-o jsonl is of use to a program that reads along: `head -1` ends it, quietly."""
    folder = stored(*(host(f"web{number}") for number in range(30)))
    done = netaudit(
        "audit", "--from", folder, "-o", "jsonl", "--no-progress", before=["bash", "-c", '"$@" | head -1', "sh"]
    )
    assert ("web0", "") == (json.loads(done.out)["name"], done.err)


def test_a_locale_that_knows_ascii_only(netaudit, host, stored):
    """Under LC_ALL=C every byte is ASCII, and nothing fails."""
    folder = stored(host("web1"))
    done = netaudit("audit", "--from", folder, code=1, env={"LC_ALL": "C", "PYTHONUTF8": "0"})
    assert done.out.isascii()
    assert done.err.isascii()
    assert "2 -> <= 1 connections" in done.out
