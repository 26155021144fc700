"""The diagnosis of one host out of its samples, and what has to be asked for them."""

from __future__ import annotations

from collections.abc import Sequence

from netaudit.diagnosis.catalogue import TITLES
from netaudit.diagnosis.headers import headers_of
from netaudit.diagnosis.judge import examined
from netaudit.diagnosis.state import backlog_drops, backlog_share, nics, sent_into_backlogs
from netaudit.diagnosis.timeline import timeline_of
from netaudit.diagnosis.trace import told, trace_of, weighed
from netaudit.diagnosis.trace_probes import probes_of
from netaudit.diagnosis.traffic import interface_loads, stuck_queues, talkers_of
from netaudit.diagnosis.window import Sample, Window, window_of
from netaudit.errors import Phase
from netaudit.facts.snapshot import facts_of
from netaudit.model.diagnosis import HostDiagnosis
from netaudit.model.probe import Capture, HostError
from netaudit.model.reading import Absent
from netaudit.model.result import HostStatus

# Settings and texts that do not change within a window are asked for once, with the first sample.
PROBES_ONCE = ("sysctl", "firewall")
# Counters and states, in the order in which they are sent: what rates are made of stands close together.
PROBES_EACH = (
    "system", "counters", "softnet", "conntrack", "qdisc", "nics", "routes", "drop_rules", "talkers", "sockets",
    "kernel_log",
)  # fmt: skip
# With many samples those in between carry counters and queues, and leave out what only the ends are compared by.
PROBES_BETWEEN = ("system", "counters", "softnet", "conntrack", "qdisc", "nics", "routes", "drop_rules", "sockets")
DOMAINS = frozenset({
    "kernel", "netstat", "snmp", "snmp6", "sockstat", "softnet", "conntrack", "qdiscs", "nics", "neighbours",
    "drop_rules", "talkers", "sockets", "listeners", "limits", "kernel_log", "sysctl", "firewall", "cpu", "memory",
})  # fmt: skip


def diagnosis_of(captures: Sequence[Capture], duration_s: float = 0.0, *, timeline: bool = False) -> HostDiagnosis:
    """What the samples of one host say, in the order in which they were taken; there is at least one."""
    name, address = captures[0].host, captures[0].address
    window = window_of([_sample(capture) for capture in captures])
    if window is None:
        error = captures[0].error
        return HostDiagnosis(name, address, status_of(error), error, duration_s)
    causes, unseen = examined(window)
    trace = trace_of(captures)
    known = None if isinstance(trace, Absent) else trace
    if known is not None:
        causes = weighed(causes, known, window)
    return HostDiagnosis(
        name=name,
        address=address,
        status=HostStatus.OK,
        error=None,
        duration_s=duration_s,
        window_s=window.deltas.seconds,
        samples=len(window.samples),
        causes=causes,
        unseen=unseen,
        examined=TITLES,
        talkers=talkers_of(window),
        stuck=stuck_queues(window),
        interfaces=interface_loads(window),
        notes=(*window.notes, *_shortages(window)),
        trace=told(trace, window) if trace is not None else None,
        timeline=timeline_of(window, causes, captures, known) if timeline else None,
        headers=headers_of(captures),
        seen=probes_of(captures, window),
    )


def _sample(capture: Capture) -> Sample:
    """The facts of one answer; one that was cut off is used as far as it came."""
    if capture.error is not None and not any(section.stdout for section in capture.sections):
        return Sample(None, capture.error)
    return Sample(facts_of(capture, DOMAINS), capture.error)


def _shortages(window: Window) -> tuple[str, ...]:
    """What the host could not tell, and what is less sure for it."""
    notes = []
    last = window.last
    if (few := backlog_share(window)) and not backlog_drops(window):
        lost = f"{few:,} packet{'s' if few > 1 else ''}"
        notes.append(f"a burst found the backlog of a CPU full and lost {lost}: too few to be named a cause")
    if (sent := sum(sent_into_backlogs(window, nic) for nic in nics(window))) and not backlog_drops(window):
        lost = f"{sent:,} frame{'s' if sent > 1 else ''}"
        notes.append(f"a CPU of this machine had a full backlog: it can have lost {lost} that this host sent")
    if not isinstance(last.talkers, Absent):
        if last.talkers.truncated:
            notes.append("very many connections: those with something amiss are told one by one, the others in sums")
        if isinstance(last.talkers.owners, Absent):
            notes.append("whose sockets these are is seen by root only (--become)")
    if not isinstance(last.sockets, Absent) and last.sockets.truncated:
        notes.append("more sockets than are looked at: groups of sockets are lower bounds")
    return tuple(notes)


def status_of(error: HostError | None) -> HostStatus:
    """The contract's three words."""
    if error is None:
        return HostStatus.OK
    return (
        HostStatus.UNREACHABLE if error.phase in {Phase.CONNECT, Phase.KEY_EXCHANGE, Phase.AUTH} else HostStatus.ERROR
    )
