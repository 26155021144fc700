"""TCP connections with their bytes and queues: the domain ``talkers``. The probe tells rows between tabs."""

from __future__ import annotations

from netaudit.facts.numbers import natural
from netaudit.facts.parts import split_parts
from netaudit.model.facts.flows import Connection, FlowGroup, Talkers
from netaudit.model.probe import Section

_CONNECTION_FIELDS, _GROUP_FIELDS = 19, 8


def parse_talkers(section: Section) -> Talkers:
    """Every connection and group that was told. A row that is not one is passed over: names may hold anything."""
    parts = split_parts(section)
    connections: list[Connection] = []
    groups: list[FlowGroup] = []
    truncated = False
    for line in parts.texts.get("", "").split("\n"):
        words = line.split("\t")
        if words[0] == "c" and len(words) == _CONNECTION_FIELDS:
            connections.append(_connection(words[1:]))
        elif words[0] == "g" and len(words) == _GROUP_FIELDS:
            groups.append(_group(words[1:]))
        elif line == "cut":
            truncated = True
    return Talkers(tuple(connections), tuple(groups), truncated, parts.missing.get("owners", True))


def _connection(words: list[str]) -> Connection:
    state, received, sent, local, peer, inode, timer, *numbers, process = words
    backoff, out, acked, back, again, unacked, mss, mtu, limited, pid = (_number(word) for word in numbers)
    return Connection(
        state=state,
        receive_queue_bytes=_number(received),
        send_queue_bytes=_number(sent),
        local=local,
        peer=peer,
        inode=_number(inode),
        timer=timer,
        backoff=backoff,
        sent_bytes=out,
        acked_bytes=acked,
        received_bytes=back,
        retransmitted=again,
        unacked=unacked,
        mss_bytes=mss,
        path_mtu_bytes=mtu,
        window_limited_ms=limited,
        pid=pid,
        process=process,
    )


def _group(words: list[str]) -> FlowGroup:
    process, address, port, connections, sent, received, again = words
    return FlowGroup(
        process, address, _number(port), _number(connections), _number(sent), _number(received), _number(again)
    )


def _number(word: str) -> int:
    """The number of a word such as ``3956ms``; 0 where ss says nothing."""
    return natural(word.removesuffix("ms")[:19]) if word else 0
