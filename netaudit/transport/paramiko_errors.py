"""What paramiko, its sockets and its agent raise, told in the fixed list of kinds: the one place that knows them all.

paramiko tells many things by one class and a text, so some texts are looked at. Nothing of a message is taken over raw.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence

import paramiko
import paramiko.ber
import paramiko.buffered_pipe
import paramiko.hostkeys
import paramiko.packet
import paramiko.pkey
import paramiko.sftp
import paramiko.ssh_exception

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.transport.errortable import (
    BROKEN,
    NEVER,
    SOCKET_MEANINGS,
    TOO_OLD_HINT,
    ErrorTable,
    Meaning,
    always,
    in_time,
    no_session,
    nothing_in_common,
    too_many_keys,
)
from netaudit.transport.hosttext import one_line

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


def world_error(error: BaseException, phase: Phase) -> WorldError:
    """The error as netaudit tells it. ``phase`` is how far the host had come; a few errors know better themselves."""
    return _TABLE.world_error(error, phase)


def is_mapped(kind: type[BaseException]) -> bool:
    """Whether a class of exceptions has a meaning of its own here, rather than being told as unexpected."""
    return _TABLE.is_mapped(kind)


def hung_up(reason: str, phase: Phase) -> WorldError:
    """The error of a server that said why it ends the connection; ``reason`` is its own text."""
    if "too many authentication failures" in reason.lower():
        return too_many_keys()
    return WorldError(ErrorKind.DISCONNECTED, f"the server hung up: {one_line(reason)}", phase=phase)


def no_common_algorithm(error: BaseException, offered: Mapping[str, Sequence[str]]) -> WorldError:
    """The error of a server that offers nothing we speak; the lists go by paramiko's names of them."""
    text = str(error)
    word, key = next(((word, key) for word, key in _LISTS.items() if word in text), ("", ""))
    return nothing_in_common(word, offered[key]) if offered.get(key) else world_error(error, Phase.KEY_EXCHANGE)


def _incompatible(error: BaseException, phase: Phase) -> WorldError:
    text = one_line(str(error))
    if "version" in text:
        return WorldError(ErrorKind.PROTOCOL, f"not an SSH-2 server: {text}", phase=Phase.CONNECT)
    at = Phase.KEY_EXCHANGE if phase is Phase.CONNECT else phase
    return WorldError(ErrorKind.PROTOCOL, f"no algorithm in common: {text}", phase=at, hint=TOO_OLD_HINT)


def _ssh_error(error: BaseException, phase: Phase) -> WorldError:
    """The meaning of the class that paramiko uses for everything else."""
    text = str(error)
    if _NOT_SSH.search(text):
        return WorldError(ErrorKind.PROTOCOL, f"not an SSH-2 server: {one_line(text)}", phase=Phase.CONNECT)
    if _LATE.search(text):
        return in_time(error, phase)
    if not _ENDED.search(text):
        return BROKEN(error, phase)
    if phase is Phase.SESSION:
        return no_session(error, phase)
    return WorldError(ErrorKind.DISCONNECTED, "the connection was lost", phase=phase)


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


_TABLE = ErrorTable(
    Meaning(
        (paramiko.BadHostKeyException,),
        always(ErrorKind.HOST_KEY_MISMATCH, "the host's key does not hold: {}", at=Phase.KEY_EXCHANGE),
    ),
    Meaning(
        (paramiko.PasswordRequiredException, paramiko.pkey.UnknownKeyType, paramiko.ber.BERException),
        always(ErrorKind.KEY_UNREADABLE, "a private key cannot be read: {}", at=Phase.AUTH),
    ),
    Meaning((paramiko.BadAuthenticationType, paramiko.ssh_exception.PartialAuthentication), _other_method),
    Meaning((paramiko.AuthenticationException,), _login_error),
    Meaning((paramiko.ChannelException,), no_session),
    Meaning((paramiko.ssh_exception.IncompatiblePeer,), _incompatible),
    Meaning((paramiko.ssh_exception.MessageOrderError,), BROKEN),
    Meaning(
        (paramiko.ProxyCommandFailure,),
        always(ErrorKind.DISCONNECTED, "the ProxyCommand ended: {}", at=Phase.CONNECT),
    ),
    Meaning(
        (
            paramiko.ConfigParseError,
            paramiko.CouldNotCanonicalize,
            paramiko.SFTPError,
            paramiko.buffered_pipe.PipeTimeout,
            paramiko.hostkeys.InvalidHostKey,
            paramiko.packet.NeedRekeyException,
            paramiko.ssh_exception.NoValidConnectionsError,
        ),
        NEVER,
    ),
    Meaning((paramiko.SSHException,), _ssh_error),
    Meaning((EOFError,), always(ErrorKind.DISCONNECTED, "the connection was lost")),
    *SOCKET_MEANINGS,
    Meaning((struct.error, ValueError, IndexError, KeyError), BROKEN),  # of packets that are no packets
)
