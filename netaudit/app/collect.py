"""One payload on one host: connect, run, listen until the answer is whole, and keep whatever came of it."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from netaudit.app.ports import Limits, Recorded, Transport
from netaudit.app.stopping import close
from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.probe import Bundle, Capture, HostError, Probe
from netaudit.model.result import HostStatus
from netaudit.model.target import Target
from netaudit.wire.bundle import build
from netaudit.wire.frame import Decoder

MAX_CAPTURE_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Collector:
    """Collects from hosts over one transport. ``nonce`` is only given by tests."""

    transport: Transport
    limits: Limits = Limits()
    nonce: Callable[[], str] = lambda: secrets.token_hex(16)

    async def collect(self, target: Target, probes: Sequence[Probe], params: Mapping[str, str]) -> Capture:
        """The capture of one host. Never raises but for cancellation: what went wrong is in ``error``."""
        bundle = build(probes, nonce=self.nonce(), deadline_s=deadline_s(self.limits.host_s), params=params)
        decoder = decoder_for(bundle)
        started_at, clock = datetime.now(UTC), time.monotonic()
        error, recorded_at = await self._run(target, bundle, decoder)
        sections = decoder.finish()
        return Capture(
            host=target.name,
            address=target.address,
            bundle_digest=bundle.digest,
            started_at=recorded_at or started_at,
            elapsed_s=time.monotonic() - clock,
            sections=sections,
            error=error or decoder.problem(),
            notes=tuple(decoder.notes),
        )

    async def _run(self, target: Target, bundle: Bundle, decoder: Decoder) -> tuple[HostError | None, datetime | None]:
        """What went wrong, and of a replay when the host was asked."""
        phase, recorded_at = Phase.CONNECT, None
        try:
            async with asyncio.timeout(self.limits.host_s):
                session = await self.transport.open(target)
                phase = Phase.SESSION
                recorded_at = session.started_at if isinstance(session, Recorded) else None
                try:
                    await session.run(bundle, decoder)
                finally:
                    await close(session)
        except WorldError as error:
            return HostError(error.kind, error.message, error.phase, error.hint), recorded_at
        except TimeoutError:
            kind = ErrorKind.TIMEOUT if phase is Phase.SESSION else ErrorKind.CONNECT_TIMEOUT
            message = f"no whole answer within {self.limits.host_s:g} s"
            return HostError(kind, message, phase, "raise it with --timeout"), recorded_at
        return None, recorded_at


def deadline_s(limit_s: float) -> int:
    """The whole seconds after which a payload ends itself on the host: not before we give it up."""
    return max(1, math.ceil(limit_s))


def decoder_for(bundle: Bundle) -> Decoder:
    """The decoder of the answer to one bundle, with the caps its probes declare."""
    return Decoder(
        bundle.nonce,
        tuple(probe.id for probe in bundle.probes),
        {probe.id: probe.max_bytes for probe in bundle.probes},
        MAX_CAPTURE_BYTES,
    )


def status_of(error: HostError | None) -> HostStatus:
    """The contract's three words: unreachable before there was a session, error after, else ok."""
    if error is None:
        return HostStatus.OK
    before = {Phase.CONNECT, Phase.KEY_EXCHANGE, Phase.AUTH}
    return HostStatus.UNREACHABLE if error.phase in before else HostStatus.ERROR
