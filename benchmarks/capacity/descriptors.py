"""File descriptors of a process: connections that it accepts until accept() fails."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import socket
from pathlib import Path

from capacity.outcome import Outcome
from capacity.world import SERVER, World, row_of
from netaudit.model.workload import Load, LoadKind

_PORT = 20000
_NAME = "bench-server"


def process(world: World, limit: int) -> Outcome:
    """A child listens and accepts under the limit; it says how many it took when accept() fails with EMFILE."""
    told, tells = os.pipe()
    child = os.fork()
    if not child:
        _serve(world, limit, tells)
    os.close(tells)
    try:
        assert os.read(told, 1) == b"L"
        load = Load("bench", "all", LoadKind.INBOUND, concurrent=100.0, process=_NAME)
        row = row_of(world.rows("server", load), "process-descriptors")
        predicted = (row.breaks_at or 0.0) * 100
        with contextlib.ExitStack() as stack, world.inside("client"):
            for _ in range(limit + 8):
                stack.enter_context(socket.create_connection((SERVER, _PORT), timeout=5))
            observed = int(os.read(told, 16))
        return Outcome(f"descriptors, limit {limit}: connections accepted", predicted, observed, 0.10)
    finally:
        os.close(told)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, 9)
        os.waitpid(child, 0)


def _serve(world: World, limit: int, tells: int) -> None:
    """Never returns."""
    try:
        Path("/proc/self/comm").write_text(_NAME)
        with world.inside("server"):
            listener = socket.create_server((SERVER, _PORT), backlog=4096)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        os.write(tells, b"L")
        held: list[socket.socket] = []
        try:
            while True:
                held.append(listener.accept()[0])
        except OSError as error:
            if error.errno == errno.EMFILE:
                os.write(tells, str(len(held)).encode())
        signal.pause()
    finally:
        os._exit(0)
