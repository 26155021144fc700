"""A watch over real hosts: connections that stay, changes as events, hosts that come and go, and how it ends."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from netaudit.lab import Lab, network

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]

GENEROUS_S = 60.0


@pytest.fixture(scope="module")
def small_lab(needs_root, tmp_path_factory):
    """Three hosts with nothing wrong."""
    lab = Lab(tmp_path_factory.mktemp("watch") / "lab")
    plans = lab.up(3, healthy=True)
    yield lab, [plan.name for plan in plans]
    lab.down()


class Inside:
    """One host of the lab, from within."""

    def __init__(self, lab, place):
        self.namespace = f"{lab.prefix}{place:03d}"

    def set(self, name, value):
        """Set a sysctl there."""
        command = ["ip", "netns", "exec", self.namespace, "sysctl", "-qw", f"{name}={value}"]
        subprocess.run(command, check=True, timeout=30)

    def sessions(self):
        """The processes of sshd that serve a connection."""
        return {pid: line for pid, line in self._lines().items() if re.search(r"sshd(-session)?: root", line)}

    def running(self):
        """The processes there."""
        return self._lines().keys()

    def at_rest(self, kit):
        """The processes there once it has come up and nobody is connected."""
        looks = [set()]

        def same_twice():
            looks.append(set(self.running()))
            time.sleep(0.3)
            return not self.sessions() and looks[-1] == looks[-2]

        assert kit.eventually(same_twice)
        return looks[-1]

    def stop_listening(self, *, listen=False):
        """Hold sshd's listener, or let it go on."""
        for pid, line in self._lines().items():
            if "listener" in line:
                os.kill(pid, signal.SIGCONT if listen else signal.SIGSTOP)

    def cut(self):
        """Kill what serves connections."""
        for pid in self.sessions():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _lines(self):
        found = {}
        for pid in network.pids_in([self.namespace]):
            with suppress(OSError):
                found[pid] = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
        return found


LATE = b"is not kept in the history: the one before is still being written"  # on a busy machine


class Watching:
    """A watch that runs, and its events as they come."""

    def __init__(self, process):
        self.process = process
        self.events = []
        self._rest = b""

    def until(self, kind, host=None, within_s=GENEROUS_S):
        """The next event of this kind."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            while b"\n" in self._rest:
                line, _, self._rest = self._rest.partition(b"\n")
                self.events.append(json.loads(line))
                if self.events[-1]["event"] == kind and host in (None, self.events[-1]["host"]):
                    return self.events[-1]
            if select.select([self.process.stdout], [], [], 0.5)[0]:
                piece = os.read(self.process.stdout.fileno(), 65536)
                assert piece, f"it has ended: {self.process.stderr.read()!r}"
                self._rest += piece
        raise AssertionError(f"no {kind} of {host} in {self.events}")

    def end(self, number=signal.SIGINT):
        """Ask it to end: its exit code, how long it took, and the rest of its events."""
        clock = time.monotonic()
        os.kill(self.process.pid, number)
        out, err = self.process.communicate(timeout=GENEROUS_S)
        took_s = time.monotonic() - clock
        assert [] == [line for line in err.splitlines() if LATE not in line]
        self.events += [json.loads(line) for line in (self._rest + out).splitlines()]
        return self.process.returncode, took_s


@pytest.fixture
def watching(netaudit, small_lab):
    """Starts a watch of the lab: ``watching("--every", "1s")``."""
    lab, _ = small_lab

    def start(*words, inventory=None, pattern="all"):
        given = ("-i", inventory or lab.inventory, "-b", lab.baseline, "-o", "jsonl", "--every", "1s")
        return Watching(netaudit.start("watch", pattern, *given, *words))

    return start


@pytest.fixture
def port():
    """A port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as probing:
        return probing.getsockname()[1]


@pytest.mark.parametrize("transport", ["asyncssh", "paramiko"])
def test_connections_stay_open_and_changes_are_told(small_lab, watching, netaudit, published, kit, transport):
    """The same sshd session serves all rounds; what is set on the host shows with both values; nothing is left."""
    lab, names = small_lab
    host = Inside(lab, 0)
    before = host.at_rest(kit)
    watch = watching("--transport", transport)
    first = watch.until("started")
    assert (3, 3) == (first["summary"]["hosts"], first["summary"]["ok"])
    sessions = host.sessions()
    assert sessions
    host.set("net.ipv4.tcp_fin_timeout", 31)
    event = watch.until("setting")
    assert (names[0], "net.ipv4.tcp_fin_timeout", "31") == (event["host"], event["name"], event["after"])
    host.set("net.ipv4.tcp_fin_timeout", event["before"])
    back = watch.until("setting")
    assert (event["after"], event["before"]) == (back["before"], back["after"])
    assert back["round"] >= 3
    assert sessions.keys() == host.sessions().keys(), "another connection was made"
    code, took_s = watch.end()
    assert (130, "ended") == (code, watch.events[-1]["event"])
    assert took_s < 10, "two seconds on a machine that is not busy"
    assert "3 connections made" in watch.events[-1]["detail"]
    assert kit.eventually(lambda: host.running() <= before)
    for each in watch.events:
        published("watch-1", each)
    kept = netaudit("history", "--command", "watch", "-o", "json").json()["runs"]
    assert 3 == len(kept), "the first round and the two with changes"


def test_a_finding_comes_and_goes(small_lab, watching):
    """As the setting under it does."""
    lab, names = small_lab
    host = Inside(lab, 1)
    watch = watching(pattern=names[1])
    watch.until("started")
    host.set("net.core.somaxconn", 64)
    setting = watch.until("setting")
    new = watch.until("finding-new")
    host.set("net.core.somaxconn", setting["before"])
    fixed = watch.until("finding-fixed")
    assert {names[1]} == {setting["host"], new["host"], fixed["host"]}
    assert 64 == int(str(new["after"]).split()[0]) or new["expected"]
    assert 130 == watch.end(signal.SIGTERM)[0]


def test_a_host_that_is_killed_is_lost_and_comes_back(small_lab, watching, patient):
    """A connection that dies alone is made anew in silence; a host that does not listen is lost, and is back later."""
    lab, names = small_lab
    host = Inside(lab, 2)
    watch = watching("--connect-timeout", "2s", pattern=names[2])
    watch.until("started")
    host.cut()
    host.set("net.ipv4.tcp_fin_timeout", 32)
    assert "32" == watch.until("setting")["after"]
    try:
        host.stop_listening()
        host.cut()
        assert "connect-timeout" in watch.until("host-lost", names[2])["detail"]
    finally:
        host.stop_listening(listen=True)
    assert watch.until("host-back", names[2])["duration_s"] > 0
    watch.end()
    assert ["host-lost", "host-back"] == [each["event"] for each in watch.events if each["event"].startswith("host")]


def test_the_inventory_is_read_again(small_lab, watching, tmp_path):
    """When its file changes, and on SIGHUP; one that is wrong is said and changes nothing."""
    lab, names = small_lab
    file = tmp_path / "hosts.yaml"
    text = lab.inventory.read_text()
    only = text.replace(f"        {names[0]}:\n", f"        {names[0]}-gone:\n")
    file.write_text(text)
    watch = watching(inventory=file)
    watch.until("started")
    file.write_text(only)
    assert names[0] == watch.until("host-left")["host"]
    assert f"{names[0]}-gone" == watch.until("host-seen")["host"]
    assert not any(each["event"] == "host-lost" for each in watch.events)
    os.utime(file)
    os.kill(watch.process.pid, signal.SIGHUP)
    file.write_text(text)
    assert names[0] == watch.until("host-joined", names[0])["host"]
    assert 130 == watch.end()[0]


def test_metrics_and_health(small_lab, watching, netaudit, port):
    """Served while it runs; a second watch on the same port is told, and contacts nobody."""
    lab, names = small_lab
    watch = watching("--listen", port)
    watch.until("started")

    def ask(path):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()

    status, text = ask("/metrics")
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert 200 == status
    assert {(name, 1.0) for name in names} == {
        (sample.labels["host"], sample.value) for sample in samples if sample.name == "netaudit_host_ok"
    }
    assert [3.0] == [sample.value for sample in samples if sample.name == "netaudit_watch_hosts_up"]
    assert 200 == ask("/healthz")[0]
    done = netaudit("watch", "-i", lab.inventory, "-b", lab.baseline, "--listen", port, "--count", "1", code=2)
    assert "something else listens there already" in done.err
    watch.end()
    with pytest.raises(urllib.error.URLError):
        ask("/metrics")


def test_it_ends_by_itself_with_the_code_of_an_audit(small_lab, netaudit):
    """0 when nothing is wrong, 1 with findings, 3 with a host that is silent; local and become as well."""
    lab, _ = small_lab
    given = ("-i", lab.inventory, "-b", lab.baseline, "--every", "1s", "--no-history", "--fail-on", "critical")
    done = netaudit("watch", *given, "--count", "2", "--become")
    lines = done.out.splitlines()
    assert ["watching 3 hosts: 3 up", "ended: 2 rounds"] == [
        re.sub(r"^\S+ \S+Z ", "", line)[: len(expected)]
        for line, expected in zip(lines, ("watching 3 hosts: 3 up", "ended: 2 rounds"), strict=True)
    ]
    assert "" == done.err
    dead = ("-i", "127.0.0.2:1,", "--no-ssh-config")
    assert "lost refused" in netaudit("watch", *given, *dead, "--count", "1", code=3).out
    here = ("-i", "here,", "--transport", "local", "-b", lab.baseline, "--no-history", "--count", "2", "--every", "1s")
    assert "watching 1 host: 1 up" in netaudit("watch", *here, "--fail-on", "info", code=None).out
