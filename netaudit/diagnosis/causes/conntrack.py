"""Causes in connection tracking and packet filters."""

from __future__ import annotations

from netaudit.diagnosis.rule import Case, CauseRule
from netaudit.diagnosis.state import HitRule, hit_rules, nics, number, uncounted_rules
from netaudit.diagnosis.window import Window
from netaudit.model.diagnosis import Confidence, Layer
from netaudit.model.reading import Absent
from netaudit.model.result import Severity

_GAP_RATIO = 0.001
_GAP_LEAST = 5
_ACCOUNTED = (
    "Ip.InDelivers", "Ip.ForwDatagrams", "Ip.InDiscards", "Ip.InHdrErrors", "Ip.InAddrErrors", "Ip.InUnknownProtos",
    "IpExt.InNoRoutes", "IpExt.InTruncatedPkts", "TcpExt.IPReversePathFilter",
)  # fmt: skip


def input_gap(window: Window) -> int:
    """Packets that IP received and that went nowhere by any counter of its own: what a filter drops leaves no other."""
    deltas = window.deltas
    if deltas.get("Ip.InReceives") is None or deltas.get("Ip.InDelivers") is None:
        return 0
    fragments = deltas.up("Ip.ReasmReqds") - deltas.up("Ip.ReasmOKs")
    return max(0, deltas.up("Ip.InReceives") - deltas.up(*_ACCOUNTED) - max(0, fragments))


def _full(window: Window) -> Case | None:
    """No new connection can be tracked: its packets are dropped, and existing ones go on."""
    table = window.last.conntrack
    if isinstance(table, Absent):
        return None
    dropped, evicted = window.deltas.up("conntrack.drop"), window.deltas.up("conntrack.early_drop")
    counts = [
        (number(facts.conntrack.count), number(facts.conntrack.max))
        for facts in window.samples
        if not isinstance(facts.conntrack, Absent)
    ]
    count, limit = max(counts, key=lambda each: each[0] / each[1] if each[1] else 0.0)
    full = limit > 0 and count >= limit * 0.95
    said = window.log_lines("conntrack-full")
    if not dropped and not evicted and not (limit and count >= limit):
        return None
    if dropped and not full and not said:
        return None  # refused for another reason: see below
    loses = "new connections are dropped" if dropped else "connections without an answer are evicted for new ones"
    return Case(
        Confidence.CERTAIN if full and (dropped or evicted) else Confidence.LIKELY,
        f"{count:,} of {limit:,} entries: {loses}",
        changes=("conntrack.drop", "conntrack.early_drop", "conntrack.insert_failed"),
        evidence=said[-1:],
        ruled_out=(("firewall-drop", "conntrack itself counted the drops"),) if dropped else (),
    )


def _refused(window: Window) -> Case | None:
    """Entries are refused though there is room: two packets of one flow at once, or a chain of the hash too long."""
    table = window.last.conntrack
    if isinstance(table, Absent):
        return None
    failed, long_chain = window.deltas.up("conntrack.insert_failed"), window.deltas.up("conntrack.chaintoolong")
    dropped = window.deltas.up("conntrack.drop")
    count, limit = number(table.count), number(table.max)
    if (limit and count >= limit * 0.95) or not (failed or long_chain or dropped):
        return None
    return Case(
        Confidence.LIKELY if failed or long_chain else Confidence.POSSIBLE,
        f"{failed + long_chain + dropped:,} entries were refused with {count:,} of {limit:,} in use",
        changes=("conntrack.insert_failed", "conntrack.drop", "conntrack.chaintoolong", "conntrack.clash_resolve"),
        evidence=("chains of the hash are too long: its buckets are few for its entries",) if long_chain else (
            "typical of two datagrams of one socket at once through NAT, such as A and AAAA questions",
        ),
        ruled_out=(("conntrack-full", f"the table has room: {count:,} of {limit:,}"),),
        fix="Raise net.netfilter.nf_conntrack_buckets." if long_chain else "",
    )  # fmt: skip


def _one_sided(window: Window) -> Case | None:
    """Replies of connections that were never tracked are invalid, and a rule drops what is invalid."""
    invalid = window.deltas.up("conntrack.invalid")
    rules = [each for each in hit_rules(window) if each.asks_invalid]
    if not rules and not (invalid >= 3 and _drops_invalid(window)):
        return None
    notrack = () if isinstance(window.last.firewall, Absent) else window.last.firewall.notrack
    return Case(
        Confidence.CERTAIN if rules and invalid else Confidence.LIKELY,
        f"a rule dropped {sum(each.packets for each in rules):,} packets that connection tracking finds invalid"
        if rules
        else f"connection tracking found {invalid:,} packets invalid, and a rule drops those",
        changes=("conntrack.invalid", "conntrack.drop", "Tcp.RetransSegs"),
        evidence=(*(str(each) for each in rules[:3]), *(f"exempt from tracking: {one.text}" for one in notrack[:2])),
        ruled_out=(("conntrack-full", "conntrack drop did not move"),)
        if not window.deltas.up("conntrack.drop")
        else (),
        subjects=tuple(each.rule.chain for each in rules)[:3],
    )


def _not_full(window: Window) -> tuple[tuple[str, str], ...]:
    return () if window.deltas.up("conntrack.drop") else (("conntrack-full", "conntrack drop did not move"),)


def _drops_invalid(window: Window) -> bool:
    firewall = window.last.firewall
    if isinstance(firewall, Absent):
        return False
    uncounted = {rule.text for rule in uncounted_rules(window)}
    return any(one.text in uncounted or "invalid" in one.text.lower() for one in firewall.stateful_drops)


def _filter(window: Window) -> Case | None:
    """A rule that drops or rejects; without a counter only the gap between received and delivered packets shows it."""
    rules = [each for each in hit_rules(window) if not each.asks_invalid]
    taken = sum(each.packets for each in rules)
    if rules:
        return _by_rule(window, rules, taken)
    gap = input_gap(window) - window.deltas.up("conntrack.drop") - sum(
        each.packets for each in hit_rules(window) if each.asks_invalid
    )  # fmt: skip
    gap -= sum(window.deltas.up(f"{nic.name}#{nic.ifindex}.multicast") for nic in nics(window))
    if _drops_invalid(window):
        gap -= window.deltas.up("conntrack.invalid")
    received = window.deltas.up("Ip.InReceives")
    if gap < _GAP_LEAST or gap < received * _GAP_RATIO or gap / max(window.deltas.seconds, 0.1) < 1:
        return None
    silent = uncounted_rules(window)
    return Case(
        Confidence.LIKELY if silent else Confidence.POSSIBLE,
        f"{gap:,} packets came in and went nowhere, and no counter says why: a filter drops so",
        changes=("Ip.InReceives", "Ip.InDelivers"),
        evidence=tuple(f"{rule.chain}: {rule.text} (it does not count)" for rule in silent[:3]),
        ruled_out=(("reverse-path-filter", "IPReversePathFilter did not move"),),
        fix="Add a counter to the rules that drop, and look again." if silent else "",
    )


def _by_rule(window: Window, rules: list[HitRule], taken: int) -> Case:
    rejects = all(each.rule.is_reject for each in rules)
    return Case(
        Confidence.CERTAIN,
        f"{'rejected' if rejects else 'dropped'} {taken:,} packets: {rules[0]}",
        changes=("Icmp.OutDestUnreachs",) if rejects else (),
        evidence=tuple(str(each) for each in rules[1:4])
        + ((f"{input_gap(window):,} packets came in and were not delivered",) if input_gap(window) else ()),
        ruled_out=(("conntrack-full", "conntrack drop did not move"),)
        if not window.deltas.up("conntrack.drop")
        else (),
        subjects=tuple(each.rule.chain for each in rules)[:5],
    )


RULES = (
    CauseRule(
        id="conntrack-refused", code="D07", title="Connection tracking refuses entries",
        layer=Layer.CONNTRACK, severity=Severity.HIGH, judge=_refused, needs=("conntrack.",),
        fix="Keep such traffic out of NAT (a resolver on the host itself; single-request in resolv.conf); give source "
            "NAT more addresses and random ports.",
        look=("conntrack -S", "DNS time-outs of 5 s at clients"), checks=("ct.nat.port_pressure", "ct.buckets_ratio"),
    ),
    CauseRule(
        id="conntrack-full", code="D08", title="The connection tracking table is full",
        layer=Layer.CONNTRACK, severity=Severity.CRITICAL, judge=_full, needs=("@conntrack",), grows=False,
        fix="Raise net.netfilter.nf_conntrack_max and its buckets; shorten time-outs; track only what needs state.",
        look=("conntrack -L | awk '{print $1}' | sort | uniq -c", "new pings fail, those that run go on"),
        checks=("ct.headroom", "ct.max", "ct.buckets_ratio", "ct.timeout.established"), remediation="sysctl",
        explains=("conntrack-refused",),
    ),
    CauseRule(
        id="stateful-asymmetry", code="D26", title="A stateful rule drops one side of connections",
        layer=Layer.CONNTRACK, severity=Severity.CRITICAL, judge=_one_sided, needs=("conntrack.invalid|@drop_rules",),
        fix="Exempt both directions from tracking or neither; let both directions take the same way.",
        look=("nft monitor trace", "conntrack -E", "ip route get, both ways"),
        checks=("ct.notrack_asymmetry", "ct.tcp_pickup"),
        explains=("syn-ack-unanswered", "path-loss"),
    ),
    CauseRule(
        id="firewall-drop", code="D18", title="A packet filter drops",
        layer=Layer.IP, severity=Severity.MEDIUM, judge=_filter, needs=("@drop_rules|Ip.InReceives",),
        fix="If that traffic is wanted, accept it before this rule; if not, nothing is wrong.",
        look=("nft monitor trace", "who sends it: a log statement with a limit before the rule"),
        explains=("out-discards", "unreachable-sent"),
    ),
)  # fmt: skip
