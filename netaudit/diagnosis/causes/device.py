"""Causes at queueing disciplines, processors, interfaces, the link and the provider."""

from __future__ import annotations

import re
from functools import partial

from netaudit.diagnosis.counters import device_key
from netaudit.diagnosis.interfaces import of_interfaces
from netaudit.diagnosis.rule import Case, CauseRule
from netaudit.diagnosis.state import backlog_drops, backlog_share, device_up, in_initial_namespace, nics, qdisc_drops
from netaudit.diagnosis.window import Window
from netaudit.model.diagnosis import Confidence, Layer
from netaudit.model.facts import Nic
from netaudit.model.reading import Absent, is_known
from netaudit.model.result import Severity

_SQUEEZED_PER_S = 10  # a CPU; a few are normal on a busy host
_DROP_RATIO = 0.001
_RING = re.compile(
    r"rx_no_?buf|rx_out_of_buffer|rx_no_dma|rx_missed|rx_discards_phy|rx_overrun|rx_no_desc|alloc_rx_buff_failed"
    r"|rx_buf_alloc_fail|rx_fifo|rx_nodesc|no_buffer|rx_ring_full|rx_drops\Z"
)
_LINK = re.compile(r"crc|symbol_err|align_err|jabber|fcs|rx_corrected|phy_raw_errors|rx_bad_bytes")
_ALLOWANCE = "_allowance_exceeded"
_OTHER = re.compile(r"drop|discard|err|fail|miss|timeout")
_HARMLESS = re.compile(r"xdp|_ok\b|corrected|allowance")


def _egress(window: Window) -> Case | None:
    """A queueing discipline of this host drops what TCP sends; TCP sends it again."""
    deltas = window.deltas
    again = deltas.up("Tcp.RetransSegs")
    refused = deltas.up("TcpExt.TCPRetransFail", "TcpExt.TCPSpuriousRtxHostQueues")
    drops = [each for each in qdisc_drops(window) if each[1] > max(3, (each[1] + each[2]) * _DROP_RATIO)]
    total = sum(dropped for _, dropped, _ in drops)
    if not drops or total <= deltas.up("Udp.SndbufErrors", "Udp6.SndbufErrors") + 3:
        return None
    worst, dropped, sent = drops[0]
    return Case(
        Confidence.CERTAIN,
        f"{worst.kind} on {worst.device} dropped {dropped:,} of {dropped + sent:,} packets before they left",
        changes=("Tcp.RetransSegs", "TcpExt.TCPFastRetrans", "TcpExt.TCPRetransFail", "TcpExt.TCPSackRecovery",
                 "Ip.OutDiscards"),
        evidence=tuple(f"{one.kind} {one.handle} on {one.device}: {count:,} dropped" for one, count, _ in drops[:3])
        + ((f"{refused:,} retransmissions were refused as well",) if refused else ()),
        ruled_out=(("path-loss", "these packets never left this host"),) if again else (),
        subjects=tuple(dict.fromkeys(one.device for one, _, _ in drops)),
    )  # fmt: skip


def _backlog(window: Window) -> Case | None:
    """Packets were dropped between driver and IP because one CPU's backlog was full."""
    lost = backlog_drops(window)
    if not lost:
        return None
    dropped = window.deltas.moved("softnet[", (".dropped",))
    total = sum(dropped.values())
    hit = [nic for nic in nics(window) if device_up(window, nic, "rx_dropped")]
    cpus = [name.partition("]")[0].removeprefix("softnet[") for name in dropped]
    missed = sum(device_up(window, nic, "rx_missed_errors") for nic in nics(window))
    of_machine = "" if in_initial_namespace(window) else f", of {total:,} of the whole machine"
    return Case(
        Confidence.CERTAIN,
        f"the backlog of CPU {', '.join(cpus[:4])} was full: {lost:,} packets dropped{of_machine}",
        changes=(*dropped, *(f"{device_key(nic)}.rx_dropped" for nic in hit[:3]), "Udp.SndbufErrors"),
        evidence=(*_backlog_limit(window), *_imbalance(window)),
        ruled_out=(("ring-overflow", "rx_missed_errors did not move"),) if not missed else (),
        subjects=tuple(nic.name for nic in hit),
    )


def _backlog_limit(window: Window) -> tuple[str, ...]:
    limit = window.sysctl("net.core.netdev_max_backlog")
    return (f"net.core.netdev_max_backlog is {limit}",) if limit else ()


def _squeezed(window: Window) -> Case | None:
    """NET_RX ran out of its budget again and again: receiving is late, not yet lossy."""
    if not in_initial_namespace(window):
        return None
    seconds = max(window.deltas.seconds, 0.1)
    squeezed = window.deltas.moved("softnet[", (".time_squeeze",))
    over = {name: count for name, count in squeezed.items() if count / seconds > _SQUEEZED_PER_S}
    if not over:
        return None
    return Case(
        Confidence.POSSIBLE,
        f"receiving was interrupted {sum(over.values()):,} times for want of budget",
        changes=tuple(over),
        evidence=_imbalance(window),
    )


def _imbalance(window: Window) -> tuple[str, ...]:
    """Whether one CPU receives most of what all receive."""
    processed = window.deltas.moved("softnet[", (".processed",))
    total = sum(processed.values())
    if not total or len(processed) < 2:
        return ()
    name, most = max(processed.items(), key=lambda each: each[1])
    if most < total * 0.8:
        return ()
    return (f"{name.partition('.')[0]} receives {most / total:.0%} of all packets: interrupts or RPS are not spread",)


def _ring(window: Window) -> Case | None:
    return of_interfaces(window, _ring_of)


def _ring_of(window: Window, nic: Nic) -> Case | None:
    lost = device_up(window, nic, "rx_missed_errors", "rx_fifo_errors")
    driver = {name: count for name, count in _driver(window, nic).items() if _RING.search(name)}
    if not lost and not driver:
        return None
    received = device_up(window, nic, "rx_packets")
    total = max(lost, *driver.values(), 0) if driver else lost
    slots = nic.rings.rx_slots if is_known(nic.rings) else None
    most = nic.rings.rx_max_slots if is_known(nic.rings) else None
    room = (
        f"the ring of {nic.name} has {slots} of {most} slots"
        if isinstance(slots, int) and isinstance(most, int)
        else ""
    )
    return Case(
        Confidence.CERTAIN,
        f"{nic.name} lost {total:,} packets for want of a descriptor, and received {received:,}",
        changes=(
            *(f"{device_key(nic)}.{name}" for name in ("rx_missed_errors", "rx_fifo_errors")),
            *(f"{device_key(nic)}/{name}" for name in driver),
        ),
        evidence=tuple(text for text in (room, *_imbalance(window)) if text),
        ruled_out=(("cpu-backlog", "softnet dropped did not move"),)
        if not window.deltas.moved("softnet[", (".dropped",))
        else (),
        subjects=(nic.name,),
    )


def _driver(window: Window, nic: Nic) -> dict[str, int]:
    prefix = f"{device_key(nic)}/"
    return {name.removeprefix(prefix): count for name, count in window.deltas.moved(prefix).items()}


def _driver_drops(window: Window) -> Case | None:
    return of_interfaces(window, _driver_drops_of)


def _driver_drops_of(window: Window, nic: Nic) -> Case | None:
    found = {
        name: count
        for name, count in _driver(window, nic).items()
        if _OTHER.search(name) and not (_RING.search(name) or _LINK.search(name) or _HARMLESS.search(name))
    }
    own = device_up(window, nic, "tx_errors", "tx_aborted_errors", "tx_carrier_errors", "tx_fifo_errors", "rx_errors")
    hung = _hung(window, nic)
    if sum(found.values()) + own < 3 and not hung:
        return None
    return Case(
        Confidence.CERTAIN if hung else Confidence.LIKELY,
        f"the driver of {nic.name} counts {sum(found.values()) + own:,} packets that went wrong",
        changes=(
            *(f"{device_key(nic)}/{name}" for name in found),
            *(f"{device_key(nic)}.{name}" for name in ("tx_errors", "rx_errors", "tx_carrier_errors")),
        ),
        evidence=hung[-1:],
        subjects=(nic.name,),
    )


def _hung(window: Window, nic: Nic) -> tuple[str, ...]:
    """Lines of the kernel log about a transmit queue that timed out: those of this interface, and those of no other."""
    others = {each.name for each in nics(window)} - {nic.name}
    return tuple(
        line
        for line in window.log_lines("tx-timeout")
        if _names(line, nic.name) or not any(_names(line, name) for name in others)
    )


def _names(line: str, device: str) -> bool:
    """Whether a line speaks of this device, and not of one whose name only begins or ends so."""
    return re.search(rf"(?<![\w.-]){re.escape(device)}(?![\w-]|\.\w)", line) is not None


def _link(window: Window) -> Case | None:
    return of_interfaces(window, _link_of)


def _link_of(window: Window, nic: Nic) -> Case | None:
    names = "rx_crc_errors", "rx_frame_errors"
    bad = device_up(window, nic, *names)
    driver = {name: count for name, count in _driver(window, nic).items() if _LINK.search(name)}
    flaps = device_up(window, nic, "carrier_changes")
    if not bad and not driver and not flaps:
        return None
    what = (
        f"{nic.name} lost its carrier ({flaps} changes)"
        if flaps
        else f"{nic.name} received {bad or sum(driver.values()):,} damaged frames"
    )
    return Case(
        Confidence.CERTAIN,
        what,
        changes=(
            *(f"{device_key(nic)}.{name}" for name in (*names, "carrier_changes")),
            *(f"{device_key(nic)}/{name}" for name in driver),
        ),
        evidence=(window.log_lines("link-down") + window.log_lines("link-up"))[-2:],
        subjects=(nic.name,),
    )


def _allowance(window: Window) -> Case | None:
    return of_interfaces(window, _allowance_of)


def _allowance_of(window: Window, nic: Nic) -> Case | None:
    over = {name: count for name, count in _driver(window, nic).items() if name.endswith(_ALLOWANCE)}
    if not over:
        return None
    told = ", ".join(f"{name.removesuffix(_ALLOWANCE)} {count:,}" for name, count in over.items())
    return Case(
        Confidence.CERTAIN,
        f"the provider limits {nic.name}: {told}",
        changes=tuple(f"{device_key(nic)}/{name}" for name in over),
        evidence=("such drops happen outside of the machine: no other counter of it moves",),
        subjects=(nic.name,),
    )


def _receive_drops(window: Window) -> Case | None:
    """A mixed counter: unknown protocols, an idle member of a bond, or real loss."""
    return of_interfaces(window, partial(_receive_drops_of, soft=backlog_share(window)))


def _receive_drops_of(window: Window, nic: Nic, soft: int) -> Case | None:
    received = device_up(window, nic, "rx_packets")
    lost = device_up(window, nic, "rx_dropped") - soft - device_up(window, nic, "rx_missed_errors")
    if nic.kind == "veth" or lost < 10 or lost < received * 0.02 or (nic.master and isinstance(nic.bond, Absent)):
        return None
    return Case(
        Confidence.POSSIBLE,
        f"{nic.name} dropped {lost:,} of {received + lost:,} received packets",
        changes=(f"{device_key(nic)}.rx_dropped", f"{device_key(nic)}.rx_nohandler"),
        evidence=("frames of protocols that nobody wants (LLDP, STP, unknown VLANs) are counted here too",),
        subjects=(nic.name,),
    )


RULES = (
    CauseRule(
        id="egress-queue-drops", code="D28", title="A queue of this host drops what it sends",
        layer=Layer.QDISC, severity=Severity.HIGH, judge=_egress, needs=("qdisc ",),
        fix="Give the queueing discipline the rate or the limit that is needed; fq or fq_codel instead of a short tbf.",
        look=("tc -s qdisc show", "ip -s link does not count these"), checks=("qdisc.default",),
        explains=("path-loss", "out-discards"),
    ),
    CauseRule(
        id="cpu-backlog", code="D24", title="A CPU's input backlog is full",
        layer=Layer.NIC, severity=Severity.CRITICAL, judge=_backlog, needs=("softnet[",),
        fix="Spread receiving over more CPUs (queues, RPS), make the rules cheaper; net.core.netdev_max_backlog for "
            "bursts.",
        look=("mpstat -P ALL 1: %soft", "drop reason CPU_BACKLOG"),
        checks=("nic.netdev_max_backlog", "nic.irq_spread", "nic.rps", "nic.softirq_cpu"), remediation="sysctl",
        explains=("softirq-budget", "frame-too-long", "receive-drops", "udp-send-refused"),
    ),
    CauseRule(
        id="softirq-budget", code="D24", title="Receiving runs out of its budget",
        layer=Layer.NIC, severity=Severity.LOW, judge=_squeezed, needs=("softnet[",),
        fix="Spread receiving over more CPUs; net.core.netdev_budget and netdev_budget_usecs only after that.",
        look=("mpstat -P ALL 1: %soft",), checks=("nic.irq_spread", "nic.queues"), remediation="sysctl",
    ),
    CauseRule(
        id="ring-overflow", code="D29", title="The receive ring of a NIC overflows",
        layer=Layer.NIC, severity=Severity.CRITICAL, judge=_ring, needs=("@nics",),
        fix="Enlarge the ring (ethtool -G), use more queues, free the CPUs that serve them.",
        look=("ethtool -S: names differ by driver", "steal time: the hypervisor may not have run this machine"),
        checks=("nic.ring.rx_size", "nic.queues", "nic.irq_spread"), remediation="ethtool",
        explains=("receive-drops", "driver-drops"),
    ),
    CauseRule(
        id="receive-drops", code="D29", title="An interface drops what it receives",
        layer=Layer.NIC, severity=Severity.LOW, judge=_receive_drops, needs=("@nics",),
        fix="Find out what they are before tuning: drop reasons tell UNHANDLED_PROTO from loss.",
        look=("tcpdump -e not ip and not ip6 and not arp",),
    ),
    CauseRule(
        id="driver-drops", code="D29", title="A driver reports errors or drops",
        layer=Layer.NIC, severity=Severity.MEDIUM, judge=_driver_drops, needs=("@nics",),
        fix="Look up the counter in the driver's documentation; update driver and firmware.",
        look=("ethtool -S", "dmesg: NETDEV WATCHDOG"),
    ),
    CauseRule(
        id="provider-allowance", code="D30", title="The provider's allowance is exceeded",
        layer=Layer.LINK, severity=Severity.CRITICAL, judge=_allowance, needs=("@nics",),
        fix="A larger instance; a DNS cache on the host (link-local allowance); untracked security groups.",
        look=("ethtool -S: *_allowance_exceeded",), checks=("link.bandwidth_headroom", "link.pps_headroom"),
        explains=("path-loss",),
    ),
    CauseRule(
        id="link-errors", code="D30", title="The link damages frames or goes down",
        layer=Layer.LINK, severity=Severity.HIGH, judge=_link, needs=("@nics",),
        fix="Replace the cable or optic, clean the connectors, look at the duplex of both ends.",
        look=("ethtool -S: crc, symbol errors", "the switch's counters of that port"),
        checks=("link.speed_duplex", "link.state"), explains=("path-loss",),
    ),
)  # fmt: skip
