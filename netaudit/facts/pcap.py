"""Captured packets as TCP headers: the format of libpcap, link type "Linux cooked", IPv4 and IPv6.

Knows the two layouts that the probe ``pcap_headers`` asks tcpdump for (draft-ietf-opsawg-pcap, LINKTYPE_LINUX_SLL).
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import struct
from collections.abc import Iterator

from netaudit.facts.parts import split_parts
from netaudit.model.pcap import TcpHeader
from netaudit.model.probe import Section

_MAGIC = {0xA1B2C3D4: 1_000_000, 0xA1B23C4D: 1_000_000_000}
_LINUX_SLL = 113
_SLL_BYTES = 16
_IPV4, _IPV6 = 0x0800, 0x86DD
_IPV4_BYTES, _IPV6_BYTES, _TCP_BYTES = 20, 40, 20
_TCP = 6
_FIN, _SYN, _RST, _ACK = 1, 2, 4, 16
_OUTGOING = 4  # of the packet type of a cooked header
_MOST = 20_000


def parse_headers(section: Section) -> tuple[TcpHeader, ...]:
    """The headers of a section in the order of time. Raises ValueError for what is no capture."""
    parts = split_parts(section)
    found: list[TcpHeader] = []
    for label in ("pcap4", "pcap6"):
        text = "".join(parts.texts.get(label, "").split())
        if text:
            found += _packets(_decoded(text))
    return tuple(sorted(found, key=lambda one: one.at_s))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"no base64: {error}") from error


def _packets(data: bytes) -> Iterator[TcpHeader]:
    """The packets of one file; a last one that is cut off is left out."""
    if len(data) < 24:
        raise ValueError("a capture file begins with 24 bytes")
    order = "<" if struct.unpack_from("<I", data)[0] in _MAGIC else ">"
    magic, *_, link = struct.unpack_from(f"{order}IHHiIII", data)
    if magic not in _MAGIC:
        raise ValueError(f"no capture file: it begins with {magic:#x}")
    if link & 0xFFFF != _LINUX_SLL:
        raise ValueError(f"link type {link} is not the one that was asked for")
    at = 24
    for _ in range(_MOST):
        if at + 16 > len(data):
            return
        seconds, fraction, length, _whole = struct.unpack_from(f"{order}IIII", data, at)
        at += 16
        packet = data[at : at + length]
        at += length
        header = _header(packet, seconds + fraction / _MAGIC[magic])
        if header is not None:
            yield header


def _header(packet: bytes, at_s: float) -> TcpHeader | None:
    if len(packet) < _SLL_BYTES:
        return None
    kind, protocol = struct.unpack_from(">H", packet)[0], struct.unpack_from(">H", packet, 14)[0]
    body = packet[_SLL_BYTES:]
    if protocol == _IPV4 and len(body) >= _IPV4_BYTES and body[9] == _TCP:
        source, destination = str(ipaddress.IPv4Address(body[12:16])), str(ipaddress.IPv4Address(body[16:20]))
        tcp = body[(body[0] & 15) * 4 :]
    elif protocol == _IPV6 and len(body) >= _IPV6_BYTES and body[6] == _TCP:
        source, destination = str(ipaddress.IPv6Address(body[8:24])), str(ipaddress.IPv6Address(body[24:40]))
        tcp = body[_IPV6_BYTES:]
    else:
        return None
    if len(tcp) < 14:
        return None
    source_port, destination_port = struct.unpack_from(">HH", tcp)
    return TcpHeader(
        at_s, source, source_port, destination, destination_port, _flags(tcp[13]), is_outgoing=kind == _OUTGOING
    )


def _flags(flags: int) -> str:
    names = [name for bit, name in ((_SYN, "SYN"), (_FIN, "FIN"), (_RST, "RST")) if flags & bit]
    if flags & _ACK and "FIN" not in names:
        names.append("ACK")
    return "-".join(names)
