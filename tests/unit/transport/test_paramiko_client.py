"""What netaudit lays over paramiko's connection: a bound on greetings, an order of algorithms."""

from __future__ import annotations

import socket
import threading

import paramiko
import pytest

from netaudit.transport.paramiko_client import Client, Wire, host_key_order
from netaudit.transport.resolved import Resolved


@pytest.fixture
def pair():
    """Two ends of a connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def resolved(**settings) -> Resolved:
    """A connection with some settings."""
    return Resolved("web1", "web1", "192.0.2.1", 22, "me", **settings)


def test_a_greeting_before_the_identification_is_kept(pair):
    """To be quoted should none follow; once it has come there is nothing to quote."""
    ours, theirs = pair
    wire = Wire(ours)
    theirs.sendall(b"hello\x1b[31m\r\n")
    wire.recv(100)
    assert (wire.identified, wire.heard) == (False, "hello\\x1b[31m")
    theirs.sendall(b"SSH-2.0-x\r\n")
    wire.recv(100)
    assert (wire.identified, wire.heard) == (True, "")


def test_an_identification_may_come_in_pieces(pair):
    """Byte by byte, and not in the middle of a line."""
    ours, theirs = pair
    wire = Wire(ours)
    for byte in b"x SSH-\nSSH-2.0":
        theirs.sendall(bytes([byte]))
        wire.recv(1)
        assert wire.identified == (byte == ord("-") and b"\nSSH-" in wire._greeting) or wire.identified
    assert wire.identified


def test_a_connection_ends_while_its_thread_is_at_work(pair):
    """As one does that was given up: paramiko asks the wire whether it is closed, also when the program ends."""
    client = Client(Wire(pair[0]), resolved(), ("ssh-ed25519",), 5)
    client.start_client(threading.Event())
    assert client.is_alive()
    client.close()
    client.join(10)
    assert not client.is_alive()


def test_a_wire_knows_whether_it_is_closed(pair):
    """A socket, and a channel through a jump host."""
    wire = Wire(pair[0])
    assert not wire._closed
    wire.close()
    assert wire._closed
    channel = paramiko.Channel(1)
    assert not Wire(channel)._closed
    channel.closed = True
    assert Wire(channel)._closed


def test_a_greeting_without_end_ends(pair):
    """Memory does not grow with what a stranger sends."""
    ours, theirs = pair
    wire = Wire(ours)
    received = b"x"
    for _ in range(200):
        theirs.sendall(b"x" * 100)
        if not (received := wire.recv(100)):
            break
    assert received == b""
    assert len(wire._greeting) < 9000


def test_a_wire_closes_twice_and_wakes_the_reader(pair):
    """From whichever thread."""
    ours, theirs = pair
    wire = Wire(ours)
    wire.settimeout(5)
    assert wire.send(b"x") == 1
    wire.close()
    wire.close()
    assert theirs.recv(10) == b"x"
    assert theirs.recv(10) == b""


def test_known_types_of_host_keys_come_first():
    """A server is asked for the key that is known, by each signature that its type has."""
    assert host_key_order(["ssh-rsa"])[:2] == ("rsa-sha2-512", "rsa-sha2-256")
    assert host_key_order([])[0] == "ssh-ed25519"
    assert host_key_order(["ssh-dss", "ecdsa-sha2-nistp521"])[0] == "ecdsa-sha2-nistp521"
    assert len(host_key_order(["ssh-rsa"])) == len(host_key_order([]))


def test_certificates_are_asked_for_where_an_authority_is_known():
    """Before all plain keys."""
    order = host_key_order(["ssh-ed25519"], certified=True)
    assert order[0] == "ssh-ed25519-cert-v01@openssh.com"
    assert "ssh-ed25519" in order
    assert not any("cert" in name for name in host_key_order(["ssh-ed25519"]))


def test_host_key_algorithms_decide_alone():
    """As far as they are spoken; when none is, the usual ones are offered."""
    assert host_key_order(["ssh-ed25519"], ["rsa-sha2-256", "nonsense"], certified=True) == ("rsa-sha2-256",)
    assert host_key_order([], ["nonsense"])[0] == "ssh-ed25519"


def test_algorithms_are_limited_by_the_configuration(pair):
    """Ciphers, MACs and key exchanges; weak ones are never offered."""
    wire = Wire(pair[0])
    said = (
        ("ciphers", ("aes256-ctr", "nonsense")),
        ("macs", ("nonsense",)),
        ("kexalgorithms", ("ecdh-sha2-nistp256",)),
    )
    client = Client(wire, resolved(algorithms=said), ("ssh-ed25519",), 5)
    assert client.preferred_ciphers == ("aes256-ctr",)
    assert client.preferred_macs[0] == "hmac-sha2-256-etm@openssh.com"
    assert client.preferred_kex == ("ecdh-sha2-nistp256",)
    assert client.preferred_keys == ("ssh-ed25519",)
    assert client.preferred_compression == ("none",)
    usual = Client(Wire(pair[1]), resolved(), ("ssh-ed25519",), 5)
    offered = [*usual.preferred_ciphers, *usual.preferred_macs, *usual.preferred_kex]
    assert not any(weak in name for name in offered for weak in ("md5", "3des", "-96", "group1-", "sha1-"))
