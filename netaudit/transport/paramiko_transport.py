"""The other way over SSH, by paramiko: for servers and keys that asyncssh does not serve, and to compare the two."""

from __future__ import annotations

from collections.abc import Sequence

from netaudit.errors import ErrorKind, OperatorError, Phase, WorldError
from netaudit.model.target import Target
from netaudit.transport.hostkeys import HostKeys
from netaudit.transport.names import Names
from netaudit.transport.options import TransportOptions
from netaudit.transport.paramiko_connect import Connector
from netaudit.transport.paramiko_jump import JumpHosts
from netaudit.transport.paramiko_keys import KeyRing
from netaudit.transport.paramiko_session import ParamikoSession
from netaudit.transport.sshconfig import SshConfig

_CONFIG_HINT = "ssh -G with the host's address shows how OpenSSH reads the settings"


class ParamikoTransport:
    """Connections to hosts of one run, with threads behind them. Fits ``app.ports.Transport``."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._config = SshConfig(options)
        self._names = Names()
        self._connector = Connector(options.limits, HostKeys.of(options), KeyRing(options), self._names)
        self._jumps = JumpHosts(options, self._config, self._connector)

    async def prepare(self, targets: Sequence[Target]) -> None:
        """Return when what the operator has to put right is right: that the ssh_config can be read.

        Raises OperatorError. To be called before any host is contacted: afterwards it is each host's own error.
        """
        await self._config.check(targets)

    async def open(self, target: Target) -> ParamikoSession:
        """A session that is logged in to the host. Raises WorldError."""
        credentials = self._options.secrets.for_target(target)
        try:
            resolved = await self._config.resolve(target)
            through = await self._jumps.connection(resolved)
        except OperatorError as error:
            raise WorldError(ErrorKind.PROTOCOL, str(error), phase=Phase.CONNECT, hint=_CONFIG_HINT) from error
        link = await self._connector.connect(resolved, credentials, through)
        return ParamikoSession(link, self._options.limits, target.become, credentials.become_password)

    async def close(self) -> None:
        """Close the connections to jump hosts and stop what is still looked up. Never raises."""
        await self._jumps.close()
        await self._config.close()
        self._names.forget()
