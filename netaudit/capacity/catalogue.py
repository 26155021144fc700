"""Every resource that is weighed, by its id: for reports that explain, and for the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from netaudit.capacity import (
    accept_queue,
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
