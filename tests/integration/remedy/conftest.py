"""A machine to change: its own network, mounts and processes, overlays over /etc and the programs, gone afterwards.

Settings of its network namespace are real. Settings of the whole machine cannot be changed from a test; for those
the tree below /proc/sys is replaced by plain files with the same values (``as_files``). Programs that need a device
(ethtool) are stood in for by scripts that keep their state in a file.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from netaudit.app.collect import decoder_for
from netaudit.assets.catalogue import load_ruleset
from netaudit.assets.locate import locate
from netaudit.assets.probes import load_probes
from netaudit.assets.remediations import load_remediations
from netaudit.baseline.evaluate import evaluate
from netaudit.baseline.select import HostRules
from netaudit.facts.domains import probes_for
from netaudit.facts.snapshot import facts_of
from netaudit.model.facts import Cpu, Facts, Kernel
from netaudit.model.plan import HostPlan
from netaudit.model.probe import Capture, Stream
from netaudit.model.result import Result, Verdict
from netaudit.remedy.changes import Choices
from netaudit.remedy.planner import DOMAINS, Material, host_plan
from netaudit.wire.bundle import build

NONCE = "0123456789abcdef" * 2
SETUP = r"""
set -e
mount -t tmpfs none /run
mkdir -p /run/up/etc /run/up/etc.w /run/up/sbin /run/up/sbin.w /run/up/lib /run/up/lib.w
mount -t overlay none -o lowerdir=/usr/lib,upperdir=/run/up/lib,workdir=/run/up/lib.w /usr/lib
mount -t overlay none -o lowerdir=/etc,upperdir=/run/up/etc,workdir=/run/up/etc.w /etc
mount -t overlay none -o lowerdir=/usr/sbin,upperdir=/run/up/sbin,workdir=/run/up/sbin.w /usr/sbin
mount -t sysfs none /sys
rm -rf /etc/sysctl.d /etc/sysctl.conf /etc/modules-load.d /etc/network
mkdir -p /etc/sysctl.d /etc/modules-load.d /etc/modprobe.d /etc/network/if-up.d /etc/udev/rules.d /etc/systemd/network
ip link set lo up
ip link add eth0 type ifb
ip link set eth0 up
ip address add 198.18.200.2/24 dev eth0
ip route add default via 198.18.200.1
: >/run/ready
exec sleep 3600
"""
# The same answers as a device would give; what is set is kept in a file.
FAKE_ETHTOOL = r"""#!/bin/sh
state=/run/ethtool
[ -f $state ] || printf 'rx=512\ncombined=1\ngro=off\ntable=""\n' >$state
. $state
save() { printf 'rx=%s\ncombined=%s\ngro=%s\ntable="%s"\n' "$rx" "$combined" "$gro" "$table" >$state; }
entries() { # of 32, as ethtool -X fills them; a table that nobody has set is spread over all queues
    set -- ${table:-equal $combined}
    if [ $1 = equal ]; then
        for entry in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31; do
            echo $((${4:-0} + entry % $2))
        done
        return
    fi
    shift
    queue=0
    for weight; do
        left=$weight
        while [ $left -gt 0 ]; do echo $queue; left=$((left - 1)); done
        queue=$((queue + 1))
    done
}
case $1 in
    -g) printf 'Ring parameters for %s:\nPre-set maximums:\nRX:\t\t4096\nTX:\t\t4096\n' "$2"
        printf 'Current hardware settings:\nRX:\t\t%s\nTX:\t\t512\n' "$rx" ;;
    -l) printf 'Channel parameters for %s:\nPre-set maximums:\n' "$2"
        printf 'RX:\t\tn/a\nTX:\t\tn/a\nOther:\t\tn/a\nCombined:\t8\n'
        printf 'Current hardware settings:\nRX:\t\tn/a\nTX:\t\tn/a\nOther:\t\tn/a\nCombined:\t%s\n' "$combined" ;;
    -k) printf 'Features for %s:\nscatter-gather: on\ntcp-segmentation-offload: on\n' "$2"
        printf 'generic-segmentation-offload: on\ngeneric-receive-offload: %s\n' "$gro"
        printf 'large-receive-offload: off [fixed]\n' ;;
    -G) [ "$3" = rx ] && rx=$4 && save ;;
    -L) [ "$3" = combined ] && combined=$4 && save
        rm -rf /run/net/eth0/queues/rx-[1-9]*
        while [ "$combined" -gt 1 ]; do
            combined=$((combined - 1))
            mkdir -p /run/net/eth0/queues/rx-$combined && echo 00 >/run/net/eth0/queues/rx-$combined/rps_cpus
        done ;;
    -K) [ "$3" = gro ] && gro=$4 && save ;;
    -x) printf 'RX flow hash indirection table for %s with %s RX ring(s):\n' "$2" "$combined"
        entries | awk '{ if (NR % 8 == 1) printf "%5d: ", NR - 1
            printf " %5d", $1; if (NR % 8 == 0) print "" }'
        printf 'RSS hash key:\n%s\nRSS hash function:\n    toeplitz: on\n    xor: off\n' 6d:5a:56:da:25:5b ;;
    -X) shift 2; table=$*; [ "$table" != default ] || table=; save ;;
    *) echo 'netlink error: Operation not supported' >&2; exit 75 ;;
esac
"""
FAKE_IP = r"""#!/bin/sh
/run/ip.real "$@" | sed 's/^    ifb /    /; s/numtxqueues 1 numrxqueues 1 /numtxqueues 8 numrxqueues 8 /'
"""


@dataclass
class Machine:
    """One machine, and what this program knows of it."""

    pid: int
    is_files: bool = False
    kernel: dict[str, Any] | None = None
    cpus: int = 0  # as many are claimed to be there

    def sh(self, script: str, *, fails: bool = False) -> str:
        """What a shell on it prints."""
        done = subprocess.run(
            ["nsenter", "-t", str(self.pid), "-m", "-n", "-p", "sh", "-uc", script],
            capture_output=True, text=True, timeout=60, cwd="/",
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
        )  # fmt: skip
        assert fails or 0 == done.returncode, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def write(self, path: str, content: str, mode: int = 0o644) -> None:
        """Put a file there."""
        full = Path(f"/proc/{self.pid}/root{path}")
        full.parent.mkdir(parents=True, exist_ok=True)
        full.unlink(missing_ok=True)
        full.write_text(content)
        full.chmod(mode)

    def as_files(self) -> None:
        """Replace the settings by plain files, those of the first network namespace among them."""
        self.is_files = True
        values = {}
        limits = [Path("/proc/sys/fs", name) for name in ("file-max", "file-nr", "nr_open")]
        for path in (*_files_below(Path("/proc/sys/net")), *limits):
            if os.access(path, os.R_OK) and "/conf/" not in str(path):
                try:
                    values[path] = path.read_text()
                except OSError:
                    continue
        self.sh("mkdir -p /run/sys && mount -t tmpfs none /run/sys")
        for path, value in values.items():
            self.write(str(path).replace("/proc/sys", "/run/sys"), value)
        self.sh("cp -r /proc/sys/kernel /run/sys/ 2>/dev/null; mount --bind /run/sys /proc/sys", fails=True)

    def with_device(self) -> None:
        """Let eth0 be a device with a driver, and udev run."""
        self.write("/usr/sbin/ethtool", FAKE_ETHTOOL, 0o755)
        self.sh("cp /usr/sbin/ip /run/ip.real 2>/dev/null || cp /bin/ip /run/ip.real")
        self.sh("ip=$(command -v ip); cp -L $ip /run/ip.real; printf '' >/run/ip.fake")
        self.write("/run/ip.fake", FAKE_IP, 0o755)
        self.sh("mount --bind /run/ip.fake $(readlink -f $(command -v ip))")
        self.sh(
            "mkdir -p /run/net; cp -r /sys/class/net/eth0/. /run/net/eth0 2>/dev/null; mkdir -p /run/net/eth0/device; "
            "printf 'DRIVER=fake\\n' >/run/net/eth0/device/uevent; echo 10000 >/run/net/eth0/speed; "
            "echo 0 >/run/net/eth0/addr_assign_type; mount --bind /run/net /sys/class/net; "
            "rm -rf /run/net/eth0/queues/rx-[1-9]*; echo 00 >/run/net/eth0/queues/rx-0/rps_cpus; "
            "mkdir -p /run/udev/data /usr/lib/systemd; : >/run/udev/control; "
            ": >/usr/lib/systemd/libsystemd-shared-252.so",
            fails=True,
        )

    def facts(self, rules: HostRules) -> Facts:
        """What the probes see on it now."""
        wanted = probes_for(rules.domains)
        probes = [probe for probe in load_probes(locate()) if probe.id in wanted and not probe.params]
        bundle = build(probes, nonce=NONCE, deadline_s=60, params={})
        out, err = self._answered(bundle.payload)
        decoder = decoder_for(bundle)
        decoder.feed(Stream.ERR, err)
        decoder.feed(Stream.OUT, out)
        sections = decoder.finish()
        assert decoder.problem() is None, decoder.problem()
        capture = Capture("web1", "198.18.200.2", bundle.digest, datetime.now(UTC), 0.1, sections)
        facts = facts_of(capture, rules.domains)
        assert isinstance(facts.kernel, Kernel)
        changes: dict[str, Any] = {"is_initial_namespace": True} if self.is_files else {}
        assert isinstance(facts.cpu, Cpu)
        cpu = replace(facts.cpu, count=self.cpus or facts.cpu.count)
        return replace(facts, cpu=cpu, kernel=replace(facts.kernel, **changes, **(self.kernel or {})))

    def _answered(self, payload: bytes) -> tuple[bytes, bytes]:
        """What a payload prints. It is a session of its own and its input stays open: the end of it would end all."""
        command = ["nsenter", "-t", str(self.pid), "-m", "-n", "-p", "/bin/sh", "-s"]
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=out, stderr=err, cwd="/", start_new_session=True
            )
            assert process.stdin is not None
            process.stdin.write(payload)
            process.stdin.flush()
            process.wait(60)
            process.stdin.close()
            out.seek(0)
            err.seek(0)
            return out.read(), err.read()

    def state(self) -> Mapping[str, str]:
        """All that a change may touch: settings, links, devices, files."""
        return {
            "sysctl": self.sh("cd /proc/sys && grep -rH '' net fs/nr_open fs/file-max 2>/dev/null | "
                              "grep -v 'nf_conntrack_count\\|route/flush\\|_time\\|/conf/.*mtu\\|gc_min'", fails=True),
            "links": self.sh("ip -d link | sed 's/[a-z_]*timer  *[0-9.]*//g'"),
            "routes": self.sh("ip route; ip -6 route"),
            "ethtool": self.sh("cat /run/ethtool 2>/dev/null", fails=True),
            "queues": self.sh("cat /sys/class/net/eth0/queues/rx-0/rps_cpus", fails=True),
            "files": self.sh("find /etc -newer /run/ready -type f -exec md5sum {} + | sort", fails=True),
            "hashsize": self.sh("cat /sys/module/nf_conntrack/parameters/hashsize 2>/dev/null", fails=True),
        }  # fmt: skip


@pytest.fixture
def machine(needs_root: None) -> Iterator[Machine]:
    """A machine that is gone afterwards."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare")
    command = [
        "unshare",
        "-m",
        "-n",
        "-p",
        "-f",
        "--kill-child",
        "--mount-proc",
        "--propagation",
        "private",
        "sh",
        "-c",
        SETUP,
    ]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/"
    )
    try:
        yield Machine(_ready(process))
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()


def _files_below(folder: Path) -> list[Path]:
    """The files of a tree in which others make and remove things meanwhile: what goes away is passed over."""
    return sorted(Path(parent, name) for parent, _, names in os.walk(folder) for name in names)


def _ready(process: subprocess.Popen[bytes]) -> int:
    """The id of the machine's first process, once it is set up."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        found = children.read_text().split()
        if found and Path("/proc", str(found[0]), "root", "run/ready").exists():
            return int(found[0])
        time.sleep(0.01)
    process.kill()
    assert process.stdout is not None
    raise RuntimeError(process.stdout.read().decode())


@pytest.fixture(scope="session")
def rules_with() -> Callable[..., HostRules]:
    """The rules of a host for which some variables are declared."""
    ruleset = load_ruleset()

    def make(variables: Mapping[str, object]) -> HostRules:
        inventory = {"netaudit_vars": dict(variables)} if variables else {}
        rules = ruleset.for_host("web1", inventory, lambda _: frozenset({"web1"}))
        return replace(rules, domains=rules.domains | DOMAINS)

    return make


@pytest.fixture(scope="session")
def plan_on() -> Callable[..., tuple[HostPlan, Facts]]:
    """Plans for a machine as it is."""
    remediations = load_remediations(load_ruleset())

    def make(machine: Machine, rules: HostRules, choices: Choices) -> tuple[HostPlan, Facts]:
        facts, now = machine.facts(rules), datetime.now(UTC)
        results = evaluate(rules, facts, now)
        return host_plan(Material(rules, facts, results, remediations, choices, now)), facts

    return make


@pytest.fixture(scope="session")
def verdict() -> Callable[..., Verdict]:
    """What one check says of a machine as it is."""

    def judge(machine: Machine, rules: HostRules, check: str) -> Verdict:
        results: tuple[Result, ...] = evaluate(rules, machine.facts(rules), datetime.now(UTC))
        return next(result.verdict for result in results if result.check == check)

    return judge


@pytest.fixture(scope="session")
def shipped_ids() -> set[str]:
    """The ids of the shipped remediations that change something."""
    remediations = load_remediations(load_ruleset())
    return {
        each.id
        for each in remediations.all
        if any(step.operation != "advise" for rule in each.rules.values() for step in rule.steps)
    }


@pytest.fixture(scope="session")
def operation_names() -> set[str]:
    """The operations that shipped remediations are made of."""
    remediations = load_remediations(load_ruleset())
    return {step.operation for each in remediations.all for rule in each.rules.values() for step in rule.steps}
