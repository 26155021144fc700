"""Whom to trust: ``trust``, ``--host-key-checking`` and known_hosts, against the real hosts of the lab."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess

import pytest

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]

HOSTS = ("web01", "web02")


@pytest.fixture
def stranger(netaudit, lab_fleet, lab_hosts, patient):
    """Options to ask two hosts of the lab, of which no known_hosts file knows anything, and their addresses."""
    lab, _ = lab_fleet
    addresses = [lab_hosts[name].plan.address for name in HOSTS]
    words = ("-i", ",".join(addresses), "-u", "root", "--private-key", lab.directory / "id_ed25519", *patient)
    return words, addresses


def _known_hosts(netaudit):
    file = netaudit.home / ".ssh" / "known_hosts"
    return file.read_text() if file.exists() else ""


def _is_recorded(netaudit, address):
    """Whether ssh-keygen finds a host in the user's known_hosts, hashed or not."""
    file = netaudit.home / ".ssh" / "known_hosts"
    command = ["ssh-keygen", "-F", address, "-f", file]
    return 0 == subprocess.run(command, capture_output=True, timeout=30).returncode


def _fingerprint(lab, name):
    key = lab.directory / "hosts" / name / "ssh_host_ed25519_key.pub"
    said = subprocess.run(["ssh-keygen", "-lf", key], capture_output=True, text=True, check=True, timeout=30).stdout
    return said.split()[1]


def _kinds(done):
    return [each["error"] and each["error"]["kind"] for each in done.json()["hosts"]]


def test_trust_asks_before_it_records(netaudit, lab_fleet, stranger):
    """Fingerprints as ssh-keygen prints them; without a terminal or --yes nothing is recorded; then all is well."""
    lab, _ = lab_fleet
    words, addresses = stranger
    assert ["host-key-unknown"] * 2 == _kinds(netaudit("audit", *words, "-q", "-o", "json", "--no-history", code=3))
    refused = netaudit("trust", *words, code=2)
    for name, address in zip(HOSTS, addresses, strict=True):
        assert f"{address}: ED25519 {_fingerprint(lab, name)} new\n" in refused.out
    assert "netaudit: nobody can be asked whether to record these keys (--yes records without asking)\n" in refused.err
    assert "" == _known_hosts(netaudit)
    netaudit("trust", *words, "--yes")
    assert all(_is_recorded(netaudit, address) for address in addresses)
    assert 0o600 == (netaudit.home / ".ssh" / "known_hosts").stat().st_mode & 0o777
    again = netaudit("trust", *words)
    assert 2 == again.out.count(" known\n")
    done = netaudit("audit", *words, "-q", "-o", "json", "--no-history", "--fail-on", "critical")
    assert [None, None] == _kinds(done)
    subprocess.run(
        ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={netaudit.home}/.ssh/known_hosts",
         "-o", "StrictHostKeyChecking=yes", "-i", lab.directory / "id_ed25519", f"root@{addresses[0]}", "true"],
        check=True, timeout=60,
    )  # fmt: skip


def _answered(netaudit, answer, *words):
    """`netaudit trust` at a terminal, where somebody types an answer."""
    master, slave = pty.openpty()
    process = netaudit.start("trust", *words, stdin=slave)
    os.close(slave)
    os.write(master, answer.encode())
    out, err = process.communicate(timeout=120)
    os.close(master)
    return process.returncode, out.decode(), err.decode()


def test_trust_at_a_terminal(netaudit, stranger):
    """Only the number of keys approves: an absent-minded yes does not."""
    words, _ = stranger
    for answer in ("yes\n", "\x04"):
        code, out, err = _answered(netaudit, answer, *words)
        assert "This records 2 keys of 2 hosts in" in " ".join(out.split())
        assert "Type the number of keys to go on: " in out
        assert (0, "netaudit: nothing is recorded\n") == (code, err)
        assert "" == _known_hosts(netaudit)
    code, _, err = _answered(netaudit, "2\n", *words)
    assert 0 == code
    assert "recorded the keys of 2 hosts" in err
    assert 2 == len(_known_hosts(netaudit).splitlines())


def test_a_changed_key_is_replaced_only_when_told_to(netaudit, lab_fleet, stranger):
    """A stored key that differs: the host is refused and its line stays, until --replace."""
    lab, _ = lab_fleet
    words, addresses = stranger
    (netaudit.home / ".ssh").mkdir()
    other = (lab.directory / "id_ed25519.pub").read_text().split()[:2]
    (netaudit.home / ".ssh" / "known_hosts").write_text(f"{addresses[0]} {' '.join(other)}\n")
    refused = netaudit("trust", *words, "--yes", code=3)
    assert f"{addresses[0]}: ED25519 {_fingerprint(lab, 'web01')} changed (stored: " in refused.out
    assert "known_hosts:1)" in refused.out
    assert other[1] in _known_hosts(netaudit)
    assert _is_recorded(netaudit, addresses[1]), "the other host is recorded all the same"
    done = netaudit("audit", *words, "-q", "-o", "json", "--no-history", code=3)
    assert ["host-key-mismatch", None] == _kinds(done)
    message = done.json()["hosts"][0]["error"]["message"]
    assert _fingerprint(lab, "web01") in message
    assert f"{netaudit.home}/.ssh/known_hosts:1" in message
    netaudit("trust", *words, "--yes", "--replace")
    assert other[1] not in _known_hosts(netaudit)
    done = netaudit("audit", *words, "-q", "-o", "json", "--no-history", "--fail-on", "critical")
    assert [None, None] == _kinds(done)


@pytest.mark.parametrize("transport", ["asyncssh", "paramiko"])
def test_accept_new_records_and_still_refuses_a_change(netaudit, lab_fleet, stranger, transport):
    """An unknown host is recorded, which is said; one whose key differs is refused."""
    lab, _ = lab_fleet
    words, addresses = stranger
    (netaudit.home / ".ssh").mkdir()
    other = (lab.directory / "id_ed25519.pub").read_text().split()[:2]
    (netaudit.home / ".ssh" / "known_hosts").write_text(f"{addresses[0]} {' '.join(other)}\n")
    done = netaudit(
        "audit", *words, "--host-key-checking", "accept-new", "--transport", transport, "-o", "json", "--no-history",
        "--no-progress", code=3,
    )  # fmt: skip
    assert ["host-key-mismatch", None] == _kinds(done)
    assert f"recorded the new key of {addresses[1]}, ED25519 {_fingerprint(lab, 'web02')}" in done.err
    assert 2 == len(_known_hosts(netaudit).splitlines())
    assert _is_recorded(netaudit, addresses[1])
    assert other[1] in _known_hosts(netaudit)
    assert "accept-new" == done.json()["run"]["host_key_checking"]


@pytest.mark.parametrize("transport", ["asyncssh", "paramiko"])
def test_off_is_said_in_every_report(netaudit, lab_fleet, stranger, transport):
    """Unknown and changed keys pass, nothing is recorded, and JSON, console and history all say so."""
    words, _ = stranger
    done = netaudit(
        "audit", *words, "--host-key-checking", "off", "--transport", transport, "-o", "json", "-o", "console=seen.txt",
        "--no-progress", "--fail-on", "critical",
    )  # fmt: skip
    assert [None, None] == _kinds(done)
    assert "" == _known_hosts(netaudit)
    run = done.json()["run"]
    assert "off" == run["host_key_checking"]
    assert any("host keys were not checked" in note for note in run["notes"])
    assert "host keys were not checked" in " ".join((netaudit.home / "seen.txt").read_text().split())
    assert "host keys are not checked" in done.err
    kept = netaudit("show", "last", "--fail-on", "critical").out
    assert "host keys were not checked" in " ".join(kept.split())


@pytest.mark.parametrize(
    "said",
    [
        "ansible_host_key_checking: false",
        "ansible_ssh_host_key_checking: false",
        "ansible_ssh_common_args: -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
        "ansible_ssh_extra_args: -oStrictHostKeyChecking=off",
    ],
)
def test_no_inventory_switches_checking_off(netaudit, lab_fleet, stranger, said):
    """What an inventory says of it is an error or is not heeded: the unknown host is never accepted."""
    words, addresses = stranger
    (netaudit.home / "hosts.yaml").write_text(f"all:\n  hosts:\n    {addresses[0]}:\n  vars:\n    {said}\n")
    done = netaudit("audit", "-i", "hosts.yaml", *words[2:], "-q", "-o", "json", "--no-history", code=None)
    if done.code == 2:
        assert "hosts.yaml" in done.err
    else:
        assert ["host-key-unknown"] == _kinds(done)
        assert "strict" == done.json()["run"]["host_key_checking"]
    config = netaudit.home / ".ssh" / "config"
    config.parent.mkdir(exist_ok=True)
    config.write_text("Host *\n  StrictHostKeyChecking no\n")
    assert ["host-key-unknown"] * 2 == _kinds(netaudit("audit", *words, "-q", "-o", "json", "--no-history", code=3))


def test_trust_of_hosts_that_cannot_be_asked(netaudit, lab_fleet, stranger):
    """The others are recorded, and exit 3 says that not all were; a local host has no key and is not missed."""
    words, addresses = stranger
    hosts = netaudit.home / "hosts.ini"
    hosts.write_text(f"{addresses[0]}\nme ansible_connection=local\ngone ansible_host=127.0.0.1 ansible_port=1\n")
    done = netaudit("trust", "-i", hosts, *words[2:], "--yes", code=3)
    assert "gone: refused: " in done.out
    assert "me:" not in done.out
    assert _is_recorded(netaudit, addresses[0])
    netaudit("trust", "all:!gone", "-i", hosts, *words[2:], "--yes")


def test_trust_is_interrupted(netaudit, lab_fleet, stranger, kit):
    """Ctrl-C while a host does not answer: 130, and nothing is recorded of those that did."""
    words, addresses = stranger
    silent = socket.create_server(("127.0.0.1", 0))
    with silent:
        hosts = netaudit.home / "hosts.ini"
        port = silent.getsockname()[1]
        hosts.write_text(f"{addresses[0]}\nsilent ansible_host=127.0.0.1 ansible_port={port}\n")
        process = netaudit.start("trust", "-i", hosts, *words[2:], "--yes")
        connection, _ = silent.accept()
        with connection:
            os.kill(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert 130 == process.returncode, err
    assert b"silent: not asked" in out
    assert "" == _known_hosts(netaudit)
