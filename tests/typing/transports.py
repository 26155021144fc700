"""Proves by types alone that every transport, and what surrounds it, fits the ports of the use cases."""

from __future__ import annotations

from netaudit.app.ports import Observer, Session, Sink, Transport
from netaudit.transport.asyncssh_session import AsyncsshSession
from netaudit.transport.asyncssh_transport import AsyncsshTransport
from netaudit.transport.capture_dir import CaptureDir, CaptureDirWriter
from netaudit.transport.local import LocalSession, LocalTransport
from netaudit.transport.paramiko_session import ParamikoSession
from netaudit.transport.paramiko_transport import ParamikoTransport
from netaudit.transport.replay import CaptureSource, ReplaySession, ReplayTransport
from netaudit.wire.frame import Decoder


def transports(
    one: AsyncsshTransport, two: ParamikoTransport, three: LocalTransport, four: ReplayTransport
) -> tuple[Transport, ...]:
    """Each is a Transport."""
    return one, two, three, four


def sessions(
    one: AsyncsshSession, two: ParamikoSession, three: LocalSession, four: ReplaySession
) -> tuple[Session, ...]:
    """Each is a Session."""
    return one, two, three, four


def decoder(one: Decoder) -> Sink:
    """The decoder takes an answer."""
    return one


def captures(one: CaptureDir) -> CaptureSource:
    """A directory can be replayed."""
    return one


def writer(one: CaptureDirWriter) -> Observer:
    """A directory can be written while a run goes on."""
    return one
