"""The gate between two batches: do the hosts that were changed lose more than they did before?

Pure: it compares three samples of the counters of one host. The first is the audit's, the second was taken just before
the change, the third after it: so *before* and *now* are rates of two windows, never totals since boot. A counter that
cannot be read is said and stops nothing; a host that has booted in between is not the host that was changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from netaudit.model.facts import Facts
from netaudit.model.reading import Absent, is_known

GROWTH = 1.5  # a rate may grow by half before it counts against a change
GATE_DOMAINS = frozenset({"netstat", "snmp", "softnet", "conntrack", "nics", "kernel"})
# The counters by name, for whoever reads them elsewhere.
OVERFLOWS, REFUSED = "TcpExt.ListenOverflows", "TcpExt.ListenDrops"
RETRANSMITS, SENT = "Tcp.RetransSegs", "Tcp.OutSegs"
SOFTNET = "softnet dropped"
CONNTRACK, CONNTRACK_DROP = "conntrack insert_failed", "conntrack drop"
INTERFACES = "interface drops"
_REASONS_SHOWN = 3
_NIC_DROPS = ("rx_dropped", "tx_dropped", "rx_missed_errors", "rx_fifo_errors")


@dataclass(frozen=True, slots=True)
class LossCounter:
    """One kind of loss. ``floor`` is the rate, or ratio, that is granted on top of what was there before."""

    name: str  # as the kernel names it
    unit: str  # "/s", or "ratio" of two counters
    floor: float
    least: int  # events within a window below which nothing is concluded
    read: Callable[[Facts], int | None]
    of: Callable[[Facts], int | None] | None = None  # the counter that a ratio is taken of


@dataclass(frozen=True, slots=True)
class Sample:
    """The loss counters of one host at one moment of its own clock."""

    boot_id: str
    uptime_s: float
    values: Mapping[str, int]  # what could be read, by the name of the counter
    totals: Mapping[str, int]  # what ratios are taken of


@dataclass(frozen=True, slots=True)
class GateRow:
    """One counter of one host: before, now, and what was granted. None: not observable."""

    host: str
    counter: str
    unit: str
    before: float | None
    now: float | None
    threshold: float | None
    passed: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What the gate says of one batch. It passed when there are no reasons against it."""

    rows: tuple[GateRow, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the batch may be confirmed."""
        return not self.reasons

    @property
    def reason(self) -> str:
        """One line for the record of each host."""
        more = len(self.reasons) - _REASONS_SHOWN
        return "; ".join(self.reasons[:_REASONS_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _netstat(name: str) -> Callable[[Facts], int | None]:
    def read(facts: Facts) -> int | None:
        return facts.netstat.get(name) if is_known(facts.netstat) else None

    return read


def _snmp(name: str) -> Callable[[Facts], int | None]:
    def read(facts: Facts) -> int | None:
        return facts.snmp.get(name) if is_known(facts.snmp) else None

    return read


def _softnet_dropped(facts: Facts) -> int | None:
    """Those of the whole machine: of a container they say what its neighbours lose, and nothing of the container."""
    if isinstance(facts.kernel, Absent) or facts.kernel.is_initial_namespace is False:
        return None
    return sum(cpu.dropped for cpu in facts.softnet.cpus) if is_known(facts.softnet) else None


def _conntrack(name: str) -> Callable[[Facts], int | None]:
    def read(facts: Facts) -> int | None:
        if isinstance(facts.conntrack, Absent) or isinstance(facts.conntrack.stats, Absent):
            return None
        return facts.conntrack.stats.get(name)

    return read


def _nic_drops(facts: Facts) -> int | None:
    if isinstance(facts.nics, Absent):
        return None
    return sum(nic.counters.get(name, 0) for nic in facts.nics if nic.kind != "loopback" for name in _NIC_DROPS)


COUNTERS = (
    LossCounter(OVERFLOWS, "/s", 1.0, 5, _netstat(OVERFLOWS)),
    LossCounter(REFUSED, "/s", 1.0, 5, _netstat(REFUSED)),
    LossCounter(RETRANSMITS, "ratio", 0.01, 20, _snmp(RETRANSMITS), _snmp(SENT)),
    LossCounter(SOFTNET, "/s", 1.0, 5, _softnet_dropped),
    LossCounter(CONNTRACK, "/s", 1.0, 5, _conntrack("insert_failed")),
    LossCounter(CONNTRACK_DROP, "/s", 1.0, 5, _conntrack("drop")),
    LossCounter(INTERFACES, "/s", 10.0, 50, _nic_drops),
)


def sample_of(facts: Facts) -> Sample | None:
    """The loss counters of these facts; None when the host's clock and boot could not be read."""
    if isinstance(facts.kernel, Absent):
        return None
    values, totals = {}, {}
    for counter in COUNTERS:
        value = counter.read(facts)
        total = counter.of(facts) if counter.of is not None else None
        if value is not None and (counter.of is None or total is not None):
            values[counter.name] = value
        if total is not None:
            totals[counter.name] = total
    return Sample(facts.kernel.boot_id, facts.kernel.uptime_s, MappingProxyType(values), MappingProxyType(totals))


def gate_rows(host: str, samples: Sequence[Sample | None]) -> tuple[GateRow, ...]:
    """A row for each counter of one host, from its samples of audit, just before and after the change."""
    first, before, after = samples
    if before is None or after is None:
        return (_refusal(host, "counters", "the host's counters were not read"),)
    if before.boot_id != after.boot_id:
        return (_refusal(host, "boot id", "the host was booted in between"),)
    return tuple(_row(host, counter, first, before, after) for counter in COUNTERS)


def failures(rows: Iterable[GateRow]) -> tuple[GateRow, ...]:
    """The rows that stop a gate."""
    return tuple(row for row in rows if not row.passed)


def _refusal(host: str, subject: str, note: str) -> GateRow:
    return GateRow(host, subject, "", None, None, None, passed=False, note=note)


def _row(host: str, counter: LossCounter, first: Sample | None, before: Sample, after: Sample) -> GateRow:
    events = _delta(counter.name, before, after)
    now = _rate(counter, before, after)
    if events is None or now is None:
        return GateRow(host, counter.name, counter.unit, None, None, None, passed=True, note="not observable")
    usual = _rate(counter, first, before) if first is not None and first.boot_id == before.boot_id else None
    threshold = GROWTH * (usual or 0.0) + counter.floor
    passed = events < counter.least or now <= threshold
    return GateRow(host, counter.name, counter.unit, usual, now, threshold, passed=passed)


def _delta(name: str, start: Sample, end: Sample) -> int | None:
    if name not in start.values or name not in end.values:
        return None
    grown = end.values[name] - start.values[name]
    return grown if grown >= 0 else None  # it was reset: nothing can be said


def _rate(counter: LossCounter, start: Sample, end: Sample) -> float | None:
    grown = _delta(counter.name, start, end)
    if counter.of is None:
        passed_s = end.uptime_s - start.uptime_s
    else:
        passed_s = end.totals.get(counter.name, 0) - start.totals.get(counter.name, 0)
    if grown is None or passed_s < 0:
        return None
    if passed_s == 0:
        return 0.0 if grown == 0 or counter.of is not None else None
    return grown / passed_s
