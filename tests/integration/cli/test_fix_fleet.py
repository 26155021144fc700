"""Fifty hosts, five of which fail in five ways: the right batch is the last one, and the report tells each story."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from netaudit.lab import Lab, network

pytestmark = [pytest.mark.xdist_group("lab"), pytest.mark.timeout(400)]

KEY = Path("/proc/sys/net/ipv4/tcp_slow_start_after_idle")
HOSTS = 50


def init_of(namespace: str) -> int:
    """The first process of a lab host, by its number on this machine."""
    for pid in network.pids_in([namespace]):
        with suppress(OSError):
            words = Path(f"/proc/{pid}/status").read_text().partition("\nNSpid:")[2].split("\n")[0].split()
            if words[1:] == ["1"]:
                return pid
    raise LookupError(namespace)


@pytest.fixture
def hosts(needs_root, tmp_path):
    """Fifty hosts in order, by name: their first process."""
    lab = Lab(tmp_path / "lab")
    plans = lab.up(HOSTS, healthy=True)
    yield lab, {plan.name: init_of(f"{lab.prefix}{place:03d}") for place, plan in enumerate(plans)}
    lab.down()


def inside(init: int, script: str) -> str:
    """What a shell in all namespaces of a host prints."""
    command = ["nsenter", "-t", str(init), "-m", "-n", "-u", "-p", "sh", "-euc", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


_HOLDING = """
mkdir -m 700 -p /run/netaudit
echo 'run 20261120-1 of ops@bastion' >/run/netaudit/owner
setsid flock -n /run/netaudit/lock sleep 200 </dev/null >/dev/null 2>&1 &
sleep 0.3
"""
# How a host is made to fail, how that ends, and what the report says of it.
STORIES = {
    "somebody changed it since": (f"echo 2 >{KEY} 2>/dev/null || echo 0 >{KEY}", "refused", "not"),
    "another controller holds it": (_HOLDING, "refused", ""),
    "its /etc is read-only": ("mount --bind /etc /etc; mount -o remount,bind,ro /etc", "refused", "Read-only"),
    "its sshd is gone": (
        "for p in /proc/[0-9]*; do if grep -qs sshd $p/comm; then kill -9 ${p#/proc/}; fi; done 2>/dev/null || :",
        "unreached",
        "gave no answer",
    ),
    "the kernel refuses the value": (f"mount --bind {KEY} {KEY}; mount -o remount,bind,ro {KEY}", "rolled-back", ""),
}


def test_the_right_batch_is_the_last_one(netaudit, hosts, patient, tmp_path, published):
    """Four bad ones are allowed, five come in the third batch: it is brought to its end, the fourth is never begun."""
    lab, found = hosts
    only = ("-b", "web-edge", "--only", "tcp.slow_start_after_idle")
    plan = tmp_path / "plan.json"
    netaudit("plan", "-i", lab.inventory, *only, "-o", plan, "--no-progress", *patient)
    names = [host["host"] for host in json.loads(plan.read_text())["hosts"]]  # in inventory order
    broken = dict(zip(names[10:30:4], STORIES, strict=True))
    for name, story in broken.items():
        inside(found[name], STORIES[story][0])
    done = netaudit(
        "fix", "-i", lab.inventory, "-b", "web-edge", "--plan", plan, "--yes", "--max-fail", "4", "--soak", "0s",
        "--confirm-within", "60s", "--connect-timeout", "10s", "--no-progress", "-o", "json", code=4,
    )  # fmt: skip
    said = done.json()
    published("remediation-1", said)
    assert [1, 5, 25, 19] == [len(batch["hosts"]) for batch in said["batches"]]
    ends = {host["name"]: host for host in said["hosts"]}
    for name, story in broken.items():
        _, outcome, reason = STORIES[story]
        assert outcome == ends[name]["outcome"], (story, ends[name])
        assert reason in ends[name]["reason"], (story, ends[name])
    assert "5 bad outcomes, and 4 allowed" in said["stopped"]
    kept = {name for name in names[:31] if name not in broken}
    assert kept == {name for name, host in ends.items() if host["outcome"] == "persisted"}
    assert {"unreached"} == {ends[name]["outcome"] for name in names[31:]}
    assert len(broken) == len({ends[name]["reason"] for name in broken})
    for name in names:
        if name in kept:
            assert "0" == inside(found[name], f"cat {KEY}").strip()
        elif name not in broken or STORIES[broken[name]][1] == "rolled-back":
            assert "1" == inside(found[name], f"cat {KEY}").strip()
            assert "" == inside(found[name], "ls /etc/sysctl.d | grep netaudit || :").strip()
