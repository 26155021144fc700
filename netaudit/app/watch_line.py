"""One host over a connection that stays open: each question is a channel of its own, and a lost connection is replaced.

A connection that was open before and fails at the next question says nothing of the host: it may have died long ago. It
is made anew at once, and only what comes of that counts. After a failure the host is left alone for a while, longer
each time and by chance a little less, so that a fleet that is gone as a whole is not asked as a whole.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from netaudit.app.collect import deadline_s, decoder_for
from netaudit.app.ports import Limits, Recorded, Session, Transport
from netaudit.app.stopping import close
from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.probe import Capture, HostError, Probe
from netaudit.model.target import Target
from netaudit.wire.bundle import build

_LONGEST_S = 120.0  # between two tries at a host that does not answer
_LONGEST_REFUSED_S = 900.0  # and at one that turned us away: some servers lock out who asks too often
_REFUSALS = frozenset(
    {
        ErrorKind.AUTH_FAILED, ErrorKind.HOST_KEY_MISMATCH, ErrorKind.HOST_KEY_UNKNOWN, ErrorKind.KEY_UNREADABLE,
        ErrorKind.BECOME_FAILED,
    }
)  # fmt: skip
_OF_THE_HOST = _REFUSALS | {ErrorKind.OUTPUT_TOO_LARGE, ErrorKind.BAD_ANSWER}  # asking again would give the same


@dataclass(slots=True)
class Backoff:
    """When a host that failed is asked again. ``chance`` gives numbers from 0 to 1."""

    every_s: float
    chance: Callable[[], float]

    def delay_s(self, failures: int, kind: ErrorKind) -> float:
        """The pause after so many failures in a row: doubled each time, up to a bound, less up to a half by chance.

        After the first failure the next round asks again.
        """
        if failures <= 1 and kind not in _REFUSALS:
            return 0.0
        longest = max(self.every_s, _LONGEST_REFUSED_S if kind in _REFUSALS else _LONGEST_S)
        pause = min(longest, self.every_s * 2.0 ** min(failures - 1, 30))
        return pause * (0.5 + 0.5 * self.chance())


@dataclass(slots=True)
class Line:
    """The connection to one host. ``opened`` counts how often it was made."""

    target: Target
    transport: Transport
    limits: Limits = Limits()
    nonce: Callable[[], str] = lambda: secrets.token_hex(16)
    opened: int = 0
    _session: Session | None = field(default=None)

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._session is not None

    async def ask(self, probes: Sequence[Probe], params: Mapping[str, str]) -> Capture:
        """The answer of the host. Never raises but for cancellation: what went wrong is in ``error``."""
        was_open = self.is_open
        capture = await self._once(probes, params)
        error = capture.error
        if was_open and error is not None and error.kind not in _OF_THE_HOST:
            capture = await self._once(probes, params)
        return capture

    async def drop(self) -> None:
        """Give up the connection; a peer that does not answer cannot hold us. Never raises; safe to call twice."""
        session, self._session = self._session, None
        if session is not None:
            await close(session)

    async def _once(self, probes: Sequence[Probe], params: Mapping[str, str]) -> Capture:
        bundle = build(probes, nonce=self.nonce(), deadline_s=deadline_s(self.limits.host_s), params=params)
        decoder = decoder_for(bundle)
        started_at, clock = datetime.now(UTC), time.monotonic()
        phase = Phase.CONNECT
        error: HostError | None = None
        try:
            async with asyncio.timeout(self.limits.host_s):
                session = await self._opened()
                if isinstance(session, Recorded):
                    started_at = session.started_at
                phase = Phase.SESSION
                await session.run(bundle, decoder)
        except WorldError as wrong:
            error = HostError(wrong.kind, wrong.message, wrong.phase, wrong.hint)
        except TimeoutError:
            kind = ErrorKind.TIMEOUT if phase is Phase.SESSION else ErrorKind.CONNECT_TIMEOUT
            message = f"no whole answer within {self.limits.host_s:g} s"
            error = HostError(kind, message, phase, "raise it with --timeout")
        sections = decoder.finish()
        error = error or decoder.problem()
        if error is not None:
            await self.drop()
        return Capture(
            host=self.target.name,
            address=self.target.address,
            bundle_digest=bundle.digest,
            started_at=started_at,
            elapsed_s=time.monotonic() - clock,
            sections=sections,
            error=error,
            notes=tuple(decoder.notes),
        )

    async def _opened(self) -> Session:
        if self._session is None:
            self._session = await self.transport.open(self.target)
            self.opened += 1
        return self._session
