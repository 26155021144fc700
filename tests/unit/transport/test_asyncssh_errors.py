"""Every exception of asyncssh has a meaning."""

from __future__ import annotations

import asyncio
import errno
import importlib
import inspect
import os
import pkgutil
import socket

import asyncssh
import pytest

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.transport.asyncssh_errors import is_mapped, world_error
from netaudit.transport.handshake import is_transient


def exceptions_of_asyncssh() -> list[type[BaseException]]:
    """Every class of exceptions that a module of asyncssh defines."""
    found: set[type[BaseException]] = set()
    for module in pkgutil.iter_modules(asyncssh.__path__):
        if module.name.endswith("_win32"):
            continue
        try:
            loaded = importlib.import_module(f"asyncssh.{module.name}")
        except ImportError:
            continue  # needs a package that is not installed
        for _, value in inspect.getmembers(loaded, inspect.isclass):
            if issubclass(value, BaseException) and value.__module__.startswith("asyncssh"):
                found.add(value)
    return sorted(found, key=lambda kind: kind.__name__)


def test_the_list_is_not_empty():
    """The enumeration finds what everybody knows."""
    found = exceptions_of_asyncssh()
    assert asyncssh.ConnectionLost in found
    assert len(found) > 30


@pytest.mark.parametrize("kind", exceptions_of_asyncssh(), ids=lambda kind: kind.__name__)
def test_each_is_mapped(kind):
    """A class that a new version of the library adds is noticed here."""
    assert is_mapped(kind)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), ErrorKind.REFUSED),
        (ConnectionResetError(), ErrorKind.DISCONNECTED),
        (BrokenPipeError(), ErrorKind.DISCONNECTED),
        (TimeoutError(), ErrorKind.CONNECT_TIMEOUT),
        (OSError(errno.EHOSTUNREACH, "No route to host"), ErrorKind.CONNECT_TIMEOUT),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), ErrorKind.CONNECT_TIMEOUT),
        (OSError(errno.ETIMEDOUT, "Connection timed out"), ErrorKind.CONNECT_TIMEOUT),
        (PermissionError(errno.EPERM, "Operation not permitted"), ErrorKind.REFUSED),
        (OSError(errno.EMFILE, "Too many open files"), ErrorKind.DISCONNECTED),
        (OSError("odd"), ErrorKind.DISCONNECTED),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), ErrorKind.DNS),
        (asyncssh.PermissionDenied("no"), ErrorKind.AUTH_FAILED),
        (asyncssh.ProtocolError("Too many authentication failures"), ErrorKind.AUTH_FAILED),
        (asyncssh.ProtocolError("Too many banner lines"), ErrorKind.PROTOCOL),
        (asyncssh.ProtocolNotSupported("Unsupported SSH version"), ErrorKind.PROTOCOL),
        (asyncssh.KeyExchangeFailed("No matching kex algorithm found, sent a,b and received c"), ErrorKind.PROTOCOL),
        (asyncssh.HostKeyNotVerifiable("Certificate expired"), ErrorKind.HOST_KEY_MISMATCH),
        (asyncssh.ConnectionLost("Connection lost"), ErrorKind.DISCONNECTED),
        (asyncssh.KeyImportError("x"), ErrorKind.KEY_UNREADABLE),
        (asyncssh.ChannelOpenError(2, "open failed"), ErrorKind.NO_SHELL),
        (asyncio.CancelledError(), ErrorKind.CANCELLED),
        (UnicodeDecodeError("ascii", b"\xff", 0, 1, "x"), ErrorKind.PROTOCOL),
        (ZeroDivisionError("a defect"), ErrorKind.PROTOCOL),
    ],
    ids=repr,
)
def test_what_each_means(error, kind):
    """The kinds of the contract."""
    told = world_error(error, Phase.CONNECT)
    assert told.kind is kind
    assert told.message.isprintable()


@pytest.mark.parametrize("number", [errno.EHOSTUNREACH, errno.ENOBUFS, errno.ENETDOWN])
def test_the_reason_of_the_system_is_told(number):
    """asyncio writes the address where it was."""
    told = world_error(OSError(number, "Connect call failed ('192.0.2.1', 22)"), Phase.CONNECT)
    assert told.message == os.strerror(number)


def test_a_world_error_stays_what_it_is():
    """What has been told once is not told anew."""
    error = WorldError(ErrorKind.DNS, "x", phase=Phase.CONNECT)
    assert world_error(error, Phase.AUTH) is error


def test_the_algorithms_of_the_server_are_told():
    """Not our own long list."""
    told = world_error(
        asyncssh.KeyExchangeFailed("No matching kex algorithm found, sent a,b and received old"), Phase.CONNECT
    )
    assert told.message == "no kex algorithm in common: the server offers old"


def test_a_reason_of_a_server_is_escaped_and_bounded():
    """A disconnect is written by the server."""
    told = world_error(asyncssh.DisconnectError(11, "\x1b[2J" + "x" * 1000), Phase.ANSWER)
    assert told.message.isprintable()
    assert len(told.message) < 300


def test_a_silence_after_the_login_began_is_no_matter_of_connecting():
    """The phase decides between the two kinds of timeout."""
    assert world_error(TimeoutError(), Phase.KEY_EXCHANGE).kind is ErrorKind.CONNECT_TIMEOUT
    assert world_error(TimeoutError(), Phase.AUTH).kind is ErrorKind.TIMEOUT


@pytest.mark.parametrize(
    ("kind", "phase", "transient"),
    [
        (ErrorKind.DISCONNECTED, Phase.CONNECT, True),
        (ErrorKind.DISCONNECTED, Phase.KEY_EXCHANGE, True),
        (ErrorKind.DISCONNECTED, Phase.AUTH, False),
        (ErrorKind.DISCONNECTED, Phase.ANSWER, False),
        (ErrorKind.REFUSED, Phase.CONNECT, False),
        (ErrorKind.CONNECT_TIMEOUT, Phase.CONNECT, False),
        (ErrorKind.AUTH_FAILED, Phase.AUTH, False),
        (ErrorKind.HOST_KEY_UNKNOWN, Phase.KEY_EXCHANGE, False),
        (ErrorKind.PROTOCOL, Phase.CONNECT, False),
    ],
)
def test_what_is_worth_another_try(kind, phase, transient):
    """Only a connection that was cut before anything was refused."""
    assert is_transient(WorldError(kind, "x", phase=phase)) is transient
