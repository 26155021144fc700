"""Gives a lab host a cause of loss, and takes it back: also when whoever asked for it is killed half-way.

Each side has a keeper: a shell in its namespaces that does the setting-up, says so, waits for the end of its standard
input, and undoes everything. The programs end with theirs. So when this process ends, in whatever way, all of it goes.
The other side is a namespace of its own whose name carries the lab's: taking the lab down finds it too.
"""

from __future__ import annotations

import contextlib
import difflib
import ipaddress
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from netaudit.errors import LabError
from netaudit.lab import network
from netaudit.lab.causes import BY_NAME, LabCause, Side
from netaudit.lab.fleet import Lab
from netaudit.lab.plan import plan_hosts

_TRIES = 5  # of a program that is to listen
_PROGRAMS = str(Path(__file__).with_name("faults.py"))
_ENDS_WITHIN_S = 8.0
_PORTS = 9700


@dataclass(frozen=True, slots=True)
class BrokenHost:
    """A running host of a lab, as far as breaking it needs to know."""

    name: str
    address: str
    namespace: str
    bridge: str
    network: ipaddress.IPv4Network

    @property
    def init(self) -> int:
        """Its first process, seen from here. Raises LabError when it does not run."""
        for pid in network.pids_in([self.namespace]):
            with contextlib.suppress(OSError):
                found = re.search(r"^NSpid:(.*)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
                if found and found[1].split()[1:] == ["1"]:
                    return pid
        raise LabError(f"{self.name} does not run")


def hosts_of(lab: Lab) -> dict[str, BrokenHost]:
    """The hosts of a lab by name. Raises LabError when there is none."""
    status = lab.status()
    block = ipaddress.IPv4Network(status.network)
    return {
        plan.name: BrokenHost(plan.name, plan.address, f"{lab.prefix}{place:03d}", lab.bridge, block)
        for place, plan in enumerate(plan_hosts(status.planned, block))
    }


def host_of(lab: Lab, name: str) -> BrokenHost:
    """The host of this name. Raises LabError when there is no such lab or host, or when it does not run."""
    hosts = hosts_of(lab)
    if name not in hosts:
        near = difflib.get_close_matches(name, hosts, n=1)
        raise LabError(
            f"the lab has no host {name!r}", hint=f"did you mean {near[0]!r}?" if near else "netaudit lab up"
        )
    if not hosts[name].init:
        raise LabError(f"{name} does not run")
    return hosts[name]


def cause_of(name: str) -> LabCause:
    """The cause of this name. Raises LabError with the nearest one."""
    if name in BY_NAME:
        return BY_NAME[name]
    near = difflib.get_close_matches(name, BY_NAME, n=1)
    raise LabError(f"there is no cause {name!r}", hint=f"did you mean {near[0]!r}?" if near else "netaudit lab causes")


@dataclass(slots=True)
class Broken:
    """One cause on one host, for as long as the context lasts. ``number`` tells several at once apart: 0 to 9."""

    host: BrokenHost
    cause: LabCause
    for_s: float
    number: int = 0
    _children: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _keepers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        try:
            self._set_up()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def peer(self) -> str:
        """The namespace of the other side."""
        return f"{self.host.namespace}p{self.number}"

    @property
    def far(self) -> str:
        """The one behind it."""
        return f"{self.host.namespace}f{self.number}"

    def words(self) -> Mapping[str, str]:
        """What stands for the words in braces."""
        addresses = self.host.network
        spare = ipaddress.IPv4Network("198.19.0.0/16")
        place = int(ipaddress.IPv4Address(self.host.address)) - int(addresses.network_address)
        own = list(spare.subnets(new_prefix=18))[2 + self.number % 2]
        far = list(spare.subnets(new_prefix=24))[self.number]
        direct = ipaddress.IPv4Address("198.19.60.0") + 4 * (self.number + 1)
        return {
            "host": self.host.address,
            "peer": str(addresses.broadcast_address - 2 - self.number - 10 * (place % 100)),
            "gap": str(addresses.broadcast_address - 1500 - 20 * self.number),
            "dev": "eth0",
            "port": str(_PORTS + self.number),
            "net": str(own),
            "first": str(own.network_address + 1),
            "farnet": str(far),
            "far": str(far.network_address + 2),
            "router": str(far.network_address + 1),
            "direct_host": str(direct + 1),
            "direct_peer": str(direct + 2),
            "length": str(addresses.prefixlen),
        }

    def end(self) -> None:
        """Take everything back. Never raises; safe to call twice."""
        for child in (*self._children, *reversed(self._keepers)):
            if child.stdin is not None:
                with contextlib.suppress(OSError):
                    child.stdin.close()
        for child in (*self._children, *self._keepers):
            try:
                child.wait(_ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            if child.stdout is not None:
                child.stdout.close()
        self._children.clear()
        self._keepers.clear()

    def _set_up(self) -> None:
        words = self.words()
        self._make_peer(words)
        inside: list[str] = ["nsenter", "-t", str(self.host.init), "-m", "-n", "-u", "-p"]
        beyond = ["ip", "netns", "exec"]
        sides: list[tuple[Side, Sequence[str]]] = [(self.cause.peer, [*beyond, self.peer]), (self.cause.host, inside)]
        if self.cause.far is not None:
            sides.insert(0, (self.cause.far, [*beyond, self.far]))
        for side, prefix in sides:
            self._keep(prefix, side, words)
        for program, prefix in _in_order(sides):
            self._start(prefix, program.format(**words))

    def _make_peer(self, words: Mapping[str, str]) -> None:
        """The other side, under a keeper that removes it."""
        veth = network.veth_name(self.peer)
        inside = f"address {network.hardware_address(words['peer'])} netns {self.peer}"
        made = [
            f"ip netns add {self.peer}",
            f"ip link add {veth} type veth peer name eth0 {inside}",
            f"ip link set {veth} master {self.host.bridge} up",
            # Solicitations of IPv6 go to every port of the bridge: of a large lab that is a storm of its own.
            *(
                f"ip netns exec {self.peer} sysctl -qw net.ipv6.conf.{each}.disable_ipv6=1"
                for each in ("all", "default")
            ),
            f"ip -n {self.peer} link set lo up",
            f"ip -n {self.peer} addr add {words['peer']}/{words['length']} dev eth0",
            f"ip -n {self.peer} link set eth0 up",
            # The host keeps this: what it still sends to a peer that has gone is then no neighbour that is unreachable.
            f"ip -n {self.host.namespace} {network.known_neighbour(words['peer'], 'eth0')}",
            f"ip -n {self.peer} {network.known_neighbour(words['host'], 'eth0')}",
            f"ip netns exec {self.peer} sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0",
        ]
        gone = [f"ip link del {veth}", f"ip netns del {self.peer}"]
        if self.cause.far is not None:
            made += [
                f"ip netns add {self.far}",
                f"ip link add nflt2 netns {self.peer} type veth peer name eth0 netns {self.far}",
                f"ip -n {self.peer} addr add {words['router']}/24 dev nflt2",
                f"ip -n {self.peer} link set nflt2 up",
                f"ip -n {self.far} addr add {words['far']}/24 dev eth0",
                f"ip -n {self.far} link set lo up",
                f"ip -n {self.far} link set eth0 up",
                f"ip -n {self.far} route add default via {words['router']}",
                f"ip netns exec {self.peer} sysctl -qw net.ipv4.ip_forward=1",
            ]
            gone.append(f"ip netns del {self.far}")
        if any("nflt3" in command for command in self.cause.peer.setup):
            made.append(f"ip link add nflt3 netns {self.peer} type veth peer name nflt0 netns {self.host.namespace}")
        self._keeper([], made, gone)

    def _keep(self, prefix: Sequence[str], side: Side, words: Mapping[str, str]) -> None:
        made = [command.format(**words) for command in side.setup]
        gone = [command.format(**words) for command in side.undo]
        for name, value in side.sysctl:
            path = shlex.quote("/proc/sys/" + name.format(**words).replace(".", "/"))
            made.append(f"old=$(cat {path}); undo=\"echo '$old' >{path}; $undo\"; echo {shlex.quote(value)} >{path}")
        if made:
            self._keeper(prefix, made, gone)

    def _keeper(self, prefix: Sequence[str], made: Sequence[str], gone: Sequence[str]) -> None:
        """Start a keeper and wait until it has set up. Raises LabError with its own words."""
        undone = "; ".join(f"{command} 2>/dev/null" for command in gone)
        script = "\n".join((
            "trap '' INT TERM HUP", "undo=", f"undone() {{ eval \"$undo\"; {undone or ':'}; }}",
            *(f"{command} || {{ undone; echo failed; exit 1; }}" for command in made),
            "echo ready", "read -r _", "undone",
        ))  # fmt: skip
        child = subprocess.Popen(
            [*prefix, "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        self._keepers.append(child)
        said: list[str] = []
        while not said or said[-1] not in {"ready", "failed", ""}:
            said.append(_line(child))
        if said[-1] != "ready":
            told = said[-2] if len(said) > 1 else "no answer"
            raise LabError(f"{self.cause.name} cannot be had on {self.host.name}: {told}")

    def _start(self, prefix: Sequence[str], program: str) -> None:
        words = program.split()
        said = ""
        for _ in range(_TRIES):
            child = subprocess.Popen(
                [*prefix, sys.executable, "-I", "-S", _PROGRAMS, f"{self.for_s:g}", *words],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            self._children.append(child)
            if words[0] not in _SERVERS or (said := _line(child)) == "listening":
                return
            while line := _line(child):  # of a traceback the last line says why
                said = line
            time.sleep(1)  # the cause before this one may not have given back its port yet
        raise LabError(
            f"{self.cause.name}: the program {words[0]!r} did not start on {self.host.name}: {said or 'it ended'}"
        )


_SERVERS = frozenset(
    {
        "listen",
        "starved",
        "unread",
        "leak",
        "hangup",
        "closefirst",
        "shrink",
        "drain",
        "sink",
        "sluggish",
        "answer",
        "swallow",
        "retire",
    }
)


def _in_order(sides: Sequence[tuple[Side, Sequence[str]]]) -> list[tuple[str, Sequence[str]]]:
    """All programs with where they run: those that listen first."""
    found = [(program, prefix) for side, prefix in sides for program in side.programs]
    return sorted(found, key=lambda each: each[0].split()[0] not in _SERVERS)


def _line(child: subprocess.Popen[bytes]) -> str:
    """The next line that a child prints; empty when it has ended."""
    assert child.stdout is not None  # it was started with a pipe
    return child.stdout.readline().decode("utf-8", "replace").strip()
