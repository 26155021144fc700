"""Addresses of interfaces, as ip, ifconfig or, where neither is installed, the files of /proc/net show them."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from netaudit.facts.numbers import natural
from netaudit.facts.parts import Parts
from netaudit.facts.socket_rows import plain_host
from netaudit.model.facts import InterfaceAddress

MAX_ADDRESSES = 64  # of one interface; a load balancer of Kubernetes holds thousands

_OF_LINKS = "fe80::/64"  # every interface has an address in it, and reading one as IPv6 takes ten times as long
_LINK_LOCAL = re.compile(r"fe80::(?:[0-9a-f]{1,4}:){0,3}[0-9a-f]{1,4}/64")
_SCOPES = {"00": "global", "10": "host", "20": "link"}  # IPV6_ADDR_* of <net/ipv6.h>


@lru_cache(maxsize=128)
def ip_address(line: str) -> InterfaceAddress:
    """``inet 192.0.2.2/24 brd … scope global eth0``; of a point-to-point link the peer has the length."""
    words = line.split()
    own, _, length = words[1].partition("/")
    network = words[1]
    if "peer" in words:
        network = words[words.index("peer") + 1]
        length = network.partition("/")[2]
    scope = words[words.index("scope") + 1] if "scope" in words else "global"
    return interface_address(words[0], own, length, scope, network)


def interface_address(family: str, own: str, length: str, scope: str, network: str = "") -> InterfaceAddress:
    """One address with its subnet. Without a length it is a host address."""
    bits = natural(length) if length else (32 if family == "inet" else 128)
    network = network or f"{own}/{bits}"
    subnet = _OF_LINKS if _LINK_LOCAL.fullmatch(network) else str(ipaddress.ip_network(network, strict=False))
    return InterfaceAddress(family, own, bits, subnet, scope)


def read_ifconfig(text: str) -> dict[str, list[InterfaceAddress]]:
    """The addresses of ``ifconfig -a`` by interface: net-tools old and new, and busybox."""
    found: dict[str, list[InterfaceAddress]] = {}
    name = ""
    for line in text.split("\n"):
        words = line.split()
        if words and not line[0].isspace():
            name = words[0].rstrip(":")
        elif len(words) > 2 and words[0] in {"inet", "inet6"} and len(found.get(name, ())) < MAX_ADDRESSES:
            found.setdefault(name, []).append(_ifconfig_address(words))
    return found


def _ifconfig_address(words: list[str]) -> InterfaceAddress:
    fields = dict(word.split(":", 1) for word in words[1:] if ":" in word and words[0] == "inet")
    own = fields.get("addr") or (words[2] if words[1] == "addr:" else words[1])
    own, _, length = own.partition("/")
    mask = fields.get("Mask") or (words[words.index("netmask") + 1] if "netmask" in words else "")
    if mask:
        length = str(sum(natural(part).bit_count() for part in mask.split(".")))
    if "prefixlen" in words:
        length = words[words.index("prefixlen") + 1]
    scope = "link" if own.startswith("fe80:") else "host" if own in {"::1", "127.0.0.1"} else "global"
    return interface_address(words[0], own, length, scope)


def read_proc_addresses(parts: Parts) -> dict[str, list[InterfaceAddress]]:
    """The addresses that /proc/net/if_inet6, and fib_trie together with route, give away."""
    found: dict[str, list[InterfaceAddress]] = {}
    for name, address in [*_ipv4_of_proc(parts), *_ipv6_of_proc(parts)]:
        kept = found.setdefault(name, [])
        if len(kept) < MAX_ADDRESSES and address not in kept:
            kept.append(address)
    return found


def _ipv6_of_proc(parts: Parts) -> list[tuple[str, InterfaceAddress]]:
    """Address, interface index, length, scope, flags, name; numbers in hexadecimal."""
    found = []
    for line in parts.texts.get("if_inet6", "").split("\n"):
        words = line.split()
        if len(words) == 6:
            own = str(ipaddress.IPv6Address(bytes.fromhex(words[0])))
            scope = _SCOPES.get(words[3], "global")
            found.append((words[5], interface_address("inet6", own, str(int(words[2], 16)), scope)))
    return found


def _ipv4_of_proc(parts: Parts) -> list[tuple[str, InterfaceAddress]]:
    """The local addresses of the trie; the connected route that holds one tells its interface and its length."""
    connected = []
    for line in parts.texts.get("route", "").split("\n")[1:]:
        words = line.split()
        if len(words) > 7 and words[2] == "00000000" and words[7] != "00000000":
            network = f"{plain_host(words[1])}/{int(words[7], 16).bit_count()}"
            connected.append((words[0], ipaddress.IPv4Network(network)))
    found = []
    above = ""
    for line in parts.texts.get("fib_trie", "").split("\n"):
        if "/32 host LOCAL" in line and above.startswith("|-- "):
            own = ipaddress.IPv4Address(above[4:])
            if own.is_loopback:
                found.append(("lo", interface_address("inet", str(own), "8", "host")))
            for name, subnet in connected:
                if own in subnet:
                    found.append((name, interface_address("inet", str(own), str(subnet.prefixlen), "global")))
        above = line.strip()
    return found
