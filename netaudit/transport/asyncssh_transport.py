"""The transport that is used unless another is asked for: all hosts on one event loop, by asyncssh."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from netaudit.errors import ErrorKind, OperatorError, Phase, WorldError
from netaudit.model.target import Target
from netaudit.transport.asyncssh_connect import Connector
from netaudit.transport.asyncssh_jump import JumpHosts
from netaudit.transport.asyncssh_keys import KeyRing
from netaudit.transport.asyncssh_session import AsyncsshSession
from netaudit.transport.hostkeys import HostKeys
from netaudit.transport.names import Names
from netaudit.transport.options import TransportOptions
from netaudit.transport.sshconfig import SshConfig

_CONFIG_HINT = "ssh -G with the host's address shows how OpenSSH reads the settings"


class AsyncsshTransport:
    """Connections to hosts of one run. Known hosts, keys, names and jump hosts are looked up once and shared."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._config = SshConfig(options)
        self._keys = KeyRing(options)
        self._names = Names()
        self._connector = Connector(options.limits, HostKeys.of(options), self._keys, self._names)
        self._jumps = JumpHosts(options, self._config, self._connector)

    async def prepare(self, targets: Sequence[Target]) -> None:
        """Return when the ssh_config can be read and the keys that will be wanted are open.

        Raises OperatorError. To be called before any host is contacted: then a passphrase is asked for while nothing
        else is on the screen, and what is wrong with the ssh_config is not yet each host's own error.
        """
        for target, resolved in await self._config.check(targets):
            with contextlib.suppress(WorldError):
                credentials = self._options.secrets.for_target(target)
                (await self._keys.identities(resolved, credentials)).close()

    async def open(self, target: Target) -> AsyncsshSession:
        """A session that is logged in to the host. Raises WorldError."""
        credentials = self._options.secrets.for_target(target)
        try:
            resolved = await self._config.resolve(target)
            through = await self._jumps.connection(resolved)
        except OperatorError as error:
            raise WorldError(ErrorKind.PROTOCOL, str(error), phase=Phase.CONNECT, hint=_CONFIG_HINT) from error
        link = await self._connector.connect(resolved, credentials, through)
        return AsyncsshSession(link, self._options.limits, target.become, credentials.become_password)

    async def close(self) -> None:
        """Close the connections to jump hosts and stop what is still looked up. Never raises."""
        await self._jumps.close()
        await asyncio.gather(self._config.close(), self._keys.close())
        self._names.forget()
