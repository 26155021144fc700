"""Every exception of paramiko has a meaning, told in the fixed list of kinds."""

from __future__ import annotations

import asyncio
import errno
import importlib
import inspect
import pkgutil
import socket
import struct

import paramiko
import pytest
from paramiko.ssh_exception import IncompatiblePeer, PartialAuthentication

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.transport.paramiko_errors import hung_up, is_mapped, no_common_algorithm, world_error

WINDOWS_ONLY = ("paramiko._winapi", "paramiko.win_pageant", "paramiko.win_openssh")


def exceptions_of_paramiko() -> list[type[BaseException]]:
    """All classes of exceptions that the library defines."""
    found: set[type[BaseException]] = set()
    for module in pkgutil.walk_packages(paramiko.__path__, "paramiko."):
        if module.name in WINDOWS_ONLY:
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(value) and issubclass(value, BaseException) and value.__module__.startswith("paramiko"):
                found.add(value)
    return sorted(found, key=str)


@pytest.mark.parametrize("kind", exceptions_of_paramiko(), ids=lambda kind: kind.__name__)
def test_every_class_of_the_library_has_a_meaning(kind):
    """A new version with a new class fails here and nowhere else."""
    assert is_mapped(kind)


def test_the_list_is_not_empty():
    """The enumeration above finds what there is."""
    assert len(exceptions_of_paramiko()) > 15


@pytest.mark.parametrize(
    ("error", "kind", "phase"),
    [
        (asyncio.CancelledError(), ErrorKind.CANCELLED, Phase.ANSWER),
        (paramiko.PasswordRequiredException("x"), ErrorKind.KEY_UNREADABLE, Phase.AUTH),
        (paramiko.AuthenticationException("Authentication failed."), ErrorKind.AUTH_FAILED, Phase.AUTH),
        (paramiko.AuthenticationException("Authentication timeout."), ErrorKind.TIMEOUT, Phase.AUTH),
        (
            paramiko.AuthenticationException("Authentication failed: transport shut down or saw EOF"),
            ErrorKind.DISCONNECTED,
            Phase.ANSWER,
        ),
        (paramiko.BadAuthenticationType("x", ["password"]), ErrorKind.AUTH_FAILED, Phase.AUTH),
        (PartialAuthentication(["password"]), ErrorKind.AUTH_FAILED, Phase.AUTH),
        (paramiko.ChannelException(2, "x"), ErrorKind.NO_SHELL, Phase.SESSION),
        (IncompatiblePeer("Incompatible ssh peer (no acceptable kex)"), ErrorKind.PROTOCOL, Phase.ANSWER),
        (IncompatiblePeer("Incompatible version (1.5 instead of 2.0)"), ErrorKind.PROTOCOL, Phase.CONNECT),
        (paramiko.SSHException("Error reading SSH protocol banner"), ErrorKind.PROTOCOL, Phase.CONNECT),
        (paramiko.SSHException("SSH session not active"), ErrorKind.DISCONNECTED, Phase.ANSWER),
        (paramiko.SSHException("Timeout opening channel."), ErrorKind.TIMEOUT, Phase.ANSWER),
        (paramiko.SSHException("Signature verification failed."), ErrorKind.PROTOCOL, Phase.ANSWER),
        (EOFError(), ErrorKind.DISCONNECTED, Phase.ANSWER),
        (ConnectionRefusedError(), ErrorKind.REFUSED, Phase.CONNECT),
        (ConnectionResetError(), ErrorKind.DISCONNECTED, Phase.ANSWER),
        (socket.gaierror(-2, "x"), ErrorKind.DNS, Phase.CONNECT),
        (TimeoutError(), ErrorKind.TIMEOUT, Phase.ANSWER),
        (OSError(errno.EHOSTUNREACH, "x"), ErrorKind.CONNECT_TIMEOUT, Phase.ANSWER),
        (OSError(errno.EMFILE, "x"), ErrorKind.DISCONNECTED, Phase.ANSWER),
        (OSError("Socket is closed"), ErrorKind.DISCONNECTED, Phase.ANSWER),
        (UnicodeDecodeError("utf-8", b"", 0, 1, "x"), ErrorKind.PROTOCOL, Phase.CONNECT),
        (struct.error("x"), ErrorKind.PROTOCOL, Phase.ANSWER),
        (RuntimeError("x"), ErrorKind.PROTOCOL, Phase.ANSWER),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_what_an_exception_means(error, kind, phase):
    """One kind, and the phase it happened in unless it knows better."""
    told = world_error(error, Phase.ANSWER)
    assert (told.kind, told.phase) == (kind, phase)


def test_a_silence_before_the_login_is_one_of_the_connection():
    """The kind depends on how far the host had come."""
    assert world_error(TimeoutError(), Phase.KEY_EXCHANGE).kind is ErrorKind.CONNECT_TIMEOUT
    assert world_error(paramiko.SSHException("Channel closed."), Phase.SESSION).kind is ErrorKind.NO_SHELL


def test_our_own_error_stays_as_it_is():
    """What the judge of host keys or the escalation says is not told anew."""
    error = WorldError(ErrorKind.HOST_KEY_UNKNOWN, "x", phase=Phase.KEY_EXCHANGE)
    assert world_error(error, Phase.ANSWER) is error


def test_nothing_of_a_server_is_taken_over_raw():
    """Escapes and line breaks in a text become visible."""
    for text in ("\x1b[31mred\n", "\u202eback"):
        assert world_error(paramiko.SSHException(text), Phase.AUTH).message.isprintable()
        assert hung_up(text, Phase.AUTH).message.isprintable()
        offered = {"kex_algo_list": [text]}
        assert no_common_algorithm(IncompatiblePeer("no acceptable kex"), offered).message.isprintable()


def test_too_many_keys_is_a_matter_of_the_login():
    """OpenSSH hangs up; the person has to name the right key."""
    told = hung_up("Too many authentication failures", Phase.AUTH)
    assert told.kind is ErrorKind.AUTH_FAILED
    assert "--private-key" in told.hint


def test_what_the_server_offers_is_named():
    """By the list in which nothing fitted."""
    offered = {"kex_algo_list": ["diffie-hellman-group1-sha1"], "server_mac_algo_list": ["hmac-md5"]}
    kex = no_common_algorithm(IncompatiblePeer("Incompatible ssh peer (no acceptable kex algorithm)"), offered)
    assert "kex algorithm in common: the server offers diffie-hellman-group1-sha1" in kex.message
    macs = no_common_algorithm(IncompatiblePeer("Incompatible ssh server (no acceptable macs)"), offered)
    assert "hmac-md5" in macs.message
    unknown = no_common_algorithm(IncompatiblePeer("Incompatible ssh server (no acceptable ciphers)"), offered)
    assert unknown.kind is ErrorKind.PROTOCOL
