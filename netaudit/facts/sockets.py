"""TCP sockets by state and by what they wait for, and the buffers of UDP sockets: the domain ``sockets``.

The host sends rows when they are few and counts of its own when they are many; the result is the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from netaudit.facts.listeners import is_listener
from netaudit.facts.numbers import hexadecimal, natural
from netaudit.facts.parts import Parts, split_parts
from netaudit.facts.socket_rows import (
    STATES,
    SocketRow,
    hidden_owner,
    inode_of,
    memory_of,
    owner_of,
    owners_by_inode,
    plain_host,
    read_proc,
    read_ss,
    split_host,
    split_local,
)
from netaudit.model.facts import Destination, PortCount, Sockets, UdpSocket
from netaudit.model.probe import Section
from netaudit.model.reading import Maybe

_AT_MOST = 50


class _Groups:
    """What is counted, by the keys that the host's own counting uses."""

    def __init__(self) -> None:
        self.states: Counter[str] = Counter()
        self.destinations: Counter[tuple[str, str, str]] = Counter()  # local address, peer address, peer port
        self.close_wait: Counter[int] = Counter()
        self.syn_recv: Counter[int] = Counter()
        self.unread = 0
        self.largest = 0
        self.persist = 0
        self.truncated = False

    def add_established(self, row: SocketRow) -> None:
        """Count what has arrived and was not read, and peers that take nothing."""
        if row.received:
            self.unread += 1
            self.largest = max(self.largest, row.received)
        if "timer:(persist" in row.details:
            self.persist += 1


def parse_sockets(section: Section) -> Maybe[Sockets]:
    """The sockets of one host; absent where neither ss nor awk is there to count them."""
    parts = split_parts(section)
    if "groups" in parts.missing:
        return parts.missing["groups"]
    from_ss = "ss" in parts.texts
    rows = read_ss(parts["ss"]) if from_ss else read_proc(parts["listening"])
    if "groups" in parts.texts:
        groups = _counted_groups(parts["groups"], from_proc=not from_ss)
        groups.states["LISTEN"] += sum(row.state == "LISTEN" for row in rows)
        _complete_states(groups, parts)
    else:
        groups = _groups_of(rows)
    udp = [row for row in rows if row.protocol == "udp" and is_listener(row)]
    return _sockets(groups, _udp_of_ss(udp, parts) if from_ss else _udp_of_proc(udp, parts))


def _sockets(groups: _Groups, udp: Iterable[UdpSocket]) -> Sockets:
    largest = sorted(groups.destinations.items(), key=lambda item: (-item[1], item[0]))[:_AT_MOST]
    return Sockets(
        tcp_states={state: count for state, count in sorted(groups.states.items()) if count},
        busiest_destinations=tuple(
            Destination(split_host(local)[0], peer, natural(port), count) for (local, peer, port), count in largest
        ),
        close_wait_by_port=_by_port(groups.close_wait),
        syn_recv_by_port=_by_port(groups.syn_recv),
        unread_established=groups.unread,
        persist_timers=groups.persist,
        largest_unread_bytes=groups.largest,
        udp=tuple(sorted(udp, key=lambda one: (-one.drops, -one.queue_bytes, one.port))[:_AT_MOST]),
        truncated=groups.truncated,
    )


def _by_port(counts: Counter[int]) -> tuple[PortCount, ...]:
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_AT_MOST]
    return tuple(PortCount(port, count) for port, count in largest)


def _groups_of(rows: Sequence[SocketRow]) -> _Groups:
    groups = _Groups()
    tcp = [row for row in rows if row.protocol == "tcp"]
    groups.states.update([row.state for row in tcp])
    listening = {row.port for row in tcp if row.state == "LISTEN"}
    ends: list[tuple[str, str]] = []
    for row in tcp:
        state = row.state
        if state == "LISTEN":
            continue
        local, _, port = row.local.rpartition(":")
        if state == "ESTAB":
            groups.add_established(row)
        elif state == "CLOSE-WAIT":
            groups.close_wait[int(port)] += 1
        elif state == "SYN-RECV":
            groups.syn_recv[int(port)] += 1
        if port not in listening:
            ends.append((local, row.peer))
    for (local, remote), count in Counter(ends).items():
        peer, _, peer_port = split_peer(remote)
        groups.destinations[local, peer, peer_port] += count
    return groups


def split_peer(peer: str) -> tuple[str, str, str]:
    """Address without brackets, device and port as printed."""
    host, _, port = peer.rpartition(":")
    return *split_host(host), port


def _counted_groups(text: str, *, from_proc: bool) -> _Groups:
    """What awk counted on the host: of rows of /proc, addresses and ports in hexadecimal."""
    groups = _Groups()
    number = hexadecimal if from_proc else natural
    for line in text.split("\n"):
        word, *rest = line.split(" ")
        match word, rest:
            case "state", [state, count]:
                groups.states[STATES.get(state, state)] += natural(count)
            case "to", [local, peer, count]:
                address, _, port = split_peer(peer)
                if from_proc:
                    local, address = plain_host(local), plain_host(address).strip("[]")
                groups.destinations[local, address, str(number(port))] += natural(count)
            case "close-wait", [port, count]:
                groups.close_wait[number(port)] += natural(count)
            case "syn-recv", [port, count]:
                groups.syn_recv[number(port)] += natural(count)
            case "unread", [count]:
                groups.unread = natural(count)
            case "largest", [count]:
                groups.largest = number(count)
            case "persist", [count]:
                groups.persist = natural(count)
            case "cut", _:
                groups.truncated = True
    return groups


def _complete_states(groups: _Groups, parts: Parts) -> None:
    """Put the kernel's own totals in place of the states of which only a part was counted.

    CurrEstab of /proc/net/snmp counts ESTABLISHED and CLOSE-WAIT, "tw" of /proc/net/sockstat TIME-WAIT.
    """
    totals = parts.texts.get("totals", "")
    if not groups.truncated or not totals:
        return
    lines = [line.split() for line in totals.split("\n")]
    for words in lines:
        if words[:1] == ["TCP:"] and "tw" in words:
            groups.states["TIME-WAIT"] = natural(words[words.index("tw") + 1])
    names, values = (words for words in lines if words[:1] == ["Tcp:"])
    established = natural(values[names.index("CurrEstab")]) - groups.states["CLOSE-WAIT"]
    groups.states["ESTAB"] = max(established, groups.states["ESTAB"])


def _udp_of_ss(rows: Sequence[SocketRow], parts: Parts) -> Iterable[UdpSocket]:
    for row in rows:
        address, _, port = split_local(row.local)
        memory = memory_of(row)
        yield UdpSocket(
            address=address,
            port=port,
            queue_bytes=memory.get("r", row.received),
            buffer_bytes=memory.get("rb"),
            drops=memory.get("d", 0),
            inode=inode_of(row),
            process=owner_of(row, parts).process,
        )


def _udp_of_proc(rows: Sequence[SocketRow], parts: Parts) -> Iterable[UdpSocket]:
    owners, hidden = owners_by_inode(parts), hidden_owner(parts)
    for row in rows:
        address, _, port = split_local(row.local)
        owner = owners.get(row.inode, hidden)
        yield UdpSocket(address, port, row.received, None, row.drops, row.inode, owner.process)
