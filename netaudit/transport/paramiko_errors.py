"""What paramiko, its sockets and its agent raise, told in the fixed list of kinds: the one place that knows them all.

paramiko tells many things by one class and a text, so some texts are looked at. Nothing of a message is taken over raw.
"""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import paramiko
import paramiko.ber
import paramiko.buffered_pipe
import paramiko.hostkeys
import paramiko.packet
import paramiko.pkey
import paramiko.sftp
import paramiko.ssh_exception

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.transport.hosttext import one_line

TOO_MANY_KEYS_HINT = (
    "the server gave up before the right key was tried: name it with --private-key and set IdentitiesOnly yes"
)
_TOO_OLD_HINT = "the server is too old, or its sshd_config or our ssh_config allows too little"
_LISTS = {
    "kex": "kex_algo_list",
    "host key": "server_key_algo_list",
    "ciphers": "server_encrypt_algo_list",
    "macs": "server_mac_algo_list",
}
_NOT_SSH = re.compile(r"banner|protocol version", re.IGNORECASE)
_ENDED = re.compile(
    r"not active|no existing session|saw EOF|negotiation failed|channel closed|unable to open", re.IGNORECASE
)
_LATE = re.compile(r"timeout|timed out", re.IGNORECASE)


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
    text = one_line(str(error), 120)
    return WorldError(ErrorKind.PROTOCOL, f"unexpected {type(error).__name__}: {text}", phase=phase)


def is_mapped(kind: type[BaseException]) -> bool:
    """Whether a class of exceptions has a meaning of its own here, rather than being told as unexpected."""
    return any(issubclass(kind, meaning.kinds) for meaning in _MEANINGS)


def hung_up(reason: str, phase: Phase) -> WorldError:
    """The error of a server that said why it ends the connection; ``reason`` is its own text."""
    if "too many authentication failures" in reason.lower():
        return WorldError(ErrorKind.AUTH_FAILED, "too many keys were tried", phase=Phase.AUTH, hint=TOO_MANY_KEYS_HINT)
    return WorldError(ErrorKind.DISCONNECTED, f"the server hung up: {one_line(reason)}", phase=phase)


def channel_refused(error: paramiko.ChannelException, place: str, jump: str) -> WorldError:
    """What it means that a jump host opens no channel to the host behind it, by the words of OpenSSH and dropbear."""
    text = error.text.lower()
    kind, what, hint = ErrorKind.DISCONNECTED, f"no channel to {place}: {one_line(error.text)}", ""
    if "refused" in text:
        kind, what, hint = ErrorKind.REFUSED, f"nothing listens on {place}", "is sshd running, is ansible_port right?"
    elif any(word in text for word in ("timed out", "unreachable", "no route")):
        kind, what, hint = ErrorKind.CONNECT_TIMEOUT, f"{place} does not answer", "seen from the jump host"
    elif any(word in text for word in ("not known", "resolve", "unknown host", "temporary failure")):
        kind, what, hint = ErrorKind.DNS, f"{place} has no address", "the jump host looks the name up"
    elif error.code == paramiko.common.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED or "prohibited" in text:
        kind, what, hint = ErrorKind.REFUSED, f"no way to {place}", "AllowTcpForwarding or PermitOpen forbids it there"
    return WorldError(kind, f"{what}, says the jump host {jump}", phase=Phase.CONNECT, hint=hint)


def no_common_algorithm(error: BaseException, offered: Mapping[str, Sequence[str]]) -> WorldError:
    """The error of a server that offers nothing we speak; the lists go by paramiko's names of them."""
    text = str(error)
    word, key = next(((word, key) for word, key in _LISTS.items() if word in text), ("", ""))
    if not offered.get(key):
        return world_error(error, Phase.KEY_EXCHANGE)
    return WorldError(
        ErrorKind.PROTOCOL,
        f"no {word} algorithm in common: the server offers {one_line(','.join(offered[key]), 120)}",
        phase=Phase.KEY_EXCHANGE,
        hint=_TOO_OLD_HINT,
    )


def _incompatible(error: BaseException, phase: Phase) -> WorldError:
    text = one_line(str(error))
    if "version" in text:
        return WorldError(ErrorKind.PROTOCOL, f"not an SSH-2 server: {text}", phase=Phase.CONNECT)
    at = Phase.KEY_EXCHANGE if phase is Phase.CONNECT else phase
    return WorldError(ErrorKind.PROTOCOL, f"no algorithm in common: {text}", phase=at, hint=_TOO_OLD_HINT)


def _as(
    kind: ErrorKind, message: str, hint: str = "", *, at: Phase | None = None
) -> Callable[[BaseException, Phase], WorldError]:
    """A meaning that is always the same but for the text, which stands for ``{}``."""

    def tell(error: BaseException, phase: Phase) -> WorldError:
        text = one_line(str(error)) or type(error).__name__
        return WorldError(kind, message.format(text), phase=at or phase, hint=hint)

    return tell


def _ssh_error(error: BaseException, phase: Phase) -> WorldError:
    """The meaning of the class that paramiko uses for everything else."""
    text = str(error)
    if _NOT_SSH.search(text):
        return WorldError(ErrorKind.PROTOCOL, f"not an SSH-2 server: {one_line(text)}", phase=Phase.CONNECT)
    if _LATE.search(text):
        return _timeout(error, phase)
    if _ENDED.search(text):
        if phase is Phase.SESSION:
            return _no_session(error, phase)
        return WorldError(ErrorKind.DISCONNECTED, "the connection was lost", phase=phase)
    return WorldError(ErrorKind.PROTOCOL, f"the server breaks the SSH protocol: {one_line(text)}", phase=phase)


def _no_session(error: BaseException, phase: Phase) -> WorldError:
    return WorldError(
        ErrorKind.NO_SHELL,
        f"the server opens no session: {one_line(str(error))}",
        phase=phase if phase in (Phase.SESSION, Phase.ANSWER) else Phase.SESSION,
        hint="the account may be for file transfer or forwarding only, or MaxSessions is reached",
    )


def _login_error(error: BaseException, phase: Phase) -> WorldError:
    text = str(error)
    if _LATE.search(text):
        return WorldError(ErrorKind.TIMEOUT, "the login was not decided in time", phase=Phase.AUTH)
    if "EOF" in text:
        return WorldError(ErrorKind.DISCONNECTED, "the connection was lost", phase=phase)
    return WorldError(ErrorKind.AUTH_FAILED, "the server refused the login", phase=Phase.AUTH)


def _other_method(error: BaseException, _phase: Phase) -> WorldError:
    taken = ", ".join(getattr(error, "allowed_types", ())) or "none"
    message = f"the server refused the login; it takes: {one_line(taken, 80)}"
    return WorldError(ErrorKind.AUTH_FAILED, message, phase=Phase.AUTH)


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


_NEVER = _as(ErrorKind.PROTOCOL, "the SSH library reports what it never should here: {}")
_BROKEN = _as(ErrorKind.PROTOCOL, "the server breaks the SSH protocol: {}")
_NO_LISTENER = _as(
    ErrorKind.REFUSED, "nothing listens on that port", "is sshd running, and is ansible_port right?", at=Phase.CONNECT
)

# The first that fits counts, so narrow classes stand before wide ones.
_MEANINGS = (
    _Meaning((asyncio.CancelledError,), _as(ErrorKind.CANCELLED, "cancelled")),
    _Meaning(
        (paramiko.BadHostKeyException,),
        _as(ErrorKind.HOST_KEY_MISMATCH, "the host's key does not hold: {}", at=Phase.KEY_EXCHANGE),
    ),
    _Meaning(
        (paramiko.PasswordRequiredException, paramiko.pkey.UnknownKeyType, paramiko.ber.BERException),
        _as(ErrorKind.KEY_UNREADABLE, "a private key cannot be read: {}", at=Phase.AUTH),
    ),
    _Meaning((paramiko.BadAuthenticationType, paramiko.ssh_exception.PartialAuthentication), _other_method),
    _Meaning((paramiko.AuthenticationException,), _login_error),
    _Meaning((paramiko.ChannelException,), _no_session),
    _Meaning((paramiko.ssh_exception.IncompatiblePeer,), _incompatible),
    _Meaning((paramiko.ssh_exception.MessageOrderError,), _BROKEN),
    _Meaning(
        (paramiko.ProxyCommandFailure,), _as(ErrorKind.DISCONNECTED, "the ProxyCommand ended: {}", at=Phase.CONNECT)
    ),
    _Meaning(
        (
            paramiko.ConfigParseError,
            paramiko.CouldNotCanonicalize,
            paramiko.SFTPError,
            paramiko.buffered_pipe.PipeTimeout,
            paramiko.hostkeys.InvalidHostKey,
            paramiko.packet.NeedRekeyException,
        ),
        _NEVER,
    ),
    _Meaning((paramiko.SSHException,), _ssh_error),
    _Meaning((paramiko.ssh_exception.NoValidConnectionsError, ConnectionRefusedError), _NO_LISTENER),
    _Meaning((socket.gaierror,), _as(ErrorKind.DNS, "the name has no address: {}", at=Phase.CONNECT)),
    _Meaning((TimeoutError,), _timeout),
    _Meaning((EOFError,), _as(ErrorKind.DISCONNECTED, "the connection was lost")),
    _Meaning(
        (ConnectionResetError, ConnectionAbortedError, BrokenPipeError),
        _as(ErrorKind.DISCONNECTED, "the connection was reset"),
    ),
    _Meaning((OSError,), _os_error),
    _Meaning(
        (UnicodeDecodeError,),
        _as(ErrorKind.PROTOCOL, "not an SSH-2 server: its identification is not text", at=Phase.CONNECT),
    ),
    _Meaning((struct.error, ValueError, IndexError, KeyError), _BROKEN),  # of packets that are no packets
)
