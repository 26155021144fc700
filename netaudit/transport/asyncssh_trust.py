"""The keys that hosts show, for a person to compare and to record: what ``netaudit trust`` does.

A host is asked once for each kind of key and never logged in to. Its way there is that of any connection, so a jump
host has to be trusted before what lies behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import asyncssh

from netaudit.errors import ErrorKind, OperatorError, Phase, WorldError
from netaudit.model.target import Target
from netaudit.transport.asyncssh_client import listen
from netaudit.transport.asyncssh_connect import Connector
from netaudit.transport.asyncssh_errors import world_error
from netaudit.transport.asyncssh_keys import KeyRing
from netaudit.transport.asyncssh_road import Link, Road, channel_refused, open_road
from netaudit.transport.hostkeys import HostKeys, HostPlace, fingerprint
from netaudit.transport.hostkeys_record import append_keys, remove_host
from netaudit.transport.jumps import JumpHosts, Through
from netaudit.transport.known_hosts import Entry, blob_type
from netaudit.transport.names import Names
from netaudit.transport.options import TransportOptions
from netaudit.transport.resolved import Resolved
from netaudit.transport.sshconfig import SshConfig

_MAX_HEARD = 2**16
_KINDS = (
    ("ssh-ed25519",),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    ("rsa-sha2-512", "rsa-sha2-256"),
)


_KEY_TYPES = {kind: ("ssh-rsa",) if kind[0].startswith("rsa") else kind for kind in _KINDS}


class _Offer(asyncssh.SSHClient):
    """Hears which algorithms a server has for its host key, in the KEXINIT that it sends first (RFC 4253, 7.1)."""

    def __init__(self) -> None:
        self._heard = b""
        self.names: tuple[str, ...] = ()

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """Listen."""
        listen(conn, self._hear)

    def _hear(self, data: bytes) -> bool:
        self._heard += data
        self.names = offered_host_keys(self._heard)
        return not self.names and len(self._heard) < _MAX_HEARD


def offered_host_keys(heard: bytes) -> tuple[str, ...]:
    """The host key algorithms in the first packet of a server; none as long as they have not come."""
    _, identification, rest = heard.rpartition(b"SSH-2.0-")
    packet = rest.partition(b"\n")[2]
    if not identification or len(packet) < 26 or packet[5] != 20:
        return ()
    at = 22  # length, padding length, message number, cookie
    lists: list[bytes] = []
    while len(lists) < 2:
        size = int.from_bytes(packet[at : at + 4], "big")
        if len(packet) < at + 4 + size:
            return ()
        lists.append(packet[at + 4 : at + 4 + size])
        at += 4 + size
    return tuple(lists[1].decode("ascii", "replace").split(","))


class KeyState(StrEnum):
    """What known_hosts says of a key that a host shows."""

    KNOWN = "known"
    NEW = "new"
    CHANGED = "changed"  # another key of the host is stored
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class ShownKey:
    """One key of a host. ``stored`` is the line that it differs from, or that revokes it."""

    key: bytes
    state: KeyState
    stored: Entry | None = None

    @property
    def fingerprint(self) -> str:
        """Type and SHA256, as ssh-keygen prints them."""
        return fingerprint(self.key)


@dataclass(frozen=True, slots=True)
class ShownKeys:
    """All keys of one host, and where they would be recorded."""

    place: HostPlace
    keys: tuple[ShownKey, ...]
    file: Path
    hash_names: bool


class HostKeySource:
    """Asks hosts for their keys, and records those that somebody has decided to trust."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._config = SshConfig(options)
        self._judge = HostKeys.of(options)
        self._names = Names()
        self._keys = KeyRing(options)
        self._connector = Connector(options.limits, self._judge, self._keys, self._names)
        self._jumps = JumpHosts(options, self._config, self._connector.connect)

    async def shown_by(self, target: Target) -> ShownKeys:
        """The keys that a host shows now. Raises WorldError when it shows none, OperatorError for its ssh_config."""
        resolved = await self._config.resolve(target)
        through = await self._jumps.connection(resolved)
        offer = _Offer()
        keys = [await self._shown(resolved, through, [name for kind in _KINDS for name in kind], offer)]
        for kind in _KINDS:
            if blob_type(keys[0]) not in _KEY_TYPES[kind] and (
                common := [name for name in kind if name in offer.names]
            ):
                keys.append(await self._shown(resolved, through, common, _Offer()))
        files = self._options.user_known_hosts if resolved.user_known_hosts is None else resolved.user_known_hosts
        if not files:
            raise OperatorError("there is no file of known hosts to record keys in", hint="UserKnownHostsFile names it")
        return ShownKeys(resolved.place, self._compared(resolved, keys), files[0], resolved.hash_names)

    def record(self, shown: ShownKeys, *, replace: bool = False) -> int:
        """The number of keys that were added to the user's file.

        A changed key is added only with ``replace``, which takes the host's other keys out first; a revoked one never
        is. Raises OperatorError when the file cannot be written.
        """
        wanted = {KeyState.NEW, KeyState.CHANGED} if replace else {KeyState.NEW}
        keys = [shown_key.key for shown_key in shown.keys if shown_key.state in wanted]
        name = shown.place.name
        try:
            if replace and any(shown_key.state is KeyState.CHANGED for shown_key in shown.keys):
                remove_host(shown.file, name)
                keys = [shown_key.key for shown_key in shown.keys if shown_key.state is not KeyState.REVOKED]
            if keys:
                append_keys(shown.file, name, keys, hash_names=shown.hash_names or None, replace=True)
        except OSError as error:
            raise OperatorError(f"{shown.file}: {error.strerror}", hint="the keys are not recorded") from error
        return len(keys)

    async def close(self) -> None:
        """Close the connections to jump hosts. Never raises."""
        await self._jumps.close()
        await asyncio.gather(self._config.close(), self._keys.close())
        self._names.forget()

    def _compared(self, resolved: Resolved, keys: Sequence[bytes]) -> tuple[ShownKey, ...]:
        known = self._judge.known(resolved.user_known_hosts, resolved.global_known_hosts)
        stored = known.stored(resolved.place)
        revoked = {entry.key: entry for entry in known.revoked(resolved.place)}
        compared: list[ShownKey] = []
        for key in keys:
            if key in revoked:
                compared.append(ShownKey(key, KeyState.REVOKED, revoked[key]))
            elif known.holds(resolved.place, key):
                compared.append(ShownKey(key, KeyState.KNOWN))
            else:
                kind = ShownKey(key, KeyState.NEW).fingerprint.split(" ", maxsplit=1)[0]
                other = next((entry for entry in stored if fingerprint(entry.key).startswith(f"{kind} ")), None)
                compared.append(ShownKey(key, KeyState.CHANGED if other else KeyState.NEW, other))
        return tuple(compared)

    async def _shown(
        self, resolved: Resolved, through: Through[Link] | None, algorithms: Sequence[str], offer: _Offer
    ) -> bytes:
        """The key that the host shows when asked for some algorithms. Raises WorldError."""
        road = Road()
        phase = Phase.CONNECT
        try:
            async with asyncio.timeout(resolved.connect_timeout_s or self._options.limits.connect_s):
                road = await open_road(resolved, self._names, through)
                phase = Phase.KEY_EXCHANGE
                key = await asyncssh.get_server_host_key(
                    resolved.host,
                    resolved.port,
                    options=asyncssh.SSHClientConnectionOptions(self._connector.options, client_factory=lambda: offer),
                    config=None,
                    sock=road.sock,
                    tunnel=road.tunnel,
                    server_host_key_algs=list(algorithms),
                )
        except asyncssh.ChannelOpenError as error:
            raise channel_refused(error, resolved, through.name if through else "") from error
        except (asyncssh.Error, OSError, ValueError) as error:
            raise world_error(error, phase) from error
        finally:
            await road.close()
        if key is None:
            raise WorldError(ErrorKind.PROTOCOL, "the server showed no key", phase=Phase.KEY_EXCHANGE)
        return key.public_data
