"""The table of connection tracking: flows of datagrams until the kernel evicts the first; and what a close leaves."""

from __future__ import annotations

import socket
from itertools import count
from pathlib import Path

from capacity.outcome import Outcome
from capacity.world import SERVER, World, row_of
from netaudit.model.workload import Load, LoadKind, Rate

_RULES = """
table ip bench {
    chain out {
        type filter hook output priority 0
        ct state new counter
    }
}
"""
_NETWORK = "198.19.0.0/20"
_LOOK_EVERY = 256
_PORT = 20000


def prepared(world: World) -> World:
    """The same world: the client tracks its flows, and has somewhere to send them where nobody answers."""
    world.swallow("client", _NETWORK)
    world.command("client", "nft", "-f", "-", text=_RULES)
    return world


def entries(world: World) -> Outcome:
    """The limit is one number for the host and stays as it is: it is reached with flows that nobody answers."""
    load = Load(
        "bench", "all", LoadKind.UDP, new_flows_per_s=1000.0, flow_lifetime_s=0.0, is_tracked=True, datagram_bytes=1.0
    )
    row = row_of(world.rows("client", load), "conntrack-entries")
    predicted = (row.breaks_at or 0.0) * (row.required or 0.0)
    before = _evicted(world)
    with world.inside("client"):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sender:
        for sent in count():
            sender.sendto(b"x", (f"198.19.{sent >> 8 & 15}.{sent & 255}", 1024 + (sent >> 12)))
            if sent % _LOOK_EVERY == 0 and (sent > 2 * predicted or _evicted(world) > before):
                break
    return Outcome("tracked flows until the first eviction", predicted, sent, 0.10)


def _evicted(world: World) -> int:
    """Entries that had to make room, and new ones that found none: the sum over CPUs."""
    with world.inside("client"):
        lines = Path("/proc/thread-self/net/stat/nf_conntrack").read_text().splitlines()
    names, *rows = (line.split() for line in lines)
    places = [names.index(name) for name in ("drop", "early_drop")]
    return sum(int(row[place], 16) for row in rows for place in places)


def after_close(world: World, connections: int) -> Outcome:
    """Entries that short connections leave behind, all of them closed with a FIN."""
    load = Load(
        "bench", "all", LoadKind.OUTBOUND, new_connections=Rate(connections / 120, connections / 120), concurrent=0.0,
        reset_ratio=0.0, is_tracked=True, closes_first_ratio=1.0,
    )  # fmt: skip
    row = next(each for each in world.rows("client", load) if each.resource == "conntrack-entries")
    before = _count(world)
    with world.inside("server"):
        listener = socket.create_server((SERVER, _PORT), backlog=4096)
    with listener, world.inside("client"):
        for _ in range(connections):
            with socket.create_connection((SERVER, _PORT)):
                accepted, _ = listener.accept()
            accepted.close()
    return Outcome(f"entries after {connections} short connections", row.required or 0.0, _count(world) - before, 0.10)


def _count(world: World) -> int:
    with world.inside("client"):
        return int(Path("/proc/sys/net/netfilter/nf_conntrack_count").read_text())
