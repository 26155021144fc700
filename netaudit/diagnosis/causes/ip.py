"""Causes in IP and below it up to the neighbour tables: routes, reverse path, fragments, path MTU, ICMP."""

from __future__ import annotations

from functools import partial

from netaudit.diagnosis.counters import device_key
from netaudit.diagnosis.interfaces import of_interfaces
from netaudit.diagnosis.rule import Case, CauseRule
from netaudit.diagnosis.state import (
    PAIRED,
    backlog_share,
    connections,
    device_up,
    nics,
    number,
    pairs_of,
    peers_text,
    qdisc_drops,
    retransmitting,
    sent_into_backlogs,
)
from netaudit.diagnosis.window import Window
from netaudit.model.diagnosis import Confidence, Layer
from netaudit.model.facts import Nic
from netaudit.model.facts.flows import Connection
from netaudit.model.reading import Absent
from netaudit.model.result import Severity


def _black_hole(window: Window) -> Case | None:
    """Full segments vanish and small ones pass; no ICMP tells why."""
    deltas = window.deltas
    probing = deltas.up("TcpExt.TCPMTUPSuccess", "TcpExt.TCPMTUPFail")
    timeouts = deltas.up("TcpExt.TCPTimeouts")
    hung = _hung(window)
    told = deltas.up("Icmp.InDestUnreachs")
    if not probing and not hung:
        return None
    if deltas.up("TcpExt.TCPSackRecovery") > 2 * max(timeouts, len(hung)):
        return None
    no_fast = not deltas.up("TcpExt.TCPFastRetrans", "TcpExt.TCPSackRecovery")
    # A peer that died in the middle of a transfer has acknowledged full segments before.
    never = [one for one in hung if one.acked_bytes <= one.mss_bytes]
    sure = probing > 0 or (not told and bool(never if not timeouts else hung) and (no_fast or bool(never)))
    worst = hung[0] if hung else None
    proved = deltas.up("TcpExt.TCPMTUPSuccess") and timeouts
    confidence = Confidence.CERTAIN if proved else Confidence.LIKELY if sure else Confidence.POSSIBLE
    return Case(
        confidence,
        f"{worst.unacked} segments of {worst.mss_bytes} bytes towards {worst.peer} are repeated and never acknowledged"
        if worst
        else f"MTU probing came into action {probing:,} times: full segments vanish on the way",
        changes=("TcpExt.TCPTimeouts", "TcpExt.TCPLossProbes", "TcpExt.TCPMTUPSuccess", "TcpExt.TCPMTUPFail",
                 "Icmp.InDestUnreachs"),
        evidence=tuple(
            f"towards {one.peer}: back-off {one.backoff}, path MTU still {one.path_mtu_bytes}, "
            f"{one.acked_bytes:,} bytes acknowledged" for one in hung[:3]
        ),
        ruled_out=tuple(each for each in (
            ("path-loss", "no duplicate ACKs and no SACK: nothing of it arrives") if no_fast else None,
            ("peer-not-reading", "the timer is retransmission, not persist"),
            ("egress-queue-drops", "no queueing discipline dropped") if not qdisc_drops(window) else None,
        ) if each),
        subjects=tuple(dict.fromkeys(one.peer for one in hung))[:5],
    )  # fmt: skip


def _hung(window: Window) -> list[Connection]:
    """Connections whose full segments nobody acknowledges: repeated in this window, or waiting longer than it lasts."""
    repeating = [one for one, _ in retransmitting(window) if _is_hung(one)]
    waiting = [now for before, now in pairs_of(window) if _is_hung(now) and now.acked_bytes == before.acked_bytes]
    return list({(one.local, one.peer): one for one in (*repeating, *waiting)}.values())


def _is_hung(one: Connection) -> bool:
    """Whether it repeats full segments without any of them being acknowledged."""
    return (
        one.timer == "on"
        and one.backoff >= 2
        and one.unacked >= 2
        and one.mss_bytes >= 1000
        and one.send_queue_bytes > one.mss_bytes
        and one.state in {"ESTAB", "CLOSE-WAIT", "FIN-WAIT-1"}
    )


def _too_big(window: Window) -> Case | None:
    """This host forwards, and what does not fit the next link is refused; whether the sender hears of it matters."""
    failed = window.deltas.up("Ip.FragFails", "Ip6.FragFails")
    if not failed:
        return None
    told = window.deltas.up("Icmp.OutDestUnreachs", "Icmp6.OutPktTooBigs")
    kept = window.deltas.up("Ip.OutDiscards")
    silent = kept > 0 or told == 0
    firewall = window.last.firewall
    rules = () if isinstance(firewall, Absent) else firewall.icmp_drops
    mtus = sorted({nic.mtu for nic in nics(window)})
    if not silent and window.deltas.rate("Ip.FragFails", "Ip6.FragFails") < 1:
        return None  # path MTU discovery at work
    return Case(
        (Confidence.CERTAIN if rules else Confidence.LIKELY) if silent else Confidence.POSSIBLE,
        f"{failed:,} packets were too big for the next link"
        + (", and the messages that would tell their senders did not leave" if silent else ""),
        changes=("Ip.FragFails", "Ip6.FragFails", "Ip.OutDiscards", "Icmp.OutDestUnreachs"),
        evidence=(f"MTUs here: {', '.join(map(str, mtus))}", *(f"{one.chain}: {one.text}" for one in rules[:3])),
        ruled_out=(("frame-too-long", "FragFails moved: IP refused them, not the link"),),
    )


def _reverse_path(window: Window) -> Case | None:
    name = "TcpExt.IPReversePathFilter"
    lost = window.deltas.up(name)
    martians = window.log_lines("martian")
    if not lost:
        return None
    strict = [nic.name for nic in nics(window) if _filter_of(window, nic.name) == 1]
    return Case(
        Confidence.CERTAIN,
        f"{lost:,} packets came in where their source would not be answered",
        changes=(name, "Ip.InReceives"),
        evidence=((f"strict filter on {', '.join(strict)}",) if strict else ()) + martians[-2:],
        ruled_out=(("firewall-drop", "the reverse path filter counts its own"),),
        subjects=tuple(strict)[:5],
    )


def _filter_of(window: Window, device: str) -> int:
    """The filter in force: the stricter of the interface's and that of all (ip-sysctl.rst)."""
    key = device.replace(".", "/")
    values = (window.setting(f"net.ipv4.conf.{name}.rp_filter") or 0 for name in ("all", key))
    return max(values)


def _no_route(window: Window) -> Case | None:
    out, through = window.deltas.up("Ip.OutNoRoutes"), window.deltas.up("IpExt.InNoRoutes")
    if out + through < 2 and window.deltas.rate("Ip.OutNoRoutes", "IpExt.InNoRoutes") < 0.1:
        return None
    what = [f"{out:,} packets of this host" if out else "", f"{through:,} that it should forward" if through else ""]
    return Case(
        Confidence.CERTAIN,
        f"there was no route for {' and '.join(text for text in what if text)}",
        changes=("Ip.OutNoRoutes", "IpExt.InNoRoutes"),
        ruled_out=(("neighbour-unreachable", "they never got as far as a next hop"),),
    )


def _neighbour_overflow(window: Window) -> Case | None:
    full = window.deltas.up("arp_cache.table_fulls", "ndisc_cache.table_fulls")
    forced = window.deltas.up("arp_cache.forced_gc_runs", "ndisc_cache.forced_gc_runs")
    said = window.log_lines("neighbour-overflow")
    discards = window.deltas.up("Ip.OutDiscards")
    seen = window.deltas.get("arp_cache.table_fulls") is not None
    if not full and not (seen and forced >= 5) and not (not seen and said and discards):
        return None
    limit = window.setting("net.ipv4.neigh.default.gc_thresh3")
    table = window.last.neighbours
    count = 0 if isinstance(table, Absent) else number(table.ipv4_entries)
    return Case(
        Confidence.CERTAIN if full else Confidence.LIKELY,
        f"{full:,} neighbours found no room in the table" if full else "the neighbour table is at its limit",
        changes=("arp_cache.table_fulls", "ndisc_cache.table_fulls", "arp_cache.forced_gc_runs",
                 "arp_cache.unresolved_discards", "Ip.OutDiscards"),
        evidence=((f"{count:,} entries; net.ipv4.neigh.default.gc_thresh3 is {limit:,}",) if limit else ()) + said[-1:],
        ruled_out=(("neighbour-unreachable", "it is the table that is full: peers that are in it work"),),
    )  # fmt: skip


def _neighbour_unreachable(window: Window) -> Case | None:
    """Nobody answers the question for a next hop's hardware address."""
    counts = [
        number(facts.neighbours.ipv4_failed) + number(facts.neighbours.ipv6_failed)
        for facts in window.samples
        if not isinstance(facts.neighbours, Absent)
    ]
    if not counts:
        return None
    told = window.deltas.up("Icmp.InDestUnreachs")  # the host's own messages to itself are counted too
    failed = window.deltas.up("arp_cache.res_failed")
    grown = counts[-1] - counts[0]
    if not max(counts) or not (told >= 3 or failed >= 3 or grown > 0):
        return None
    return Case(
        Confidence.LIKELY if told >= 3 or failed >= 3 else Confidence.POSSIBLE,
        f"{max(counts):,} neighbours do not answer ARP or neighbour discovery",
        changes=("arp_cache.res_failed", "Icmp.InDestUnreachs", "arp_cache.unresolved_discards"),
        ruled_out=(("no-route", "OutNoRoutes did not move"),) if not window.deltas.up("Ip.OutNoRoutes") else (),
    )


def _reassembly(window: Window) -> Case | None:
    names = "Ip.ReasmFails", "Ip6.ReasmFails"
    failed = window.deltas.up(*names)
    if not failed:
        return None
    late = window.deltas.up("Ip.ReasmTimeout", "Ip6.ReasmTimeout")
    lost = late >= failed / 2
    high = window.sysctl("net.ipv4.ipfrag_high_thresh")
    return Case(
        Confidence.CERTAIN,
        f"{failed:,} datagrams could not be put together: "
        + ("fragments of them were lost" if lost else "there was no memory for their fragments"),
        changes=(*names, "Ip.ReasmTimeout", "Ip.ReasmReqds", "Ip.ReasmOKs", "Icmp.OutTimeExcds"),
        evidence=(
            f"{late:,} of them after ipfrag_time"
            if lost
            else f"net.ipv4.ipfrag_high_thresh is {high}, and none timed out",
        ),
        fix="Find where fragments are lost: a filter that passes first fragments only, or the loss of any one of many."
        if lost
        else "Raise net.ipv4.ipfrag_high_thresh.",
    )


def _frame_too_long(window: Window) -> Case | None:
    """Frames longer than the MTU of the receiving end are dropped by the link: IP never hears of them."""
    if window.deltas.up("Ip.FragFails"):
        return None
    return of_interfaces(window, partial(_frame_too_long_of, soft=backlog_share(window)))


def _frame_too_long_of(window: Window, nic: Nic, soft: int) -> Case | None:
    lengths = device_up(window, nic, "rx_length_errors", "rx_over_errors")
    received = device_up(window, nic, "rx_dropped") - soft
    sent = device_up(window, nic, "tx_dropped") - sent_into_backlogs(window, nic)
    if lengths < 3 and not (nic.kind in PAIRED and (received >= 3 or sent >= 3)):
        return None
    way = "rx_length_errors" if lengths >= 3 else "rx_dropped" if received >= 3 else "tx_dropped"
    many = lengths if lengths >= 3 else max(received, sent)
    return Case(
        Confidence.LIKELY,
        f"{nic.name} (MTU {nic.mtu}) dropped {many:,} frames, and no queue was full",
        changes=tuple(f"{device_key(nic)}.{name}" for name in (way, "tx_dropped", "rx_dropped")),
        ruled_out=(
            ("path-mtu-black-hole", "FragFails did not move: no router refused them"),
            ("cpu-backlog", "softnet dropped does not account for them"),
        ),
        subjects=(nic.name,),
    )


def _unreachable_received(window: Window) -> Case | None:
    name = "Icmp.InDestUnreachs"
    came = window.deltas.up(name)
    if came < 5 or window.deltas.rate(name) < 0.5 or window.deltas.up("Ip.OutNoRoutes"):
        return None
    return Case(
        Confidence.POSSIBLE,
        f"{came:,} messages came that something cannot be reached",
        changes=(name, "IcmpMsg.InType3"),
        evidence=("they quote what could not be delivered: tcpdump -v icmp shows it",),
    )


def _unreachable_sent(window: Window) -> Case | None:
    name = "Icmp.OutDestUnreachs"
    sent = window.deltas.up(name)
    if sent < 5 or window.deltas.rate(name) < 0.5 or window.deltas.up("Udp.NoPorts") >= sent:
        return None
    return Case(
        Confidence.LIKELY,
        f"this host told {sent:,} senders that something cannot be reached here",
        changes=(name, "IcmpMsg.OutType3", "Udp.NoPorts"),
        evidence=("a rule that rejects does so, and a router without a way on",),
    )


def _discards(window: Window) -> Case | None:
    names = "Ip.OutDiscards", "Ip.InDiscards", "Ip6.OutDiscards", "Ip6.InDiscards"
    lost = window.deltas.up(*names)
    if lost < 5 or window.deltas.rate(*names) < 1 or qdisc_drops(window):
        return None
    hung = peers_text(one.peer for one in connections(window) if one.timer == "on" and one.backoff)
    return Case(
        Confidence.POSSIBLE,
        f"IP discarded {lost:,} packets that were in order: no memory, no neighbour, or a filter at the output",
        changes=names,
        evidence=(f"connections that wait meanwhile: {hung}",) if hung else (),
    )


RULES = (
    CauseRule(
        id="path-mtu-black-hole", code="D09", title="Full packets vanish on the way (path MTU black hole)",
        layer=Layer.PATH, severity=Severity.CRITICAL, judge=_black_hole, needs=("TcpExt.TCPTimeouts",),
        fix="Let ICMP fragmentation needed and ICMPv6 packet too big pass; clamp the MSS; align MTUs; "
            "net.ipv4.tcp_mtu_probing=1 as insurance.",
        look=("ping -M do -s 1472 and -s 1200 to the peer", "ss -ti: back-off growing, cwnd 1"),
        checks=("path.pmtu.blackhole", "tcp.mtu_probing", "path.mss_clamp", "path.icmp_filtering"),
        remediation="sysctl",
        explains=("path-loss",),
    ),
    CauseRule(
        id="packets-too-big", code="D09", title="Packets are too big for the next link",
        layer=Layer.PATH, severity=Severity.HIGH, judge=_too_big, needs=("Ip.FragFails",),
        fix="Let this host's ICMP fragmentation needed out and through; clamp the MSS of what it forwards; align MTUs.",
        look=("nft list ruleset: rules about icmp", "ip link: which link is the smaller one"),
        checks=("path.icmp_filtering", "path.mss_clamp", "path.mtu.segment"), remediation="mtu",
        explains=("out-discards", "unreachable-sent", "firewall-drop"),
    ),
    CauseRule(
        id="frame-too-long", code="D10", title="Frames are longer than the other end takes",
        layer=Layer.LINK, severity=Severity.HIGH, judge=_frame_too_long, needs=("@nics",),
        fix="Give both ends of the link the same MTU.",
        look=("ip -d link at both ends", "frames of unknown protocols are counted as dropped too"),
        checks=("path.mtu.segment", "path.mtu.consistency"), remediation="mtu",
    ),
    CauseRule(
        id="reverse-path-filter", code="D20", title="The reverse path filter drops",
        layer=Layer.IP, severity=Severity.HIGH, judge=_reverse_path, needs=("TcpExt.IPReversePathFilter",),
        fix="Set rp_filter to 2 (loose) on that interface, or give the sources a route back through it.",
        look=("net.ipv4.conf.DEV.log_martians=1 for a moment shows the sources", "ip route get SOURCE"),
        checks=("ip.rp_filter",), remediation="sysctl",
    ),
    CauseRule(
        id="no-route", code="D22", title="There is no route",
        layer=Layer.IP, severity=Severity.HIGH, judge=_no_route, needs=("Ip.OutNoRoutes",),
        fix="Add the route, or find out who withdrew it.",
        look=("ip route get DESTINATION", "ip monitor route"), explains=("unreachable-received",),
    ),
    CauseRule(
        id="neighbour-overflow", code="D22", title="The neighbour table is full",
        layer=Layer.IP, severity=Severity.CRITICAL, judge=_neighbour_overflow,
        needs=("arp_cache.table_fulls|@kernel_log",),
        fix="Raise net.ipv4.neigh.default.gc_thresh3 (and gc_thresh1, gc_thresh2) above the number of neighbours.",
        look=("ip -s neigh | wc -l", "the kernel log: neighbor table overflow"), checks=("ip.neigh.thresholds",),
        remediation="sysctl", explains=("out-discards", "neighbour-unreachable"),
    ),
    CauseRule(
        id="neighbour-unreachable", code="D22", title="Neighbours do not answer",
        layer=Layer.IP, severity=Severity.MEDIUM, judge=_neighbour_unreachable, needs=("@neighbours",),
        fix="See whether those addresses exist on this link, and whether ARP passes.",
        look=("ip neigh show nud failed", "tcpdump arp"),
        explains=("connect-unanswered", "unreachable-received", "unreachable-sent"),
    ),
    CauseRule(
        id="reassembly-failed", code="D23", title="Fragments cannot be put together",
        layer=Layer.IP, severity=Severity.MEDIUM, judge=_reassembly, needs=("Ip.ReasmFails",),
        fix="Avoid fragments: smaller datagrams, a smaller EDNS size, aligned MTUs.",
        look=("tcpdump 'ip[6:2] & 0x3fff != 0'",),
    ),
    CauseRule(
        id="unreachable-received", code="D19", title="Unreachable messages arrive",
        layer=Layer.IP, severity=Severity.LOW, judge=_unreachable_received, needs=("Icmp.InDestUnreachs",),
        fix="Look at what they quote.", look=("tcpdump -v 'icmp[0] = 3'",),
    ),
    CauseRule(
        id="unreachable-sent", code="D19", title="Unreachable messages are sent",
        layer=Layer.IP, severity=Severity.LOW, judge=_unreachable_sent, needs=("Icmp.OutDestUnreachs",),
        fix="Look at what they quote.", look=("tcpdump -v 'icmp[0] = 3'", "nft list ruleset: rules that reject"),
    ),
    CauseRule(
        id="out-discards", code="D22", title="IP discards packets",
        layer=Layer.IP, severity=Severity.LOW, judge=_discards, needs=("Ip.OutDiscards",),
        fix="See which of queue, neighbour table and output filter moved with it.", look=("tc -s qdisc", "ip -s neigh"),
    ),
)  # fmt: skip
