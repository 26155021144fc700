"""How exceptions of a library become errors of a host: a table of classes, and the rows that every table shares.

A library's own module holds its table; here stands what sockets raise, which is the same whoever uses them. Nothing of
a text is taken over raw.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.transport.hosttext import one_line

Tell = Callable[[BaseException, Phase], WorldError]
TOO_OLD_HINT = "the server is too old, or its sshd_config or our ssh_config allows too little"
_TOO_MANY_KEYS_HINT = (
    "the server gave up before the right key was tried: name it with --private-key and set IdentitiesOnly yes"
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What some classes of exceptions mean."""

    kinds: tuple[type[BaseException], ...]
    tell: Tell


class ErrorTable:
    """Meanings in the order in which they are tried: narrow classes stand before wide ones."""

    def __init__(self, *meanings: Meaning) -> None:
        self._meanings = (Meaning((asyncio.CancelledError,), always(ErrorKind.CANCELLED, "cancelled")), *meanings)

    def world_error(self, error: BaseException, phase: Phase) -> WorldError:
        """The error as netaudit tells it. ``phase`` is how far the host had come; a few errors know better."""
        if isinstance(error, WorldError):
            return error
        for meaning in self._meanings:
            if isinstance(error, meaning.kinds):
                return meaning.tell(error, phase)
        text = one_line(str(error), 120)
        return WorldError(ErrorKind.PROTOCOL, f"unexpected {type(error).__name__}: {text}", phase=phase)

    def is_mapped(self, kind: type[BaseException]) -> bool:
        """Whether a class has a meaning of its own here, rather than being told as unexpected."""
        return any(issubclass(kind, meaning.kinds) for meaning in self._meanings)


def always(kind: ErrorKind, message: str, hint: str = "", *, at: Phase | None = None) -> Tell:
    """A meaning that is always the same but for the text, which stands for ``{}``."""

    def tell(error: BaseException, phase: Phase) -> WorldError:
        text = one_line(str(error)) or type(error).__name__
        return WorldError(kind, message.format(text), phase=at or phase, hint=hint)

    return tell


NEVER = always(ErrorKind.PROTOCOL, "the SSH library reports what it never should here: {}")
BROKEN = always(ErrorKind.PROTOCOL, "the server breaks the SSH protocol: {}")


def in_time(_error: BaseException, phase: Phase) -> WorldError:
    """The meaning of a silence: before the login it is one of the connection."""
    early = phase in (Phase.CONNECT, Phase.KEY_EXCHANGE)
    return WorldError(ErrorKind.CONNECT_TIMEOUT if early else ErrorKind.TIMEOUT, "no answer in time", phase=phase)


def no_session(error: BaseException, phase: Phase) -> WorldError:
    """The meaning of a channel that the server does not open."""
    return WorldError(
        ErrorKind.NO_SHELL,
        f"the server opens no session: {one_line(str(error))}",
        phase=Phase.SESSION if phase in (Phase.SESSION, Phase.ANSWER) else phase,
        hint="the account may be for file transfer or forwarding only, or MaxSessions is reached",
    )


def too_many_keys() -> WorldError:
    """The error of a server that hung up over the keys that were tried (MaxAuthTries)."""
    return WorldError(ErrorKind.AUTH_FAILED, "too many keys were tried", phase=Phase.AUTH, hint=_TOO_MANY_KEYS_HINT)


def nothing_in_common(what: str, offered: Iterable[str]) -> WorldError:
    """The error of a server that speaks none of our algorithms for something."""
    return WorldError(
        ErrorKind.PROTOCOL,
        f"no {what} algorithm in common: the server offers {one_line(','.join(offered), 120)}",
        phase=Phase.KEY_EXCHANGE,
        hint=TOO_OLD_HINT,
    )


_OS_KINDS = {
    errno.ETIMEDOUT: (ErrorKind.CONNECT_TIMEOUT, "a firewall may drop the packets, or the host is down"),
    errno.EHOSTUNREACH: (ErrorKind.CONNECT_TIMEOUT, "nobody on the way has the host: is it up, is the address right?"),
    errno.ENETUNREACH: (ErrorKind.CONNECT_TIMEOUT, "this machine has no route to that network"),
    errno.EADDRNOTAVAIL: (ErrorKind.CONNECT_TIMEOUT, "this machine has no such address, or no free local port"),
    errno.EACCES: (ErrorKind.REFUSED, "a rule on this machine forbids the connection"),
    errno.EPERM: (ErrorKind.REFUSED, "a rule on this machine forbids the connection"),
    errno.EMFILE: (ErrorKind.DISCONNECTED, "raise the open-file limit (ulimit -n) or lower --forks"),
    errno.ENFILE: (ErrorKind.DISCONNECTED, "this machine is out of file handles (fs.file-max)"),
    errno.ENOBUFS: (
        ErrorKind.DISCONNECTED,
        "this machine's neighbour table may be full (net.ipv4.neigh.default.gc_thresh3)",
    ),
}


def _os_error(error: BaseException, phase: Phase) -> WorldError:
    number = error.errno if isinstance(error, OSError) else None
    kind, hint = _OS_KINDS.get(number or 0, (ErrorKind.DISCONNECTED, ""))
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if number and text.startswith("Connect call failed"):  # asyncio puts the address in the place of the reason
        text = os.strerror(number)
    return WorldError(kind, one_line(text) or type(error).__name__, phase=phase, hint=hint)


_NO_LISTENER = always(
    ErrorKind.REFUSED, "nothing listens on that port", "is sshd running, and is ansible_port right?", at=Phase.CONNECT
)

# What sockets raise; to stand after the library's own classes, which may derive from these.
SOCKET_MEANINGS = (
    Meaning((socket.gaierror,), always(ErrorKind.DNS, "the name has no address: {}", at=Phase.CONNECT)),
    Meaning((ConnectionRefusedError,), _NO_LISTENER),
    Meaning((TimeoutError,), in_time),
    Meaning(
        (ConnectionResetError, ConnectionAbortedError, BrokenPipeError),
        always(ErrorKind.DISCONNECTED, "the connection was reset"),
    ),
    Meaning((OSError,), _os_error),
    Meaning(
        (UnicodeDecodeError,),
        always(ErrorKind.PROTOCOL, "not an SSH-2 server: its identification is not ASCII", at=Phase.CONNECT),
    ),
)
