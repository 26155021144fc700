"""The guarded remediation as a user types it, on hosts that are really changed."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from netaudit.lab import HostPlan, Lab, network

pytestmark = pytest.mark.xdist_group("lab")

KEY = "net.ipv4.tcp_slow_start_after_idle"
PATH = "/proc/sys/net/ipv4/tcp_slow_start_after_idle"
ONLY = ("-b", "web-edge", "--only", "tcp.slow_start_after_idle")
QUICK = ("--soak", "0s", "--confirm-within", "20s", "--no-progress")


@dataclass(frozen=True)
class Fleet:
    """A lab that is changed, seen from this machine."""

    lab: Lab
    hosts: tuple[HostPlan, ...]

    @property
    def names(self) -> list[str]:
        """The names of its hosts in inventory order."""
        return [host.name for host in self.hosts]

    def inside(self, name: str, script: str) -> str:
        """What a shell in the namespaces of one host prints."""
        namespace = f"{self.lab.prefix}{self.names.index(name):03d}"
        for pid in network.pids_in([namespace]):
            with suppress(OSError):
                status = Path(f"/proc/{pid}/status").read_text()
                if "\nNSpid:" in status and status.split("\nNSpid:")[1].split("\n")[0].split()[1:] == ["1"]:
                    command = ["nsenter", "-t", str(pid), "-m", "-n", "-u", "-p", "sh", "-euc", script]
                    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
        raise LookupError(f"{name} does not run")

    def values(self) -> dict[str, str]:
        """The running value of the key on each host."""
        return {name: self.inside(name, f"cat {PATH}").strip() for name in self.names}

    def traces(self, name: str) -> str:
        """Whatever a remediation may leave behind: files, state, processes."""
        return self.inside(
            name,
            "find /etc/sysctl.d /etc/modprobe.d /etc/modules-load.d -name '*netaudit*' 2>/dev/null || :; "
            "ls -d /run/netaudit/t.* 2>/dev/null || :; ps -eo args | grep 'run/netaudi[t]' | grep -v 'sh -euc' || :",
        )


@pytest.fixture
def fleet(needs_root, tmp_path):
    """Five hosts in order, but for the key that the tests change."""
    lab = Lab(tmp_path / "lab")
    hosts = lab.up(5, healthy=True)
    yield Fleet(lab, hosts)
    lab.down()


def told(done) -> dict[str, str]:
    """host -> outcome."""
    return {host["name"]: host["outcome"] for host in done.json()["hosts"]}


def test_from_fail_to_pass_and_back(netaudit, fleet, patient, published):
    """The check fails, is fixed on all hosts batch by batch, passes, is kept for the boot; a rollback restores all."""
    fix = netaudit("fix", "-i", fleet.lab.inventory, *ONLY, *QUICK, "--yes", "-o", "json", *patient)
    said = fix.json()
    published("remediation-1", said)
    assert set(told(fix).values()) == {"persisted"}
    assert [1, 1, 2, 1] == [len(batch["hosts"]) for batch in said["batches"]]
    assert all(gate["passed"] for batch in said["batches"] for gate in batch["gates"])
    assert {"0"} == set(fleet.values().values())
    for name in fleet.names:
        assert f"{KEY} = 0" in fleet.inside(name, "cat /etc/sysctl.d/99-zz-netaudit*")
        assert "ps" not in fleet.traces(name)
    audit = netaudit("audit", "-i", fleet.lab.inventory, "-b", "web-edge", "-o", "json", *patient, code=None).json()
    assert {"pass"} == {
        result["status"] for host in audit["hosts"] for result in host["results"]
        if result["check"] == "tcp.slow_start_after_idle"
    }  # fmt: skip
    shown = netaudit("show", said["run"]["id"])
    assert KEY in shown.out
    assert said == netaudit("show", said["run"]["id"], "-o", "json").json()
    for form in ("csv", "junit", "markdown"):
        assert KEY in netaudit("show", said["run"]["id"], "-o", form).out
    back = netaudit("rollback", said["run"]["id"], "-i", fleet.lab.inventory, "-o", "json", *patient)
    assert {"rolled-back"} == set(told(back).values())
    assert {"1"} == set(fleet.values().values())
    assert {""} == {fleet.traces(name) for name in fleet.names}
    later = netaudit("show", said["run"]["id"], "-o", "json", code=4).json()
    assert said["batches"] == later["batches"]
    assert {f"undone by run {back.json()['run']}"} == {host["reason"] for host in later["hosts"]}


def test_a_gate_that_fails_undoes_the_canary_and_stops(netaudit, fleet, patient):
    """The user's command says no: the canary is as before, the others were never touched, exit 4."""
    fix = netaudit(
        "fix", "-i", fleet.lab.inventory, *ONLY, *QUICK, "--yes", "-o", "json", *patient,
        "--gate", "echo error rate 7 % of $NETAUDIT_HOSTS; exit 1", code=4,
    )  # fmt: skip
    canary, *others = told(fix).values()
    assert ("rolled-back", {"unreached"}) == (canary, set(others))
    assert f"error rate 7 % of {fleet.names[0]}" in fix.json()["stopped"]
    assert fix.json() == netaudit("show", "last", "-o", "json", code=4).json()
    assert {"1"} == set(fleet.values().values())
    assert {""} == {fleet.traces(name) for name in fleet.names}


def test_batches_that_were_kept_can_be_undone_with_the_one_that_failed(netaudit, fleet, patient, tmp_path):
    """The third gate fails: with --rollback-all-on-failure nothing of the run is left anywhere."""
    counted = tmp_path / "gates"
    fix = netaudit(
        "fix", "-i", fleet.lab.inventory, *ONLY, *QUICK, "--yes", "-o", "json", *patient, "--rollback-all-on-failure",
        "--gate", f'echo . >>{counted}; test "$(wc -l <{counted})" -lt 3', code=4,
    )  # fmt: skip
    assert ["rolled-back"] * 4 + ["unreached"] == list(told(fix).values())
    assert fix.json() == netaudit("show", fix.json()["run"]["id"], "-o", "json", code=4).json()
    assert {"1"} == set(fleet.values().values())
    assert {""} == {fleet.traces(name) for name in fleet.names}


def test_a_host_that_is_worse_afterwards_stops_the_next_batch(netaudit, fleet, patient, tmp_path):
    """The kernel's own counter speaks: connections that find a full accept queue while the batch soaks."""
    script = tmp_path / "overflow.py"
    script.write_text(
        "import socket, sys, time\n"
        "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(0)\n"
        "held = []\n"
        "end = time.monotonic() + 25\n"
        "while time.monotonic() < end:\n"
        "    c = socket.socket(); c.setblocking(False); c.connect_ex(s.getsockname()); held.append(c)\n"
        "    if len(held) > 50: held.pop(0).close()\n"
        "    time.sleep(0.02)\n"
    )
    canary = fleet.names[0]
    namespace = f"{fleet.lab.prefix}000"
    fix = netaudit.start(
        "fix", "-i", fleet.lab.inventory, *ONLY, "--soak", "4s", "--confirm-within", "40s", "--yes", "-o", "json",
        *patient,
    )  # fmt: skip
    while fleet.inside(canary, f"cat {PATH}").strip() == "1" and fix.poll() is None:
        time.sleep(0.05)
    load = subprocess.Popen(["ip", "netns", "exec", namespace, "python3", str(script)])
    try:
        out, _ = fix.communicate(timeout=150)
    finally:
        load.kill()
        load.wait()
    said = json.loads(out)
    assert 4 == fix.returncode
    assert "TcpExt.ListenOverflows" in said["stopped"]
    assert "rolled-back" == said["hosts"][0]["outcome"]
    assert {"1"} == set(fleet.values().values())


def test_nobody_to_ask(netaudit, fleet):
    """Without a terminal and without --yes: exit 2, and no host is contacted."""
    done = netaudit("fix", "-i", fleet.lab.inventory, *ONLY, code=2)
    assert "--yes" in done.err
    assert "" == done.out


@pytest.mark.parametrize(("typed", "code", "left"), [("5", 0, "0"), ("y", 4, "1"), ("", 4, "1")])
def test_approval_is_the_number_of_hosts(netaudit, fleet, patient, typed, code, left):
    """Typing it applies the plan; anything else changes nothing."""
    words = ("fix", "-i", fleet.lab.inventory, *ONLY, *QUICK, "--serial", "100%", *patient)
    status, seen = netaudit.at_a_terminal(words, b"Type the number of hosts", typed)
    assert code == status, seen
    assert "5 changes on 5 hosts" in seen
    assert {left} == set(fleet.values().values())


def test_check_stops_after_the_plan(netaudit, fleet, patient):
    """It shows what would be changed and asks nobody."""
    done = netaudit("fix", "-i", fleet.lab.inventory, *ONLY, "--check", *patient)
    assert f"{KEY}  1 → 0" in done.out
    assert {"1"} == set(fleet.values().values())


def test_a_plan_is_applied_as_it_was_written(netaudit, fleet, patient, tmp_path):
    """One host has changed since: it is refused as stale, the others get just what the plan says."""
    plan = tmp_path / "plan.json"
    netaudit("plan", "-i", fleet.lab.inventory, *ONLY, "-o", plan, *patient)
    moved = fleet.names[2]
    fleet.inside(moved, f"echo 2 >{PATH} || echo 7 >{PATH}")
    value = fleet.inside(moved, f"cat {PATH}").strip()
    fix = netaudit(
        "fix", "-i", fleet.lab.inventory, "-b", "web-edge", "--plan", plan, *QUICK, "--yes", "--max-fail", "1",
        "-o", "json", "--serial", "100%", *patient, code=4,
    )  # fmt: skip
    assert f"warning: the batches are those of {plan}: --serial is for netaudit plan\n" in fix.err
    assert [1, 1, 2, 1] == [len(batch["hosts"]) for batch in fix.json()["batches"]]
    assert {moved: "refused"} == {name: end for name, end in told(fix).items() if end != "persisted"}
    assert {moved: value} == {name: found for name, found in fleet.values().items() if found != "0"}


def test_an_altered_plan_is_refused(netaudit, fleet, patient, tmp_path):
    """The digest tells; so does a plan for hosts that are not meant. Nothing is contacted."""
    plan = tmp_path / "plan.json"
    netaudit("plan", "-i", fleet.lab.inventory, *ONLY, "-o", plan, *patient)
    text = plan.read_text()
    altered = tmp_path / "altered.json"
    altered.write_text(text.replace('"after": "0"', '"after": "1"'))
    assert altered.read_text() != text
    done = netaudit("fix", "-i", fleet.lab.inventory, "-b", "web-edge", "--plan", altered, "--yes", code=2)
    assert "altered.json" in done.err
    done = netaudit("fix", "-i", fleet.lab.inventory, "--plan", plan, "--yes", code=2)
    assert "was made with the baseline web-edge, and this is linux-server" in done.err
    done = netaudit("fix", fleet.names[0], "-i", fleet.lab.inventory, "-b", "web-edge", "--plan", plan, "--yes", code=2)
    assert "does not name" in done.err


def test_two_controllers_at_once(netaudit, fleet, patient):
    """No host gets both: what one holds the other is refused, and told by whom."""
    words = ("fix", "-i", fleet.lab.inventory, *ONLY, "--soak", "3s", "--confirm-within", "40s", "--yes", "-o", "json",
             "--serial", "100%", "--max-fail", "100%", "--no-progress", *patient)  # fmt: skip
    both = [netaudit.start(*words), netaudit.start(*words)]
    said = [json.loads(process.communicate(timeout=150)[0]) for process in both]
    ends = [{host["name"]: host for host in each["hosts"]} for each in said]
    for name in fleet.names:
        kept = [end[name]["outcome"] for end in ends if name in end].count("persisted")
        assert 1 == kept, [end.get(name) for end in ends]
    refusals = [host["reason"] for end in ends for host in end.values() if host["outcome"] == "refused"]
    assert all("run 2" in reason or "stale" in reason or "not" in reason for reason in refusals)
    assert {"0"} == set(fleet.values().values())


def test_interrupted_while_it_soaks(netaudit, fleet, patient):
    """The first Ctrl-C calls the batch off: all as before, exit 130."""
    fix = netaudit.start(
        "fix", "-i", fleet.lab.inventory, *ONLY, "--soak", "60s", "--confirm-within", "120s", "--yes", "-o", "json",
        *patient,
    )  # fmt: skip
    while "0" not in fleet.values().values() and fix.poll() is None:
        time.sleep(0.05)
    time.sleep(1)
    fix.send_signal(signal.SIGINT)
    out, _ = fix.communicate(timeout=100)
    assert 130 == fix.returncode
    ends = [host["outcome"] for host in json.loads(out)["hosts"]]
    assert ["rolled-back"] + ["unreached"] * 4 == ends
    assert {"1"} == set(fleet.values().values())
    assert {""} == {fleet.traces(name) for name in fleet.names}


def test_a_killed_controller_leaves_it_to_the_hosts(netaudit, fleet, patient):
    """SIGKILL while a batch soaks: the hosts undo it by themselves, and ``resume`` tells so."""
    fix = netaudit.start(
        "fix", "-i", fleet.lab.inventory, *ONLY, "--soak", "3s", "--confirm-within", "12s", "--yes", "--serial", "100%",
        "--gate", "sleep 60", *patient,
    )  # fmt: skip
    while set(fleet.values().values()) != {"0"} and fix.poll() is None:
        time.sleep(0.05)
    fix.kill()
    fix.wait()
    deadline = time.monotonic() + 60
    while set(fleet.values().values()) != {"1"} and time.monotonic() < deadline:
        time.sleep(0.2)
    assert {"1"} == set(fleet.values().values())
    resumed = netaudit("resume", "last", "-i", fleet.lab.inventory, "-o", "json", *patient, code=4)
    assert {"rolled-back"} == set(told(resumed).values())
    assert {""} == {fleet.traces(name) for name in fleet.names}


def test_as_a_play(netaudit, fleet, patient, tmp_path, published):
    """A playbook looks who is odd, changes hosts on its own terms, audits them; without approval nothing runs."""
    book = tmp_path / "book.yaml"
    book.write_text(
        "- {name: who is odd, hosts: all, outliers: {by: all}}\n"
        "- name: put it right\n  hosts: all\n  baseline: web-edge\n"
        "  fix: {only: [tcp.slow_start_after_idle], serial: [2], soak: 0s, confirm_within: 20s}\n"
        "- {name: prove it, hosts: all, baseline: web-edge, fail_on: critical}\n"
    )
    words = ("run", book, "-i", fleet.lab.inventory, "--no-progress", *patient)
    assert "nobody to approve" in netaudit(*words, code=2).err
    assert {"1"} == set(fleet.values().values())
    report = tmp_path / "report.json"
    netaudit(*words, "--yes", "-o", f"json={report}", code=1)  # the last play finds what no play has put right
    said = json.loads((tmp_path / "report-2.json").read_text())
    published("remediation-1", said)
    assert [2, 2, 1] == [len(batch["hosts"]) for batch in said["batches"]]
    published("outliers-1", json.loads((tmp_path / "report-1.json").read_text()))
    published("audit-1", json.loads((tmp_path / "report-3.json").read_text()))
    assert {"0"} == set(fleet.values().values())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--soak", "60s"), "leaves too little of --confirm-within"),
        (("--max-fail", "many"), "--max-fail many"),
        (("--max-fail", "200%"), "--max-fail 200%"),
        (("--serial", "0"), "--serial 0"),
        (("--only", "tcp.slow_start"), "no such check"),
        (("--plan", "nowhere.json"), "nowhere.json"),
        (("--allow", "anything"), "anything"),
        (("--plan", "some.json", "--only", "tcp.*"), "--only changes nothing of some.json"),
        (("--plan", "some.json", "--allow", "restart"), "--allow changes nothing of some.json"),
        (("--plan", "some.json", "--restart-listeners"), "--restart-listeners changes nothing of some.json"),
    ],
)
def test_misuse_is_one_line(netaudit, words, said):
    """Exit 2, before any host is contacted."""
    done = netaudit("fix", "-i", "198.18.0.1,", "-b", "web-edge", "--yes", *words, code=2)
    assert said in done.err
    assert 1 == len(done.err.strip().splitlines())
