"""Ctrl-C, SIGTERM and SIGKILL in the middle of a run: what is known is told, and nothing is left on any host."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]

ASKED = ("web01", "web02", "web03", "web04")  # of these web03 is the slow one


@pytest.fixture
def quiet(lab_hosts, kit):
    """The hosts that are asked, once nothing of an earlier test runs there; and what runs there then."""

    def idle():
        return all("sshd: " not in line or "[listener]" in line for name in ASKED
                   for line in lab_hosts[name].processes().values())  # fmt: skip

    assert kit.eventually(idle)
    return {name: lab_hosts[name].processes() for name in ASKED}


def _in_the_middle(netaudit, lab, slow_host, kit, *words):
    """A run of which all hosts but the slow one are done, and that is in the middle of its answer."""
    process = netaudit.start(
        "audit", ",".join(ASKED), "-i", lab.inventory, "-b", lab.baseline, "--connect-timeout", "60s", "--timeout",
        "140s", "-o", "jsonl", "-o", "json=report.json", "--no-progress", *words,
    )  # fmt: skip
    for _ in range(len(ASKED) - 1):
        assert json.loads(process.stdout.readline())["status"] == "ok"
    assert kit.eventually(lambda: "sleep 4321" in _strangers(slow_host))
    return process


def _strangers(host):
    """What runs on a host on behalf of sshd."""
    return [line for line in host.processes().values() if "listener" not in line and "init.sh" not in line]


def _all_gone(lab_hosts, quiet):
    """Whether on each host exactly that runs which ran before."""
    return all(lab_hosts[name].processes().keys() == before.keys() for name, before in quiet.items())


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGINT, ()), (signal.SIGTERM, ()), (signal.SIGINT, ("--transport", "paramiko"))],
    ids=["ctrl-c", "sigterm", "ctrl-c-paramiko"],
)
def test_an_interrupted_run_tells_what_it_knows(
    netaudit, lab_fleet, lab_hosts, quiet, slow_host, kit, published, number, words
):
    """It ends soon with 130; its reports are whole, the rest cancelled; it is kept as interrupted; hosts are clean."""
    lab, _ = lab_fleet
    process = _in_the_middle(netaudit, lab, slow_host, kit, *words)
    clock = time.monotonic()
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=60)
    took_s = time.monotonic() - clock
    assert (130, b"") == (process.returncode, err)
    assert took_s < 15, "two seconds on a machine that is not busy"
    audit = json.loads((netaudit.home / "report.json").read_text())
    published("audit-1", audit)
    assert list(ASKED) == [each["name"] for each in audit["hosts"]]
    assert [None, None, "cancelled", None] == [each["error"] and each["error"]["kind"] for each in audit["hosts"]]
    assert all(len(each["results"]) > 50 for each in audit["hosts"] if not each["error"])
    assert "web03" == json.loads(out)["name"], "the line of the cancelled host came last"
    assert audit["run"]["interrupted"]
    assert kit.eventually(lambda: _all_gone(lab_hosts, quiet))
    kept = netaudit("show", "last", "-o", "json", code=130).json()
    assert audit == kept


def test_a_controller_that_is_killed_leaves_nothing_on_hosts(netaudit, lab_fleet, lab_hosts, quiet, slow_host, kit):
    """SIGKILL leaves no time to say anything: each host ends what it was asked for by itself."""
    lab, _ = lab_fleet
    process = _in_the_middle(netaudit, lab, slow_host, kit)
    process.kill()
    process.wait(timeout=60)
    assert kit.eventually(lambda: _all_gone(lab_hosts, quiet), within_s=60), slow_host.processes()
    (kept,) = netaudit("history", "-o", "json").json()["runs"]
    assert 4 == kept["summary"]["hosts"]
    assert not (netaudit.home / "report.json").exists()
    audit = netaudit("show", "last", "-o", "json", code=3).json()
    assert list(ASKED) == [each["name"] for each in audit["hosts"]]
    assert "cancelled" == audit["hosts"][2]["error"]["kind"]
    ok = sum(each["status"] == "ok" for each in audit["hosts"])
    assert (ok, 4 - ok) == (audit["summary"]["ok"], audit["summary"]["unreachable"])


def test_a_host_that_takes_too_long_is_given_up(netaudit, lab_fleet, lab_hosts, quiet, slow_host, kit):
    """--timeout bounds the whole of a host: it ends in time, nothing of it is left there, and the others are ok."""
    lab, _ = lab_fleet
    done = netaudit(
        "audit", "web03,web04", "-i", lab.inventory, "-b", lab.baseline, "--timeout", "8s", "-q", "-o", "json",
        "--no-history", code=None,
    )  # fmt: skip
    hosts = {each["name"]: each for each in done.json()["hosts"]}
    slow = hosts["web03"]
    if slow["error"] is None:  # the probe's own limit was shorter: the section is told as timed out
        told = [result["reason"] for result in slow["results"] if result["status"] == "unknown"]
        assert any("not finished" in reason for reason in told)
    else:
        assert ("error", "timeout") == (slow["status"], slow["error"]["kind"])
        assert 3 == done.code
    assert "ok" == hosts["web04"]["status"]
    assert kit.eventually(lambda: _all_gone(lab_hosts, quiet))


@pytest.mark.parametrize("command", ["collect", "facts", "probe"])
def test_other_commands_are_interrupted_as_well(netaudit, lab_fleet, lab_hosts, quiet, slow_host, kit, command):
    """130, no half files, and nothing left on the host."""
    lab, _ = lab_fleet
    words = {
        "collect": ("collect", "web03,web04", "-o", "captures"),
        "facts": ("facts", "web03"),
        "probe": ("probe", "run", "sockets", "web03"),
    }[command]
    process = netaudit.start(*words, "-i", lab.inventory, "--timeout", "140s", "--connect-timeout", "60s")
    assert kit.eventually(lambda: "sleep 4321" in _strangers(slow_host))
    if command == "collect":
        assert kit.eventually((netaudit.home / "captures" / "0001-web04.capture").exists)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert 130 == process.returncode, (out, err)
    assert b"Traceback" not in err
    assert kit.eventually(lambda: _all_gone(lab_hosts, quiet))
    if command == "collect":
        done = netaudit("audit", "--from", "captures", "-q", "-o", "json", code=3).json()
        assert ["bad-answer", None] == [each["error"] and each["error"]["kind"] for each in done["hosts"]]
