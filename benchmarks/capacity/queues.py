"""The accept queue and half-open connections: driven until the kernel counts the first loss."""

from __future__ import annotations

import contextlib
import socket

from capacity.outcome import Outcome
from capacity.world import SERVER, World, ip, row_of
from netaudit.model.workload import Load, LoadKind, Rate

_SWALLOWED = "198.19.255.0/24"
_PORT = 20000
_FAR_S = 0.05  # for one connect() over a veth pair


def accept_queue(world: World, backlog: int) -> Outcome:
    """Connections that nobody accepts, until ListenOverflows moves."""
    held: list[socket.socket] = []
    try:
        with world.inside("server"):
            listener = socket.create_server((SERVER, _PORT), backlog=backlog)
        held.append(listener)
        load = Load("bench", "all", LoadKind.INBOUND, new_connections=Rate(100, 100), ports=(_PORT,), accept_pause_s=1)
        row = row_of(world.rows("server", load), "accept-queue")
        predicted = (row.breaks_at or 0.0) * 100
        before = world.counter("server", "TcpExt", "ListenOverflows")
        observed = 0
        with world.inside("client"):
            while observed < 4 * backlog + 8:
                held.append(_connect(_FAR_S if observed > 0.9 * backlog else 5.0))
                if observed >= 0.9 * backlog and _moved(world, "ListenOverflows", before):
                    break
                observed += 1
        return Outcome(f"accept queue, backlog {backlog}: connections held", predicted, observed, 0.10)
    finally:
        for each in held:
            each.close()


def _connect(within_s: float) -> socket.socket:
    client = socket.socket()
    client.settimeout(within_s)
    with contextlib.suppress(TimeoutError):
        client.connect((SERVER, _PORT))
    return client


def _moved(world: World, name: str, before: int) -> bool:
    return world.counter("server", "TcpExt", name) > before


def syn_queue(world: World, *, cookies: int, backlog: int, maximum: int) -> Outcome:
    """Handshakes whose answers never arrive, until the kernel drops one or answers with a cookie."""
    world.sysctl("server", {"net.ipv4.tcp_syncookies": cookies, "net.ipv4.tcp_max_syn_backlog": maximum})
    held: list[socket.socket] = []
    try:
        with world.inside("server"):
            held.append(socket.create_server((SERVER, _PORT), backlog=backlog))
        load = Load("bench", "all", LoadKind.INBOUND, new_connections=Rate(100, 100), ports=(_PORT,), rtt_p99_s=1.0)
        row = row_of(world.rows("server", load), "syn-queue")
        predicted = (row.breaks_at or 0.0) * 100
        name = "TCPReqQFullDoCookies" if cookies else "ListenDrops"
        before = world.counter("server", "TcpExt", name)
        observed = 0
        with world.inside("client"):
            while observed < 4 * max(backlog, maximum):
                held.append(_half_open(observed))
                if _moved(world, name, before):
                    break
                observed += 1
        how = f"cookies {'on' if cookies else 'off'}, backlog {backlog}, maximum {maximum}"
        return Outcome(f"half-open connections, {how}", predicted, observed, 0.10)
    finally:
        for each in held:
            each.close()


def prepare_syn_queue(world: World) -> None:
    """The client has addresses that the server's answers do not reach."""
    world.swallow("server", _SWALLOWED)
    world.sysctl("server", {"net.ipv4.conf.all.rp_filter": 0, "net.ipv4.conf.eth0.rp_filter": 0})
    ip("-n", world.names["client"], "addr", "add", _SWALLOWED, "dev", "lo")


def _half_open(number: int) -> socket.socket:
    client = socket.socket()
    client.setblocking(False)
    client.bind((f"198.19.255.{number % 250 + 1}", 0))
    with contextlib.suppress(BlockingIOError):
        client.connect((SERVER, _PORT))
    return client
