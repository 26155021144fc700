"""The link: bits a second on the wire, and packets a second where a provider limits them."""

from __future__ import annotations

from collections.abc import Iterator

from netaudit.capacity.figures import Inquiry
from netaudit.capacity.host import Host
from netaudit.capacity.rows import Limit, Need, Resource, not_concerned, row, unknown
from netaudit.capacity.traffic import Flow, Traffic, flows, traffic_of
from netaudit.capacity.words import bits, number, per_second
from netaudit.model.capacity import Assessment, Uncertainty
from netaudit.model.reading import Absent, AbsentReason, Maybe

_NO_NIC = Absent(AbsentReason.NOT_PRESENT, "no single interface carries the load")
_SOURCES = (
    "IEEE 802.3: preamble, check sequence and gap take 24 bytes a frame",
    "netdata: health.d/net.conf (85 to 90 %)",
)
BANDWIDTH = Resource(
    "link-bandwidth", "Bandwidth of the link", "link", "bit/s", 1 / 0.7,
    Uncertainty(0.9, 1.1, "sizes of messages, and how often sessions of TLS are resumed"),
    "packets wait, then are dropped; above 70 % at the peak short bursts already do", _SOURCES,
)  # fmt: skip
PACKETS = Resource(
    "link-packets", "Packets a second of the link", "link", "packets/s", 1 / 0.7,
    Uncertainty(0.7, 1.3, "acknowledgements, and how requests fall into segments"),
    "the provider drops what exceeds it, which only its own counters tell", _SOURCES,
)  # fmt: skip


def assess(host: Host) -> Iterator[Assessment]:
    """A row for each interface, direction and resource."""
    for flow in flows(host):
        if flow.nic is None and flow.name:
            yield unknown(BANDWIDTH, f"there is no interface {flow.name}", flow.name, flow.loads)
            continue
        for way in ("in", "out"):
            inquiry = Inquiry(host.load)
            both = traffic_of(flow, inquiry)
            traffic = both.incoming if way == "in" else both.outgoing
            yield _bandwidth(host, flow, way, traffic, inquiry)
            yield _packets(host, flow, way, traffic)


def _bandwidth(host: Host, flow: Flow, way: str, traffic: Traffic, inquiry: Inquiry) -> Assessment:
    limit, evidence = speed_of(host, flow)
    if isinstance(limit, Absent):
        if flow.nic is None:
            inquiry.need("interface", flow.loads[0])
        else:
            inquiry.need("link_bps")
    formula = f"{bits(traffic.wire_bps)} on the wire, in {per_second(traffic.packets)} packets"
    if traffic.packets:
        formula += f" of {number(traffic.wire_bps / 8 / traffic.packets)} bytes"
    need = Need(traffic.wire_bps, formula)
    return row(BANDWIDTH, host, inquiry, flow.loads, need, Limit(limit, evidence), subject=_subject(flow, way))


def _packets(host: Host, flow: Flow, way: str, traffic: Traffic) -> Assessment:
    inquiry = Inquiry(host.load)
    traffic_of(flow, inquiry)
    if host.load.machine.packet_limit_per_s is None and not host.is_virtual:
        return not_concerned(PACKETS, "not limited beside the bandwidth on bare metal", _subject(flow, way), flow.loads)
    limit = inquiry.machine("packet_limit_per_s")
    need = Need(traffic.packets, f"{per_second(traffic.packets)} packets")
    return row(PACKETS, host, inquiry, flow.loads, need, Limit(limit, "as declared"), subject=_subject(flow, way))


def _subject(flow: Flow, way: str) -> str:
    return f"{flow.name} {way}" if flow.name else way


def speed_of(host: Host, flow: Flow) -> tuple[Maybe[float], str]:
    """The speed of the link: as declared, else as the interface tells."""
    declared = host.load.machine.link_bps
    if declared is not None:
        return declared, f"{bits(declared)} as declared"
    if flow.nic is None:
        return _NO_NIC, ""
    speed = flow.nic.speed_mbps
    if isinstance(speed, Absent):
        return speed, ""
    return speed * 1e6, f"/sys/class/net/{flow.nic.name}/speed = {speed} Mbit/s"


def line_rate_packets(speed_bps: float, frame_bytes: float) -> float:
    """The most frames a second of that size, from destination address to payload with 4 bytes of check sequence."""
    return speed_bps / 8 / (frame_bytes + 20)
