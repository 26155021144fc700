"""Jump hosts: one connection to each for the whole run, shared by all hosts behind it.

A chain is followed hop by hop; each hop is a host like any other, with its own key checked and its own blocks of
ssh_config. A jump host that cannot be reached is not asked again by each of the hosts behind it, for some seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.transport.asyncssh_connect import Connector, Link
from netaudit.transport.asyncssh_road import Through
from netaudit.transport.options import TransportOptions
from netaudit.transport.resolved import Resolved
from netaudit.transport.sshconfig import SshConfig

_REMEMBERED_S = 15.0
_MAX_HOPS = 8


@dataclass(frozen=True, slots=True)
class _Chain:
    """The hops to a jump host, itself included, and the keys named for what lies behind it."""

    hops: tuple[str, ...]
    identity_files: tuple[str, ...]


@dataclass(slots=True)
class JumpHosts:
    """The jump hosts of one run."""

    options: TransportOptions
    config: SshConfig
    connector: Connector
    _opening: dict[_Chain, asyncio.Task[Link]] = field(default_factory=dict)
    _failed_at: dict[_Chain, float] = field(default_factory=dict)

    async def connection(self, behind: Resolved) -> Through | None:
        """The connection to the last of the jump hosts that a host lies behind, if any. Raises WorldError."""
        if not behind.jumps:
            return None
        hops = await self._all_hops(behind.jumps, behind.identity_files, depth=0)
        link = await self._shared(_Chain(hops, behind.identity_files))
        return Through(link.connection, hops[-1])

    async def close(self) -> None:
        """Close all connections, the farthest first."""
        chains = sorted(self._opening, key=lambda chain: -len(chain.hops))
        for chain in chains:
            task = self._opening.pop(chain)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, WorldError):
                await (await task).close()

    async def _all_hops(self, hops: tuple[str, ...], keys: tuple[str, ...], depth: int) -> tuple[str, ...]:
        """The hops, after those that the first one itself lies behind. Each other is reached by the one before."""
        if depth > _MAX_HOPS:
            hint = "a ProxyJump under Host * is in force for the jump host too: exempt it there with ProxyJump none"
            raise WorldError(ErrorKind.PROTOCOL, "the jump hosts form a loop", phase=Phase.CONNECT, hint=hint)
        _, first = await self.config.resolve_hop(hops[0], keys)
        return (*(await self._all_hops(first.jumps, keys, depth + 1)), *hops) if first.jumps else hops

    async def _shared(self, chain: _Chain) -> Link:
        task = self._opening.get(chain)
        if task is None or self._is_spent(chain, task):
            task = self._opening[chain] = asyncio.create_task(self._open(chain))
        return await asyncio.shield(task)

    def _is_spent(self, chain: _Chain, task: asyncio.Task[Link]) -> bool:
        """Whether a connection has to be made anew: it has ended, or failed some time ago."""
        if not task.done():
            return False
        if not task.cancelled() and task.exception() is None:
            return task.result().connection.is_closed()
        return asyncio.get_running_loop().time() - self._failed_at.get(chain, 0.0) > _REMEMBERED_S

    async def _open(self, chain: _Chain) -> Link:
        *before, hop = chain.hops
        try:
            link = await self._shared(replace(chain, hops=tuple(before))) if before else None
            target, resolved = await self.config.resolve_hop(hop, chain.identity_files)
            through = Through(link.connection, before[-1]) if link is not None else None
            return await self.connector.connect(resolved, self.options.secrets.for_target(target), through)
        except WorldError as error:
            self._failed_at[chain] = asyncio.get_running_loop().time()
            told = error.message if error.message.startswith("jump host ") else f"jump host {hop}: {error.message}"
            raise WorldError(error.kind, told, phase=error.phase, hint=error.hint) from error
