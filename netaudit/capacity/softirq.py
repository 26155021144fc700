"""The CPU side of receiving: packets a CPU can handle, the backlog of each CPU, and the budget of one round.

The backlog counts only where packets pass it: receive packet steering, veth, tunnels, loopback. Drivers that poll do
not use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from netaudit.capacity.figures import Inquiry
from netaudit.capacity.host import Host
from netaudit.capacity.rows import Limit, Need, Resource, ceil_pow2, not_concerned, row
from netaudit.capacity.traffic import Flow, flows, traffic_of
from netaudit.capacity.words import number, per_second, seconds
from netaudit.model.capacity import Assessment, SettingChange, Uncertainty
from netaudit.model.facts import Nic
from netaudit.model.reading import Absent

MAX_BACKLOG, BUDGET = "net.core.netdev_max_backlog", "net.core.netdev_budget"
_MASK = re.compile(r"[0-9A-Fa-f]{1,4096}", re.ASCII)
_SOURCES = (
    "kernel: Documentation/admin-guide/sysctl/net.rst (netdev_max_backlog, netdev_budget)",
    "kernel: Documentation/networking/scaling.rst",
    "measured on Linux 6.18: a linear rule of nftables costs about 5 ns a packet",
)
CPU = Resource(
    "softirq-cpu", "Packets that one CPU handles", "nic", "packets/s", 1.0,
    Uncertainty(0.33, 3.0, "the cost of a packet: firewall rules, tracking, drivers; measure it"),
    "the CPU is busy with packets alone, and those beyond it are dropped", _SOURCES,
)  # fmt: skip
BACKLOG = Resource(
    "softirq-backlog", "Input backlog of a CPU", "nic", "packets", 1.0,
    Uncertainty(0.5, 2.0, "the longest delay before received packets are handled"),
    "packets are dropped between driver and IP", _SOURCES,
)  # fmt: skip
ROUND = Resource(
    "softirq-budget", "Packets of one softirq round", "nic", "packets", 1.0,
    Uncertainty(0.5, 2.0, "the longest delay before received packets are handled"),
    "rounds end early (time_squeeze) and the rest waits for the next one: delay, not loss", _SOURCES, is_soft=True,
)  # fmt: skip


def assess(host: Host) -> Iterator[Assessment]:
    """Rows for each interface."""
    for flow in flows(host):
        inquiry = Inquiry(host.load, host.is_virtual)
        packets = traffic_of(flow, inquiry).incoming.packets
        cpus, how = cpus_of(host, flow.nic)
        skew = skew_of(cpus, inquiry)
        per_cpu = packets / cpus * skew
        spread = f" × {skew:g} / {cpus} {how}" if cpus > 1 else ""
        yield _cpu(host, flow, per_cpu, f"{per_second(packets)}{spread}")
        yield from _waiting(host, flow, per_cpu, f"{per_second(packets)}{spread}")


def _asked(host: Host, flow: Flow) -> Inquiry:
    """An inquiry that has been asked for everything that the rate of packets needs."""
    inquiry = Inquiry(host.load, host.is_virtual)
    traffic_of(flow, inquiry)
    skew_of(cpus_of(host, flow.nic)[0], inquiry)
    return inquiry


def _cpu(host: Host, flow: Flow, per_cpu: float, text: str) -> Assessment:
    inquiry = _asked(host, flow)
    limit = Limit(inquiry.machine("packets_per_cpu"), "as declared")
    formula = f"{text} = {per_second(per_cpu)} on the busiest CPU"
    return row(CPU, host, inquiry, flow.loads, Need(per_cpu, formula), limit, subject=flow.name, is_stock=False)


def _waiting(host: Host, flow: Flow, per_cpu: float, text: str) -> Iterator[Assessment]:
    inquiry = _asked(host, flow)
    pause = inquiry.machine("softirq_pause_s")
    need = Need(per_cpu * pause, f"{text} × {seconds(pause)} = {number(per_cpu * pause)} packets wait")
    budget, backlog = host.number(BUDGET), host.number(MAX_BACKLOG)
    wanted = str(ceil_pow2(need.total))
    if flow.nic is not None and flow.nic.is_physical and not is_steered(flow.nic):
        yield not_concerned(BACKLOG, "the driver polls, and packet steering is off", flow.name, flow.loads)
    else:
        held = backlog if isinstance(backlog, Absent) else backlog + 1
        yield row(
            BACKLOG, host, inquiry, flow.loads, need, Limit(held, f"{MAX_BACKLOG} = {backlog}"), subject=flow.name,
            is_stock=False, changes=[SettingChange(MAX_BACKLOG, wanted, str(backlog))],
        )  # fmt: skip
    yield row(
        ROUND, host, inquiry, flow.loads, need, Limit(budget, f"{BUDGET} = {budget}"), subject=flow.name,
        is_stock=False, changes=[SettingChange(BUDGET, wanted, str(budget))],
    )  # fmt: skip


def queues_of(nic: Nic) -> int:
    """Receive queues in use."""
    found = nic.rx_queues
    if not isinstance(nic.channels, Absent):
        found = nic.channels.combined if isinstance(nic.channels.combined, int) else nic.channels.rx
    return max(1, found) if isinstance(found, int) else 1


def is_steered(nic: Nic) -> bool:
    """Whether receive packet steering hands its packets to CPUs of a mask."""
    return any(_cpus_in(mask) for mask in nic.rps_cpus)


def _cpus_in(mask: str) -> int:
    """How many CPUs are in a mask as the kernel prints it: ``ff,ffffffff``; none in what is no mask."""
    digits = mask.replace(",", "")
    return int(digits, 16).bit_count() if _MASK.fullmatch(digits) else 0


def cpus_of(host: Host, nic: Nic | None) -> tuple[int, str]:
    """How many CPUs share the packets of an interface, and by what."""
    cpu = host.facts.cpu
    most = 1 if isinstance(cpu, Absent) else cpu.count
    if nic is None:
        return 1, ""
    if is_steered(nic):
        steered = max(_cpus_in(mask) for mask in nic.rps_cpus)
        return max(1, min(steered, most)), "CPUs of packet steering"
    return max(1, min(queues_of(nic), most)), "CPUs of its queues"


def skew_of(parts: int, inquiry: Inquiry) -> float:
    """How much more than an even share the busiest of several gets; of one there is nothing to share."""
    return 1.0 if parts <= 1 else inquiry.machine("queue_skew")
