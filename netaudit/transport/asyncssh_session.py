"""One payload in one exec channel: bytes go to the sink as they come, nothing is kept, nothing waits for anything else.

Standard output and standard error are drained by the same call-back, so neither can stall the other; what a host may
have in flight is bounded by the channel's window. Standard input stays open until the sink has all: its end is how the
guard inside the payload learns that nobody listens any more. Then the channel is aborted, whatever still holds it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import asyncssh

from netaudit.errors import Phase
from netaudit.model.contact import Exit, Limits
from netaudit.model.probe import Stream
from netaudit.model.target import Become
from netaudit.transport.asyncssh_errors import world_error
from netaudit.transport.asyncssh_road import Link
from netaudit.transport.exchange import Exchange
from netaudit.transport.shell_session import ShellSession


class AsyncsshSession(ShellSession):
    """One connection, on which payloads run one after the other."""

    def __init__(self, link: Link, limits: Limits, become: Become | None, become_password: str | None) -> None:
        super().__init__(limits, become, become_password)
        self._link = link

    async def close(self) -> None:
        """Close the connection and what was started for it. Never raises; safe to call twice."""
        await self._link.close()

    async def _carry(self, exchange: Exchange) -> Exit:
        channel = _Channel(exchange)
        wanted = {"request_pty": "force", "term_type": "dumb"} if exchange.wants_terminal else {"request_pty": False}
        try:
            async with asyncio.timeout(self._limits.first_byte_s) as limit:
                channel.answered = lambda: limit.reschedule(None)
                await self._link.connection.create_session(lambda: channel, exchange.command, **wanted)
                return await channel.outcome
        except TimeoutError:
            raise exchange.silence(self._limits.first_byte_s) from None
        except (asyncssh.Error, OSError, ValueError) as error:
            raise world_error(error, Phase.SESSION) from error
        finally:
            channel.end()


class _Channel(asyncssh.SSHClientSession[bytes]):
    """The call-backs of one channel. ``outcome`` is set once, by whatever ends it first."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._status: int | None = None
        self._signal: str | None = None
        self.answered: Callable[[], object] = _nothing
        self.outcome: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Keep the channel."""
        self._channel = chan

    def session_started(self) -> None:
        """Send the payload at once where no escalation comes first."""
        self._send(self._exchange.opening())

    def data_received(self, data: bytes, datatype: Any) -> None:
        """Pass bytes on: to the escalation first, then to the sink."""
        if self.outcome.done():
            return
        try:
            self._send(self._exchange.receive(Stream.OUT if datatype is None else Stream.ERR, data))
        except Exception as error:  # of the sink or the escalation: it belongs to whoever waits for the outcome
            self.outcome.set_exception(error)
            self.end()
            return
        if self._exchange.answered:
            self.answered()
            self.answered = _nothing
        if self._exchange.whole:
            self.outcome.set_result(Exit(None))
            self.end()

    def exit_status_received(self, status: int) -> None:
        """Keep how the shell ended."""
        self._status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:  # noqa: FBT001 - the library's signature
        """Keep what killed the shell."""
        self._signal = signal

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed: the outcome is how the shell ended, or why nobody can know."""
        if self.outcome.done():
            return
        failure = self._exchange.ended()
        if exc is not None:
            self.outcome.set_exception(world_error(exc, Phase.SESSION if failure else Phase.ANSWER))
        elif failure is not None:
            self.outcome.set_exception(failure)
        else:
            self.outcome.set_result(Exit(self._status, self._signal))

    def end(self) -> None:
        """Close the channel at once. What still runs on the host loses its standard input by it, and ends."""
        if self._channel is not None:
            self._channel.abort()
        if self.outcome.done() and not self.outcome.cancelled():
            self.outcome.exception()  # taken note of: whoever waited for it may have gone

    def _send(self, data: bytes) -> None:
        if data and self._channel is not None:
            with contextlib.suppress(OSError):  # a shell that is gone already: how it ended is told by connection_lost
                self._channel.write(data)


def _nothing() -> None:
    """Stands where nobody waits for the first byte."""
