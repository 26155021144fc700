"""The transport that is used unless another is asked for: all hosts on one event loop, by asyncssh."""

from __future__ import annotations

from netaudit.model.target import Credentials, Target
from netaudit.transport.asyncssh_connect import Connector
from netaudit.transport.asyncssh_keys import KeyRing
from netaudit.transport.asyncssh_road import Link
from netaudit.transport.asyncssh_session import AsyncsshSession
from netaudit.transport.hostkeys import HostKeys
from netaudit.transport.names import Names
from netaudit.transport.options import TransportOptions
from netaudit.transport.resolved import Resolved
from netaudit.transport.ssh_transport import SshTransport


class AsyncsshTransport(SshTransport[Link]):
    """Connections by asyncssh. Fits ``app.ports.Transport``."""

    def __init__(self, options: TransportOptions) -> None:
        names = Names()
        self._keys = KeyRing(options)
        connector = Connector(options.limits, HostKeys.of(options), self._keys, names)
        super().__init__(options, names, connector.connect)

    async def open(self, target: Target) -> AsyncsshSession:
        """A session that is logged in to the host. Raises WorldError."""
        credentials = self._options.secrets.for_target(target)
        link = await self._link(target, credentials)
        return AsyncsshSession(link, self._options.limits, target.become, credentials.become_password)

    async def _open_keys(self, resolved: Resolved, credentials: Credentials) -> None:
        (await self._keys.identities(resolved, credentials)).close()

    async def close(self) -> None:
        """Close the connections to jump hosts and stop what is still looked up. Never raises."""
        await super().close()
        await self._keys.close()
