"""What the use cases need from the edges. Adapters fit by shape; ``cli/wiring.py`` hands them in.

Failure of one host is a ``WorldError``; anything else that a port raises is a defect of the adapter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from netaudit.model.probe import Bundle, Capture, Stream
from netaudit.model.result import FleetFinding, HostReport, RunInfo, Summary
from netaudit.model.target import Credentials, Target


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits of one host, in seconds. The whole host is bounded by the fan-out with ``host_s``."""

    connect_s: float = 10.0  # name, TCP and key exchange
    auth_s: float = 15.0
    first_byte_s: float = 20.0  # from the request of the channel to the first byte of the answer
    host_s: float = 60.0  # everything


class Sink(Protocol):
    """Takes the bytes of an answer as they come. ``wire.frame.Decoder`` is one."""

    def feed(self, stream: Stream, data: bytes) -> bool:
        """Take bytes; true once the answer is whole. Raises WorldError when a bound is passed."""
        ...


@dataclass(frozen=True, slots=True)
class Exit:
    """How the remote shell ended; both None when the session was ended by us after the answer was whole."""

    status: int | None
    signal: str | None = None


class Session(Protocol):
    """One authenticated connection to one host, or what stands for it."""

    async def run(self, bundle: Bundle, sink: Sink) -> Exit:
        """Run the payload in one exec channel under ``/bin/sh -s`` and feed the sink until it has all.

        Standard input stays open until the sink has all or the shell ends. Returns in either case: whether the
        answer is whole is the sink's to say. Raises WorldError when the channel or the escalation fails.
        """
        ...

    async def close(self) -> None:
        """Close the connection. Never raises; safe to call twice."""
        ...


class Transport(Protocol):
    """A way to reach hosts."""

    async def open(self, target: Target) -> Session:
        """Connect and authenticate. Raises WorldError."""
        ...

    async def close(self) -> None:
        """Give back whatever is shared between sessions, such as connections to jump hosts."""
        ...


class SecretSource(Protocol):
    """Where passwords come from."""

    def for_target(self, target: Target) -> Credentials:
        """The secrets of one target; empty credentials when there are none."""
        ...


class RunStore(Protocol):
    """Keeps runs. Every method may raise StoreError; a use case then says so once and goes on without."""

    def begin(self, run: RunInfo, hosts: Sequence[str]) -> None:
        """Record that a run starts, before any host is contacted."""
        ...

    def add_host(self, run_id: str, position: int, report: HostReport, capture: Capture | None) -> None:
        """Record what became of one host; ``position`` is its place in inventory order, from 0."""
        ...

    def finish(self, run: RunInfo, summary: Summary, fleet: Sequence[FleetFinding]) -> None:
        """Record that the run has ended, and how."""
        ...

    def reports(self, run_id: str) -> Iterator[HostReport]:
        """The hosts of a run in inventory order, one at a time."""
        ...
