"""A plan that is applied by other means does the same: as a playbook, as a script, as a drop-in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from netaudit.model.plan import Plan, StepClass
from netaudit.remedy.batches import batches_of
from netaudit.remedy.changes import Choices
from netaudit.remedy.export_ansible import ansible_playbook
from netaudit.remedy.export_files import shell_files, sysctl_files
from netaudit.remedy.plan_file import sealed

pytestmark = pytest.mark.lab
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
SERIAL = ("1", "50%")
BAD = "echo 128 >/proc/sys/net/core/somaxconn; echo 0 >/proc/sys/net/ipv4/tcp_sack"
READ = "cat /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/tcp_sack"
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")


@pytest.fixture
def bad_plan(machine, rules_with, plan_on) -> Plan:
    """The plan of a machine on which two settings are wrong, under a name that is no pattern."""
    machine.sh(BAD)
    host, _ = plan_on(machine, rules_with({}), Choices(only=("tcp.accept_queue.somaxconn", "tcp.options_enabled")))
    host = replace(host, host="web1")
    hosts = (host,)
    return sealed(
        Plan("", NOW, NOW + timedelta(hours=1), "1.0", "linux-server", "0" * 64, hosts, batches_of(hosts, SERIAL))
    )


def run_playbook(folder: Path, machine, text: str, *words: str) -> str:
    """Run Ansible inside the machine, on itself."""
    book, home = folder / "plan.yml", folder / "home"
    book.write_text(text)
    home.mkdir(exist_ok=True)
    inventory = f"web1 ansible_connection=local ansible_python_interpreter={sys.executable}\n"
    (folder / "hosts").write_text(inventory)
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8", "ANSIBLE_BECOME": "false",
        "ANSIBLE_LOCAL_TEMP": str(home), "ANSIBLE_REMOTE_TEMP": str(home), "ANSIBLE_NOCOLOR": "1",
    }  # fmt: skip
    done = subprocess.run(
        ["nsenter", "-t", str(machine.pid), "-m", "-n", str(PLAYBOOK), "-i", str(folder / "hosts"), str(book), *words],
        env=environment, capture_output=True, text=True, timeout=150, cwd="/",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(not PLAYBOOK.exists(), reason="needs ansible-core")
def test_the_playbook_is_one_and_applies(machine, bad_plan: Plan, tmp_path: Path) -> None:
    """It passes the syntax check, changes what the plan changes, and a second time changes nothing."""
    text = re.sub(r"(?m)^  become: true\n", "", ansible_playbook(bad_plan, SERIAL))  # the test is root already
    run_playbook(tmp_path, machine, text, "--syntax-check")
    first = run_playbook(tmp_path, machine, text)
    assert machine.sh(READ).split() == ["4096", "1"]
    files = {step.file for step in bad_plan.hosts[0].steps}
    for file in files:
        assert "= " in machine.sh(f"cat {file}")
    assert re.search(r"changed=[1-9]", first)
    assert re.search(r"changed=0 ", run_playbook(tmp_path, machine, text))


@pytest.mark.parametrize("shell", ["dash", "bash --posix", "busybox ash"])
def test_the_script_changes_and_takes_back(machine, bad_plan: Plan, shell: str) -> None:
    """Under each shell; and a machine that is no longer as it was planned is left alone."""
    ((name, text),) = shell_files(bad_plan)
    assert name == "web1.sh"
    machine.write("/run/change.sh", text)
    machine.sh(f"{shell} /run/change.sh")
    assert machine.sh(READ).split() == ["4096", "1"]
    assert all(machine.sh(f"ls {step.file}") for step in bad_plan.hosts[0].steps)
    once = machine.state()
    machine.sh(f"{shell} /run/change.sh")
    assert machine.state() == once
    machine.sh(f"{shell} /run/change.sh undo")
    assert machine.sh(READ).split() == ["128", "0"]
    assert machine.sh("ls /etc/sysctl.d") == ""
    machine.sh("echo 777 >/proc/sys/net/core/somaxconn")
    machine.sh(f"! {shell} /run/change.sh 2>/dev/null")
    assert machine.sh(READ).split() == ["777", "0"]


def test_the_drop_in_is_read_by_sysctl(machine, bad_plan: Plan) -> None:
    """`sysctl --system` brings what the plan says."""
    ((name, text),) = sysctl_files(bad_plan)
    assert name == "web1.conf"
    machine.write("/etc/sysctl.d/99-zz-netaudit.conf", text)
    machine.sh("sysctl -q -p /etc/sysctl.d/99-zz-netaudit.conf")
    assert machine.sh(READ).split() == ["4096", "1"]
    assert os.linesep not in name


def test_a_file_that_stood_there_is_put_back(machine, rules_with, plan_on) -> None:
    """Of .link files one counts for a device: an earlier one of ours is replaced, and is there again after the undo."""
    machine.with_device()
    path, earlier = "/etc/systemd/network/00-netaudit-eth0.link", "[Match]\n[Link]\nGenericReceiveOffload=yes\n"
    machine.write(path, earlier)
    index = machine.sh("cat /sys/class/net/eth0/ifindex").strip()
    machine.write(f"/run/udev/data/n{index}", f"E:ID_NET_LINK_FILE={path}\n")
    host, _ = plan_on(machine, rules_with({}), Choices(("nic.ring.rx_size",), frozenset(StepClass)))
    hosts = (replace(host, host="web1"),)
    assert [step.file for step in host.steps] == [path]
    plan = Plan("", NOW, NOW + timedelta(hours=1), "1.0", "linux-server", "0" * 64, hosts, batches_of(hosts, SERIAL))
    ((_, text),) = shell_files(sealed(plan))
    machine.write("/run/change.sh", text)
    for _ in range(2):
        machine.sh("sh /run/change.sh")
        assert "RxBufferSize=1024" in machine.sh(f"cat {path}")
        assert "GenericReceiveOffload=yes" in machine.sh(f"cat {path}")
    machine.sh("sh /run/change.sh undo")
    assert machine.sh(f"cat {path}") == earlier
    assert machine.sh("ls /etc/systemd/network").split() == ["00-netaudit-eth0.link"]
