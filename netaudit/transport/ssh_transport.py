"""What a transport over SSH is, whichever library it uses: resolve, pass the jump hosts, connect."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic

from netaudit.errors import ErrorKind, OperatorError, Phase, WorldError
from netaudit.model.target import Credentials, Target
from netaudit.transport.jumps import JumpHosts, L, Through
from netaudit.transport.names import Names
from netaudit.transport.options import TransportOptions
from netaudit.transport.resolved import Resolved
from netaudit.transport.sshconfig import SshConfig

_CONFIG_HINT = "ssh -G with the host's address shows how OpenSSH reads the settings"


class SshTransport(ABC, Generic[L]):
    """Connections to hosts of one run. Known hosts, keys, names and jump hosts are looked up once and shared."""

    def __init__(
        self,
        options: TransportOptions,
        names: Names,
        connect: Callable[[Resolved, Credentials, Through[L] | None], Awaitable[L]],
    ) -> None:
        self._options = options
        self._names = names
        self._connect = connect
        self._config = SshConfig(options)
        self._jumps = JumpHosts(options, self._config, connect)

    async def prepare(self, targets: Sequence[Target]) -> None:
        """Return when the ssh_config can be read and the keys that will be wanted are open.

        Raises OperatorError. To be called before any host is contacted: then a passphrase is asked for while nothing
        else is on the screen, and what is wrong with the ssh_config is not yet each host's own error.
        """
        for target, resolved in await self._config.check(targets):
            with contextlib.suppress(WorldError):
                await self._open_keys(resolved, self._options.secrets.for_target(target))

    async def close(self) -> None:
        """Close the connections to jump hosts and stop what is still looked up. Never raises."""
        await self._jumps.close()
        await self._config.close()
        self._names.forget()

    @abstractmethod
    async def _open_keys(self, resolved: Resolved, credentials: Credentials) -> None:
        """Read the keys of one host, so that they need not be asked for later. Raises WorldError."""

    async def _link(self, target: Target, credentials: Credentials) -> L:
        """A connection that is logged in to the host. Raises WorldError."""
        try:
            resolved = await self._config.resolve(target)
            through = await self._jumps.connection(resolved)
        except OperatorError as error:
            raise WorldError(ErrorKind.PROTOCOL, str(error), phase=Phase.CONNECT, hint=_CONFIG_HINT) from error
        return await self._connect(resolved, credentials, through)
