"""The way that the bytes of a connection take: TCP, a ProxyCommand, or a channel through a jump host."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from dataclasses import dataclass, field

import asyncssh

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.transport.asyncssh_errors import world_error
from netaudit.transport.hosttext import one_line
from netaudit.transport.names import Address, Names
from netaudit.transport.resolved import Resolved
from netaudit.transport.sshconfig_output import Tokens

_KEPT_STDERR_BYTES = 2048
_GRACE_S = 0.5


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


@dataclass(frozen=True, slots=True)
class Through:
    """The jump host that a host lies behind: its connection, and its name for messages."""

    connection: asyncssh.SSHClientConnection
    name: str


async def open_road(resolved: Resolved, names: Names, through: Through | None) -> Road:
    """The way to a host. Raises WorldError, or OSError of a connection that cannot be made."""
    if through is not None:
        return Road(tunnel=through.connection)
    if resolved.proxy_command is not None:
        return await proxy_road(resolved, resolved.proxy_command)
    return await direct_road(resolved, names)


async def direct_road(resolved: Resolved, names: Names) -> Road:
    """A TCP connection to the first address that takes one. Raises WorldError, or OSError of the last address."""
    addresses = await names.addresses(resolved.host, resolved.port, resolved.family)
    last: OSError | None = None
    for number, address in enumerate(addresses, 1):
        try:
            async with asyncio.timeout(None) as share:
                _take_share(share, len(addresses) - number)
                return Road(sock=await _connected(address, resolved.bind_address))
        except TimeoutError:
            last = TimeoutError("no answer")
        except OSError as error:
            last = error
    raise last or OSError("no address")


def _take_share(share: asyncio.Timeout, others: int) -> None:
    """Bound one of several addresses so that the others get their turn; the last one has all the time that is left."""
    if others:
        share.reschedule(asyncio.get_running_loop().time() + 2.5)


async def _connected(address: Address, bind_address: str) -> socket.socket:
    family, place = address
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        sock.setblocking(False)
        if bind_address:
            sock.bind((bind_address, 0))
        await asyncio.get_running_loop().sock_connect(sock, place)
    except BaseException:
        sock.close()
        raise
    return sock


async def proxy_road(resolved: Resolved, command: str) -> Road:
    """The two ends of a ProxyCommand's standard input and output, with its tokens expanded. Raises WorldError."""
    text = Tokens(resolved).command(command)
    ours, theirs = socket.socketpair()
    try:
        process = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            f"exec {text}",
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        ours.close()
        raise world_error(error, Phase.CONNECT) from error
    finally:
        theirs.close()
    ours.setblocking(False)
    return Road(sock=ours, proxy=ProxyProcess(process))


@dataclass(slots=True)
class ProxyProcess:
    """A running ProxyCommand. What it says on standard error is kept for the message, not shown."""

    process: asyncio.subprocess.Process
    _said: bytearray = field(default_factory=bytearray, init=False)
    _listening: asyncio.Task[None] = field(init=False)

    def __post_init__(self) -> None:
        self._listening = asyncio.create_task(self._listen())

    @property
    def said(self) -> str:
        """The end of what it has said, on one line."""
        return one_line(bytes(self._said).strip().rpartition(b"\n")[2])

    async def close(self) -> None:
        """End it, with everything it has started: asked first, then killed."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GRACE_S):
                    await self.process.wait()
                    break
        self._listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listening

    async def ended(self, failure: WorldError) -> WorldError:
        """The failure of a connection over it, told with what it said if it has ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await self.process.wait()
                await self._listening
        if self.process.returncode is None:
            return failure
        what = f": {self.said}" if self.said else f" with status {self.process.returncode}"
        return WorldError(
            ErrorKind.DISCONNECTED,
            f"the ProxyCommand ended{what}",
            phase=Phase.AUTH if failure.phase is Phase.AUTH else Phase.CONNECT,
            hint="run it by hand with %h and %p filled in",
        )

    async def _listen(self) -> None:
        stream = self.process.stderr
        while stream is not None and (data := await stream.read(4096)):
            self._said += data
            del self._said[:-_KEPT_STDERR_BYTES]


def channel_refused(error: asyncssh.ChannelOpenError, resolved: Resolved, jump: str) -> WorldError:
    """What it means that a jump host opens no channel to the host behind it, by the words of OpenSSH and dropbear."""
    text, place = str(error).lower(), f"{resolved.host} port {resolved.port}"
    if "refused" in text:
        return _via(ErrorKind.REFUSED, f"nothing listens on {place}", jump, "is sshd running, is ansible_port right?")
    if "timed out" in text or "unreachable" in text or "no route" in text:
        return _via(ErrorKind.CONNECT_TIMEOUT, f"{place} does not answer", jump, "seen from the jump host")
    if any(word in text for word in ("not known", "resolve", "unknown host", "temporary failure")):
        return _via(ErrorKind.DNS, f"{resolved.host} has no address", jump, "the jump host looks the name up")
    if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED or "prohibited" in text:
        return _via(ErrorKind.REFUSED, f"no way to {place}", jump, "AllowTcpForwarding or PermitOpen forbids it there")
    return _via(ErrorKind.DISCONNECTED, f"no channel to {place}: {one_line(str(error))}", jump, "")


def _via(kind: ErrorKind, message: str, jump: str, hint: str) -> WorldError:
    return WorldError(kind, f"{message}, says the jump host {jump}", phase=Phase.CONNECT, hint=hint)
