"""Names that a real kernel lets anybody choose: of a process and of an interface, on a host of the lab."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import unicodedata
from contextlib import suppress

import pytest

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]

COMM = "\x1b[31m<i>`id`"  # 15 bytes at most; ss(8) itself cuts a name at a closing parenthesis
LINK = "$(id);<b>\x1b[7m"  # anything but blanks, slashes, colons and newlines
LISTEN = """
import signal, socket, sys
open("/proc/self/comm", "w").write(sys.argv[1])
held = socket.create_server(("0.0.0.0", 7777), backlog=16)
print("listening", flush=True)
signal.pause()
"""


@pytest.fixture
def odd_host(lab_hosts):
    """A host with a listener and an interface whose names a terminal, a browser or a shell might obey."""
    host = lab_hosts["api01"]
    inside = ["nsenter", "-t", str(host.init), "-m", "-n", "-u", "-p"]
    command = [*inside, sys.executable, "-I", "-S", "-c", LISTEN, COMM]
    listener = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert b"listening\n" == listener.stdout.readline()
        host.inside('ip link add "$1" type bridge; ip link set "$1" up', LINK)
        yield host
    finally:
        host.inside('ip link del "$1" 2>/dev/null || true', LINK)
        for pid in [pid for pid, line in host.processes().items() if "held = socket" in line]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        listener.kill()
        listener.wait(timeout=20)
        listener.stdout.close()


def test_names_of_a_live_host_are_data(netaudit, lab_fleet, odd_host, patient):
    """They arrive whole, are never run, and no output has a sign that a terminal might obey."""
    lab, _ = lab_fleet
    words = ("-i", lab.inventory, *patient)
    facts = netaudit("facts", "api01", *words)
    (listener,) = [each for each in facts.json()["listeners"] if each["port"] == 7777]
    assert COMM == listener["process"]
    assert LINK in [nic["name"] for nic in facts.json()["nics"]]
    done = netaudit("audit", "api01", *words, "-o", "json", "-o", "console=seen.txt", "--no-history", code=None)
    assert done.code in {0, 1}
    assert "ok" == done.json()["hosts"][0]["status"]
    for text in (facts.out, facts.err, done.out, done.err, (netaudit.home / "seen.txt").read_text()):
        assert "uid=0" not in text
        assert [] == [sign for sign in text if sign != "\n" and unicodedata.category(sign) in {"Cc", "Cf"}]
