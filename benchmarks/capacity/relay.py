"""A path with a delay of its own: packets of two TUN devices, each handed to the other after a fixed time.

It stands in for a long way between hosts on kernels without a delay queue, and drops nothing by itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import time
from collections import deque
from collections.abc import Iterator

from capacity.world import World, ip

NEAR, FAR = "198.18.254.1", "198.18.254.2"
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_PACKET_BYTES = 65536


@contextlib.contextmanager
def delayed_path(world: World, one_way_s: float) -> Iterator[None]:
    """The client (``NEAR``) and the server (``FAR``) reach each other with that delay each way."""
    ends = []
    relay = 0
    try:
        for who, address, other in (("client", NEAR, FAR), ("server", FAR, NEAR)):
            ends.append(_tun(world, who))
            ip("-n", world.names[who], "addr", "add", address, "peer", other, "dev", "long0")
            ip("-n", world.names[who], "link", "set", "long0", "up", "txqueuelen", "5000")
        relay = os.fork()
        if not relay:
            _carry(ends[0], ends[1], one_way_s)
        yield
    finally:
        if relay:
            os.kill(relay, 9)
            os.waitpid(relay, 0)
        for end in ends:
            os.close(end)


def _tun(world: World, who: str) -> int:
    with world.inside(who):
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", b"long0", _IFF_TUN | _IFF_NO_PI))
    return device


def _carry(one: int, other: int, delay_s: float) -> None:
    """Never returns. Packets wait in the order they came; a look at the clock decides which of them are due."""
    waiting: deque[tuple[float, int, bytes]] = deque()
    toward = {one: other, other: one}
    try:
        while True:
            pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
            ready, _, _ = select.select([one, other], [], [], pause)
            for end in ready:
                with contextlib.suppress(BlockingIOError):
                    while True:
                        packet = os.read(end, _PACKET_BYTES)
                        waiting.append((time.monotonic() + delay_s, toward[end], packet))
            while waiting and waiting[0][0] <= time.monotonic():
                _, end, packet = waiting.popleft()
                with contextlib.suppress(OSError):
                    os.write(end, packet)
    finally:
        os._exit(0)
