"""Changes what ip-link(8) sets of an interface: its MTU and the length of its transmit queue.

The kernel drops what IPv6 knows of an interface below an MTU of 1280: that is refused. It rewrites the MTU of IPv6
routes along with the device's (``rt6_mtu_change``) unless it is locked: such routes are put back by the undo with
everything else that they say. Routes of IPv4 keep theirs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from netaudit.errors import PlanError
from netaudit.model.facts import Facts, Nic, Route
from netaudit.model.plan import Step
from netaudit.model.reading import Absent, Maybe
from netaudit.remedy import literals
from netaudit.remedy.operations.operation import Arguments, alone, by_connection, is_script, nic_of, with_nic
from netaudit.remedy.scripts import StepScript

LEAST_IPV6_MTU = 1280  # RFC 8200, section 5
_ROUTE_WORD = re.compile(r"[0-9a-zA-Z.:/_@-]{1,64}\Z", re.ASCII)
_BETWEEN = ";"
# What ip-route(8) takes as it prints it, with a value behind it: such as may be locked, and such as may not.
_LOCKABLE = frozenset({"hoplimit", "window", "rtt", "rttvar", "ssthresh", "cwnd", "reordering", "congctl"})
_FIRM = frozenset({"quickack", "fastopen_no_cookie", "features", "pref", "expires"})
_LOCKS_ITSELF = "rto_min"  # printed with its lock, and taken without
_ALONE = frozenset({"onlink"})


@dataclass(frozen=True, slots=True)
class SetLink:
    """``arguments``: ``device``; of an MTU also ``routes``, the words of ``ip route`` that restore those of its own."""

    name: str
    option: str  # of ip link set
    printed: str  # how ip link shows it
    what: str
    link_key: str
    read_fact: Callable[[Nic], Maybe[int]]
    change_fact: Callable[[Nic, int], Nic]

    def subject(self, arguments: Arguments) -> str:
        """Such as ``eth0 mtu``."""
        return f"{arguments['device']} {self.what}"

    def observed(self, arguments: Arguments, namespace: str, facts: Facts) -> Maybe[str]:
        """The number in force."""
        nic = nic_of(arguments["device"], facts)
        if isinstance(nic, Absent):
            return nic
        found = self.read_fact(nic)
        return found if isinstance(found, Absent) else str(found)

    def foreseen(self, arguments: Arguments, namespace: str, value: str, facts: Facts) -> Facts:
        """With the interface changed."""
        return with_nic(arguments["device"], lambda nic: self.change_fact(nic, int(value)), facts)

    def undone(self, step: Step) -> str:
        """The call that takes it back."""
        routes = " and put its routes back" if step.arguments.get("routes") else ""
        return f"ip link set dev {step.arguments['device']} {self.option} {step.before}{routes}"

    def script(self, step: Step) -> StepScript:
        """Calls of ip."""
        device = literals.device(step.arguments["device"])
        pattern = rf"s/.* {self.printed} \([0-9]*\).*/\1/p"
        read = alone(
            f"answer=$(ip link show dev {device} 2>/dev/null) || exit 3",
            f"value=$(printf '%s\\n' \"$answer\" | sed -n {literals.quoted(pattern)} | head -n 1)",
            'echo "${value:-0}"',
        )
        back = self._set(device, step.before)
        return StepScript(
            read=read,
            apply=alone(self._set(device, step.after)),
            undo=alone(back, *restored_routes(step.arguments.get("routes", ""))),
            accepts=(step.after,),
            timeout_s=30,
            **by_connection(step),
        )

    def _set(self, device: str, value: str) -> str:
        return f"ip link set dev {device} {self.option} {literals.number(value)} || exit 1"

    def lines(self, step: Step) -> Sequence[str]:
        """What a .link or .network file says of it, netplan, or the call in a script of ifupdown."""
        device, number = literals.device(step.arguments["device"]), literals.number(step.after)
        if is_script(step):
            return (alone(self._set(device, number)),)
        if (step.file or "").endswith(".yaml"):
            return (f"{self.what}: {number}",)
        return (f"{self.link_key}={number}",)


def routes_with_mtu(device: str, facts: Facts) -> str:
    """The words of ``ip route`` that put back each route of a device whose MTU would change with the device's.

    For the argument ``routes``; empty where there is none. Raises ValueError for a route that cannot be told whole,
    and for one that is not alone with its destination and metric: a change would take any of them.
    """
    if isinstance(facts.routing, Absent) or facts.routing.truncated:
        raise ValueError(f"the routes of {device} are not all known")
    mine = [route for route in facts.routing.routes if route.device == device and _follows(route)]
    alike = Counter(map(_place, facts.routing.routes))
    for route in mine:
        if alike[_place(route)] > 1:
            raise ValueError(f"the route to {route.destination} is one of several, and cannot be put back exactly")
    return _BETWEEN.join(_words(route) for route in mine)


def _follows(route: Route) -> bool:
    return route.family == "inet6" and route.mtu is not None and "mtu" not in route.locked


def _place(route: Route) -> tuple[str, str, str, int | None]:
    return route.family, route.table, route.destination, route.metric


def _words(route: Route) -> str:
    words = ["-6" if route.family == "inet6" else "-4", "route", "change", route.destination]
    words += ["via", route.gateway] if route.gateway else []
    words += ["dev", route.device]
    for name in ("protocol", "table", "metric", "source", "mtu", "advmss", "initcwnd", "initrwnd"):
        value = getattr(route, name)
        if value not in (None, ""):
            lock = ["lock"] if name in route.locked else []
            words += [{"protocol": "proto", "source": "src"}.get(name, name), *lock, str(value)]
    words += _further(route)
    if route.kind not in {"", "unicast"} or not all(map(_ROUTE_WORD.match, words)):
        raise ValueError(f"the route to {route.destination} cannot be put back exactly")
    return " ".join(words)


def _further(route: Route) -> list[str]:
    """What a route says besides. Raises ValueError for a word that need not mean the same when it is said again."""
    words = list(route.further)
    found = []
    while words:
        name = words.pop(0)
        found.append(name)
        if name in _ALONE:
            continue
        if name in _LOCKABLE and words[:1] == ["lock"]:
            found.append(words.pop(0))
        if name == _LOCKS_ITSELF and words[:1] == ["lock"]:
            words.pop(0)
        if name not in _LOCKABLE | _FIRM | {_LOCKS_ITSELF} or not words or words[0] == "lock":
            raise ValueError(f"the route to {route.destination} says {name[:40]!r}, and cannot be put back exactly")
        value = words.pop(0)
        found.append(value.removesuffix("sec") if name == "expires" else value)
    return found


def restored_routes(routes: str) -> Sequence[str]:
    """Shell lines that put routes back. Raises PlanError for words that are not those of a route."""
    found = []
    for route in filter(None, routes.split(_BETWEEN)):
        words = route.split(" ")
        if words[0] not in {"-4", "-6"} or words[1:3] != ["route", "change"] or not all(map(_ROUTE_WORD.match, words)):
            raise PlanError(f"{route[:80]!r} is no route")
        found.append(f"ip {' '.join(map(literals.quoted, words))} || exit 1")
    return found


MTU = SetLink(
    "mtu", "mtu", "mtu", "mtu", "MTUBytes",
    lambda nic: nic.mtu, lambda nic, value: replace(nic, mtu=value),
)  # fmt: skip
TXQUEUELEN = SetLink(
    "txqueuelen", "txqueuelen", "qlen", "txqueuelen", "TransmitQueueLength",
    lambda nic: nic.txqueuelen, lambda nic, value: replace(nic, txqueuelen=value),
)  # fmt: skip
