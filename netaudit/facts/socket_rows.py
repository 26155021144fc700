"""Rows of ss(8) and of /proc/net/tcp and udp, as one kind of record. Knows formats, and no question asked of them.

A line that is no row is passed over: a process may put a line feed into its name, and ss prints it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from netaudit.facts.parts import Parts
from netaudit.model.reading import Absent, AbsentReason, Maybe

STATES = {
    "01": "ESTAB", "02": "SYN-SENT", "03": "SYN-RECV", "04": "FIN-WAIT-1", "05": "FIN-WAIT-2", "06": "TIME-WAIT",
    "07": "UNCONN", "08": "CLOSE-WAIT", "09": "LAST-ACK", "0A": "LISTEN", "0B": "CLOSING", "0C": "SYN-RECV",
}  # fmt: skip
_OWNER = re.compile(r'\("([^"]*)",(?:pid=)?([0-9]{1,10}),')
_PROTOCOLS = frozenset({"tcp", "udp"})
_INDENTED = frozenset({"\t", " "})
_UNIT_KINDS = (".service", ".socket", ".scope")
_HIDDEN = Absent(AbsentReason.NOT_PERMITTED, "only root sees the processes of others")


@dataclass(slots=True)
class SocketRow:
    """One socket. ``details`` is what ss prints behind the addresses and on the line below."""

    protocol: str
    state: str
    received: int  # Recv-Q
    sent: int  # Send-Q; of a listener of ss the backlog
    local: str  # "address:port" as printed
    peer: str
    details: str = ""
    inode: int = 0
    drops: int = 0

    @property
    def port(self) -> str:
        """The local port as printed; ``*`` where there is none."""
        return self.local.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that holds a socket; empty and 0 when none could be seen."""

    process: Maybe[str]
    pid: Maybe[int]
    pids: Maybe[tuple[int, ...]]


@lru_cache(maxsize=2)
def read_ss(text: str) -> tuple[SocketRow, ...]:
    """The rows of ``ss -tu…``, heading or none; kept for a host, because two domains are made of them."""
    rows: list[SocketRow] = []
    is_udp = False
    for line in text.split("\n"):
        if line[:1] in _INDENTED:
            if is_udp and "skmem:(" in line[:12]:  # of the line below, only the memory of UDP sockets is asked for
                rows[-1].details += line
            continue
        is_udp = False
        words = line.split(None, 6)
        if len(words) < 6 or words[0] not in _PROTOCOLS:
            continue
        if len(words) == 6:
            words.append("")
        protocol, state, received, sent, local, peer, details = words
        if received == "0" == sent:  # as of most sockets, and seen sooner than read
            rows.append(SocketRow(protocol, state, 0, 0, local, peer, details))
        elif is_number(received + sent):
            rows.append(SocketRow(protocol, state, int(received[:19]), int(sent[:19]), local, peer, details))
        else:
            continue
        is_udp = protocol == "udp"
    return tuple(rows)


def read_proc(text: str) -> Sequence[SocketRow]:
    """The rows of /proc/net/tcp and its kin (proc_net_tcp.rst), each behind the name of its table."""
    rows: list[SocketRow] = []
    for line in text.split("\n"):
        words = line.split()
        if len(words) < 11 or words[4] not in STATES:
            continue
        sent, _, received = words[5].partition(":")
        row = SocketRow(
            protocol=words[0].rstrip("6"),
            state=STATES[words[4]],
            received=int(received[:8], 16),
            sent=int(sent[:8], 16),
            local=plain_address(words[2]),
            peer=plain_address(words[3]),
            inode=int(words[10][:19]),
        )
        if row.protocol == "udp" and is_number(words[-1]):
            row.drops = int(words[-1][:19])
        rows.append(row)
    return rows


def plain_address(text: str) -> str:
    """``0100007F:1F90`` as ``127.0.0.1:8080``: 32-bit words as a little-endian kernel prints them."""
    address, _, port = text.partition(":")
    return f"{plain_host(address)}:{int(port[:4] or '0', 16)}"


def plain_host(text: str) -> str:
    """``0100007F`` as ``127.0.0.1``, thirty-two digits as an IPv6 address in brackets."""
    raw = bytes.fromhex(text)
    swapped = b"".join(raw[place : place + 4][::-1] for place in range(0, len(raw), 4))
    if len(swapped) == 4:
        return ".".join(map(str, swapped))
    return f"[{ipaddress.IPv6Address(swapped)}]"


def is_number(text: str) -> bool:
    """Whether a text is made of ASCII digits alone."""
    return text.isascii() and text.isdigit()


@lru_cache(maxsize=1024)  # hosts of one role listen at the same ends
def split_local(local: str) -> tuple[str, str, int]:
    """Address without brackets, device, and port of ``[fe80::1]%eth0:546``. Port ``*`` is 0."""
    host, _, port = local.rpartition(":")
    address, device = split_host(host)
    return address, device, int(port[:5]) if is_number(port) else 0


def split_host(host: str) -> tuple[str, str]:
    """Address without brackets, and device, of ``[fe80::1]%eth0``."""
    address, _, device = host.partition("%")
    return address.strip("[]") if address[:1] == "[" else address, device


def owner_of(row: SocketRow, parts: Parts) -> Owner:
    """Who holds a socket, by ss."""
    start = row.details.find("users:(")
    if start >= 0:
        found = _OWNER.findall(row.details, start)
        if len(found) == 1:
            pid = int(found[0][1])
            return Owner(found[0][0], pid, (pid,))
        if found:
            names = {int(pid): process for process, pid in found}
            oldest = min(names)
            return Owner(names[oldest], oldest, tuple(sorted(names)))
    return hidden_owner(parts)


def hidden_owner(parts: Parts) -> Owner:
    """No process, or the reason why none could be seen."""
    missing = parts.missing.get("owners")
    if missing is None:
        return Owner("", 0, ())
    reason = _HIDDEN if missing.reason is AbsentReason.NOT_PERMITTED else missing
    return Owner(reason, reason, reason)


def owners_by_inode(parts: Parts) -> dict[int, Owner]:
    """What ``owners`` says, lines ``inode pid name``: for hosts without ss."""
    found: dict[int, Owner] = {}
    for line in parts.texts.get("owners", "").split("\n"):
        words = line.split(" ", 2)
        if len(words) == 3 and is_number(words[0]) and is_number(words[1]):
            pid = int(words[1][:10])
            found[int(words[0][:19])] = Owner(words[2], pid, (pid,))
    return found


def detail(row: SocketRow, key: str) -> str:
    """The word behind ``key`` in the details of ss, such as ``ino:`` or ``cgroup:``; empty if it is not there."""
    start = row.details.find(key)
    if start < 0:
        return ""
    words = row.details[start + len(key) :].split(None, 1)
    return words[0] if words else ""


def inode_of(row: SocketRow) -> int:
    """The inode that ss gives, or 0."""
    text = detail(row, "ino:")
    return int(text[:19]) if is_number(text) else 0


def unit_of(row: SocketRow) -> str:
    """The systemd unit in the control group of a socket: the last part of the path that names one."""
    return _unit(detail(row, "cgroup:"))


@lru_cache(maxsize=1024)
def _unit(cgroup: str) -> str:
    for part in reversed(cgroup.split("/")):
        if part.endswith(_UNIT_KINDS):
            return part
    return ""


def memory_of(row: SocketRow) -> Mapping[str, int]:
    """The numbers of ``skmem:(r0,rb212992,…,d0)`` by their letters: sock_diag(7)."""
    _, found, rest = row.details.partition("skmem:(")
    return _memory(rest.partition(")")[0]) if found else {}


@lru_cache(maxsize=128)  # most UDP sockets are idle, and have the sizes of their kernel
def _memory(items: str) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for item in items.split(","):
        letters = item.rstrip("0123456789")
        digits = item[len(letters) :]
        if digits:
            found[letters] = int(digits[:19])
    return found
