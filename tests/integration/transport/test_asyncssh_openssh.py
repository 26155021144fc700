"""asyncssh against real OpenSSH servers: logins, keys, agents, and the limits that a server sets."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from netaudit.errors import ErrorKind, Phase
from netaudit.transport.resolved import local_user
from netaudit.wire.frame import Decoder


def test_an_answer_is_whole(sshd, client):
    """Both streams arrive, the shell runs as the login user, and we end the session once the answer is whole."""
    outcome = client.to(sshd()).ask()
    assert outcome.kind is None
    assert outcome.out.splitlines() == ["hello", local_user()]
    assert outcome.err == "aside\n"


def test_payloads_follow_each_other_on_one_connection(sshd, client, kit):
    """A session runs one payload after the other without a new login."""
    client.to(sshd())

    async def twice():
        transport = client.make(client.options)
        session = await transport.open(client.target)
        answers = []
        for nonce in ("a" * 32, "b" * 32):
            decoder = Decoder(nonce, ["hello"], {"hello": 2**16}, 2**20)
            await session.run(kit.hello(nonce=nonce), decoder)
            answers.append((decoder.problem(), decoder.sections[0].stdout))
        await session.close()
        await session.close()
        await transport.close()
        return answers

    first, second = asyncio.run(twice())
    assert first == second
    assert first[0] is None


def test_every_kind_of_key_logs_in(sshd, client, keys):
    """ed25519, ecdsa and rsa keys are taken from the files that were named."""
    server = sshd(authorized=[keys.user, keys.rsa, keys.ecdsa])
    for key in (keys.user, keys.rsa, keys.ecdsa):
        assert client.to(server, identity_files=(str(key),)).ask().kind is None


def test_default_keys_are_used_when_none_is_named(sshd, client, keys):
    """Without IdentityFile the default files are tried, and those that do not exist are no error."""
    missing = keys.user.with_name("nothing_here")
    outcome = client.to(sshd(), identity_files=()).using(default_identities=(missing, keys.other, keys.user)).ask()
    assert outcome.kind is None


def test_a_refused_key_is_told_with_its_file(sshd, client, keys):
    """The error names user, method and key file, so that the wrong one is seen."""
    outcome = client.to(sshd(), identity_files=(str(keys.other),)).ask()
    assert outcome.kind is ErrorKind.AUTH_FAILED
    assert outcome.error.phase is Phase.AUTH
    assert str(keys.other) in outcome.error.message
    assert local_user() in outcome.error.message


def test_no_key_and_no_password_is_said(sshd, client):
    """With nothing to log in with the error says so and what to do."""
    outcome = client.to(sshd(), identity_files=()).ask()
    assert outcome.kind is ErrorKind.AUTH_FAILED
    assert "no key and no password" in outcome.error.message


def test_too_many_keys(sshd, client, keys):
    """A server that gives up before the right key was tried is understood as a login problem, with the way out."""
    server = sshd("MaxAuthTries 1")
    outcome = client.to(server, identity_files=(str(keys.other), str(keys.rsa), str(keys.user))).ask()
    assert outcome.kind is ErrorKind.AUTH_FAILED


class TestEncryptedKeys:
    """A key with a passphrase."""

    def test_its_passphrase_comes_from_the_secrets(self, sshd, client, keys):
        """A passphrase of the host's own secrets opens the key."""
        server = sshd(authorized=[keys.locked])
        outcome = client.to(server, identity_files=(str(keys.locked),)).secrets(key_passphrase="open sesame").ask()
        assert outcome.kind is None

    def test_it_is_asked_for_once_a_run(self, sshd, client, keys):
        """Many hosts at once cause one question."""
        asked = []

        def answer(path: Path) -> str:
            asked.append(path)
            return "open sesame"

        client.to(sshd(authorized=[keys.locked]), identity_files=(str(keys.locked),)).using(ask_passphrase=answer)
        targets = [replace(client.target, name=f"web{number}") for number in range(4)]
        assert [outcome.kind for outcome in client.ask_all(targets)] == [None] * 4
        assert asked == [keys.locked]

    def test_it_is_asked_for_before_any_host_is_contacted(self, client, keys):
        """``prepare`` opens the keys, while nothing else is on the screen."""
        asked = []
        client.to(9, identity_files=(str(keys.locked),)).using(
            ask_passphrase=lambda path: asked.append(path) or "open sesame"
        )

        async def prepare():
            transport = client.make(client.options)
            await transport.prepare([client.target] * 3)
            await transport.close()

        asyncio.run(prepare())
        assert asked == [keys.locked]

    def test_without_a_passphrase_it_is_unreadable(self, sshd, client, keys):
        """Nobody to ask: the key file is named, and an agent recommended."""
        outcome = client.to(sshd(authorized=[keys.locked]), identity_files=(str(keys.locked),)).ask()
        assert outcome.kind is ErrorKind.KEY_UNREADABLE
        assert str(keys.locked) in outcome.error.message
        assert "ssh-add" in outcome.error.hint

    def test_a_declined_question_is_not_repeated(self, sshd, client, keys):
        """Who gives no passphrase is asked once."""
        asked = []
        client.to(sshd(), identity_files=(str(keys.locked),)).using(ask_passphrase=asked.append)
        outcomes = client.ask_all([client.target, replace(client.target, name="web2")])
        assert {outcome.kind for outcome in outcomes} == {ErrorKind.KEY_UNREADABLE}
        assert len(asked) == 1

    def test_a_wrong_passphrase_is_said(self, sshd, client, keys):
        """It is not told as a damaged file."""
        outcome = client.to(sshd(), identity_files=(str(keys.locked),)).secrets(key_passphrase="nonsense").ask()
        assert outcome.kind is ErrorKind.KEY_UNREADABLE
        assert "passphrase is wrong" in outcome.error.message


def test_a_key_that_others_may_read_is_refused(sshd, client, keys, tmp_path):
    """As with ssh(1): a private key file of mode 0644 is not used."""
    open_key = tmp_path / "open_key"
    open_key.write_bytes(keys.user.read_bytes())
    open_key.chmod(0o644)
    outcome = client.to(sshd(), identity_files=(str(open_key),)).ask()
    assert outcome.kind is ErrorKind.KEY_UNREADABLE
    assert "0644" in outcome.error.message


def test_a_damaged_key_does_not_hide_a_good_one(sshd, client, keys, tmp_path):
    """Other keys are tried; only when all fail the unreadable one is told."""
    damaged = tmp_path / "damaged"
    damaged.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nnonsense\n-----END OPENSSH PRIVATE KEY-----\n")
    damaged.chmod(0o600)
    server = sshd()
    assert client.to(server, identity_files=(str(damaged), str(keys.user))).ask().kind is None
    outcome = client.to(server, identity_files=(str(damaged), str(keys.other))).ask()
    assert outcome.kind is ErrorKind.KEY_UNREADABLE


@contextmanager
def agent(folder: Path, *keys: Path):
    """An agent that holds some keys."""
    socket = folder / "agent.sock"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            assert process.poll() is None
        for key in keys:
            subprocess.run(["ssh-add", "-q", key], env={**os.environ, "SSH_AUTH_SOCK": str(socket)}, check=True)
        yield socket
    finally:
        process.terminate()
        process.wait()


class TestAgent:
    """Keys that an agent holds."""

    def test_an_agent_signs(self, sshd, client, keys, tmp_path):
        """A host is reached by a key that only the agent has, an rsa key as well as an ed25519 one."""
        for key in (keys.user, keys.rsa):
            with agent(tmp_path, key) as socket:
                server = sshd(authorized=[key])
                assert client.to(server, identity_files=()).using(agent_socket=socket).ask().kind is None

    def test_an_agent_opens_a_locked_key(self, sshd, client, keys, tmp_path):
        """The file needs a passphrase, the agent has the same key: nobody is asked."""
        unlocked = tmp_path / "unlocked"
        unlocked.write_bytes(keys.locked.read_bytes())
        unlocked.chmod(0o600)
        subprocess.run(["ssh-keygen", "-q", "-p", "-P", "open sesame", "-N", "", "-f", unlocked], check=True, stdout=-3)
        with agent(tmp_path, unlocked) as socket:
            server = sshd(authorized=[keys.locked])
            outcome = client.to(server, identity_files=(str(keys.locked),)).using(agent_socket=socket).ask()
        assert outcome.kind is None

    def test_a_named_key_comes_before_the_agents_others(self, sshd, client, keys, tmp_path):
        """A server that allows two tries still gets the key that was named."""
        with agent(tmp_path, keys.rsa, keys.ecdsa, keys.other) as socket:
            outcome = client.to(sshd("MaxAuthTries 2")).using(agent_socket=socket).ask()
        assert outcome.kind is None

    def test_identities_only_keeps_the_agents_others_out(self, sshd, client, keys, tmp_path):
        """With IdentitiesOnly a key that was not named is not tried, even if the agent holds it."""
        with agent(tmp_path, keys.user) as socket:
            client.to(sshd(), identity_files=(str(keys.other),), identities_only=True).using(agent_socket=socket)
            assert client.ask().kind is ErrorKind.AUTH_FAILED

    def test_a_dead_agent_is_told_and_done_without(self, sshd, client, tmp_path):
        """A socket that nobody listens on costs a notice, not the host."""
        outcome = client.to(sshd()).using(agent_socket=tmp_path / "nobody.sock").ask()
        assert outcome.kind is None
        assert any("agent" in notice for notice in client.notices)

    def test_a_silent_agent_is_told_and_done_without(self, sshd, client, tmp_path, monkeypatch):
        """A socket that takes the question and never answers costs its limit once a run."""
        monkeypatch.setattr("netaudit.transport.asyncssh_keys.AGENT_WITHIN_S", 0.2)
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(str(tmp_path / "silent.sock"))
            silent.listen()
            client.to(sshd()).using(agent_socket=tmp_path / "silent.sock")
            assert [outcome.kind for outcome in client.ask_all([client.target] * 3)] == [None] * 3
        assert sum("did not answer" in notice for notice in client.notices) == 1

    def test_no_agent_is_offered_to_the_host(self, sshd, client, keys, tmp_path, kit):
        """The host sees no forwarded agent and no variable of ours."""
        with agent(tmp_path, keys.user) as socket:
            outcome = (
                client.to(sshd("AcceptEnv *"))
                .using(agent_socket=socket)
                .ask(kit.hello('echo "agent=$SSH_AUTH_SOCK display=$DISPLAY secret=$NETAUDIT_SECRET"'))
            )
        assert outcome.out == "agent= display= secret=\n"


def test_a_user_certificate_logs_in(sshd, client, keys, tmp_path):
    """``key-cert.pub`` beside a key is offered, and so is a CertificateFile."""
    key = tmp_path / "certified"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-s", keys.authority, "-I", "test", "-n", local_user(), key.with_name("certified.pub")],
        check=True,
    )
    server = sshd(f"TrustedUserCAKeys {keys.authority}.pub", authorized=[keys.other])
    assert client.to(server, identity_files=(str(key),)).ask().kind is None
    moved = tmp_path / "elsewhere.pub"
    key.with_name("certified-cert.pub").rename(moved)
    assert client.to(server, identity_files=(str(key),)).ask().kind is ErrorKind.AUTH_FAILED
    settings = {"certificatefile": (str(moved),)}
    assert client.to(server, identity_files=(str(key),), options=settings).ask().kind is None


@pytest.mark.parametrize("setting", ["AllowUsers nobody-at-all", "DenyUsers *"])
def test_a_user_who_may_not_log_in(sshd, client, setting):
    """sshd refuses the user after the key was accepted."""
    assert client.to(sshd(setting)).ask().kind is ErrorKind.AUTH_FAILED


def test_a_server_that_opens_no_session(sshd, client):
    """MaxSessions 0 lets nobody run anything."""
    outcome = client.to(sshd("MaxSessions 0")).ask()
    assert outcome.kind is ErrorKind.NO_SHELL
    assert outcome.error.phase is Phase.SESSION


def test_file_transfer_may_be_off(sshd, client):
    """No sftp subsystem is needed."""
    assert client.to(sshd("Subsystem sftp /bin/false")).ask().kind is None


def test_no_terminal_may_be_had(sshd, client):
    """PermitTTY no is no obstacle: none is asked for."""
    assert client.to(sshd("PermitTTY no")).ask().kind is None


def test_half_open_connections_are_waited_for(sshd, client):
    """A server that drops connections beyond a few (MaxStartups) still answers for all hosts behind it."""
    client.to(sshd("MaxStartups 3:100:4"))
    targets = [replace(client.target, name=f"web{number}") for number in range(10)]
    assert [outcome.kind for outcome in client.ask_all(targets)] == [None] * 10


def test_a_controller_out_of_descriptors_says_so(sshd, client):
    """Hosts that got one are done, the others name the limit; none is told as anything else."""
    client.to(sshd())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_use = len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (in_use + 4, hard))
    try:
        targets = [replace(client.target, name=f"web{number}") for number in range(12)]
        outcomes = client.ask_all(targets)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    short = [outcome.error for outcome in outcomes if outcome.kind is not None]
    assert all(error.kind is ErrorKind.DISCONNECTED and "ulimit -n" in error.hint for error in short)


def test_a_banner_before_the_login_is_no_trouble(sshd, client, tmp_path):
    """A banner with terminal escapes is not part of anything."""
    banner = tmp_path / "banner"
    banner.write_bytes(b"\x1b]0;owned\x07 welcome \xff\xfe\n" * 100)
    outcome = client.to(sshd(f"Banner {banner}")).ask()
    assert outcome.kind is None
    assert outcome.notes == ()


def test_settings_of_ssh_config_reach_the_server(sshd, client, tmp_path):
    """An ssh_config gives port, user, key and cipher for an alias that the inventory calls the host by."""
    server = sshd()
    config = tmp_path / "config"
    key = client.target.ssh.identity_files[0]
    config.write_text(
        f"Host short\n  Hostname 127.0.0.1\n  Port {server.port}\n  User {local_user()}\n  IdentityFile {key}\n"
        "  Ciphers aes256-ctr\n  MACs hmac-sha2-512\n"
    )
    client.to(server).using(use_ssh_config=True, ssh_config_file=config)
    client.target = replace(client.target, address="short", ssh=type(client.target.ssh)())
    assert client.ask().kind is None
