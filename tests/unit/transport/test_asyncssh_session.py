"""One channel of asyncssh, without a server: what happens when its end comes before its start is over."""

from __future__ import annotations

import asyncio

import pytest

from netaudit.errors import ErrorKind, WorldError
from netaudit.model.contact import Exit
from netaudit.model.target import Become, BecomeMethod
from netaudit.transport.asyncssh_session import _Channel
from netaudit.transport.become import conversation
from netaudit.transport.exchange import Exchange


class Sink:
    """Takes everything and never has enough."""

    def feed(self, stream, data):
        """See ``Sink``."""
        return False


class Closed:
    """A channel whose other side has closed it before the session was told that it started."""

    def write(self, data):
        """As asyncssh does it once a channel is closed."""
        raise BrokenPipeError("Channel not open for sending")

    def abort(self):
        """Nothing is left to be closed."""


def outcome(become):
    """How a session ends whose shell ends at once."""

    async def once():
        channel = _Channel(Exchange(conversation(become, None), b"echo\n", Sink()))
        channel.connection_made(Closed())
        channel.session_started()
        channel.exit_status_received(1)
        channel.connection_lost(None)
        return await channel.outcome

    return asyncio.run(once())


def test_a_shell_that_ended_before_the_payload_was_sent():
    """Its status is the outcome; that nothing could be sent to it any more is no error of its own."""
    assert outcome(None) == Exit(1)


def test_an_escalation_that_ended_before_it_said_anything():
    """There is no shell."""
    with pytest.raises(WorldError) as caught:
        outcome(Become(BecomeMethod.SUDO))
    assert caught.value.kind is ErrorKind.NO_SHELL
