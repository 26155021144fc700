"""Jump hosts: one connection to each for the whole run, shared by all hosts behind it, whichever library makes it.

A chain is followed hop by hop; each hop is a host like any other, with its own key checked and its own blocks of
ssh_config. A jump host that cannot be reached is not asked again by each of the hosts behind it, for some seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.target import Credentials
from netaudit.transport.hosttext import one_line
from netaudit.transport.options import TransportOptions
from netaudit.transport.resolved import Resolved
from netaudit.transport.sshconfig import SshConfig

_REMEMBERED_S = 15.0
_MAX_HOPS = 8


class Link(Protocol):
    """An authenticated connection."""

    @property
    def is_closed(self) -> bool:
        """Whether it has ended."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


L = TypeVar("L", bound=Link)


@dataclass(frozen=True)
class Through(Generic[L]):
    """The jump host that a host lies behind: its connection, and its name for messages."""

    link: L
    name: str


@dataclass(frozen=True, slots=True)
class _Chain:
    """The hops to a jump host, itself included, and the keys named for what lies behind it."""

    hops: tuple[str, ...]
    identity_files: tuple[str, ...]


@dataclass
class JumpHosts(Generic[L]):
    """The jump hosts of one run. ``connect`` makes a connection, through another one if there is one to go through."""

    options: TransportOptions
    config: SshConfig
    connect: Callable[[Resolved, Credentials, Through[L] | None], Awaitable[L]]
    _opening: dict[_Chain, asyncio.Task[L]] = field(default_factory=dict)
    _failed_at: dict[_Chain, float] = field(default_factory=dict)

    async def connection(self, behind: Resolved) -> Through[L] | None:
        """The connection to the last of the jump hosts that a host lies behind, if any. Raises WorldError."""
        if not behind.jumps:
            return None
        hops = await self._all_hops(behind.jumps, behind.identity_files, depth=0)
        return Through(await self._shared(_Chain(hops, behind.identity_files)), hops[-1])

    async def close(self) -> None:
        """Close all connections, the farthest first."""
        for chain in sorted(self._opening, key=lambda chain: -len(chain.hops)):
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

    async def _shared(self, chain: _Chain) -> L:
        task = self._opening.get(chain)
        if task is None or self._is_spent(chain, task):
            task = self._opening[chain] = asyncio.create_task(self._open(chain))
        return await asyncio.shield(task)

    def _is_spent(self, chain: _Chain, task: asyncio.Task[L]) -> bool:
        """Whether a connection has to be made anew: it has ended, or failed some time ago."""
        if not task.done():
            return False
        if not task.cancelled() and task.exception() is None:
            return task.result().is_closed
        return asyncio.get_running_loop().time() - self._failed_at.get(chain, 0.0) > _REMEMBERED_S

    async def _open(self, chain: _Chain) -> L:
        *before, hop = chain.hops
        try:
            link = await self._shared(replace(chain, hops=tuple(before))) if before else None
            target, resolved = await self.config.resolve_hop(hop, chain.identity_files)
            through = Through(link, before[-1]) if link is not None else None
            return await self.connect(resolved, self.options.secrets.for_target(target), through)
        except WorldError as error:
            self._failed_at[chain] = asyncio.get_running_loop().time()
            told = error.message if error.message.startswith("jump host ") else f"jump host {hop}: {error.message}"
            raise WorldError(error.kind, told, phase=error.phase, hint=error.hint) from error


def no_way_behind(said: str, resolved: Resolved, jump: str, *, forbidden: bool) -> WorldError:
    """What it means that a jump host opens no channel to the host behind it, by the words of OpenSSH and dropbear."""
    text, place = said.lower(), f"{resolved.host} port {resolved.port}"
    if "refused" in text:
        return _via(ErrorKind.REFUSED, f"nothing listens on {place}", jump, "is sshd running, is ansible_port right?")
    if "timed out" in text or "unreachable" in text or "no route" in text:
        return _via(ErrorKind.CONNECT_TIMEOUT, f"{place} does not answer", jump, "seen from the jump host")
    if any(word in text for word in ("not known", "resolve", "unknown host", "temporary failure")):
        return _via(ErrorKind.DNS, f"{resolved.host} has no address", jump, "the jump host looks the name up")
    if forbidden or "prohibited" in text:
        return _via(ErrorKind.REFUSED, f"no way to {place}", jump, "AllowTcpForwarding or PermitOpen forbids it there")
    return _via(ErrorKind.DISCONNECTED, f"no channel to {place}: {one_line(said)}", jump, "")


def _via(kind: ErrorKind, message: str, jump: str, hint: str) -> WorldError:
    return WorldError(kind, f"{message}, says the jump host {jump}", phase=Phase.CONNECT, hint=hint)
