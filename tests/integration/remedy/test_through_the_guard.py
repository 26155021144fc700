"""Every operation as a user has it made and taken back: ``netaudit fix`` and ``netaudit rollback`` on a machine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Case:
    """What makes a check fail, and what ``fix`` is told besides the check."""

    operation: str
    check: str
    bad: str = ""
    variables: Mapping[str, object] = field(default_factory=dict)
    files: bool = False  # the setting is the whole machine's: plain files stand in for it
    device: bool = False  # eth0 is a device
    options: tuple[str, ...] = ()
    read: str = ":"  # what else must be as it was


CASES = [
    Case("sysctl", "tcp.accept_queue.somaxconn", "echo 128 >/proc/sys/net/core/somaxconn"),
    Case("sysctl, a field", "tcp.rmem.max", "echo 4096 131072 200000 >/proc/sys/net/ipv4/tcp_rmem"),
    Case("sysctl, several", "tcp.keepalive", variables={"min_idle_timeout_s": 600}),
    Case("sysctl, of an interface", "ip.rp_filter",
         "ip link add eth1 type ifb; ip link set eth1 up; ip address add 198.18.201.2/24 dev eth1; "
         "ip route add default via 198.18.201.1 metric 100; echo 1 >/proc/sys/net/ipv4/conf/eth1/rp_filter"),
    Case("sysctl, of the whole machine", "ip.neigh.thresholds",
         "echo 1024 >/proc/sys/net/ipv4/neigh/default/gc_thresh3", {"expected_onlink_peers": 4000}, files=True),
    Case("sysctl, in a namespace", "tcp.options_enabled",
         "ip netns add blue; ip netns exec blue sh -c 'echo 0 >/proc/sys/net/ipv4/tcp_sack'",
         read="ip netns exec blue cat /proc/sys/net/ipv4/tcp_sack", options=("--no-persist",)),
    Case("a file alone", "host.sysctl.lost_at_boot",
         "printf 'net.core.somaxconn = 128\\n' >/etc/sysctl.d/60-site.conf"),
    Case("conntrack_hash", "ct.buckets_ratio",
         "echo 262144 >/proc/sys/net/netfilter/nf_conntrack_max; "
         "echo 8192 >/proc/sys/net/netfilter/nf_conntrack_buckets; "
         "mkdir -p /run/module/nf_conntrack/parameters && mount --bind /run/module /sys/module; "
         ": >/sys/module/nf_conntrack/parameters/hashsize; mount --bind /proc/sys/net/netfilter/nf_conntrack_buckets "
         "/sys/module/nf_conntrack/parameters/hashsize", files=True, options=("--allow", "link-flap")),
    Case("ring", "nic.ring.rx_size", device=True, options=("--allow", "link-flap")),
    Case("offload", "nic.offloads", device=True),
    Case("channels", "nic.queues", device=True, options=("--allow", "link-flap")),
    Case("rss", "nic.rss", "ethtool -L eth0 combined 4; ethtool -X eth0 equal 2 start 1", device=True),
    Case("cpu_mask", "nic.rps", device=True),
    Case("mtu", "path.mtu.consistency",
         "ip link add br0 type bridge; ip link set br0 up; ip link add m0 type ifb; ip link set m0 up; "
         "ip link set m0 master br0; ip link set br0 mtu 1500; ip link set m0 mtu 1400; ip link set br0 mtu 1500; "
         "ip address add 198.18.202.2/24 dev m0; ip route add 198.18.203.0/24 via 198.18.202.1 mtu lock 1400; "
         "ip route add 198.18.204.0/24 via 198.18.202.1 mtu 1300",
         options=("--no-persist", "--allow", "link-flap")),
]  # fmt: skip
TUNED = (
    "echo 128 >/proc/sys/net/core/somaxconn; mkdir -p /etc/tuned/busy; echo busy >/etc/tuned/active_profile; "
    "printf '[sysctl]\\nnet.core.somaxconn=128\\n' >/etc/tuned/busy/tuned.conf; "
    "cp $(command -v sleep) /run/tuned; /run/tuned 300 >/dev/null 2>&1 &"
)
# A restart needs a host with systemd (tests/integration/systemd); no test can have a kernel that loads modules.
ELSEWHERE = {"restart", "load_module", "advise"}


@pytest.fixture
def netaudit(machine, tmp_path: Path) -> Callable[..., Mapping[str, object]]:
    """The command on that very machine, with no network in between: what it prints as JSON."""

    def run(*words: str, code: int = 0, nothing: bool = False) -> Mapping[str, object]:
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state"),
        }  # fmt: skip
        done = subprocess.run(
            ["nsenter", "-t", str(machine.pid), "-m", "-n", "-p", sys.executable, "-m", "netaudit", *words,
             "-i", str(tmp_path / "inventory.json"), "-o", "json"],
            env=environment, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=150,
        )  # fmt: skip
        assert code == done.returncode, done.stderr[-3000:] + done.stdout[-3000:]
        said: Mapping[str, object] = {} if nothing else json.loads(done.stdout)
        return said

    return run


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operation.replace(" ", "-").replace(",", ""))
def test_made_and_taken_back(machine, netaudit, tmp_path: Path, case: Case) -> None:
    """The change is verified and kept; the rollback leaves exactly what was there, and nothing of the guard."""
    if case.files:
        machine.as_files()
    if case.device:
        machine.with_device()
        machine.sh("ethtool -g eth0")  # makes the file that it keeps its state in
    if case.operation in {"channels", "cpu_mask"}:
        machine.sh("echo 0-7 >/run/online; mount --bind /run/online /sys/devices/system/cpu/online")
    machine.sh(case.bad or ":")
    host = {"ansible_connection": "local", "netaudit_vars": dict(case.variables)}
    (tmp_path / "inventory.json").write_text(json.dumps({"all": {"hosts": {"web1": host}}}))
    before, read = machine.state(), machine.sh(case.read)
    fixed = netaudit(
        "fix", "--only", case.check, "--yes", "--soak", "0s", "--confirm-within", "60s", "--no-progress", *case.options
    )
    (row,) = fixed["hosts"]
    kept = "confirmed" if "--no-persist" in case.options else "persisted"
    assert (kept, []) == (row["outcome"], [step for step in row["steps"] if step["outcome"] != kept])
    assert (machine.state(), machine.sh(case.read)) != (before, read)
    assert machine.sh("find /run/netaudit -mindepth 1 2>/dev/null", fails=True) == ""
    audited = netaudit("audit", "--no-progress", "--fail-on", "critical")
    assert "pass" == next(each["status"] for each in audited["hosts"][0]["results"] if each["check"] == case.check)
    undone = netaudit("rollback", fixed["run"]["id"], "all")
    assert "rolled-back" == undone["hosts"][0]["outcome"]
    assert (machine.state(), machine.sh(case.read)) == (before, read)
    assert machine.sh("find /run/netaudit -mindepth 1 2>/dev/null", fails=True) == ""


@pytest.mark.parametrize(
    ("check", "bad", "device", "variables", "why"),
    [
        ("nic.ring.rx_size", "", True, {}, "--allow link-flap"),
        ("tcp.accept_queue.somaxconn", "echo 128 >/proc/sys/net/core/somaxconn", False,
         {"new_conn_per_s": 10_000_000, "accept_stall_s": 1}, "out of range"),
        ("tcp.accept_queue.somaxconn", TUNED, False, {}, "tuned writes it"),
    ],
    ids=["a-class-that-is-not-allowed", "a-value-out-of-range", "what-tuned-writes"],
)  # fmt: skip
def test_what_is_refused_is_said_and_not_touched(
    machine, netaudit, tmp_path: Path, check: str, bad: str, device: bool, variables: dict[str, object], why: str
) -> None:
    """``fix`` leaves it in the list of what is not remedied, with the reason, and the machine as it is."""
    if device:
        machine.with_device()
        machine.sh("ethtool -g eth0")
    machine.sh(bad or ":")
    host = {"ansible_connection": "local", "netaudit_vars": variables}
    (tmp_path / "inventory.json").write_text(json.dumps({"all": {"hosts": {"web1": host}}}))
    before = machine.state()
    plan = netaudit("plan", "--only", check, "--no-progress")
    (row,) = plan["hosts"]
    assert [] == row["steps"]
    assert why in " ".join(f"{each['reason']} {each['advice']}" for each in row["not_remedied"])
    netaudit("fix", "--only", check, "--yes", "--no-progress", nothing=True)
    assert machine.state() == before


def test_every_operation_has_a_case(operation_names: set[str]) -> None:
    """A new one cannot land without."""
    assert operation_names - ELSEWHERE - {case.operation.partition(",")[0] for case in CASES} == set()
