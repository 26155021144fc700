"""Keeps the rounds of a watch in the history, but only those that told of a change; the first one always.

Every host of such a round is kept as it is known: what answered in it with all results, the others with the failures of
their last answer. Captures are kept of the hosts that changed, and of the first round. A round waits in a file until it
is known whether it is worth keeping, and is written by a thread of its own.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from netaudit.app.spool import Spool
from netaudit.app.watch import Round
from netaudit.cli.watching.output import Heard
from netaudit.errors import StoreError
from netaudit.fleet.events import Event
from netaudit.model.context import RunContext
from netaudit.model.probe import Capture
from netaudit.model.result import HostReport, RunInfo
from netaudit.report.json import host_from_json, host_line
from netaudit.store.run_ids import run_id
from netaudit.store.runs import open_store
from netaudit.wire.codec import dump_capture, load_capture


def _capture(text: str) -> Capture:
    return load_capture(base64.b64decode(text))


class _Kept:
    """What has come in one round, by host."""

    def __init__(self) -> None:
        self.reports = Spool()
        self.captures = Spool()
        self.places: dict[str, int] = {}

    def hosts(self) -> Iterator[tuple[HostReport, Capture | None]]:
        """Each host that answered, with its capture where that was put aside; one at a time."""
        captures = map(_capture, self.captures)
        capture = next(captures, None)
        for report in map(host_from_json, self.reports):
            if capture is not None and capture.host == report.name:
                yield report, capture
                capture = next(captures, None)
            else:
                yield report, None

    def close(self) -> None:
        """Give back what it takes."""
        self.reports.close()
        self.captures.close()


class KeptRounds(Heard):
    """Keeps rounds. ``run`` makes the record of one; the first failure is told and ends the keeping alone."""

    def __init__(
        self,
        path: Path,
        run: Callable[[], RunInfo],
        context: Callable[[], RunContext],
        warn: Callable[[str], None],
    ) -> None:
        self._path = path
        self._run = run
        self._context = context
        self._warn = warn
        self._round = _Kept()
        self._is_first = True
        self._changed: set[str] = set()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="netaudit-history")
        self._writing: Future[None] | None = None
        self._failed = False

    def event(self, event: Event) -> None:
        """Note whose capture is worth keeping."""
        self._changed.add(event.host)

    def answered(self, report: HostReport, capture: Capture) -> None:
        """Put it aside until the round is over."""
        if self._failed:
            return
        place = self._round.places.setdefault(report.name, len(self._round.places))
        self._round.reports.put(place, host_line(report))
        if self._is_first or report.name in self._changed:
            self._round.captures.put(place, base64.b64encode(dump_capture(capture)).decode())

    def round_done(self, over: Round) -> None:
        """Hand the round to the writer if something changed in it."""
        kept, self._round, self._is_first = self._round, _Kept(), False
        self._changed.clear()
        busy = self._writing is not None and not self._writing.done()
        if busy and over.changed:
            self._warn(f"round {over.number} is not kept in the history: the one before is still being written")
        if not over.changed or busy or self._failed:
            kept.close()
            return
        name = run_id(over.started_at, secrets.token_hex(2))
        run = replace(self._run(), id=name, started_at=over.started_at, duration_s=over.duration_s)
        self._writing = self._writer.submit(self._write, run, over, kept, self._context())

    def close(self) -> None:
        """Wait a little for what is being written."""
        if self._writing is not None:
            self._writing.exception()
        self._writer.shutdown(wait=False, cancel_futures=True)
        self._round.close()

    def _write(self, run: RunInfo, over: Round, kept: _Kept, context: RunContext) -> None:
        try:
            with open_store(self._path) as store:
                store.begin(run, [report.name for report in over.reports], context)
                positions = {report.name: position for position, report in enumerate(over.reports)}
                for report, capture in kept.hosts():
                    if (position := positions.pop(report.name, None)) is not None:  # else it has left meanwhile
                        store.add_host(run.id, position, replace(report, groups=over.reports[position].groups), capture)
                for position in positions.values():
                    store.add_host(run.id, position, over.reports[position], None)
                store.finish(run, over.summary, over.fleet)
        except StoreError as error:
            self._failed = True
            self._warn(f"rounds are not kept in the history any more: {error}")
        finally:
            kept.close()
