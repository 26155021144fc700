"""The decoder of answers, in bytes a second, against a plain copy of the same chunks."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from figures import Figure

from netaudit.model.probe import Section, SectionStatus, Stream
from netaudit.wire.frame import Decoder, encode

_NONCE = "0123456789abcdef" * 2
_CHUNK_BYTES = 64 * 1024


def figures(_scratch: Path, *, quick: bool) -> list[Figure]:
    """An answer of 2 MiB in chunks as a channel delivers them."""
    line = b"/proc/sys/net/ipv4/conf/eth0/rp_filter:2\n"
    sections = tuple(
        Section(f"probe{number}", SectionStatus.COMPLETE, 0, line * (2**17 // len(line)), b"", 3)
        for number in range(16)
    )
    stdout, _ = encode(sections, _NONCE)
    chunks = [stdout[start : start + _CHUNK_BYTES] for start in range(0, len(stdout), _CHUNK_BYTES)]
    names = tuple(section.probe_id for section in sections)

    def decode() -> None:
        decoder = Decoder(_NONCE, names, dict.fromkeys(names, 2**20), 2**24)
        for chunk in chunks:
            decoder.feed(Stream.OUT, chunk)
        decoder.finish()

    def copy() -> None:
        kept = [bytes(memoryview(chunk)) for chunk in chunks]
        b"".join(kept)

    runs = 5 if quick else 40
    decoding_s, copying_s = _middle(decode, runs), _middle(copy, runs)
    return [
        Figure("decoding of answers", len(stdout) / decoding_s / 1e6, "MB/s"),
        Figure("  of the time of two copies", decoding_s / copying_s, "×"),
    ]


def _middle(work: Callable[[], None], runs: int) -> float:
    times = []
    for _ in range(runs):
        clock = time.perf_counter()
        work()
        times.append(time.perf_counter() - clock)
    return statistics.median(times)
