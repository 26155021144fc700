"""One authenticated connection to one host by paramiko: the way there, the key exchange, the login, each in its limit.

``connect_s`` runs from the look-up of the name to the host's key, ``auth_s`` from there to the end of the login. What
blocks runs in a thread; the limits run on the event loop and close the wire, which ends every wait inside paramiko,
whose own limits are of single reads only.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from dataclasses import dataclass, field

import paramiko
from paramiko.common import OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.contact import Limits
from netaudit.model.target import Credentials
from netaudit.transport.background import in_background
from netaudit.transport.handshake import Turns, no_ssh, other_key_order, silence, with_retries
from netaudit.transport.hostkeys import HostKeys, KnownHosts
from netaudit.transport.jumps import Through, no_way_behind
from netaudit.transport.names import Names
from netaudit.transport.paramiko_client import KEEPALIVE_S, Client, Wire, bound_silence, host_key_order
from netaudit.transport.paramiko_errors import hung_up, no_common_algorithm, world_error
from netaudit.transport.paramiko_hostcert import check_certificate
from netaudit.transport.paramiko_keys import KeyRing
from netaudit.transport.paramiko_login import Login
from netaudit.transport.resolved import Resolved
from netaudit.transport.road import ProxyProcess, proxy_socket, tcp_socket

_CLOSE_WITHIN_S = 1.0


@dataclass(slots=True)
class Link:
    """An authenticated connection, and what has to be ended with it."""

    client: Client
    proxy: ProxyProcess | None = None

    @property
    def is_closed(self) -> bool:
        """Whether it has ended."""
        return not self.client.is_active()

    def abort(self) -> None:
        """Cut the wire at once: whatever waits for this connection in some thread wakes up and fails."""
        self.client.wire.close()

    async def close(self) -> None:
        """End the connection and what was started for it. Never raises; safe to call twice."""
        self.abort()
        with contextlib.suppress(TimeoutError, Exception):
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await in_background(self.client.close, self.abort)
        if self.proxy is not None:
            await self.proxy.close()


@dataclass(slots=True)
class Connector:
    """Makes connections. One for the whole run, since what it counts and shares is the run's."""

    limits: Limits
    judge: HostKeys
    keys: KeyRing
    names: Names
    _turns: Turns = field(default_factory=Turns)

    async def connect(self, resolved: Resolved, credentials: Credentials, through: Through[Link] | None) -> Link:
        """A connection that is logged in. Raises WorldError."""
        async with self._turns.of(resolved, through.name if through else ""):
            connect_s = resolved.connect_timeout_s or self.limits.connect_s
            deadline = asyncio.get_running_loop().time() + connect_s
            return await with_retries(_Attempt(self, resolved, credentials, through, deadline), deadline)


@dataclass(slots=True)
class _Attempt:
    """The tries at one host."""

    connector: Connector
    resolved: Resolved
    credentials: Credentials
    through: Through[Link] | None
    deadline: float
    phase: Phase = Phase.CONNECT
    _key_order: tuple[str, ...] = ()
    _asked_again: bool = False
    _wire: Wire | None = None
    _client: Client | None = None
    _proxy: ProxyProcess | None = None

    async def run(self) -> Link:
        """One try. Raises WorldError."""
        self._wire, self._client, self._proxy = None, None, None
        self.phase = Phase.CONNECT
        try:
            async with asyncio.timeout_at(self.deadline):
                client = await self._handshake()
            self._check_key(client)
            self.phase = Phase.AUTH
            async with asyncio.timeout(self.connector.limits.auth_s):
                await self._log_in(client)
            client.set_keepalive(KEEPALIVE_S)
            return Link(client, self._proxy)
        except BaseException as error:
            failure = await self._explained(error)
            await self._give_up()
            if not isinstance(error, Exception):
                raise
            raise failure from error

    def has_other_keys(self, error: WorldError) -> bool:
        """Whether the next try asks for a type of host key that is stored and was not asked for first."""
        order = other_key_order(error, self.resolved, self._known, host_key_order)
        if self._asked_again or not order or tuple(order) == self._key_order:
            return False
        self._key_order, self._asked_again = tuple(order), True
        return True

    async def _handshake(self) -> Client:
        """A connection whose server has shown its key."""
        self._wire = wire = Wire(await self._road())
        if not self._key_order:
            place, wanted = self.resolved.place, self.resolved.host_key_algorithms
            certified = bool(self._known.authorities(place))
            self._key_order = host_key_order(self._known.key_types(place), wanted, certified=certified)
        seconds = self._longest_s
        self._client = client = Client(wire, self.resolved, self._key_order, seconds)
        await in_background(lambda: client.start_client(timeout=seconds), wire.close)
        return client

    async def _road(self) -> socket.socket | paramiko.Channel:
        if self.through is not None:
            return await self._channel(self.through)
        if self.resolved.proxy_command is not None:
            sock, self._proxy = await proxy_socket(self.resolved, self.resolved.proxy_command)
        else:
            sock = await tcp_socket(self.resolved, self.connector.names)
            bound_silence(sock)
        return sock

    @property
    def _longest_s(self) -> float:
        """What paramiko's own limits are set to: longer than ours, which are the ones that count."""
        limits = self.connector.limits
        return max(self.resolved.connect_timeout_s or limits.connect_s, limits.auth_s) + 1

    async def _channel(self, through: Through[Link]) -> paramiko.Channel:
        """A channel of the jump host's connection to the host. It is not aborted: others use that connection too."""
        place = (self.resolved.host, self.resolved.port)

        def open_it() -> paramiko.Channel:
            return through.link.client.open_channel("direct-tcpip", place, ("127.0.0.1", 0), timeout=self._longest_s)

        try:
            return await in_background(open_it, _nothing)
        except paramiko.ChannelException as error:
            forbidden = error.code == OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
            raise no_way_behind(error.text, self.resolved, through.name, forbidden=forbidden) from error

    @property
    def _known(self) -> KnownHosts:
        return self.connector.judge.known(self.resolved.user_known_hosts, self.resolved.global_known_hosts)

    def _check_key(self, client: Client) -> None:
        """Return when the server's key or certificate is the host's. Raises WorldError."""
        self.phase = Phase.KEY_EXCHANGE
        resolved, judge, key = self.resolved, self.connector.judge, client.get_remote_server_key()
        if (certificate := key.public_blob) is not None:
            check_certificate(certificate.key_blob, resolved.place, judge, self._known, time.time())
            return
        judge.check(
            resolved.place,
            key.asbytes(),
            resolved.user_known_hosts,
            resolved.global_known_hosts,
            hash_names=resolved.hash_names,
        )

    async def _log_in(self, client: Client) -> None:
        def log_in() -> None:
            identities = self.connector.keys.identities(self.resolved, self.credentials)
            try:
                Login(client, self.resolved, identities, self.credentials.password).run()
            finally:
                identities.close()

        await in_background(log_in, client.wire.close)

    async def _give_up(self) -> None:
        if self._wire is not None:
            self._wire.close()
        if self._client is not None:
            with contextlib.suppress(TimeoutError, Exception):
                async with asyncio.timeout(_CLOSE_WITHIN_S):
                    await in_background(self._client.close, _nothing)
        if self._proxy is not None:
            await self._proxy.close()

    async def _explained(self, error: BaseException) -> WorldError:
        """What went wrong; a ProxyCommand that has ended by itself knows more about it."""
        failure = self._told(error)
        if self._proxy is None or isinstance(error, WorldError | TimeoutError | asyncio.CancelledError):
            return failure
        return await self._proxy.ended(failure)

    def _told(self, error: BaseException) -> WorldError:
        wire, client = self._wire, self._client
        if self.phase is Phase.CONNECT and wire is not None and wire.identified:
            self.phase = Phase.KEY_EXCHANGE
        if isinstance(error, WorldError):
            return error
        if isinstance(error, TimeoutError):
            heard = wire.heard if wire is not None else ""
            return silence(self.phase, self.resolved, self.connector.limits, heard, agent=False)
        if wire is not None and wire.heard and self.phase is Phase.CONNECT:
            return no_ssh(wire.heard)
        if client is not None and isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
            return no_common_algorithm(error, client.offered)
        if client is not None and client.farewell:
            return hung_up(client.farewell, self.phase)
        if self.phase is Phase.CONNECT and client is not None and isinstance(error, paramiko.SSHException | EOFError):
            return WorldError(ErrorKind.DISCONNECTED, "the server hung up before it named itself", phase=self.phase)
        return world_error(error, self.phase)


def _nothing() -> None:
    """Stands where nothing has to be aborted."""
