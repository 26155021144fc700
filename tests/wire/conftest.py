"""Shells to run payloads in, and what became of them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from netaudit.model.probe import Bundle, Probe, Section, Stream
from netaudit.wire.frame import Decoder
from netaudit.wire.head import parse_probe

SHELLS = {"dash": ["dash"], "ash": ["busybox", "ash"], "bash": ["bash", "--posix"]}


@pytest.fixture(params=sorted(SHELLS))
def shell(request) -> list[str]:
    """Each shell that a payload must run in."""
    argv = SHELLS[request.param]
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not installed")
    return argv


@pytest.fixture(scope="session")
def make_probe():
    """Make a probe whose body is given and whose head is in order."""

    def make(probe_id: str, body: str, *, timeout_s: int = 20, params: str = "") -> Probe:
        more = f"# params: {params}\n" if params else ""
        return parse_probe(
            f"#!/bin/sh\n# id: {probe_id}\n# summary: x\n# reads: x\n# needs: user\n# timeout_s: {timeout_s}\n"
            f"# max_bytes: 4MiB\n# format: x\n{more}\n{body}\n",
            f"{probe_id}.sh",
        )

    return make


@dataclass
class Answer:
    """Everything a payload said, and how its shell ended."""

    stdout: bytes
    stderr: bytes
    status: int
    decoder: Decoder

    @property
    def sections(self) -> dict[str, Section]:
        """The sections by id."""
        return {section.probe_id: section for section in self.decoder.finish()}


class Run:
    """One payload in one shell: in a session of its own, its standard input open until ``hang_up``."""

    def __init__(self, argv: list[str], bundle: Bundle, payload: bytes | None = None, **environ: str) -> None:
        self.bundle = bundle
        self.process = subprocess.Popen(
            [*argv, "-s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, env={**os.environ, **environ},
        )  # fmt: skip
        self.process.stdin.write(bundle.payload if payload is None else payload)
        self.process.stdin.flush()

    def hang_up(self) -> None:
        """The controller is gone."""
        self.process.stdin.close()

    def answer(self) -> Answer:
        """Wait for the end and decode."""
        keep, self.process.stdin = self.process.stdin, None  # communicate() would close it
        try:
            stdout, stderr = self.process.communicate(timeout=20)
        finally:
            keep.close()
        ids = [probe.id for probe in self.bundle.probes]
        decoder = Decoder(self.bundle.nonce, ids, dict.fromkeys(ids, 2**22), 2**26)
        decoder.feed(Stream.OUT, stdout)
        decoder.feed(Stream.ERR, stderr)
        return Answer(stdout, stderr, self.process.returncode, decoder)

    def left(self) -> list[str]:
        """The processes of its session that still run, by their command line."""
        return [line for _, line in self._session()]

    def wait_until_gone(self, seconds: float = 10) -> None:
        """Wait until nothing of its session runs any more."""
        end = time.monotonic() + seconds
        while self.left():
            assert time.monotonic() < end, f"left behind: {self.left()}"
            time.sleep(0.01)

    def wait_until_running(self, word: str) -> None:
        """Wait until a process of its session has this word in its command line."""
        end = time.monotonic() + 10
        while not any(word in line for line in self.left()):
            assert time.monotonic() < end, f"{word} never ran"
            time.sleep(0.01)

    def _session(self) -> Iterator[tuple[int, str]]:
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = path.read_text(errors="replace").rpartition(") ")[2].split()
                if int(fields[3]) == self.process.pid and fields[0] not in "ZX":
                    line = (path.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    yield int(path.parent.name), line

    def end(self) -> None:
        """Leave nothing behind, whatever the test found."""
        for pid, _ in self._session():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def run(shell):
    """Run bundles in a shell; whatever is left of them is ended with the test."""
    runs: list[Run] = []

    def start(bundle: Bundle, payload: bytes | None = None, **environ: str) -> Run:
        runs.append(Run(shell, bundle, payload, **environ))
        return runs[-1]

    yield start
    for one in runs:
        one.end()
