"""Protocol counters: the domains ``netstat``, ``snmp``, ``snmp6`` and ``sockstat``.

Names are written ``Protocol.Field``, as nstat(8) groups them: ``TcpExt.ListenOverflows``, ``Tcp.ActiveOpens``,
``Ip6.InReceives``, ``TCP.inuse``. A name that the kernel does not print is not there; it is never zero.
"""

from __future__ import annotations

from netaudit.facts.numbers import counter, integer
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
    found: dict[str, int] = {}
    for line in lines:
        name, value = line.split()
        protocol = next((word for word in _IPV6_PROTOCOLS if name.startswith(word)), "")
        if protocol:
            found[f"{protocol}.{name[len(protocol) :]}"] = counter(value)
    return found


def parse_sockstat(section: Section) -> Maybe[dict[str, int]]:
    """The numbers of /proc/net/sockstat and sockstat6: ``TCP.inuse``, ``TCP.mem`` (pages), ``sockets.used``."""
    found: dict[str, int] = {}
    lines = _lines(section, "sockstat")
    if isinstance(lines, Absent):
        return lines
    more = _lines(section, "sockstat6")
    for line in lines if isinstance(more, Absent) else [*lines, *more]:
        protocol, _, rest = line.partition(":")
        words = rest.split()
        for name, value in zip(words[0::2], words[1::2], strict=True):
            found[f"{protocol}.{name}"] = integer(value)
    return found


def _lines(section: Section, file: str) -> Maybe[list[str]]:
    """The lines of one file, or the reason why the probe has none."""
    prefix = file + ":"
    parts = split_parts(section)
    lines = [line[len(prefix) :] for line in parts.texts.get("", "").split("\n") if line.startswith(prefix)]
    return lines or parts.missing.get(file, Absent(AbsentReason.NOT_PRESENT, f"/proc/net/{file}"))


def _in_two_lines(section: Section, file: str) -> Maybe[dict[str, int]]:
    """Counters of a file that prints a line of names and a line of values for each protocol."""
    lines = _lines(section, file)
    if isinstance(lines, Absent):
        return lines
    found: dict[str, int] = {}
    for names, values in zip(lines[0::2], lines[1::2], strict=True):
        protocol, _, heads = names.partition(":")
        same, _, numbers = values.partition(":")
        if protocol != same:
            raise ValueError(f"values of {same} follow names of {protocol}")
        prefix = protocol + "."
        found.update(zip([prefix + head for head in heads.split()], _numbers(numbers), strict=True))
    return found


def _numbers(text: str) -> list[int]:
    """Values in a row. Checked as a whole first: a sign occurs in one field of one protocol (Tcp.MaxConn)."""
    words = text.split()
    if "".join(words).isdigit() and text.isascii() and max(map(len, words)) <= 20:
        return list(map(int, words))
    return [integer(word) if word.startswith("-") else counter(word) for word in words]
