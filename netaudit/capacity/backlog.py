"""Listeners and the backlogs that limit both of their queues, with what is tried out put in place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from netaudit.capacity.figures import Inquiry
from netaudit.capacity.host import LISTEN_BACKLOG, Host
from netaudit.capacity.rows import ceil_pow2
from netaudit.capacity.words import number
from netaudit.model.capacity import SettingChange
from netaudit.model.facts import Listener
from netaudit.model.reading import Absent, AbsentReason, Maybe
from netaudit.model.workload import Load, LoadKind

SOMAXCONN = "net.core.somaxconn"
UNEVEN = 1.3  # what the fullest of several sockets of one port gets, against an even share


@dataclass(frozen=True, slots=True)
class Door:
    """Sockets that share one address and port. ``listener`` None: nothing listens there now."""

    port: int
    loads: tuple[Load, ...]
    listener: Listener | None
    sockets: int = 1

    @property
    def subject(self) -> str:
        """``0.0.0.0:443 (nginx)``."""
        if self.listener is None:
            return f"port {self.port}"
        process = self.listener.process
        name = f" ({process})" if isinstance(process, str) and process else ""
        return self.listener.endpoint + name

    @property
    def share(self) -> float:
        """The part of the connections that the fullest socket gets."""
        return UNEVEN / self.sockets if self.sockets > 1 else 1.0

    @property
    def share_text(self) -> str:
        """The share, to stand behind a product."""
        return f" × {UNEVEN} / {self.sockets} sockets" if self.sockets > 1 else ""


def doors(host: Host) -> Iterator[Door | Absent]:
    """The listeners that inbound loads come to, the smallest backlog of equals; Absent when they cannot be seen."""
    inbound = host.of_kind(LoadKind.INBOUND)
    for port in sorted({port for load in inbound for port in load.ports}):
        loads = tuple(load for load in inbound if port in load.ports)
        found = host.listeners(port)
        if isinstance(found, Absent):
            yield found
            continue
        if not found:
            yield Door(port, loads, None)
        for endpoint in dict.fromkeys(one.endpoint for one in found):
            same = [one for one in found if one.endpoint == endpoint]
            least = min(same, key=lambda one: one.backlog if not isinstance(one.backlog, Absent) else 0)
            yield Door(port, loads, least, len(same))


def backlog_of(door: Door, host: Host, inquiry: Inquiry) -> tuple[Maybe[float], str]:
    """The backlog in force, or the one that would be after a restart under what is tried out; and where it was read."""
    if door.listener is None or SOMAXCONN in host.load.what_if or LISTEN_BACKLOG in host.load.what_if:
        return _after_restart(door, host, inquiry)
    backlog = door.listener.backlog
    text = backlog if isinstance(backlog, Absent) else number(backlog)
    return backlog, f"ss -ltn: {door.listener.endpoint} Recv-Q {door.listener.queue} Send-Q {text}"


def _after_restart(door: Door, host: Host, inquiry: Inquiry) -> tuple[Maybe[float], str]:
    cap = host.number(SOMAXCONN)
    if isinstance(cap, Absent):
        return cap, ""
    asked = _asked(door, host)
    if asked is None:
        in_force = door.listener.backlog if door.listener else None
        if isinstance(in_force, int) and cap <= in_force:
            asked = float(in_force)  # it asks for that at least, and gets no more than the cap
        elif door.listener is None:
            return Absent(
                AbsentReason.NOT_PRESENT, f"nothing listens on port {door.port}, and no listen_backlog is said"
            ), ""
        else:
            inquiry.need("listen_backlog", door.loads[0])
            return cap, ""
    return in_16_bits(min(asked, cap), host), f"the smaller of listen({number(asked)}) and {SOMAXCONN} = {number(cap)}"


def _asked(door: Door, host: Host) -> float | None:
    """What the application passes to listen(), if that is known."""
    tried = host.tried(LISTEN_BACKLOG)
    if tried is not None:
        return float(tried)
    declared = [load.listen_backlog for load in door.loads if load.listen_backlog is not None]
    if declared:
        return min(declared)
    cap = host.in_force(SOMAXCONN)
    backlog = door.listener.backlog if door.listener else None
    return float(backlog) if isinstance(backlog, int) and isinstance(cap, int) and backlog < cap else None


def in_16_bits(backlog: float, host: Host) -> float:
    """What a kernel before 4.1 makes of a backlog: it kept 16 bits of it, so that 65536 became 0."""
    return float(int(backlog) & 0xFFFF) if _is_old(host) else backlog


def _is_old(host: Host) -> bool:
    kernel = host.facts.kernel
    return not isinstance(kernel, Absent) and kernel.version < (4, 1, 0)


def changes(door: Door, host: Host, provision: float) -> Sequence[SettingChange]:
    """What gives the listener that backlog: the kernel's cap, the application's argument, and a restart."""
    wanted = ceil_pow2(provision)
    wanted = min(wanted, 65535) if _is_old(host) else wanted
    cap = host.number(SOMAXCONN)
    found = []
    if not isinstance(cap, Absent) and cap < wanted:
        found.append(SettingChange(SOMAXCONN, str(wanted), str(cap), note="takes effect when listen() is called again"))
    now = door.listener.backlog if door.listener else ""
    process = door.listener.process if door.listener and isinstance(door.listener.process, str) else ""
    found.append(
        SettingChange(
            LISTEN_BACKLOG, str(wanted), "" if isinstance(now, Absent) else str(now), process or door.subject,
            "the argument of listen(); reload the service afterwards",
        )
    )  # fmt: skip
    return found
