"""Reads a workload file: what hosts are to carry. Every fault is an error with its place and the nearest right word.

Keys that mean nothing for a kind of load are refused there, so that a figure is never given in vain. A figure that is
missing is no error: the answer names it where it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from netaudit.baseline.form import Form, items_of, text_of
from netaudit.baseline.node import Node, kind_name
from netaudit.errors import RuleError
from netaudit.model.workload import Load, LoadKind, Machine, Present, Rate, Ways, Workload
from netaudit.units import parse_duration_s, parse_rate_bps, parse_size_bytes

WORKLOAD_KEYS = ("workload", "title", "present", "assume", "loads", "machines")
COMMON_KEYS = ("name", "hosts", "kind", "figures", "interface", "packets", "bandwidth")
CONNECTION_KEYS = (
    "new_connections", "concurrent_connections", "connection_lifetime", "closes_first", "reset", "slow_close", "drain",
    "unanswered_syn", "silently_lost", "tracked", "nat", "public_addresses", "rtt", "loss", "request", "response",
    "keep_alive", "tls", "flow_bandwidth", "unread", "sending", "memory_per_connection",
)  # fmt: skip
_OWN_KEYS = ("process", "processes")
KIND_KEYS: Mapping[LoadKind, tuple[str, ...]] = {
    LoadKind.INBOUND: (*CONNECTION_KEYS, *_OWN_KEYS, "port", "accept_pause", "listen_backlog"),
    LoadKind.OUTBOUND: (
        *CONNECTION_KEYS, *_OWN_KEYS, "destination", "destinations", "local_addresses", "binds_first",
    ),
    LoadKind.FORWARDED: (*CONNECTION_KEYS, "destination", "destinations"),
    LoadKind.UDP: (
        "port", "datagram", "new_flows", "flow_lifetime", "reader_pause", "receive_buffer", "sockets", "tracked",
    ),
    LoadKind.TRAFFIC: (),
}  # fmt: skip
MACHINE_KEYS = ("hosts", "link", "packet_limit", "softirq_pause", "queue_skew", "packets_per_cpu", "neighbours")
RATE_KEYS = ("mean", "burst", "burst_for")
WAYS_KEYS = ("in", "out")
RTT_KEYS = ("median", "p99")
TLS_KEYS = ("full_handshakes",)
PER_HOST, TOTAL = "per-host", "total"
USUAL = "usual"
_PER = {"/s": 1.0, "/min": 60.0, "/h": 3600.0}

V = TypeVar("V")


def workload_of(document: Node, sha256: str = "") -> Workload:
    """The workload of a document. Raises RuleError with the place of the first fault."""
    form = Form(document, "a workload", WORKLOAD_KEYS)
    assume = form.get("assume")
    if assume is not None and assume.value != USUAL:
        raise assume.error(f"'assume' can only be {USUAL!r}", "leave it out, and missing figures are named")
    loads = tuple(_load(node) for node in items_of(form.need("loads"), "'loads'"))
    if not loads:
        raise form.need("loads").error("a workload needs at least one load")
    _refuse_doubles(form.need("loads"), loads)
    listed = form.get("machines")
    return Workload(
        name=form.text("workload"),
        title=form.text("title", form.text("workload")),
        loads=loads,
        machines=() if listed is None else tuple(_machine(node) for node in items_of(listed, "'machines'")),
        present=form.word("present", Present, Present.INCLUDED),
        assumes=assume is not None,
        file=document.source.file,
        sha256=sha256,
    )


def _refuse_doubles(node: Node, loads: tuple[Load, ...]) -> None:
    seen: set[str] = set()
    for item, load in zip(items_of(node, "'loads'"), loads, strict=True):
        if load.name in seen:
            raise item.error(f"there is a load {load.name!r} already", "reports tell loads apart by their names")
        seen.add(load.name)


def _load(node: Node) -> Load:
    kind = _kind(node)
    form = _Figures(Form(node, f"a load of kind {kind}", (*COMMON_KEYS, *KIND_KEYS[kind])))
    load = Load(
        name=form.form.text("name"),
        hosts=form.form.text("hosts"),
        kind=kind,
        is_total=_is_total(form.form),
        new_connections=form.read("new_connections", _rates) or Rate(),
        concurrent=form.read("concurrent_connections", _count),
        lifetime_s=form.read("connection_lifetime", _duration),
        closes_first_ratio=form.read("closes_first", _share),
        reset_ratio=form.read("reset", _share),
        slow_close_ratio=form.read("slow_close", _share),
        drain_s=form.read("drain", _duration),
        unanswered_syn_per_s=form.read("unanswered_syn", _rate),
        silently_lost_per_s=form.read("silently_lost", _rate),
        is_tracked=form.read("tracked", _truth),
        has_nat=form.read("nat", _truth) or False,
        public_addresses=form.read("public_addresses", _positive),
        rtt_median_s=form.read("rtt", lambda rtt: _rtt(rtt)[0]),
        rtt_p99_s=form.read("rtt", lambda rtt: _rtt(rtt)[1]),
        loss_ratio=form.read("loss", _share),
        request_bytes=form.read("request", _size),
        response_bytes=form.read("response", _size),
        requests_per_connection=form.read("keep_alive", _requests),
        full_handshakes_ratio=form.read("tls", _handshakes),
        flow_bps=form.read("flow_bandwidth", lambda each: _ways(each, _bandwidth, both=True)) or Ways(),
        unread_ratio=form.read("unread", _share),
        sending_ratio=form.read("sending", _share),
        memory_per_connection_bytes=form.read("memory_per_connection", _size),
        ports=form.read("port", _ports) or (),
        accept_pause_s=form.read("accept_pause", _duration),
        listen_backlog=form.read("listen_backlog", _positive),
        process=form.form.text("process", ""),
        processes=form.read("processes", _positive),
        destination=form.form.text("destination", ""),
        destination_tuples=form.read("destinations", _positive) or 1.0,
        local_addresses=form.read("local_addresses", _positive) or 1.0,
        binds_first=form.read("binds_first", _truth) or False,
        packets_per_s=form.read("packets", lambda each: _ways(each, _rate, both=False)) or Ways(),
        bandwidth_bps=form.read("bandwidth", lambda each: _ways(each, _bandwidth, both=True)) or Ways(),
        datagram_bytes=form.read("datagram", _size),
        new_flows_per_s=form.read("new_flows", _rate),
        flow_lifetime_s=form.read("flow_lifetime", _duration),
        reader_pause_s=form.read("reader_pause", _duration),
        receive_buffer_bytes=form.read("receive_buffer", _size),
        sockets=form.read("sockets", _positive) or 1.0,
        interface=form.form.text("interface", ""),
    )
    if load.concurrent is not None and load.lifetime_s is not None:
        raise RuleError(
            "says both 'concurrent_connections' and 'connection_lifetime'",
            node.where_key("connection_lifetime"),
            "one follows from the other: keep the one you know",
        )
    return load


def _kind(node: Node) -> LoadKind:
    """The kind alone: it decides which other keys there may be."""
    every = (*COMMON_KEYS, *(key for keys in KIND_KEYS.values() for key in keys))
    return Form(node, "a load", every).word("kind", LoadKind)


def _is_total(form: Form) -> bool:
    node = form.get("figures")
    if node is None:
        return False
    if node.value not in {PER_HOST, TOTAL}:
        raise node.error(f"'figures' are {PER_HOST!r} or {TOTAL!r}", "of each host, or of all its hosts together")
    return node.value == TOTAL


def _machine(node: Node) -> Machine:
    form = _Figures(Form(node, "an entry of 'machines'", MACHINE_KEYS))
    return Machine(
        hosts=form.form.text("hosts"),
        link_bps=form.read("link", _bandwidth),
        packet_limit_per_s=form.read("packet_limit", _rate),
        softirq_pause_s=form.read("softirq_pause", _duration),
        queue_skew=form.read("queue_skew", _positive),
        packets_per_cpu=form.read("packets_per_cpu", _rate),
        neighbours=form.read("neighbours", _count),
    )


class _Figures:
    """The figures of one mapping. Each key is read by a function of its node."""

    __slots__ = ("form",)

    def __init__(self, form: Form) -> None:
        self.form = form

    def read(self, key: str, read: Callable[[Node], V]) -> V | None:
        """What the function makes of the value of a key; None where there is none."""
        node = self.form.get(key)
        return None if node is None else read(node)


def _number(node: Node, what: str) -> float:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise node.error(f"{what} is wanted here, and this is {kind_name(node)}")
    if node.value < 0:
        raise node.error(f"{what} cannot be below zero")
    return float(node.value)


def _count(node: Node) -> float:
    return _number(node, "a number")


def _positive(node: Node) -> float:
    value = _number(node, "a number")
    if not value:
        raise node.error("must be more than zero")
    return value


def _truth(node: Node) -> bool:
    if not isinstance(node.value, bool):
        raise node.error(f"true or false is wanted here, and this is {kind_name(node)}")
    return node.value


def _parsed(node: Node, parse: Callable[[str], float]) -> float:
    try:
        return float(parse(text_of(node, "this")))
    except ValueError as error:
        raise node.error(str(error)) from None


def _duration(node: Node) -> float:
    if isinstance(node.value, int | float) and not isinstance(node.value, bool) and node.value:
        raise node.error(f"{node.value} is no duration: its unit is missing", f"{node.value}ms, {node.value}s, …")
    return 0.0 if node.value == 0 and not isinstance(node.value, bool) else _parsed(node, parse_duration_s)


def _size(node: Node) -> float:
    if isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return _number(node, "a size")
    return _parsed(node, parse_size_bytes)


def _bandwidth(node: Node) -> float:
    return _parsed(node, parse_rate_bps)


def _rate(node: Node) -> float:
    """Events a second: a bare number, ``5000/s``, ``300/min``."""
    if not isinstance(node.value, str):
        return _number(node, "a rate")
    head, slash, unit = node.value.strip().partition("/")
    try:
        value = float(head.replace(",", "")) / _PER[slash + unit.strip()]
    except (ValueError, KeyError):
        raise node.error(f"{node.value!r} is not a rate: a number followed by one of {', '.join(_PER)}") from None
    if not 0 <= value < float("inf"):
        raise node.error("a rate cannot be below zero")
    return value


def _share(node: Node) -> float:
    """A share: ``0.02`` or ``2%``."""
    if isinstance(node.value, str) and node.value.strip().endswith("%"):
        try:
            value = float(node.value.strip()[:-1]) / 100
        except ValueError:
            raise node.error(f"{node.value!r} is not a percentage") from None
    else:
        value = _number(node, "a share")
    if not 0 <= value <= 1:
        raise node.error(f"{node.value} is no share", "from 0 to 1, or a percentage such as 2%")
    return value


def _rates(node: Node) -> Rate:
    if not isinstance(node.value, Mapping):
        peak = _rate(node)
        return Rate(mean=peak, burst=peak)
    form = _Figures(Form(node, "a rate", RATE_KEYS))
    rate = Rate(form.read("mean", _rate), form.read("burst", _rate), form.read("burst_for", _duration))
    if rate.mean is None and rate.burst is None:
        raise node.error("needs 'mean' or 'burst'")
    if rate.mean is not None and rate.burst is not None and rate.burst < rate.mean:
        raise RuleError("the burst is below the mean", node.where_key("burst"))
    return rate


def _rtt(node: Node) -> tuple[float | None, float | None]:
    if not isinstance(node.value, Mapping):
        return _duration(node), None
    form = _Figures(Form(node, "'rtt'", RTT_KEYS))
    median, p99 = form.read("median", _duration), form.read("p99", _duration)
    if median is not None and p99 is not None and p99 < median:
        raise RuleError("the 99th percentile is below the median", node.where_key("p99"))
    return median, p99


def _ways(node: Node, read: Callable[[Node], float], *, both: bool) -> Ways:
    if not isinstance(node.value, Mapping):
        value = read(node)
        return Ways(value, value if both else None)
    form = _Figures(Form(node, "this", WAYS_KEYS))
    return Ways(form.read("in", read), form.read("out", read))


def _requests(node: Node) -> float:
    if node.value is False:
        return 1.0
    if node.value is True:
        raise node.error("how many requests a connection carries is wanted here", "keep_alive: 20, or false")
    return _positive(node)


def _handshakes(node: Node) -> float:
    if isinstance(node.value, bool):
        return float(node.value)
    return _share(Form(node, "'tls'", TLS_KEYS).need("full_handshakes"))


def _ports(node: Node) -> tuple[int, ...]:
    items = node.value if isinstance(node.value, tuple) else (node,)
    found = []
    for item in items:
        port = _count(item)
        if not (port == int(port) and 1 <= port <= 65535):
            raise item.error(f"{item.value} is no port", "from 1 to 65535")
        found.append(int(port))
    return tuple(dict.fromkeys(found))
