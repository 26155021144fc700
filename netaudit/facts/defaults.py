"""What a setting is when the kernel starts and no file sets it, as far as that can be told from outside.

Only settings whose first value follows from the version and the memory of a host are here; distributions change
others in their builds (rmem_max, default_qdisc), systemd raises others (fs.nr_open), and of those nothing is said.
Sources: the kernel's Documentation/networking/ip-sysctl.rst, nf_conntrack-sysctl.rst and
Documentation/admin-guide/sysctl/net.rst; net/ipv4/tcp.c (tcp_init); net/core/neighbour.c; include/net/tcp.h.
"""

from __future__ import annotations

from collections.abc import Mapping

from netaudit.model.facts import Facts
from netaudit.model.reading import Absent

_MIB = 1024 * 1024
_CONSTANT: Mapping[str, str] = {
    "net.core.netdev_budget": "300",
    "net.core.netdev_max_backlog": "1000",
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.ip_forward": "0",
    "net.ipv4.ip_local_reserved_ports": "",
    "net.ipv4.neigh.default.gc_thresh1": "128",
    "net.ipv4.neigh.default.gc_thresh2": "512",
    "net.ipv4.neigh.default.gc_thresh3": "1024",
    "net.ipv4.tcp_abort_on_overflow": "0",
    "net.ipv4.tcp_dsack": "1",
    "net.ipv4.tcp_fin_timeout": "60",
    "net.ipv4.tcp_keepalive_intvl": "75",
    "net.ipv4.tcp_keepalive_probes": "9",
    "net.ipv4.tcp_keepalive_time": "7200",
    "net.ipv4.tcp_moderate_rcvbuf": "1",
    "net.ipv4.tcp_mtu_probing": "0",
    "net.ipv4.tcp_no_metrics_save": "0",
    "net.ipv4.tcp_retries2": "15",
    "net.ipv4.tcp_sack": "1",
    "net.ipv4.tcp_slow_start_after_idle": "1",
    "net.ipv4.tcp_syn_retries": "6",
    "net.ipv4.tcp_synack_retries": "5",
    "net.ipv4.tcp_syncookies": "1",
    "net.ipv4.tcp_timestamps": "1",
    "net.ipv4.tcp_window_scaling": "1",
    "net.ipv6.conf.all.forwarding": "0",
    "net.ipv6.neigh.default.gc_thresh1": "128",
    "net.ipv6.neigh.default.gc_thresh2": "512",
    "net.ipv6.neigh.default.gc_thresh3": "1024",
    "net.netfilter.nf_conntrack_tcp_be_liberal": "0",
    "net.netfilter.nf_conntrack_tcp_loose": "1",
    "net.netfilter.nf_conntrack_tcp_timeout_close": "10",
    "net.netfilter.nf_conntrack_tcp_timeout_close_wait": "60",
    "net.netfilter.nf_conntrack_tcp_timeout_established": "432000",
    "net.netfilter.nf_conntrack_tcp_timeout_fin_wait": "120",
    "net.netfilter.nf_conntrack_tcp_timeout_syn_sent": "120",
    "net.netfilter.nf_conntrack_tcp_timeout_time_wait": "120",
    "net.netfilter.nf_conntrack_udp_timeout": "30",
}


def grounds_of(facts: Facts) -> tuple[object, ...]:
    """What the defaults of a host follow from: hosts with the same grounds have the same of every setting."""
    kernel = facts.kernel
    if isinstance(kernel, Absent):
        return ()
    buffers = [_buffers(name, kernel.version, facts) for name in ("net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem")]
    return (kernel.version, *buffers)


def default_of(name: str, facts: Facts) -> str | None:
    """The first value of a setting, as the kernel prints it; None where it cannot be told."""
    found = _CONSTANT.get(name)
    if found is not None:
        return found
    version = () if isinstance(facts.kernel, Absent) else facts.kernel.version
    if not version:
        return None
    match name:
        case "net.core.somaxconn":
            return "4096" if version >= (5, 4) else "128"
        case "net.ipv4.ip_local_port_range":
            return "32768 60999" if version >= (4, 2) else "32768 61000"
        case "net.ipv4.tcp_tw_reuse":
            return "2" if version >= (4, 19) else "0"
        case "net.ipv4.tcp_rmem" | "net.ipv4.tcp_wmem":
            return _buffers(name, version, facts)
        case _:
            return None


def _buffers(name: str, version: tuple[int, ...], facts: Facts) -> str | None:
    """tcp_rmem or tcp_wmem as tcp_init() sizes them; another network namespace takes those of the initial one."""
    kernel, memory = facts.kernel, facts.memory
    if isinstance(kernel, Absent) or isinstance(memory, Absent) or kernel.is_initial_namespace is False:
        return None
    limit = memory.total_bytes // 128
    if name == "net.ipv4.tcp_wmem":
        return f"4096 16384 {max(65536, min(4 * _MIB, limit))}"
    first = 131072 if version >= (4, 20) else 87380
    return f"4096 {first} {max(first, min((32 if version >= (6, 16) else 6) * _MIB, limit))}"
