"""A lab whose hosts are changed under guard, controllers that fail on purpose, and a look at what is left of it all."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from netaudit.app.guarded_host import Ways
from netaudit.app.journalling import Journalling
from netaudit.app.recovery import Recovery
from netaudit.lab import HostPlan, Lab, network
from netaudit.remedy.scripts import StepScript
from netaudit.remedy.work import FileState, Work, WorkStep
from netaudit.store.journal import open_journal
from netaudit.store.journal_rows import work_text

HOSTS = 84
WINDOW_S = 7
DROPIN = "/etc/sysctl.d/99-zz-netaudit.conf"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
# All that a change could leave behind, in one text: settings, links, routes, addresses, files, processes.
SNAPSHOT = r"""
grep -rs '' /proc/sys/net | grep -v 'nf_conntrack_count\|/neigh/.*/retrans\|/stat' | sort
ip -d link | sed 's/NO-CARRIER,//; s/state [A-Z]*//; s/,LOWER_UP//; s/ [0-9]*sec / /g; s/M-DOWN//'
ip -4 route show table all | sed 's/ linkdown//'
ip -4 addr | sed 's/NO-CARRIER,//; s/state [A-Z]*//; s/,LOWER_UP//; s/M-DOWN//'
find /etc/sysctl.d /etc/sysctl.conf -type f -exec cksum {} +
ls -la /etc/sysctl.d | sed 1,3d | cut -c1-40
find /run -path /run/netaudit -prune -o -print | sort
for process in /proc/[0-9]*; do
    tr '\0\n' '  ' <"$process/cmdline" 2>/dev/null
    echo
done | grep -v '^sed \|^sh -c\|^tr \|^grep \|^sort\|^sshd: [^/]\|^sleep 1000\|^$' |
    sed 's/[0-9]* of 200-200 startups//' | sort
"""


def _load_controller():
    spec = importlib.util.spec_from_file_location("guard_controller", Path(__file__).with_name("controller.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


controller = _load_controller()


def sysctl_step(key: str, before: str, after: str, **changes: object) -> WorkStep:
    """A sysctl in the fewest words."""
    path = f"/proc/sys/{key.replace('.', '/')}"
    script = {
        "read": f"[ -e {path} ] || exit 3\nexec cat {path}",
        "apply": f"echo '{after}' >{path}",
        "undo": f"echo '{before}' >{path}",
        "accepts": (after,),
    }
    return WorkStep(key, before, StepScript(**{**script, **changes}))


@dataclass
class GuardHost:
    """One host of the lab and how to look inside."""

    plan: HostPlan
    namespace: str
    lab: Lab
    _init: int = 0

    @property
    def name(self) -> str:
        """Its name in the inventory."""
        return self.plan.name

    @property
    def init(self) -> int:
        """Its first process, by its number on this machine."""
        if not self._init:
            for pid in network.pids_in([self.namespace]):
                with suppress(OSError):
                    words = Path(f"/proc/{pid}/status").read_text().split("NSpid:")[1].splitlines()[0].split()
                    if words[1:] == ["1"]:
                        self._init = pid
        return self._init

    def inside(self, script: str) -> str:
        """What a shell in all its namespaces prints."""
        return controller.inside({"init": self.init}, script)

    def snapshot(self) -> str:
        """Everything that a change could leave behind."""
        return self.inside(SNAPSHOT)

    def left(self) -> str:
        """What the guard itself has on this host."""
        return self.inside("find /run/netaudit -mindepth 1 -maxdepth 1 2>/dev/null | sort").strip()

    def work(self, *steps: WorkStep, **changes: object) -> Work:
        """Two settings and a file to make them last, unless it is said otherwise."""
        chosen = steps or (
            sysctl_step("net.core.somaxconn", "4096", "5000"),
            sysctl_step("net.ipv4.tcp_fin_timeout", "60", "30"),
        )
        text = b"net.core.somaxconn = 5000\nnet.ipv4.tcp_fin_timeout = 30\n"
        given = {"files": (FileState(DROPIN, text),), "confirm_within_s": WINDOW_S, "boot_id": BOOT_ID, **changes}
        return Work(host=self.name, steps=chosen, **given)

    def is_new(self) -> bool:
        """Whether the change of ``work`` holds, in the kernel and in the file."""
        said = self.inside(f"cat /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/tcp_fin_timeout; cat {DROPIN}")
        return said == "5000\n30\nnet.core.somaxconn = 5000\nnet.ipv4.tcp_fin_timeout = 30\n"

    def keep_sessions(self) -> None:
        """Look like a host with a logind, until it is made old again: one session is on its list."""
        self.inside("mkdir -p /run/systemd/sessions; : >/run/systemd/sessions/c1")

    def make_old(self) -> None:
        """Take a kept change back by hand, for the next test."""
        self.inside(
            "echo 4096 >/proc/sys/net/core/somaxconn; echo 60 >/proc/sys/net/ipv4/tcp_fin_timeout; "
            f"rm -rf {DROPIN} /run/netaudit /run/systemd"
        )


@dataclass
class GuardLab:
    """The hosts, and the controllers that are let loose on them."""

    lab: Lab
    hosts: list[GuardHost]
    directory: Path
    snapshot_script: str = SNAPSHOT
    _jobs: int = 0
    _taken: int = 0
    results: dict[str, dict] = field(default_factory=dict)

    @property
    def gateway(self) -> str:
        """The address of this machine in the lab."""
        return self.hosts[0].inside("ip -4 route show default").split()[2]

    def take(self) -> GuardHost:
        """A host that nobody else uses until all have had their turn."""
        self._taken += 1
        return self.hosts[self._taken % len(self.hosts)]

    def job(self, host: GuardHost, work: Work | None = None, **more: object) -> dict:
        """One change to be driven by ``controller.py``."""
        self._jobs += 1
        own = self.directory / f"job{self._jobs}"
        own.mkdir()
        return {
            "host": host.name,
            "address": host.plan.address,
            "identity": str(self.lab.directory / "id_ed25519"),
            "known_hosts": str(self.lab.directory / "known_hosts"),
            "init": host.init,
            "snapshot": SNAPSHOT,
            "lift": "",
            "lift_after_s": 60,
            "work": work_text(work or host.work()),
            "run": f"run{self._jobs}",
            "db": str(own / "state" / "netaudit" / "netaudit.db"),
            "result": str(own / "result"),
            **more,
        }

    def start(self, jobs: list[dict]) -> subprocess.Popen:
        """Let controllers loose."""
        program = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("controller.py"))], stdin=subprocess.PIPE, text=True
        )
        program.stdin.write(json.dumps(jobs))
        program.stdin.close()
        return program

    def run(self, *jobs: dict) -> list[dict | None]:
        """What controllers report, each of itself; None of those that were killed."""
        assert 0 == self.start(list(jobs)).wait(120)
        return [self.result(job) for job in jobs]

    @staticmethod
    def result(job: dict) -> dict | None:
        """What one controller reported."""
        error = Path(job["result"] + ".error")
        assert not error.exists(), error.read_text()
        path = Path(job["result"])
        return json.loads(path.read_text()) if path.exists() else None

    def resume(self, *jobs: dict) -> list:
        """What another controller finds out afterwards."""

        async def one(job: dict):
            with open_journal(Path(job["db"])) as journal:
                way = controller.transport()
                recovery = Recovery(Ways(way, Journalling(journal, job["run"])), lambda _: controller.target_of(job))
                outcomes = await recovery.resume(journal.changes(job["run"]), lambda _: None)
                await way.close()
                return outcomes[0] if outcomes else None

        async def everything():
            gate = asyncio.Semaphore(6)

            async def held(job: dict):
                async with gate:
                    return await one(job)

            return await asyncio.gather(*(held(job) for job in jobs))

        return asyncio.run(everything())


@pytest.fixture(scope="session")
def guard_lab(tmp_path_factory):
    """A lab of healthy hosts that is gone afterwards, whatever happens."""
    if os.geteuid() != 0:
        pytest.skip("needs root: makes network namespaces and starts sshd")
    directory = tmp_path_factory.mktemp("guard")
    lab = Lab(directory / "lab")
    plans = lab.up(HOSTS, healthy=True)
    try:
        hosts = [GuardHost(plan, f"{lab.prefix}{place:03d}", lab) for place, plan in enumerate(plans)]
        yield GuardLab(lab, hosts, directory)
    finally:
        lab.down()


@pytest.fixture(scope="session")
def step():
    """Makes the steps of a work: ``step(key, before, after, apply=…)``."""
    return sysctl_step
