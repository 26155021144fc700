"""A fleet on its worst day: each host ends in one status of the contract, and none holds up or harms another.

All of it is one run over one inventory. The servers are real sshd on the loopback, some of whose accounts do something
else than to run a shell, and sockets that only look like SSH servers.
"""

from __future__ import annotations

import getpass
import json
import os
import shlex
import shutil
import socket
import subprocess
import threading
import time
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from netaudit.model.probe import Section, SectionStatus
from netaudit.wire.frame import encode

pytestmark = pytest.mark.xdist_group("bad-hosts")

VERSION = b"SSH-2.0-Test_1.0\r\n"
CONNECT_S = 8  # for tarpits: all of them are waited for at once


def silence(connection, stop):
    """Says nothing."""
    stop.wait()


def junk(connection, stop):
    """A line that is no banner now and then, for ever."""
    while not stop.wait(0.1):
        connection.sendall(b"%x\r\n" % int(time.time()))


def flood(connection, stop):
    """One line without end, with what a terminal would obey in it."""
    while not stop.is_set():
        connection.sendall(b"\x1b]0;owned\x07" * 6000)


def http(connection, stop):
    """What a web server says to an SSH client."""
    connection.recv(1024)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n\x1b[31m<html>")


def hang_up(connection, stop):
    """Leaves before a word."""


def stalled(connection, stop):
    """Names itself and then says nothing in the key exchange."""
    connection.sendall(VERSION)
    stop.wait()


def half_way(connection, stop):
    """Names itself, hears what we offer, and leaves."""
    connection.sendall(VERSION)
    connection.recv(64)
    time.sleep(0.05)


SOCKETS = {
    "tarpit": silence, "endlessh": junk, "flood": flood, "http": http, "hang-up": hang_up, "stalled": stalled,
    "half-way": half_way,
}  # fmt: skip


@dataclass
class Pretender:
    """A listener that does one thing to each who connects."""

    behave: object

    def __post_init__(self):
        self.stop = threading.Event()
        self.connections = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with suppress(OSError), connection:
            self.behave(connection, self.stop)

    def close(self):
        """End it and every connection."""
        self.stop.set()
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        for each in (self.socket, *self.connections):
            with suppress(OSError):
                each.close()


def _forged() -> bytes:
    """A whole answer in frames, of somebody who does not know the nonce."""
    section = Section("sysctl", SectionStatus.COMPLETE, 0, b"==> net/core/somaxconn <==\n1\n", b"", 1)
    return encode([section], "0123456789abcdef" * 2)[0]


# The sshd of a session, whether or not its login shell stands in between.
SSHD_ABOVE = (
    "pid=$PPID; until read -r comm </proc/$pid/comm && [ $comm = sshd ]; do read -r _ _ _ pid _ </proc/$pid/stat; done"
)


def _sessions(folder: Path) -> dict[str, str]:
    """What the accounts of some hosts do in place of running the command: the text of a ForceCommand."""
    forged = folder / "frames"
    forged.write_bytes(_forged())
    return {
        "gigabyte": "head -c 1073741824 /dev/zero",
        "gigabyte-aside": "head -c 1073741824 /dev/zero | tr '\\0' x >&2",
        "forged": f'cat {forged}; cat {forged} >&2; sh -c "$SSH_ORIGINAL_COMMAND"; cat {forged}',
        "noisy": "printf '\\033]0;owned\\007Welcome <b>\\303\\050\\n'; exec sh -c \"$SSH_ORIGINAL_COMMAND\"",
        "cut": f"head -c 2000 >/dev/null; {SSHD_ABOVE}; kill -9 $pid",
        "shell-killed": 'sh -c "$SSH_ORIGINAL_COMMAND" | head -c 3000; kill -9 $$',
        "no-shell": "echo 'This account is currently not available.'; exit 1",
        "silent-shell": "exit 0",
        "pipe-closed": "exec <&- >&- 2>&-; sleep 1",
    }


EXPECTED = {
    "good": None,
    "refused": ("unreachable", "refused"),
    "filtered": ("unreachable", "connect-timeout"),
    "no-address": ("unreachable", "dns"),
    "tarpit": ("unreachable", "connect-timeout"),
    "endlessh": ("unreachable", "connect-timeout"),
    "flood": ("unreachable", "protocol"),
    "http": ("unreachable", "protocol"),
    "hang-up": ("unreachable", "disconnected"),
    "stalled": ("unreachable", "connect-timeout"),
    "half-way": ("unreachable", "disconnected"),
    "unknown-key": ("unreachable", "host-key-unknown"),
    "changed-key": ("unreachable", "host-key-mismatch"),
    "wrong-key": ("unreachable", "auth-failed"),
    "wrong-user": ("unreachable", "auth-failed"),
    "no-key-file": ("unreachable", "key-unreadable"),
    "locked-key": ("unreachable", "key-unreadable"),
    "gigabyte": ("error", "output-too-large"),
    "gigabyte-aside": ("error", "output-too-large"),
    "forged": None,
    "noisy": None,
    "cut": ("error", "disconnected"),
    "shell-killed": ("error", "disconnected"),
    "no-shell": ("error", "no-shell"),
    "silent-shell": ("error", "no-shell"),
    "pipe-closed": ("error", "no-shell"),
    "also-good": None,
}


def _program(name):
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def _keygen(path, passphrase=""):
    subprocess.run(
        [_program("ssh-keygen"), "-q", "-t", "ed25519", "-N", passphrase, "-f", path], check=True, timeout=60
    )
    return path


def _public(key):
    return " ".join(key.with_name(key.name + ".pub").read_text().split()[:2])


def _fingerprint(key):
    command = [_program("ssh-keygen"), "-l", "-f", key]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()[1]


def _plain_login(folder: Path) -> list[str]:
    """What to start a server with, so that it knows nothing of the login profile of whoever runs the tests."""
    if os.geteuid() != 0:
        return []
    lines = Path("/etc/passwd").read_text().splitlines()
    plain = [f"root:x:0:0::{folder}:/bin/sh" if line.startswith("root:") else line for line in lines]
    (folder / "passwd").write_text("\n".join([*plain, ""]))
    script = 'mount --bind "$1" /etc/passwd && shift && exec "$@"'
    return ["unshare", "-m", "sh", "-c", script, "sh", str(folder / "passwd")]


class Sshd:
    """An sshd on the loopback, and everything that runs on its behalf."""

    def __init__(self, folder, host_key, user_key, force=None):
        folder.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (folder / "authorized_keys").write_text(_public(user_key) + "\n")
        lines = [
            f"ListenAddress 127.0.0.1:{self.port}", f"HostKey {host_key}", "PidFile none", "UsePAM no",
            "StrictModes no",
            "PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin yes", "LogLevel ERROR",
            f"AuthorizedKeysFile {folder / 'authorized_keys'}", "MaxStartups 100",
        ]  # fmt: skip
        if force is not None:
            (folder / "force").write_text(f"{force}\n")
            lines.append(f"ForceCommand /bin/sh {shlex.quote(str(folder / 'force'))}")
        (folder / "sshd_config").write_text("\n".join([*lines, ""]))
        self.process = subprocess.Popen(
            [*_plain_login(folder), _program("sshd"), "-D", "-f", folder / "sshd_config", "-E", folder / "log"],
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def answers(self):
        """Whether it takes connections."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def sessions(self):
        """The processes that descend from it."""
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        found, queue = [], [self.process.pid]
        while queue:
            queue += (children := parents.get(queue.pop(), []))
            found += children
        return found

    def close(self):
        """End it with all that it has started."""
        for pid in (self.process.pid, *self.sessions()):
            with suppress(ProcessLookupError):
                subprocess.run(["kill", "-9", str(pid)], capture_output=True, timeout=10)
        self.process.wait(timeout=10)


@pytest.fixture(scope="module")
def world(tmp_path_factory, kit):
    """The servers, their keys, and the inventory of them all."""
    folder = tmp_path_factory.mktemp("world")
    if getpass.getuser() == "root":
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    keys = {name: _keygen(folder / name) for name in ("user", "other-user", "host", "other-host")}
    keys["locked"] = _keygen(folder / "locked", "open sesame")
    force = _sessions(folder)
    servers, ports = {}, {}
    try:
        for name in ("good", *force):
            servers[name] = Sshd(folder / name, keys["host"], keys["user"], force.get(name))
        for name, behave in SOCKETS.items():
            servers[name] = Pretender(behave)
        full = socket.create_server(("127.0.0.1", 0), backlog=0)  # a queue that is full drops what comes
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        ports = {name: server.port for name, server in servers.items()}
        ports["filtered"] = full.getsockname()[1]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports["refused"] = free.getsockname()[1]
        sshds = [server for server in servers.values() if isinstance(server, Sshd)]
        assert kit.eventually(lambda: all(server.answers() for server in sshds))
        yield SimpleNamespace(folder=folder, keys=keys, servers=servers, sshds=sshds, ports=ports)
    finally:
        for server in servers.values():
            server.close()
    for each in (full, *waiting):
        each.close()


def _inventory(world):
    """An inventory file of the world, and its known_hosts, in a folder of their own."""
    known_hosts = world.folder / "known_hosts"
    own = {"unknown-key": world.ports["cut"], "changed-key": world.ports["noisy"]}
    lines, hosts = [], {}
    for name in EXPECTED:
        port = own.get(name) or world.ports.get(name, world.ports["good"])
        hosts[name] = {
            "ansible_host": "no-such-host.invalid" if name == "no-address" else "127.0.0.1",
            "ansible_port": port,
            "ansible_ssh_common_args": f"-o HostKeyAlias={name}",
        }
        if name not in {"unknown-key", "changed-key"}:
            lines.append(f"{name} {_public(world.keys['host'])}")
    lines.append(f"changed-key {_public(world.keys['other-host'])}")
    known_hosts.write_text("".join(f"{line}\n" for line in lines))
    hosts["wrong-key"]["ansible_ssh_private_key_file"] = str(world.keys["other-user"])
    hosts["no-key-file"]["ansible_ssh_private_key_file"] = str(world.folder / "nowhere")
    hosts["locked-key"]["ansible_ssh_private_key_file"] = str(world.keys["locked"])
    hosts["wrong-user"]["ansible_user"] = "nobody-of-that-name"
    for each in hosts.values():
        each["ansible_ssh_common_args"] += f" -o UserKnownHostsFile={known_hosts} -o IdentitiesOnly=yes"
    variables = {"ansible_user": getpass.getuser(), "ansible_ssh_private_key_file": str(world.keys["user"])}
    inventory = world.folder / "inventory.json"
    inventory.write_text(json.dumps({"all": {"vars": variables, "hosts": hosts}}))
    return inventory.rename(world.folder / "inventory.yaml")


@pytest.fixture(scope="module")
def run(world, session_netaudit):
    """The run, with a bound on the memory that it may take."""
    done = session_netaudit(
        "audit", "-i", _inventory(world), "--connect-timeout", f"{CONNECT_S}s", "--timeout", "100s", "-f", "12",
        "-o", "json", "-o", "console=bad-hosts.txt", code=3,
        before=["sh", "-c", 'ulimit -v 1500000; exec "$@"', "sh"],
    )  # fmt: skip
    audit = done.json()
    return SimpleNamespace(
        done=done, audit=audit, hosts={each["name"]: each for each in audit["hosts"]},
        seen=(session_netaudit.home / "bad-hosts.txt").read_text(),
    )  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_each_host_ends_in_its_own_way(run, name):
    """One status, one kind, a printable message of bounded length; a good host has its results."""
    host = run.hosts[name]
    if EXPECTED[name] is None:
        assert ("ok", None) == (host["status"], host["error"])
        assert len(host["results"]) > 50
        return
    assert EXPECTED[name] == (host["status"], host["error"]["kind"]), host["error"]
    assert [] == host["results"]
    assert 10 < len(host["error"]["message"]) < 1000
    assert host["error"]["message"].isprintable()
    assert host["error"]["hint"].isprintable()


def test_the_report_as_a_whole(run, published):
    """As published; every host once, in the inventory's order; the totals are those of the hosts; nothing is obeyed."""
    published("audit-1", run.audit)
    assert list(EXPECTED) == [each["name"] for each in run.audit["hosts"]]
    counted = {
        status: sum(each is not None and each[0] == status for each in EXPECTED.values())
        for status in ("unreachable", "error")
    }
    assert counted == {status: run.audit["summary"][status] for status in counted}
    for text in (run.done.out, run.done.err, run.seen):
        assert [] == [sign for sign in text if sign != "\n" and unicodedata.category(sign) in {"Cc", "Cf"}]
    for name, kind in EXPECTED.items():
        if kind is not None:
            assert f"{kind[0]} · {kind[1]}" in run.seen
            assert name in run.seen


def test_a_changed_key_is_told_with_both(run, world):
    """Both fingerprints, and the file and line of the one that is stored; an unknown one with the fingerprint."""
    message = run.hosts["changed-key"]["error"]["message"]
    assert _fingerprint(world.keys["host"]) in message
    assert _fingerprint(world.keys["other-host"]) in message
    lines = (world.folder / "known_hosts").read_text().splitlines()
    number = next(number for number, line in enumerate(lines, 1) if line.startswith("changed-key "))
    assert f"{world.folder / 'known_hosts'}:{number}" in message
    assert "ssh-keygen" in run.hosts["changed-key"]["error"]["hint"]
    unknown = run.hosts["unknown-key"]["error"]
    assert _fingerprint(world.keys["host"]) in unknown["message"]
    assert "netaudit trust unknown-key" in unknown["hint"]


def test_forged_frames_are_noise(run):
    """Frames with another nonce close no section and open none: they are noted, and the answer is the host's own."""
    forged, good = ({r["check"]: r for r in run.hosts[name]["results"]} for name in ("forged", "good"))
    check = "tcp.accept_queue.somaxconn"
    assert good[check]["observed"] == forged[check]["observed"] != 1
    assert any("before the answer" in note for note in run.hosts["forged"]["notes"])
    assert any("Welcome <b>" in note for note in run.hosts["noisy"]["notes"])


def test_nothing_is_left_of_any_session(run, world, kit):
    """Neither the sender of a gigabyte nor anything else runs on once the command has ended."""
    assert kit.eventually(lambda: not any(server.sessions() for server in world.sshds))
