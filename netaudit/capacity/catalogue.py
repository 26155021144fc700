"""Every resource that is weighed, by its id: for reports that explain, and for the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from netaudit.capacity import (
    accept_queue,
    backlog,
    conntrack,
    descriptors,
    link,
    memory,
    neighbours,
    orphans,
    ports,
    ring,
    socket_buffers,
    softirq,
    syn_queue,
    tcp_memory,
    time_wait,
    udp,
)
from netaudit.capacity.host import WORDS
from netaudit.capacity.rows import Resource

RESOURCES: Mapping[str, Resource] = MappingProxyType({
    resource.id: resource
    for resource in (
        descriptors.PROCESS, descriptors.SYSTEM, accept_queue.RESOURCE, syn_queue.WITH_COOKIES, ports.RESOURCE,
        time_wait.RESOURCE, orphans.RESOURCE, socket_buffers.RECEIVE, socket_buffers.SEND, tcp_memory.RESOURCE,
        udp.RESOURCE, conntrack.ENTRIES, conntrack.CHAINS, conntrack.MEMORY, conntrack.NAT, neighbours.RESOURCE,
        softirq.CPU, softirq.BACKLOG, softirq.ROUND, ring.RESOURCE, link.BANDWIDTH, link.PACKETS, memory.RESOURCE,
    )
})  # fmt: skip

# What can be tried out with an effect: everything that a formula reads.
SETTINGS = frozenset({
    *WORDS, backlog.SOMAXCONN, syn_queue.SYNCOOKIES, syn_queue.MAX_SYN_BACKLOG, ports.RANGE, ports.RESERVED,
    ports.TW_REUSE, ports.TIMESTAMPS, ports.REUSE_DELAY, time_wait.MAX_TW_BUCKETS, orphans.MAX_ORPHANS,
    socket_buffers.RMEM, socket_buffers.WMEM, tcp_memory.TCP_MEM, udp.RMEM_DEFAULT, udp.RMEM_MAX, conntrack.MAX,
    conntrack.BUCKETS, neighbours.THRESH2, neighbours.THRESH3, softirq.MAX_BACKLOG, softirq.BUDGET,
    descriptors.FILE_MAX, descriptors.NR_OPEN, *conntrack.TIMEOUTS,
})  # fmt: skip
