"""What two moments are compared by besides counters: single connections, and rules that drop."""

from __future__ import annotations

from dataclasses import dataclass

from netaudit.model.reading import Maybe


@dataclass(frozen=True, slots=True)
class Connection:
    """One TCP connection as ss(8) shows it. What ss does not print of a state is 0 or empty."""

    state: str  # "ESTAB", "CLOSE-WAIT", …
    receive_queue_bytes: int
    send_queue_bytes: int
    local: str  # address:port
    peer: str
    inode: int  # 0 when no file belongs to it any more
    timer: str  # "on" (retransmission), "persist" (the peer's window is closed), "keepalive", …
    backoff: int
    sent_bytes: int
    acked_bytes: int
    received_bytes: int
    retransmitted: int  # segments, since it was opened
    unacked: int  # segments
    mss_bytes: int
    path_mtu_bytes: int
    window_limited_ms: int  # time during which the peer's window held the sender back
    pid: int
    process: str

    @property
    def peer_address(self) -> str:
        """The peer without its port."""
        return self.peer.rpartition(":")[0]

    @property
    def holder(self) -> str:
        """Process and pid as one writes them, or empty."""
        return f"{self.process} (pid {self.pid})" if self.pid else self.process


@dataclass(frozen=True, slots=True)
class FlowGroup:
    """The connections of one process with one peer at one service, summed on the host."""

    process: str
    peer_address: str
    port: int  # the lower of the two ports: that of the service
    connections: int
    sent_bytes: int
    received_bytes: int
    retransmitted: int


@dataclass(frozen=True, slots=True)
class Talkers:
    """TCP connections of this moment. ``groups`` are told where there are too many to tell each."""

    connections: tuple[Connection, ...]
    groups: tuple[FlowGroup, ...]
    truncated: bool  # connections besides these were counted in groups, or not at all
    owners: Maybe[bool]  # whether the processes could be seen


@dataclass(frozen=True, slots=True)
class DropRule:
    """One rule, or the policy of a chain, that drops or rejects; ``packets`` is absent where it has no counter."""

    source: str  # "nft", "legacy4", …
    chain: str  # "inet filter input"
    hook: str  # of the chain: "input", … or empty, for one that others jump to
    text: str  # as its tool prints it, without the counter
    packets: Maybe[int]

    @property
    def is_reject(self) -> bool:
        """Whether the sender is told."""
        return "reject" in self.text or "REJECT" in self.text
