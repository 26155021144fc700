"""The sockets that wait for others: the domain ``listeners``. The backlog in force is known to ss alone."""

from __future__ import annotations

from netaudit.facts.parts import Parts, split_parts
from netaudit.facts.socket_rows import (
    Owner,
    SocketRow,
    hidden_owner,
    inode_of,
    owner_of,
    owners_by_inode,
    read_proc,
    read_ss,
    split_local,
    unit_of,
)
from netaudit.model.facts import Listener
from netaudit.model.probe import Section
from netaudit.model.reading import Absent, AbsentReason, Maybe

_NO_BACKLOG = Absent(AbsentReason.NOT_PRESENT, "ss is not installed, and /proc/net/tcp does not tell the backlog")


def parse_listeners(section: Section) -> tuple[Listener, ...]:
    """Every listening TCP and bound UDP socket, by protocol, port and address."""
    parts = split_parts(section)
    if "ss" in parts.texts:
        found = [_from_ss(row, parts) for row in read_ss(parts["ss"]) if is_listener(row)]
    else:
        owners = owners_by_inode(parts)
        hidden = hidden_owner(parts)
        rows = read_proc(parts["listening"])
        found = [_from_proc(row, owners.get(row.inode, hidden)) for row in rows if is_listener(row)]
    return tuple(sorted(found, key=lambda one: (one.protocol, one.port, one.address, one.inode)))


def is_listener(row: SocketRow) -> bool:
    """Whether a row is a listening TCP or a bound, unconnected UDP socket."""
    return row.state == ("LISTEN" if row.protocol == "tcp" else "UNCONN")


def _from_ss(row: SocketRow, parts: Parts) -> Listener:
    return _listener(
        row,
        owner_of(row, parts),
        backlog=row.sent if row.protocol == "tcp" else 0,
        inode=inode_of(row),
    )


def _from_proc(row: SocketRow, owner: Owner) -> Listener:
    return _listener(row, owner, backlog=_NO_BACKLOG if row.protocol == "tcp" else 0, inode=row.inode)


def _listener(row: SocketRow, owner: Owner, *, backlog: Maybe[int], inode: int) -> Listener:
    address, device, port = split_local(row.local)
    return Listener(
        protocol=row.protocol,
        address=address,
        port=port,
        queue=row.received,
        backlog=backlog,
        device=device,
        process=owner.process,
        pid=owner.pid,
        inode=inode,
        unit=unit_of(row),
        pids=owner.pids,
    )
