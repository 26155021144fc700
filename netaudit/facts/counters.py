"""Protocol counters: the domains ``netstat``, ``snmp``, ``snmp6`` and ``sockstat``.

Names are written ``Protocol.Field``, as nstat(8) groups them: ``TcpExt.ListenOverflows``, ``Tcp.ActiveOpens``,
``Ip6.InReceives``, ``TCP.inuse``. A name that the kernel does not print is not there; it is never zero.
"""

from __future__ import annotations

from functools import lru_cache

from netaudit.facts.numbers import MAX_DIGITS, counter, integer
from netaudit.facts.parts import split_parts
from netaudit.model.probe import Section
from netaudit.model.reading import Absent, AbsentReason, Maybe

_IPV6_PROTOCOLS = ("Ip6", "Icmp6", "Udp6", "UdpLite6")


def parse_netstat(section: Section) -> Maybe[dict[str, int]]:
    """The counters of /proc/net/netstat."""
    return _in_two_lines(section, "netstat")


def parse_snmp(section: Section) -> Maybe[dict[str, int]]:
    """The counters of /proc/net/snmp (RFC 1213 and its successors)."""
    return _in_two_lines(section, "snmp")


def parse_snmp6(section: Section) -> Maybe[dict[str, int]]:
    """The counters of /proc/net/snmp6, with a dot after the protocol as in the IPv4 files."""
    lines = _lines(section, "snmp6")
    if isinstance(lines, Absent):
        return lines
    words = " ".join(lines).split()
    names, values = _dotted(" ".join(words[0::2])), _numbers(" ".join(words[1::2]))
    return {name: value for name, value in zip(names, values, strict=True) if name}


@lru_cache(maxsize=64)
def _dotted(names: str) -> tuple[str, ...]:
    """Names with a dot after their protocol, empty where it is none of ours. Hosts with one kernel have the same."""
    found = []
    for name in names.split():
        protocol = next((word for word in _IPV6_PROTOCOLS if name.startswith(word)), "")
        found.append(f"{protocol}.{name[len(protocol) :]}" if protocol else "")
    return tuple(found)


def parse_sockstat(section: Section) -> Maybe[dict[str, int]]:
    """The numbers of /proc/net/sockstat and sockstat6: ``TCP.inuse``, ``TCP.mem`` (pages), ``sockets.used``."""
    found: dict[str, int] = {}
    lines = _lines(section, "sockstat")
    if isinstance(lines, Absent):
        return lines
    more = _lines(section, "sockstat6")
    for line in lines if isinstance(more, Absent) else [*lines, *more]:
        found.update(_in_one_line(line))
    return found


@lru_cache(maxsize=256)
def _in_one_line(line: str) -> tuple[tuple[str, int], ...]:
    """The numbers of a line ``Protocol: name value name value``. Most lines of most hosts are zeros."""
    protocol, _, rest = line.partition(":")
    words = rest.split()
    return tuple((f"{protocol}.{name}", integer(value)) for name, value in zip(words[0::2], words[1::2], strict=True))


def _lines(section: Section, file: str) -> Maybe[list[str]]:
    """The lines of one file, or the reason why the probe has none."""
    parts = split_parts(section)
    _, *found = ("\n" + parts.texts.get("", "")).split(f"\n{file}:")
    if found:
        return [piece.partition("\n")[0] for piece in found]
    return parts.missing.get(file, Absent(AbsentReason.NOT_PRESENT, f"/proc/net/{file}"))


def _in_two_lines(section: Section, file: str) -> Maybe[dict[str, int]]:
    """Counters of a file that prints a line of names and a line of values for each protocol."""
    lines = _lines(section, file)
    if isinstance(lines, Absent):
        return lines
    found: dict[str, int] = {}
    for names, values in zip(lines[0::2], lines[1::2], strict=True):
        protocol, _, numbers = values.partition(":")
        if not names.startswith(protocol + ":"):
            raise ValueError(f"values of {protocol} follow names of {names.partition(':')[0]}")
        found.update(zip(_heads(names), _numbers(numbers), strict=True))
    return found


@lru_cache(maxsize=256)
def _heads(line: str) -> tuple[str, ...]:
    """The names of a line ``Protocol: Field Field``. Hosts with one kernel have the same."""
    protocol, _, heads = line.partition(":")
    return tuple(f"{protocol}.{head}" for head in heads.split())


def _numbers(text: str) -> list[int]:
    """Values in a row. Looked at as a whole first; a sign occurs in one field of one protocol (Tcp.MaxConn)."""
    words = text.split()
    digits = "".join(words).replace("-", "")
    if digits.isdigit() and digits.isascii() and max(map(len, words)) <= MAX_DIGITS + 1:
        try:
            return list(map(int, words))
        except ValueError:
            pass  # a sign in the midst of a word: below is said in which
    return [integer(word) if word.startswith("-") else counter(word) for word in words]
