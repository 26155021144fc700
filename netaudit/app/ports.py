"""What the use cases need from the edges. Adapters fit by shape; ``cli/asking/wiring.py`` hands them in.

Failure of one host is a ``WorldError``; anything else that a port raises is a defect of the adapter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from netaudit.model.contact import Exit, Limits, SecretSource, Sink
from netaudit.model.context import NO_CONTEXT, RunContext
from netaudit.model.probe import Bundle, Capture
from netaudit.model.result import FleetFinding, HostReport, RunInfo, Summary
from netaudit.model.target import Target

__all__ = (
    "Exit",
    "Limits",
    "Observer",
    "Recorded",
    "RunStore",
    "SecretSource",
    "Session",
    "Sink",
    "Transport",
)


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


@runtime_checkable
class Recorded(Protocol):
    """What a session offers besides when its answer was given earlier than now: a replay."""

    @property
    def started_at(self) -> datetime:
        """When the host was asked (UTC)."""
        ...


class Transport(Protocol):
    """A way to reach hosts."""

    async def open(self, target: Target) -> Session:
        """Connect and authenticate. Raises WorldError."""
        ...

    async def close(self) -> None:
        """Give back whatever is shared between sessions, such as connections to jump hosts."""
        ...


class RunStore(Protocol):
    """Keeps runs. Every method may raise StoreError; a use case then says so once and goes on without."""

    def begin(self, run: RunInfo, hosts: Sequence[str], context: RunContext = NO_CONTEXT) -> None:
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


class Observer(Protocol):
    """Is told what happens in a run, as it happens: progress, the store, a report that streams."""

    def started(self, run: RunInfo, hosts: Sequence[str]) -> None:
        """A run begins; no host has been contacted."""
        ...

    def host_started(self, name: str) -> None:
        """A host is about to be contacted."""
        ...

    def host_done(self, position: int, report: HostReport, capture: Capture | None) -> None:
        """A host is finished, in whatever way; ``position`` is its place in inventory order, from 0."""
        ...

    def finished(self, run: RunInfo, summary: Summary, fleet: Sequence[FleetFinding]) -> None:
        """The run has ended."""
        ...
