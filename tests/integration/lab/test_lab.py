"""The lab, for real: it comes up, is what it says, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from netaudit.errors import LabError
from netaudit.lab import Fault, Lab, network

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]


def _ssh(lab, host, command):
    return subprocess.run(
        ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={lab.directory}/known_hosts",
         "-i", f"{lab.directory}/id_ed25519", f"{host.user}@{host.address}", command],
        capture_output=True, text=True, timeout=20,
    ).stdout.strip()  # fmt: skip


def _traces(lab):
    links = {entry.name for entry in Path("/sys/class/net").iterdir() if entry.name.startswith(lab._id)}
    return links | set(network.namespaces_of(lab.prefix))


def test_every_host_is_what_its_plan_says(lab_fleet):
    """Host name, settings, MTU and listeners are those of the plan, seen over SSH."""
    lab, hosts = lab_fleet
    for host in hosts.values():
        if host.runs:
            said = _ssh(
                lab, host, "hostname; cat /proc/sys/net/core/somaxconn /sys/class/net/eth0/mtu; id -un; ss -Hltn"
            )
            name, somaxconn, mtu, user, *listeners = said.splitlines()
            assert (host.name, host.user) == (name, user)
            assert {**host.sysctl, **host.sysctl_after}["net.core.somaxconn"] == somaxconn
            assert str(host.mtu) == mtu
            assert {f":{port}" for service in host.listeners for port in service.ports} <= {
                line.split()[3][line.split()[3].rindex(":") :] for line in listeners
            }


def test_a_stale_listener_keeps_its_old_backlog(lab_fleet):
    """The kernel caps a backlog when listen() is called, and raising somaxconn later changes nothing."""
    lab, hosts = lab_fleet
    host = next(host for host in hosts.values() if host.fault is Fault.STALE_LISTENER)
    port = host.listeners[0].ports[0]
    assert "128" == _ssh(lab, host, f"ss -Hltn sport = :{port}").split()[2]


def test_hosts_do_not_see_each_other_or_this_machine(lab_fleet):
    """A host's processes and namespaces are its own."""
    lab, hosts = lab_fleet
    host = next(host for host in hosts.values() if host.fault is Fault.NONE)
    assert "" == _ssh(lab, host, "ls /run/netns 2>/dev/null")
    assert int(_ssh(lab, host, "ls -d /proc/[0-9]* | wc -l")) < 15


def test_a_host_does_not_run_the_login_profile_of_this_machine(lab_fleet):
    """Root's home is the host's own and empty: a slow or noisy profile here is none there."""
    lab, hosts = lab_fleet
    host = next(host for host in hosts.values() if host.fault is Fault.NONE)
    assert "/run/root" == _ssh(lab, host, 'echo "$HOME"; ls -A "$HOME"')


def test_status_counts_the_hosts(lab_fleet):
    """All hosts but the unreachable one run."""
    lab, hosts = lab_fleet
    status = lab.status()
    assert (len(hosts), len(hosts) - 1) == (status.planned, status.running)


def test_down_leaves_nothing_and_may_be_said_twice(needs_root, tmp_path):
    """No namespace, link, process or file is left, and a second time is no error."""
    lab = Lab(tmp_path / "lab")
    lab.up(3)
    namespaces = network.namespaces_of(lab.prefix)
    assert _traces(lab)
    assert lab.down()
    assert set() == _traces(lab)
    assert [] == network.pids_in(namespaces)
    assert not lab.directory.exists()
    assert not lab.down()


def test_a_crash_half_way_is_cleaned_up(needs_root, tmp_path):
    """After SIGKILL of the set-up, `down` finds and removes what it had made."""
    directory = tmp_path / "lab"
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"from pathlib import Path; from netaudit.lab import Lab; Lab(Path({str(directory)!r})).up(60)",
        ]
    )
    lab = Lab(directory)
    while len(_traces(lab)) < 5:
        assert child.poll() is None
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert lab.down()
    assert set() == _traces(lab)
    assert not directory.exists()


def test_two_labs_live_side_by_side(needs_root, tmp_path):
    """Each has its own block of addresses and its own names."""
    first, second = Lab(tmp_path / "a"), Lab(tmp_path / "b")
    try:
        addresses = {host.address for lab in (first, second) for host in lab.up(2)}
        assert 4 == len(addresses)
    finally:
        first.down()
        second.down()


def test_a_directory_with_other_files_is_left_alone(needs_root, tmp_path):
    """Neither `up` nor `down` touches a directory that is not a lab's."""
    (tmp_path / "precious").write_text("x")
    lab = Lab(tmp_path)
    with pytest.raises(LabError, match="is not empty"):
        lab.up(1)
    lab.down()
    assert (tmp_path / "precious").exists()


def test_without_root_it_says_what_it_needs(tmp_path, monkeypatch):
    """A plain user gets one line, and nothing is made."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="the lab needs root"):
        Lab(tmp_path / "lab").up(1)


def test_labs_that_come_up_at_once_get_networks_of_their_own(needs_root, tmp_path):
    """Each looks for a free block and takes it before the next one looks."""
    labs = [Lab(tmp_path / f"lab{number}") for number in range(3)]
    try:
        with ThreadPoolExecutor(len(labs)) as pool:
            fleets = list(pool.map(lambda lab: lab.up(2, healthy=True), labs))
        assert 6 == len({host.address for hosts in fleets for host in hosts})
    finally:
        for lab in labs:
            lab.down()
