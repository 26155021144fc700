"""What one connection keeps in flight over a path with a delay, by the size of its buffers.

Told by the kernel: what was sent and not yet acknowledged, looked at again and again, the middle of it. A rate, or a
round trip, would be that of a busy machine as well; this is what the buffer lets out, however late it is taken.
"""

from __future__ import annotations

import fcntl
import os
import socket
import statistics
import struct
import threading
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
_EVERY_S = 0.005
_SIOCOUTQ, _SIOCOUTQNSD = 0x5411, 0x894B  # not yet acknowledged, and of it what was not yet sent
_MIN_RTT_AT = 148  # of tcpi_min_rtt in struct tcp_info, in microseconds
_SEEN = struct.Struct("dd")  # bytes in flight, and the smallest round trip


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
    predicted = _ASKED_BPS * (row.limit or 0.0) / (row.required or 1.0) * rtt_s / 8
    what = f"{resource} of {buffer_bytes // 1024} KiB over {rtt_s * 1000:.3g} ms: KiB in flight of a connection"
    return Outcome(what, predicted / 1024, observed / 1024, 0.25)


def _transfer(world: World, for_s: float) -> tuple[float, float]:
    """Bytes in flight from client to server once the windows are open, and the kernel's smallest round trip."""
    with world.inside("server"):
        listener = socket.create_server((relay.FAR, _PORT))
    told, tell = os.pipe()
    sender = os.fork()
    if not sender:
        _send(world, tell, for_s)
    os.close(tell)
    try:
        with listener, listener.accept()[0] as receiver:
            while receiver.recv(1 << 18):
                pass  # until the sender has seen enough
        return _SEEN.unpack(os.read(told, _SEEN.size))
    finally:
        os.close(told)
        os.waitpid(sender, 0)


def _send(world: World, tell: int, for_s: float) -> None:
    """Never returns. Sends until the other thread has looked for long enough, and ends the process."""
    try:
        with world.inside("client"), socket.create_connection((relay.FAR, _PORT)) as sender:
            threading.Thread(target=_look, args=(sender, tell, for_s), daemon=True).start()
            while True:
                sender.sendall(b"\0" * (1 << 16))
    finally:
        os._exit(1)


def _look(sender: socket.socket, tell: int, for_s: float) -> None:
    """Never returns."""
    try:
        time.sleep(_WARM_UP_S)
        seen = []
        for _ in range(round(for_s / _EVERY_S)):
            time.sleep(_EVERY_S)
            seen.append(_number(sender, _SIOCOUTQ) - _number(sender, _SIOCOUTQNSD))
        info = sender.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)
        rtt_s = struct.unpack_from("I", info, _MIN_RTT_AT)[0] / 1e6
        os.write(tell, _SEEN.pack(statistics.median(seen), rtt_s))
    finally:
        os._exit(0)


def _number(of: socket.socket, request: int) -> int:
    return int(struct.unpack("i", fcntl.ioctl(of, request, bytes(4)))[0])
