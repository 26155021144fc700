"""Which settings exist where: by kernel version, module, and network namespace. Data, and nothing that reads it.

Versions are those of the mainline kernel; distributions add settings to older ones, so they explain an absence and
never foretell one. Sources: tcp(7), ip(7), ipv6(7); the kernel's Documentation/networking/ip-sysctl.rst,
nf_conntrack-sysctl.rst and Documentation/admin-guide/sysctl/net.rst; the commits that added or removed a setting.
"""

from __future__ import annotations

from collections.abc import Mapping

Version = tuple[int, int]

# First version that has the setting. A star stands for anything, here and below.
SINCE: Mapping[str, Version] = {
    "net.core.busy_poll": (3, 11),
    "net.core.busy_read": (3, 11),
    "net.core.default_qdisc": (3, 12),
    "net.core.flow_limit_*": (3, 11),
    "net.core.gro_normal_batch": (5, 4),
    "net.core.netdev_budget_usecs": (4, 12),
    "net.core.rps_sock_flow_entries": (2, 6),
    "net.ipv4.fib_multipath_hash_policy": (4, 12),
    "net.ipv4.icmp_msgs_burst": (3, 18),
    "net.ipv4.icmp_msgs_per_sec": (3, 18),
    "net.ipv4.ip_autobind_reuse": (5, 7),
    "net.ipv4.ip_unprivileged_port_start": (4, 11),
    "net.ipv4.tcp_autocorking": (3, 14),
    "net.ipv4.tcp_backlog_ack_defer": (6, 7),
    "net.ipv4.tcp_child_ehash_entries": (6, 1),
    "net.ipv4.tcp_comp_sack_*": (4, 18),
    "net.ipv4.tcp_early_demux": (4, 12),
    "net.ipv4.tcp_ecn_fallback": (4, 1),
    "net.ipv4.tcp_fastopen": (3, 7),
    "net.ipv4.tcp_invalid_ratelimit": (4, 0),
    "net.ipv4.tcp_max_reordering": (3, 18),
    "net.ipv4.tcp_migrate_req": (5, 14),
    "net.ipv4.tcp_min_rtt_wlen": (4, 4),
    "net.ipv4.tcp_min_snd_mss": (5, 2),
    "net.ipv4.tcp_mtu_probe_floor": (5, 4),
    "net.ipv4.tcp_notsent_lowat": (3, 12),
    "net.ipv4.tcp_pacing_*": (4, 3),
    "net.ipv4.tcp_plb_*": (6, 2),
    "net.ipv4.tcp_probe_*": (4, 1),
    "net.ipv4.tcp_recovery": (4, 4),
    "net.ipv4.tcp_reflect_tos": (5, 10),
    "net.ipv4.tcp_rto_max_ms": (6, 15),
    "net.ipv4.tcp_rto_min_us": (6, 11),
    "net.ipv4.tcp_shrink_window": (6, 5),
    "net.ipv4.tcp_syn_linear_timeouts": (6, 5),
    "net.ipv4.tcp_tw_reuse_delay": (6, 14),
    "net.ipv4.udp_child_hash_entries": (6, 2),
    "net.ipv4.udp_early_demux": (4, 12),
    "net.ipv6.auto_flowlabels": (3, 17),
    "net.mptcp.*": (5, 6),
    "net.netfilter.nf_conntrack_tcp_ignore_invalid_rst": (5, 14),
}

# First version that no longer has the setting.
REMOVED_IN: Mapping[str, Version] = {
    "net.ipv4.ip_conntrack_max": (4, 9),
    "net.ipv4.netfilter.*": (4, 9),
    "net.ipv4.tcp_abc": (3, 9),
    "net.ipv4.tcp_cookie_size": (3, 10),
    "net.ipv4.tcp_frto_response": (3, 10),
    "net.ipv4.tcp_max_ssthresh": (3, 9),
    "net.ipv4.tcp_thin_dupack": (4, 11),
    "net.ipv4.tcp_tw_recycle": (4, 12),
    "net.netfilter.nf_conntrack_helper": (6, 0),
}

# Module without which there are no such settings. nf_conntrack and br_netfilter also name their own older places.
MODULES: Mapping[str, str] = {
    "net.bridge.*": "br_netfilter",
    "net.dccp.*": "dccp",
    "net.ipv4.vs.*": "ip_vs",
    "net.mpls.*": "mpls_router",
    "net.netfilter.nf_conntrack_*": "nf_conntrack",
    "net.netfilter.nf_flowtable_*": "nf_flow_table",
    "net.nf_conntrack_max": "nf_conntrack",
    "net.rds.*": "rds",
    "net.sctp.*": "sctp",
    "net.smc.*": "smc",
}

# Seen in the kernel's first network namespace only; measured on 6.18 against a fresh namespace.
HOST_WIDE: frozenset[str] = frozenset({
    "net.core.bpf_*", "net.core.busy_poll", "net.core.busy_read", "net.core.default_qdisc", "net.core.dev_weight*",
    "net.core.devconf_inherit_init_net", "net.core.fb_tunnels_only_for_init_net", "net.core.flow_limit_*",
    "net.core.gro_normal_batch", "net.core.high_order_alloc_disable", "net.core.max_skb_frags",
    "net.core.mem_pcpu_rsv", "net.core.message_*", "net.core.netdev_*", "net.core.rps_sock_flow_entries",
    "net.core.skb_defer_max", "net.core.warnings", "net.ipv4.cipso_*", "net.ipv4.fib_sync_mem",
    "net.ipv4.inet_peer_*", "net.ipv4.ipfrag_secret_interval", "net.ipv4.neigh.default.*", "net.ipv4.route.*",
    "net.ipv4.tcp_available_ulp", "net.ipv4.tcp_low_latency", "net.ipv4.tcp_max_orphans", "net.ipv4.tcp_mem",
    "net.ipv4.udp_mem", "net.ipv6.calipso_*", "net.ipv6.ip6frag_secret_interval", "net.ipv6.mld_*",
    "net.ipv6.neigh.default.*", "net.netfilter.nf_log_all_netns", "net.nf_conntrack_max",
})  # fmt: skip

# Read by nobody: what they hold would let another machine forge connections or guess addresses.
SECRETS: frozenset[str] = frozenset({
    "net.core.netdev_rss_key", "net.ipv4.tcp_fastopen_key", "net.ipv6.conf.*.stable_secret",
})  # fmt: skip
