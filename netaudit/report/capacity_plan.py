"""What a capacity check would have changed, as input to a plan: a baseline that asks for it, and its remediations.

Both are files that a user could have written: ``netaudit vet`` pins the second, ``netaudit plan -b`` takes the first.
Only settings of sysctl are told; what is none, such as the limit of a process, is a comment. Of several hosts and
resources that ask for one setting the most counts; hosts that ask for nothing are left alone. Nothing that a host sent
is written as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from netaudit.model.capacity import CapacityLine, CapacityVerdict, FleetCapacity, SettingChange, WorkloadRef
from netaudit.model.result import RunInfo

_PORT_RANGE = "net.ipv4.ip_local_port_range"
_BUCKETS = "net.netfilter.nf_conntrack_buckets"
_NEW_SOCKETS = (
    "net.core.somaxconn", "net.core.rmem_", "net.core.wmem_", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
    "net.ipv4.tcp_max_syn_backlog",
)  # fmt: skip
_EXACT = frozenset({"net.ipv4.tcp_tw_reuse"})  # modes, of which none is more than another


@dataclass(slots=True)
class _Wanted:
    """One setting, as a vector of one number or of several."""

    name: str
    value: tuple[int, ...]
    severity: str
    hosts: dict[str, None] = field(default_factory=dict)
    why: dict[str, None] = field(default_factory=dict)

    @property
    def step_class(self) -> str:
        """When a change of it is felt."""
        return "new-sockets" if self.name.startswith(_NEW_SOCKETS) else "live"

    @property
    def claim(self) -> str:
        """What the baseline says of it."""
        if self.name in _EXACT:
            return f"equals: {self.value[0]}"
        if self.name == _PORT_RANGE:
            return f"fields: {{0: {{at_most: {self.value[0]}}}, 1: {{at_least: {self.value[1]}}}}}"
        if len(self.value) == 1:
            return f"at_least: {self.value[0]}"
        return f"fields: {{{', '.join(f'{place}: {{at_least: {each}}}' for place, each in enumerate(self.value))}}}"

    def take(self, line: CapacityLine, value: tuple[int, ...]) -> None:
        """What another line asks for counts where it is more."""
        if len(value) == len(self.value):
            low = min(value[0], self.value[0]) if self.name == _PORT_RANGE else max(value[0], self.value[0])
            self.value = (low, *map(max, value[1:], self.value[1:]))
        self.hosts.update(dict.fromkeys(line.hosts))
        row = line.weakest
        verb = "too small" if row.verdict is CapacityVerdict.BREAKS else "tight"
        at = "" if row.breaks_at is None else f", enough for {row.breaks_at:.3g} times the load"
        self.why[f"{row.title}: {verb}{at}"] = None
        self.severity = "high" if row.verdict is CapacityVerdict.BREAKS else self.severity


def capacity_baseline(run: RunInfo, workload: WorkloadRef, fleet: FleetCapacity) -> Iterator[str]:
    """A baseline that holds each setting against what the load needs, on the hosts that need it."""
    yield from _head(run, workload, "netaudit plan -b THIS --remediations FILE")
    yield f"baseline: {json.dumps(_id(workload))}\n"
    yield f"title: {json.dumps(f'What {workload.name} asks for', ensure_ascii=True)}\n"
    wanted = _wanted(fleet)
    if wanted:
        yield "sysctl:\n"
    for each in wanted:
        why = json.dumps("; ".join(each.why), ensure_ascii=True)
        yield f"  {each.name}: {{{each.claim}, severity: {each.severity}, reason: {why}}}\n"
    if wanted:
        yield "overrides:\n"
    for each in wanted:
        others = json.dumps(":!".join(("all", *sorted(each.hosts))), ensure_ascii=True)
        yield f"  - check: sysctl.{each.name}\n    hosts: {others}\n    skip: the load does not ask for it here\n"
    yield from _by_hand(fleet)


def capacity_remediations(run: RunInfo, workload: WorkloadRef, fleet: FleetCapacity) -> Iterator[str]:
    """A remediation for each of these settings, which allows that value and no other."""
    yield from _head(run, workload, "netaudit vet -b BASELINE THIS")
    wanted = _wanted(fleet)
    yield "remediations:\n" if wanted else "remediations: []\n"
    for each in wanted:
        value = ", ".join(map(str, each.value))
        yield f"  - id: {_id(workload)}.{each.name.rpartition('.')[2].replace('-', '_')}\n"
        yield f"    title: {json.dumps(f'Set {each.name} to what {workload.name} needs', ensure_ascii=True)}\n"
        yield f"    checks: [sysctl.{each.name}]\n    class: {each.step_class}\n    steps:\n"
        if each.name == _BUCKETS:
            yield "      - operation: conntrack_hash\n"
        else:
            yield f"      - operation: sysctl\n        key: {each.name}\n"
        yield f"        value: {value if len(each.value) == 1 else f'[{value}]'}\n"
        ranges = ", ".join(f"[{one}, {one}]" for one in each.value)
        yield f"        range: {ranges if len(each.value) == 1 else f'[{ranges}]'}\n"


def _head(run: RunInfo, workload: WorkloadRef, how: str) -> Iterator[str]:
    """Where it comes from, in comments."""
    yield f"# Of `netaudit capacity`, run {run.id}, under {json.dumps(workload.name, ensure_ascii=True)}"
    yield f" × {workload.scale:g}. For: {how}\n"


def _id(workload: WorkloadRef) -> str:
    """The name of the workload as a name of a baseline or a remediation."""
    words = "".join(one if one.isascii() and one.isalnum() else "_" for one in workload.name.lower()).strip("_")
    return words or "workload"


def _wanted(fleet: FleetCapacity) -> Sequence[_Wanted]:
    found: dict[str, _Wanted] = {}
    for line in _short(fleet):
        for change in line.weakest.changes:
            value = _vector(change)
            if value:
                found.setdefault(change.setting, _Wanted(change.setting, value, "medium")).take(line, value)
    return tuple(found.values())


def _short(fleet: FleetCapacity) -> Iterator[CapacityLine]:
    """The lines of what does not carry the load with its headroom."""
    for line in fleet.lines:
        if line.weakest.verdict in {CapacityVerdict.BREAKS, CapacityVerdict.TIGHT}:
            yield line


def _vector(change: SettingChange) -> tuple[int, ...]:
    """The numbers of a sysctl; empty for what is none."""
    words = change.value.split()
    is_sysctl = "." in change.setting and all(word.isdecimal() for word in words)
    return tuple(map(int, words)) if is_sysctl else ()


def _by_hand(fleet: FleetCapacity) -> Iterator[str]:
    """What no sysctl is, for whoever does it."""
    for line in _short(fleet):
        for change in line.weakest.changes:
            if not _vector(change):
                what = json.dumps([change.setting, change.subject, change.value, list(line.hosts)], ensure_ascii=True)
                yield f"# by hand (setting, of what, value, hosts): {what}\n"
