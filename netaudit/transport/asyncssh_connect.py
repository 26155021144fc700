"""One authenticated connection to one host: the way there, the key exchange, the login, each within its limit.

``connect_s`` runs from the look-up of the name to the host's key; from there ``auth_s`` to the end of the login. A
connection that is cut before anything was refused is tried again, at most twice and within the same limit; nothing else
is: a refusal repeated is a penalty with sshd, and a lock-out with others.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncssh

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.contact import Limits
from netaudit.model.target import Credentials
from netaudit.transport.asyncssh_client import HandshakeClient
from netaudit.transport.asyncssh_errors import is_transient, world_error
from netaudit.transport.asyncssh_keys import Identities, KeyRing
from netaudit.transport.asyncssh_login import login_refused
from netaudit.transport.asyncssh_options import (
    chosen_algorithms,
    host_key_algorithms,
    login_methods,
    order_algorithms,
    shared_options,
)
from netaudit.transport.asyncssh_road import Road, Through, channel_refused, open_road
from netaudit.transport.hostkeys import HostKeys
from netaudit.transport.names import Names
from netaudit.transport.resolved import Resolved, local_user

_TRIES = 3
_BACKOFF_S = 0.5
_HANDSHAKES_AT_ONCE = 6  # per jump host and per address: sshd's MaxStartups drops from 10 on, dropbear takes 5
_PATIENCE_S = 2.0


@dataclass(slots=True)
class Link:
    """An authenticated connection, and what has to be ended with it."""

    connection: asyncssh.SSHClientConnection
    road: Road

    async def close(self, within_s: float = 0.8) -> None:
        """Close it politely, and for good when the other side does not follow in time or nobody waits any more."""
        self.connection.close()
        try:
            async with asyncio.timeout(within_s):
                await self.connection.wait_closed()
        except TimeoutError:
            pass
        finally:
            self.connection.abort()
            await self.road.close()


@dataclass(slots=True)
class Connector:
    """Makes connections. One for the whole run, since what it counts and shares is the run's."""

    limits: Limits
    judge: HostKeys
    keys: KeyRing
    names: Names
    _options: asyncssh.SSHClientConnectionOptions = field(init=False)
    _handshakes: dict[object, asyncio.Semaphore] = field(init=False)

    def __post_init__(self) -> None:
        self._options = shared_options(local_user())
        self._handshakes = defaultdict(lambda: asyncio.Semaphore(_HANDSHAKES_AT_ONCE))

    async def connect(self, resolved: Resolved, credentials: Credentials, through: Through | None) -> Link:
        """A connection that is logged in. Raises WorldError."""
        shared = through.name if through else (resolved.proxy_command or resolved.host, resolved.port)
        async with _turn(self._handshakes[shared]):
            loop = asyncio.get_running_loop()
            deadline = loop.time() + (resolved.connect_timeout_s or self.limits.connect_s)
            attempt = _Attempt(self, resolved, credentials, through, deadline)
            cut: WorldError | None = None
            for number in range(_TRIES):
                try:
                    return await attempt.run()
                except WorldError as error:
                    if cut is not None and error.kind is ErrorKind.CONNECT_TIMEOUT:
                        raise cut from error  # no time was left for another try: the first says more
                    pause = 0.0 if attempt.has_other_keys(error) else _pause(error, number)
                    if pause is None or loop.time() + pause >= deadline:
                        raise
                    cut = error
                await asyncio.sleep(pause)
            raise AssertionError("the last try either returns or raises")

    @property
    def options(self) -> asyncssh.SSHClientConnectionOptions:
        """What holds for every connection."""
        return self._options


@asynccontextmanager
async def _turn(free: asyncio.Semaphore) -> AsyncIterator[None]:
    """One of a few places, given back after a while even by one who is not done: who is stuck holds up nobody."""
    await free.acquire()
    held = True

    def give_back() -> None:
        nonlocal held
        if held:
            held = False
            free.release()

    timer = asyncio.get_running_loop().call_later(_PATIENCE_S, give_back)
    try:
        yield
    finally:
        timer.cancel()
        give_back()


def _pause(error: WorldError, number: int) -> float | None:
    """How long to wait before another try, with full jitter; None when there is to be none."""
    if not is_transient(error) or number == _TRIES - 1:
        return None
    return random.uniform(0, _BACKOFF_S * 2**number)  # noqa: S311 - spreads retries, guards nothing


@dataclass(slots=True)
class _Attempt:
    """The tries at one host."""

    connector: Connector
    resolved: Resolved
    credentials: Credentials
    through: Through | None
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
        """Whether the host has keys of other types stored than it was asked for: it may show one of those if asked.

        That is so when they stand in hashed lines, which are too dear to look through for every host beforehand, or
        when a server shows a certificate of some other authority while its plain key is known.
        """
        if self._asked_again or self.resolved.host_key_algorithms:
            return False
        if error.kind not in (ErrorKind.HOST_KEY_MISMATCH, ErrorKind.HOST_KEY_UNKNOWN):
            return False
        known = self.connector.judge.known(self.resolved.user_known_hosts, self.resolved.global_known_hosts)
        kinds = {entry.key_type for entry in known.stored(self.resolved.place)}
        wanted = order_algorithms(sorted(kinds), certified=False)
        if not kinds or wanted == self._algorithms:
            return False
        self._algorithms, self._asked_again = wanted, True
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
            return self._silence(phase, client.heard if client is not None else "", identities)
        if isinstance(error, asyncssh.ChannelOpenError) and self.through is not None:
            return channel_refused(error, self.resolved, self.through.name)
        told = world_error(error, phase)
        if told.kind is ErrorKind.AUTH_FAILED and client is not None:
            return login_refused(told, self.resolved, client, identities)
        if told.kind is ErrorKind.DISCONNECTED and client is not None and client.heard:
            return _no_ssh(client.heard)
        return told

    def _silence(self, phase: Phase, heard: str, identities: Identities) -> WorldError:
        connect_s = self.resolved.connect_timeout_s or self.connector.limits.connect_s
        match phase:
            case Phase.AUTH:
                hint = "the agent may wait for a confirmation" if identities.agent else "the server may be overloaded"
                message = f"the login was not decided within {self.connector.limits.auth_s:g} s"
                return WorldError(ErrorKind.TIMEOUT, message, phase=phase, hint=hint)
            case Phase.KEY_EXCHANGE:
                message = f"the key exchange was not finished within {connect_s:g} s"
                hint = "large packets may be lost on the way: compare the path MTU; or the server is overloaded"
            case _ if heard:
                message = f"no SSH identification within {connect_s:g} s, but {heard!r}"
                hint = "something else than sshd listens there"
            case _:
                message = f"no answer from {self.resolved.host} port {self.resolved.port} within {connect_s:g} s"
                hint = "a firewall may drop the packets, or the host is down or overloaded"
        return WorldError(ErrorKind.CONNECT_TIMEOUT, message, phase=phase, hint=hint)


def _no_ssh(heard: str) -> WorldError:
    """The error of a server that said something, but never its SSH identification, and hung up."""
    if "MaxStartups" in heard:
        hint = "the server has too many half-open connections (MaxStartups): lower --forks"
        return WorldError(ErrorKind.DISCONNECTED, f"the server hung up: {heard}", phase=Phase.CONNECT, hint=hint)
    hint = "something else than sshd listens there, or sshd turns this address away"
    return WorldError(ErrorKind.PROTOCOL, f"not an SSH-2 server: it says {heard!r}", phase=Phase.CONNECT, hint=hint)
