"""What a trace adds to a diagnosis: drops in words, and causes that weigh more, or less, for what was traced.

Tracepoints are of the whole machine. A drop that is known to be of the host's own network namespace makes a cause
surer; one that may be of another is told beside it and proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from netaudit.diagnosis.beside import answer_of
from netaudit.diagnosis.reasons import ALWAYS_TRACED, reason_of
from netaudit.diagnosis.state import in_initial_namespace
from netaudit.diagnosis.window import Window
from netaudit.facts.trace import parse_trace
from netaudit.model.diagnosis import Cause, Confidence
from netaudit.model.probe import Capture
from netaudit.model.reading import Absent
from netaudit.model.trace import Delivery, Drop, HostTrace, Means, Scope, TcpEvent, Trace, TracedReason, TracedTcp

PROBE = "trace_events"
_ENOUGH_OF_WINDOW = 0.6  # of the window that was traced, from which on what does not show speaks against a cause
_PLACES = 3
_TOLD = 5
_EVENTS = {
    "tcp_retransmit_skb": "retransmit",
    "tcp_send_reset": "reset sent",
    "tcp_receive_reset": "reset received",
    "inet_sock_set_state": "state",
}


def trace_of(captures: Sequence[Capture]) -> Trace | Absent | None:
    """The trace among the samples of one host; None when none was asked for."""
    return answer_of(captures, PROBE, parse_trace, Trace)


def told(trace: Trace | Absent, window: Window) -> HostTrace:
    """The trace as a report tells it."""
    if isinstance(trace, Absent):
        return HostTrace(absent=str(trace), delivery=_delivery(window))
    return HostTrace(
        means=trace.means,
        seconds=trace.seconds,
        reasons=tuple(_reasons(trace.drops)),
        elsewhere=trace.elsewhere,
        tcp=tuple(_tcp(trace.tcp)),
        paths=trace.paths,
        delivery=_delivery(window),
        unseen_drops=trace.unseen_drops,
        unseen_events=trace.unseen_events,
        notes=(*trace.notes, *_scope_notes(trace, window)),
    )


def weighed(causes: Iterable[Cause], trace: Trace, window: Window) -> tuple[Cause, ...]:
    """The causes with what the trace says for and against each, the likeliest first."""
    return tuple(sorted((_weighed(cause, trace, window) for cause in causes), key=lambda cause: cause.order))


def _weighed(cause: Cause, trace: Trace, window: Window) -> Cause:
    spoken = [drop for drop in trace.drops if cause.id in reason_of(drop.reason).causes]
    if spoken:
        own = any(drop.scope is Scope.NAMESPACE for drop in spoken)
        confidence = _step(cause.confidence, 1) if own else cause.confidence
        return replace(
            cause, confidence=confidence, evidence=(*cause.evidence, *_evidence(spoken, trace.seconds, own=own))
        )
    if _speaks_against(cause.id, trace, window):
        names = " or ".join(name for name in ALWAYS_TRACED[cause.id] if name != "NOT_SPECIFIED")
        against = f"traced for {trace.seconds:g} s: no packet was freed for {names}"
        return replace(cause, confidence=_lowered(cause.confidence), evidence=(*cause.evidence, against))
    return cause


def _speaks_against(cause: str, trace: Trace, window: Window) -> bool:
    """Whether the trace would have shown it and did not."""
    reasons = ALWAYS_TRACED.get(cause)
    if reasons is None or trace.means is Means.NONE or trace.unseen_drops or not any(d.reason for d in trace.drops):
        return False
    if trace.seconds < window.deltas.seconds * _ENOUGH_OF_WINDOW:
        return False
    return not any(drop.reason in reasons for drop in trace.drops)


def _evidence(drops: Sequence[Drop], seconds: float, *, own: bool) -> Iterator[str]:
    for one in _reasons(drop for drop in drops if not own or drop.scope is Scope.NAMESPACE):
        places = ", ".join(place for place, _ in one.places)
        whose = "" if own else ", on the whole machine"
        yield f"traced for {seconds:g} s: {one.packets:,} packets freed for {one.reason} in {places}{whose}"


def _step(confidence: Confidence, by: int) -> Confidence:
    return next((each for each in Confidence if each.rank == confidence.rank + by), confidence)


def _lowered(confidence: Confidence) -> Confidence:
    """One step less; what is certain stays: it happened outside of what was traced."""
    return confidence if confidence is Confidence.CERTAIN else _step(confidence, -1)


def _reasons(drops: Iterable[Drop]) -> Iterator[TracedReason]:
    """One entry a reason and scope: losses before what is freed in the ordinary course, the most packets first."""
    found: dict[tuple[str, Scope], dict[str, int]] = {}
    for drop in drops:
        places = found.setdefault((drop.reason, drop.scope), {})
        places[drop.place] = places.get(drop.place, 0) + drop.packets
    made = []
    for (name, scope), places in found.items():
        reason = reason_of(name)
        busiest = sorted(places.items(), key=lambda each: (-each[1], each[0]))
        made.append(
            TracedReason(
                reason=name or "no reason given",
                meaning=reason.meaning,
                packets=sum(places.values()),
                places=tuple(busiest[:_PLACES]),
                scope=scope,
                is_loss=reason.is_loss,
                causes=reason.causes,
            )
        )
    yield from sorted(made, key=lambda one: (not one.is_loss, one.scope is not Scope.NAMESPACE, -one.packets))


def _tcp(events: Iterable[TcpEvent]) -> Iterator[TracedTcp]:
    """Each kind of event with its commonest details."""
    found: dict[str, dict[str, int]] = {}
    for one in events:
        texts = found.setdefault(one.event, {})
        text = _said(one)
        texts[text] = texts.get(text, 0) + one.count
    for event, name in _EVENTS.items():
        if event in found:
            commonest = sorted(found[event].items(), key=lambda each: (-each[1], each[0]))
            yield TracedTcp(name, sum(found[event].values()), tuple(commonest[:_TOLD]))


def _said(one: TcpEvent) -> str:
    details: Mapping[str, str] = one.details
    port = f"port {details['port']}" if details.get("port", "0") != "0" else ""
    if one.event == "inet_sock_set_state":
        return f"{_state(details.get('old', ''))} to {_state(details.get('new', ''))} {port}".strip()
    words = [f"with {details.get('peer', 'somebody')}", port]
    if details.get("state"):
        words.append(f"in {_state(details['state'])}")
    if details.get("reason"):
        words.append(f"for {details['reason']}")
    return " ".join(word for word in words if word)


def _state(name: str) -> str:
    return name.removeprefix("TCP_").replace("_", "-")


def _delivery(window: Window) -> Delivery | None:
    """By the counters of the whole window; None where there are none."""
    up = window.deltas.up
    if not window.deltas.has("Ip.InReceives"):
        return None
    return Delivery(
        received=up("Ip.InReceives"),
        delivered=up("Ip.InDelivers"),
        by_protocol={
            "tcp": up("Tcp.InSegs"),
            "udp": up("Udp.InDatagrams", "Udp.NoPorts", "Udp.InErrors"),
            "icmp": up("Icmp.InMsgs"),
        },
    )


def _scope_notes(trace: Trace, window: Window) -> Iterator[str]:
    for unseen, what in ((trace.unseen_drops, "drops"), (trace.unseen_events, "events of TCP")):
        if unseen:
            yield f"{unseen:,} more {what} came faster than they could be read: those told are a sample"
    if trace.means is Means.TRACEFS and not in_initial_namespace(window):
        yield "tracefs tells of all network namespaces of the machine, and this host is only one of them"
