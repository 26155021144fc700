"""The way that the bytes of a connection take before SSH begins: TCP, or the streams of a ProxyCommand."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from dataclasses import dataclass, field

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.transport.hosttext import one_line
from netaudit.transport.names import Address, Names
from netaudit.transport.resolved import Resolved
from netaudit.transport.sshconfig_output import Tokens

_SHARE_S = 2.5  # for each of several addresses but the last, which has all the time that is left
_KEPT_STDERR_BYTES = 2048
_GRACE_S = 0.5


async def tcp_socket(resolved: Resolved, names: Names) -> socket.socket:
    """A TCP connection to the first address that takes one. Raises WorldError, or OSError of the last address."""
    addresses = await names.addresses(resolved.host, resolved.port, resolved.family)
    last: OSError | None = None
    for number, address in enumerate(addresses, 1):
        try:
            async with asyncio.timeout(_SHARE_S if number < len(addresses) else None):
                return await _connected(address, resolved.bind_address)
        except TimeoutError:
            last = TimeoutError("no answer")
        except OSError as error:
            last = error
    raise last or OSError("no address")


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


async def proxy_socket(resolved: Resolved, command: str) -> tuple[socket.socket, ProxyProcess]:
    """Our end of a ProxyCommand's standard input and output, tokens expanded. Raises WorldError or OSError."""
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
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    ours.setblocking(False)
    return ours, ProxyProcess(process)


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
