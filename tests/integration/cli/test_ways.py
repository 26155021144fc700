"""Every way to a host, and every way to root on it, with the real command and the lab's real hosts."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]


@pytest.fixture
def at_home(netaudit, lab_fleet):
    """A home from which the lab is reached as by any ssh user: its key and known_hosts lie in ~/.ssh."""
    lab, _ = lab_fleet
    dot_ssh = netaudit.home / ".ssh"
    dot_ssh.mkdir(mode=0o700)
    for name in ("id_ed25519", "known_hosts"):
        shutil.copy(lab.directory / name, dot_ssh / name)
        (dot_ssh / name).chmod(0o600)
    return lab


def _audit(netaudit, patient, *words, code=0):
    done = netaudit(
        "audit", *words, *patient, "-q", "-o", "json", "--no-history", "--fail-on", "critical", code=code
    )  # fmt: skip
    return done.json()["hosts"]


@pytest.mark.parametrize("transport", ["asyncssh", "paramiko"])
@pytest.mark.parametrize("through", [("web02",), ("web02", "api01")], ids=["one", "chain"])
def test_through_jump_hosts(netaudit, at_home, lab_hosts, patient, transport, through):
    """Through one host and through a chain of two: the target sees the last of them, not this machine."""
    target, last = lab_hosts["web01"], lab_hosts[through[-1]]
    # The target drops whatever comes from anywhere but the last jump host: only that way leads there.
    target.inside(f"""
        nft add table inet test
        nft add chain inet test in '{{ type filter hook input priority 0; }}'
        nft add rule inet test in tcp dport 22 ip saddr != {last.plan.address} drop
    """)
    try:
        jumps = ",".join(f"root@{lab_hosts[name].plan.address}" for name in through)
        (host,) = _audit(netaudit, patient, "web01", "-i", at_home.inventory, "--transport", transport, "-J", jumps)
        assert ("ok", None) == (host["status"], host["error"])
        assert len(host["results"]) > 50
        (host,) = _audit(
            netaudit, (), "web01", "-i", at_home.inventory, "--transport", transport, "--connect-timeout", "2s", code=3
        )
        assert ("unreachable", "connect-timeout") == (host["status"], host["error"]["kind"])
    finally:
        target.inside("nft delete table inet test")


def test_a_jump_host_that_fails_is_named(netaudit, at_home, lab_hosts, patient):
    """The error tells that it is the jump host's, and which."""
    jump = lab_hosts["web02"].plan.address
    (host,) = _audit(netaudit, patient, "web01", "-i", at_home.inventory, "-J", f"nosuchuser@{jump}", code=3)
    assert ("unreachable", "auth-failed") == (host["status"], host["error"]["kind"])
    assert host["error"]["message"].startswith("jump host nosuchuser@")
    assert jump in host["error"]["message"]
    (host,) = _audit(netaudit, patient, "web01", "-i", at_home.inventory, "-J", f"{jump}:1", code=3)
    assert ("unreachable", "refused") == (host["status"], host["error"]["kind"])


def test_an_ssh_config_counts(netaudit, at_home, lab_hosts, patient):
    """Aliases, users and jumps of an ssh_config are what OpenSSH makes of them; --no-ssh-config leaves them out."""
    first, second = (lab_hosts[name].plan.address for name in ("web01", "web02"))
    config = netaudit.home / "ssh_config"
    config.write_text(
        f"Host *\n  UserKnownHostsFile {netaudit.home}/.ssh/known_hosts\n"
        f"Host *\n  IdentityFile {netaudit.home}/.ssh/id_ed25519\n"
        f"Host front\n  HostName {first}\n  User root\n"
        f"Host back\n  HostName {second}\n  User root\n  ProxyJump front\n"
    )
    (netaudit.home / "hosts.ini").write_text(f"[all]\nfront\nback\n[all:vars]\nansible_ssh_common_args=-F {config}\n")
    hosts = _audit(netaudit, patient, "-i", "hosts.ini")
    assert [("front", "ok"), ("back", "ok")] == [(host["name"], host["status"]) for host in hosts]
    hosts = _audit(netaudit, patient, "-i", "hosts.ini", "--no-ssh-config", code=3)
    assert ["dns", "dns"] == [host["error"]["kind"] for host in hosts]


@pytest.mark.parametrize("transport", ["asyncssh", "paramiko"])
def test_become(netaudit, lab_fleet, lab_hosts, patient, transport, tmp_path):
    """sudo makes known to a plain user's audit what was unknown before; where it is not allowed, that is the error."""
    lab, _ = lab_fleet
    host = lab_hosts["web12"]
    words = ("web12", "-i", lab.inventory, "--transport", transport)
    (before,) = _audit(netaudit, patient, *words)
    assert sum(result["status"] == "unknown" for result in before["results"]) >= 5
    (refused,) = _audit(netaudit, patient, *words, "--become", code=3)
    assert ("error", "become-failed") == (refused["status"], refused["error"]["kind"])
    assert "NOPASSWD" in refused["error"]["hint"]
    host.inside("""
        cp /etc/shadow /run/shadow
        echo 'auditor:*:20000::::::' >>/run/shadow
        echo 'auditor ALL=(root) NOPASSWD: ALL' >/run/sudoers
        chmod 440 /run/sudoers /run/shadow
        mount --bind /run/shadow /etc/shadow
        mount --bind /run/sudoers /etc/sudoers
    """)
    try:
        (after,) = _audit(netaudit, patient, *words, "--become")
    finally:
        host.inside("umount /etc/sudoers /etc/shadow; rm /run/sudoers /run/shadow")
    assert "ok" == after["status"]
    assert 0 == sum(result["status"] == "unknown" for result in after["results"])


def test_this_machine(netaudit, lab_hosts, published):
    """--transport local, `ansible_connection=local` and the implicit localhost need no SSH, and agree."""
    done = netaudit(
        "audit", "-i", "here,", "--transport", "local", "-q", "-o", "json", "--no-history", "--fail-on", "info", code=1
    )
    published("audit-1", done.json())
    (host,) = done.json()["hosts"]
    assert ("here", "ok") == (host["name"], host["status"])
    (netaudit.home / "hosts.ini").write_text("there ansible_connection=local\n")
    for words in (("there", "-i", "hosts.ini"), ("localhost", "-i", "hosts.ini")):
        done = netaudit("facts", *words)
        running = Path("/proc/sys/net/core/somaxconn").read_text().strip()
        assert running == done.json()["sysctl"]["net.core.somaxconn"]


def test_nothing_is_left_of_a_local_audit(netaudit, slow_host, kit):
    """A local run that is interrupted ends what it has started, itself inside a lab host."""
    inside = ["nsenter", "-t", str(slow_host.init), "-m", "-n", "-u", "-p"]
    before = slow_host.processes()
    process = netaudit.start(
        "audit", "-i", "here,", "--transport", "local", "-q", "--no-history", before=inside, cwd="/",
        env={"PYTHONPATH": str(kit.root), "XDG_CACHE_HOME": None},
    )  # fmt: skip
    assert kit.eventually(lambda: "sleep 4321" in slow_host.processes().values())
    subprocess.run(["kill", "-INT", str(_command(slow_host, before))], check=True, timeout=10)
    _, err = process.communicate(timeout=60)
    assert 130 == process.returncode, err
    assert kit.eventually(lambda: slow_host.processes().keys() == before.keys())


def _command(host, before):
    """The netaudit that runs on a host."""
    return next(pid for pid, line in host.processes().items() if pid not in before and line.startswith(sys.executable))
