"""The receive buffer of a UDP socket: datagrams that nobody reads, until RcvbufErrors moves."""

from __future__ import annotations

import socket

from capacity.outcome import Outcome
from capacity.world import SERVER, World, row_of
from netaudit.model.workload import Load, LoadKind, Ways

_PORT = 20000


def receive_buffer(world: World, *, payload: int, asked: int | None = None) -> Outcome:
    """Datagrams of one size into the buffer that the socket has, or asks for."""
    with world.inside("server"):
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.bind((SERVER, _PORT))
        sender_home = world.inside("client")
    with receiver:
        if asked is not None:
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, asked)
        load = Load(
            "bench", "all", LoadKind.UDP, packets_per_s=Ways(100.0, 0.0), reader_pause_s=1.0, ports=(_PORT,),
            datagram_bytes=payload, is_tracked=False,
        )  # fmt: skip
        row = row_of(world.rows("server", load), "udp-receive-buffer")
        predicted = (row.breaks_at or 0.0) * 100
        before = world.counter("server", "Udp", "RcvbufErrors", "snmp")
        with sender_home, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            observed = 0
            while observed < 100_000:
                sender.sendto(b"x" * payload, (SERVER, _PORT))
                if world.counter("server", "Udp", "RcvbufErrors", "snmp") > before:
                    break
                observed += 1
    how = f", SO_RCVBUF {asked}" if asked else ""
    return Outcome(f"UDP buffer{how}: datagrams of {payload} bytes", predicted, observed, 0.25)
