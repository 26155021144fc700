"""Samples of a whole fleet at the same moments, each host over one connection.

All hosts are connected to first, ``forks`` at a time as in a fan-out; then the first sample is taken everywhere at
once, and the next ones on the beat. Whoever is late takes its first sample when it is there. A payload is a channel of
its own, so what a sample costs on a host ends with it, and nothing runs there between two samples.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from netaudit.app.collect import deadline_s, decoder_for
from netaudit.app.fanout import Slots, Width
from netaudit.app.ports import Limits, Session, Transport
from netaudit.app.stopping import close, end, unless_stopped
from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.probe import Capture, HostError, Probe, Section, SectionStatus
from netaudit.model.target import Target
from netaudit.wire.bundle import build

_LONGER_S = 1.0  # than a slot is leased is waited for hosts that still connect, after the last one did


@dataclass(frozen=True, slots=True)
class Beat:
    """When samples are taken, in seconds after the first one, and what is asked each time."""

    offsets_s: tuple[float, ...]
    probes: tuple[tuple[Probe, ...], ...]
    params: tuple[Mapping[str, str], ...]
    beside: tuple[Beside, ...] = ()


@dataclass(frozen=True, slots=True)
class Beside:
    """What runs on a host while samples are taken, in a channel of its own: a trace, a log that is watched."""

    probe: Probe
    params: Mapping[str, str]
    limit_s: float  # after which it is given up; it ends itself before


def offsets_s(for_s: float, every_s: float | None) -> tuple[float, ...]:
    """The first moment, the last, and those in between; an interval at the end that is short is merged."""
    if every_s is None or every_s >= for_s:
        return 0.0, for_s
    count = round(for_s / every_s)
    return tuple(for_s * place / count for place in range(count + 1))


@dataclass(slots=True)
class _Gate:
    """Opens when everybody has arrived or given up, or when nobody has arrived for a while."""

    waited_for: int
    patience_s: float
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _timer: asyncio.TimerHandle | None = None
    opened_at: float = 0.0

    def arrive(self) -> None:
        """One less to wait for."""
        self.waited_for -= 1
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        if self.waited_for <= 0:
            self._opened()
        else:
            self._timer = loop.call_later(self.patience_s, self._opened)

    async def passed(self) -> float:
        """When it opened, by the loop's clock; later for whoever comes later."""
        await self._open.wait()
        return max(self.opened_at, asyncio.get_running_loop().time())

    def close(self) -> None:
        """Forget the timer."""
        if self._timer is not None:
            self._timer.cancel()

    def _opened(self) -> None:
        if not self._open.is_set():
            self.opened_at = asyncio.get_running_loop().time()
            self._open.set()


Done = Callable[[int, tuple[Capture, ...]], None]


@dataclass(frozen=True, slots=True)
class Sampler:
    """Takes samples over one transport."""

    transport: Transport
    limits: Limits = Limits()
    width: Width = Width()
    nonce: Callable[[], str] = lambda: secrets.token_hex(16)
    started: Callable[[str], None] = lambda _name: None

    async def run(self, targets: Sequence[Target], beat: Beat, done: Done, stop: asyncio.Event) -> None:
        """Take all samples and hand those of each host to ``done`` with its place, as it finishes.

        Once ``stop`` is set, what has been taken is handed over; a host without any is not. Where fewer connections
        can be open at once than there are hosts, they take turns in groups, each with its own beat.
        """
        size = max(1, self.width.open_limit)
        for start in range(0, len(targets), size):
            if stop.is_set():
                return
            group = tuple(enumerate(targets))[start : start + size]
            await self._group(group, beat, done, stop)

    async def _group(self, group: Sequence[tuple[int, Target]], beat: Beat, done: Done, stop: asyncio.Event) -> None:
        gate = _Gate(len(group), self.width.patience_s + _LONGER_S)
        slots = Slots(self.width.forks)
        taken: dict[int, list[Capture]] = {place: [] for place, _ in group}

        async def one(place: int, target: Target) -> None:
            await self._host(target, beat, gate, slots, taken[place])
            done(place, tuple(taken.pop(place)))

        async def everyone() -> None:
            tasks = [asyncio.create_task(one(place, target)) for place, target in group]
            try:
                await asyncio.gather(*tasks)
            finally:
                await end(tasks)

        try:
            await unless_stopped(everyone(), stop)
        finally:
            gate.close()
        for place, captures in sorted(taken.items()):
            if captures:
                done(place, tuple(captures))

    async def _host(self, target: Target, beat: Beat, gate: _Gate, slots: Slots, taken: list[Capture]) -> None:
        """All samples of one host. Failure is in its captures."""
        self.started(target.name)
        started_at, clock = datetime.now(UTC), time.monotonic()
        try:
            give_back = await slots.lease(self.width.patience_s)
            try:
                session = await self._opened(target)
            finally:
                give_back()
        except WorldError as error:
            failed = HostError(error.kind, error.message, error.phase, error.hint)
            taken.append(
                Capture(target.name, target.address, "", started_at, time.monotonic() - clock, (), error=failed)
            )
            return
        finally:
            gate.arrive()
        try:
            await self._samples(session, target, beat, await gate.passed(), taken)
        finally:
            await close(session)

    async def _opened(self, target: Target) -> Session:
        try:
            async with asyncio.timeout(self.limits.host_s):
                return await self.transport.open(target)
        except TimeoutError:
            message = f"no connection within {self.limits.host_s:g} s"
            raise WorldError(
                ErrorKind.CONNECT_TIMEOUT, message, phase=Phase.CONNECT, hint="raise it with --timeout"
            ) from None

    async def _samples(self, session: Session, target: Target, beat: Beat, start: float, taken: list[Capture]) -> None:
        loop = asyncio.get_running_loop()
        running: list[asyncio.Task[Capture]] = []
        try:
            for offset_s, probes, params in zip(beat.offsets_s, beat.probes, beat.params, strict=True):
                await asyncio.sleep(max(0.0, start + offset_s - loop.time()))
                taken.append(await self._sample(session, target, probes, params, self.limits.host_s))
                if len(taken) == 1:
                    running = [asyncio.create_task(self._along(session, target, each)) for each in beat.beside]
            for task in running:
                taken[-1] = _with(taken[-1], await task)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _along(self, session: Session, target: Target, beside: Beside) -> Capture:
        """What ran beside the samples; one that gave no answer has a section that says so."""
        capture = await self._sample(session, target, (beside.probe,), beside.params, beside.limit_s)
        if capture.sections or capture.error is None:
            return capture
        why = capture.error.message.encode()
        return replace(capture, sections=(Section(beside.probe.id, SectionStatus.CUT, None, b"", why, 0),))

    async def _sample(
        self, session: Session, target: Target, probes: Sequence[Probe], params: Mapping[str, str], limit_s: float
    ) -> Capture:
        """One answer over a connection that is open. Never raises but for cancellation."""
        bundle = build(probes, nonce=self.nonce(), deadline_s=deadline_s(limit_s), params=params)
        decoder = decoder_for(bundle)
        started_at, clock = datetime.now(UTC), time.monotonic()
        error: HostError | None = None
        try:
            async with asyncio.timeout(limit_s):
                await session.run(bundle, decoder)
        except WorldError as wrong:
            error = HostError(wrong.kind, wrong.message, wrong.phase, wrong.hint)
        except TimeoutError:
            message = f"no whole answer within {limit_s:g} s"
            error = HostError(ErrorKind.TIMEOUT, message, Phase.SESSION, "raise it with --timeout")
        sections = decoder.finish()
        return Capture(
            host=target.name,
            address=target.address,
            bundle_digest=bundle.digest,
            started_at=started_at,
            elapsed_s=time.monotonic() - clock,
            sections=sections,
            error=error or decoder.problem(),
            notes=tuple(decoder.notes),
        )


def _with(sample: Capture, beside: Capture) -> Capture:
    """A sample that holds what ran beside it as well; it is no worse for what became of that."""
    return replace(sample, sections=sample.sections + beside.sections, notes=sample.notes + beside.notes)
