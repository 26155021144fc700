"""Servers that misbehave on the way to a session: each ends in exactly one kind, within its limit."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from netaudit.errors import ErrorKind, Phase
from netaudit.model.contact import Limits

QUICK = Limits(connect_s=0.6, auth_s=0.6, first_byte_s=0.6, host_s=5.0)
VERSION = b"SSH-2.0-Test_1.0\r\n"


@contextmanager
def serving(behave):
    """A server that does one thing to each who connects, in a thread; its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    open_now, stop = [], threading.Event()

    def one(connection) -> None:
        with suppress(OSError), connection:
            behave(connection, stop)

    def accept() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            open_now.append(connection)
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1], open_now
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in open_now:
            with suppress(OSError):
                connection.close()


def packet(payload: bytes) -> bytes:
    """An unencrypted packet of RFC 4253, 6."""
    padding = 8 - (len(payload) + 5) % 8
    padding += 8 if padding < 4 else 0
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + b"\0" * padding


def text(value: bytes) -> bytes:
    """A string of RFC 4251, 5."""
    return struct.pack(">I", len(value)) + value


def kexinit(kex: bytes, host_key: bytes) -> bytes:
    """A KEXINIT that offers one key exchange and one type of host key."""
    lists = [
        kex,
        host_key,
        b"aes128-ctr",
        b"aes128-ctr",
        b"hmac-sha2-256",
        b"hmac-sha2-256",
        b"none",
        b"none",
        b"",
        b"",
    ]
    return packet(b"\x14" + b"\0" * 16 + b"".join(text(names) for names in lists) + b"\0" * 5)


def silence(connection, stop) -> None:
    """Says nothing."""
    stop.wait()


def endlessh(connection, stop) -> None:
    """A line of junk now and then, for ever."""
    while not stop.wait(0.05):
        connection.sendall(b"%x\r\n" % int(time.time()))


def banner_flood(connection, stop) -> None:
    """Lines as fast as they go."""
    while not stop.is_set():
        connection.sendall(b"junk\r\n" * 1000)


def endless_line(connection, stop) -> None:
    """One line without end."""
    while not stop.is_set():
        connection.sendall(b"x" * 65536)


def http(connection, stop) -> None:
    """What a web server says to an SSH client."""
    connection.recv(1024)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html>\x1b[31m</html>")


def tls(connection, stop) -> None:
    """What a TLS server says to an SSH client: an alert."""
    connection.recv(1024)
    connection.sendall(b"\x15\x03\x01\x00\x02\x02\x46")


def telnet(connection, stop) -> None:
    """Options, then waiting."""
    connection.sendall(b"\xff\xfd\x18\xff\xfd\x20login: ")
    stop.wait()


def old_ssh(connection, stop) -> None:
    """Protocol 1."""
    connection.sendall(b"SSH-1.5-old\r\n")
    stop.wait()


def foreign_version(connection, stop) -> None:
    """A version that is not ASCII."""
    connection.sendall(b"SSH-2.0-\xff\xfe\r\n")
    stop.wait()


def stalled_kex(connection, stop) -> None:
    """The identification, then silence."""
    connection.sendall(VERSION)
    stop.wait()


def trickled_kex(connection, stop) -> None:
    """A key exchange byte by byte: every idle timer is satisfied."""
    connection.sendall(VERSION)
    for byte in kexinit(b"curve25519-sha256", b"ssh-ed25519") * 100:
        if stop.wait(0.02):
            return
        connection.sendall(bytes([byte]))


def endless_ignore(connection, stop) -> None:
    """SSH_MSG_IGNORE for ever, as anybody may send at any time."""
    connection.sendall(VERSION + kexinit(b"curve25519-sha256", b"ssh-ed25519"))
    while not stop.wait(0.01):
        connection.sendall(packet(b"\x02" + text(b"x" * 100)))


def huge_packet(connection, stop) -> None:
    """A packet that claims four gigabytes."""
    connection.sendall(VERSION + b"\xff\xff\xff\xf0\x04" + b"\0" * 64)
    stop.wait()


def weak(connection, stop) -> None:
    """Nothing that is still used."""
    connection.sendall(VERSION + kexinit(b"diffie-hellman-group1-sha1", b"ssh-dss"))
    stop.wait()


def rude(connection, stop) -> None:
    """A disconnect with a reason that a terminal would obey."""
    connection.sendall(
        VERSION + packet(b"\x01" + struct.pack(">I", 11) + text(b"\x1b]0;x\x07<b>bye\xe2\x80\xae") + text(b""))
    )
    stop.wait()


def slammed(connection, stop) -> None:
    """Closes at once."""


def reset(connection, stop) -> None:
    """Resets at once."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def half_closed(connection, stop) -> None:
    """Says who it is, and that it will say nothing more."""
    connection.sendall(VERSION)
    connection.shutdown(socket.SHUT_WR)
    stop.wait()


def turned_away(connection, stop) -> None:
    """What sshd says to an address that it penalises."""
    connection.sendall(b"Not allowed at this time\r\n")


CASES = [
    (silence, ErrorKind.CONNECT_TIMEOUT, Phase.CONNECT),
    (endlessh, ErrorKind.CONNECT_TIMEOUT, Phase.CONNECT),
    (telnet, ErrorKind.CONNECT_TIMEOUT, Phase.CONNECT),
    (stalled_kex, ErrorKind.CONNECT_TIMEOUT, Phase.KEY_EXCHANGE),
    (trickled_kex, ErrorKind.CONNECT_TIMEOUT, Phase.KEY_EXCHANGE),
    (endless_ignore, ErrorKind.CONNECT_TIMEOUT, Phase.KEY_EXCHANGE),
    (banner_flood, ErrorKind.PROTOCOL, Phase.CONNECT),
    (endless_line, ErrorKind.PROTOCOL, Phase.CONNECT),
    (http, ErrorKind.PROTOCOL, Phase.CONNECT),
    (tls, ErrorKind.PROTOCOL, Phase.CONNECT),
    (old_ssh, ErrorKind.PROTOCOL, Phase.CONNECT),
    (foreign_version, ErrorKind.PROTOCOL, Phase.CONNECT),
    (turned_away, ErrorKind.PROTOCOL, Phase.CONNECT),
    (huge_packet, ErrorKind.PROTOCOL, Phase.KEY_EXCHANGE),
    (weak, ErrorKind.PROTOCOL, Phase.KEY_EXCHANGE),
    (rude, ErrorKind.DISCONNECTED, Phase.KEY_EXCHANGE),
    (half_closed, ErrorKind.DISCONNECTED, Phase.KEY_EXCHANGE),
    (slammed, ErrorKind.DISCONNECTED, Phase.CONNECT),
    (reset, ErrorKind.DISCONNECTED, Phase.CONNECT),
]


@pytest.mark.parametrize(("behave", "kind", "phase"), CASES, ids=[behave.__name__ for behave, _, _ in CASES])
def test_a_server_that_misbehaves(client, behave, kind, phase):
    """One kind, one phase, a printable message of bounded length, and a way to go on."""
    with serving(behave) as (port, _):
        outcome = client.using(limits=QUICK).to(port).ask()
    assert (outcome.kind, outcome.error.phase) == (kind, phase)
    assert outcome.error.message.isprintable()
    assert len(outcome.error.message) < 400


def test_what_a_server_says_is_quoted(client):
    """The message tells what listens there, escaped."""
    with serving(http) as (port, _):
        message = client.using(limits=QUICK).to(port).ask().error.message
    assert "HTTP/1.1 400 Bad Request" in message
    with serving(weak) as (port, _):
        message = client.to(port).ask().error.message
    assert "diffie-hellman-group1-sha1" in message


@pytest.mark.parametrize(("behave", "tries"), [(slammed, 3), (reset, 3), (http, 1), (weak, 1), (silence, 1)])
def test_only_a_cut_connection_is_tried_again(client, behave, tries):
    """A connection that ends before anything was refused is tried thrice; an answer is an answer."""
    with serving(behave) as (port, seen):
        client.using(limits=replace(QUICK, connect_s=3.0) if tries > 1 else QUICK).to(port).ask()
    assert len(seen) == tries


def test_one_stuck_host_holds_up_no_other(sshd, client):
    """Good hosts are done while a tarpit takes its time."""
    client.to(sshd())
    with serving(silence) as (port, _):
        client.using(limits=replace(client.options.limits, connect_s=0.5))
        stuck = replace(client.target, name="stuck", ssh=replace(client.target.ssh, port=port))
        outcomes = client.ask_all([stuck] * 8 + [client.target] * 2)
    kinds = [outcome.kind for outcome in outcomes]
    assert kinds == [ErrorKind.CONNECT_TIMEOUT] * 8 + [None] * 2


def test_a_filtered_port(client):
    """A listener whose queue is full drops what comes, as a firewall would."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fill = [socket.socket() for _ in range(4)]
        for sock in fill:
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        outcome = client.using(limits=QUICK).to(listener.getsockname()[1]).ask()
        for sock in fill:
            sock.close()
    assert outcome.kind is ErrorKind.CONNECT_TIMEOUT
    assert "firewall" in outcome.error.hint
