"""The way that the bytes of a connection take under asyncssh: a socket, or a channel through a jump host."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass

import asyncssh

from netaudit.errors import WorldError
from netaudit.transport.jumps import Through, no_way_behind
from netaudit.transport.names import Names
from netaudit.transport.resolved import Resolved
from netaudit.transport.road import ProxyProcess, proxy_socket, tcp_socket


@dataclass(slots=True)
class Road:
    """One way to one host: a connected socket, or the jump host's connection to open a channel through."""

    sock: socket.socket | None = None
    tunnel: asyncssh.SSHClientConnection | None = None
    proxy: ProxyProcess | None = None

    async def close(self) -> None:
        """End what belongs to this way alone. A jump host's connection is shared and stays."""
        if self.sock is not None:
            self.sock.close()
        if self.proxy is not None:
            await self.proxy.close()


@dataclass(slots=True)
class Link:
    """An authenticated connection, and what has to be ended with it."""

    connection: asyncssh.SSHClientConnection
    road: Road

    @property
    def is_closed(self) -> bool:
        """Whether it has ended."""
        return self.connection.is_closed()

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


async def open_road(resolved: Resolved, names: Names, through: Through[Link] | None) -> Road:
    """The way to a host. Raises WorldError, or OSError of a connection that cannot be made."""
    if through is not None:
        return Road(tunnel=through.link.connection)
    if resolved.proxy_command is not None:
        sock, proxy = await proxy_socket(resolved, resolved.proxy_command)
        return Road(sock, proxy=proxy)
    return Road(await tcp_socket(resolved, names))


def channel_refused(error: asyncssh.ChannelOpenError, resolved: Resolved, jump: str) -> WorldError:
    """What it means that a jump host opens no channel to the host behind it."""
    forbidden = error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED
    return no_way_behind(str(error), resolved, jump, forbidden=forbidden)
