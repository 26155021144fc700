"""The other way over SSH, by paramiko: for servers and keys that asyncssh does not serve, and to compare the two."""

from __future__ import annotations

from netaudit.model.target import Credentials, Target
from netaudit.transport.background import in_background
from netaudit.transport.hostkeys import HostKeys
from netaudit.transport.names import Names
from netaudit.transport.options import TransportOptions
from netaudit.transport.paramiko_connect import Connector, Link
from netaudit.transport.paramiko_keys import KeyRing
from netaudit.transport.paramiko_session import ParamikoSession
from netaudit.transport.resolved import Resolved
from netaudit.transport.ssh_transport import SshTransport


class ParamikoTransport(SshTransport[Link]):
    """Connections by paramiko, with threads behind them. Fits ``app.ports.Transport``."""

    def __init__(self, options: TransportOptions) -> None:
        names = Names()
        self._keys = KeyRing(options)
        connector = Connector(options.limits, HostKeys.of(options), self._keys, names)
        super().__init__(options, names, connector.connect)

    async def open(self, target: Target) -> ParamikoSession:
        """A session that is logged in to the host. Raises WorldError."""
        credentials = self._options.secrets.for_target(target)
        link = await self._link(target, credentials)
        return ParamikoSession(link, self._options.limits, target.become, credentials.become_password)

    async def _open_keys(self, resolved: Resolved, credentials: Credentials) -> None:
        await in_background(lambda: self._keys.identities(resolved, credentials).close(), lambda: None)
