"""Brings a lab up, says how it is, and takes it down, also one whose set-up was cut short.

Everything a lab makes carries its id in the name (bridge ``nlXXXX``, namespaces ``netaudit-nlXXXX-…``) or lies in its
directory, so ``down`` finds it all without a record: the record only saves it from asking twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from netaudit.errors import LabError
from netaudit.lab import network
from netaudit.lab.files import (
    SSH_PORT,
    baseline_text,
    hosts_text,
    init_text,
    inventory_text,
    passwd_text,
    sshd_config_text,
    sysctl_text,
)
from netaudit.lab.plan import MAX_HOSTS, HostPlan, plan_hosts

_MARK = ".netaudit-lab"  # a directory without it is never removed
_PROGRAMS = {
    "ip": "iproute2", "sshd": "openssh-server", "ssh-keygen": "openssh-client", "unshare": "util-linux",
    "mount": "mount", "hostname": "hostname", "mkfifo": "coreutils", "setpriv": "util-linux",
}  # fmt: skip
_READY_WITHIN_S = 30.0
_GONE_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class LabStatus:
    """What of a lab is there."""

    directory: Path
    inventory: Path
    planned: int
    running: int
    network: str


class Lab:
    """One lab, in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self._children: list[subprocess.Popen[bytes]] = []
        self._id = "nl" + hashlib.sha256(str(self.directory).encode()).hexdigest()[:4]

    @property
    def inventory(self) -> Path:
        """The inventory to give to ``-i``."""
        return self.directory / "inventory.yaml"

    @property
    def baseline(self) -> Path:
        """The baseline with the lab's waivers, to give to ``-b``."""
        return self.directory / "baseline.yaml"

    @property
    def bridge(self) -> str:
        """The name of the bridge that its hosts are plugged into."""
        return self._id

    @property
    def prefix(self) -> str:
        """How the names of all its network namespaces begin."""
        return f"netaudit-{self._id}-"

    def up(self, count: int, *, healthy: bool = False) -> tuple[HostPlan, ...]:
        """Set up ``count`` hosts and return once every sshd answers. Takes itself down again if that fails."""
        _require_root_and_programs()
        if not 1 <= count <= MAX_HOSTS:
            raise LabError(f"a lab holds 1 to {MAX_HOSTS} hosts, not {count}")
        if self._exists():
            raise LabError(f"there is a lab in {self.directory}", hint="netaudit lab down")
        try:
            block = network.claim_block(self._id)
            hosts = plan_hosts(count, block, healthy=healthy)
            self._write_files(hosts, block)
            self._start(hosts)
        except BaseException:
            self.down()
            raise
        return hosts

    def status(self) -> LabStatus:
        """How many hosts were planned and how many run. Raises LabError when there is no lab."""
        record = self._record()
        if record is None:
            raise LabError(f"there is no lab in {self.directory}", hint="netaudit lab up")
        running = sum(1 for name in network.namespaces_of(self.prefix) if network.pids_in([name]))
        return LabStatus(self.directory, self.inventory, int(record["hosts"]), running, str(record["network"]))

    def down(self) -> bool:
        """Remove every trace; true if there was any. Safe to call twice, and after a crash half-way."""
        _require_root()
        found = self._exists()
        namespaces = network.namespaces_of(self.prefix)
        _end_processes(network.pids_in(namespaces))
        while self._children:
            self._children.pop().wait()
        network.remove_namespaces(namespaces)
        network.remove_link(self._id)
        if (self.directory / _MARK).exists():
            shutil.rmtree(self.directory)
        return found

    def _exists(self) -> bool:
        return (self.directory / _MARK).exists() or bool(network.namespaces_of(self.prefix))

    def _record(self) -> dict[str, int | str] | None:
        try:
            record = json.loads((self.directory / _MARK).read_text())
        except (OSError, ValueError):
            return None
        return record if isinstance(record, dict) else None

    def _write_files(self, hosts: Sequence[HostPlan], block: ipaddress.IPv4Network) -> None:
        if self.directory.exists() and any(self.directory.iterdir()):
            raise LabError(f"{self.directory} is not empty", hint="choose another directory with --dir")
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / _MARK).write_text(json.dumps({"hosts": len(hosts), "network": str(block)}))
        _make_key(self.directory / "id_ed25519")
        (self.directory / "passwd").write_text(passwd_text(Path("/etc/passwd").read_text()))
        (self.directory / "hosts.txt").write_text(hosts_text(hosts))
        gateway = str(block.network_address + 1)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            keys = pool.map(lambda host: self._write_host(host, gateway, block.prefixlen), hosts)
            known = "".join(f"{host.address} {key}\n" for host, key in zip(hosts, keys, strict=True))
        (self.directory / "known_hosts").write_text(known)
        self.inventory.write_text(inventory_text(hosts, self.directory))
        self.baseline.write_text(baseline_text(hosts))

    def _write_host(self, host: HostPlan, gateway: str, prefix_length: int) -> str:
        own = self.directory / "hosts" / host.name
        (own / "sysctl.d").mkdir(parents=True)
        (own / "sysctl.d" / "60-site.conf").write_text(sysctl_text(host.dropin))
        (own / "sysctl.conf").write_text(sysctl_text(host.sysctl_conf))
        (own / "hostname").write_text(f"{host.name}\n")
        (own / "sshd_config").write_text(sshd_config_text(own))
        _make_key(own / "ssh_host_ed25519_key")
        script = init_text(host, self.directory, gateway=gateway, prefix_length=prefix_length, python=sys.executable)
        (own / "init.sh").write_text(script)
        kind, key, *_ = (own / "ssh_host_ed25519_key.pub").read_text().split()
        return f"{kind} {key}"

    def _start(self, hosts: Sequence[HostPlan]) -> None:
        running = [host for host in hosts if host.runs]
        names = {host.name: f"{self.prefix}{place:03d}" for place, host in enumerate(hosts)}
        network.make_links(self._id, {names[host.name]: host.address for host in running})
        children = {host.name: self._start_host(host, names[host.name]) for host in running}
        deadline = time.monotonic() + _READY_WITHIN_S
        for host in running:
            self._await_sshd(host, children[host.name], deadline)

    def _start_host(self, host: HostPlan, namespace: str) -> subprocess.Popen[bytes]:
        own = self.directory / "hosts" / host.name
        command = [
            "ip",
            "netns",
            "exec",
            namespace,
            "unshare",
            "--mount",
            "--uts",
            "--pid",
            "--fork",
            "--kill-child",
        ]
        command += ["--mount-proc", "--propagation", "private", "/bin/sh", str(own / "init.sh")]
        with (own / "init.log").open("wb") as log:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
            )
        self._children.append(child)
        return child

    def _await_sshd(self, host: HostPlan, child: subprocess.Popen[bytes], deadline: float) -> None:
        while time.monotonic() < deadline:
            try:
                socket.create_connection((host.address, SSH_PORT), timeout=1).close()
            except OSError:
                if child.poll() is not None:
                    break
                time.sleep(0.01)
            else:
                return
        log = (self.directory / "hosts" / host.name / "init.log").read_text(errors="replace").strip()
        raise LabError(f"{host.name} did not come up: {log.splitlines()[-1] if log else 'no sshd on its address'}")


def _end_processes(pids: Sequence[int]) -> None:
    """None of these processes is left when this returns, but for those that only their parent can reap."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + _GONE_WITHIN_S
    for pid in pids:
        while _is_running(pid) and time.monotonic() < deadline:
            time.sleep(0.002)


def _is_running(pid: int) -> bool:
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def _make_key(path: Path) -> None:
    done = subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "netaudit-lab", "-f", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise LabError(f"ssh-keygen: {done.stderr.strip()}")


def _require_root() -> None:
    if os.geteuid() != 0:
        raise LabError("the lab needs root: it makes network namespaces and starts sshd", hint="sudo netaudit lab …")


def _require_root_and_programs() -> None:
    _require_root()
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = sorted({package for program, package in _PROGRAMS.items() if shutil.which(program, path=path) is None})
    if missing:
        raise LabError(f"the lab needs {', '.join(missing)}", hint=f"apt-get install {' '.join(missing)}")
