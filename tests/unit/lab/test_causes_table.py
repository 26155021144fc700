"""The table of causes that lab hosts can be given: complete, filled in, and known to the diagnosis."""

from __future__ import annotations

import ipaddress
import re
import subprocess
from pathlib import Path

import pytest

from netaudit.diagnosis.catalogue import TITLES
from netaudit.lab import causes_run
from netaudit.lab.causes import BY_NAME, CAUSES, NORMAL_LOAD
from netaudit.lab.causes_run import Broken, BrokenHost

HOST = BrokenHost("web01", "198.18.16.2", "netaudit-nl0000-000", "nl0000", ipaddress.IPv4Network("198.18.16.0/20"))
PROGRAMS = Path(causes_run._PROGRAMS).read_text()
EVERY = (*CAUSES, NORMAL_LOAD)


def test_names_are_told_once():
    """A name stands for one cause."""
    assert len(BY_NAME) == len(CAUSES)


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.name)
def test_a_diagnosis_can_name_it(cause):
    """What it should be called is a cause of the catalogue."""
    assert cause.named
    assert set(cause.named) <= set(TITLES)


@pytest.mark.parametrize("cause", EVERY, ids=lambda cause: cause.name)
def test_commands_are_filled_in(cause):
    """Every word in braces is known, every program exists, every server is waited for."""
    words = Broken(HOST, cause, 10).words()
    for side in filter(None, (cause.host, cause.peer, cause.far)):
        for command in (*side.setup, *side.undo, *(name for name, _ in side.sysctl), *side.programs):
            assert command.format(**words)
            assert set(re.findall(r"(?<!\{)\{(\w+)\}(?!\})", command)) <= set(words)
        for program in side.programs:
            name = program.split()[0]
            assert f"\ndef {name}(" in PROGRAMS
            body = PROGRAMS.split(f"\ndef {name}(")[1].split("\ndef ")[0]
            assert ("server(" in body or '"listening"' in body) == (name in causes_run._SERVERS), name


@pytest.mark.parametrize("cause", EVERY, ids=lambda cause: cause.name)
def test_what_is_made_is_undone(cause):
    """Tables, queueing disciplines, routes, addresses, devices and tracked flows on the host have their undoing."""
    made = " ".join(cause.host.setup)
    gone = " ".join(cause.host.undo)
    for thing, undoing in (
        ("table ", "nft delete table"), ("tc qdisc add", "tc qdisc del"), ("ip route add", "ip "),
        ("ip link add", "ip link del"), ("gro off", "gro on"), ("rps_cpus", "rps_cpus"),
        ("ct state new", "conntrack -D"),
    ):  # fmt: skip
        assert thing not in made or undoing in gone, thing


def test_a_table_is_not_filled_where_it_could_not_be_emptied():
    """Without conntrack(8) that cause is refused, and says what is missing."""
    first = BY_NAME["conntrack-full"].host.setup[0].format(**Broken(HOST, BY_NAME["conntrack-full"], 10).words())
    done = subprocess.run(["/bin/sh", "-c", first], env={"PATH": "/nowhere"}, capture_output=True, text=True)
    assert (done.returncode != 0, done.stdout) == (True, "conntrack is not installed\n")


def test_several_causes_at_once_do_not_meet():
    """Ports, addresses and namespaces of each are its own, and stay within the ranges for benchmarks."""
    several = [Broken(HOST, CAUSES[0], 10, number) for number in range(4)]
    for key in ("port", "peer", "far", "direct_host"):
        assert len({one.words()[key] for one in several}) == 4
    assert len({one.peer for one in several}) == 4
    allowed = ipaddress.IPv4Network("198.18.0.0/15")
    for one in several:
        for key in ("peer", "gap", "far", "first", "direct_host", "direct_peer"):
            assert ipaddress.IPv4Address(one.words()[key]) in allowed


def test_peers_of_different_hosts_do_not_meet():
    """A hundred hosts, each with four causes and its load."""
    seen = set()
    for place in range(100):
        address = str(HOST.network.network_address + 2 + place)
        host = BrokenHost(f"web{place}", address, f"netaudit-nl0000-{place:03d}", "nl0000", HOST.network)
        for number in (0, 1, 2, 3, 9):
            seen.add(Broken(host, CAUSES[0], 10, number).words()["peer"])
    assert len(seen) == 500
