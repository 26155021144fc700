"""What asyncssh, the sockets and the agent raise, told in the fixed list of kinds: the one place that knows them all.

Nothing of a message is taken over raw: a server writes the reason of a disconnect itself.
"""

from __future__ import annotations

import re

import asyncssh
import asyncssh.asn1
import asyncssh.gss
import asyncssh.misc
import asyncssh.packet
import asyncssh.pbe
import asyncssh.saslprep

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.transport.errortable import (
    BROKEN,
    NEVER,
    SOCKET_MEANINGS,
    ErrorTable,
    Meaning,
    always,
    in_time,
    no_session,
    nothing_in_common,
    too_many_keys,
)
from netaudit.transport.hosttext import one_line

_NOT_SSH = re.compile(r"banner|version too long|unsupported ssh version", re.IGNORECASE)
_NO_MATCH = re.compile(r"No matching (.+) algorithm found, sent .* and received (.*)", re.DOTALL)


def world_error(error: BaseException, phase: Phase) -> WorldError:
    """The error as netaudit tells it. ``phase`` is how far the host had come; a few errors know better themselves."""
    return _TABLE.world_error(error, phase)


def is_mapped(kind: type[BaseException]) -> bool:
    """Whether a class of exceptions has a meaning of its own here, rather than being told as unexpected."""
    return _TABLE.is_mapped(kind)


def _protocol_error(error: BaseException, phase: Phase) -> WorldError:
    text = str(error)
    if "too many authentication failures" in text.lower():
        return too_many_keys()
    if _NOT_SSH.search(text):
        return WorldError(ErrorKind.PROTOCOL, f"not an SSH-2 server: {one_line(text)}", phase=Phase.CONNECT)
    return BROKEN(error, phase)


def _no_common_algorithm(error: BaseException, _phase: Phase) -> WorldError:
    match = _NO_MATCH.match(str(error))
    if match is None:
        return WorldError(ErrorKind.PROTOCOL, f"key exchange failed: {one_line(str(error))}", phase=Phase.KEY_EXCHANGE)
    return nothing_in_common(match[1], match[2].split(","))


_TABLE = ErrorTable(
    Meaning(
        (asyncssh.HostKeyNotVerifiable,),
        always(ErrorKind.HOST_KEY_MISMATCH, "the host's key does not hold: {}", at=Phase.KEY_EXCHANGE),
    ),
    Meaning((asyncssh.PermissionDenied,), always(ErrorKind.AUTH_FAILED, "the server refused the login", at=Phase.AUTH)),
    Meaning(
        (asyncssh.PasswordChangeRequired,),
        always(ErrorKind.AUTH_FAILED, "the password has expired and must be changed first", at=Phase.AUTH),
    ),
    Meaning(
        (asyncssh.IllegalUserName, asyncssh.saslprep.SASLPrepError),
        always(ErrorKind.AUTH_FAILED, "the user name cannot be sent: {}", at=Phase.AUTH),
    ),
    Meaning(
        (asyncssh.gss.GSSError,),  # type: ignore[attr-defined]  # re-exported by platform
        always(ErrorKind.AUTH_FAILED, "GSSAPI: {}", at=Phase.AUTH),
    ),
    Meaning(
        (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, asyncssh.KeyExportError, asyncssh.KeyGenerationError),
        always(ErrorKind.KEY_UNREADABLE, "a private key cannot be read: {}", at=Phase.AUTH),
    ),
    Meaning((asyncssh.ChannelOpenError,), no_session),
    Meaning((asyncssh.KeyExchangeFailed,), _no_common_algorithm),
    Meaning((asyncssh.ConnectionLost,), always(ErrorKind.DISCONNECTED, "the connection was lost: {}")),
    Meaning((asyncssh.ProtocolError, asyncssh.ProtocolNotSupported), _protocol_error),
    Meaning(
        (asyncssh.CompressionError, asyncssh.MACError, asyncssh.packet.PacketDecodeError, asyncssh.asn1.ASN1Error),
        BROKEN,
    ),
    Meaning((asyncssh.DisconnectError,), always(ErrorKind.DISCONNECTED, "the server hung up: {}")),
    Meaning((asyncssh.TimeoutError,), in_time),
    Meaning(
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
        NEVER,
    ),
    Meaning((asyncssh.Error,), always(ErrorKind.PROTOCOL, "SSH: {}")),
    *SOCKET_MEANINGS,
)
