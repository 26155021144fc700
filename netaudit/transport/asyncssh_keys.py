"""The private keys of a run: each file read and decrypted once, the agent asked once what it holds.

Connections get key pairs of their own, since a pair remembers what was agreed with one server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import asyncssh
from asyncssh.agent import SSHAgentClient, SSHAgentKeyPair

from netaudit.errors import WorldError
from netaudit.model.target import Credentials
from netaudit.transport.asyncssh_keyfiles import KeyFile, read_certificates, read_key_file
from netaudit.transport.hosttext import one_line
from netaudit.transport.keyfiles import AGENT_WITHIN_S, agent_socket, in_order
from netaudit.transport.options import TransportOptions
from netaudit.transport.resolved import Resolved


@dataclass(frozen=True, slots=True)
class AgentKey:
    """One key of an agent."""

    algorithm: bytes
    public: bytes
    comment: bytes


@dataclass(slots=True)
class Identities:
    """What one connection may log in with. ``close`` once the login is over."""

    pairs: list[asyncssh.SSHKeyPair] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # for messages, in the order in which they are tried
    unreadable: list[WorldError] = field(default_factory=list)  # of keys that somebody named
    agent: SSHAgentClient | None = None

    def close(self) -> None:
        """Give back the connection to the agent, if one was needed."""
        if self.agent is not None:
            self.agent.close()


class KeyRing:
    """The keys of one run."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._files: dict[tuple[Path, str | None], asyncio.Task[KeyFile]] = {}
        self._agents: dict[str, asyncio.Task[tuple[AgentKey, ...]]] = {}
        self._asking = asyncio.Lock()
        self._answers: dict[Path, str | None] = {}

    async def identities(self, resolved: Resolved, credentials: Credentials) -> Identities:
        """What to log in with, in the order to try. Raises WorldError (key-unreadable) when nothing is left to try."""
        found = Identities()
        if "publickey" not in resolved.refused_auth:
            await self._collect(found, resolved, credentials.key_passphrase)
        if not found.pairs and credentials.password is None and found.unreadable:
            raise found.unreadable[0]
        return found

    async def close(self) -> None:
        """Stop what is still being read."""
        tasks = [*self._files.values(), *self._agents.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _collect(self, found: Identities, resolved: Resolved, passphrase: str | None) -> None:
        held, socket = await self._agent_keys(resolved)
        named = [_expanded(file) for file in resolved.identity_files]
        files = [await self._read(path, None) for path in named or self._present_defaults]
        by_public = {key.public: key for key in held}
        chosen = in_order(files, by_public, named=bool(named), only=resolved.identities_only)
        usable = any(isinstance(key, AgentKey) or key.key is not None for key in chosen)
        certificates = await self._certificates(resolved)
        if socket and any(isinstance(key, AgentKey) for key in chosen):
            found.agent = SSHAgentClient(socket)
        for key in chosen:
            ready = (
                key if isinstance(key, AgentKey) else await self._opened(key, passphrase, ask=bool(named) or not usable)
            )
            if isinstance(ready, KeyFile) and ready.error is not None:
                found.unreadable += [ready.error] if named or ready.encrypted else []
            else:
                _add(found, ready, certificates)

    async def _opened(self, file: KeyFile, passphrase: str | None, *, ask: bool) -> KeyFile:
        """The file with its key decrypted: by the passphrase, or by one that is asked for at most once a run."""
        if not file.encrypted:
            return file
        if passphrase is None and ask and self._options.ask_passphrase is not None:
            async with self._asking:
                if file.path not in self._answers:
                    self._answers[file.path] = await asyncio.to_thread(self._options.ask_passphrase, file.path)
            passphrase = self._answers[file.path]
        return file if passphrase is None else await self._read(file.path, passphrase)

    async def _read(self, path: Path, passphrase: str | None) -> KeyFile:
        key = (path, passphrase)
        if key not in self._files:
            self._files[key] = asyncio.create_task(asyncio.to_thread(read_key_file, path, passphrase))
        return await asyncio.shield(self._files[key])

    @cached_property
    def _present_defaults(self) -> list[Path]:
        return [path for path in self._options.default_identities if path.exists()]

    async def _certificates(self, resolved: Resolved) -> list[asyncssh.SSHCertificate]:
        found: list[asyncssh.SSHCertificate] = []
        for name in resolved.certificate_files:
            found += await asyncio.to_thread(read_certificates, _expanded(name))
        return found

    async def _agent_keys(self, resolved: Resolved) -> tuple[tuple[AgentKey, ...], str]:
        """The keys of the host's agent and its socket; none when there is no agent or it does not answer."""
        socket = agent_socket(resolved, self._options)
        if not socket:
            return (), ""
        if socket not in self._agents:
            self._agents[socket] = asyncio.create_task(self._ask_agent(socket))
        return await asyncio.shield(self._agents[socket]), socket

    async def _ask_agent(self, socket: str) -> tuple[AgentKey, ...]:
        client = SSHAgentClient(socket)
        try:
            async with asyncio.timeout(AGENT_WITHIN_S):
                keys = await client.get_keys()
        except TimeoutError:
            self._options.notice(
                f"the agent at {socket} did not answer within {AGENT_WITHIN_S:g} s; its keys are not used"
            )
            return ()
        except (OSError, ValueError, asyncssh.Error) as error:
            self._options.notice(f"the agent at {socket} cannot be used: {one_line(str(error))}")
            return ()
        finally:
            client.close()
        return tuple(AgentKey(key.algorithm, key.public_data, key.get_comment_bytes() or b"") for key in keys)


def _expanded(name: str) -> Path:
    return Path(name).expanduser()


def _add(found: Identities, key: KeyFile | AgentKey, certificates: Sequence[asyncssh.SSHCertificate]) -> None:
    """Put the pairs of one key to the others, with each certificate that fits before the bare key."""
    if isinstance(key, AgentKey):
        if found.agent is None:
            return
        pair = SSHAgentKeyPair(found.agent, key.algorithm, key.public, key.comment)
        fitting = [certificate for certificate in certificates if certificate.key.public_data == key.public]
        for certificate in fitting:
            certified = SSHAgentKeyPair(found.agent, key.algorithm, key.public, key.comment)
            certified.set_certificate(certificate)
            found.pairs.append(certified)
        found.pairs.append(pair)
        found.names.append(f"agent:{one_line(key.comment, 40) or 'key'}")
    elif key.key is not None:
        own = [*key.certificates, *(one for one in certificates if one.key.public_data == key.key.public_data)]
        keys: list[tuple[asyncssh.SSHKey, asyncssh.SSHCertificate]] = [(key.key, certificate) for certificate in own]
        pairs = [pair for pair in asyncssh.load_keypairs(keys) if pair.has_cert] if keys else []
        found.pairs += [*pairs, *asyncssh.load_keypairs([key.key])]
        found.names.append(str(key.path))
