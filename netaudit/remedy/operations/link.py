"""Changes what ip-link(8) sets of an interface: its MTU and the length of its transmit queue.

The kernel drops what IPv6 knows of an interface below an MTU of 1280, and rewrites the MTU of its routes along with the
device's. The first is refused; the routes that carry an MTU of their own are put back by the undo.
"""

from __future__ import annotations

import re
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
    """The words of ``ip route`` that put back each route of a device that carries an MTU, for the argument ``routes``.

    Empty where there is none. Raises ValueError for a route that cannot be told whole.
    """
    if isinstance(facts.routing, Absent) or facts.routing.truncated:
        raise ValueError(f"the routes of {device} are not all known")
    mine = [route for route in facts.routing.routes if route.device == device and route.mtu is not None]
    return _BETWEEN.join(_words(route) for route in mine)


def _words(route: Route) -> str:
    words = ["-6" if route.family == "inet6" else "-4", "route", "change", route.destination]
    words += ["via", route.gateway] if route.gateway else []
    words += ["dev", route.device]
    for name in ("protocol", "table", "metric", "source", "mtu", "advmss", "initcwnd", "initrwnd"):
        value = getattr(route, name)
        if value not in (None, ""):
            lock = ["lock"] if name in route.locked else []
            words += [{"protocol": "proto", "source": "src"}.get(name, name), *lock, str(value)]
    if route.kind not in {"", "unicast"} or not all(map(_ROUTE_WORD.match, words)):
        raise ValueError(f"the route to {route.destination} cannot be put back exactly")
    return " ".join(words)


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
