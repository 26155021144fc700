"""Stored captures in the place of hosts: ``--from DIR``. What was collected once is answered again, byte by byte.

The bytes go through the same decoder as those of a host, framed with the nonce of the bundle that asks, and only the
sections that it asks for. What was not collected is marked as never sent. A capture that ended in an error ends so
again, at the same place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Protocol

from netaudit.errors import Phase, WorldError
from netaudit.model.contact import Exit, Sink
from netaudit.model.probe import Bundle, Capture, HostError, Stream
from netaudit.model.target import Target
from netaudit.wire.frame import encode

_CHUNK_BYTES = 64 * 1024
_BEFORE_SESSION = frozenset({Phase.CONNECT, Phase.KEY_EXCHANGE, Phase.AUTH})


class CaptureSource(Protocol):
    """Where captures come from: ``capture_dir.CaptureDir`` is one."""

    def capture(self, host: str) -> Capture:
        """The capture of one host. Raises WorldError when there is none."""
        ...


class ReplaySession:
    """One capture."""

    def __init__(self, capture: Capture, delay_s: float = 0.0) -> None:
        self._capture = capture
        self._delay_s = delay_s

    @property
    def started_at(self) -> datetime:
        """When the host was asked. See ``app.ports.Recorded``."""
        return self._capture.started_at

    async def run(self, bundle: Bundle, sink: Sink) -> Exit:
        """See ``app.ports.Session``."""
        error = self._capture.error
        asked = [probe.id for probe in bundle.probes]
        streams = encode(self._capture.sections, bundle.nonce, probe_ids=asked, whole=error is None)
        for stream, data in _chunks(dict(zip(Stream, streams, strict=True))):
            await asyncio.sleep(self._delay_s)
            if sink.feed(stream, data):
                return Exit(None)
        if error is not None:
            raise _raised(error)
        return Exit(0)

    async def close(self) -> None:
        """Nothing is open."""


class ReplayTransport:
    """Answers for every host of a source. Fits ``app.ports.Transport``.

    ``delay_s`` says for a host how long each of its chunks takes, for tests of what is slow.
    """

    def __init__(self, source: CaptureSource, delay_s: Callable[[str], float] | None = None) -> None:
        self._source = source
        self._delay_s = delay_s

    async def open(self, target: Target) -> ReplaySession:
        """The session of one capture. Raises WorldError when its host could not be reached then."""
        capture = self._source.capture(target.name)
        delay_s = self._delay_s(target.name) if self._delay_s is not None else 0.0
        if capture.error is not None and capture.error.phase in _BEFORE_SESSION:
            await asyncio.sleep(delay_s)
            raise _raised(capture.error)
        return ReplaySession(capture, delay_s)

    async def close(self) -> None:
        """Nothing is shared."""


def _raised(error: HostError) -> WorldError:
    return WorldError(error.kind, error.message, phase=error.phase, hint=error.hint)


def _chunks(streams: dict[Stream, bytes]) -> Iterator[tuple[Stream, bytes]]:
    for stream, data in streams.items():
        for start in range(0, len(data), _CHUNK_BYTES):
            yield stream, data[start : start + _CHUNK_BYTES]
