"""One local command and its streams: in a session of its own, on a terminal if one is wanted, gone at the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import signal
from typing import cast

from netaudit.errors import WorldError
from netaudit.model.contact import Exit
from netaudit.model.probe import Stream
from netaudit.transport.exchange import Exchange

_DRAIN_WITHIN_S = 0.5  # after the command's end, for what a child of it still holds open
_LEAVE_WITHIN_S = 0.3  # for a shell that has answered, and for sudo or su around it, to go by themselves
_END_WITHIN_S = 1.0  # after SIGKILL
_STREAMS = {1: Stream.OUT, 2: Stream.ERR}
# A leader of a session without a terminal gets the first one it opens as its controlling terminal, see tty(4).
_ON_TERMINAL = 'exec 3<>"$0"; exec 3>&-; exec /bin/sh -c "$1"'


def login_environment() -> dict[str, str]:
    """What sshd would give a login of this user; nothing of the controller's own environment goes along."""
    try:
        user = pwd.getpwuid(os.geteuid())
        name, home, shell = user.pw_name, user.pw_dir, user.pw_shell
    except KeyError:  # a container's user without an entry
        name, home, shell = str(os.geteuid()), "/", "/bin/sh"
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "USER": name,
        "LOGNAME": name,
        "HOME": home,
        "SHELL": shell,
        "TERM": "dumb",
    }


class LocalChannel(asyncio.SubprocessProtocol):
    """The streams of one command, handed to an exchange as they come."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._exited = asyncio.Event()
        self._open = set(_STREAMS)
        self._process: asyncio.SubprocessTransport | None = None
        self._writer: asyncio.WriteTransport | None = None
        self._terminal: asyncio.ReadTransport | None = None

    async def start(self) -> None:
        """Start the command of the exchange and send its opening. Raises OSError."""
        if self._exchange.wants_terminal:
            await self._start_on_terminal()
        else:
            await self._spawn(["/bin/sh", "-c", self._exchange.command], asyncio.subprocess.PIPE)
        self._send(self._exchange.opening())

    async def listen(self, first_byte_s: float) -> Exit:
        """Wait until the exchange is whole or the command has ended. Raises WorldError."""
        clock = self._loop.call_later(first_byte_s, self._silent, first_byte_s)
        try:
            await self._over
        finally:
            clock.cancel()
        if self._exchange.whole:
            return Exit(None)
        await self._wait_for_exit(_END_WITHIN_S)
        if (error := self._exchange.ended()) is not None:
            raise error
        return self._exit()

    async def end(self) -> None:
        """End the command and its process group; what runs as another user learns it from the closed stream."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.abort()
        if self._terminal is not None:
            self._terminal.close()
        if self._process is None:
            return
        try:
            if self._exchange.whole:
                await self._wait_for_exit(_LEAVE_WITHIN_S)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.get_pid(), signal.SIGKILL)  # its children too, should it be gone itself
            await self._wait_for_exit(_END_WITHIN_S)
        finally:
            with contextlib.suppress(PermissionError):
                self._process.close()

    async def _wait_for_exit(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._exited.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop, before any data."""
        self._process = cast(asyncio.SubprocessTransport, transport)
        self._writer = cast("asyncio.WriteTransport | None", self._process.get_pipe_transport(0))

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Called by the loop."""
        if self._over.done():
            return
        try:
            self._send(self._exchange.receive(_STREAMS[fd], data))
        except WorldError as error:
            self._over.set_exception(error)
        else:
            if self._exchange.whole:
                self._finish()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Called by the loop."""
        self._open.discard(fd)
        if not self._open:
            self._finish()

    def process_exited(self) -> None:
        """Called by the loop."""
        self._exited.set()
        self._loop.call_later(_DRAIN_WITHIN_S, self._finish)

    def _send(self, data: bytes) -> None:
        if data and self._writer is not None and not self._writer.is_closing():
            self._writer.write(data)

    def _finish(self) -> None:
        if not self._over.done():
            self._over.set_result(None)

    def _silent(self, seconds: float) -> None:
        if not self._exchange.answered and not self._over.done():
            self._over.set_exception(self._exchange.silence(seconds))

    def _exit(self) -> Exit:
        status = self._process.get_returncode() if self._process is not None else None
        if status is None or status >= 0:
            return Exit(status)
        return Exit(None, signal.Signals(-status).name.removeprefix("SIG"))

    async def _spawn(self, argv: list[str], streams: int) -> None:
        await self._loop.subprocess_exec(
            lambda: self,
            *argv,
            stdin=streams,
            stdout=streams,
            stderr=streams,
            start_new_session=True,
            cwd="/",
            env=login_environment(),
        )

    async def _start_on_terminal(self) -> None:
        ours, theirs = os.openpty()
        try:
            await self._spawn(["/bin/sh", "-c", _ON_TERMINAL, os.ttyname(theirs), self._exchange.command], theirs)
            self._writer, _ = await self._loop.connect_write_pipe(
                asyncio.BaseProtocol, os.fdopen(os.dup(ours), "wb", 0)
            )
            self._terminal, _ = await self._loop.connect_read_pipe(
                lambda: _Terminal(self), os.fdopen(os.dup(ours), "rb", 0)
            )
        finally:
            os.close(ours)
            os.close(theirs)


class _Terminal(asyncio.Protocol):
    """Our side of a terminal: everything comes as standard output; when the other side closes, both streams end."""

    def __init__(self, channel: LocalChannel) -> None:
        self._channel = channel

    def data_received(self, data: bytes) -> None:
        self._channel.pipe_data_received(1, data)

    def connection_lost(self, exc: Exception | None) -> None:
        for fd in _STREAMS:
            self._channel.pipe_connection_lost(fd, exc)
