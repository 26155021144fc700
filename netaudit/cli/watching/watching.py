"""One watch from options to exit code."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import replace

from netaudit.app.watch import Listener, Round, Watch
from netaudit.app.watch_clock import Clock, SystemClock
from netaudit.cli import exit_codes
from netaudit.cli.asking.rules import probes_digest
from netaudit.cli.asking.run_request import prepared
from netaudit.cli.interrupt import Interrupt
from netaudit.cli.reading.auditing import new_run, warn_of_loss, warner
from netaudit.cli.telling.outputs import parse_outputs
from netaudit.cli.watching.history import KeptRounds
from netaudit.cli.watching.hosts import WatchedHosts
from netaudit.cli.watching.listen import Endpoint
from netaudit.cli.watching.output import FORMATS, Heard, Listeners, printers
from netaudit.errors import UsageError
from netaudit.fleet.events import Event, EventKind
from netaudit.model.result import BaselineRef, RunInfo, Severity, Summary
from netaudit.report.words import count
from netaudit.store.location import default_path
from netaudit.units import format_duration

_LEAST_S = 1.0
_STALE = 3  # intervals after which a round that has not ended is a fault


class Known(Heard):
    """What the endpoint serves: the last round, and how old it is."""

    def __init__(self, run: Callable[[], RunInfo], every_s: float, clock: Clock) -> None:
        self._run = run
        self._every_s = every_s
        self._clock = clock
        self._began = clock.now()
        self._last: Round | None = None

    def round_done(self, over: Round) -> None:
        """Keep it."""
        self._last = over

    def metrics(self) -> str:
        """See ``watching_listen.Told``."""
        from netaudit.report.events_metrics import WatchFigures, watch_metrics

        last, run = self._last, self._run()
        if last is None:
            figures = WatchFigures(self._every_s, self._age_s, 0.0, 0, 0, 0, 0, 0, 0)
            return watch_metrics(run, Summary(), (), (), figures)
        figures = WatchFigures(
            every_s=self._every_s,
            age_s=self._age_s,
            round_s=last.duration_s,
            rounds=last.number,
            changes=last.changes,
            connections=last.opened,
            asked=last.asked,
            late=last.late,
            waiting=last.waiting,
        )
        run = replace(run, started_at=last.started_at, duration_s=last.duration_s)
        return watch_metrics(run, last.summary, last.reports, last.fleet, figures)

    def health(self) -> tuple[bool, str]:
        """See ``watching_listen.Told``."""
        age, bound = format_duration(self._age_s), format_duration(_STALE * self._every_s)
        is_well = self._age_s <= _STALE * self._every_s
        if self._last is None:
            return is_well, f"{'ok' if is_well else 'stale'}: no round has ended in {age} (at most {bound})"
        return is_well, f"{'ok' if is_well else 'stale'}: the last round ended {age} ago (at most {bound})"

    @property
    def _age_s(self) -> float:
        return self._clock.now() - (self._last.ended_s if self._last else self._began)


def watch(args: argparse.Namespace) -> int:
    """Watch the fleet of the command line. Raises OperatorError before any host is contacted."""
    if args.from_dir:
        raise UsageError(
            "watch --from: stored captures do not change, and a watch tells what does",
            hint="netaudit audit --from judges them, netaudit diff compares two runs",
        )
    if args.every_s < _LEAST_S:
        raise UsageError(f"--every {args.every_s:g}s: at least {_LEAST_S:g}s", hint="every 60s is plenty for most")
    warn = warner(args)
    outputs = parse_outputs(args.output, FORMATS)
    hosts = WatchedHosts(args, warn)
    clock = SystemClock()
    baseline = BaselineRef(hosts.ruleset.name, hosts.ruleset.sha256)
    first = new_run("watch", args, baseline=baseline, digest=probes_digest(hosts.asked.probes))
    run = replace(first, bundle_digest=_digests(hosts))
    with contextlib.ExitStack() as stack:
        known = Known(lambda: run, args.every_s, clock)
        listeners: list[Heard] = [*printers(args, outputs, stack), known]
        if not args.no_history:
            kept = KeptRounds(default_path(os.environ), lambda: run, lambda: hosts.context, warn_of_loss)
            listeners.append(stack.enter_context(contextlib.closing(kept)))
        if args.listen:
            stack.enter_context(contextlib.closing(Endpoint(args.listen, known)))
        listener = Listeners(tuple(listeners))
        interrupted, last = _perform(args, hosts, listener, clock)
    if interrupted or last is None:
        return exit_codes.ExitCode.INTERRUPTED
    return exit_codes.of_summary(last.summary, Severity(args.fail_on))


def _perform(
    args: argparse.Namespace, hosts: WatchedHosts, listener: Listener, clock: Clock
) -> tuple[bool, Round | None]:
    """Watch until it is over. Whether that was by a signal, and the last round."""
    interrupt = Interrupt()
    fleet = hosts.fleet

    async def work() -> tuple[bool, Round | None]:
        if hosts.transport is not None:
            await prepared(hosts.transport.current, fleet.targets)
        one = Watch(fleet.transport, args.every_s, listener, fleet.limits, fleet.width, clock=clock, reread=hosts.again)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _read_again, hosts, one.nudged)
        began = clock.now()
        try:
            await one.run(hosts.jobs, interrupt.stop, count=args.count, for_s=args.for_s)
        finally:
            await fleet.transport.close()
        listener.event(_ended(one, clock, began))
        return interrupt.stop.is_set(), one.last

    return interrupt.run(work())


def _read_again(hosts: WatchedHosts, nudged: asyncio.Event) -> None:
    hosts.must_read = True
    nudged.set()


def _ended(one: Watch, clock: Clock, began: float) -> Event:
    rounds, changes, opened = one.totals
    summary = one.last.summary if one.last else None
    said = f"{count(changes, 'change')} told, {count(opened, 'connection')} made"
    return Event(
        EventKind.ENDED,
        clock.wall(),
        rounds,
        summary=summary,
        duration_s=clock.now() - began,
        count=rounds,
        detail=said,
    )


def _digests(hosts: WatchedHosts) -> str:
    deadline_s = int(hosts.fleet.limits.host_s)
    questions = {id(job.question): job.question for job in hosts.jobs}.values()
    return ",".join(dict.fromkeys(question.bundle_digest(deadline_s) for question in questions))
