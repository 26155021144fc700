"""The options that asyncssh gets."""

from __future__ import annotations

from dataclasses import replace

import asyncssh
import pytest

from netaudit.model.target import SshSettings, Target
from netaudit.transport.asyncssh_options import (
    WINDOW_BYTES,
    chosen_algorithms,
    login_methods,
    order_algorithms,
    shared_options,
)
from netaudit.transport.resolved import from_settings

PLAIN = from_settings(Target("web1", "web1"), SshSettings())


@pytest.fixture
def options(monkeypatch, tmp_path):
    """The shared options, made in a home whose ssh_config wants everything that we refuse."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "config").write_text(
        "Host *\n  ForwardAgent yes\n  SendEnv *\n  SetEnv A=b\n  ProxyCommand touch /tmp/never\n  Compression yes\n"
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    return shared_options("oper")


def test_nothing_of_the_librarys_defaults_is_left(options):
    """No configuration, no agent, no environment, no compression, no decoding."""
    assert options.agent_forward_path is None
    assert options.agent_path is None
    assert not options.client_keys
    assert not options.send_env
    assert not options.env
    assert not options.x11_forwarding
    assert options.proxy_command is None
    assert options.compression_algs == [b"none"]
    assert options.encoding is None
    assert options.window == WINDOW_BYTES
    assert options.username == "oper"
    assert options.known_hosts is not None


def test_the_cheapest_cipher_comes_first_and_none_is_left_out(options):
    """AES-GCM before the others; a server that has none of it is still served."""
    usual = asyncssh.SSHClientConnectionOptions(config=None, username="oper").encryption_algs
    assert options.encryption_algs[0] == b"aes128-gcm@openssh.com"
    assert sorted(options.encryption_algs) == sorted(usual)


def test_a_user_without_an_entry_can_run_this(monkeypatch):
    """No variable has a name, and the password database has none for this uid either, as in some containers."""

    def nobody(_uid):
        raise KeyError("no such uid")

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert shared_options("someone").username == "someone"


def test_stored_types_are_asked_for_first():
    """rsa keys by their signatures; certificates before everything, and only where an authority is known."""
    assert order_algorithms([], certified=False)[0] == "ssh-ed25519"
    assert order_algorithms(["ssh-rsa", "ssh-dss"], certified=False)[:3] == [
        "rsa-sha2-512",
        "rsa-sha2-256",
        "ssh-ed25519",
    ]
    assert order_algorithms(["ssh-rsa"], certified=True)[0] == "ssh-ed25519-cert-v01@openssh.com"
    assert not any("cert" in name for name in order_algorithms(["ssh-rsa"], certified=False))


def test_sha1_is_never_offered():
    """Neither as a plain key nor in a certificate."""
    names = order_algorithms(["ssh-rsa"], certified=True)
    assert "ssh-rsa" not in names
    assert "ssh-rsa-cert-v01@openssh.com" not in names


@pytest.mark.parametrize(
    ("settings", "keys", "password", "expected"),
    [
        ({}, True, False, ["publickey"]),
        ({}, True, True, ["publickey", "keyboard-interactive", "password"]),
        ({}, False, True, ["keyboard-interactive", "password"]),
        ({}, False, False, []),
        ({"preferred_auth": ("password", "gssapi-with-mic", "publickey")}, True, True, ["password", "publickey"]),
        ({"refused_auth": frozenset({"password"})}, True, True, ["publickey", "keyboard-interactive"]),
    ],
)
def test_methods_follow_what_there_is_to_log_in_with(settings, keys, password, expected):
    """No method is offered that there is nothing for."""
    assert login_methods(replace(PLAIN, **settings), keys=keys, password=password) == expected


def test_algorithms_of_ssh_config_are_passed_as_far_as_they_are_spoken():
    """Unknown ones are left out; a list of nothing but those is not passed at all."""
    said = replace(PLAIN, algorithms=(("ciphers", ("aes256-ctr", "rot13")), ("macs", ("rot13",))))
    assert chosen_algorithms(said) == {"encryption_algs": ["aes256-ctr"]}
