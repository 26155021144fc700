"""Questions about the states of a window that several causes ask: listeners, connections, tables, rules.

What is not known gives nothing here; that a cause could not be looked for is told elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from netaudit.diagnosis.counters import device_key, rules_by_key
from netaudit.diagnosis.window import Window
from netaudit.model.facts import Listener, Nic, ProcessLimits, Qdisc
from netaudit.model.facts.flows import Connection, DropRule
from netaudit.model.reading import Absent, is_known

# Few packets are loss where they are many of those that came: from one of a thousand on, retransmissions show.
_FEW_LEAST, _FEW_RATIO = 10, 0.001
# Of a busy host so many are never reached. Ten packets a second are what monitoring raises its alarm at (netdata), of
# ten seconds at most: a burst stays one however long is looked on. Below one of ten thousand, hardly anybody notices.
_MANY_PER_S, _BURST_S, _MANY_RATIO = 10, 10.0, 0.0001

PAIRED = frozenset({"veth", "virtual"})  # what one end sends the other receives; the latter where nobody tells the kind


def number(value: int | Absent | None) -> int:
    """The number, or 0 where it is not known."""
    return value if isinstance(value, int) else 0


def holder(process: str | Absent, pid: int | Absent) -> str:
    """``nginx (pid 812)``, or what is known of it."""
    if isinstance(process, Absent):
        return "a process that only root sees"
    return f"{process} (pid {pid})" if is_known(pid) and pid else process or "no process"


@dataclass(frozen=True, slots=True)
class FullListener:
    """A TCP listener whose accept queue was full."""

    listener: Listener  # as in the sample in which it was fullest
    samples: int  # in how many samples it was full

    def __str__(self) -> str:
        one = self.listener
        return (
            f"{one.endpoint} of {holder(one.process, one.pid)}: {one.queue:,} wait where the backlog is {one.backlog:,}"
        )


def full_listeners(window: Window) -> tuple[FullListener, ...]:
    """TCP listeners with at least as many connections waiting as their backlog, the fullest first."""
    found: dict[tuple[str, int], FullListener] = {}
    for facts in window.samples:
        for one in () if isinstance(facts.listeners, Absent) else facts.listeners:
            if one.protocol != "tcp" or isinstance(one.backlog, Absent) or one.queue < max(1, one.backlog):
                continue
            key = one.endpoint, one.inode
            known = found.get(key)
            fuller = one if known is None or one.queue >= known.listener.queue else known.listener
            found[key] = FullListener(fuller, (known.samples if known else 0) + 1)
    return tuple(sorted(found.values(), key=lambda each: -each.listener.queue))


def vanished_listeners(window: Window) -> tuple[Listener, ...]:
    """TCP listeners of the first sample at whose port nobody listens in the last."""
    first, last = window.first.listeners, window.last.listeners
    if isinstance(first, Absent) or isinstance(last, Absent) or not window.has_growth:
        return ()
    left = {one.port for one in last if one.protocol == "tcp"}
    return tuple(one for one in first if one.protocol == "tcp" and one.port not in left)


def starved_processes(window: Window) -> tuple[ProcessLimits, ...]:
    """Processes that listen and hold as many files as they may, in any sample."""
    found: dict[int, ProcessLimits] = {}
    for facts in window.samples:
        limits = facts.limits
        if isinstance(limits, Absent) or isinstance(limits.processes, Absent):
            continue
        for one in limits.processes:
            if is_known(one.free_files) and one.free_files <= 0 and number(one.open_files) > 0:
                found[one.pid] = one
    return tuple(found.values())


def syn_recv(window: Window) -> tuple[dict[int, int], ...]:
    """Half-open connections by local port, for each sample."""
    return tuple(
        {} if isinstance(facts.sockets, Absent) else {each.port: each.count for each in facts.sockets.syn_recv_by_port}
        for facts in window.samples
    )


def half_open(window: Window) -> int:
    """The most half-open connections of any sample."""
    return max(sum(ports.values()) for ports in syn_recv(window))


def states(window: Window, state: str) -> tuple[int, ...]:
    """How many TCP sockets were in a state, for each sample."""
    return tuple(
        0 if isinstance(facts.sockets, Absent) else facts.sockets.tcp_states.get(state, 0) for facts in window.samples
    )


def connections(window: Window, place: int = -1) -> tuple[Connection, ...]:
    """The TCP connections of one sample, the last one by default."""
    talkers = window.samples[place].talkers
    return () if isinstance(talkers, Absent) else talkers.connections


def pairs_of(window: Window) -> Iterator[tuple[Connection, Connection]]:
    """Connections that are there in the first sample and in the last, in both shapes."""
    earlier = {(one.local, one.peer): one for one in connections(window, 0)} if window.has_growth else {}
    for one in connections(window):
        before = earlier.get((one.local, one.peer))
        if before is not None and one.received_bytes >= before.received_bytes:
            yield before, one


def retransmitting(window: Window) -> tuple[tuple[Connection, int], ...]:
    """Connections of the last sample that retransmitted within the window, the worst first."""
    earlier = {(one.local, one.peer): one for one in connections(window, 0)} if window.has_growth else {}
    found = []
    for one in connections(window):
        before = earlier.get((one.local, one.peer))
        grown = one.retransmitted - (before.retransmitted if before else 0)
        if grown > 0 and one.state != "SYN-SENT":
            found.append((one, grown))
    return tuple(sorted(found, key=lambda each: -each[1]))


def peers_text(peers: Iterable[str], most: int = 3) -> str:
    """The first few different peers."""
    different = list(dict.fromkeys(peers))
    told = ", ".join(different[:most])
    return f"{told} and {len(different) - most} more" if len(different) > most else told


@dataclass(frozen=True, slots=True)
class HitRule:
    """A rule that dropped or rejected packets in the window."""

    rule: DropRule
    packets: int

    def __str__(self) -> str:
        return f"{self.rule.chain}: {self.rule.text} took {self.packets:,}"

    @property
    def asks_invalid(self) -> bool:
        """Whether it drops what connection tracking finds invalid."""
        text = self.rule.text
        return ("ct state" in text and "invalid" in text) or ("state" in text and "INVALID" in text)


def hit_rules(window: Window) -> tuple[HitRule, ...]:
    """Rules whose counters grew, the busiest first."""
    rules = window.last.drop_rules
    if isinstance(rules, Absent):
        return ()
    found = [HitRule(rule, window.deltas.up(key)) for key, (rule, _) in rules_by_key(rules).items()]
    return tuple(sorted((each for each in found if each.packets > 0), key=lambda each: -each.packets))


def uncounted_rules(window: Window) -> tuple[DropRule, ...]:
    """Rules and policies that drop and do not count, at hooks that received packets pass."""
    rules = window.last.drop_rules
    if isinstance(rules, Absent):
        return ()
    return tuple(
        rule
        for rule in rules
        if isinstance(rule.packets, Absent) and rule.hook in {"input", "prerouting", "ingress", ""}
    )


def nics(window: Window) -> tuple[Nic, ...]:
    """The interfaces of the last sample, without loopback."""
    found = window.last.nics
    return () if isinstance(found, Absent) else tuple(nic for nic in found if nic.kind != "loopback")


def device_up(window: Window, nic: Nic, *names: str) -> int:
    """The growth of counters of one interface together."""
    return window.deltas.up(*(f"{device_key(nic)}.{name}" for name in names))


def qdisc_drops(window: Window) -> tuple[tuple[Qdisc, int, int], ...]:
    """Queueing disciplines that dropped, with how many packets they dropped and sent; mq only sums its leaves."""
    qdiscs = window.last.qdiscs
    found = []
    for one in () if isinstance(qdiscs, Absent) else qdiscs:
        place = f"qdisc {one.device} {one.kind} {one.handle}@{one.parent}"
        dropped = window.deltas.up(f"{place}.dropped")
        if dropped and one.kind != "mq":
            found.append((one, dropped, window.deltas.up(f"{place}.sent_packets")))
    return tuple(sorted(found, key=lambda each: -each[1]))


def in_initial_namespace(window: Window) -> bool:
    """Whether counters of the whole machine speak of what was looked at; assumed where it is not known."""
    kernel = window.last.kernel
    if isinstance(kernel, Absent) or isinstance(kernel.is_initial_namespace, Absent):
        return True
    return kernel.is_initial_namespace


def backlog_share(window: Window) -> int:
    """Packets dropped for want of backlog that what was looked at may have lost, also when they are few."""
    dropped = sum(window.deltas.moved("softnet[", (".dropped",)).values())
    if not dropped or in_initial_namespace(window):
        return dropped
    lost = {nic.name: device_up(window, nic, "rx_dropped") for nic in nics(window)}
    received = {nic.name: device_up(window, nic, "rx_packets") for nic in nics(window)}
    busiest = max(received, key=lambda name: received[name] + lost[name], default="")
    return min(dropped, sum(lost.values())) if lost.get(busiest) else 0


def sent_into_backlogs(window: Window, nic: Nic) -> int:
    """Of the frames that one end of a pair sent and lost, those that a full backlog of the machine can have taken.

    The sender counts such a frame (tx_dropped), and so does the CPU that was to receive it, whichever namespace the
    other end is in: what was lost while no CPU of the machine dropped anything has another reason.
    """
    lost = window.deltas.series.get(f"{device_key(nic)}.tx_dropped", ())
    if nic.kind not in PAIRED or not any(lost):
        return 0
    full = [window.deltas.series[name] for name in window.deltas.moved("softnet[", (".dropped",))]
    return sum(min(sent, sum(steps)) for sent, *steps in zip(lost, *full, strict=True))


def backlog_drops(window: Window) -> int:
    """Packets that were dropped before IP for want of backlog, if that is loss and not the odd burst; else 0.

    It is loss from ten packets and one of a thousand on; and above ten packets a second, from one of ten thousand on.
    The counter is of the whole machine: in a namespace, what its own interfaces lost decides, and that the busiest of
    them lost none speaks against it.
    """
    dropped = backlog_share(window)
    if in_initial_namespace(window):
        processed = sum(window.deltas.moved("softnet[", (".processed",)).values())
    else:
        processed = sum(device_up(window, nic, "rx_packets") for nic in nics(window))
    share = dropped / max(1, processed + dropped)
    weighs = dropped >= _FEW_LEAST and share >= _FEW_RATIO
    goes_on = dropped > _MANY_PER_S * min(window.deltas.seconds, _BURST_S) and share >= _MANY_RATIO
    return dropped if weighs or goes_on else 0
