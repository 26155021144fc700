"""What captured headers say of a host: who opens, who ends, and which SYNs were repeated, refused or never answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from netaudit.diagnosis.beside import answer_of
from netaudit.facts.pcap import parse_headers
from netaudit.model.pcap import HostHeaders, TcpHeader
from netaudit.model.probe import Capture
from netaudit.model.reading import Absent

PROBE = "pcap_headers"
_ANSWER_WITHIN_S = 1.0  # a SYN at the very end of a capture may be answered after it
_SAME_WITHIN_S = 0.005  # on two interfaces, or both ways over loopback
_TOLD = 3


def headers_of(captures: Sequence[Capture]) -> HostHeaders | None:
    """What was captured among the samples of one host; None when nothing was asked for."""
    found = answer_of(captures, PROBE, parse_headers, tuple)
    if isinstance(found, Absent):
        return HostHeaders(absent=str(found))
    return None if found is None else summed(found)


def summed(headers: tuple[TcpHeader, ...]) -> HostHeaders:
    """The headers with what they say together. A packet that passes two interfaces is seen twice, and counts once."""
    last: dict[tuple[object, ...], float] = {}
    kept: list[TcpHeader] = []
    for one in headers:
        if one.at_s - last.get((one.flow, one.flags), 0.0) > _SAME_WITHIN_S:
            kept.append(one)
        last[one.flow, one.flags] = one.at_s
    counts = Counter(one.flags for one in kept)
    return HostHeaders(headers=tuple(kept), counts=tuple(counts.most_common()), findings=tuple(_findings(kept)))


def _findings(headers: Sequence[TcpHeader]) -> Iterator[str]:
    """SYNs by what became of them."""
    syns: dict[tuple[str, int, str, int], list[float]] = {}
    for one in headers:
        if one.flags == "SYN":
            syns.setdefault(one.flow, []).append(one.at_s)
    answered = {one.reverse for one in headers if one.flags == "SYN-ACK"}
    refused = {one.reverse for one in headers if one.flags.startswith("RST")} & syns.keys() - answered
    last_s = headers[-1].at_s if headers else 0.0
    repeated = [flow for flow, times in syns.items() if len(times) > 1]
    silent = [
        flow
        for flow, times in syns.items()
        if flow not in answered and flow not in refused and (len(times) > 1 or last_s - times[0] > _ANSWER_WITHIN_S)
    ]
    for word, flows in (("repeated", repeated), ("refused by a reset", sorted(refused)), ("never answered", silent)):
        if flows:
            places = Counter(f"{destination} port {port}" for _, _, destination, port in flows)
            told = ", ".join(f"{place} ({count})" for place, count in places.most_common(_TOLD))
            yield f"{len(flows)} of {len(syns)} SYNs {word}: to {told}"
