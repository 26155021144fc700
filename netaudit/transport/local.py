"""The machine netaudit runs on, for ``ansible_connection=local``: the same payload, no network in between."""

from __future__ import annotations

import os

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.contact import Exit, Limits, SecretSource
from netaudit.model.target import Target
from netaudit.transport.become import Conversation, PlainShell
from netaudit.transport.exchange import Exchange
from netaudit.transport.hosttext import one_line
from netaudit.transport.local_channel import LocalChannel
from netaudit.transport.options import NoSecrets
from netaudit.transport.shell_session import ShellSession


class LocalSession(ShellSession):
    """What stands for a connection: every payload is a process of its own."""

    async def close(self) -> None:
        """Nothing is open between payloads."""

    async def _carry(self, exchange: Exchange) -> Exit:
        """Run the exchange's command. When this returns or raises, nothing of it runs any more."""
        channel = LocalChannel(exchange)
        try:
            await channel.start()
            return await channel.listen(self._limits.first_byte_s)
        except OSError as error:
            raise WorldError(
                ErrorKind.NO_SHELL,
                f"/bin/sh cannot be started here: {one_line(error.strerror or str(error))}",
                phase=Phase.SESSION,
                hint="this machine may be out of processes, file handles or memory",
            ) from error
        finally:
            await channel.end()

    def _talk(self, *, terminal: bool) -> Conversation:
        """The way to the shell; whoever already is the user to become needs none."""
        if self._become is not None and self._become.user == "root" and os.geteuid() == 0:
            return PlainShell()
        return super()._talk(terminal=terminal)


class LocalTransport:
    """Runs payloads here. Fits ``app.ports.Transport``."""

    def __init__(self, limits: Limits | None = None, secrets: SecretSource | None = None) -> None:
        self._limits = limits or Limits()
        self._secrets = secrets or NoSecrets()

    async def open(self, target: Target) -> LocalSession:
        """A session; nothing can fail before there is a payload."""
        return LocalSession(self._limits, target.become, self._secrets.for_target(target).become_password)

    async def close(self) -> None:
        """Nothing is shared."""
