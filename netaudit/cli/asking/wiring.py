"""Where adapters meet use cases, and the only place that does: options become transports, limits and widths."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from netaudit.app.fanout import Width
from netaudit.cli.asking.openfiles import FILES_A_HOST, FILES_A_PROXY_COMMAND, raise_limit
from netaudit.cli.asking.secrets import ask_passphrase
from netaudit.model.contact import Limits, SecretSource
from netaudit.model.target import Connection, Target

if TYPE_CHECKING:
    from netaudit.app.ports import Session, Transport
    from netaudit.transport.options import TransportOptions


class Prepared(Protocol):
    """A transport that can say, before any host is contacted, whether its own settings are right."""

    async def prepare(self, targets: Sequence[Target]) -> None:
        """Raises OperatorError."""
        ...


class Routed:
    """Local targets to one transport, all others to another, which is made when the first of them comes."""

    def __init__(self, remote: Callable[[], Transport], local: Callable[[], Transport]) -> None:
        self._make = {Connection.SSH: remote, Connection.LOCAL: local}
        self._made: dict[Connection, Transport] = {}

    async def prepare(self, targets: Sequence[Target]) -> None:
        """Let the transport of remote targets look at its settings. Raises OperatorError."""
        remote = [target for target in targets if target.connection is Connection.SSH]
        if remote:
            transport = self._for(Connection.SSH)
            if hasattr(transport, "prepare"):
                await transport.prepare(remote)

    async def open(self, target: Target) -> Session:
        """See ``app.ports.Transport``."""
        return await self._for(target.connection).open(target)

    async def close(self) -> None:
        """Close both, if they were made. What is opened afterwards is reached by new ones."""
        made, self._made = self._made, {}
        for transport in made.values():
            await transport.close()

    def _for(self, connection: Connection) -> Transport:
        if connection not in self._made:
            self._made[connection] = self._make[connection]()
        return self._made[connection]


def limits_of(args: argparse.Namespace) -> Limits:
    """The time limits of one host. Who gives slow hosts more time in all gives each part of it more as well."""
    usual = Limits()
    longer = max(1.0, args.timeout / usual.host_s)
    return Limits(
        connect_s=min(args.connect_timeout, args.timeout),
        auth_s=min(usual.auth_s * longer, args.timeout),
        first_byte_s=min(usual.first_byte_s * longer, args.timeout),
        host_s=args.timeout,
    )


def width_of(args: argparse.Namespace, targets: Sequence[Target], warn: Callable[[str], None]) -> Width:
    """How many hosts at once, within this process's open-file limit. Lowering it is said."""
    files_a_host = FILES_A_PROXY_COMMAND if any(target.ssh.proxy_command for target in targets) else FILES_A_HOST
    possible = raise_limit().hosts(files_a_host)
    if possible < args.forks:
        warn(
            f"only {possible} hosts at a time: the open-file limit (ulimit -n) leaves no room for --forks {args.forks}"
        )
    return Width(forks=min(args.forks, possible), open_limit=possible)


def transport_of(
    args: argparse.Namespace, secrets: SecretSource, ssh_config: str | None, warn: Callable[[str], None]
) -> Routed:
    """The transport of the command line, and the local one beside it. ``ssh_config`` is what ``-F`` names."""
    options = transport_options(args, secrets, ssh_config, warn)

    def local() -> Transport:
        from netaudit.transport.local import LocalTransport

        return LocalTransport(options.limits, options.secrets)

    def remote() -> Transport:
        if args.transport == "paramiko":
            from netaudit.transport.paramiko_transport import ParamikoTransport

            return ParamikoTransport(options)
        from netaudit.transport.asyncssh_transport import AsyncsshTransport

        return AsyncsshTransport(options)

    return Routed(remote, local)


def transport_options(
    args: argparse.Namespace, secrets: SecretSource, ssh_config: str | None, warn: Callable[[str], None]
) -> TransportOptions:
    from netaudit.transport.options import HostKeyChecking, openssh_defaults

    return replace(
        openssh_defaults(),
        host_key_checking=HostKeyChecking(args.host_key_checking),
        limits=limits_of(args),
        secrets=secrets,
        use_ssh_config=not args.no_ssh_config,
        ssh_config_file=Path(ssh_config) if ssh_config else None,
        ask_passphrase=ask_passphrase,
        notice=warn,
    )
