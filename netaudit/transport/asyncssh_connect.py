"""One authenticated connection to one host: the way there, the key exchange, the login, each within its limit.

``connect_s`` runs from the look-up of the name to the host's key; from there ``auth_s`` to the end of the login.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial

import asyncssh

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.contact import Limits
from netaudit.model.target import Credentials
from netaudit.transport.asyncssh_client import HandshakeClient
from netaudit.transport.asyncssh_errors import world_error
from netaudit.transport.asyncssh_keys import Identities, KeyRing
from netaudit.transport.asyncssh_login import login_refused
from netaudit.transport.asyncssh_options import (
    chosen_algorithms,
    host_key_algorithms,
    login_methods,
    order_algorithms,
    shared_options,
)
from netaudit.transport.asyncssh_road import Link, Road, channel_refused, open_road
from netaudit.transport.handshake import Turns, no_ssh, other_key_order, silence, with_retries
from netaudit.transport.hostkeys import HostKeys
from netaudit.transport.jumps import Through
from netaudit.transport.names import Names
from netaudit.transport.resolved import Resolved, local_user


@dataclass(slots=True)
class Connector:
    """Makes connections. One for the whole run, since what it counts and shares is the run's."""

    limits: Limits
    judge: HostKeys
    keys: KeyRing
    names: Names
    _options: asyncssh.SSHClientConnectionOptions = field(default_factory=lambda: shared_options(local_user()))
    _turns: Turns = field(default_factory=Turns)

    async def connect(self, resolved: Resolved, credentials: Credentials, through: Through[Link] | None) -> Link:
        """A connection that is logged in. Raises WorldError."""
        async with self._turns.of(resolved, through.name if through else ""):
            connect_s = resolved.connect_timeout_s or self.limits.connect_s
            deadline = asyncio.get_running_loop().time() + connect_s
            return await with_retries(_Attempt(self, resolved, credentials, through, deadline), deadline)

    @property
    def options(self) -> asyncssh.SSHClientConnectionOptions:
        """What holds for every connection."""
        return self._options


@dataclass(slots=True)
class _Attempt:
    """The tries at one host."""

    connector: Connector
    resolved: Resolved
    credentials: Credentials
    through: Through[Link] | None
    deadline: float
    _algorithms: list[str] = field(default_factory=list)
    _asked_again: bool = False

    async def run(self) -> Link:
        """One try. Raises WorldError."""
        identities = await self.connector.keys.identities(self.resolved, self.credentials)
        try:
            return await self._dial(identities)
        finally:
            identities.close()

    def has_other_keys(self, error: WorldError) -> bool:
        """Whether the next try asks for a type of host key that is stored and was not asked for first."""
        known = self.connector.judge.known(self.resolved.user_known_hosts, self.resolved.global_known_hosts)
        plain = partial(order_algorithms, certified=False)
        order = list(other_key_order(error, self.resolved, known, plain))
        if self._asked_again or not order or order == self._algorithms:
            return False
        self._algorithms, self._asked_again = order, True
        return True

    async def _dial(self, identities: Identities) -> Link:
        road = Road()
        client: HandshakeClient | None = None
        try:
            async with asyncio.timeout_at(self.deadline) as limit:
                road = await open_road(self.resolved, self.connector.names, self.through)
                client = HandshakeClient(
                    self.resolved,
                    self.connector.judge,
                    self.credentials.password,
                    lambda: limit.reschedule(asyncio.get_running_loop().time() + self.connector.limits.auth_s),
                )
                return Link(await self._handshake(road, client, identities), road)
        except Exception as error:
            failure = self._told(error, client, identities)
            if road.proxy is not None and client is not None and client.failure is None:
                failure = await road.proxy.ended(failure)
            await road.close()
            raise failure from error
        except BaseException:
            await road.close()
            raise

    async def _handshake(
        self, road: Road, client: HandshakeClient, identities: Identities
    ) -> asyncssh.SSHClientConnection:
        resolved, judge = self.resolved, self.connector.judge
        if not self._algorithms:
            known = judge.known(resolved.user_known_hosts, resolved.global_known_hosts)
            self._algorithms = host_key_algorithms(resolved.place, known, resolved.host_key_algorithms)
        has_password = self.credentials.password is not None
        return await asyncssh.connect(
            resolved.host,
            resolved.port,
            options=self.connector.options,
            config=None,
            sock=road.sock,
            tunnel=road.tunnel,
            client_factory=lambda: client,
            username=resolved.user,
            host_key_alias=resolved.host_key_alias or None,
            known_hosts=client.revoked_keys,
            server_host_key_algs=self._algorithms,
            client_keys=identities.pairs or None,
            preferred_auth=login_methods(resolved, keys=bool(identities.pairs), password=has_password),
            **chosen_algorithms(resolved),
        )

    def _told(self, error: BaseException, client: HandshakeClient | None, identities: Identities) -> WorldError:
        phase = client.phase if client is not None else Phase.CONNECT
        if client is not None and client.failure is not None:
            return client.failure
        if isinstance(error, TimeoutError):
            heard = client.heard if client is not None else ""
            return silence(phase, self.resolved, self.connector.limits, heard, agent=identities.agent is not None)
        if isinstance(error, asyncssh.ChannelOpenError) and self.through is not None:
            return channel_refused(error, self.resolved, self.through.name)
        told = world_error(error, phase)
        if told.kind is ErrorKind.AUTH_FAILED and client is not None:
            return login_refused(told, self.resolved, client, identities)
        if told.kind is ErrorKind.DISCONNECTED and client is not None and client.heard:
            return no_ssh(client.heard)
        return told
