"""One host as the formulas see it: its facts, with settings that are tried out in place of those it has."""

from __future__ import annotations

from dataclasses import dataclass, replace

from netaudit.facts.absence import why_absent
from netaudit.model.facts import Facts, Listener, Nic
from netaudit.model.reading import Absent, AbsentReason, Maybe
from netaudit.model.workload import HostLoad, Load, LoadKind, Present

LISTEN_BACKLOG, NOFILE, RX_RING = "listen_backlog", "nofile", "rx_ring"
_LONGEST_NUMBER = 20  # digits of 2^64
WORDS = (LISTEN_BACKLOG, NOFILE, RX_RING)  # what can be tried out besides sysctls


def _is_number(word: str) -> bool:
    """Whether it is a number as the kernel writes one; a host may have sent anything."""
    digits = word.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) <= _LONGEST_NUMBER


@dataclass(frozen=True, slots=True)
class Host:
    """Facts and load of one host."""

    facts: Facts
    load: HostLoad

    def of_kind(self, *kinds: LoadKind) -> tuple[Load, ...]:
        """The loads of these kinds."""
        return tuple(load for load in self.load.loads if load.kind in kinds)

    @property
    def adds_present(self) -> bool:
        """Whether what the host does now comes on top of the declared load."""
        return self.load.present is Present.ADDITIONAL

    @property
    def is_virtual(self) -> bool:
        """Whether it is a virtual machine, as far as it says."""
        kernel = self.facts.kernel
        return not isinstance(kernel, Absent) and kernel.virtualization != "none"

    def tried(self, name: str) -> str | None:
        """The value of a setting that is tried out, if it is."""
        return self.load.what_if.get(name)

    def text(self, name: str) -> Maybe[str]:
        """A sysctl: the value that is tried out, else the running one."""
        tried = self.tried(name)
        if tried is not None:
            return tried
        settings = self.facts.sysctl
        if isinstance(settings, Absent):
            return settings
        value = settings.values.get(name)
        return why_absent(name, self.facts) if value is None else value

    def numbers(self, name: str, least: int = 1) -> Maybe[tuple[int, ...]]:
        """A sysctl of several numbers."""
        text = self.text(name)
        if isinstance(text, Absent):
            return text
        words = text.split()
        if len(words) < least or not all(_is_number(word) for word in words):
            return Absent(AbsentReason.NOT_UNDERSTOOD, f"{name} is {text[:60]!r}")
        return tuple(int(word) for word in words)

    def number(self, name: str) -> Maybe[int]:
        """A sysctl of one number."""
        numbers = self.numbers(name)
        return numbers if isinstance(numbers, Absent) else numbers[0]

    def in_force(self, name: str) -> Maybe[int]:
        """A sysctl of one number as it is now, whatever is tried out."""
        return Host(self.facts, replace(self.load, what_if={})).number(name)

    def counted(self, name: str) -> Maybe[int]:
        """A number of /proc/net/sockstat."""
        counts = self.facts.sockstat
        if isinstance(counts, Absent):
            return counts
        return counts.get(name, Absent(AbsentReason.NOT_PRESENT, f"sockstat has no {name}"))

    def listeners(self, port: int) -> Maybe[tuple[Listener, ...]]:
        """The TCP sockets that listen on a port and that others can reach."""
        found = self.facts.listeners
        if isinstance(found, Absent):
            return found
        return tuple(one for one in found if one.protocol == "tcp" and one.port == port and not one.is_loopback)

    def nic(self, name: str) -> Nic | None:
        """The interface of that name; of an empty name the only one that can carry traffic of others."""
        nics = self.facts.nics
        if isinstance(nics, Absent):
            return None
        if name:
            return next((nic for nic in nics if nic.name == name), None)
        found = [nic for nic in nics if nic.is_physical and nic.is_up] or self._routed(nics)
        return found[0] if len(found) == 1 else None

    def _routed(self, nics: tuple[Nic, ...]) -> list[Nic]:
        """Where there is no device: the interfaces of default routes, else those with an address of their own."""
        routing = self.facts.routing
        devices = (
            set()
            if isinstance(routing, Absent)
            else {route.device for route in routing.routes if route.destination == "default"}
        )
        found = [nic for nic in nics if nic.name in devices]
        return found or [
            nic for nic in nics
            if nic.kind != "loopback" and nic.is_up and any(each.scope == "global" for each in nic.addresses)
        ]  # fmt: skip
