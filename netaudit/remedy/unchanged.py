"""What a change must leave as it was: the facts of a host before and after it, side by side.

That the host can be logged in to again is shown by the login itself. Here are the other things that a new connection
does not prove: the ways out, the addresses, the interfaces that carry them, who listens, and what other network
namespaces are set to. Only what has gone or has become another is an objection; what has come is none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from netaudit.model.facts import Facts, Namespace
from netaudit.model.facts.net import Nic
from netaudit.model.probe import Probe
from netaudit.model.reading import Maybe, is_known
from netaudit.remedy.work import WorkStep

PROBES = ("nics", "routes", "sockets", "namespaces")  # that give the facts for it
DOMAINS = frozenset({"nics", "routing", "listeners", "namespaces"})
_SHOWN = 5
# Before a change it is enough who listens; whose sockets they are would be sought in the descriptors of all processes.
_WHO_LISTENS = """\
if command -v ss >/dev/null 2>&1; then
    echo '#@ ss'
    exec ss -ltun
fi
"""


@lru_cache(maxsize=8)
def before(probes: tuple[Probe, ...]) -> tuple[Probe, ...]:
    """The probes as they are asked just before a change: no more than what is compared afterwards."""
    return tuple(_cheaper(probe) if probe.id == "sockets" else probe for probe in probes)


def _cheaper(probe: Probe) -> Probe:
    text = _WHO_LISTENS + probe.text
    return replace(probe, text=text, digest=hashlib.sha256(text.encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class Watched:
    """What a change must leave as it is, of one moment. None: it was not read."""

    default_routes: frozenset[str] | None
    interfaces: frozenset[str] | None
    addresses: frozenset[str] | None
    listeners: frozenset[str] | None
    namespaces: Maybe[tuple[Namespace, ...]]


def watched(facts: Facts) -> Watched:
    """What these facts say of it."""
    return Watched(_default_routes(facts), _interfaces(facts), _addresses(facts), _listeners(facts), facts.namespaces)


def differences(before: Watched, after: Watched, steps: Sequence[WorkStep] = ()) -> tuple[str, ...]:
    """A line for each thing that is no more as it was; what was not read before cannot be compared."""
    found = [
        *_gone("no default route any more", before.default_routes, after.default_routes),
        *_gone("no interface any more", before.interfaces, after.interfaces),
        *_gone("no address any more", before.addresses, after.addresses),
        *_gone("nothing listens any more on", before.listeners, after.listeners),
        *_namespaces(before.namespaces, after.namespaces, steps),
    ]
    return tuple(found)


def _gone(what: str, before: frozenset[str] | None, after: frozenset[str] | None) -> Iterator[str]:
    if before is None:
        return
    if after is None:
        yield f"what was read before could not be read again ({what} …?)"
        return
    if missing := sorted(before - after):
        yield f"{what}: {', '.join(missing[:_SHOWN])}" + (" …" if len(missing) > _SHOWN else "")


def _default_routes(facts: Facts) -> frozenset[str] | None:
    if not is_known(facts.routing):
        return None
    return frozenset(
        f"{route.family} {route.gateway or 'on the link'} dev {route.device or '?'} table {route.table or 'main'}"
        for route in facts.routing.routes
        if route.destination == "default" and route.kind == "unicast"
    )


def _carrying(facts: Facts) -> tuple[Nic, ...] | None:
    """Interfaces with an address of more than the link; those of containers come and go and have none."""
    if not is_known(facts.nics):
        return None
    return tuple(nic for nic in facts.nics if any(address.scope != "link" for address in nic.addresses))


def _interfaces(facts: Facts) -> frozenset[str] | None:
    nics = _carrying(facts)
    return None if nics is None else frozenset(nic.name for nic in nics)


def _addresses(facts: Facts) -> frozenset[str] | None:
    nics = _carrying(facts)
    if nics is None:
        return None
    return frozenset(
        f"{address.address}/{address.prefix_length} on {nic.name}"
        for nic in nics
        for address in nic.addresses
        if address.scope != "link"
    )


def _listeners(facts: Facts) -> frozenset[str] | None:
    if not is_known(facts.listeners):
        return None
    return frozenset(listener.endpoint for listener in facts.listeners if listener.protocol == "tcp")


def _namespaces(
    before: Maybe[tuple[Namespace, ...]], after: Maybe[tuple[Namespace, ...]], steps: Sequence[WorkStep]
) -> Iterator[str]:
    """Settings of namespaces that are there before and after; a step's own namespace is its own matter."""
    if not is_known(before) or not is_known(after):
        return
    meant = {step.namespace for step in steps if step.namespace}
    later = {namespace.inode: namespace for namespace in after}
    for namespace in before:
        now = later.get(namespace.inode)
        if now is None or namespace.name in meant or not is_known(namespace.sysctl) or not is_known(now.sysctl):
            continue
        changed = sorted(key for key, value in namespace.sysctl.items() if now.sysctl.get(key, value) != value)
        if changed:
            yield f"settings of the namespace {namespace.name} have changed: {', '.join(changed[:_SHOWN])}"
