"""Every reason for which the kernel drops packets, in words, and the causes that a drop for it speaks for.

The names are those of ``enum skb_drop_reason`` (include/net/dropreason-core.h of the kernel). Their numbers differ from
kernel to kernel and are read from each host; a name that is not here is told as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """What a drop reason means."""

    meaning: str
    causes: tuple[str, ...] = ()  # ids of causes it speaks for
    is_loss: bool = True  # false: freed in the ordinary course of things, and nobody misses it


def _loss(meaning: str, *causes: str) -> Reason:
    return Reason(meaning, causes)


def _ordinary(meaning: str, *causes: str) -> Reason:
    return Reason(meaning, causes, is_loss=False)


_CSUM = "its checksum is wrong"
_FILTERED = ("firewall-drop", "conntrack-full", "conntrack-refused", "stateful-asymmetry")
_PRUNED = ("receive-queue-pruned", "tcp-memory-pressure")
_NEIGHBOUR = ("neighbour-unreachable", "neighbour-overflow")
_QUEUED = ("egress-queue-drops", "udp-send-refused", "out-discards")
_MTU = ("path-mtu-black-hole", "packets-too-big")

REASONS: Mapping[str, Reason] = {
    "NOT_SPECIFIED": Reason("the kernel gives no reason; the place tells more", is_loss=False),
    "NO_SOCKET": _loss("nobody listens at this port, or knows this connection", "port-closed", "udp-no-port"),
    "SOCKET_CLOSE": _ordinary("its socket was closed before it was read", "reset-on-close"),
    "SOCKET_FILTER": _loss("a filter that a program put on its socket refuses it"),
    "SOCKET_RCVBUFF": _loss("the receive buffer of the socket is full", "udp-receive-buffer"),
    "UNIX_DISCONNECT": _ordinary("a local socket (AF_UNIX) was closed: no packet of a network"),
    "UNIX_SKIP_OOB": _ordinary("out-of-band data of a local socket (AF_UNIX): no packet of a network"),
    "PKT_TOO_SMALL": _loss("it is shorter than its headers say", "receive-drops"),
    "TCP_CSUM": _loss(f"TCP: {_CSUM}", "checksum-errors"),
    "UDP_CSUM": _loss(f"UDP: {_CSUM}", "checksum-errors"),
    "ICMP_CSUM": _loss(f"ICMP: {_CSUM}", "checksum-errors"),
    "IP_CSUM": _loss(f"IP header: {_CSUM}", "checksum-errors"),
    "SKB_CSUM": _loss(f"{_CSUM}, found on the way out or between drivers", "checksum-errors"),
    "NETFILTER_DROP": _loss("a packet filter or connection tracking dropped it", *_FILTERED),
    "OTHERHOST": _ordinary(
        "its Ethernet address is another host's: the switch floods, or the interface is promiscuous"
    ),
    "IP_INHDR": _loss("its IP header is damaged, or its TTL has run out"),
    "IP_RPFILTER": _loss("its source would not be answered through this interface", "reverse-path-filter"),
    "UNICAST_IN_L2_MULTICAST": _ordinary("a unicast packet in a broadcast or multicast frame"),
    "XFRM_POLICY": _loss("an IPsec policy does not let it pass"),
    "IP_NOPROTO": _loss("no handler for its IP protocol", "unreachable-sent"),
    "PROTO_MEM": _loss("the protocol's memory is used up, or the socket's buffer is", *_PRUNED),
    "TCP_AUTH_HDR": _loss("a TCP authentication option is there twice or damaged"),
    "TCP_MD5NOTFOUND": _loss("an MD5 signature is expected and missing: TCP_MD5SIG, as of BGP"),
    "TCP_MD5UNEXPECTED": _loss("an MD5 signature where none is expected"),
    "TCP_MD5FAILURE": _loss("its MD5 signature is wrong: the keys differ"),
    "TCP_AONOTFOUND": _loss("a TCP-AO signature is expected and missing"),
    "TCP_AOUNEXPECTED": _loss("a TCP-AO signature where none is expected"),
    "TCP_AOKEYNOTFOUND": _loss("its TCP-AO key is not known here"),
    "TCP_AOFAILURE": _loss("its TCP-AO signature is wrong"),
    "SOCKET_BACKLOG": _loss("the socket's backlog is full while its process holds it", "udp-receive-buffer"),
    "TCP_FLAGS": _ordinary("its flags make no sense in this state, such as an ACK to a listener that asked nobody"),
    "TCP_ABORT_ON_DATA": _loss("data came for a connection that its process has closed", "reset-on-close"),
    "TCP_ZEROWINDOW": _loss("data came while no window was open", "app-not-reading", "receive-queue-pruned"),
    "TCP_OLD_DATA": _ordinary("data that had come before: an unneeded retransmission"),
    "TCP_OVERWINDOW": _loss("data came beyond the window", "receive-queue-pruned"),
    "TCP_OFOMERGE": _ordinary("data out of order that was there already"),
    "TCP_RFC7323_PAWS": _loss("its timestamp is older than the last one (PAWS)", "timestamps-rejected"),
    "TCP_RFC7323_PAWS_ACK": _ordinary("a late ACK whose timestamp is old (PAWS)", "timestamps-rejected"),
    "TCP_RFC7323_TW_PAWS": _loss("its timestamp is older than that of a TIME_WAIT socket", "timestamps-rejected"),
    "TCP_RFC7323_TSECR": _loss("it echoes a timestamp that was never sent", "timestamps-rejected"),
    "TCP_LISTEN_OVERFLOW": _loss(
        "the last ACK of a handshake met a full accept queue", "accept-queue-ack", "accept-queue-full"
    ),
    "TCP_OLD_SEQUENCE": _ordinary("its sequence numbers lie before the window"),
    "TCP_INVALID_SEQUENCE": _loss("its sequence numbers are not valid here"),
    "TCP_INVALID_END_SEQUENCE": _loss("its end lies beyond the window"),
    "TCP_INVALID_ACK_SEQUENCE": _loss("it acknowledges what was not sent"),
    "TCP_RESET": _ordinary("a reset, which did its work", "resets-received"),
    "TCP_INVALID_SYN": _loss("a SYN within an established connection"),
    "TCP_CLOSE": _ordinary("its socket is closed"),
    "TCP_FASTOPEN": _ordinary("dropped in the course of TCP Fast Open"),
    "TCP_OLD_ACK": _ordinary("an old ACK"),
    "TCP_TOO_OLD_ACK": _loss("an ACK far too old: an attack, or another connection's"),
    "TCP_ACK_UNSENT_DATA": _loss("it acknowledges data that was never sent"),
    "TCP_OFO_QUEUE_PRUNE": _loss("the queue of data out of order was thrown away for want of buffer", *_PRUNED),
    "TCP_OFO_DROP": _loss("no room in the queue of data out of order", *_PRUNED),
    "IP_OUTNOROUTES": _loss("no route to where it should go", "no-route"),
    "BPF_CGROUP_EGRESS": _loss("a BPF program of a control group refuses to send it"),
    "IPV6DISABLED": _loss("IPv6 is switched off at this interface"),
    "NEIGH_CREATEFAIL": _loss("no entry could be made for the neighbour", "neighbour-overflow", "out-discards"),
    "NEIGH_FAILED": _loss("the neighbour does not answer (ARP, NDP)", *_NEIGHBOUR),
    "NEIGH_QUEUEFULL": _loss("too many packets wait for the neighbour's answer", *_NEIGHBOUR),
    "NEIGH_DEAD": _loss("the neighbour's entry was being removed", *_NEIGHBOUR),
    "NEIGH_HH_FILLFAIL": _loss("no link header could be made for the neighbour", *_NEIGHBOUR),
    "TC_EGRESS": _loss("a tc filter dropped it on the way out", "egress-queue-drops"),
    "SECURITY_HOOK": _loss("a security module refuses it: SELinux, AppArmor, Smack"),
    "QDISC_DROP": _loss("a queueing discipline dropped it", *_QUEUED),
    "QDISC_OVERLIMIT": _loss("a queueing discipline is full", *_QUEUED),
    "QDISC_CONGESTED": _loss("a queueing discipline drops early, against congestion", *_QUEUED),
    "CAKE_FLOOD": _loss("the queueing discipline cake drops a flood", *_QUEUED),
    "FQ_BAND_LIMIT": _loss("a priority band of the queueing discipline fq is full", *_QUEUED),
    "FQ_HORIZON_LIMIT": _loss("to be sent too far in the future for the queueing discipline fq", *_QUEUED),
    "FQ_FLOW_LIMIT": _loss("one flow has too many packets in the queueing discipline fq", *_QUEUED),
    "DUALPI2_STEP_DROP": _loss("the queueing discipline dualpi2 is above its step", *_QUEUED),
    "CPU_BACKLOG": _loss("the input queue of a CPU is full (net.core.netdev_max_backlog)", "cpu-backlog"),
    "XDP": _loss("an XDP program dropped it"),
    "TC_INGRESS": _loss("a tc filter dropped what came in"),
    "UNHANDLED_PROTO": _ordinary("nobody handles its Ethernet type"),
    "SKB_GSO_SEG": _loss("it could not be cut into segments", *_MTU),
    "SKB_UCOPY_FAULT": _loss("it could not be copied to or from a process"),
    "DEV_HDR": _loss("its link header makes no sense to the driver", "driver-drops"),
    "DEV_READY": _loss("its device is not up", "driver-drops", "link-errors"),
    "FULL_RING": _loss("a ring buffer of a driver is full (tun, veth, virtio)", "ring-overflow", "receive-drops"),
    "NOMEM": _loss("no memory for it", "tcp-memory-pressure", "driver-drops"),
    "HDR_TRUNC": _loss("its headers are cut off"),
    "TAP_FILTER": _loss("a filter of the tap device refuses it"),
    "TAP_TXFILTER": _loss("a filter of the tap device refuses to send it"),
    "INVALID_PROTO": _loss("a protocol that is not valid here"),
    "IP_INADDRERRORS": _loss("its address is not one of this host, and it does not forward", "reverse-path-filter"),
    "IP_INNOROUTES": _loss("no route for what came in", "no-route"),
    "IP_LOCAL_SOURCE": _loss("it came in with an address of this host as its source", "reverse-path-filter"),
    "IP_INVALID_SOURCE": _loss("its source is none that may be: multicast, broadcast, zero", "reverse-path-filter"),
    "IP_LOCALNET": _loss("an address of the loopback network came over a link", "reverse-path-filter"),
    "IP_INVALID_DEST": _loss("its destination is none that may be", "reverse-path-filter"),
    "PKT_TOO_BIG": _loss("too big for the next link, and not to be cut up", *_MTU),
    "DUP_FRAG": _ordinary("a fragment that was there already", "reassembly-failed"),
    "FRAG_REASM_TIMEOUT": _loss("fragments waited too long for the missing ones", "reassembly-failed"),
    "FRAG_TOO_FAR": _loss("fragments of one source too far apart (ipfrag_max_dist)", "reassembly-failed"),
    "TCP_MINTTL": _loss("its TTL is below what the socket demands (IP_MINTTL)"),
    "IPV6_BAD_EXTHDR": _loss("an IPv6 extension header is damaged"),
    "IPV6_NDISC_FRAG": _loss("neighbour discovery in fragments, which is forbidden"),
    "IPV6_NDISC_HOP_LIMIT": _loss("neighbour discovery from beyond the link"),
    "IPV6_NDISC_BAD_CODE": _loss("neighbour discovery with a wrong code"),
    "IPV6_NDISC_BAD_OPTIONS": _loss("neighbour discovery with damaged options"),
    "IPV6_NDISC_NS_OTHERHOST": _ordinary("a neighbour is asked for who lives elsewhere"),
    "QUEUE_PURGE": _ordinary("a queue was emptied as a whole, as when a socket is closed"),
    "TC_COOKIE_ERROR": _loss("tc: its cookie could not be kept"),
    "PACKET_SOCK_ERROR": _loss("a packet socket, such as tcpdump's, could not take it"),
    "TC_CHAIN_NOTFOUND": _loss("tc: the chain it should go to is not there"),
    "TC_RECLASSIFY_LOOP": _loss("tc: classified again and again"),
    "VXLAN_INVALID_HDR": _loss("VXLAN: its header is damaged"),
    "VXLAN_VNI_NOT_FOUND": _loss("VXLAN: no such network (VNI) here"),
    "MAC_INVALID_SOURCE": _loss("its source MAC address is not valid"),
    "VXLAN_ENTRY_EXISTS": _ordinary("VXLAN: an entry that may not move"),
    "NO_TX_TARGET": _loss("nowhere to send it to: bridge, VXLAN, team without a port"),
    "IP_TUNNEL_ECN": _loss("a tunnel: its congestion marks contradict each other"),
    "TUNNEL_TXINFO": _loss("a tunnel: it lacks what is needed to send it"),
    "LOCAL_MAC": _ordinary("its source MAC address is our own"),
    "ARP_PVLAN_DISABLE": _ordinary("an ARP request that would go back where it came from"),
    "MAC_IEEE_MAC_CONTROL": _ordinary("a frame for the link itself, such as pause or LACP"),
    "BRIDGE_INGRESS_STP_STATE": _loss("a bridge port that does not forward yet, or any more (STP)"),
    "CAN_RX_INVALID_FRAME": _loss("CAN: a damaged frame"),
    "CANFD_RX_INVALID_FRAME": _loss("CAN FD: a damaged frame"),
    "CANXL_RX_INVALID_FRAME": _loss("CAN XL: a damaged frame"),
    "PFMEMALLOC": _loss("memory is so short that only what frees memory may pass", "tcp-memory-pressure"),
    "PSP_INPUT": _loss("PSP encryption is demanded, or does not fit"),
    "PSP_OUTPUT": _loss("PSP encryption is demanded, or does not fit"),
    "RECURSION_LIMIT": _loss("it would go round in circles between stacked devices"),
}

# Causes whose packets are always freed for one of these: where one is traced and none of them shows, it weighs less.
# Not among them: what a full accept queue refuses (consumed without a trace), what rings and providers drop.
ALWAYS_TRACED: Mapping[str, tuple[str, ...]] = {
    "udp-receive-buffer": ("SOCKET_RCVBUFF", "PROTO_MEM", "SOCKET_BACKLOG", "NOT_SPECIFIED"),
    "firewall-drop": ("NETFILTER_DROP", "TC_INGRESS", "XDP", "NOT_SPECIFIED"),
    "reverse-path-filter": ("IP_RPFILTER", "NOT_SPECIFIED"),
    "cpu-backlog": ("CPU_BACKLOG", "NOT_SPECIFIED"),
    "egress-queue-drops": ("QDISC_DROP", "QDISC_OVERLIMIT", "QDISC_CONGESTED", "CAKE_FLOOD", "FQ_BAND_LIMIT",
                           "FQ_HORIZON_LIMIT", "FQ_FLOW_LIMIT", "DUALPI2_STEP_DROP", "TC_EGRESS", "NOT_SPECIFIED"),
    "reassembly-failed": ("FRAG_REASM_TIMEOUT", "FRAG_TOO_FAR", "DUP_FRAG", "NOT_SPECIFIED"),
    "checksum-errors": ("TCP_CSUM", "UDP_CSUM", "ICMP_CSUM", "IP_CSUM", "SKB_CSUM", "NOT_SPECIFIED"),
}  # fmt: skip


def reason_of(name: str) -> Reason:
    """What a reason means; of one that is not known here nothing but its name can be told."""
    return REASONS.get(name) or Reason(
        "the kernel gives no reasons; the place tells more" if not name else "a reason this netaudit does not know",
        is_loss=bool(name) and not name.startswith("MAC80211_MONITOR"),
    )
