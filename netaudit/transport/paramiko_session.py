"""One payload in one exec channel of paramiko: a thread reads, the event loop decides.

Every chunk is handed to the loop and waited for there, so the sink is only ever touched by the loop's own thread and a
host cannot send faster than it is decoded. Standard input stays open until the sink has all.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from dataclasses import dataclass, field

import paramiko

from netaudit.errors import Phase, WorldError
from netaudit.model.contact import Exit, Limits
from netaudit.model.probe import Stream
from netaudit.model.target import Become
from netaudit.transport.background import in_background
from netaudit.transport.exchange import Exchange
from netaudit.transport.paramiko_client import Client
from netaudit.transport.paramiko_connect import Link
from netaudit.transport.paramiko_errors import hung_up, world_error
from netaudit.transport.shell_session import ShellSession

_CHUNK_BYTES = 64 * 1024
_LOOK_EVERY_S = 1.0  # should a wake-up ever be lost
_STATUS_WITHIN_S = 1.0  # from the end of the streams to the exit status
_LOST_WITHIN_S = 0.3  # from the end of a channel to that of the connection, when it is that which has ended


class ParamikoSession(ShellSession):
    """One connection, on which payloads run one after the other."""

    def __init__(self, link: Link, limits: Limits, become: Become | None, become_password: str | None) -> None:
        super().__init__(limits, become, become_password)
        self._link = link

    async def close(self) -> None:
        """Close the connection and what was started for it. Never raises; safe to call twice."""
        await self._link.close()

    async def _carry(self, exchange: Exchange) -> Exit:
        try:
            async with asyncio.timeout(self._limits.first_byte_s) as limit:
                talking = _Conversation(self._link.client, exchange, limit, self._limits.first_byte_s)
                return await in_background(talking.run, self._link.abort)
        except TimeoutError:
            raise exchange.silence(self._limits.first_byte_s) from None
        except WorldError:
            raise
        except Exception as error:
            raise self._told(error, exchange) from error

    def _told(self, error: Exception, exchange: Exchange) -> WorldError:
        phase = Phase.ANSWER if exchange.answered else Phase.SESSION
        if self._link.client.farewell:
            return hung_up(self._link.client.farewell, phase)
        return world_error(error, phase)


class _Bell(threading.Event):
    """Rung by both of a channel's buffers when they have something; only the reader silences it.

    A buffer that is empty would silence it while the other still has something.
    """

    def clear(self) -> None:
        """Do nothing."""

    def silence(self) -> None:
        """Be quiet until something new comes."""
        super().clear()


@dataclass(slots=True)
class _Conversation:
    """The thread's side of one channel."""

    client: Client
    exchange: Exchange
    limit: asyncio.Timeout
    seconds: float
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _bell: _Bell = field(default_factory=_Bell)

    def run(self) -> Exit:
        """Talk until the exchange is whole or the channel has closed. Blocks."""
        channel = self.client.open_session(timeout=self.seconds)
        try:
            channel.settimeout(self.seconds)
            channel.in_buffer.set_event(self._bell)
            channel.in_stderr_buffer.set_event(self._bell)
            if self.exchange.wants_terminal:
                channel.get_pty(term="dumb")
            channel.exec_command(self.exchange.command)
            _send(channel, self.exchange.opening())
            while not self.exchange.whole and self._read(channel):
                self._bell.wait(_LOOK_EVERY_S)
                self._bell.silence()
            return Exit(None) if self.exchange.whole else self._exit(channel)
        finally:
            channel.close()

    def _read(self, channel: paramiko.Channel) -> bool:
        """Pass on what has come; false when nothing more will."""
        ended = channel.closed or channel.eof_received
        for stream, is_ready, read in (
            (Stream.OUT, channel.recv_ready, channel.recv),
            (Stream.ERR, channel.recv_stderr_ready, channel.recv_stderr),
        ):
            while is_ready() and not self.exchange.whole:
                _send(channel, self._hand_over(stream, read(_CHUNK_BYTES)))
        return not ended

    def _hand_over(self, stream: Stream, data: bytes) -> bytes:
        """What is to be sent after some bytes have come, as the exchange says on the loop. Raises what it raises."""
        answer: concurrent.futures.Future[bytes] = concurrent.futures.Future()
        self._loop.call_soon_threadsafe(self._receive, stream, data, answer)
        return answer.result()

    def _receive(self, stream: Stream, data: bytes, answer: concurrent.futures.Future[bytes]) -> None:
        try:
            send = self.exchange.receive(stream, data)
            if self.exchange.answered:
                self.limit.reschedule(None)
        except Exception as error:
            answer.set_exception(error)
        else:
            answer.set_result(send)

    def _exit(self, channel: paramiko.Channel) -> Exit:
        """How the shell ended. Raises what cut the connection, or what became of the escalation."""
        channel.status_event.wait(_STATUS_WITHIN_S)
        killed_by = self.client.exit_signals.get(channel.get_id())
        if channel.exit_status == -1 and killed_by is None:
            self.client.join(_LOST_WITHIN_S)
            if not self.client.is_active():
                raise self.client.get_exception() or EOFError("the connection was lost")
        if (error := self.exchange.ended()) is not None:
            raise error
        return Exit(None if channel.exit_status == -1 else channel.exit_status, killed_by)


def _send(channel: paramiko.Channel, data: bytes) -> None:
    """Send bytes; a shell that has gone meanwhile is noticed by whoever reads."""
    try:
        channel.sendall(data)
    except OSError:
        if not channel.closed:
            raise
