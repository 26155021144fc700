"""A host with a real systemd as its first process: booted, logged in to by SSH, rebooted, and gone afterwards.

Its root is an overlay over this machine's, its network, processes, mounts and control groups are its own. What it
writes outlives a reboot, as on a disk; each boot has another boot id, a fresh network namespace and an empty /run.
Settings of the whole machine are read-only to it. Where this kernel or this machine does not allow such a host the
tests are skipped, and say why.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

SYSTEMD = Path("/lib/systemd/systemd")
ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL")  # whatever ends the tests also ends what they have started
NEEDED = ("setpriv", "unshare", "nsenter", "sshd", "ssh-keygen", "ip", "systemd-run")
BOOT_S = 60
# The mounts of a boot, in namespaces of their own; then systemd takes the place of the shell.
BOOT = r"""
set -eu
mount --make-rprivate /
disk=$1 flag=$2 address=$3 controller=$4
mkdir -p $disk/up $disk/work $disk/root
mount -t overlay none -o lowerdir=/,upperdir=$disk/up,workdir=$disk/work $disk/root
cd $disk/root
mkdir -p proc sys dev run tmp .old
mount -t proc none proc
mount -t sysfs none sys
mount -t cgroup2 none sys/fs/cgroup
mount -t tmpfs none run
mount -t tmpfs none tmp
mount -t tmpfs none dev
mkdir dev/pts dev/shm run/lock
mount -t devpts none dev/pts -o newinstance,ptmxmode=0666
for node in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 dev/${node%:*} c 1 ${node#*:}; done
mknod -m 666 dev/tty c 5 0
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
cp $flag.boot_id run/boot_id
mkdir run/proc
mount -t proc none run/proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount --bind run/proc/sys/net proc/sys/net
mount --bind run/boot_id proc/sys/kernel/random/boot_id
umount run/proc
until [ -e $flag ]; do sleep 0.02; done
ip link set lo up
ip link set eth0 up
ip address add $address/30 dev eth0
ip route add default via $controller
pivot_root . .old
umount -l /.old
rmdir /.old
cd /
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=host.target \
    --log-target=console --show-status=false
"""
_STARTED = frozenset({".service", ".socket", ".mount", ".automount", ".timer", ".path"})
# What stands on its disk before the first boot: of this machine's units only those that a host like this needs.
UNITS: Mapping[str, str] = {
    "host.target": "[Unit]\nRequires=basic.target\nWants=ssh.service systemd-sysctl.service dbus.socket\n",
    "ssh.service": "[Unit]\nAfter=systemd-sysctl.service\n[Service]\nRuntimeDirectory=sshd\n"
    "ExecStart=/usr/sbin/sshd -D -e -f /etc/ssh/host.conf\n",
    "systemd-sysctl.service": "[Unit]\nDefaultDependencies=no\nBefore=sysinit.target\n[Service]\nType=oneshot\n"
    "RemainAfterExit=yes\nExecStart=/lib/systemd/systemd-sysctl\n",
    "web.service": "[Service]\nExecStart=/usr/bin/python3 -c 'import socket, time; s = socket.socket(); "
    's.setsockopt(1, 2, 1); s.bind(("0.0.0.0", 8080)); s.listen(65535); time.sleep(86400)\'\n',
}
SSHD = """ListenAddress 0.0.0.0
HostKey /etc/ssh/host_key
AuthorizedKeysFile /etc/ssh/host_authorized
PermitRootLogin prohibit-password
PasswordAuthentication no
StrictModes no
UsePAM no
PidFile none
"""


@dataclass
class SystemdHost:
    """The host, its disk, and the controller's files."""

    folder: Path
    network: str = field(default_factory=lambda: f"198.18.{random.randint(192, 254)}.{4 * random.randint(1, 62)}")
    name: str = field(default_factory=lambda: f"nsd{uuid.uuid4().hex[:6]}")
    pid: int = 0  # of its systemd, as this machine sees it
    _holder: subprocess.Popen[bytes] | None = None
    _boot: subprocess.Popen[bytes] | None = None

    @property
    def addresses(self) -> tuple[str, str]:
        """Its own address, and the controller's."""
        head, _, last = self.network.rpartition(".")
        return f"{head}.{int(last) + 2}", f"{head}.{int(last) + 1}"

    # its life

    def make(self) -> None:
        """Give it a disk (memory of a process that lives as long as the host) and what stands on it."""
        (self.folder / "disk").mkdir()
        (self.folder / "cgroup").mkdir()
        self._holder = subprocess.Popen(
            [*ENDS_WITH_US, "unshare", "-m", "--propagation", "private", "sh", "-c",
             'mount -t tmpfs none "$0/disk" && mkdir "$0/disk/up" && : >"$0/disk/up/.made" && exec sleep 3600',
             str(self.folder)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/",
        )  # fmt: skip
        disk = self._disk()
        _until((disk / ".made").exists, "a disk")
        for user in ("host", "client"):
            self._run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / user))
        self._run("mount", "-t", "cgroup2", "none", str(self.folder / "cgroup"))
        self._group().mkdir()
        self._furnish()

    def _furnish(self) -> None:
        etc = self._disk() / "etc"
        for name, text in UNITS.items():
            self._put(etc / "systemd/system" / name, text)
        for name in _masked(UNITS):
            path = etc / "systemd/system" / name
            path.unlink(missing_ok=True)
            path.symlink_to("/dev/null")
        for path, text in {
            "fstab": "", "machine-id": uuid.uuid4().hex + "\n", "hostname": "web1\n",
            "hosts": "127.0.0.1 localhost web1\n", "ssh/host.conf": SSHD,
            "ssh/host_key": (self.folder / "host").read_text(), "sysctl.conf": "",
            "ssh/host_authorized": (self.folder / "client.pub").read_text(),
        }.items():  # fmt: skip
            self._put(etc / path, text)
        (etc / "ssh/host_key").chmod(0o600)
        for folder in ("etc/sysctl.d", "usr/lib/sysctl.d"):  # those of this machine are not its own
            (self._disk() / folder).mkdir(parents=True, exist_ok=True)
            os.setxattr(self._disk() / folder, "trusted.overlay.opaque", b"y")

    def boot(self) -> None:
        """Start it and wait until SSH is answered. Raises RuntimeError, with what its systemd said."""
        flag = self.folder / f"boot-{time.monotonic_ns()}"
        flag.with_name(flag.name + ".boot_id").write_text(f"{uuid.uuid4()}\n")
        assert self._holder is not None
        shell = 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"'
        said = (self.folder / "said").open("ab")
        self._boot = subprocess.Popen(
            [*ENDS_WITH_US, "sh", "-c", shell, "sh", str(self._group()), "nsenter", "-t", str(self._holder.pid), "-m",
             "unshare", "-m", "-n", "-p", "-C", "-u", "-f", "--kill-child", "--propagation", "private",
             "sh", "-c", BOOT, "sh", str(self.folder / "disk"), str(flag), *self.addresses],
            stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/", start_new_session=True,
        )  # fmt: skip
        said.close()
        children = Path(f"/proc/{self._boot.pid}/task/{self._boot.pid}/children")
        try:
            _until(lambda: bool(children.read_text().split()), "a first process")
            self.pid = int(children.read_text().split()[0])
            self._run("ip", "link", "add", self.name, "type", "veth", "peer", "name", "eth0", "netns", str(self.pid))
            self._run("ip", "address", "add", f"{self.addresses[1]}/30", "dev", self.name)
            self._run("ip", "link", "set", self.name, "up")
            flag.touch()
            self.await_logins()
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            raise RuntimeError(f"{error}\n{(self.folder / 'said').read_text()[-3000:]}") from error

    def await_logins(self) -> None:
        """Wait until its sshd listens. Raises RuntimeError when it never does."""
        _until(lambda: ":22 " in self.sh("ss -Hltn", fails=True), "listening sshd")

    def gone(self) -> None:
        """Wait until it is off. What ran on it has ended then, and its network is gone."""
        assert self._boot is not None
        self._boot.wait(BOOT_S)
        with suppress(subprocess.CalledProcessError):
            self._run("ip", "link", "delete", self.name)  # else the kernel takes it away when it has time

    def reboot(self, word: str = "reboot") -> None:
        """Let it shut down by itself and boot again; with ``--force --force`` in the way of a cut of power."""
        self.sh(f"systemctl {word} --no-block", fails=True)
        self.gone()
        self.boot()

    def power_cut(self) -> None:
        """Everything on it ends at once."""
        os.kill(self.pid, signal.SIGKILL)
        self.gone()

    def unmake(self) -> None:
        """Leave nothing of it."""
        for process in (self._boot, self._holder):
            if process is not None:
                process.send_signal(signal.SIGKILL)
                process.wait()
                if process.stderr is not None:
                    process.stderr.close()
        with suppress(subprocess.CalledProcessError):
            self._run("ip", "link", "delete", self.name)
        if self._group().exists():
            for folder in sorted((path for path in self._group().rglob("*") if path.is_dir()), reverse=True):
                _removed(folder)
            _removed(self._group())
        with suppress(subprocess.CalledProcessError):
            self._run("umount", str(self.folder / "cgroup"))

    # what is done on it

    def sh(self, script: str, *, fails: bool = False) -> str:
        """What a shell on it prints."""
        done = subprocess.run(
            ["nsenter", "-t", str(self.pid), "-m", "-n", "-p", "-u", "-C", "sh", "-uc", script],
            capture_output=True, text=True, timeout=BOOT_S, cwd="/", stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
        )  # fmt: skip
        assert fails or 0 == done.returncode, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def inventory(self, **variables: object) -> Path:
        """An inventory that has it, by address and key."""
        key = (self.folder / "host.pub").read_text()
        known = self.folder / "known_hosts"
        known.write_text(f"{self.addresses[0]} {key}")
        host = {
            "ansible_host": self.addresses[0], "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.folder / "client"),
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={known}", "netaudit_vars": variables,
        }  # fmt: skip
        path = self.folder / "inventory.json"
        path.write_text(json.dumps({"all": {"hosts": {"web1": host}}}))
        return path

    # small things

    def _disk(self) -> Path:
        """What it has written, as this machine sees it."""
        assert self._holder is not None
        return Path(f"/proc/{self._holder.pid}/root{self.folder}/disk/up")

    def _group(self) -> Path:
        return self.folder / "cgroup" / self.name

    @staticmethod
    def _put(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    @staticmethod
    def _run(*words: str) -> None:
        subprocess.run(words, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=30)


def _masked(own: Mapping[str, str]) -> Iterator[str]:
    """The services, sockets, mounts and timers of this machine that a host in namespaces must not start."""
    kept = {*own, "dbus.service", "dbus.socket", "systemd-reboot.service", "systemd-poweroff.service"}
    for folder in (Path("/lib/systemd/system"), Path("/etc/systemd/system")):
        for path in folder.glob("*.*"):
            if path.suffix in _STARTED and path.name not in kept and "@" not in path.name:
                yield path.name


def _removed(group: Path) -> None:
    """Remove a control group; one whose processes have just ended may be busy for a moment."""
    for _ in range(200):
        with suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.02)


def _until(is_so: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + BOOT_S
    while time.monotonic() < end:
        with suppress(OSError):
            if is_so():
                return
        time.sleep(0.05)
    raise RuntimeError(f"no {what} after {BOOT_S} s")


@pytest.fixture
def systemd_host(needs_root: None, tmp_path: Path) -> Iterator[SystemdHost]:
    """A host that has booted."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing or not SYSTEMD.exists():
        pytest.skip(f"needs {', '.join(missing) or 'systemd'}")
    if "cgroup2" not in Path("/proc/filesystems").read_text():
        pytest.skip("this kernel has no cgroup2, which systemd needs")
    host = SystemdHost(tmp_path)
    try:
        try:
            host.make()
            host.boot()
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            pytest.skip(f"systemd cannot run as the first process of a host here: {error}")
        yield host
    finally:
        host.unmake()


@pytest.fixture
def netaudit(systemd_host: SystemdHost, tmp_path: Path) -> Callable[..., Any]:
    """The command, on this machine: what it prints as JSON, or the process that runs."""
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state"),
    }  # fmt: skip

    def run(*words: str, code: int | None = 0, started: bool = False, as_json: bool = True) -> Any:
        form: Sequence[str] = ("-o", "json") if as_json else ()
        process = subprocess.Popen(
            [sys.executable, "-m", "netaudit", *words, *form], env=environment, cwd=tmp_path,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        if started:
            return process
        out, err = process.communicate(timeout=200)
        assert code in {None, process.returncode}, f"{process.returncode}\n{err[-3000:]}{out[-3000:]}"
        return json.loads(out) if as_json else out + err

    return run
