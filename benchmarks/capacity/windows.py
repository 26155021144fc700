"""The bandwidth of one connection over a path with a delay, by the size of its buffers.

The round trip that the prediction is made for is the one that the sender measured meanwhile: on a busy machine the path
is slower than its delay alone.
"""

from __future__ import annotations

import mmap
import os
import socket
import struct
import time
from dataclasses import replace

from capacity import relay
from capacity.outcome import Outcome
from capacity.world import World, row_of
from netaudit.model.workload import Load, LoadKind, Ways

_PORT = 20000
_ASKED_BPS = 1e9
_PLENTY = 16 * 2**20
_WARM_UP_S = 1.0
_RTT_AT = 68  # of tcpi_rtt in struct tcp_info, in microseconds
_SAMPLES = struct.Struct("dQ")  # the sum of round trips, and how many there were


def receive_window(world: World, *, buffer_bytes: int, one_way_s: float, for_s: float) -> Outcome:
    """The receiver's largest buffer is the limit."""
    world.sysctl("server", {"net.ipv4.tcp_rmem": f"4096 65536 {buffer_bytes}"})
    world.sysctl("client", {"net.ipv4.tcp_wmem": f"4096 65536 {_PLENTY}"})
    load = Load("bench", "all", LoadKind.INBOUND, flow_bps=Ways(incoming=_ASKED_BPS))
    return _measured(world, "server", load, "receive-buffer", buffer_bytes, one_way_s, for_s)


def send_window(world: World, *, buffer_bytes: int, one_way_s: float, for_s: float) -> Outcome:
    """The sender's largest buffer is the limit."""
    world.sysctl("server", {"net.ipv4.tcp_rmem": f"4096 131072 {_PLENTY}"})
    world.sysctl("client", {"net.ipv4.tcp_wmem": f"4096 16384 {buffer_bytes}"})
    load = Load("bench", "all", LoadKind.OUTBOUND, flow_bps=Ways(outgoing=_ASKED_BPS))
    return _measured(world, "client", load, "send-buffer", buffer_bytes, one_way_s, for_s)


def _measured(
    world: World, who: str, load: Load, resource: str, buffer_bytes: int, one_way_s: float, for_s: float
) -> Outcome:
    for side in ("client", "server"):
        world.sysctl(side, {"net.ipv4.tcp_congestion_control": "reno"})
    with relay.delayed_path(world, one_way_s):
        observed, rtt_s = _transfer(world, for_s)
    row = row_of(world.rows(who, replace(load, rtt_median_s=rtt_s)), resource)
    predicted = _ASKED_BPS * (row.limit or 0.0) / (row.required or 1.0)
    what = f"{resource} of {buffer_bytes // 1024} KiB over {rtt_s * 1000:.3g} ms: kbit/s of a connection"
    return Outcome(what, predicted / 1000, observed / 1000, 0.25)


def _transfer(world: World, for_s: float) -> tuple[float, float]:
    """Bits a second from client to server once the windows are open, and the mean round trip meanwhile."""
    with world.inside("server"):
        listener = socket.create_server((relay.FAR, _PORT))
    told = mmap.mmap(-1, _SAMPLES.size)
    sender = os.fork()
    if not sender:
        _send(world, told)
    try:
        with listener:
            receiver, _ = listener.accept()
            with receiver:
                _received(receiver, _WARM_UP_S)
                sum_before, count_before = _SAMPLES.unpack_from(told)
                rate = _received(receiver, for_s) * 8
                total, count = _SAMPLES.unpack_from(told)
                return rate, (total - sum_before) / (count - count_before)
    finally:
        os.kill(sender, 9)
        os.waitpid(sender, 0)


def _received(receiver: socket.socket, for_s: float) -> float:
    """Bytes a second over so many seconds."""
    start, total = time.monotonic(), 0
    while (now := time.monotonic()) < start + for_s:
        total += len(receiver.recv(1 << 18))
    return total / (now - start)


def _send(world: World, told: mmap.mmap) -> None:
    """Never returns. After each piece the smoothed round trip that the kernel measured is told."""
    total, count = 0.0, 0
    try:
        with world.inside("client"), socket.create_connection((relay.FAR, _PORT)) as sender:
            while True:
                sender.sendall(b"\0" * (1 << 16))
                info = sender.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
                total, count = total + struct.unpack_from("I", info, _RTT_AT)[0] / 1e6, count + 1
                _SAMPLES.pack_into(told, 0, total, count)
    finally:
        os._exit(0)
