"""How often a diagnosis names the cause that a lab host was given: alone and in pairs, on idle hosts and on busy ones.

Every host of a lab gets another cause, or two, and the whole fleet is diagnosed at once. What was named first instead
of the true cause is told in the table of confusions. Hosts under normal load must not have any cause named.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from figures import Figure
from rich.console import Console
from rich.table import Table
from startup import NETAUDIT

from netaudit.lab import Lab
from netaudit.lab.causes import BY_NAME, CAUSES, NORMAL_LOAD, LabCause
from netaudit.lab.causes_run import Broken, hosts_of

HOSTS = 12
HEALTHY_HOSTS = 100
_LASTS_S = 120.0
_WINDOW = "5s"
_LOAD_NUMBER = 9
_QUIET_AFTER_S = 20.0  # new interfaces report groups and look for twins of their address, to every port of the bridge

# Two at once: of one layer and of several, look-alikes among them.
PAIRS = (
    ("accept-queue-full", "udp-receive-buffer"), ("accept-queue-full", "path-loss"),
    ("syn-queue-full", "firewall-drop"),
    ("firewall-drop", "stateful-asymmetry"), ("reverse-path-filter", "firewall-drop"), ("path-loss", "udp-no-port"),
    ("descriptors-exhausted", "syn-ack-unanswered"), ("close-wait-leak", "app-not-reading"),
    ("reset-on-close", "port-closed"), ("time-wait-overflow", "reset-on-close"),
    ("checksum-errors", "udp-receive-buffer"),
    ("egress-queue-drops", "reassembly-failed"), ("path-mtu-black-hole", "peer-not-reading"),
    ("path-mtu-black-hole", "accept-queue-full"), ("ports-exhausted", "connect-refused"),
    ("connect-unanswered", "connect-refused"), ("frame-too-long", "udp-no-port"), ("no-route", "neighbour-unreachable"),
    ("udp-send-refused", "accept-queue-full"), ("receive-queue-pruned", "time-wait-overflow"),
    ("syn-cookies", "close-wait-leak"), ("resets-received", "firewall-reject"), ("no-route", "descriptors-exhausted"),
    ("accept-queue-ack", "checksum-errors"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trial:
    """One host that was given some causes, and what was named there, the first first."""

    given: tuple[LabCause, ...]
    busy: bool
    named: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """Whether the only cause came first, or both of a pair are among the first three."""
        if len(self.given) == 1:
            return bool(self.named) and self.named[0] in self.given[0].named
        return all(any(name in cause.named for name in self.named[:3]) for cause in self.given)


def figures(scratch: Path, *, quick: bool) -> list[Figure]:
    """The shares of trials that went wrong, and the causes named where nothing is wrong."""
    alone = [(cause,) for cause in CAUSES if not cause.is_heavy]
    heavy = [(cause,) for cause in CAUSES if cause.is_heavy]
    pairs = [(BY_NAME[first], BY_NAME[second]) for first, second in PAIRS]
    trials: list[Trial] = []
    with _lab(scratch / "lab", 6 if quick else HOSTS) as lab:
        names = _names(lab)
        for busy in (False,) if quick else (False, True):
            for given in _portions([*(alone[:6] if quick else alone), *(() if quick else pairs)], len(names)):
                trials += _try(lab, names, given, busy=busy)
        for given in () if quick else heavy:
            trials += _try(lab, names[:1], [given], busy=False)
    _print(trials)
    named = _healthy(scratch / "healthy", 6 if quick else HEALTHY_HOSTS)
    single = [trial for trial in trials if len(trial.given) == 1]
    double = [trial for trial in trials if len(trial.given) == 2]
    made = [Figure(f"of {len(single)} single faults, true cause not first", _wrong(single), "%", 5.0)]
    if double:
        made.append(Figure(f"of {len(double)} pairs, not both in the first three", _wrong(double), "%", 10.0))
    hosts = 6 if quick else HEALTHY_HOSTS
    made.append(Figure(f"causes named on {hosts} healthy hosts under load", float(len(named)), "causes", 0.0))
    for name in sorted(set(named)):
        print(f"  named where nothing is wrong: {name}", file=sys.stderr)
    return made


@contextlib.contextmanager
def _lab(directory: Path, count: int) -> Iterator[Lab]:
    lab = Lab(directory)
    lab.up(count, healthy=True)
    try:
        yield lab
    finally:
        lab.down()


def _names(lab: Lab) -> list[str]:
    said = subprocess.run(
        [NETAUDIT, "inventory", "hosts", "all", "-i", str(lab.inventory)], capture_output=True, text=True, check=False
    )
    return [line.strip() for line in said.stdout.splitlines() if line.startswith(" ")] or said.stdout.split()


def _portions(given: Sequence[tuple[LabCause, ...]], size: int) -> Iterator[list[tuple[LabCause, ...]]]:
    rest = iter(given)
    while portion := list(itertools.islice(rest, size)):
        yield portion


def _try(lab: Lab, names: Sequence[str], given: Sequence[tuple[LabCause, ...]], *, busy: bool) -> list[Trial]:
    """Give each host its causes, diagnose all of them at once, take the causes back."""
    hosts = hosts_of(lab)
    with contextlib.ExitStack() as stack:
        for name, causes in zip(names, given, strict=False):
            host = hosts[name]
            if busy:
                stack.enter_context(Broken(host, NORMAL_LOAD, _LASTS_S, _LOAD_NUMBER))
            for number, cause in enumerate(causes):
                stack.enter_context(Broken(host, cause, _LASTS_S, number))
        time.sleep(max(cause.settles_s for causes in given for cause in causes))
        found = _diagnosed(lab, ",".join(names[: len(given)]))
    return [Trial(causes, busy, found.get(name, ())) for name, causes in zip(names, given, strict=False)]


def _diagnosed(lab: Lab, pattern: str) -> dict[str, tuple[str, ...]]:
    command = [
        NETAUDIT,
        "diagnose",
        pattern,
        "-i",
        str(lab.inventory),
        "--for",
        _WINDOW,
        "--no-history",
        "-q",
        "-o",
        "json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1, 3}:
        raise SystemExit(f"netaudit diagnose exited {done.returncode}: {done.stderr[-2000:]}")
    hosts = json.loads(done.stdout)["hosts"]
    return {host["name"]: tuple(cause["id"] for cause in host["causes"]) for host in hosts}


def _healthy(directory: Path, count: int) -> list[str]:
    """What is named on hosts that lose nothing and have something to do."""
    with _lab(directory, count) as lab, contextlib.ExitStack() as stack:
        for host in hosts_of(lab).values():
            stack.enter_context(Broken(host, NORMAL_LOAD, 4 * _LASTS_S, _LOAD_NUMBER))
        time.sleep(_QUIET_AFTER_S)
        found = _diagnosed(lab, "all")
        if len(found) != count:
            raise SystemExit(f"{len(found)} of {count} healthy hosts were diagnosed")
    return [name for named in found.values() for name in named]


def _wrong(trials: Sequence[Trial]) -> float:
    return 100.0 * sum(not trial.is_right for trial in trials) / max(1, len(trials))


def _print(trials: Sequence[Trial]) -> None:
    """One row for each cause, or pair: what was named, how often it was right."""
    table = Table("given", "idle", "busy", "named first", title="confusion of causes")
    rows: dict[str, list[Trial]] = {}
    for trial in trials:
        rows.setdefault(" + ".join(cause.name for cause in trial.given), []).append(trial)
    for given, members in rows.items():
        marks = [
            " ".join("right" if one.is_right else "WRONG" for one in members if one.busy == busy)
            for busy in (False, True)
        ]
        first = dict.fromkeys(", ".join(one.named[: 3 if len(one.given) > 1 else 1]) or "nothing" for one in members)
        table.add_row(given, marks[0], marks[1], " | ".join(first))
    Console(width=140).print(table)
