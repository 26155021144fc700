"""The input backlog of a CPU: packets that arrive at once, until the kernel drops the first.

A datagram of many segments is flooded by a bridge to many ports. Every port cuts it into packets, all of them while
softirqs are held off: so a known number of packets comes to the backlog before the first is taken out.
"""

from __future__ import annotations

import json
import os
import socket

from capacity.outcome import Outcome
from capacity.world import World, ip, row_of
from netaudit.capacity.assess import assess
from netaudit.model.workload import HostLoad, Load, LoadKind, Machine, Ways

_UDP_SEGMENT = 103
_SEGMENT_BYTES = 100
_MOST_SEGMENTS = 60
_BROADCAST = ("198.18.253.255", 9)


def of_one_cpu(world: World) -> Outcome:
    """netdev_max_backlog is one setting of the host, is read there, and left as it is."""
    load = Load(
        "bench", "all", LoadKind.TRAFFIC, packets_per_s=Ways(1000.0, 0.0), bandwidth_bps=Ways(1.0, 1.0), interface="lo"
    )
    rows = assess(world.facts(None), HostLoad((load,), Machine(softirq_pause_s=1.0)))
    predicted = (row_of(rows, "softirq-backlog").breaks_at or 0.0) * 1000
    ports = round(predicted / 50)
    _bridge(world, ports)
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        with world.inside("client"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sender.setsockopt(socket.SOL_UDP, _UDP_SEGMENT, _SEGMENT_BYTES)
            held = 0
            for segments in range(1, _MOST_SEGMENTS + 1):
                before = _dropped(world)
                sender.sendto(bytes(_SEGMENT_BYTES * segments), _BROADCAST)
                if _dropped(world) > before:
                    break
                held = ports * segments
    finally:
        os.sched_setaffinity(0, allowed)
    return Outcome(f"input backlog: packets that come at once, in steps of {ports}", predicted, held, 0.25)


def _bridge(world: World, ports: int) -> None:
    """A bridge with an address and so many ports, whose other ends are up and have no address."""
    client, void = world.names["client"], world.names["void"]
    ip("-n", client, "link", "add", "flood0", "type", "bridge", "mcast_snooping", "0")
    ip("-n", client, "addr", "add", "198.18.253.1/24", "brd", "+", "dev", "flood0")
    for port in range(ports):
        name = f"port{port}"
        ip("-n", client, "link", "add", name, "type", "veth", "peer", "name", name, "netns", void)
        world.command("client", "ethtool", "-K", name, "tx-udp-segmentation", "off")
        ip("-n", client, "link", "set", name, "master", "flood0", "up")
        ip("-n", void, "link", "set", name, "up")
    ip("-n", client, "link", "set", "flood0", "up")


def _dropped(world: World) -> int:
    """Packets that the other ends of the ports did not get."""
    links = json.loads(world.command("void", "ip", "-j", "-s", "link", "show"))
    return sum(link["stats64"]["rx"]["dropped"] for link in links)
