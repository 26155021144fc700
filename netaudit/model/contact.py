"""What passes between a use case and a transport: time limits, the taker of an answer, and how a shell ended.

They are values of the model because the rooms on both sides of the ports need them and may not know each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from netaudit.model.probe import Stream
from netaudit.model.target import Credentials, Target


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits of one host, in seconds. The whole host is bounded by the fan-out with ``host_s``."""

    connect_s: float = 10.0  # name, TCP and key exchange
    auth_s: float = 15.0
    first_byte_s: float = 30.0  # from the request of the channel to the first byte of the answer
    host_s: float = 60.0  # everything


@dataclass(frozen=True, slots=True)
class Exit:
    """How the remote shell ended; both None when the session was ended by us after the answer was whole."""

    status: int | None
    signal: str | None = None


class Sink(Protocol):
    """Takes the bytes of an answer as they come. ``wire.frame.Decoder`` is one."""

    def feed(self, stream: Stream, data: bytes) -> bool:
        """Take bytes; true once the answer is whole. Raises WorldError when a bound is passed."""
        ...


class SecretSource(Protocol):
    """Where passwords come from."""

    def for_target(self, target: Target) -> Credentials:
        """The secrets of one target; empty credentials when there are none."""
        ...
