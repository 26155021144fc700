"""Who listens on a host, in words: those keep the backlog of the moment in which they called listen()."""

from __future__ import annotations

from netaudit.model.facts import Facts, Listener
from netaudit.model.reading import Absent

_MOST = 5
LOGINS = frozenset({"sshd", "dropbear", "tinysshd"})


def tcp_listeners(namespace: str, facts: Facts) -> tuple[Listener, ...]:
    """The TCP listeners of a network namespace that others can reach."""
    listed = facts.listeners
    if namespace:
        if isinstance(facts.namespaces, Absent):
            return ()
        found = next((each for each in facts.namespaces if each.name == namespace), None)
        listed = found.listeners if found is not None else ()
    if isinstance(listed, Absent):
        return ()
    return tuple(each for each in listed if each.protocol == "tcp" and not each.is_loopback)


def carries_logins(unit: str, facts: Facts) -> bool:
    """Whether logins go by a service: a restart that fails would shut the way to the host."""
    name = unit.partition(".")[0].partition("@")[0]
    return name in {"ssh", *LOGINS} or any(
        each.process in LOGINS for each in tcp_listeners("", facts) if each.unit == unit
    )


def listeners_text(namespace: str, facts: Facts) -> str:
    """Such as ``nginx (pid 812, nginx.service), sshd (pid 600)``; a few of many, and how many more there are."""
    names: dict[str, None] = {}
    for listener in tcp_listeners(namespace, facts):
        process = listener.process if isinstance(listener.process, str) else ""
        if not process:
            names[f"a process that cannot be seen (port {listener.port})"] = None
            continue
        unit = f", {listener.unit}" if listener.unit else ""
        names[f"{process} (pid {listener.pid}{unit})"] = None
    shown = list(names)
    more = f" and {len(shown) - _MOST} more" if len(shown) > _MOST else ""
    return ", ".join(shown[:_MOST]) + more if shown else "nothing listens"
