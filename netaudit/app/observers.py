"""Observers of a run: several as one, one that may fail, and the one that stores it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netaudit.app.ports import Observer, RunStore
from netaudit.errors import OperatorError, StoreError
from netaudit.model.context import NO_CONTEXT, RunContext
from netaudit.model.probe import Capture
from netaudit.model.result import FleetFinding, HostReport, RunInfo, Summary


class Observers:
    """Tells each of several observers, in order."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def started(self, run: RunInfo, hosts: Sequence[str]) -> None:
        """See ``Observer.started``."""
        for observer in self._observers:
            observer.started(run, hosts)

    def host_started(self, name: str) -> None:
        """See ``Observer.host_started``."""
        for observer in self._observers:
            observer.host_started(name)

    def host_done(self, position: int, report: HostReport, capture: Capture | None) -> None:
        """See ``Observer.host_done``."""
        for observer in self._observers:
            observer.host_done(position, report, capture)

    def finished(self, run: RunInfo, summary: Summary, fleet: Sequence[FleetFinding]) -> None:
        """See ``Observer.finished``."""
        for observer in self._observers:
            observer.finished(run, summary, fleet)


class Silent:
    """An observer to inherit from: hears everything, does nothing."""

    def started(self, run: RunInfo, hosts: Sequence[str]) -> None:
        """See ``Observer.started``."""

    def host_started(self, name: str) -> None:
        """See ``Observer.host_started``."""

    def host_done(self, position: int, report: HostReport, capture: Capture | None) -> None:
        """See ``Observer.host_done``."""

    def finished(self, run: RunInfo, summary: Summary, fleet: Sequence[FleetFinding]) -> None:
        """See ``Observer.finished``."""


class Expendable(Silent):
    """An observer whose first failure is told to ``failed`` and ends it, never the run: a report on a full disk."""

    def __init__(self, observer: Observer, failed: Callable[[OperatorError], None]) -> None:
        self._observer: Observer = observer
        self._failed = failed

    def started(self, run: RunInfo, hosts: Sequence[str]) -> None:
        """Tell it."""
        self._try(lambda observer: observer.started(run, hosts))

    def host_started(self, name: str) -> None:
        """Tell it."""
        self._try(lambda observer: observer.host_started(name))

    def host_done(self, position: int, report: HostReport, capture: Capture | None) -> None:
        """Tell it."""
        self._try(lambda observer: observer.host_done(position, report, capture))

    def finished(self, run: RunInfo, summary: Summary, fleet: Sequence[FleetFinding]) -> None:
        """Tell it."""
        self._try(lambda observer: observer.finished(run, summary, fleet))

    def _try(self, tell: Callable[[Observer], None]) -> None:
        try:
            tell(self._observer)
        except OperatorError as error:
            self._observer = Silent()
            self._failed(error)


class Keeping(Silent):
    """Keeps the run in a store. The first failure is told to ``warn`` and ends the keeping, never the run."""

    def __init__(self, store: RunStore, warn: Callable[[str], None], context: RunContext = NO_CONTEXT) -> None:
        self._store: RunStore | None = store
        self._warn = warn
        self._context = context
        self._run_id = ""

    def started(self, run: RunInfo, hosts: Sequence[str]) -> None:
        """Record the run before any host is contacted."""
        self._run_id = run.id
        self._try(lambda store: store.begin(run, hosts, self._context))

    def host_done(self, position: int, report: HostReport, capture: Capture | None) -> None:
        """Record one host."""
        self._try(lambda store: store.add_host(self._run_id, position, report, capture))

    def finished(self, run: RunInfo, summary: Summary, fleet: Sequence[FleetFinding]) -> None:
        """Record the end."""
        self._try(lambda store: store.finish(run, summary, fleet))

    def _try(self, keep: Callable[[RunStore], None]) -> None:
        if self._store is None:
            return
        try:
            keep(self._store)
        except StoreError as error:
            self._store = None
            self._warn(f"this run is not kept in the history: {error}")
