"""Local ports: connections to one destination until connect() finds none, open ones and those in TIME-WAIT."""

from __future__ import annotations

import contextlib
import errno
import socket

from capacity.outcome import Outcome
from capacity.world import SERVER, World, row_of
from netaudit.model.workload import Load, LoadKind, Rate

_PORT = 20000
_LOW = 40000


def ephemeral(world: World, *, count: int, reserved: int = 0, closed: int = 0) -> Outcome:
    """Of a range of ``count`` ports, some of them reserved; ``closed`` connections are in TIME-WAIT already."""
    world.sysctl(
        "client",
        {
            "net.ipv4.ip_local_reserved_ports": f"{_LOW}-{_LOW + reserved - 1}" if reserved else "",
            "net.ipv4.ip_local_port_range": f"{_LOW} {_LOW + count - 1}",
            "net.ipv4.tcp_tw_reuse": 0,
        },
    )
    with contextlib.ExitStack() as stack:
        with world.inside("server"):
            listener = stack.enter_context(socket.create_server((SERVER, _PORT), backlog=4096))
        load = Load(
            "bench", "all", LoadKind.OUTBOUND, new_connections=Rate(closed / 60, closed / 60), concurrent=1.0,
            closes_first_ratio=1.0, reset_ratio=0.0, destination=f"{SERVER}:{_PORT}",
        )  # fmt: skip
        row = row_of(world.rows("client", load), "ephemeral-ports")
        predicted = (row.limit or 0.0) - closed
        with world.inside("client"):
            for _ in range(closed):
                _open_and_close(listener)
            observed = 0
            while observed <= 2 * count and _opened(stack):
                observed += 1
    what = f"local ports of {count}, {reserved} reserved, {closed} in TIME-WAIT: connections"
    return Outcome(what, predicted, observed, 0.10)


def time_wait(world: World, *, limit: int) -> Outcome:
    """Connections that the client closes first, until one of them is destroyed without TIME-WAIT."""
    world.sysctl("client", {"net.ipv4.tcp_max_tw_buckets": limit})
    load = Load(
        "bench", "all", LoadKind.OUTBOUND, new_connections=Rate(1.0, 1.0), closes_first_ratio=1.0, reset_ratio=0.0
    )
    row = row_of(world.rows("client", load), "time-wait")
    predicted = (row.breaks_at or 0.0) * (row.required or 0.0)
    before = world.counter("client", "TcpExt", "TCPTimeWaitOverflow")
    with world.inside("server"):
        listener = socket.create_server((SERVER, _PORT), backlog=4096)
    with listener, world.inside("client"):
        observed = 0
        while observed < 4 * limit:
            _open_and_close(listener)
            if world.counter("client", "TcpExt", "TCPTimeWaitOverflow") > before:
                break
            observed += 1
    return Outcome(f"TIME-WAIT, limit {limit}: connections closed", predicted, observed, 0.10)


def _open_and_close(listener: socket.socket) -> None:
    """The client closes first, so that its port stays in TIME-WAIT."""
    with socket.create_connection((SERVER, _PORT)):
        accepted, _ = listener.accept()
    accepted.close()


def _opened(stack: contextlib.ExitStack) -> bool:
    client = stack.enter_context(socket.socket())
    try:
        client.connect((SERVER, _PORT))
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        return False
    return True


def bind_first(world: World, *, count: int) -> Outcome:
    """Programs that call bind() with port 0 share the range among their destinations: two of them get half each."""
    world.sysctl("client", {"net.ipv4.ip_local_reserved_ports": ""})
    world.sysctl("client", {"net.ipv4.ip_local_port_range": f"{_LOW} {_LOW + count - 1}"})
    with contextlib.ExitStack() as stack:
        with world.inside("server"):
            for port in (_PORT, _PORT + 1):
                stack.enter_context(socket.create_server((SERVER, port), backlog=4096))
        load = Load(
            "bench", "all", LoadKind.OUTBOUND, new_connections=Rate(0.0, 0.0), concurrent=100.0, closes_first_ratio=0.0,
            reset_ratio=0.0, binds_first=True,
        )  # fmt: skip
        row = row_of(world.rows("client", load), "ephemeral-ports")
        predicted = (row.breaks_at or 0.0) * 100
        with world.inside("client"):
            observed = 0
            while observed <= 2 * count and _bound(stack, _PORT + observed % 2):
                observed += 1
    return Outcome(f"local ports of {count}, bind() first, two destinations: connections", predicted, observed, 0.10)


def _bound(stack: contextlib.ExitStack, port: int) -> bool:
    client = stack.enter_context(socket.socket())
    try:
        client.bind(("198.18.255.1", 0))
        client.connect((SERVER, port))
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EADDRNOTAVAIL}:
            raise
        return False
    return True
