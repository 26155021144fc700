"""Where logind ends what a user leaves behind at logout, as ``KillUserProcesses=yes`` has it do."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

ONLY = ("-b", "web-edge", "--only", "tcp.slow_start_after_idle", "--no-progress")
QUICK = ("--soak", "0s", "--yes")
VALUE = "cat /proc/sys/net/ipv4/tcp_slow_start_after_idle"
# A login of its own for somebody who is not root, with a session of logind, and sudo.
LOGINS = r"""
set -e
cd /etc
echo 'operator:x:1500:1500::/tmp:/bin/sh' >>passwd
echo 'operator:x:1500:' >>group
echo 'operator:*:19000:0:99999:7:::' >>shadow
echo 'operator ALL=(ALL) NOPASSWD: ALL' >sudoers
chmod 440 sudoers
printf '%s required pam_permit.so\n' auth account password >pam.d/sshd
echo 'session required pam_systemd.so' >>pam.d/sshd
printf '%s required pam_permit.so\n' auth account session >pam.d/sudo
sed -i 's/^UsePAM no/UsePAM yes/' ssh/host.conf
mkdir -p systemd/logind.conf.d
printf '[Login]\nKillUserProcesses=yes\nKillExcludeUsers=\n' >systemd/logind.conf.d/kill.conf
rm -f systemd/system/systemd-logind.service
printf '[Service]\nExecStart=/lib/systemd/systemd-logind\nBusName=org.freedesktop.login1\nType=dbus\n' \
    >systemd/system/systemd-logind.service
for name in user@ user-runtime-dir@; do
    printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n' >systemd/system/$name.service
done
systemctl daemon-reload
systemctl start dbus.service systemd-logind.service
systemctl restart ssh.service
"""


@pytest.fixture
def logins(systemd_host) -> Any:
    """The host with such logins, where that is possible; and its inventory."""
    done = subprocess.run(["sh", "-c", "ls /lib/*/security/pam_systemd.so"], capture_output=True)
    if done.returncode != 0:
        pytest.skip("needs libpam-systemd")
    systemd_host.sh(LOGINS)
    systemd_host.await_logins()
    inventory = systemd_host.inventory()
    host = json.loads(inventory.read_text())
    host["all"]["hosts"]["web1"] |= {"ansible_user": "operator", "ansible_become": True}
    inventory.write_text(json.dumps(host))
    return str(inventory)


def ssh(host: Any, command: str) -> str:
    """What a command prints in a login of its own."""
    done = subprocess.run(
        ["ssh", "-i", str(host.folder / "client"), "-o", f"UserKnownHostsFile={host.folder / 'known_hosts'}",
         f"operator@{host.addresses[0]}", command],
        capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_a_session_leaves_behind_is_ended_and_the_guard_is_not(systemd_host, logins, netaudit) -> None:
    """A process in a session of its own is gone after the logout; the unit of systemd stays, and the change is kept."""
    left = "setsid sudo sleep 987 </dev/null >/dev/null 2>&1 & sleep 0.5; pgrep sleep"
    assert ssh(systemd_host, left) != ""
    until(lambda: systemd_host.sh("pgrep -x sleep", fails=True) == "")
    fixed = netaudit("fix", "-i", logins, *ONLY, *QUICK)
    assert fixed["hosts"][0]["outcome"] == "persisted", fixed
    assert systemd_host.sh(VALUE).strip() == "0"
    assert netaudit("rollback", "last", "-i", logins)["hosts"][0]["outcome"] == "rolled-back"


def test_without_systemd_run_such_a_host_is_refused(systemd_host, logins, netaudit) -> None:
    """The timer goes with the session that started it: the next login sees that, and nothing was changed."""
    systemd_host.sh("mount --bind /dev/null /usr/bin/systemd-run")
    refused = netaudit("fix", "-i", logins, *ONLY, *QUICK, code=4)["hosts"][0]
    assert refused["outcome"] == "refused", refused
    assert "did not outlive the session" in refused["reason"]
    assert "KillUserProcesses" in refused["hint"]
    assert (systemd_host.sh(VALUE).strip(), systemd_host.sh("ls /etc/sysctl.d")) == ("1", "")


def until(is_so: Callable[[], bool], seconds: float = 40) -> None:
    """Wait for something that the host does by itself."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)
