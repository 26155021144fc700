"""What asyncssh, the sockets and the agent raise, told in the fixed list of kinds: the one place that knows them all.

Nothing of a message is taken over raw: a server writes the reason of a disconnect itself.
"""

from __future__ import annotations

import asyncio
import errno
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass

import asyncssh
import asyncssh.asn1
import asyncssh.gss
import asyncssh.misc
import asyncssh.packet
import asyncssh.pbe
import asyncssh.saslprep

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.transport.hosttext import one_line

TOO_MANY_KEYS_HINT = (
    "the server gave up before the right key was tried: name it with --private-key and set IdentitiesOnly yes"
)
_NOT_SSH = re.compile(r"banner|version too long|unsupported ssh version", re.IGNORECASE)
_NO_MATCH = re.compile(r"No matching (.+) algorithm found, sent .* and received (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Meaning:
    kinds: tuple[type[BaseException], ...]
    tell: Callable[[BaseException, Phase], WorldError]


def world_error(error: BaseException, phase: Phase) -> WorldError:
    """The error as netaudit tells it. ``phase`` is how far the host had come; a few errors know better themselves."""
    if isinstance(error, WorldError):
        return error
    for meaning in _MEANINGS:
        if isinstance(error, meaning.kinds):
            return meaning.tell(error, phase)
    return WorldError(
        ErrorKind.PROTOCOL, f"unexpected {type(error).__name__}: {one_line(str(error), 120)}", phase=phase
    )


def is_mapped(kind: type[BaseException]) -> bool:
    """Whether a class of exceptions has a meaning of its own here, rather than being told as unexpected."""
    return any(issubclass(kind, meaning.kinds) for meaning in _MEANINGS)


def is_transient(error: WorldError) -> bool:
    """Whether another try may well succeed: the connection was cut before anything was refused.

    That is how a server with too many half-open connections (MaxStartups) looks from here. A refused port, a name
    without address or a silence that lasted the whole limit is an answer, and asking again only takes time.
    """
    return error.kind is ErrorKind.DISCONNECTED and error.phase in (Phase.CONNECT, Phase.KEY_EXCHANGE)


def _as(
    kind: ErrorKind, message: str, hint: str = "", at: Phase | None = None
) -> Callable[[BaseException, Phase], WorldError]:
    """A meaning that is always the same but for the text, which stands for ``{}``."""

    def tell(error: BaseException, phase: Phase) -> WorldError:
        return WorldError(
            kind, message.format(one_line(str(error)) or type(error).__name__), phase=at or phase, hint=hint
        )

    return tell


def _protocol_error(error: BaseException, phase: Phase) -> WorldError:
    text = str(error)
    if "too many authentication failures" in text.lower():
        return WorldError(ErrorKind.AUTH_FAILED, "too many keys were tried", phase=Phase.AUTH, hint=TOO_MANY_KEYS_HINT)
    if _NOT_SSH.search(text):
        return WorldError(ErrorKind.PROTOCOL, f"not an SSH-2 server: {one_line(text)}", phase=Phase.CONNECT)
    return WorldError(ErrorKind.PROTOCOL, f"the server breaks the SSH protocol: {one_line(text)}", phase=phase)


def _no_common_algorithm(error: BaseException, _phase: Phase) -> WorldError:
    match = _NO_MATCH.match(str(error))
    if match is None:
        return WorldError(ErrorKind.PROTOCOL, f"key exchange failed: {one_line(str(error))}", phase=Phase.KEY_EXCHANGE)
    return WorldError(
        ErrorKind.PROTOCOL,
        f"no {match[1]} algorithm in common: the server offers {one_line(match[2], 120)}",
        phase=Phase.KEY_EXCHANGE,
        hint="the server is too old, or its sshd_config or our ssh_config allows too little",
    )


def _channel_error(error: BaseException, phase: Phase) -> WorldError:
    return WorldError(
        ErrorKind.NO_SHELL,
        f"the server opens no session: {one_line(str(error))}",
        phase=Phase.SESSION if phase in (Phase.SESSION, Phase.ANSWER) else phase,
        hint="the account may be for file transfer or forwarding only, or MaxSessions is reached",
    )


def _timeout(_error: BaseException, phase: Phase) -> WorldError:
    early = phase in (Phase.CONNECT, Phase.KEY_EXCHANGE)
    return WorldError(ErrorKind.CONNECT_TIMEOUT if early else ErrorKind.TIMEOUT, "no answer in time", phase=phase)


_OS_KINDS = {
    errno.ETIMEDOUT: (ErrorKind.CONNECT_TIMEOUT, "a firewall may drop the packets, or the host is down"),
    errno.EHOSTUNREACH: (ErrorKind.CONNECT_TIMEOUT, "nobody on the way has the host: is it up, is the address right?"),
    errno.ENETUNREACH: (ErrorKind.CONNECT_TIMEOUT, "this machine has no route to that network"),
    errno.EADDRNOTAVAIL: (ErrorKind.CONNECT_TIMEOUT, "this machine has no such address, or no free local port"),
    errno.EACCES: (ErrorKind.REFUSED, "a rule on this machine forbids the connection"),
    errno.EPERM: (ErrorKind.REFUSED, "a rule on this machine forbids the connection"),
    errno.EMFILE: (ErrorKind.DISCONNECTED, "raise the open-file limit (ulimit -n) or lower --forks"),
    errno.ENFILE: (ErrorKind.DISCONNECTED, "this machine is out of file handles (fs.file-max)"),
}


def _os_error(error: BaseException, phase: Phase) -> WorldError:
    number = error.errno if isinstance(error, OSError) else None
    kind, hint = _OS_KINDS.get(number or 0, (ErrorKind.DISCONNECTED, ""))
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return WorldError(kind, one_line(text) or type(error).__name__, phase=phase, hint=hint)


# The first that fits counts, so narrow classes stand before wide ones.
_MEANINGS = (
    _Meaning((asyncio.CancelledError,), _as(ErrorKind.CANCELLED, "cancelled")),
    _Meaning(
        (asyncssh.HostKeyNotVerifiable,),
        _as(ErrorKind.HOST_KEY_MISMATCH, "the host's key does not hold: {}", at=Phase.KEY_EXCHANGE),
    ),
    _Meaning((asyncssh.PermissionDenied,), _as(ErrorKind.AUTH_FAILED, "the server refused the login", at=Phase.AUTH)),
    _Meaning(
        (asyncssh.PasswordChangeRequired,),
        _as(ErrorKind.AUTH_FAILED, "the password has expired and must be changed first", at=Phase.AUTH),
    ),
    _Meaning(
        (asyncssh.IllegalUserName, asyncssh.saslprep.SASLPrepError),
        _as(ErrorKind.AUTH_FAILED, "the user name cannot be sent: {}", at=Phase.AUTH),
    ),
    _Meaning(
        (asyncssh.gss.GSSError,),  # type: ignore[attr-defined]  # re-exported by platform
        _as(ErrorKind.AUTH_FAILED, "GSSAPI: {}", at=Phase.AUTH),
    ),
    _Meaning(
        (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, asyncssh.KeyExportError, asyncssh.KeyGenerationError),
        _as(ErrorKind.KEY_UNREADABLE, "a private key cannot be read: {}", at=Phase.AUTH),
    ),
    _Meaning((asyncssh.ChannelOpenError,), _channel_error),
    _Meaning((asyncssh.KeyExchangeFailed,), _no_common_algorithm),
    _Meaning((asyncssh.ConnectionLost,), _as(ErrorKind.DISCONNECTED, "the connection was lost: {}")),
    _Meaning((asyncssh.ProtocolError, asyncssh.ProtocolNotSupported), _protocol_error),
    _Meaning(
        (asyncssh.CompressionError, asyncssh.MACError, asyncssh.packet.PacketDecodeError, asyncssh.asn1.ASN1Error),
        _as(ErrorKind.PROTOCOL, "the server breaks the SSH protocol: {}"),
    ),
    _Meaning((asyncssh.DisconnectError,), _as(ErrorKind.DISCONNECTED, "the server hung up: {}")),
    _Meaning((asyncssh.TimeoutError, TimeoutError), _timeout),
    _Meaning(
        (
            asyncssh.ProcessError,
            asyncssh.SFTPError,
            asyncssh.ChannelListenError,
            asyncssh.BreakReceived,
            asyncssh.SignalReceived,
            asyncssh.misc.SoftEOFReceived,
            asyncssh.TerminalSizeChanged,
            asyncssh.ConfigParseError,
        ),
        _as(ErrorKind.PROTOCOL, "the SSH library reports what it never should here: {}"),
    ),
    _Meaning((asyncssh.Error,), _as(ErrorKind.PROTOCOL, "SSH: {}")),
    _Meaning((socket.gaierror,), _as(ErrorKind.DNS, "the name has no address: {}", at=Phase.CONNECT)),
    _Meaning(
        (ConnectionRefusedError,),
        _as(
            ErrorKind.REFUSED,
            "nothing listens on that port",
            "is sshd running, and is ansible_port right?",
            at=Phase.CONNECT,
        ),
    ),
    _Meaning(
        (ConnectionResetError, ConnectionAbortedError, BrokenPipeError),
        _as(ErrorKind.DISCONNECTED, "the connection was reset"),
    ),
    _Meaning((OSError,), _os_error),
    _Meaning(
        (UnicodeDecodeError,),
        _as(ErrorKind.PROTOCOL, "not an SSH-2 server: its identification is not ASCII", at=Phase.CONNECT),
    ),
)
