"""All resources of one host against its load."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

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
from netaudit.capacity.figures import machine_of
from netaudit.capacity.host import Host
from netaudit.model.capacity import Assessment
from netaudit.model.facts import Facts
from netaudit.model.workload import HostLoad, Load, Workload

# In the order of a packet that is looked at from the application down.
_RESOURCES: Sequence[Callable[[Host], Iterator[Assessment]]] = (
    descriptors.assess, accept_queue.assess, syn_queue.assess, ports.assess, time_wait.assess, orphans.assess,
    socket_buffers.assess, tcp_memory.assess, udp.assess, conntrack.assess, neighbours.assess, softirq.assess,
    ring.assess, link.assess, memory.assess,
)  # fmt: skip

DOMAINS = frozenset({
    "sysctl", "sockstat", "sockets", "listeners", "nics", "routing", "neighbours", "conntrack", "firewall", "memory",
    "cpu", "kernel", "limits",
})  # fmt: skip


def assess(facts: Facts, load: HostLoad) -> tuple[Assessment, ...]:
    """Every row of one host, layer by layer; none where nothing of the workload is for it."""
    if not load.loads:
        return ()
    host = Host(facts, load)
    return tuple(row for resource in _RESOURCES for row in resource(host))


def load_of(
    workload: Workload,
    host: str,
    matches: Callable[[str], frozenset[str]],
    *,
    scale: float = 1.0,
    what_if: Mapping[str, str] | None = None,
) -> HostLoad:
    """What the workload puts on one host. ``matches`` gives the hosts of a pattern."""
    loads = []
    for load in workload.loads:
        hosts = matches(load.hosts)
        if host in hosts:
            loads.append(_of_one(load, len(hosts)).times(scale))
    machines = [machine for machine in workload.machines if host in matches(machine.hosts)]
    return HostLoad(tuple(loads), machine_of(machines), workload.present, workload.assumes, dict(what_if or {}))


def _of_one(load: Load, hosts: int) -> Load:
    """A load of many hosts, evenly shared."""
    return load.times(1 / hosts) if load.is_total else load
