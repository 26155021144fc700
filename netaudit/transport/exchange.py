"""What passes through one exec channel, whoever carries it: escalation first, then the payload, then the answer.

Bytes of the host in, bytes for the host out; the sink gets the answer. Does no I/O and knows no clock.
"""

from __future__ import annotations

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.contact import Sink
from netaudit.model.probe import Stream
from netaudit.transport.become import Conversation, PlainShell


class Exchange:
    """One payload sent once, after the shell that is to read it has said that it listens."""

    def __init__(self, talk: Conversation, payload: bytes, sink: Sink) -> None:
        self._talk = talk
        self._payload = payload
        self._sink = sink
        self._is_plain = isinstance(talk, PlainShell)
        self.answered = False  # whether a byte of the answer has come
        self.whole = False  # whether the sink has all it wants

    @property
    def command(self) -> str:
        """The exec request."""
        return self._talk.command

    @property
    def wants_terminal(self) -> bool:
        """Whether the exec request needs a pseudo-terminal."""
        return self._talk.wants_terminal

    def opening(self) -> bytes:
        """What is to be sent before anything has come."""
        return self._payload if self._talk.ready else b""

    def receive(self, stream: Stream, data: bytes) -> bytes:
        """Take bytes of the host; what is to be sent to it. Raises WorldError of escalation and sink."""
        if self._is_plain:
            self.answered = True
            self.whole = self._sink.feed(stream, data)
            return b""
        was_ready = self._talk.ready
        reply = self._talk.receive(stream, data)
        for part_stream, part in reply.answer:
            self.answered = True
            self.whole = self._sink.feed(part_stream, part)
        return reply.send + (self._payload if self._talk.ready and not was_ready else b"")

    def silence(self, seconds: float) -> WorldError:
        """Why the first byte has not come in time."""
        if not self._talk.ready:
            return self._talk.overdue(seconds)
        return WorldError(
            ErrorKind.TIMEOUT,
            f"the shell said nothing for {seconds:g} s",
            phase=Phase.SESSION,
            hint="its login profile may wait for something, or the host is too busy to start a shell",
        )

    def ended(self) -> WorldError | None:
        """What is wrong once the channel has closed: without a shell there can be no answer."""
        return None if self._talk.ready else self._talk.ended()
