"""What every operation of the closed vocabulary can do.

An operation knows its thing twice: in the facts of a host (what is there now, what would be there afterwards) and as
shell text (how it is read, changed, put back and made to last). It knows nothing of checks or plans as a whole, and
takes nothing on trust: names and values go through ``literals``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeAlias, TypedDict

from netaudit.errors import PlanError
from netaudit.model.facts import Facts, Nic
from netaudit.model.plan import Step
from netaudit.model.reading import Absent, AbsentReason, Maybe
from netaudit.remedy import literals
from netaudit.remedy.scripts import StepScript

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.ASCII)
_NM_KEY = re.compile(r"(?:ethtool\.[a-z0-9-]{1,40}|802-3-ethernet\.mtu)\Z", re.ASCII)
_NM_VALUE = re.compile(r"[a-z0-9]{0,12}\Z", re.ASCII)
_NM_NUMBERS = {"on": "1", "off": "0"}  # of coalescing all values are numbers to nmcli, of offloads words will do
Arguments: TypeAlias = Mapping[str, str]


class Operation(Protocol):
    """One kind of change."""

    @property
    def name(self) -> str:
        """Its name in remediations and plans."""
        ...

    def subject(self, arguments: Arguments) -> str:
        """The thing that is changed, for people."""
        ...

    def observed(self, arguments: Arguments, namespace: str, facts: Facts) -> Maybe[str]:
        """The present value as the operation's own reader prints it on the host, or why there is none."""
        ...

    def foreseen(self, arguments: Arguments, namespace: str, value: str, facts: Facts) -> Facts:
        """The facts as they would be with another value."""
        ...

    def undone(self, step: Step) -> str:
        """One line for people: what an undo does."""
        ...

    def script(self, step: Step) -> StepScript:
        """The shell text of a step. Raises PlanError for arguments that are not on its lists."""
        ...

    def lines(self, step: Step) -> Sequence[str]:
        """The lines that the step adds to its ``file``; none for a step that has no file."""
        ...


def alone(*lines: str) -> str:
    """Shell text that runs in a subshell: it may exit, and leaves no variable or option behind."""
    return "\n".join(("(", *lines, ")"))


class Lasting(TypedDict, total=False):
    """The parts of a step's script that make it last where that is not a file."""

    persist: str
    unpersist: str


def by_connection(step: Step) -> Lasting:
    """Calls of nmcli, for a step that is kept in a connection of NetworkManager. Raises PlanError."""
    uuid = step.arguments.get("nm_uuid")
    if uuid is None:
        return {}
    key, before = step.arguments.get("nm_key", ""), step.arguments.get("nm_before", "")
    after = _NM_NUMBERS.get(step.after, step.after) if key.startswith("ethtool.coalesce-") else step.after
    if not (_UUID.match(uuid) and _NM_KEY.match(key) and _NM_VALUE.match(before) and _NM_VALUE.match(after)):
        raise PlanError(f"{key[:60]!r} is nothing that netaudit changes in a connection")
    call = f"nmcli connection modify {uuid} {key}"
    return {
        "persist": alone(f"{call} {literals.quoted(after)}"),
        "unpersist": alone(f"{call} {literals.quoted(before)}"),
    }


def is_script(step: Step) -> bool:
    """Whether a step is kept in a script, as ifupdown runs them."""
    return (step.file or "").startswith("/etc/network/if-up.d/")


def udev_rule(device: str, assignment: str) -> str:
    """A line of udev(7) that does something whenever an interface appears. Raises PlanError for what is no name."""
    literals.device(device)
    return f'ACTION=="add|move", SUBSYSTEM=="net", KERNEL=="{device}", {assignment}'


def within(step: Step, literal_namespace: str) -> str:
    """The words in front of a program that make it run in the network namespace of a step."""
    return f"nsenter --net=/run/netns/{literal_namespace} " if step.namespace else ""


def nic_of(name: str, facts: Facts) -> Maybe[Nic]:
    """An interface of the host, or why there is none."""
    if isinstance(facts.nics, Absent):
        return facts.nics
    found = next((nic for nic in facts.nics if nic.name == name), None)
    return found if found is not None else Absent(AbsentReason.NOT_PRESENT, f"no interface {name}")


def with_nic(name: str, change: Callable[[Nic], Nic], facts: Facts) -> Facts:
    """The facts with one interface changed."""
    if isinstance(facts.nics, Absent):
        return facts
    return replace(facts, nics=tuple(change(nic) if nic.name == name else nic for nic in facts.nics))


def no_such(what: str) -> Absent:
    """The reason for there being no value of an argument that the operation does not know."""
    return Absent(AbsentReason.NOT_PRESENT, f"there is no {what}")
