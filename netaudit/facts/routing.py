"""Routes and policy rules: the domain ``routing``. From ip-route(8), else from /proc/net/route and ipv6_route."""

from __future__ import annotations

import ipaddress
import itertools
from dataclasses import replace
from functools import lru_cache

from netaudit.facts.neighbours import NUD_STATES
from netaudit.facts.numbers import natural
from netaudit.facts.parts import Parts, split_parts
from netaudit.facts.socket_rows import plain_host
from netaudit.model.facts import Route, Routing
from netaudit.model.probe import Section
from netaudit.model.reading import Absent, AbsentReason

MAX_ROUTES = 500

_KINDS = frozenset({
    "unicast", "blackhole", "unreachable", "prohibit", "throw", "local", "broadcast", "multicast", "anycast", "nat",
})  # fmt: skip
_FIELDS = frozenset({
    "via", "dev", "table", "proto", "src", "metric", "mtu", "advmss", "initcwnd", "initrwnd",
})  # fmt: skip
_OF_THE_MOMENT = frozenset({
    "linkdown", "dead", "unresolved", "offload", "rt_offload", "offload_failed", "trap", "rt_trap", "cache", "notify",
})  # fmt: skip
_LEFT_OUT = frozenset({"local", "broadcast", "multicast", "anycast"})
_STANDARD_RULES = ("0:", "32766:", "32767:")
_GATEWAY, _REJECT = 0x2, 0x200  # RTF_* of <linux/route.h>
_ANYCAST, _LOCAL = 0x00100000, 0x80000000  # RTF_* of <linux/ipv6_route.h>
_NO_RULES = Absent(AbsentReason.NOT_PRESENT, "ip is not installed")
_NULL_ENTRY = 0xFFFFFFFF  # metric of the entry that ends every IPv6 table


def parse_routing(section: Section) -> Routing:
    """The routes of both families in the order of ip, and whether rules choose among tables."""
    parts = split_parts(section)
    if "ip" not in parts.texts:
        routes = _of_proc(parts)
        return Routing(tuple(routes[:MAX_ROUTES]), _NO_RULES, len(routes) > MAX_ROUTES)
    routes, rules = _of_ip(parts["ip"])
    if "ip6" in parts.texts:  # of an ip that is asked for each family by itself
        routes += [replace(route, family="inet6") for route in _of_ip(parts["ip6"])[0]]
    kept = [route for route in routes if route.kind not in _LEFT_OUT]
    return Routing(tuple(kept[:MAX_ROUTES]), rules, len(kept) > MAX_ROUTES)


def _of_ip(text: str) -> tuple[list[Route], int]:
    """Routes, and how many rules there are beyond the standard ones; neighbours between them are passed over."""
    routes: list[Route] = []
    rules = 0
    for line in text.split("\n"):
        words = line.split()
        if not words or words[-1] in NUD_STATES:
            continue
        if words[0][:-1].isdigit() and words[0].endswith(":"):
            rules += words[0] not in _STANDARD_RULES
        elif line[0].isspace() and words[0] == "nexthop":
            _add_hop(routes, words)
        else:
            routes.append(_route(line) if " src " in line else _route_alike(line))
    return routes, rules


def _route(line: str) -> Route:
    """``10.0.0.0/8 via 192.0.2.1 dev eth0 table 100 metric 5 mtu lock 1400 initcwnd 20``."""
    words = line.split()
    kind = "unicast"
    if words[0] in _KINDS:
        kind, words = words[0], words[1:]
    named = _named(words)
    gateway = named.get("via", "")
    destination = words[0]
    is_ipv6 = ":" in destination or ":" in named.get("src", "") or (destination == "default" and "pref" in named)
    if destination == "default" and not is_ipv6:
        is_ipv6 = ":" in gateway and gateway != "inet6"  # "via inet6 …" leads an IPv4 route over an IPv6 gateway
    if gateway in {"inet", "inet6"}:
        gateway = words[words.index("via") + 2]
    if destination != "default" and "/" not in destination:
        destination += "/128" if is_ipv6 else "/32"
    return Route(
        family="inet6" if is_ipv6 else "inet",
        table=named.get("table", "main"),
        kind=kind,
        destination=destination,
        gateway=gateway,
        device=named.get("dev", ""),
        source=named.get("src", ""),
        metric=_number(named, "metric"),
        locked=tuple(name for name, word in itertools.pairwise(words) if word == "lock"),
        mtu=_number(named, "mtu"),
        initcwnd=_number(named, "initcwnd"),
        initrwnd=_number(named, "initrwnd"),
        advmss=_number(named, "advmss"),
        protocol=named.get("proto", ""),
        further=_further(words[1:]),
    )


_route_alike = lru_cache(maxsize=1024)(_route)  # hosts of one network share its gateways; a source is an own address


def _named(words: list[str]) -> dict[str, str]:
    """Each word with the one behind it, but for ``lock``, which stands between a metric's name and its value."""
    words = [word for word in words if word != "lock"]
    return dict(itertools.pairwise(words[1:]))


def _further(words: list[str]) -> tuple[str, ...]:
    """The words that stand in no field, in their order, but for those that tell of the moment alone."""
    found: list[str] = []
    place = 0
    while place < len(words):
        word = words[place]
        if word in _FIELDS:
            place += 1
            while place < len(words) - 1 and words[place] in {"lock", "inet", "inet6"}:
                place += 1
        elif word not in _OF_THE_MOMENT:
            found.append(word)
        place += 1
    return tuple(found)


def _number(named: dict[str, str], name: str) -> int | None:
    return natural(named[name]) if name in named else None


def _add_hop(routes: list[Route], words: list[str]) -> None:
    """One more entry for a further next hop; the first one fills in the route that it belongs to."""
    named = _named(words)
    last = routes[-1]
    gateway = named.get("via", "")
    is_ipv6 = ":" in gateway and last.destination == "default"
    if gateway in {"inet", "inet6"}:
        gateway = words[words.index("via") + 2]
    if not last.device and not last.gateway:
        routes.pop()
    family = "inet6" if is_ipv6 else last.family
    routes.append(replace(last, family=family, gateway=gateway, device=named.get("dev", "")))


def _of_proc(parts: Parts) -> list[Route]:
    """For hosts without ip: the main table alone, and no rules."""
    found = [_ipv4(line.split()) for line in parts.texts.get("route", "").split("\n")[1:] if line]
    found += [_ipv6(line.split()) for line in parts.texts.get("ipv6_route", "").split("\n") if line]
    return [route for route in found if route.kind not in _LEFT_OUT]


def _ipv4(words: list[str]) -> Route:
    """Interface, destination, gateway, flags, reference count, use, metric, mask, MTU, window, round-trip time."""
    flags = int(words[3], 16)
    bits = int(words[7], 16).bit_count()
    destination = f"{plain_host(words[1])}/{bits}" if bits else "default"
    gateway = plain_host(words[2]) if flags & _GATEWAY and words[2] != "00000000" else ""
    device = "" if words[0] == "*" else words[0]
    kind = "unicast" if device and not flags & _REJECT else "unreachable"
    return _plain("inet", kind, destination, gateway, device, natural(words[6]))


def _ipv6(words: list[str]) -> Route:
    """Destination, its length, source, its length, gateway, metric, reference count, use, flags, interface."""
    flags, metric, bits = int(words[8], 16), int(words[5], 16), int(words[1], 16)
    address = ipaddress.IPv6Address(bytes.fromhex(words[0]))
    kind = "unreachable" if flags & _REJECT else "unicast"
    if flags & (_LOCAL | _ANYCAST) or address.is_multicast or metric == _NULL_ENTRY:
        kind = "local"
    gateway = str(ipaddress.IPv6Address(bytes.fromhex(words[4]))) if flags & _GATEWAY else ""
    return _plain("inet6", kind, f"{address}/{bits}" if bits else "default", gateway, words[9], metric)


def _plain(family: str, kind: str, destination: str, gateway: str, device: str, metric: int) -> Route:
    return Route(family, "main", kind, destination, gateway, device, "", metric, None, None, None, None)
