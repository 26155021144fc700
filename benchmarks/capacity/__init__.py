"""Experiments on this kernel: the load at which something is lost first, beside what `netaudit capacity` predicts.

Each has namespaces of its own, is bounded in count and time, and leaves nothing behind. Rings are left out: virtual
interfaces have none.
"""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from figures import Figure

from capacity import backlog, datagrams, descriptors, ports, queues, tracking, windows
from capacity.outcome import Outcome
from capacity.world import World

_Experiment = Callable[[World], Outcome]


def _syn(*, cookies: int, backlog: int, maximum: int) -> _Experiment:
    def run(world: World) -> Outcome:
        queues.prepare_syn_queue(world)
        return queues.syn_queue(world, cookies=cookies, backlog=backlog, maximum=maximum)

    return run


def _experiments(*, quick: bool) -> Iterator[_Experiment]:
    yield lambda world: queues.accept_queue(world, 64)
    yield lambda world: queues.accept_queue(world, 500)
    yield _syn(cookies=0, backlog=1024, maximum=32)
    yield _syn(cookies=0, backlog=1024, maximum=256)
    yield _syn(cookies=0, backlog=100, maximum=1024)
    yield _syn(cookies=1, backlog=64, maximum=32)
    yield lambda world: ports.ephemeral(world, count=200)
    yield lambda world: ports.ephemeral(world, count=300, reserved=50, closed=100)
    yield lambda world: ports.bind_first(world, count=120)
    yield lambda world: ports.time_wait(world, limit=300)
    yield lambda world: descriptors.process(world, 64)
    yield lambda world: descriptors.process(world, 512)
    if shutil.which("nft"):
        yield lambda world: tracking.after_close(tracking.prepared(world), 300)
        yield lambda world: tracking.entries(tracking.prepared(world))
    for payload in (100, 400, 1200, 4000):
        yield lambda world, payload=payload: datagrams.receive_buffer(world, payload=payload)
    yield lambda world: datagrams.receive_buffer(world, payload=100, asked=416_000)
    for one_way_s in (0.02,) if quick else (0.02, 0.05):
        for window in (windows.receive_window, windows.send_window):
            yield lambda world, window=window, one_way_s=one_way_s: window(
                world, buffer_bytes=262_144, one_way_s=one_way_s, for_s=0.5 if quick else 2.0
            )
    yield backlog.of_one_cpu


def figures(scratch: Path, *, quick: bool) -> list[Figure]:
    """The difference between prediction and observation of each experiment, in percent, against its bound."""
    del scratch  # nothing is written
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    found = []
    for experiment in _experiments(quick=quick):
        with World() as world:
            found.append(experiment(world).figure())
    return found
