"""One audit of the whole lab: every fault is found where it is and nowhere else, and no host is changed by it."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest

from netaudit.lab import Fault

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]

# What tells of each fault: (check, severity). Everything else at or above "low" would be a false alarm.
FINDINGS = {
    Fault.SMALL_BACKLOG: {("tcp.accept_queue.somaxconn", "high")},
    Fault.LOST_AT_REBOOT: {("host.sysctl.lost_at_boot", "medium"), ("host.sysctl_drift", "low")},
    Fault.STALE_LISTENER: {("tcp.accept_queue.stale_backlog", "medium")},
    Fault.OTHER_MTU: set(),  # one host cannot know: it is a finding of the fleet
    Fault.NO_SYNCOOKIES: {("tcp.syn_queue.syncookies", "high"), ("tcp.options_enabled", "medium")},
    Fault.SHORT_FIN_TIMEOUT: set(),  # waived
    Fault.CLOBBERED: {("host.sysctl.clobbered", "medium")},
    Fault.NONE: set(),
    Fault.UNPRIVILEGED: set(),
}

# Everything of a host that an audit could change, but for what changes by itself.
STATE = r"""
cd /
find /etc /run /tmp /var/tmp /root /home /var/lib /var/log -xdev -printf '%p %i %m %s %T@ %C@\n' 2>/dev/null | sort
grep -r '' /proc/sys/net /proc/sys/vm/overcommit_memory 2>/dev/null | grep -v -e _count: -e /random/ -e stat_ | sort
# Other labs come and go.
cat /proc/mounts /proc/net/ip_tables_names 2>/dev/null | grep -v '^nsfs /run/netns/netaudit-' | sort
ip -d link show; ip addr show; ip route show table all; ip rule show; tc qdisc show
nft list ruleset
"""

TENTATIVE = " tentative"

# The kernel log is that of the machine, where other tests provoke what it warns of.
QUIET_LOG = ("-e", "kernel_log_window_s=0")

# /tmp and its like are this machine's own, where others are at work: the host gets its own, with the lab's files in it.
OWN_TREES = """
mkdir /run/lab
mount --bind "$1" /run/lab
for tree in /tmp /var/tmp /root /home /var/lib /var/log; do
    mount -t tmpfs -o mode=1777 tmpfs $tree
done
mkdir -p "$1"
mount --bind /run/lab "$1"
umount /run/lab
rmdir /run/lab
"""
SHARED_TREES = """
umount "$1"
umount -l /tmp /var/tmp /root /home /var/lib /var/log
"""


@pytest.fixture(scope="session")
def run(session_netaudit, lab_fleet, lab_hosts, patient, kit):
    """The audit, all its outputs, and the state of some hosts before and after it."""
    lab, plans = lab_fleet
    looked_at = [lab_hosts[name] for name in ("web01", "web12")]
    for host in looked_at:
        host.inside(OWN_TREES, lab.directory)
        # A link that has just come up is given its queue and the verdict on its IPv6 address a moment later.
        assert kit.eventually(
            lambda host=host: "noqueue 0: dev eth0" in (state := host.inside(STATE)) and TENTATIVE not in state
        )
    processes = {name: host.processes() for name, host in lab_hosts.items()}
    before = [host.inside(STATE) for host in looked_at]
    home = session_netaudit.home
    done = session_netaudit(
        "audit", "-i", lab.inventory, "-b", lab.baseline, *patient, "-f", "8", *QUIET_LOG, "-o", "json",
        "-o", "console=seen.txt", "-o", "jsonl=lines.jsonl", code=3,
    )  # fmt: skip
    after = [host.inside(STATE) for host in looked_at]
    for host in looked_at:  # of the session's lab: others want to start programs there
        host.inside(SHARED_TREES, lab.directory)
    audit = done.json()
    return SimpleNamespace(
        done=done, audit=audit, plans=plans, hosts={each["name"]: each for each in audit["hosts"]},
        seen=(home / "seen.txt").read_text(), lines=(home / "lines.jsonl").read_text(),
        before=before, after=after, processes=processes,
    )  # fmt: skip


def test_the_report_is_as_published(run, published):
    """JSON and JSONL validate; every host is in both once, in the inventory's order in the first."""
    published("audit-1", run.audit)
    lines = [json.loads(line) for line in run.lines.splitlines()]
    for line in lines:
        published("audit-host-1", line)
    by_group = sorted(run.plans.values(), key=lambda plan: ["web", "api", "db"].index(plan.group))
    assert [plan.name for plan in by_group] == [each["name"] for each in run.audit["hosts"]]
    assert sorted(run.plans) == sorted(line["name"] for line in lines)
    assert {plan.address for plan in by_group} == {each["address"] for each in run.audit["hosts"]}
    assert "lab" == run.audit["run"]["baseline"]["name"]
    assert re.fullmatch("[0-9a-f]{64}", run.audit["run"]["baseline"]["sha256"])


def _findings(host):
    return {
        (result["check"], result["severity"])
        for result in host["results"]
        if result["status"] == "fail" and result["severity"] != "info"
    }


@pytest.mark.parametrize("fault", FINDINGS, ids=lambda fault: fault.name.lower())
def test_every_fault_is_found_and_no_other(run, fault):
    """On each host with the fault exactly what tells of it, with a value, an expectation, and where it was read."""
    names = [plan.name for plan in run.plans.values() if plan.fault is fault]
    assert names
    for name in names:
        host = run.hosts[name]
        assert ("ok", None) == (host["status"], host["error"])
        assert FINDINGS[fault] == _findings(host), name
        for result in host["results"]:
            if (result["check"], result["severity"]) in FINDINGS[fault]:
                assert result["observed"] is not None
                assert result["expected"]
                assert result["evidence"]
                assert result["fix"]
                assert f" {result['check']}" in run.seen


def test_another_mtu_is_a_finding_of_the_fleet(run):
    """The host that differs is named, with what the others have."""
    (odd,) = [plan.name for plan in run.plans.values() if plan.fault is Fault.OTHER_MTU]
    (finding,) = run.audit["fleet"]
    assert ("path.mtu.segment", "fail", "high", [odd]) == tuple(
        finding[name] for name in ("check", "status", "severity", "hosts")
    )
    assert "22 hosts 1500" in finding["evidence"]
    assert f"{odd} eth0 1400" in finding["evidence"]


def test_the_waiver_is_shown(run):
    """The finding stands as waived, with who, why and until when; it is not counted as a failure nor as a pass."""
    (name,) = [plan.name for plan in run.plans.values() if plan.fault is Fault.SHORT_FIN_TIMEOUT]
    waived = [result for host in run.audit["hosts"] for result in host["results"] if result["status"] == "waived"]
    (result,) = waived
    assert ("tcp.tw.fin_timeout", 5) == (result["check"], result["observed"])
    assert {
        "reason": "the load test of the payment gateway needs it until the pool is resized",
        "approver": "j.doe",
        "ticket": "NET-1234",
        "until": "2036-12-31T23:59:59Z",
    } == result["waived"]
    assert result in run.hosts[name]["results"]
    assert 1 == run.audit["summary"]["waived"]
    assert "NET-1234, j.doe, until 2036-12-31" in " ".join(run.seen.split())


def test_the_unreachable_host_has_its_kind(run):
    """Nobody answers for its address: told with kind, message and hint, and no result."""
    (name,) = [plan.name for plan in run.plans.values() if plan.fault is Fault.UNREACHABLE]
    host = run.hosts[name]
    assert ("unreachable", "connect-timeout", []) == (host["status"], host["error"]["kind"], host["results"])
    assert host["error"]["message"]
    assert host["error"]["hint"]
    assert f"unreachable · connect-timeout  {name}" in run.seen


def test_what_needs_root_is_unknown_without_it(run):
    """A plain user's host passes what it can read; the rest is unknown, says that root is needed, and is no pass."""
    (name,) = [plan.name for plan in run.plans.values() if plan.fault is Fault.UNPRIVILEGED]
    healthy = next(plan.name for plan in run.plans.values() if plan.fault is Fault.NONE)
    mine, theirs = ({result["check"]: result for result in run.hosts[each]["results"]} for each in (name, healthy))
    assert mine.keys() == theirs.keys()
    unknown = {check for check, result in mine.items() if result["status"] == "unknown"}
    assert {"ct.active", "app.fd.process_headroom", "host.dmesg_network_patterns"} <= unknown
    for check in unknown:
        assert "not permitted" in mine[check]["reason"]
        assert "unknown" != theirs[check]["status"]
    assert len(unknown) == run.audit["summary"]["unknown"]
    assert "UNKNOWN" in run.seen
    assert sum(result["status"] == "pass" for result in mine.values()) > 25


def test_no_file_setting_or_process_is_left(run, lab_hosts, kit):
    """Before and after: files with their times, sysctls, mounts, links, routes, qdiscs, rules and processes."""
    for before, after in zip(run.before, run.after, strict=True):
        assert len(before) > 50_000
        assert before.splitlines() == after.splitlines()
    for name, host in lab_hosts.items():
        assert kit.eventually(lambda host=host, name=name: host.processes() == run.processes[name]), name


def test_a_second_run_says_the_same(run, session_netaudit, lab_fleet, patient):
    """An audit changes nothing, so the verdicts of the next one are those of the first; both are in the history."""
    lab, _ = lab_fleet
    again = session_netaudit(
        "audit", "db*", "-i", lab.inventory, "-b", lab.baseline, *patient, "-q", *QUIET_LOG, "-o", "json", code=3
    ).json()
    for host in again["hosts"]:
        first = run.hosts[host["name"]]
        assert [(result["check"], result["status"], result["severity"]) for result in host["results"]] == [
            (result["check"], result["status"], result["severity"]) for result in first["results"]
        ]
    kept = session_netaudit("history", "-o", "json").json()["runs"]
    assert {again["run"]["id"], run.audit["run"]["id"]} <= {each["run"]["id"] for each in kept}
    shown = session_netaudit("show", run.audit["run"]["id"], "-o", "json", code=3).json()
    assert run.audit == shown
