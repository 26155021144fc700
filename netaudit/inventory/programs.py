"""Runs inventory programs: bounded in time and in what they may print, and never left behind.

A program runs in a session of its own, with nothing on standard input; when its time is up, or when it prints more
than it may, the whole session is killed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

MAX_STDOUT_BYTES = 64 * 2**20
MAX_STDERR_BYTES = 64 * 2**10
_CHUNK_BYTES = 2**16


class ProgramError(Exception):
    """The program gave no answer; the text is one line."""


class NotExecutable(ProgramError):
    """The file is marked executable, and the kernel knows no way to run it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program that ended printed. Of standard error just the beginning is kept."""

    status: int  # negative: the signal that ended it
    stdout: bytes
    stderr: bytes


def run(
    command: Sequence[str], timeout_s: float, *, stdin: bytes = b"", env: Mapping[str, str] | None = None
) -> Answer:
    """The answer of a program. Raises ProgramError when it cannot be run, is too slow or prints too much."""
    deadline = time.monotonic() + timeout_s
    with _input(stdin) as given, _started(command, given, env) as process:
        try:
            out, err = _collect(process, deadline)
            status = process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            raise ProgramError(f"gave no answer within {timeout_s:g} s") from None
        finally:
            _end(process)
    return Answer(status, out, err)


def _input(data: bytes) -> IO[bytes]:
    """A nameless file that holds the data; unlike a pipe it cannot fill up."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the caller's with
    file.write(data)
    file.seek(0)
    return file


def _started(command: Sequence[str], stdin: IO[bytes], env: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, start_new_session=True
        )
    except OSError as error:
        problem = f"cannot be run: {error.strerror or error}"
        if error.errno == errno.ENOEXEC:
            raise NotExecutable(problem) from error
        raise ProgramError(problem) from error


def _collect(process: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bytes]:
    """Everything on standard output and the beginning of standard error. Raises TimeoutError."""
    kept = {process.stdout: bytearray(), process.stderr: bytearray()}
    with selectors.DefaultSelector() as selector:
        for stream in kept:
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK_BYTES)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.fileobj is process.stdout:
                    kept[process.stdout] += chunk
                else:
                    kept[process.stderr] += chunk[: MAX_STDERR_BYTES - len(kept[process.stderr])]
            if len(kept[process.stdout]) > MAX_STDOUT_BYTES:
                raise ProgramError(f"printed more than {MAX_STDOUT_BYTES // 2**20} MiB")
    return bytes(kept[process.stdout]), bytes(kept[process.stderr])


def _end(process: subprocess.Popen[bytes]) -> None:
    """Nothing of the program's session is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def first_line(text: bytes) -> str:
    """The first line of what a program said, fit to stand in an error: short, and without control characters."""
    for line in text.decode("utf-8", "replace").splitlines():
        words = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line.strip())
        if words:
            return words[:200]
    return ""
