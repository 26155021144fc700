"""A watch for hours in seconds: memory over rounds of stored captures, and what an open connection saves a round.

The time between rounds is skipped. Each host answers with captures of its own, in turn, so that values change
from round to round as counters do; some settings change now and then.
"""

from __future__ import annotations

import asyncio
import gc
import os
import selectors
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar, TypeVarTuple

import captures
from figures import Figure

from netaudit.app.audit import Job
from netaudit.app.rules import Question, Questions
from netaudit.app.watch import Round, Watch
from netaudit.app.watch_line import Line
from netaudit.assets.catalogue import load_ruleset
from netaudit.assets.locate import locate
from netaudit.assets.probes import load_probes
from netaudit.cli.watching.output import Heard
from netaudit.facts.settings import DOMAINS
from netaudit.fleet.events import Event
from netaudit.lab import Lab
from netaudit.model.contact import Exit, Sink
from netaudit.model.probe import Bundle, Capture
from netaudit.model.target import Target
from netaudit.report.events import line_text
from netaudit.transport.asyncssh_transport import AsyncsshTransport
from netaudit.transport.options import TransportOptions
from netaudit.transport.replay import ReplaySession

T = TypeVar("T")
Words = TypeVarTuple("Words")

HOSTS = 6
ROUNDS = 480  # eight hours, a minute each
WARM = 120
SSH_HOSTS = 4
SSH_ROUNDS = 20


def figures(scratch: Path, *, quick: bool) -> list[Figure]:
    """Memory of many rounds against that of a few; CPU of a round over open connections against fresh ones."""
    rounds, warm = (60, 20) if quick else (ROUNDS, WARM)
    warm_bytes, end_bytes, seconds, told = soak(HOSTS, rounds, warm)
    found = [
        Figure(f"memory of a watch after {rounds} rounds, of that after {warm}", end_bytes / warm_bytes, "×", 1.05),
        Figure("  in all", end_bytes / 2**20, "MiB"),
        Figure("  lines told meanwhile", told, ""),
        Figure("  CPU here, a host and round", seconds / rounds / HOSTS * 1000, "ms"),
    ]
    if os.geteuid() == 0:
        fresh, reused = asyncio.run(_connections(scratch, 3 if quick else SSH_ROUNDS))
        found += [
            Figure("CPU of a round over open connections, of one over fresh ones", reused / fresh, "×", 0.9),
            Figure("  a host, open", reused * 1000, "ms"),
            Figure("  a host, fresh", fresh * 1000, "ms"),
        ]
    return found


class _Skipping(selectors.DefaultSelector):
    """Waits for nothing: when nothing is ready, time is set forward by as much as was to be waited."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now."""
        ready = super().select(0 if timeout is not None else None)
        if not ready and timeout is not None:
            self.now += max(0.0, timeout)
        return ready


class _Loop(asyncio.SelectorEventLoop):
    """An event loop on such time; also a clock for a watch."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        """Seconds."""
        return self._skipping.now

    now = time

    def wall(self) -> datetime:
        """The time of day."""
        return datetime(2026, 11, 20, tzinfo=UTC) + timedelta(seconds=self.time())

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Words], T], *args: *Words
    ) -> asyncio.Future[T]:
        """What threads would do is done here and now: time must not skip what they are at."""
        del executor
        outcome: asyncio.Future[T] = self.create_future()
        outcome.set_result(func(*args))
        return outcome


class _Answers:
    """Answers in the place of hosts, each time another; fits ``app.ports.Transport``."""

    def __init__(self, kept: dict[str, Iterator[Capture]]) -> None:
        self._kept = kept

    async def open(self, target: Target) -> _Answering:
        """A connection that stays."""
        return _Answering(self._kept[target.name])

    async def close(self) -> None:
        """Nothing is shared."""


class _Answering:
    def __init__(self, answers: Iterator[Capture]) -> None:
        self._answers = answers

    async def run(self, bundle: Bundle, sink: Sink) -> Exit:
        """The next answer."""
        return await ReplaySession(next(self._answers)).run(bundle, sink)

    async def close(self) -> None:
        """Nothing is open."""


class _Told(Heard):
    def __init__(self, warm: int) -> None:
        self._warm = warm
        self.lines = 0
        self.warm_bytes = 0

    def event(self, event: Event) -> None:
        """Set the line."""
        self.lines += bool(line_text(event))

    def round_done(self, over: Round) -> None:
        """Measure once, when it has warmed up."""
        if over.number == self._warm:
            self.warm_bytes = resident_bytes()


def soak(hosts: int, rounds: int, warm: int) -> tuple[int, int, float, int]:
    """Resident bytes after the warm-up and after all rounds, the CPU seconds of all, and how many lines were told."""
    stored = list(captures.fleet(hosts + 7))
    names = [captures.name_of(number) for number in range(hosts)]
    answers = {name: _in_turn(name, stored[place : place + 7]) for place, name in enumerate(names)}
    question = _question()
    jobs = [Job(Target(name, "192.0.2.1"), question) for name in names]
    told = _Told(warm)
    clock = time.process_time()
    with asyncio.Runner(loop_factory=_Loop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, _Loop)
        watch = Watch(_Answers(answers), 60.0, told, clock=loop)
        runner.run(watch.run(jobs, asyncio.Event(), count=rounds))
    seconds = time.process_time() - clock
    return told.warm_bytes, resident_bytes(), seconds, told.lines


def _in_turn(name: str, stored: list[Capture]) -> Iterator[Capture]:
    number = 0
    while True:
        yield replace(stored[number // 9 % len(stored)], host=name)
        number += 1


def resident_bytes() -> int:
    """What this process has in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _question() -> Question:
    ruleset = load_ruleset("linux-server")
    rules = ruleset.for_host("web", {}, lambda _pattern: frozenset())
    question = Questions(load_probes(locate())).of_rules(rules)
    return replace(question, domains=question.domains | DOMAINS)


async def _connections(scratch: Path, rounds: int) -> tuple[float, float]:
    """CPU seconds of this process for a host and round, over fresh connections and over open ones."""
    lab = Lab(scratch / "watched")
    plans = lab.up(SSH_HOSTS, healthy=True)
    transport = AsyncsshTransport(
        TransportOptions(
            user_known_hosts=(lab.directory / "known_hosts",),
            default_identities=(lab.directory / "id_ed25519",),
            use_ssh_config=False,
        )
    )
    question = _question()
    try:
        lines = [Line(Target(plan.name, plan.address), transport) for plan in plans]
        spent = {}
        for kept in (False, True, False, True):
            await asyncio.gather(*(_asked(line, question) for line in lines))
            clock = time.process_time()
            for _ in range(rounds):
                if not kept:
                    await asyncio.gather(*(line.drop() for line in lines))
                await asyncio.gather(*(_asked(line, question) for line in lines))
            spent[kept] = (time.process_time() - clock) / rounds / len(lines)
            await asyncio.gather(*(line.drop() for line in lines))
        return spent[False], spent[True]
    finally:
        await transport.close()
        lab.down()


async def _asked(line: Line, question: Question) -> None:
    capture = await line.ask(question.probes, question.params)
    if capture.error is not None:
        raise SystemExit(f"{capture.host}: {capture.error}")
