"""Causes in TCP and UDP: buffers, memory, ports, TIME_WAIT, retransmissions, checksums, resets of peers."""

from __future__ import annotations

from netaudit.diagnosis.rule import Case, CauseRule
from netaudit.diagnosis.state import (
    connections,
    pairs_of,
    peers_text,
    qdisc_drops,
    retransmitting,
)
from netaudit.diagnosis.window import Window
from netaudit.model.diagnosis import Confidence, Layer
from netaudit.model.reading import Absent
from netaudit.model.result import Severity

_RETRANS_RATIO = 0.01
_RETRANS_LEAST = 10
_RESETS = 3
_RESETS_PER_S = 0.2
_NO_PORTS = 5
_DEFAULT_RANGE = (32768, 60999)


def _udp_receive(window: Window) -> Case | None:
    """Datagrams came while the socket's buffer was full."""
    names = "Udp.RcvbufErrors", "Udp6.RcvbufErrors"
    lost = window.deltas.up(*names)
    if not lost:
        return None
    sockets = window.last.sockets
    hit = []
    for one in () if isinstance(sockets, Absent) else sockets.udp:
        dropped = window.deltas.up(f"udp {one.endpoint}#{one.inode}.drops")
        if dropped:
            name = "a process that only root sees" if isinstance(one.process, Absent) else one.process or "no process"
            size = f", buffer {one.buffer_bytes:,} bytes" if one.buffer_bytes else ""
            hit.append((dropped, one.endpoint, f"{name} on {one.endpoint} lost {dropped:,}{size}"))
    hit.sort(reverse=True)
    good = not window.deltas.up("Udp.InCsumErrors", "Udp.NoPorts")
    return Case(
        Confidence.CERTAIN,
        hit[0][2] if hit else f"{lost:,} datagrams were dropped because a socket's buffer was full",
        changes=(*names, "Udp.InErrors"),
        evidence=tuple(text for _, _, text in hit[1:4]),
        ruled_out=(
            ("udp-no-port", "NoPorts did not move: the port is open"),
            ("checksum-errors", "InCsumErrors did not move"),
        )
        if good
        else (),
        subjects=tuple(endpoint for _, endpoint, _ in hit[:5]),
    )


def _udp_no_port(window: Window) -> Case | None:
    names = "Udp.NoPorts", "Udp6.NoPorts"
    lost = window.deltas.up(*names)
    if lost < _NO_PORTS or window.deltas.rate(*names) < 0.5:
        return None
    limited = window.deltas.up("Icmp.OutRateLimitGlobal", "Icmp.OutRateLimitHost")
    return Case(
        Confidence.CERTAIN,
        f"{lost:,} datagrams came to ports where nobody listens",
        changes=(*names, "Icmp.OutDestUnreachs", "Icmp.OutRateLimitGlobal", "Icmp.OutRateLimitHost"),
        evidence=(f"of the ICMP answers {limited:,} were held back by the rate limit",) if limited else (),
        ruled_out=(("udp-receive-buffer", "RcvbufErrors did not move"),)
        if not window.deltas.up("Udp.RcvbufErrors")
        else (),
    )


def _udp_send(window: Window) -> Case | None:
    """send() succeeds, and the datagram never leaves."""
    names = "Udp.SndbufErrors", "Udp6.SndbufErrors"
    lost = window.deltas.up(*names)
    if not lost:
        return None
    drops = qdisc_drops(window)
    return Case(
        Confidence.CERTAIN,
        f"{lost:,} datagrams were refused on their way out of this host",
        changes=(*names, "Ip.OutDiscards"),
        evidence=tuple(f"{one.kind} on {one.device} dropped {dropped:,}" for one, dropped, _ in drops[:3])
        or ("no queueing discipline dropped: the device itself, or the end of a virtual pair, refused them",),
        subjects=tuple(one.device for one, _, _ in drops[:3]),
    )


def _ports(window: Window) -> Case | None:
    """Every local port towards one destination is taken: connect() fails at once, and no packet is sent."""
    low, high = _range(window)
    usable = high - low + 1
    found = None
    for facts in window.samples:
        for one in () if isinstance(facts.sockets, Absent) else facts.sockets.busiest_destinations:
            if one.count >= usable * 0.97 and (found is None or one.count > found.count):
                found = one
    if found is None or usable < 1:
        return None
    waiting = max(
        0 if isinstance(facts.sockets, Absent) else facts.sockets.tcp_states.get("TIME-WAIT", 0)
        for facts in window.samples
    )
    return Case(
        Confidence.CERTAIN if found.count >= usable - 1 else Confidence.LIKELY,
        f"{found.count:,} of {usable:,} local ports are taken towards {found.peer}",
        evidence=(f"net.ipv4.ip_local_port_range is {low} {high}",)
        + ((f"{waiting:,} sockets are in TIME-WAIT",) if waiting else ()),
        ruled_out=(("accept-queue-full", "connect() fails at once and sends nothing: that has no counter"),),
        subjects=(found.peer,),
    )


def _range(window: Window) -> tuple[int, int]:
    words = (window.sysctl("net.ipv4.ip_local_port_range") or "").split()
    if len(words) == 2 and all(word.isdigit() for word in words):
        return int(words[0][:6]), int(words[1][:6])
    return _DEFAULT_RANGE


def _time_wait(window: Window) -> Case | None:
    name = "TcpExt.TCPTimeWaitOverflow"
    lost = window.deltas.up(name)
    if not lost:
        return None
    return Case(
        Confidence.CERTAIN,
        f"{lost:,} connections ended without TIME_WAIT: its table is full",
        changes=(name, "Tcp.OutRsts"),
        evidence=(f"net.ipv4.tcp_max_tw_buckets is {window.sysctl('net.ipv4.tcp_max_tw_buckets')}",)
        if window.sysctl("net.ipv4.tcp_max_tw_buckets")
        else (),
        ruled_out=(("accept-queue-ack", "EmbryonicRsts did not move"),)
        if not window.deltas.up("TcpExt.EmbryonicRsts")
        else (),
    )


def _pruned(window: Window) -> Case | None:
    """What was received is thrown away again because the socket's memory is used up."""
    thrown = "TcpExt.RcvPruned", "TcpExt.OfoPruned", "TcpExt.TCPRcvQDrop"
    worked = "TcpExt.PruneCalled", "TcpExt.TCPRcvCollapsed"
    lost = window.deltas.up(*thrown)
    if not lost and window.deltas.rate(*worked) < 1:
        return None
    return Case(
        Confidence.CERTAIN if lost else Confidence.LIKELY,
        f"{lost:,} times received data was thrown away for want of buffer"
        if lost
        else "receive queues are squeezed together again and again for want of buffer",
        changes=(*thrown, *worked, "TcpExt.BeyondWindow"),
        ruled_out=(("app-not-reading", "data that was delivered had to be sent again: more than a closed window"),)
        if lost
        else (),
        subjects=tuple(one.holder or one.local for one in connections(window) if one.receive_queue_bytes)[:3],
    )


def _memory(window: Window) -> Case | None:
    pressures = window.deltas.up("TcpExt.TCPMemoryPressures", "TcpExt.TCPMemoryPressuresChrono")
    aborted = window.deltas.up("TcpExt.TCPAbortOnMemory")
    said = window.log_lines("tcp-memory")
    used, limits = _tcp_memory(window)
    full = bool(limits) and used > limits[1]
    if not pressures and not (aborted and (said or full)) and not full:
        return None
    return Case(
        Confidence.CERTAIN if pressures or said else Confidence.LIKELY,
        f"TCP uses {used:,} pages of memory where pressure begins at {limits[1]:,}"
        if limits
        else "TCP came under memory pressure",
        changes=("TcpExt.TCPMemoryPressures", "TcpExt.TCPMemoryPressuresChrono", "TcpExt.TCPAbortOnMemory"),
        evidence=said[-1:],
    )


def _tcp_memory(window: Window) -> tuple[int, tuple[int, ...]]:
    sockstat = window.last.sockstat
    used = 0 if isinstance(sockstat, Absent) else sockstat.get("TCP.mem", 0)
    words = (window.sysctl("net.ipv4.tcp_mem") or "").split()
    limits = tuple(int(word[:15]) for word in words if word.isdigit())
    return used, limits if len(limits) == 3 else ()


def _orphans(window: Window) -> Case | None:
    """Sockets that nobody holds any more and that still have data to send."""
    aborted = window.deltas.up("TcpExt.TCPAbortOnMemory")
    said = window.log_lines("orphans")
    sockstat = window.last.sockstat
    count = 0 if isinstance(sockstat, Absent) else sockstat.get("TCP.orphan", 0)
    limit = window.setting("net.ipv4.tcp_max_orphans") or 0
    near = limit > 0 and count >= limit / 4  # sockets that pester the kernel are punished from a quarter on
    if not (aborted and (said or near)) and not (limit and count >= limit):
        return None
    return Case(
        Confidence.CERTAIN if aborted and said else Confidence.LIKELY,
        f"{count:,} sockets without a process where net.ipv4.tcp_max_orphans is {limit:,}",
        changes=("TcpExt.TCPAbortOnMemory",),
        evidence=said[-1:],
        ruled_out=(("tcp-memory-pressure", "TCPMemoryPressures did not move"),)
        if not window.deltas.up("TcpExt.TCPMemoryPressures")
        else (),
    )


def _send_stalled(window: Window) -> Case | None:
    """The peer's window is closed: it does not read what this host sends. What no process holds any more harms none."""
    stalled = [
        now
        for before, now in pairs_of(window)
        if now.inode and now.send_queue_bytes and now.timer == "persist" and now.acked_bytes == before.acked_bytes
    ]
    probes = window.deltas.up("TcpExt.TCPWinProbe")
    if not stalled:
        return None
    worst = max(stalled, key=lambda one: one.send_queue_bytes)
    return Case(
        Confidence.CERTAIN if probes else Confidence.LIKELY,
        f"{worst.peer} takes nothing: {worst.send_queue_bytes:,} bytes of {worst.holder or worst.local} wait",
        changes=("TcpExt.TCPWinProbe",),
        evidence=tuple(
            f"towards {one.peer}: persist timer, held back by its window for {one.window_limited_ms / 1000:.1f} s"
            for one in stalled[:3]
        ),
        ruled_out=(("path-loss", "the timer is persist, not retransmission: the peer answers"),),
        subjects=tuple(dict.fromkeys(one.peer for one in stalled))[:5],
    )


def _path_loss(window: Window) -> Case | None:
    """Segments are sent again, and nothing on this host dropped them."""
    deltas = window.deltas
    again = deltas.up("Tcp.RetransSegs") - deltas.up("TcpExt.TCPSynRetrans")
    sent = deltas.up("Tcp.OutSegs")
    if again < _RETRANS_LEAST or again < (sent + again) * _RETRANS_RATIO:
        return None
    kinds = (
        ("after duplicate ACKs", "TcpExt.TCPFastRetrans"),
        ("after a time-out", "TcpExt.TCPTimeouts"),
        ("as loss probes", "TcpExt.TCPLossProbes"),
        ("lost again", "TcpExt.TCPLostRetransmit"),
    )
    told = ", ".join(f"{deltas.up(name):,} {what}" for what, name in kinds if deltas.up(name))
    hit = retransmitting(window)
    spurious = deltas.up("TcpExt.TCPDSACKRecv")
    local = deltas.up("TcpExt.TCPRetransFail", "TcpExt.TCPSpuriousRtxHostQueues")
    ratio = again / max(1, sent + again)
    quiet = not qdisc_drops(window) and not local
    return Case(
        (Confidence.LIKELY if quiet and spurious < again / 2 else Confidence.POSSIBLE),
        f"{again:,} segments of {sent + again:,} ({ratio:.1%}) were sent again",
        changes=("Tcp.RetransSegs", "TcpExt.TCPFastRetrans", "TcpExt.TCPTimeouts", "TcpExt.TCPLossProbes",
                 "TcpExt.TCPLostRetransmit", "TcpExt.TCPSackRecovery", "TcpExt.TCPDSACKRecv"),
        evidence=tuple(text for text in (
            f"by kind: {told}" if told else "",
            f"most towards {peers_text(f'{one.peer} ({count:,})' for one, count in hit)}" if hit else "",
            f"{spurious:,} of them had arrived already (DSACK): reordering or delay, not loss" if spurious else "",
        ) if text),
        ruled_out=(("egress-queue-drops", "no queueing discipline of this host dropped"),) if quiet else (),
        subjects=tuple(dict.fromkeys(one.peer for one, _ in hit))[:5],
    )  # fmt: skip


def _checksums(window: Window) -> Case | None:
    names = ("Tcp.InCsumErrors", "Udp.InCsumErrors", "Icmp.InCsumErrors", "Udp6.InCsumErrors", "IpExt.InCsumErrors")
    bad = window.deltas.up(*names)
    if not bad:
        return None
    return Case(
        Confidence.CERTAIN if bad >= 3 else Confidence.LIKELY,
        f"{bad:,} packets came with a wrong checksum",
        changes=(*names, "Tcp.InErrs", "Udp.InErrors"),
        evidence=window.log_lines("checksum")[-1:],
        ruled_out=(("udp-receive-buffer", "RcvbufErrors did not move"),)
        if not window.deltas.up("Udp.RcvbufErrors")
        else (),
    )


def _resets_received(window: Window) -> Case | None:
    own = window.deltas.up(
        "TcpExt.TCPAbortOnClose", "TcpExt.TCPAbortOnData", "TcpExt.TCPAbortOnTimeout", "TcpExt.TCPAbortOnMemory",
        "TcpExt.TCPAbortOnLinger",
    )  # fmt: skip
    came = window.deltas.up("Tcp.EstabResets") - own
    if came < _RESETS or came / max(window.deltas.seconds, 0.1) < _RESETS_PER_S:
        return None
    return Case(
        Confidence.LIKELY,
        f"peers reset {came:,} established connections of this host",
        changes=("Tcp.EstabResets",),
        ruled_out=(("reset-on-close", "TCPAbortOnClose does not account for them"),),
    )


def _paws(window: Window) -> Case | None:
    names = "TcpExt.PAWSEstab", "TcpExt.PAWSActive", "TcpExt.PAWSTimewait", "TcpExt.TSEcrRejected"
    if window.deltas.rate(*names) <= 1 or window.deltas.up(*names) < 3:
        return None
    return Case(
        Confidence.CERTAIN,
        f"{window.deltas.up(*names):,} segments were refused for their timestamps",
        changes=names,
    )


RULES = (
    CauseRule(
        id="udp-receive-buffer", code="D11", title="UDP sockets overflow",
        layer=Layer.TRANSPORT, severity=Severity.HIGH, judge=_udp_receive, needs=("Udp.RcvbufErrors",),
        fix="Let the process read faster (several readers with SO_REUSEPORT), or raise its SO_RCVBUF and "
            "net.core.rmem_max.",
        look=("ss -uanm: d of skmem", "drop reason SOCKET_RCVBUFF"),
        checks=("udp.socket_drops", "udp.rcvbuf_capacity", "sock.rmem_wmem_max"), remediation="sysctl",
    ),
    CauseRule(
        id="udp-no-port", code="D21", title="Datagrams come to closed ports",
        layer=Layer.TRANSPORT, severity=Severity.MEDIUM, judge=_udp_no_port, needs=("Udp.NoPorts",),
        fix="Start what should listen there, or stop who sends.",
        look=("tcpdump of outgoing ICMP port unreachable: it quotes the port",), checks=("ip.icmp_rate_limit",),
        explains=("unreachable-sent",),
    ),
    CauseRule(
        id="udp-send-refused", code="D17", title="Datagrams are lost before they leave",
        layer=Layer.QDISC, severity=Severity.HIGH, judge=_udp_send, needs=("Udp.SndbufErrors",),
        fix="Send at the rate that the queueing discipline or the device takes, or give them a higher one.",
        look=("tc -s qdisc", "send() reports this only with IP_RECVERR"), checks=("qdisc.default",),
        explains=("out-discards",),
    ),
    CauseRule(
        id="ports-exhausted", code="D12", title="No local port is left towards a destination",
        layer=Layer.TRANSPORT, severity=Severity.CRITICAL, judge=_ports, needs=("@sockets",), grows=False,
        fix="Pool connections; net.ipv4.tcp_tw_reuse=1; a wider net.ipv4.ip_local_port_range; IP_BIND_ADDRESS_NO_PORT "
            "where the source address is bound.",
        look=("the application's log: EADDRNOTAVAIL", "another destination port works at once"),
        checks=("tcp.port.destination_headroom", "tcp.port.range_size", "tcp.tw.reuse"), remediation="sysctl",
    ),
    CauseRule(
        id="time-wait-overflow", code="D13", title="The TIME_WAIT table is full",
        layer=Layer.TRANSPORT, severity=Severity.MEDIUM, judge=_time_wait, needs=("TcpExt.TCPTimeWaitOverflow",),
        fix="Raise net.ipv4.tcp_max_tw_buckets; close fewer connections from this side.",
        look=("ss -s: timewait",), checks=("tcp.tw.headroom", "tcp.tw.max_buckets"), remediation="sysctl",
        explains=("port-closed",),
    ),
    CauseRule(
        id="receive-queue-pruned", code="D14", title="Received data is thrown away for want of buffer",
        layer=Layer.TRANSPORT, severity=Severity.HIGH, judge=_pruned, needs=("TcpExt.PruneCalled",),
        fix="Do not set a small SO_RCVBUF; raise the third value of net.ipv4.tcp_rmem; let the process read.",
        look=("ss -tinm: rb of skmem",), checks=("tcp.rmem.max", "tcp.rmem.triplet_sane"), remediation="sysctl",
    ),
    CauseRule(
        id="tcp-memory-pressure", code="D15", title="TCP is short of memory",
        layer=Layer.TRANSPORT, severity=Severity.CRITICAL, judge=_memory,
        needs=("TcpExt.TCPMemoryPressures|@sockstat",),
        fix="Find the connections that hold the memory; size net.ipv4.tcp_mem for this machine.",
        look=("/proc/net/sockstat: mem, in pages", "ss -tm"), checks=("tcp.mem.headroom", "tcp.mem.limits"),
        remediation="sysctl", grows=False,
    ),
    CauseRule(
        id="orphan-limit", code="D16", title="Too many sockets without a process",
        layer=Layer.TRANSPORT, severity=Severity.HIGH, judge=_orphans, needs=("TcpExt.TCPAbortOnMemory|@sockstat",),
        fix="Find peers that never take the last data; raise net.ipv4.tcp_max_orphans.",
        look=("ss -tan state fin-wait-1", "the kernel log: too many orphaned sockets"),
        checks=("tcp.orphans.headroom",), grows=False,
    ),
    CauseRule(
        id="peer-not-reading", code="D06", title="A peer does not read what it is sent",
        layer=Layer.TRANSPORT, severity=Severity.MEDIUM, judge=_send_stalled, needs=("@talkers",),
        fix="Look at the process at the other end.",
        look=("ss -tino: persist timer, rwnd_limited",), checks=("app.send_queue.stuck",),
    ),
    CauseRule(
        id="path-loss", code="D30", title="Segments are lost behind this host",
        layer=Layer.PATH, severity=Severity.HIGH, judge=_path_loss, needs=("Tcp.RetransSegs",),
        fix="Diagnose the other end over the same time; if it drops nothing, the network between them does.",
        look=("switch and provider counters", "the peers that are hit: have they a path in common?"),
        checks=("path.loss_rtt",),
    ),
    CauseRule(
        id="checksum-errors", code="D25", title="Packets come with wrong checksums",
        layer=Layer.LINK, severity=Severity.HIGH, judge=_checksums, needs=("Tcp.InCsumErrors|Udp.InCsumErrors",),
        fix="Switch receive checksumming off on one host to see whether its NIC is to blame; else look for the device "
            "on the way that changes packets.",
        look=("ethtool -S: crc errors", "a local capture shows wrong checksums of what is sent: that is offload"),
        checks=("nic.offloads",), remediation="ethtool",
    ),
    CauseRule(
        id="resets-received", code="D27", title="Peers reset connections",
        layer=Layer.TRANSPORT, severity=Severity.MEDIUM, judge=_resets_received, needs=("Tcp.EstabResets",),
        fix="Look at the other end: crashes, idle time-outs shorter than those here, a device between them.",
        look=("the log of whoever reads these connections",),
    ),
    CauseRule(
        id="timestamps-rejected", code="D30", title="Segments are refused for their timestamps",
        layer=Layer.TRANSPORT, severity=Severity.MEDIUM, judge=_paws,
        needs=("TcpExt.PAWSEstab|TcpExt.PAWSActive",),
        fix="Look for a device that rewrites timestamps, or several hosts behind one address.",
        look=("tcpdump: TSval of one address going back and forth",), checks=("tcp.timestamps",),
    ),
)  # fmt: skip
