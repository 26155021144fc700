"""The payload goes out once, after the shell that is to read it listens; only the answer reaches the sink."""

from __future__ import annotations

import pytest

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.probe import Stream
from netaudit.model.target import Become
from netaudit.transport.become import Escalation, PlainShell
from netaudit.transport.exchange import Exchange

NONCE = "00112233"


class Keeper:
    """A sink that keeps what it is fed and has enough after some bytes."""

    def __init__(self, enough: int = 10**6) -> None:
        self.fed: list[tuple[Stream, bytes]] = []
        self._enough = enough

    def feed(self, stream: Stream, data: bytes) -> bool:
        """See ``Sink``."""
        self.fed.append((stream, data))
        return sum(len(data) for _, data in self.fed) >= self._enough


def test_a_plain_shell_gets_the_payload_at_once():
    """Everything that comes is answer, and nothing is ever sent again."""
    sink = Keeper(enough=8)
    exchange = Exchange(PlainShell(), b"payload", sink)
    assert (exchange.command, exchange.wants_terminal) == ("exec /bin/sh -s", False)
    assert exchange.opening() == b"payload"
    assert not exchange.answered
    assert exchange.receive(Stream.ERR, b"one") == b""
    assert (exchange.answered, exchange.whole) == (True, False)
    assert exchange.receive(Stream.OUT, b"three") == b""
    assert exchange.whole
    assert sink.fed == [(Stream.ERR, b"one"), (Stream.OUT, b"three")]
    assert exchange.ended() is None


def test_behind_an_escalation_the_payload_waits():
    """Noise and words of the conversation are no answer; the payload goes out once, when the shell listens."""
    sink = Keeper()
    exchange = Exchange(Escalation(Become(), None, nonce=NONCE), b"payload", sink)
    assert exchange.opening() == b""
    assert exchange.receive(Stream.OUT, b"welcome\n") == b""
    asked = exchange.receive(Stream.OUT, f"netaudit-start-{NONCE}\n".encode())
    assert asked == f"echo netaudit-ready-{NONCE}\n".encode()
    assert not exchange.answered
    assert exchange.receive(Stream.OUT, f"netaudit-ready-{NONCE}\nfirst".encode()) == b"payload"
    assert exchange.receive(Stream.OUT, b" second") == b""
    assert sink.fed == [(Stream.OUT, b"first"), (Stream.OUT, b" second")]


def test_silence_is_told_by_how_far_it_came():
    """Without a shell it is the escalation that is late, with one it is the shell."""
    waiting = Exchange(Escalation(Become(), None, nonce=NONCE), b"", Keeper()).silence(3)
    assert (waiting.kind, waiting.phase) == (ErrorKind.BECOME_FAILED, Phase.SESSION)
    silent = Exchange(PlainShell(), b"", Keeper()).silence(3)
    assert (silent.kind, silent.phase) == (ErrorKind.TIMEOUT, Phase.SESSION)
    assert "3 s" in silent.message


def test_a_channel_that_closes_before_there_is_a_shell_has_a_reason():
    """Nothing at all came: not even the login shell runs commands."""
    exchange = Exchange(Escalation(Become(), None, nonce=NONCE), b"", Keeper())
    assert exchange.ended().kind is ErrorKind.NO_SHELL


def test_what_the_sink_refuses_comes_out():
    """A bound that is passed ends the exchange."""

    class Refusing(Keeper):
        def feed(self, stream: Stream, data: bytes) -> bool:
            raise WorldError(ErrorKind.OUTPUT_TOO_LARGE, "too much", phase=Phase.ANSWER)

    with pytest.raises(WorldError, match="too much"):
        Exchange(PlainShell(), b"", Refusing()).receive(Stream.OUT, b"x")
