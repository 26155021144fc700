"""Asking real servers for their keys, and recording them."""

from __future__ import annotations

import asyncio
import subprocess
from dataclasses import replace

import pytest

from netaudit.errors import ErrorKind, OperatorError, WorldError
from netaudit.transport.asyncssh_trust import HostKeySource, KeyState
from netaudit.transport.resolved import local_user


@pytest.fixture
def trust(client):
    """What a host shows, and how many of its keys were recorded."""

    def run(*, record=True, replacing=False):
        async def one():
            source = HostKeySource(client.options)
            try:
                shown = await source.shown_by(client.target)
                return shown, source.record(shown, replace=replacing) if record else 0
            finally:
                await source.close()

        return asyncio.run(one())

    return run


def states(shown) -> list[KeyState]:
    """What is known of each key."""
    return [key.state for key in shown.keys]


def test_all_kinds_of_keys_are_shown_and_recorded(sshd, client, keys, trust):
    """ed25519, ecdsa and rsa, with the fingerprints of ssh-keygen; a strict run then knows the host."""
    client.to(sshd(host_keys=[keys.host, keys.host_ecdsa, keys.host_rsa]), trust=False)
    shown, count = trust()
    printed = [
        subprocess.run(["ssh-keygen", "-lf", key], check=True, capture_output=True, text=True).stdout.split()[1]
        for key in (keys.host, keys.host_ecdsa, keys.host_rsa)
    ]
    assert [key.fingerprint.split()[1] for key in shown.keys] == printed
    assert (states(shown), count) == ([KeyState.NEW] * 3, 3)
    assert client.ask().kind is None
    shown, count = trust()
    assert (states(shown), count) == ([KeyState.KNOWN] * 3, 0)


def test_a_kind_that_a_host_has_not_is_left_out(sshd, client, trust):
    """One key, one line."""
    client.to(sshd(), trust=False)
    assert trust()[1] == 1


def test_a_changed_key_is_replaced_only_when_told_to(sshd, client, keys, trust):
    """Without being told, the stored key stays and the host is refused."""
    server = sshd(host_keys=[keys.host, keys.host_rsa])
    known_hosts = client.options.user_known_hosts[0]
    known_hosts.write_text(server.known(keys.other) + "db1 " + known_line(keys.other))
    client.to(server, trust=False)
    shown, count = trust(record=False)
    assert (states(shown), count) == ([KeyState.CHANGED, KeyState.NEW], 0)
    assert shown.keys[0].stored.where.line == 1
    assert client.ask().kind is ErrorKind.HOST_KEY_MISMATCH
    assert trust(replacing=True)[1] == 2
    assert client.ask().kind is None
    assert "db1" in known_hosts.read_text()


def known_line(key) -> str:
    """The rest of a line of known_hosts."""
    return " ".join(key.with_suffix(".pub").read_text().split()[:2]) + "\n"


def test_a_revoked_key_is_never_recorded(sshd, client, keys, trust, kit):
    """Not even with replacing."""
    client.options.user_known_hosts[0].write_text(f"@revoked * {kit.public(keys.host)}\n")
    client.to(sshd(), trust=False)
    shown, count = trust(replacing=True)
    assert (states(shown), count) == ([KeyState.REVOKED], 0)


def test_names_are_hashed_where_the_file_has_them_hashed(sshd, client, keys, trust):
    """As HashKnownHosts would."""
    client.options.user_known_hosts[0].write_text("db1 " + known_line(keys.other))
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", client.options.user_known_hosts[0]], check=True, stderr=-3)
    client.to(sshd(), trust=False)
    trust()
    assert client.options.user_known_hosts[0].read_text().count("|1|") == 2
    assert client.ask().kind is None


def test_a_host_behind_a_jump_host(sshd, client, trust):
    """The jump host has to be trusted first, and then leads to the keys behind it."""
    jump, server = sshd(), sshd()
    client.to(server, trust=False, jumps=(f"{local_user()}@127.0.0.1:{jump.port}",))
    with pytest.raises(WorldError, match="jump host"):
        trust()
    client.to(jump).to(server, trust=False)
    assert trust()[1] == 1


def test_what_is_no_server_shows_no_key(client, kit, trust):
    """Refused is refused."""
    client.to(kit.free_port())
    with pytest.raises(WorldError) as caught:
        trust()
    assert caught.value.kind is ErrorKind.REFUSED


def test_a_file_that_cannot_be_written_is_the_operators(sshd, client, tmp_path, trust):
    """The keys were shown, but not recorded."""
    (tmp_path / "file").write_text("")
    client.to(sshd(), trust=False)
    client.options = replace(client.options, user_known_hosts=(tmp_path / "file" / "known_hosts",))
    with pytest.raises(OperatorError, match="known_hosts"):
        trust()
