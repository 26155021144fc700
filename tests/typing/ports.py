"""Read by mypy alone: what the edges offer fits, by its shape, what the use cases ask for.

``app/ports.py`` and ``model/contact.py`` say what is needed and know nobody who has it; the adapters have it and know
nobody who needs it. Each function here is a proof that one fits the other: a signature that drifts apart fails here,
and not only where a command is wired together. The last functions are false on purpose, which shows that the proofs
are looked at: ``warn_unused_ignores`` makes mypy complain if one of them became true.
"""

from __future__ import annotations

from netaudit.app.guarded_host import GuardedHost
from netaudit.app.journalling import ChangeJournal
from netaudit.app.observers import Expendable, Keeping, Observers, Silent
from netaudit.app.ports import Observer, Recorded, RunStore, Session, Transport
from netaudit.app.rollout import Guarded
from netaudit.cli.asking.secrets import AskedSecrets
from netaudit.cli.asking.wiring import Prepared, Routed
from netaudit.cli.reading.collecting import Kept
from netaudit.cli.telling.console import Console
from netaudit.cli.telling.reports import JsonLines, Waiting, WholeReport
from netaudit.inventory.credentials import InventorySecrets
from netaudit.model.contact import SecretSource, Sink
from netaudit.report.terminal_progress import ProgressDisplay
from netaudit.store.journal import Journal
from netaudit.store.runs import Store
from netaudit.transport.asyncssh_session import AsyncsshSession
from netaudit.transport.asyncssh_transport import AsyncsshTransport
from netaudit.transport.capture_dir import CaptureDir, CaptureDirWriter
from netaudit.transport.local import LocalSession, LocalTransport
from netaudit.transport.options import NoSecrets
from netaudit.transport.paramiko_session import ParamikoSession
from netaudit.transport.paramiko_transport import ParamikoTransport
from netaudit.transport.replay import CaptureSource, ReplaySession, ReplayTransport
from netaudit.wire.frame import Decoder


def transports(
    asyncssh: AsyncsshTransport,
    paramiko: ParamikoTransport,
    local: LocalTransport,
    replay: ReplayTransport,
    both: Routed,
) -> tuple[Transport, ...]:
    """Every way to reach hosts is a transport."""
    return asyncssh, paramiko, local, replay, both


def transports_that_look_at_their_settings(
    asyncssh: AsyncsshTransport, paramiko: ParamikoTransport, both: Routed
) -> tuple[Prepared, ...]:
    """Those that have settings of their own say before any host is contacted whether they are right."""
    return asyncssh, paramiko, both


def sessions(
    asyncssh: AsyncsshSession, paramiko: ParamikoSession, local: LocalSession, replay: ReplaySession
) -> tuple[Session, ...]:
    """What they open is a session."""
    return asyncssh, paramiko, local, replay


def recorded(replay: ReplaySession) -> Recorded:
    """A replay knows when its host was asked."""
    return replay


def sinks(decoder: Decoder) -> Sink:
    """The decoder takes what a session feeds."""
    return decoder


def secret_sources(inventory: InventorySecrets, asked: AskedSecrets, none: NoSecrets) -> tuple[SecretSource, ...]:
    """Passwords come from the inventory, from a person, or from nowhere."""
    return inventory, asked, none


def capture_sources(directory: CaptureDir) -> CaptureSource:
    """A directory of captures can be replayed."""
    return directory


def stores(store: Store) -> RunStore:
    """The database keeps runs."""
    return store


def observers(
    several: Observers,
    silent: Silent,
    keeping: Keeping,
    expendable: Expendable,
    progress: ProgressDisplay,
    captures: CaptureDirWriter,
) -> tuple[Observer, ...]:
    """Whoever is told of a run is an observer."""
    return several, silent, keeping, expendable, progress, captures


def observers_of_the_command_line(
    console: Console, waiting: Waiting, whole: WholeReport, lines: JsonLines, kept: Kept
) -> tuple[Observer, ...]:
    """So are the reports of the commands."""
    return console, waiting, whole, lines, kept


def changes_under_guard(host: GuardedHost, journal: Journal) -> tuple[Guarded, ChangeJournal]:
    """A rollout takes the guard of one host as it is, and the guard the journal of the store."""
    return host, journal


def a_store_is_no_observer(store: Store) -> Observer:
    """Its methods have other names and other arguments: ``Keeping`` stands between the two."""
    return store  # type: ignore[return-value]  # it must not fit


def a_replay_directory_is_no_transport(directory: CaptureDir) -> Transport:
    """It has captures and opens nothing: ``ReplayTransport`` stands between the two."""
    return directory  # type: ignore[return-value]  # it must not fit


def a_session_over_ssh_is_of_now(session: AsyncsshSession) -> Recorded:
    """Only a replay has a time of its own: a live answer is dated by the clock of the run."""
    return session  # type: ignore[return-value]  # it must not fit
