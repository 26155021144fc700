"""Causes at listeners: accept queue, half-open queue, the way back to clients, closed ports."""

from __future__ import annotations

from netaudit.diagnosis.rule import Case, CauseRule
from netaudit.diagnosis.state import (
    full_listeners,
    half_open,
    hit_rules,
    peers_text,
    qdisc_drops,
    starved_processes,
    syn_recv,
)
from netaudit.diagnosis.window import Window
from netaudit.model.diagnosis import Confidence, Layer
from netaudit.model.result import Severity

_OVERFLOWS, _DROPS = "TcpExt.ListenOverflows", "TcpExt.ListenDrops"
_FULL_DROP, _COOKIES, _SENT = "TcpExt.TCPReqQFullDrop", "TcpExt.TCPReqQFullDoCookies", "TcpExt.SyncookiesSent"
_REFUSED = 3
_REFUSED_PER_S = 0.2
_UNANSWERED = 3  # half-open connections throughout, from which on a way back looks lossy


def _accept_queue(window: Window) -> Case | None:
    """SYNs are dropped while the queue is full; clients repeat them after a second."""
    overflows = window.deltas.up(_OVERFLOWS)
    full = full_listeners(window)
    if not overflows and not any(each.samples == len(window.samples) and window.has_growth for each in full):
        return None
    quiet = not window.deltas.up(_FULL_DROP, _COOKIES)
    ruled_out = [("syn-queue-full", "TCPReqQFullDrop and TCPReqQFullDoCookies did not move")] if quiet else []
    if not starved_processes(window) and full:
        ruled_out.append(("descriptors-exhausted", "the process has descriptors left"))
    ruled_out.append(("firewall-drop", "the SYNs reached the listener: a filter drops them before"))
    return Case(
        Confidence.CERTAIN if overflows else Confidence.LIKELY,
        str(full[0]) if full else f"{overflows:,} handshakes met a full accept queue",
        changes=(_OVERFLOWS, _DROPS),
        evidence=_queue_evidence(window) if overflows else ("the queue is full; nobody tried to connect meanwhile",),
        ruled_out=tuple(ruled_out),
        subjects=tuple(f"{each.listener.endpoint} {each.listener.process}" for each in full)[:5],
    )


def _queue_evidence(window: Window) -> tuple[str, ...]:
    full = full_listeners(window)
    if not full:
        return ("no listener was full at the moment of a sample: bursts, or a queue that is emptied in time",)
    return tuple(f"Recv-Q {one.listener.queue} ≥ Send-Q {one.listener.backlog} on {one.listener.endpoint}, "
                 f"in {one.samples} of {len(window.samples)} samples" for one in full[:3])  # fmt: skip


def _accept_queue_at_ack(window: Window) -> Case | None:
    """The last ACK of a handshake meets a full queue: the client believes it is connected."""
    overflows = window.deltas.up(_OVERFLOWS)
    aborted = window.deltas.up("TcpExt.EmbryonicRsts")
    repeated = window.deltas.up("Tcp.RetransSegs")
    ports = {each.listener.port for each in full_listeners(window)}
    waiting = max(sum(count for port, count in at.items() if port in ports) for at in syn_recv(window))
    if not overflows or not (waiting > 1 or (waiting and repeated) or aborted >= 3):
        return None
    if qdisc_drops(window) and not aborted:
        return None  # their SYN-ACKs may not have left this host: that they hang proves nothing of their last step
    how = (
        f"{aborted:,} clients were reset (tcp_abort_on_overflow)"
        if aborted
        else f"{waiting:,} handshakes hang at their last step: those clients believe they are connected"
    )
    return Case(
        Confidence.CERTAIN
        if (aborted and window.setting("net.ipv4.tcp_abort_on_overflow") == 1) or waiting > 1
        else Confidence.LIKELY,
        how,
        changes=(_OVERFLOWS, _DROPS, "Tcp.RetransSegs", "TcpExt.EmbryonicRsts", "Tcp.OutRsts"),
        evidence=_queue_evidence(window),
        ruled_out=(("reset-on-close", "TCPAbortOnClose did not move"),)
        if not window.deltas.up("TcpExt.TCPAbortOnClose")
        else (),
        subjects=tuple(each.listener.endpoint for each in full_listeners(window))[:5],
    )


def _syn_queue(window: Window) -> Case | None:
    """More half-open connections than the backlog holds: dropped, or answered with cookies."""
    dropped, cookies, sent = (window.deltas.up(name) for name in (_FULL_DROP, _COOKIES, _SENT))
    overflows = window.deltas.up(_OVERFLOWS)
    quarter = window.deltas.up(_DROPS) - overflows - dropped
    pending = half_open(window)
    if not dropped and not cookies:
        return _three_quarters(window, quarter, pending)
    if overflows and not pending and dropped + cookies <= overflows:
        return None  # the burst that filled the accept queue
    what = f"{dropped:,} SYNs were dropped" if dropped else f"{cookies:,} SYNs were answered with cookies"
    flood = window.log_lines("syn-flood")
    return (
        Case(
            Confidence.CERTAIN,
            f"{what}: {pending:,} half-open connections fill the queue" if pending else what,
            changes=(_FULL_DROP, _COOKIES, _SENT, "TcpExt.SyncookiesRecv", "TcpExt.SyncookiesFailed", _DROPS),
            evidence=(*_half_open_evidence(window), *flood[-1:])
            + (
                ("the accept queue is full too: clients may be connected to no socket",)
                if overflows and cookies
                else ()
            ),
            ruled_out=(("accept-queue-full", "ListenOverflows did not move"),) if not overflows else (),
            subjects=_busiest_ports(window),
            fix=""
            if dropped
            else "Raise the listener's backlog to twice the half-open connections that are to be expected; "
            "if the sources are forged, limit them upstream. Cookies are the safety net, not the cure.",
        )
        if sent or dropped or cookies
        else None
    )


def _three_quarters(window: Window, unexplained: int, pending: int) -> Case | None:
    """Without cookies the last quarter of tcp_max_syn_backlog is kept for known peers: only ListenDrops tells."""
    if unexplained < 3 or window.setting("net.ipv4.tcp_syncookies") != 0:
        return None
    return Case(
        Confidence.CERTAIN if pending else Confidence.LIKELY,
        f"{unexplained:,} SYNs were dropped with cookies off and {pending:,} connections half-open",
        changes=(_DROPS,),
        evidence=(
            *_half_open_evidence(window),
            f"three quarters of tcp_max_syn_backlog ({window.sysctl('net.ipv4.tcp_max_syn_backlog')}) are for all",
        ),
        ruled_out=(("accept-queue-full", "ListenOverflows did not move"),),
        subjects=_busiest_ports(window),
    )


def _half_open_evidence(window: Window) -> tuple[str, ...]:
    return tuple(f"{count:,} in SYN-RECV at port {port}" for port, count in _busiest(window)[:3])


def _busiest(window: Window) -> list[tuple[int, int]]:
    found: dict[int, int] = {}
    for ports in syn_recv(window):
        for port, count in ports.items():
            found[port] = max(count, found.get(port, 0))
    return sorted(found.items(), key=lambda each: -each[1])


def _busiest_ports(window: Window) -> tuple[str, ...]:
    return tuple(f"port {port}" for port, _ in _busiest(window)[:3])


def _unanswered(window: Window) -> Case | None:
    """SYN-ACKs go out and no ACK comes: they are lost on the way, or the clients are not there."""
    full = {each.listener.port for each in full_listeners(window)}  # there it is the queue that does not answer
    pending = [sum(count for port, count in ports.items() if port not in full) for ports in syn_recv(window)]
    repeated = window.deltas.up("Tcp.RetransSegs")
    if max(pending) < _UNANSWERED or repeated < _UNANSWERED:
        return None
    if any(each.asks_invalid for each in hit_rules(window)) or (window.deltas.up(_OVERFLOWS) and not full):
        return None
    return Case(
        Confidence.LIKELY if repeated >= max(pending) / 2 else Confidence.POSSIBLE,
        f"up to {max(pending):,} clients were sent a SYN-ACK again and again and did not answer",
        changes=("Tcp.RetransSegs", "TcpExt.TCPTimeouts", "TcpExt.TCPSynRetrans", "Tcp.AttemptFails"),
        evidence=_half_open_evidence(window),
        ruled_out=_queues_ruled_out(window),
        subjects=_busiest_ports(window),
    )


def _queues_ruled_out(window: Window) -> tuple[tuple[str, str], ...]:
    found = []
    if not window.deltas.up(_FULL_DROP, _COOKIES):
        found.append(("syn-queue-full", "TCPReqQFullDrop and TCPReqQFullDoCookies did not move"))
    if not window.deltas.up(_OVERFLOWS):
        found.append(("accept-queue-ack", "ListenOverflows did not move"))
    return tuple(found)


def _port_closed(window: Window) -> Case | None:
    """SYNs to a port where nobody listens are answered with a reset."""
    others = window.deltas.up(
        "TcpExt.TCPAbortOnClose", "TcpExt.TCPAbortOnData", "TcpExt.EmbryonicRsts", "TcpExt.TCPTimeWaitOverflow",
        "TcpExt.TCPAbortOnMemory", "TcpExt.TCPAbortOnLinger", "TcpExt.TCPAbortOnTimeout",
    )  # fmt: skip
    refused = window.deltas.up("Tcp.OutRsts") - others
    if refused < max(_REFUSED, others * 0.2) or refused / max(window.deltas.seconds, 0.1) < _REFUSED_PER_S:
        return None
    return Case(
        Confidence.LIKELY,
        f"{refused:,} resets were sent for which no close() and no full table accounts: nobody listens where they went",
        changes=("Tcp.OutRsts",),
        evidence=("a port scan looks the same; the ports are not counted, tcpdump 'tcp[13] & 4 != 0' shows them",),
        ruled_out=(("firewall-drop", "resets of a filter are not counted as OutRsts"),),
    )


def _refused_elsewhere(window: Window) -> Case | None:
    """Connections that this host opens are refused at once: a closed port there, or a filter that says so."""
    failed = window.deltas.up("Tcp.AttemptFails")
    opened = window.deltas.up("Tcp.ActiveOpens")
    passive = window.deltas.up("TcpExt.EmbryonicRsts")
    failed = min(failed - passive, opened) if opened else 0
    if failed < _REFUSED or failed < opened * 0.05 or failed / max(window.deltas.seconds, 0.1) < _REFUSED_PER_S:
        return None
    icmp = window.deltas.up("Icmp.InDestUnreachs")
    return Case(
        Confidence.LIKELY,
        f"{failed:,} of {opened:,} connections that this host opened were refused",
        changes=("Tcp.AttemptFails", "Tcp.ActiveOpens", "Icmp.InDestUnreachs"),
        evidence=(f"{icmp:,} ICMP unreachable messages came: a filter rejects",) if icmp else (),
        ruled_out=(("connect-unanswered", "an answer came at once: a filter that drops gives time-outs"),),
    )


def _unanswered_elsewhere(window: Window) -> Case | None:
    """Connections that this host opens are not answered: the cause is at the other end or on the way."""
    from netaudit.diagnosis.state import connections, states

    repeated = window.deltas.up("TcpExt.TCPSynRetrans")
    opened = window.deltas.up("Tcp.ActiveOpens")
    pending = max(states(window, "SYN-SENT"))
    if repeated < _REFUSED or not (pending or opened) or repeated < opened * 0.01:
        return None
    if not pending and half_open(window):
        return None  # these are repeated SYN-ACKs
    where = [one.peer for one in connections(window) if one.state == "SYN-SENT"]
    return Case(
        Confidence.CERTAIN if pending else Confidence.LIKELY,
        f"SYNs of this host were repeated {repeated:,} times"
        + (f"; {pending:,} connections wait for an answer" if pending else ""),
        changes=("TcpExt.TCPSynRetrans", "TcpExt.TCPTimeouts", "Tcp.ActiveOpens"),
        evidence=(f"unanswered: {peers_text(where)}",) if where else (),
        ruled_out=(("connect-refused", "AttemptFails did not move"),)
        if not window.deltas.up("Tcp.AttemptFails")
        else (),
        subjects=tuple(dict.fromkeys(where))[:5],
    )


RULES = (
    CauseRule(
        id="accept-queue-full", code="D01", title="The accept queue is full",
        layer=Layer.LISTENER, severity=Severity.CRITICAL, judge=_accept_queue,
        needs=(f"{_OVERFLOWS}|@listeners",),
        fix="Let the application accept faster, or raise its listen backlog (net.core.somaxconn first), then reload "
            "it so that it calls listen() again.",
        look=("ss -Hltn: Recv-Q above Send-Q", "the clients: SYNs repeated after 1 s",
              "drop tracing does not show these SYNs"),
        checks=("tcp.accept_queue.depth", "tcp.accept_queue.backlog_effective", "tcp.accept_queue.somaxconn"),
        remediation="sysctl", explains=("syn-queue-full",),
    ),
    CauseRule(
        id="accept-queue-ack", code="D02", title="The accept queue is full when handshakes end",
        layer=Layer.LISTENER, severity=Severity.CRITICAL, judge=_accept_queue_at_ack, needs=(_OVERFLOWS,),
        fix="As for a full accept queue; leave net.ipv4.tcp_abort_on_overflow at 0 unless clients are to fail at once.",
        look=("ss -tan state syn-recv", "drop reason TCP_LISTEN_OVERFLOW"),
        checks=("tcp.accept_queue.abort_on_overflow", "tcp.accept_queue.depth"), remediation="sysctl",
        explains=("accept-queue-full", "port-closed"),
    ),
    CauseRule(
        id="syn-queue-full", code="D03", title="The queue of half-open connections is full",
        layer=Layer.LISTENER, severity=Severity.CRITICAL, judge=_syn_queue,
        needs=(f"{_FULL_DROP}|{_COOKIES}",),
        fix="Set net.ipv4.tcp_syncookies to 1 and raise the listener's backlog to twice the half-open connections.",
        look=("ss -tan state syn-recv: peers that finish later are real", "the way back: do SYN-ACKs arrive?"),
        checks=("tcp.syn_queue.syncookies", "tcp.syn_queue.depth", "tcp.syn_queue.max_syn_backlog"),
        remediation="sysctl", explains=("syn-ack-unanswered", "connect-unanswered"),
    ),
    CauseRule(
        id="syn-ack-unanswered", code="D04", title="SYN-ACKs of this host are not answered",
        layer=Layer.LISTENER, severity=Severity.HIGH, judge=_unanswered, needs=("@sockets",),
        fix="Find where the SYN-ACKs are lost: capture them here and at the client; check the route back.",
        look=("tcpdump 'tcp[13] = 18' at both ends", "a route back that takes another way through a stateful filter"),
        checks=("tcp.syn_queue.synack_retries", "tcp.syn_queue.depth"), explains=("connect-unanswered",),
    ),
    CauseRule(
        id="port-closed", code="D19", title="Connections to closed ports are refused",
        layer=Layer.LISTENER, severity=Severity.MEDIUM, judge=_port_closed, needs=("Tcp.OutRsts",),
        fix="Start what should listen there, or tell whoever connects.",
        look=("ss -Hltn", "who connects: tcpdump of outgoing resets"), checks=("tcp.listener.expected",),
    ),
    CauseRule(
        id="connect-refused", code="D19", title="Connections of this host are refused",
        layer=Layer.LISTENER, severity=Severity.MEDIUM, judge=_refused_elsewhere, needs=("Tcp.AttemptFails",),
        fix="Look at the other end: is the service up, does a filter reject?",
        look=("the log of whoever connects", "diagnose the other end over the same time"),
        explains=("unreachable-received",),
    ),
    CauseRule(
        id="connect-unanswered", code="D18", title="SYNs of this host are not answered",
        layer=Layer.PATH, severity=Severity.HIGH, judge=_unanswered_elsewhere, needs=("TcpExt.TCPSynRetrans",),
        fix="Diagnose the other end over the same time: full queues, a full conntrack table, a rule that drops.",
        look=("ss -tn state syn-sent", "the same port from another network"),
    ),
)  # fmt: skip
