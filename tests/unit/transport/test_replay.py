"""A replay answers what was collected, no more and no less, through the same decoder."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.contact import Exit
from netaudit.model.probe import Capture, HostError, Needs, Probe, Section, SectionStatus
from netaudit.model.target import Target
from netaudit.transport.replay import ReplayTransport
from netaudit.wire.bundle import build
from netaudit.wire.frame import Decoder

NONCE = "0f" * 16
SECTIONS = (
    Section("a", SectionStatus.COMPLETE, 0, b"one\n", b"aside", 10),
    Section("b", SectionStatus.TIMED_OUT, None, b"half", b"", 5000),
    Section("c", SectionStatus.FAILED, 3, b"", b"no", 0),
    Section("d", SectionStatus.CUT, None, b"cut", b"", 0),
)
TARGET = Target("web1", "192.0.2.1")


class Source:
    """Captures by host."""

    def __init__(self, *captures: Capture) -> None:
        self._captures = {capture.host: capture for capture in captures}

    def capture(self, host: str) -> Capture:
        """See ``CaptureSource``."""
        if host not in self._captures:
            raise WorldError(ErrorKind.BAD_ANSWER, "no such capture", phase=Phase.CONNECT)
        return self._captures[host]


def captured(*sections: Section, error: HostError | None = None) -> Capture:
    """A capture of web1."""
    return Capture("web1", "192.0.2.1", "", datetime(2026, 11, 20, tzinfo=UTC), 0.1, sections, error)


def replay(capture: Capture, *asked: str) -> tuple[Exit | None, Decoder, WorldError | None]:
    """How a replay ends, what was decoded, and the error if there was one."""
    probes = [Probe(probe_id, "", "", "", (), Needs.USER, 5, 2**20, "") for probe_id in asked]
    bundle = build(probes, nonce=NONCE, deadline_s=5, params={})
    decoder = Decoder(NONCE, asked, dict.fromkeys(asked, 2**20), 2**24)

    async def once() -> Exit:
        transport = ReplayTransport(Source(capture))
        session = await transport.open(TARGET)
        try:
            return await session.run(bundle, decoder)
        finally:
            await session.close()
            await session.close()
            await transport.close()

    try:
        return asyncio.run(once()), decoder, None
    except WorldError as error:
        return None, decoder, error


def test_every_section_comes_back():
    """However it had ended."""
    ended, decoder, _ = replay(captured(*SECTIONS), "a", "b", "c", "d")
    assert ended == Exit(None)
    assert decoder.finish() == SECTIONS
    assert decoder.problem() is None


def test_only_what_is_asked_for_comes():
    """In the order in which it is asked for."""
    _, decoder, _ = replay(captured(*SECTIONS), "c", "a")
    assert decoder.finish() == (SECTIONS[2], SECTIONS[0])
    assert decoder.problem() is None


def test_what_was_not_collected_is_not_there():
    """It is not an empty section, and the rest is whole."""
    _, decoder, _ = replay(captured(SECTIONS[0]), "x", "a", "y")
    assert decoder.finish() == (SECTIONS[0],)
    assert decoder.problem() is None


@pytest.mark.parametrize("phase", [Phase.CONNECT, Phase.KEY_EXCHANGE, Phase.AUTH])
def test_a_host_that_could_not_be_reached_cannot_be_reached_again(phase):
    """The same kind, message, phase and hint, before there is a session."""
    error = HostError(ErrorKind.REFUSED, "nothing listens", phase, "start it")
    _, decoder, raised = replay(captured(error=error), "a")
    assert (raised.kind, raised.message, raised.phase, raised.hint) == (error.kind, error.message, phase, "start it")
    assert decoder.finish()[0].status is SectionStatus.CUT


@pytest.mark.parametrize("phase", [Phase.SESSION, Phase.ANSWER])
def test_an_answer_that_ended_badly_ends_so_again(phase):
    """With the sections that had come before."""
    error = HostError(ErrorKind.DISCONNECTED, "lost", phase)
    _, decoder, raised = replay(captured(SECTIONS[0], error=error), "a", "b")
    assert (raised.kind, raised.phase) == (ErrorKind.DISCONNECTED, phase)
    assert decoder.finish()[0] == SECTIONS[0]


def test_a_host_that_is_not_there():
    """What the source says comes out."""

    async def once() -> None:
        await ReplayTransport(Source()).open(TARGET)

    with pytest.raises(WorldError, match="no such capture"):
        asyncio.run(once())


def test_the_payload_of_a_big_capture_comes_in_chunks():
    """A slow replay lets others go on in between."""
    big = Section("a", SectionStatus.COMPLETE, 0, b"x" * 500_000, b"", 0)
    sizes = []

    class Sink:
        def feed(self, stream, data):
            sizes.append(len(data))
            return False

    async def once() -> Exit:
        session = await ReplayTransport(Source(captured(big)), delay_s=lambda _host: 0.0).open(TARGET)
        probe = Probe("a", "", "", "", (), Needs.USER, 5, 2**20, "")
        return await session.run(build([probe], nonce=NONCE, deadline_s=5, params={}), Sink())

    assert asyncio.run(once()) == Exit(0)
    assert len(sizes) > 7
    assert max(sizes) <= 2**16
