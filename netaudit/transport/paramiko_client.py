"""One SSH connection as paramiko has it, and what it leaves out: a bounded greeting, the order of algorithms, reasons.

paramiko reads a greeting without end into memory, asks for algorithms in an order of its own, and drops the reason that
a server gives for hanging up.
"""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import threading
from collections.abc import Iterable, Sequence

import paramiko
from paramiko.common import MSG_CHANNEL_REQUEST
from paramiko.message import Message

from netaudit.transport.hosttext import one_line
from netaudit.transport.resolved import Resolved

WINDOW_BYTES = 2**18  # bounds what one channel can have unread
KEEPALIVE_S = 3
USER_TIMEOUT_MS = 10_000  # with the keep-alives a dead connection is noticed after 14 s

_MAX_GREETING_BYTES = 8192  # of what comes before the identification; OpenSSH takes as much
_IDENTIFICATION = re.compile(rb"(?:\A|\n)SSH-")
_HOST_KEY_ALGORITHMS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
_RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")
_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr", "aes256-cbc")
_MACS = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha1",
)

# Its log repeats what servers send, unfiltered, and what goes wrong is told by exceptions.
logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)


class Wire:
    """A connected socket, or a channel through a jump host, that listens to what a server says first."""

    def __init__(self, under: socket.socket | paramiko.Channel) -> None:
        self._under = under
        self._greeting = bytearray()
        self.identified = False  # whether the server has named itself as one of SSH

    @property
    def heard(self) -> str:
        """What the server said before it named itself, on one line; empty when it spoke SSH from the start."""
        return "" if self.identified else one_line(bytes(self._greeting), 80)

    @property
    def _closed(self) -> bool:
        """As a socket of Python has it: asked by the ``stop_thread`` of a connection whose thread is still at work."""
        under = self._under
        return under.closed if isinstance(under, paramiko.Channel) else under.fileno() < 0

    def recv(self, size: int) -> bytes:
        """Bytes of the server, none when there is an end, or when its greeting has none."""
        data = self._under.recv(size)
        if not self.identified:
            self._greeting += data
            self.identified = _IDENTIFICATION.search(self._greeting) is not None
            if not self.identified and len(self._greeting) > _MAX_GREETING_BYTES:
                return b""
        return data

    def send(self, data: bytes) -> int:
        """How many of the bytes were sent."""
        return self._under.send(data)

    def settimeout(self, seconds: float | None) -> None:
        """Bound each of the calls above."""
        self._under.settimeout(seconds)

    def close(self) -> None:
        """Close at once; whoever waits in another thread wakes up. May be called from any thread, and twice."""
        if isinstance(self._under, socket.socket):
            with contextlib.suppress(OSError):  # never connected, or closed by the other side
                self._under.shutdown(socket.SHUT_RDWR)
        self._under.close()


def bound_silence(sock: socket.socket) -> None:
    """Let the kernel give up on a TCP connection whose other side is gone: together with keep-alives, see tcp(7)."""
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)


class Client(paramiko.Transport):
    """The connection. Its thread is a daemon and ends when the wire is closed."""

    def __init__(self, wire: Wire, resolved: Resolved, key_order: tuple[str, ...], seconds: float) -> None:
        super().__init__(wire, default_window_size=WINDOW_BYTES)  # type: ignore[arg-type]  # all that is needed of a socket
        self.wire = wire
        self.farewell = ""  # why the server hung up, in its own words
        self.offered: dict[str, list[str]] = {}  # the server's algorithms, by paramiko's names of the lists
        self.exit_signals: dict[int, str] = {}  # what killed the shell of a channel
        self._said = dict(resolved.algorithms)
        self._key_order = key_order
        self._refusals: dict[int, paramiko.ChannelException] = {}
        self._opening = threading.local()
        self.banner_timeout = self.handshake_timeout = self.auth_timeout = self.channel_timeout = seconds

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """The algorithms for the host's key, as given."""
        return self._key_order

    @property
    def preferred_ciphers(self) -> tuple[str, ...]:
        """Ciphers as ssh_config(5) limits them."""
        return self._limited("ciphers", _CIPHERS)

    @property
    def preferred_macs(self) -> tuple[str, ...]:
        """MACs as ssh_config(5) limits them."""
        return self._limited("macs", _MACS)

    @property
    def preferred_kex(self) -> tuple[str, ...]:
        """Key exchanges as ssh_config(5) limits them."""
        return self._limited("kexalgorithms", super().preferred_kex)

    def get_exception(self) -> Exception | None:
        """Why the call of this thread failed: its own channel's refusal first, then what befell the connection."""
        refusal = self._refusals.pop(getattr(self._opening, "channel", -1), None)
        general = super().get_exception()
        return refusal or general

    def _limited(self, keyword: str, spoken: Sequence[str]) -> tuple[str, ...]:
        fitting = tuple(name for name in self._said.get(keyword, ()) if name in spoken)
        return fitting or tuple(spoken)

    def _parse_disconnect(self, message: Message) -> None:
        message.get_int()
        self.farewell = message.get_binary().decode("utf-8", "replace") or "no reason given"

    def _parse_kex_init(self, message: Message) -> None:
        """Keep what the server offers, to say it should nothing fit."""
        self.offered = self._really_parse_kex_init(Message(message.get_remainder()))  # type: ignore[attr-defined]  # not in the stubs
        super()._parse_kex_init(message)  # type: ignore[misc]  # as above

    def _next_channel(self) -> int:
        """The number of a new channel; noted for the thread that opens it."""
        self._opening.channel = super()._next_channel()  # type: ignore[misc]  # not in the stubs
        return int(self._opening.channel)

    def _parse_channel_open_failure(self, message: Message) -> None:
        """Keep the server's own words for the thread that asked; paramiko drops them, and mixes threads up."""
        copy = Message(message.get_remainder())
        channel, code = copy.get_int(), copy.get_int()
        text = copy.get_binary().decode("utf-8", "replace")
        self._refusals[channel] = paramiko.ChannelException(code, text)
        super()._parse_channel_open_failure(message)  # type: ignore[misc]  # not in the stubs


def _channel_request(channel: paramiko.Channel, message: Message) -> None:
    """Note the signal that killed a shell, which paramiko passes over, and let it do the rest."""
    copy, client = Message(message.get_remainder()), channel.get_transport()
    if copy.get_binary() == b"exit-signal" and isinstance(client, Client):
        copy.get_boolean()
        client.exit_signals[channel.get_id()] = one_line(copy.get_binary(), 20)
        channel.status_event.set()
    channel._handle_request(message)  # type: ignore[attr-defined]  # noqa: SLF001  # what would have been called


# Looked up on the class by the connection's thread.
Client._channel_handler_table = {  # type: ignore[attr-defined]  # noqa: SLF001  # not in the stubs
    **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]  # noqa: SLF001  # as above
    MSG_CHANNEL_REQUEST: _channel_request,
}


def host_key_order(key_types: Iterable[str], wanted: Sequence[str] = (), *, certified: bool = False) -> tuple[str, ...]:
    """The algorithms to offer for the host's key: those of keys that are stored for it come first.

    Asked for in another order a server shows another of its keys, and a known host would look unknown. Certificates
    come before all, where an authority is known. ``wanted`` is HostKeyAlgorithms of ssh_config(5) and decides alone.
    """
    certificates = tuple(f"{name}-cert-v01@openssh.com" for name in _HOST_KEY_ALGORITHMS)
    if fitting := tuple(name for name in wanted if name in _HOST_KEY_ALGORITHMS or name in certificates):
        return fitting
    stored = [name for kind in key_types for name in (_RSA_SIGNATURES if kind == "ssh-rsa" else (kind,))]
    plain = dict.fromkeys([*(name for name in stored if name in _HOST_KEY_ALGORITHMS), *_HOST_KEY_ALGORITHMS])
    return (*(certificates if certified else ()), *plain)
