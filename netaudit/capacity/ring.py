"""The receive ring of a device: packets that arrive before the CPU takes them out.

A ring covers stalls that are shorter than it lasts, and no lasting overload. Virtual interfaces have none.
"""

from __future__ import annotations

from collections.abc import Iterator

from netaudit.capacity.figures import Inquiry
from netaudit.capacity.host import RX_RING, Host
from netaudit.capacity.rows import Limit, Need, Resource, ceil_pow2, not_concerned, row, unknown
from netaudit.capacity.softirq import queues_of, skew_of
from netaudit.capacity.traffic import Flow, flows, traffic_of
from netaudit.capacity.words import number, per_second, seconds
from netaudit.model.capacity import Assessment, SettingChange, Uncertainty
from netaudit.model.facts import Nic
from netaudit.model.reading import Absent, Maybe

RESOURCE = Resource(
    id="rx-ring",
    title="Receive ring",
    layer="nic",
    unit="packets",
    headroom=1.0,
    uncertainty=Uncertainty(0.5, 2.0, "the longest delay before received packets are handled"),
    consequence="the device drops packets that the kernel never sees",
    sources=("Red Hat: network performance tuning guide (RHEL 9)", "AWS ENA driver: best practices"),
)


def assess(host: Host) -> Iterator[Assessment]:
    """A row for each interface with a ring."""
    for flow in flows(host):
        if flow.nic is None:
            yield unknown(
                RESOURCE, "which interface carries the load is not known; say `interface`", flow.name, flow.loads
            )
        elif not flow.nic.is_physical:
            yield not_concerned(RESOURCE, f"{flow.nic.kind} interfaces have no ring", flow.nic.name, flow.loads)
        else:
            yield _row(host, flow, flow.nic)


def _row(host: Host, flow: Flow, nic: Nic) -> Assessment:
    inquiry = Inquiry(host.load, host.is_virtual)
    packets = traffic_of(flow, inquiry).incoming.packets
    queues = queues_of(nic)
    skew = skew_of(queues, inquiry)
    pause = inquiry.machine("softirq_pause_s")
    per_queue = packets / queues * skew
    spread = f" × {skew:g} / {queues} queues" if queues > 1 else ""
    formula = f"{per_second(packets)}{spread} × {seconds(pause)} = {number(per_queue * pause)} packets"
    slots, most = _slots(host, nic)
    if isinstance(slots, int | float) and per_queue:
        formula += f"; {number(slots)} descriptors last {seconds(slots / per_queue)}"
    wanted = ceil_pow2(per_queue * pause)
    note = (
        "the link may go down for seconds" if not isinstance(most, int) or most >= wanted else f"the device has {most}"
    )
    evidence = f"ethtool -g {nic.name}: RX {slots}" + ("" if isinstance(most, Absent) else f" of {most}")
    return row(
        RESOURCE, host, inquiry, flow.loads, Need(per_queue * pause, formula), Limit(slots, evidence),
        subject=nic.name, is_stock=False,
        changes=[SettingChange(RX_RING, str(min(wanted, most) if isinstance(most, int) else wanted), str(slots),
                               nic.name, note)],
    )  # fmt: skip


def _slots(host: Host, nic: Nic) -> tuple[Maybe[float], Maybe[int]]:
    tried = host.tried(RX_RING)
    if isinstance(nic.rings, Absent):
        return (float(tried) if tried else nic.rings), nic.rings
    return (float(tried) if tried else nic.rings.rx_slots), nic.rings.rx_max_slots


def absorb_s(slots: float, packets_per_s: float) -> float:
    """How long a ring of so many descriptors lasts."""
    return slots / packets_per_s
