"""Which causes of loss a lab host can be given, and what is done on it and around it for each. Pure: nothing runs here.

Every cause has another side: a namespace of its own on the lab's bridge, or behind a router there. Words in braces are
filled in: ``{host}``, ``{peer}``, ``{far}`` (behind the router), ``{port}``, ``{net}`` (addresses nobody has),
``{dev}`` (the host's interface), ``{gap}`` (an address of the host's own subnet that nobody has).
"""

from __future__ import annotations

from dataclasses import dataclass

_NFT = "table ip faults {{{{ chain {chain} {{{{ type filter hook {hook} priority {priority}; {rule}; }}}}; }}}}"


def _filter(hook: str, rule: str, *, chain: str = "in", priority: str = "0") -> str:
    """A command that makes one rule in a table of its own, which goes as a whole."""
    return f"nft '{_NFT.format(chain=chain, hook=hook, priority=priority, rule=rule)}'"


_EMPTY = "nft 'table ip faults {{ chain out {{ type filter hook output priority 0; }}; }}'"
_UNTRACKED = (
    "nft 'table ip faults {{ chain pre {{ type filter hook prerouting priority raw; tcp dport {port} notrack; }}; "
    "chain out {{ type filter hook output priority 0; ct state invalid counter drop; }}; }}'"
)
_FIRST_FRAGMENTS = (
    "nft 'table netdev faults {{ chain in {{ type filter hook ingress device {dev} priority 0; "
    "ip frag-off & 0x1fff > 100 drop; }}; }}'"
)
_MANY_RULES = (
    "{{ echo 'table ip faults {{ chain in {{ type filter hook input priority 0;'; i=0; "
    "while [ $i -lt 6000 ]; do echo 'ip daddr 192.0.2.1 udp dport 9 counter'; i=$((i+1)); done; "
    "echo 'udp dport {port} drop; }}; }}'; }} | nft -f -"
)
_NO_FILTER = "nft delete table ip faults"
# Entries outlive the rule that asked for them and the programs whose flows they are.
_HAS_CONNTRACK = "command -v conntrack >/dev/null || {{ echo 'conntrack is not installed'; false; }}"
_NO_ENTRIES = "conntrack -D -p udp -d {host} --dport {port} >/dev/null"
# Where the clock of a connection stands is random: one of two opposite moments is in its past.
_OLD_TIMESTAMPS = (
    "tcp dport {port} tcp flags & (syn | psh) == psh numgen random mod 2 < 1 tcp option timestamp tsval set 1 accept; "
    "tcp dport {port} tcp flags & (syn | psh) == psh tcp option timestamp tsval set 2147483649"
)
_DEAF = _filter("input", "tcp flags & (syn | ack) == (syn | ack) counter drop")


@dataclass(frozen=True, slots=True)
class Side:
    """What is done on one side: commands, their undoing, settings, programs of ``faults.py``."""

    setup: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    sysctl: tuple[tuple[str, str], ...] = ()
    programs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabCause:
    """One cause. ``named`` are the ids under which a diagnosis of the host may tell it, the right one first."""

    name: str
    summary: str
    named: tuple[str, ...]
    host: Side = Side()
    peer: Side = Side()
    far: Side | None = None  # with it the peer becomes a router, and this is what lies behind it
    is_heavy: bool = False  # takes much of this machine, or touches what all of it shares, for a moment
    settles_s: float = 1.0  # from the start of its programs until it shows


_TBF = "tc qdisc add dev {dev} root tbf rate 8mbit burst 3200 limit 6000"
_NO_TBF = "tc qdisc del dev {dev} root"
_LOOSE = (("net.ipv4.conf.all.rp_filter", "0"), ("net.ipv4.conf.{dev}.rp_filter", "1"))

CAUSES: tuple[LabCause, ...] = (
    LabCause(
        "accept-queue-full", "a listener that never accepts, and clients that go on coming", ("accept-queue-full",),
        host=Side(programs=("listen {port} 4",)),
        peer=Side(programs=("burst {host} {port} 12 2.0",)),
    ),
    LabCause(
        "accept-queue-ack", "handshakes whose last ACK meets a full accept queue", ("accept-queue-ack",),
        host=Side(programs=("listen {port} 16",)),
        peer=Side(
            setup=(_EMPTY,), undo=(_NO_FILTER,),
            programs=("acklost {host} {port} 10 15",),
        ),
        settles_s=2.0,
    ),
    LabCause(
        "accept-queue-abort", "the same with tcp_abort_on_overflow: clients are reset", ("accept-queue-ack",),
        host=Side(sysctl=(("net.ipv4.tcp_abort_on_overflow", "1"),), programs=("sluggish {port} 16",)),
        peer=Side(
            setup=(_EMPTY,), undo=(_NO_FILTER,),
            programs=("acklost {host} {port} 10 15",),
        ),
        settles_s=1.5,
    ),
    LabCause(
        "syn-queue-full", "more half-open connections than the backlog, without cookies", ("syn-queue-full",),
        host=Side(sysctl=(("net.ipv4.tcp_syncookies", "0"),), programs=("listen {port} 8",)),
        peer=Side(setup=(_DEAF,), undo=(_NO_FILTER,), programs=("burst {host} {port} 40 1.5",)),
    ),
    LabCause(
        "syn-cookies", "more half-open connections than the backlog, with cookies", ("syn-queue-full",),
        host=Side(sysctl=(("net.ipv4.tcp_syncookies", "1"),), programs=("listen {port} 8",)),
        peer=Side(setup=(_DEAF,), undo=(_NO_FILTER,), programs=("burst {host} {port} 40 1.5",)),
    ),
    LabCause(
        "syn-backlog", "three quarters of a small tcp_max_syn_backlog are taken, without cookies", ("syn-queue-full",),
        host=Side(
            setup=("ip tcp_metrics flush",),  # a peer that is known to be real may use the last quarter
            sysctl=(("net.ipv4.tcp_syncookies", "0"), ("net.ipv4.tcp_max_syn_backlog", "32")),
            programs=("listen {port} 1024",),
        ),
        peer=Side(setup=(_DEAF,), undo=(_NO_FILTER,), programs=("burst {host} {port} 60 1.5",)),
    ),
    LabCause(
        "syn-ack-unanswered", "a way back on which every SYN-ACK is lost", ("syn-ack-unanswered",),
        host=Side(programs=("listen {port} 1024",)),
        peer=Side(setup=(_DEAF,), undo=(_NO_FILTER,), programs=("burst {host} {port} 6 3",)),
        settles_s=2.0,
    ),
    LabCause(
        "descriptors-exhausted", "a process that has used up its file descriptors", ("descriptors-exhausted",),
        host=Side(programs=("starved {port} 16",)),
        peer=Side(programs=("burst {host} {port} 30 2.0",)),
    ),
    LabCause(
        "app-not-reading", "a process that never reads what it is sent", ("app-not-reading",),
        host=Side(programs=("unread {port}",)),
        peer=Side(programs=("send {host} {port} 8000",)),
        settles_s=3.0,
    ),
    LabCause(
        "peer-not-reading", "a peer that never reads what it is sent", ("peer-not-reading",),
        host=Side(programs=("send {peer} {port} 8000",)),
        peer=Side(programs=("unread {port}",)),
        settles_s=3.0,
    ),
    LabCause(
        "close-wait-leak", "a process that never closes what its peers have closed", ("close-wait-leak",),
        host=Side(programs=("leak {port}",)),
        peer=Side(programs=("dial {host} {port} 5 now",)),
    ),
    LabCause(
        "reset-on-close", "a process that closes connections with data unread", ("reset-on-close",),
        host=Side(programs=("hangup {port}",)),
        peer=Side(programs=("dial {host} {port} 5 late", "dial {host} {port} 5 send")),
    ),
    LabCause(
        "port-closed", "clients of a service that does not run", ("port-closed",),
        peer=Side(programs=("dial {host} {port} 5 now",)),
    ),
    LabCause(
        "listener-gone", "a process that gives up one of its ports every second", ("listener-gone",),
        host=Side(programs=("retire {port} 150",)),
        peer=Side(programs=("dialgone {host} {port} 5",)),
        settles_s=3.0,
    ),
    LabCause(
        "connect-refused", "a client of a service elsewhere that does not run", ("connect-refused",),
        host=Side(programs=("dial {peer} {port} 5 now",)),
    ),
    LabCause(
        "connect-unanswered", "a client of a service elsewhere whose filter drops", ("connect-unanswered",),
        host=Side(programs=("burst {peer} {port} 3 1.0",)),
        peer=Side(setup=(_filter("input", "tcp dport {port} counter drop"),), undo=(_NO_FILTER,)),
    ),
    LabCause(
        "resets-received", "a client whose peer closes with data unread", ("resets-received",),
        host=Side(programs=("dial {peer} {port} 5 keepsend",)),
        peer=Side(programs=("hangup {port}",)),
    ),
    LabCause(
        "udp-receive-buffer", "a datagram socket with a small buffer that nobody reads", ("udp-receive-buffer",),
        host=Side(programs=("sink {port} 4096",)),
        peer=Side(programs=("datagrams {host} {port} 300 200",)),
    ),
    LabCause(
        "udp-no-port", "datagrams to a port where nobody listens", ("udp-no-port",),
        peer=Side(programs=("datagrams {host} {port} 300 50",)),
    ),
    LabCause(
        "timestamps-rejected", "segments whose timestamps lie in the past", ("timestamps-rejected",),
        host=Side(programs=("drain {port}",)),
        peer=Side(
            setup=(_filter("output", _OLD_TIMESTAMPS),),
            undo=(_NO_FILTER,), programs=("dial {host} {port} 10 send",),
        ),
        settles_s=2.0,
    ),
    LabCause(
        "unreachable-received", "a program that sends to a port where nobody listens", ("unreachable-received",),
        host=Side(programs=("datagrams {peer} {port} 50 100",)),
        peer=Side(sysctl=(("net.ipv4.icmp_ratelimit", "0"),)),
    ),
    LabCause(
        "ports-exhausted", "a hundred local ports, and a client that needs more", ("ports-exhausted",),
        host=Side(sysctl=(("net.ipv4.ip_local_port_range", "40000 40099"),), programs=("dial {peer} {port} 100 keep",)),
        peer=Side(programs=("drain {port}",)),
        settles_s=2.5,
    ),
    LabCause(
        "time-wait-overflow", "a server that closes first, with room for five in TIME_WAIT", ("time-wait-overflow",),
        host=Side(sysctl=(("net.ipv4.tcp_max_tw_buckets", "5"),), programs=("closefirst {port}",)),
        peer=Side(programs=("dial {host} {port} 20 late",)),
    ),
    LabCause(
        "receive-queue-pruned", "a process that takes the buffer of its socket away", ("receive-queue-pruned",),
        host=Side(setup=("ethtool -K {dev} gro off",), undo=("ethtool -K {dev} gro on",), programs=("shrink {port}",)),
        peer=Side(setup=("ethtool -K eth0 tso off gso off",), programs=("pour {host} {port}",)),
        settles_s=2.0,
    ),
    LabCause(
        "checksum-errors", "packets with wrong checksums", ("checksum-errors",),
        host=Side(programs=("drain {port}",)),
        peer=Side(programs=("badsums {peer} {host} {port} 5",)),
    ),
    LabCause(
        "firewall-drop", "a rule that drops what clients send to a service", ("firewall-drop",),
        host=Side(setup=(_filter("input", "tcp dport {port} counter drop"),), undo=(_NO_FILTER,),
                  programs=("drain {port}",)),
        peer=Side(programs=("burst {host} {port} 5 1.0",)),
    ),
    LabCause(
        "firewall-silent", "a rule that drops and does not count", ("firewall-drop",),
        host=Side(setup=(_filter("input", "tcp dport {port} drop"),), undo=(_NO_FILTER,), programs=("drain {port}",)),
        peer=Side(programs=("burst {host} {port} 8 1.0",)),
    ),
    LabCause(
        "firewall-reject", "a rule that rejects what clients send to a service", ("firewall-drop",),
        host=Side(setup=(_filter("input", "tcp dport {port} counter reject"),), undo=(_NO_FILTER,),
                  programs=("drain {port}",)),
        peer=Side(programs=("dial {host} {port} 5 now",)),
    ),
    LabCause(
        "stateful-asymmetry", "one direction exempt from tracking, and a rule that drops what is invalid",
        ("stateful-asymmetry",),
        host=Side(
            setup=(_UNTRACKED,),
            undo=(_NO_FILTER,), programs=("listen {port} 100",),
        ),
        peer=Side(programs=("burst {host} {port} 3 1.0",)),
    ),
    LabCause(
        "conntrack-full", "a connection tracking table full of flows without answer", ("conntrack-full",),
        host=Side(
            setup=(_HAS_CONNTRACK, _filter("input", "ct state new counter accept"), "ip route add {net} via {peer}"),
            undo=(_NO_FILTER, "ip route del {net}", _NO_ENTRIES),
            sysctl=(("net.netfilter.nf_conntrack_udp_timeout", "300"),), programs=("swallow {port}",),
        ),
        peer=Side(setup=("ip route add local {net} dev lo",), undo=("ip route del local {net} dev lo",),
                  programs=("flows {host} {port} {first} 270000 2000",)),
        is_heavy=True, settles_s=12.0,
    ),
    LabCause(
        "reverse-path-filter", "a strict filter, and a source that is answered through another interface",
        ("reverse-path-filter",),
        host=Side(
            setup=("ip link add nflt1 type veth peer name nflt4", "ip link set nflt4 up", "ip link set nflt1 up",
                   "ip route add {net} dev nflt1"),
            undo=("ip link del nflt1",), sysctl=_LOOSE,
        ),
        peer=Side(setup=("ip addr add {first}/32 dev lo",), undo=("ip addr del {first}/32 dev lo",),
                  sysctl=(("net.ipv4.conf.all.arp_announce", "2"),),
                  programs=("datagrams {host} {port} 20 50 {first}",)),
    ),
    LabCause(
        "no-route", "a program that sends where no route leads", ("no-route",),
        host=Side(setup=("ip route add throw {net}",), undo=("ip route del throw {net}",),
                  programs=("scatter {first} 5",)),
    ),
    LabCause(
        "neighbour-unreachable", "a program that sends to neighbours that are not there", ("neighbour-unreachable",),
        host=Side(programs=("scatter {gap} 5",)), settles_s=4.0,
    ),
    LabCause(
        "reassembly-failed", "fragments of which all but the first are lost", ("reassembly-failed",),
        host=Side(
            setup=(_FIRST_FRAGMENTS,),
            undo=("nft delete table netdev faults",), sysctl=(("net.ipv4.ipfrag_time", "1"),),
            programs=("sink {port} 200000",),
        ),
        peer=Side(programs=("datagrams {host} {port} 5 4000",)),
        settles_s=2.0,
    ),
    LabCause(
        "path-mtu-black-hole", "a router with a smaller MTU whose ICMP does not arrive", ("path-mtu-black-hole",),
        host=Side(
            setup=("ip route add {farnet} via {peer}",), undo=("ip route del {farnet}",),
            sysctl=(("net.ipv4.tcp_mtu_probing", "0"),), programs=("send {far} {port} 400",),
        ),
        peer=Side(setup=("ip link set nflt2 mtu 1400", _filter("output", "icmp type destination-unreachable drop")),
                  undo=(_NO_FILTER,)),
        far=Side(programs=("drain {port}",)), settles_s=3.0,
    ),
    LabCause(
        "packets-too-big", "a router whose next link has a smaller MTU, and that may not say so", ("packets-too-big",),
        host=Side(
            setup=("ip addr add {direct_host}/30 dev nflt0", "ip link set nflt0 mtu 1400 up",
                   "ip route add {net} via {direct_peer} dev nflt0",
                   _filter("output", "icmp type destination-unreachable drop")),
            undo=("ip link del nflt0", _NO_FILTER), sysctl=(("net.ipv4.ip_forward", "1"),),
        ),
        peer=Side(
            setup=("ip addr add {direct_peer}/30 dev nflt3", "ip link set nflt3 mtu 1400 up",
                   "ip route add {net} via {host}"),
            programs=("big {first} {port} 10 1450",),
        ),
    ),
    LabCause(
        "frame-too-long", "frames longer than this end of the link takes", ("frame-too-long",),
        host=Side(
            setup=("ip addr add {direct_host}/30 dev nflt0", "ip link set nflt0 up"), undo=("ip link del nflt0",),
        ),
        peer=Side(
            setup=("ip addr add {direct_peer}/30 dev nflt3", "ip link set nflt3 mtu 9000 up"),
            programs=("datagrams {direct_host} {port} 10 3000",),
        ),
    ),
    LabCause(
        "egress-queue-drops", "a queueing discipline that is too slow for what TCP sends", ("egress-queue-drops",),
        host=Side(setup=(_TBF,), undo=(_NO_TBF,), programs=("send {peer} {port} 4000",)),
        peer=Side(programs=("drain {port}",)),
    ),
    LabCause(
        "udp-send-refused", "a queueing discipline that is too slow for what a program sends", ("udp-send-refused",),
        host=Side(setup=(_TBF,), undo=(_NO_TBF,), programs=("datagrams {peer} {port} 3000 1000",)),
        peer=Side(programs=("sink {port} 4000000",)),
    ),
    LabCause(
        "path-loss", "a way on which one of twenty segments is lost", ("path-loss",),
        host=Side(programs=("send {peer} {port} 4000",)),
        peer=Side(setup=(_filter("input", "tcp dport {port} numgen random mod 100 < 5 drop"),), undo=(_NO_FILTER,),
                  programs=("drain {port}",)),
    ),
    LabCause(
        "cpu-backlog", "more than one CPU can take out of its backlog", ("cpu-backlog",),
        host=Side(
            setup=("echo 2 >/sys/class/net/{dev}/queues/rx-0/rps_cpus", _MANY_RULES),
            undo=("echo 0 >/sys/class/net/{dev}/queues/rx-0/rps_cpus", _NO_FILTER),
        ),
        peer=Side(programs=("flood {host} {port}",)),
        is_heavy=True,
    ),
)  # fmt: skip

# What hosts in order do all day: they serve, they are clients, they send and receive datagrams that somebody reads.
NORMAL_LOAD = LabCause(
    "normal-load", "clients and servers that lose nothing", (),
    host=Side(programs=("drain {port}", "answer {port}", "hum {peer} {port} 60", "dial {peer} {port} 1 now")),
    peer=Side(programs=("drain {port}", "hum {host} {port} 60", "dial {host} {port} 2 now",
                        "datagrams {host} {port} 10 200")),
)  # fmt: skip

BY_NAME = {cause.name: cause for cause in CAUSES}
