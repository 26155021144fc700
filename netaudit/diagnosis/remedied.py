"""Which of the checks behind a cause `netaudit plan` has a remediation for. Knows their names, and not what they do.

A test holds this against the remediations that are shipped.
"""

from __future__ import annotations

from netaudit.model.diagnosis import Cause

REMEDIED = frozenset({
    "app.fd.emfile_accept_stall", "ct.buckets_ratio", "ct.headroom", "ct.max", "ct.timeout.established",
    "host.file_max.headroom", "ip.neigh.thresholds", "ip.rp_filter", "nic.netdev_max_backlog", "nic.offloads",
    "nic.queues", "nic.ring.rx_size", "nic.rps", "path.mtu.consistency", "path.mtu.segment", "sock.rmem_wmem_max",
    "tcp.accept_queue.abort_on_overflow", "tcp.accept_queue.backlog_effective", "tcp.accept_queue.somaxconn",
    "tcp.mem.limits", "tcp.mtu_probing", "tcp.port.range_size", "tcp.rmem.max", "tcp.rmem.triplet_sane",
    "tcp.syn_queue.max_syn_backlog", "tcp.syn_queue.syncookies", "tcp.tw.max_buckets", "tcp.tw.reuse",
})  # fmt: skip


def planned(cause: Cause) -> tuple[str, ...]:
    """The checks whose remediations help against a cause; none where nothing but the fix in words does."""
    return tuple(check for check in cause.checks if check in REMEDIED) if cause.remediation is not None else ()
