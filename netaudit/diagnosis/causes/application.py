"""Causes in the application: descriptors, sockets that are not read or not closed, resets by close()."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from netaudit.diagnosis.rule import Case, CauseRule
from netaudit.diagnosis.state import (
    connections,
    full_listeners,
    holder,
    number,
    pairs_of,
    peers_text,
    starved_processes,
    states,
)
from netaudit.diagnosis.window import Window
from netaudit.model.diagnosis import Confidence, Layer
from netaudit.model.facts import Listener
from netaudit.model.reading import Absent
from netaudit.model.result import Severity

_UNREAD_BYTES = 4096  # from which on unread data is more than a request that is being worked on
_LEAK_GROWTH = 5  # sockets in CLOSE-WAIT that one window adds
_LEAK_STANDING = 20  # or that stand there throughout
_CLOSES = 3
_CLOSES_PER_S = 0.2


def _descriptors(window: Window) -> Case | None:
    """A process at its limit cannot accept(): its queue fills, and no backlog is large enough."""
    starved = starved_processes(window)
    full = full_listeners(window)
    overflows = window.deltas.up("TcpExt.ListenOverflows")
    if not starved:
        return _whole_host(window)
    pids = {one.pid for one in starved}
    hit = [each for each in full if number(each.listener.pid) in pids]
    waiting = [one for one in _listeners_of(window, pids) if one.queue > 0]
    confidence = Confidence.CERTAIN if hit or overflows else Confidence.LIKELY if waiting else Confidence.POSSIBLE
    worst = starved[0]
    return Case(
        confidence,
        f"{worst.process} (pid {worst.pid}) holds {number(worst.open_files):,} of {number(worst.nofile_soft):,} files "
        "and can accept nothing",
        changes=("TcpExt.ListenOverflows", "TcpExt.ListenDrops"),
        evidence=tuple(str(each) for each in hit),
        ruled_out=(("accept-queue-full", "the process cannot accept() at all: a larger backlog only waits longer"),),
        subjects=tuple(f"{one.process} (pid {one.pid})" for one in starved),
    )


def _listeners_of(window: Window, pids: set[int]) -> list[Listener]:
    listeners = window.last.listeners
    if isinstance(listeners, Absent):
        return []
    return [one for one in listeners if one.protocol == "tcp" and number(one.pid) in pids]


def _whole_host(window: Window) -> Case | None:
    limits = window.last.limits
    if isinstance(limits, Absent) or limits.files_max <= 0 or limits.files_allocated < limits.files_max:
        return None
    return Case(
        Confidence.CERTAIN,
        f"the host has {limits.files_allocated:,} files open, and fs.file-max is {limits.files_max:,}",
        fix="Raise fs.file-max, and find out who opens so many.",
    )


def _not_reading(window: Window) -> Case | None:
    """Data waits in a receive queue and nobody takes it; the peer is told that the window is closed."""
    closed = window.deltas.up("TcpExt.TCPToZeroWindowAdv")
    opened = window.deltas.up("TcpExt.TCPFromZeroWindowAdv")
    stuck = [
        now
        for before, now in pairs_of(window)
        if now.state in {"ESTAB", "FIN-WAIT-1", "FIN-WAIT-2"}
        and before.receive_queue_bytes >= _UNREAD_BYTES
        and now.receive_queue_bytes >= before.receive_queue_bytes
    ]
    late = [one for one in connections(window) if one.state == "ESTAB" and one.receive_queue_bytes >= _UNREAD_BYTES]
    shut = closed > opened
    if not stuck and not (shut and late):
        return None
    about = stuck or late
    worst = max(about, key=lambda one: one.receive_queue_bytes)
    return Case(
        Confidence.CERTAIN if shut and about else Confidence.LIKELY,
        f"{worst.holder or 'a process'} leaves {worst.receive_queue_bytes:,} bytes from {worst.peer} unread",
        changes=("TcpExt.TCPToZeroWindowAdv", "TcpExt.TCPWantZeroWindowAdv", "TcpExt.TCPZeroWindowDrop"),
        evidence=(
            f"Recv-Q of {len(about)} connection{'s' if len(about) > 1 else ''} did not shrink between the samples",
        ),
        ruled_out=(("receive-queue-pruned", "nothing was pruned: what the peer sent was kept"),)
        if not window.deltas.up("TcpExt.RcvPruned", "TcpExt.TCPRcvQDrop")
        else (),
        subjects=tuple(dict.fromkeys(one.holder or one.local for one in about))[:5],
    )


def _close_wait(window: Window) -> Case | None:
    """The peer has closed, and the process never does: the sockets stay for ever."""
    counts = states(window, "CLOSE-WAIT")
    grown = counts[-1] - counts[0] if window.has_growth else 0
    standing = min(counts)
    if grown < _LEAK_GROWTH and standing < _LEAK_STANDING:
        return None
    leaks = [one for one in connections(window) if one.state == "CLOSE-WAIT"]
    by_holder = Counter(one.holder for one in leaks if one.holder)
    never_fell = all(later >= earlier for earlier, later in pairwise(counts))
    certain = grown >= _LEAK_GROWTH and never_fell
    who = ", ".join(f"{name} ({count})" for name, count in by_holder.most_common(3))
    return Case(
        Confidence.CERTAIN if certain else Confidence.LIKELY,
        f"{counts[-1]:,} sockets wait in CLOSE-WAIT for their process to close them"
        + (f", {grown:,} more than at first" if grown > 0 else ", and none of them went away"),
        evidence=(f"they belong to {who}",) if who else (),
        ruled_out=(("app-not-reading", "the peers have closed already: nothing more will come"),),
        subjects=tuple(name for name, _ in by_holder.most_common(5)) or _ports(window),
    )


def _ports(window: Window) -> tuple[str, ...]:
    sockets = window.last.sockets
    if isinstance(sockets, Absent):
        return ()
    return tuple(f"port {each.port}" for each in sockets.close_wait_by_port[:5])


def _reset_on_close(window: Window) -> Case | None:
    """close() with unread data, or data that comes after it, resets the connection instead of ending it."""
    names = "TcpExt.TCPAbortOnClose", "TcpExt.TCPAbortOnData"
    total = window.deltas.up(*names)
    if total < _CLOSES or window.deltas.rate(*names) < _CLOSES_PER_S:
        return None
    certain = window.deltas.up("Tcp.OutRsts") >= total
    return Case(
        Confidence.CERTAIN if certain else Confidence.LIKELY,
        f"{total:,} connections were closed here with data unread or still coming: their peers see a reset",
        changes=(*names, "Tcp.OutRsts", "Tcp.EstabResets"),
        ruled_out=(
            ("accept-queue-ack", "EmbryonicRsts did not move"),
            ("time-wait-overflow", "TCPTimeWaitOverflow did not move"),
        )
        if not window.deltas.up("TcpExt.EmbryonicRsts", "TcpExt.TCPTimeWaitOverflow")
        else (),
        subjects=_closing(window),
    )


def _closing(window: Window) -> tuple[str, ...]:
    """Processes that hold connections with unread data, of which such closes may come."""
    listed = [one.holder for one in connections(window) if one.receive_queue_bytes and one.holder]
    return tuple(dict.fromkeys(listed))[:3]


def _listener_gone(window: Window) -> Case | None:
    from netaudit.diagnosis.state import vanished_listeners

    gone = vanished_listeners(window)
    if not gone:
        return None
    one = gone[0]
    refused = window.deltas.up("Tcp.OutRsts")
    return Case(
        Confidence.CERTAIN,
        f"{one.endpoint} of {holder(one.process, one.pid)} listened at first and does not any more",
        changes=("Tcp.OutRsts",),
        evidence=(f"ports without a listener now: {peers_text(str(each.port) for each in gone)}",)
        + ((f"{refused:,} resets were sent since, as a closed port does",) if refused else ()),
        subjects=tuple(each.endpoint for each in gone)[:5],
    )


RULES = (
    CauseRule(
        id="descriptors-exhausted", code="D05", title="A process is out of file descriptors",
        layer=Layer.APPLICATION, severity=Severity.CRITICAL, judge=_descriptors, needs=("@limits",), grows=False,
        fix="Raise the limit of the process (LimitNOFILE= of its unit, then restart it; prlimit(1) at once), and find "
            "out whether it leaks.",
        look=("ls /proc/PID/fd | wc -l", "its log for EMFILE, “too many open files”"),
        checks=("app.fd.process_headroom", "app.fd.emfile_accept_stall", "host.file_max.headroom"),
        remediation="service",
        explains=("accept-queue-full", "accept-queue-ack", "syn-queue-full"),
    ),
    CauseRule(
        id="app-not-reading", code="D06", title="An application does not read what it was sent",
        layer=Layer.APPLICATION, severity=Severity.HIGH, judge=_not_reading, needs=("@talkers",),
        fix="Find out what the process waits for; larger buffers only postpone it.",
        look=("what the process does: strace, its profiler", "ss -tinp at the sender: rwnd_limited, persist timer"),
        checks=("app.recv_queue.stuck",),
    ),
    CauseRule(
        id="close-wait-leak", code="D06", title="An application does not close what its peers have closed",
        layer=Layer.APPLICATION, severity=Severity.HIGH, judge=_close_wait, needs=("@sockets",), grows=False,
        fix="Close the connection when read() says that the peer has; until then restart the process.",
        look=("ss -tanp state close-wait", "descriptors of the process: the leak ends at its limit"),
        checks=("app.close_wait.leak", "app.fd.process_headroom"),
    ),
    CauseRule(
        id="listener-gone", code="D19", title="A listener has gone",
        layer=Layer.APPLICATION, severity=Severity.CRITICAL, judge=_listener_gone, needs=("@listeners",),
        fix="Start the service again, and find out why it ended.",
        look=("the log of the service", "the kernel log: out of memory"),
        checks=("tcp.listener.expected",), explains=("port-closed",),
    ),
    CauseRule(
        id="reset-on-close", code="D27", title="Connections are reset by close()",
        layer=Layer.APPLICATION, severity=Severity.MEDIUM, judge=_reset_on_close,
        needs=("TcpExt.TCPAbortOnClose|TcpExt.TCPAbortOnData",),
        fix="Read to the end or shutdown() before close(); let the client's idle time-out be the shorter one.",
        look=("tcp:tcp_send_reset names the reason on kernels from 6.10 on",),
        explains=("resets-received",),
    ),
)  # fmt: skip
