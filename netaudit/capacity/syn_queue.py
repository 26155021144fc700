"""Half-open connections: handshakes that wait for the client's answer.

While SYN cookies are on, the listener's backlog limits their number, as Linux keeps them in one table with all others
and only counts them a listener; beyond it the kernel answers with cookies. With cookies off the last quarter of
tcp_max_syn_backlog is kept for peers that were heard of before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from netaudit.capacity import backlog
from netaudit.capacity.figures import Inquiry
from netaudit.capacity.host import Host
from netaudit.capacity.rows import Limit, Need, Resource, ceil_pow2, row, unknown
from netaudit.capacity.words import number, per_second, seconds
from netaudit.model.capacity import Assessment, SettingChange, Uncertainty
from netaudit.model.reading import Absent, Maybe

MAX_SYN_BACKLOG = "net.ipv4.tcp_max_syn_backlog"
SYNCOOKIES = "net.ipv4.tcp_syncookies"
_SOURCES = (
    "kernel source: net/ipv4/tcp_input.c (tcp_conn_request), include/net/inet_connection_sock.h",
    "measured on Linux 6.18: a backlog of 8 held 9 half-open connections; without cookies a maximum of 32 held 25",
)
_UNCERTAINTY = Uncertainty(0.7, 1.3, "the round trips of clients; no size covers an attack, so leave cookies on")
WITH_COOKIES = Resource(
    id="syn-queue", title="Half-open connections", layer="listener", unit="connections", headroom=1.0,
    uncertainty=_UNCERTAINTY,
    consequence="above half of the backlog retries are cut short; when it is full the kernel answers with SYN cookies, "
    "which lose the options of the connection",
    sources=_SOURCES, is_soft=True,
)  # fmt: skip
WITHOUT_COOKIES = Resource(
    id="syn-queue", title="Half-open connections", layer="listener", unit="connections", headroom=1.5,
    uncertainty=_UNCERTAINTY, consequence="new handshakes are dropped without a word", sources=_SOURCES,
)  # fmt: skip


def assess(host: Host) -> Iterator[Assessment]:
    """A row for each listener that inbound loads come to."""
    cookies = host.number(SYNCOOKIES)
    resource = WITHOUT_COOKIES if cookies == 0 else WITH_COOKIES
    for door in backlog.doors(host):
        if isinstance(door, Absent):
            yield unknown(resource, f"listeners could not be read: {door}")
            continue
        inquiry = Inquiry(host.load)
        need = needed(door, inquiry)
        held, evidence = backlog.backlog_of(door, host, inquiry)
        limit = limited(held, cookies, host.number(MAX_SYN_BACKLOG), evidence)
        yield row(
            resource, host, inquiry, door.loads, need, limit,
            subject=door.subject, in_use=_in_use(host, door.port), is_stock=False,
            changes=_changes(door, host, need, cookies),
        )  # fmt: skip


def needed(door: backlog.Door, inquiry: Inquiry) -> Need:
    """Rate × residence: the round trip, and with loss the waits for the SYN-ACK's first two retries."""
    parts, total = [], 0.0
    for load in door.loads:
        rate, rtt = inquiry.burst(load), inquiry.ask(load, "rtt_p99_s")
        loss = inquiry.or_zero(load, "loss_ratio", "loss on the way")
        stays = residence_s(rtt, loss)
        total += rate * stays * door.share
        parts.append(f"{per_second(rate)} × {seconds(stays)}{door.share_text}")
    return Need(total, f"{' + '.join(parts)} = {number(math.ceil(total))} handshakes under way")


def residence_s(rtt_s: float, loss_ratio: float) -> float:
    """How long a handshake is half-open on average: a lost SYN-ACK is sent again after 1 s, then after 2 s."""
    return rtt_s + loss_ratio * 1.0 + loss_ratio**2 * 2.0


def limited(held: Maybe[float], cookies: Maybe[int], max_syn_backlog: Maybe[int], evidence: str) -> Limit:
    """How many half-open connections a listener of this backlog takes."""
    if isinstance(held, Absent):
        return Limit(held)
    if isinstance(cookies, Absent):
        return Limit(cookies)
    evidence += f"; {SYNCOOKIES} = {cookies}"
    if cookies:
        return Limit(held + 1, evidence, comfort=(held + 1) / 2)
    if isinstance(max_syn_backlog, Absent):
        return Limit(max_syn_backlog)
    unproven = max_syn_backlog - (max_syn_backlog >> 2) + 1
    return Limit(min(held + 1, unproven), f"{evidence}; {MAX_SYN_BACKLOG} = {max_syn_backlog}, three quarters of it")


def _in_use(host: Host, port: int) -> Maybe[float] | None:
    sockets = host.facts.sockets
    if isinstance(sockets, Absent):
        return sockets
    return float(sum(each.count for each in sockets.syn_recv_by_port if each.port == port))


def _changes(door: backlog.Door, host: Host, need: Need, cookies: Maybe[int]) -> Sequence[SettingChange]:
    found = list(backlog.changes(door, host, need.total * 3.0))  # 1.5 times, of twice as much
    now = host.number(MAX_SYN_BACKLOG)
    if cookies == 0:
        found.append(SettingChange(SYNCOOKIES, "1", "0", note="answers where no table is large enough"))
        wanted = ceil_pow2(need.total / 0.75 * 1.5)
        if not isinstance(now, Absent) and now < wanted:
            found.append(SettingChange(MAX_SYN_BACKLOG, str(wanted), str(now)))
    return found
