"""Logins and ways by paramiko, as far as they are its own: methods, agents, certificates, jump hosts, bad servers."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from netaudit.errors import ErrorKind, Phase
from netaudit.model.contact import Limits
from netaudit.model.target import Become, BecomeMethod
from netaudit.transport.hostkeys import fingerprint
from netaudit.transport.known_hosts import parse_line
from netaudit.transport.paramiko_transport import ParamikoTransport
from netaudit.transport.resolved import local_user

PASSWORD = "oper secret"


@pytest.fixture
def client(client):
    """A client that uses paramiko."""
    client.make = ParamikoTransport
    return client


def hop(server) -> str:
    """A server as ProxyJump names it."""
    return f"{local_user()}@127.0.0.1:{server.port}"


class TestPasswords:
    """With the PAM of a real sshd; the user is oper."""

    @pytest.fixture
    def server(self, sshd, accounts):
        """A server that takes one method."""

        def start(*lines: str):
            accounts.write("pam.d/sshd", "auth required pam_unix.so\naccount required pam_unix.so\n")
            return sshd("UsePAM yes", *lines)

        return start

    @pytest.mark.parametrize("method", ["PasswordAuthentication yes", "KbdInteractiveAuthentication yes"])
    def test_each_method(self, server, client, method):
        """As a password, and as the answer to the one question that asks for it."""
        host = server(method)
        client.to(host, user="oper", identity_files=()).secrets(password=PASSWORD)
        outcome = client.ask()
        assert outcome.kind is None
        assert outcome.user == "oper"

    def test_a_wrong_password_is_sent_once(self, server, client):
        """Two methods would take it; a lock-out counts tries."""
        host = server("PasswordAuthentication yes", "KbdInteractiveAuthentication yes")
        outcome = client.to(host, user="oper", identity_files=()).secrets(password="wrong").ask()
        assert (outcome.kind, outcome.error.phase) == (ErrorKind.AUTH_FAILED, Phase.AUTH)
        assert outcome.error.message.endswith("tried password")
        assert "wrong" not in outcome.error.message
        assert host.log.read_text().count("Failed password") + host.log.read_text().count("PAM: Auth") <= 1

    def test_a_key_and_a_password_together(self, server, client, keys, accounts):
        """A server that wants both gets both."""
        host = server("PasswordAuthentication yes", "AuthenticationMethods publickey,password")
        client.to(host, user="oper").secrets(password=PASSWORD)
        assert client.ask().kind is None

    def test_no_password_is_sent_unasked(self, server, client, keys):
        """A server that takes passwords gets none where there is none."""
        host = server("PasswordAuthentication yes")
        outcome = client.to(host, user="oper", identity_files=(str(keys.other),)).ask()
        assert outcome.kind is ErrorKind.AUTH_FAILED
        assert "Failed password" not in host.log.read_text()

    def test_nothing_to_log_in_with(self, sshd, client):
        """No key, no agent, no password."""
        outcome = client.to(sshd(), identity_files=()).ask()
        assert outcome.kind is ErrorKind.AUTH_FAILED
        assert "no key and no password" in outcome.error.message

    @pytest.mark.parametrize(
        ("become", "rules"),
        [
            (Become(BecomeMethod.SUDO), {"sudoers": "oper ALL=(ALL) ALL"}),
            (Become(BecomeMethod.DOAS), {"doas.conf": "permit oper"}),
        ],
    )
    def test_becoming_root_with_a_password(self, sshd, accounts, client, kit, become, rules):
        """sudo over pipes, doas on a terminal."""
        kit.program(str(become.method))
        for name, text in rules.items():
            accounts.write(name, f"{text}\n", 0o440)
        host = sshd("UsePAM yes")
        client.to(host, user="oper").secrets(become_password=PASSWORD).becoming(become)
        outcome = client.ask(kit.hello("echo aside >&2; id -u"))
        assert (outcome.kind, outcome.out, outcome.err) == (None, "0\n", "aside\n")
        assert kit.eventually(lambda: not host.sessions())


@contextmanager
def agent(folder: Path, *keys: Path):
    """An agent that holds some keys."""
    path = folder / "agent.sock"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    try:
        while not path.exists():
            assert process.poll() is None
        for key in keys:
            subprocess.run(["ssh-add", "-q", key], env={**os.environ, "SSH_AUTH_SOCK": str(path)}, check=True)
        yield path
    finally:
        process.terminate()
        process.wait()


class TestKeys:
    """Keys from files and from an agent."""

    def test_an_agent_signs(self, sshd, client, keys, tmp_path):
        """A key that only the agent has, of each type."""
        for key in (keys.user, keys.rsa, keys.ecdsa):
            with agent(tmp_path, key) as path:
                server = sshd(authorized=[key])
                assert client.to(server, identity_files=()).using(agent_socket=path).ask().kind is None

    def test_too_many_keys_are_told(self, sshd, client, keys, tmp_path):
        """The server hangs up before the right one; the message says what to do."""
        with agent(tmp_path, keys.rsa, keys.ecdsa, keys.other) as path:
            outcome = client.to(sshd("MaxAuthTries 2"), identity_files=()).using(agent_socket=path).ask()
        assert outcome.kind is ErrorKind.AUTH_FAILED
        assert "--private-key" in outcome.error.hint

    def test_a_passphrase_is_asked_for_before_any_host_is_contacted(self, client, keys, sshd):
        """And opens the key for the run."""
        asked = []

        def ask(path: Path) -> str:
            asked.append(path)
            return "open sesame"

        client.to(sshd(authorized=[keys.locked]), identity_files=(str(keys.locked),)).using(ask_passphrase=ask)
        assert client.ask().kind is None
        assert asked == [keys.locked]

    def test_a_user_certificate_logs_in(self, sshd, client, keys, tmp_path):
        """``key-cert.pub`` beside a key is offered."""
        key = tmp_path / "certified"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        sign = ["ssh-keygen", "-q", "-s", keys.authority, "-I", "x", "-n", local_user(), f"{key}.pub"]
        subprocess.run(sign, check=True)
        server = sshd(f"TrustedUserCAKeys {keys.authority}.pub", authorized=[keys.other])
        assert client.to(server, identity_files=(str(key),)).ask().kind is None


class TestHostKeys:
    """Which key a server is asked for, and what certificates count."""

    def test_a_server_with_several_keys_is_asked_for_the_known_one(self, sshd, client, keys):
        """Only its RSA key is stored; it would show another by itself."""
        server = sshd(host_keys=[keys.host, keys.host_ecdsa, keys.host_rsa])
        client.options.user_known_hosts[0].write_text(server.known(keys.host_rsa))
        assert client.to(server, trust=False).ask().kind is None

    def test_a_host_certificate(self, sshd, client, keys, kit, tmp_path):
        """Accepted by its authority; by another one it is unknown, with that one's fingerprint."""
        key = tmp_path / "host"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        sign = ["ssh-keygen", "-q", "-s", keys.authority, "-h", "-I", "x", "-n", "127.0.0.1", f"{key}.pub"]
        subprocess.run(sign, check=True)
        server = sshd(f"HostCertificate {key}-cert.pub", host_keys=[key])
        place = f"[127.0.0.1]:{server.port}"
        client.to(server, trust=False)
        for trusted, kind in ((keys.authority, None), (keys.other, ErrorKind.HOST_KEY_UNKNOWN)):
            client.options.user_known_hosts[0].write_text(f"@cert-authority {place} {kit.public(trusted)}\n")
            outcome = client.ask()
            assert outcome.kind is kind
        shown = parse_line(f"{place} {kit.public(keys.authority)}".encode(), None).key
        assert fingerprint(shown) in outcome.error.message
        with client.options.user_known_hosts[0].open("a") as file:
            file.write(server.known())
        assert client.ask().kind is None


class TestJumpHosts:
    """Channels through one host to another."""

    def test_a_chain(self, sshd, client):
        """Two jump hosts, one behind the other; many hosts make one login at each."""
        first, second, server = sshd(), sshd(), sshd()
        client.to(first).to(second).to(server, jumps=(hop(first), hop(second)))
        targets = [replace(client.target, name=f"web{number}") for number in range(6)]
        assert [outcome.kind for outcome in client.ask_all(targets)] == [None] * 6
        assert first.log.read_text().count("Accepted publickey") == 1

    def test_what_the_jump_host_says_is_told(self, sshd, client, kit):
        """Each host behind it gets its own reason, also when several fail at once."""
        jump = sshd()
        client.to(jump).to(kit.free_port(), jumps=(hop(jump),))
        nowhere = replace(client.target, address="no-such-host.invalid")
        outcomes = client.ask_all([client.target, nowhere] * 3)
        assert [outcome.kind for outcome in outcomes[::2]] == [ErrorKind.REFUSED] * 3
        assert {outcome.kind for outcome in outcomes[1::2]} <= {ErrorKind.DNS, ErrorKind.REFUSED}
        assert f"says the jump host {hop(jump)}" in outcomes[0].error.message

    def test_a_jump_host_that_forbids_forwarding(self, sshd, client):
        """Told as such, and no connection is left."""
        jump, server = sshd("AllowTcpForwarding no"), sshd()
        outcome = client.to(jump).to(server, jumps=(hop(jump),)).ask()
        assert outcome.kind is ErrorKind.REFUSED
        assert "AllowTcpForwarding" in outcome.error.hint

    def test_a_proxy_command_that_fails_is_quoted(self, client):
        """Its own words say what is wrong."""
        outcome = client.to(22, proxy_command="echo no way through >&2; exit 3").ask()
        assert outcome.kind is ErrorKind.DISCONNECTED
        assert "no way through" in outcome.error.message


def flood(connection, stop) -> None:
    """One line without end."""
    while not stop.is_set():
        connection.sendall(b"x" * 65536)


def silence(connection, stop) -> None:
    """Nothing."""
    stop.wait()


def stalled(connection, stop) -> None:
    """The identification, then nothing."""
    connection.sendall(b"SSH-2.0-Test\r\n")
    stop.wait()


def http(connection, stop) -> None:
    """Another protocol."""
    connection.recv(1024)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n\x1b[31m")


def slammed(connection, stop) -> None:
    """Closes at once."""


@pytest.mark.parametrize(
    ("behave", "kind", "phase"),
    [
        (flood, ErrorKind.PROTOCOL, Phase.CONNECT),
        (silence, ErrorKind.CONNECT_TIMEOUT, Phase.CONNECT),
        (stalled, ErrorKind.CONNECT_TIMEOUT, Phase.KEY_EXCHANGE),
        (http, ErrorKind.PROTOCOL, Phase.CONNECT),
        (slammed, ErrorKind.DISCONNECTED, Phase.CONNECT),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_server_that_misbehaves(client, behave, kind, phase):
    """One kind, one phase, a printable message, and no thread that stays."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while not stop.is_set():
                with suppress(OSError):
                    connection, _ = listener.accept()
                    with connection:
                        behave(connection, stop)

        server = threading.Thread(target=serve, daemon=True)
        server.start()
        limits = Limits(connect_s=0.6, auth_s=0.6, first_byte_s=0.6, host_s=5.0)
        outcome = client.using(limits=limits).to(listener.getsockname()[1]).ask()
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
    server.join(10)
    assert (outcome.kind, outcome.error.phase) == (kind, phase)
    assert outcome.error.message.isprintable()
    for thread in threading.enumerate():
        if thread.name == "netaudit-worker" or type(thread).__name__ == "Client":
            thread.join(10)
            assert not thread.is_alive()
