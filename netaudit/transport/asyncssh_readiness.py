"""What can be known of the way to a host without contacting it: is its key stored, is there anything to log in with.

Everything is asked of the parts that a connection asks: the same ssh_config, the same known_hosts, the same keys.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from netaudit.errors import OperatorError, WorldError
from netaudit.model.target import Target
from netaudit.transport.asyncssh_keys import KeyRing
from netaudit.transport.hostkeys import HostKeys
from netaudit.transport.options import TransportOptions
from netaudit.transport.resolved import Resolved
from netaudit.transport.sshconfig import SshConfig


@dataclass(frozen=True, slots=True)
class Trouble:
    """What stands in the way, and what would be right."""

    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Readiness:
    """One host, or a jump host as ``ProxyJump`` names it. Where ``settings`` are wrong, the rest is not known."""

    name: str
    is_jump: bool = False
    settings: Trouble | None = None  # it has no name that can be meant, or its ssh_config is refused
    has_key: bool = False  # its own, or one of an authority that vouches for it
    login: Trouble | None = None  # why nothing is left to log in with
    unreadable: tuple[Trouble, ...] = ()  # of keys that are named for it, beside others that can be used


_NOTHING = Trouble(
    "there is no key and no password to log in with",
    "ansible_ssh_private_key_file or --private-key names a key, ssh-add puts one into an agent, -k asks for a password",
)


class ReadinessSource:
    """Looks at the ways to many hosts. Files and agents are asked once."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._config = SshConfig(options)
        self._judge = HostKeys.of(options)
        self._keys = KeyRing(options)
        self._hops: set[str] = set()

    async def of(self, target: Target) -> tuple[Readiness, ...]:
        """The host, behind those of its jump hosts that were not told of before. Never raises for a host."""
        ready = Readiness(target.name)
        try:
            resolved = await self._config.resolve(target)
        except (OperatorError, WorldError) as error:
            return (replace(ready, settings=_trouble(error)),)
        new = [spec for spec in resolved.jumps if spec not in self._hops]
        self._hops.update(new)
        hops = [await self._hop(spec, resolved) for spec in new]
        return *hops, await self._known(ready, target, resolved)

    async def close(self) -> None:
        """Stop what is still being asked."""
        await asyncio.gather(self._config.close(), self._keys.close())

    async def _hop(self, spec: str, behind: Resolved) -> Readiness:
        ready = Readiness(spec, is_jump=True)
        try:
            target, resolved = await self._config.resolve_hop(spec, behind.identity_files)
        except (OperatorError, WorldError) as error:
            return replace(ready, settings=_trouble(error))
        return await self._known(ready, target, resolved)

    async def _known(self, ready: Readiness, target: Target, resolved: Resolved) -> Readiness:
        known = self._judge.known(resolved.user_known_hosts, resolved.global_known_hosts)
        ready = replace(ready, has_key=bool(known.stored(resolved.place) or known.authorities(resolved.place)))
        try:
            credentials = self._options.secrets.for_target(target)
            found = await self._keys.identities(resolved, credentials)
        except (OperatorError, WorldError) as error:
            return replace(ready, login=_trouble(error))
        found.close()
        login = _NOTHING if not found.pairs and credentials.password is None else None
        return replace(ready, login=login, unreadable=tuple(map(_trouble, found.unreadable)))


def _trouble(error: OperatorError | WorldError) -> Trouble:
    where = error.where if isinstance(error, OperatorError) else None
    return Trouble(f"{where}: {error.message}" if where else error.message, error.hint)
