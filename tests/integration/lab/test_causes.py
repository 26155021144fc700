"""Causes of loss on real hosts: each shows under its name, and nothing of it is left afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from netaudit.errors import LabError
from netaudit.lab import network
from netaudit.lab.causes import BY_NAME
from netaudit.lab.causes_run import Broken, cause_of, host_of

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]

# Different layers, and quick to show.
GIVEN = {
    "web01": ("accept-queue-full",),
    "web04": ("udp-receive-buffer", "firewall-drop"),
    "web05": ("descriptors-exhausted",),
    "api04": ("path-loss",),
    "web07": ("reverse-path-filter", "checksum-errors"),
    "api01": ("listener-gone", "unreachable-received"),
    "api02": ("packets-too-big", "timestamps-rejected"),
    "web08": (),
}


def _diagnosed(lab, pattern, *options):
    command = [sys.executable, "-m", "netaudit", "diagnose", pattern, "-i", str(lab.inventory), "--no-history", "-q"]
    done = subprocess.run([*command, "-o", "json", *options], capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr
    return {host["name"]: host for host in json.loads(done.stdout)["hosts"]}, done.returncode


def _state(host):
    """What a host and this machine have: settings, rules, routes, programs, interfaces, namespaces."""
    script = (
        "nft list ruleset; ip route; ip -br link | cut -d' ' -f1; tc qdisc; "
        "cat /proc/sys/net/ipv4/tcp_abort_on_overflow /proc/sys/net/ipv4/conf/*/rp_filter"
    )
    inside = subprocess.run(
        ["nsenter", "-t", str(host.init), "-m", "-n", "sh", "-c", script], capture_output=True, text=True
    )
    spaces = {name for name in network.namespaces_of(host.namespace[:-3]) if not name[-1].isdigit() or name[-2] in "pf"}
    programs = [pid for pid in network.pids_in([host.namespace]) if b"faults.py" in _command(pid)]
    return inside.stdout, spaces, programs


def _command(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _gone(host, before):
    """Whether all is as it was, within a generous time."""
    deadline = time.monotonic() + 30
    while _state(host) != before:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_causes_are_named_and_leave_nothing(lab_fleet):
    """Alone and in pairs on several hosts at once; the host without a cause has none named; nothing is left."""
    lab, plans = lab_fleet
    hosts = {name: host_of(lab, name) for name in GIVEN if plans[name].runs}
    before = {name: _state(host) for name, host in hosts.items()}
    with contextlib.ExitStack() as stack:
        for name, host in hosts.items():
            for number, cause in enumerate(GIVEN[name]):
                stack.enter_context(Broken(host, BY_NAME[cause], 60, number))
        time.sleep(1)
        found, code = _diagnosed(lab, ",".join(hosts), "--for", "4s")
    assert code == 1
    for name in hosts:
        named = [cause["id"] for cause in found[name]["causes"]]
        if not GIVEN[name]:
            assert named == []
        elif len(GIVEN[name]) == 1:
            assert named[0] == GIVEN[name][0], name
        else:
            assert set(GIVEN[name]) <= set(named[:3]), name
    assert "shop-stalled" in found["web01"]["causes"][0]["summary"]
    for name, host in hosts.items():
        assert _gone(host, before[name]), name


def test_a_table_that_was_filled_is_emptied(lab_fleet):
    """Flows outlive the programs that sent them: a later look at that host must not find them. Others stay."""
    lab, _ = lab_fleet
    host = host_of(lab, "web08")
    cause = BY_NAME["conntrack-full"]
    few = replace(cause, peer=replace(cause.peer, programs=("flows {host} {port} {first} 500 100",)))
    other = ("-p", "udp", "-s", "192.0.2.1", "-d", "192.0.2.2", "--sport", "9", "--dport", "9")

    def conntrack(*words):
        inside = ["nsenter", "-t", str(host.init), "-m", "-n", "conntrack"]
        return subprocess.run([*inside, *words], capture_output=True, text=True).stdout.splitlines()

    with Broken(host, few, 30) as broken:
        ours = ("-p", "udp", "--dport", broken.words()["port"])
        conntrack("-I", *other, "-t", "60")
        deadline = time.monotonic() + 20
        while len(conntrack("-L", *ours)) < 500:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert conntrack("-L", *ours) == []
    assert len(conntrack("-D", *other)) == 1


def test_a_killed_break_leaves_nothing(lab_fleet):
    """The keepers undo everything when whoever asked for it is killed."""
    lab, _ = lab_fleet
    host = host_of(lab, "web08")
    before = _state(host)
    command = [sys.executable, "-m", "netaudit", "lab", "break", "web08", "stateful-asymmetry", "egress-queue-drops"]
    child = subprocess.Popen([*command, "--dir", str(lab.directory), "--for", "60s"], stdout=subprocess.PIPE, text=True)
    try:
        assert "web08" in child.stdout.readline()
        assert _state(host) != before
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
    assert _gone(host, before)


def test_break_ends_when_its_time_is_up(lab_fleet):
    """It says what it did, and that it is over."""
    lab, _ = lab_fleet
    command = [sys.executable, "-m", "netaudit", "lab", "break", "web08", "udp-no-port", "--for", "1s"]
    done = subprocess.run([*command, "--dir", str(lab.directory)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "web08 is as it was"


def test_what_does_not_exist_is_said(lab_fleet):
    """Hosts and causes by a wrong name get the nearest right one."""
    lab, _ = lab_fleet
    with pytest.raises(LabError, match="web1'"):
        host_of(lab, "web1")
    with pytest.raises(LabError) as told:
        cause_of("accept-queue-ful")
    assert "accept-queue-full" in str(told.value)
