"""Headers of TCP packets that were captured on a host, and what they say together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TcpHeader:
    """One packet that opens, ends or resets a connection; nothing of what it carried."""

    at_s: float  # since 1970, by the host's clock
    source: str
    source_port: int
    destination: str
    destination_port: int
    flags: str  # "SYN", "SYN-ACK", "FIN", "RST", "RST-ACK"
    is_outgoing: bool

    @property
    def flow(self) -> tuple[str, int, str, int]:
        """From whom to whom."""
        return self.source, self.source_port, self.destination, self.destination_port

    @property
    def reverse(self) -> tuple[str, int, str, int]:
        """The other way."""
        return self.destination, self.destination_port, self.source, self.source_port


@dataclass(frozen=True, slots=True)
class HostHeaders:
    """What was captured on one host. ``absent`` says why nothing was."""

    absent: str = ""
    headers: tuple[TcpHeader, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()  # by flags
    findings: tuple[str, ...] = ()  # SYNs that were repeated, refused, never answered
