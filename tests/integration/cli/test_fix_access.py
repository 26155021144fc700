"""Who may change a host and how, and what is asked before a change is taken back: on real hosts, as a user types it."""

from __future__ import annotations

import json

import pytest

from netaudit.lab import Lab

pytestmark = [pytest.mark.xdist_group("lab"), pytest.mark.timeout(300)]

KEY = "net.ipv4.tcp_slow_start_after_idle"
PATH = "/proc/sys/net/ipv4/tcp_slow_start_after_idle"
ONLY = ("-b", "web-edge", "--only", "tcp.slow_start_after_idle")
QUICK = ("--soak", "0s", "--confirm-within", "20s", "--serial", "100%", "--no-progress", "--yes", "-o", "json")
AS_USER = ("-e", "ansible_user=auditor")
# Each way to become root, let in without a password by files that only this host sees.
_OPEN = "printf '%s required pam_permit.so\\n' auth account session >/run/pam; mount --bind /run/pam /etc/pam.d/{}; "
WAYS = {
    "sudo": "echo 'auditor ALL=(ALL) NOPASSWD: ALL' >/run/sudoers; chmod 440 /run/sudoers; "
    "mount --bind /run/sudoers /etc/sudoers; " + _OPEN.format("sudo"),
    "doas": "echo 'permit nopass auditor as root' >/run/doas.conf; chmod 400 /run/doas.conf; "
    "[ -e /etc/doas.conf ] || : >/etc/doas.conf; mount --bind /run/doas.conf /etc/doas.conf; " + _OPEN.format("doas"),
    "su": _OPEN.format("su"),
}


@pytest.fixture
def hosts(needs_root, tmp_path, kit):
    """Three hosts in order but for one key, by name, with their lab."""
    lab = Lab(tmp_path / "lab")
    plans = lab.up(3, healthy=True)
    yield lab, {plan.name: kit.LabHost(plan, f"{lab.prefix}{place:03d}") for place, plan in enumerate(plans)}
    lab.down()


def values(found) -> list[str]:
    """The running value of the key on each host."""
    return [host.inside(f"cat {PATH}").strip() for host in found.values()]


def left(host) -> str:
    """Whatever a remediation may leave behind on a host."""
    return host.inside("ls /etc/sysctl.d | grep netaudit || :; ls -A /run/netaudit 2>/dev/null || :")


def told(done) -> dict[str, str]:
    """host -> outcome."""
    return {host["name"]: host["outcome"] for host in done.json()["hosts"]}


def test_a_login_without_root_is_told_in_the_plan(netaudit, hosts, patient):
    """The plan says it and what helps; applied all the same, the host refuses with a line, and nothing is changed."""
    lab, found = hosts
    shared = ("-i", lab.inventory, *ONLY, *AS_USER, *patient)
    plan = netaudit("plan", *shared, "--no-progress")
    assert "the login is not root on" in " ".join(plan.out.split())
    assert "--become" in plan.out
    (row, *_) = netaudit("fix", *shared, *QUICK, code=4).json()["hosts"]
    assert ("refused", "it needs root there") == (row["outcome"], row["reason"])
    assert "--become" in row["hint"]
    assert ["1"] * 3 == values(found)
    assert "not root" not in netaudit("plan", "-i", lab.inventory, *ONLY, *patient, "--no-progress").out


@pytest.mark.parametrize("way", WAYS)
def test_through_an_escalation(netaudit, hosts, patient, way):
    """The guard works the same through sudo, doas and su, and so does the rollback."""
    lab, found = hosts
    (name, host), *_ = found.items()
    host.inside(WAYS[way])
    shared = ("-i", lab.inventory, *AS_USER, "--become", "--become-method", way, *patient)
    fix = netaudit("fix", name, *shared, *ONLY, *QUICK)
    assert {name: "persisted"} == told(fix)
    assert ["0", "1", "1"] == values(found)
    back = netaudit("rollback", "last", name, *shared, "-o", "json")
    assert {name: "rolled-back"} == told(back)
    assert ["1"] * 3 == values(found)
    assert "" == left(host)


def test_some_hosts_are_taken_back_and_every_account_says_so(netaudit, hosts, patient):
    """A pattern chooses them; what ``show`` and ``report`` tell of the run afterwards is how each host is now."""
    lab, found = hosts
    first, *others = found
    run = netaudit("fix", "-i", lab.inventory, *ONLY, *QUICK, *patient).json()["run"]["id"]
    back = netaudit("rollback", run, first, "-i", lab.inventory, "-o", "json", *patient)
    undo = back.json()["run"]
    assert {first: "rolled-back"} == told(back)
    assert ["1", "0", "0"] == values(found)
    shown = netaudit("show", run, "-o", "json", code=4)
    assert {first: "rolled-back", **dict.fromkeys(others, "persisted")} == told(shown)
    assert f"undone by run {undo}" == shown.json()["hosts"][0]["reason"]
    assert "rolled-back" in netaudit("report", run, "-o", "json").out
    assert "undone by run" in netaudit("report", run, "-o", "html").out
    assert {first: "rolled-back"} == told(netaudit("show", undo, "-o", "json", code=0))  # as it ended then
    listed = {row["run"]["id"]: row["summary"]["ok"] for row in netaudit("history", "-o", "json").json()["runs"]}
    assert {run: 3, undo: 1} == listed
    # said once more, `last` is still the run that changed something, not the one that took it back
    again = netaudit("rollback", "last", "-i", lab.inventory, "-o", "json", *patient)
    assert {first: "nothing-to-do", **dict.fromkeys(others, "rolled-back")} == told(again)
    assert ["1"] * 3 == values(found)
    assert {""} == {left(host) for host in found.values()}


@pytest.mark.parametrize(("answer", "code", "value"), [("", 4, "7"), ("n", 4, "7"), ("y", 0, "1")])
def test_what_somebody_else_changed_is_asked_about(netaudit, hosts, patient, answer, code, value):
    """Only a yes takes it back; anything else leaves that host as it is, and the others are undone."""
    lab, found = hosts
    moved, *_ = found
    netaudit("fix", "-i", lab.inventory, *ONLY, *QUICK, *patient)
    host = found[moved]
    host.inside(f"echo 7 >/run/value; mount --bind /run/value {PATH}")  # the kernel takes 0 and 1 alone
    words = ("rollback", "last", "all", "-i", lab.inventory, *patient)
    status, seen = netaudit.at_a_terminal(words, b"[y/N]", answer)
    assert 1 == seen.count("[y/N]"), seen
    assert f"{moved}: " in seen
    assert "is not as it was left: it is '7', not '0'" in " ".join(seen.split())
    assert code == status, seen
    assert [value, "1", "1"] == values(found)


def test_an_unreadable_answer_is_no(netaudit, hosts, patient):
    """Without a terminal nobody is asked: what somebody else changed stands, exit 4, and the JSON is all there is."""
    lab, found = hosts
    moved, *_ = found
    netaudit("fix", "-i", lab.inventory, *ONLY, *QUICK, *patient)
    found[moved].inside(f"echo 7 >/run/value; mount --bind /run/value {PATH}")
    back = netaudit("rollback", "last", "-i", lab.inventory, "-o", "json", *patient, code=4)
    refused = json.loads(back.out)["hosts"][0]
    assert ("refused", True) == (refused["outcome"], "--force" in refused["hint"])
    assert ["7", "1", "1"] == values(found)
