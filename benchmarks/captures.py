"""A made-up fleet in stored captures: one recorded host, with numbers of its own for each of the others.

What a fleet has in common stays equal (kernel, packages, most settings, sizes of machines); what differs from host to
host differs here: names, addresses, counters, uptime and boot, process ids, inodes, ephemeral ports, memory in use,
and a few settings of some hosts. So nothing that is remembered of one host can be of use for the next one here that
would not be so in a real fleet of one role. A fleet of many roles agrees on less.

Usage: captures.py DIRECTORY HOSTS
"""

from __future__ import annotations

import random
import re
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from netaudit.model.probe import Capture, Section, SectionStatus
from netaudit.model.result import HostReport, HostStatus, RunInfo, Summary
from netaudit.model.target import Target
from netaudit.transport.capture_dir import CaptureDirWriter

_CASES = Path(__file__).resolve().parents[1] / "tests" / "cases"
_RECORDED = {
    "conntrack": "debian-root", "counters": "debian-root", "firewall": "nftables", "kernel_log": "quiet",
    "namespaces": "none", "nics": "debian-root", "persisted": "debian-root", "qdisc": "debian-root",
    "routes": "debian-root", "sockets": "debian-root", "softnet": "debian-root", "sysctl": "debian-root",
    "system": "debian-root", "tracing": "debian-root", "writers": "debian-root",
}  # fmt: skip
_STARTED_AT = datetime(2026, 11, 20, 15, tzinfo=UTC)
_SETTINGS = {
    b"net/core/somaxconn": (b"128", b"1024", b"4096", b"65535"),
    b"net/core/rmem_max": (b"212992", b"16777216", b"33554432"),
    b"net/ipv4/tcp_max_syn_backlog": (b"512", b"4096", b"65536"),
    b"net/ipv4/tcp_rmem": (b"4096\t131072\t6291456", b"4096\t87380\t16777216"),
    b"net/ipv4/tcp_fin_timeout": (b"60", b"60", b"30", b"5"),
    b"net/ipv4/ip_local_port_range": (b"32768\t60999", b"1024\t65535"),
}


def fleet(hosts: int) -> Iterator[Capture]:
    """The captures of so many hosts, one at a time; the same ones each time."""
    recorded = [_section(probe, case) for probe, case in _RECORDED.items()]
    for number in range(hosts):
        chance = random.Random(number)
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        own = _Own(name_of(number), address, chance)
        sections = tuple(_varied(section, own) for section in recorded)
        yield Capture(name_of(number), address, "0" * 64, _STARTED_AT, 0.4, sections)


def name_of(number: int) -> str:
    """The name of a host by its number."""
    return f"web{number + 1:05}"


def _section(probe: str, case: str) -> Section:
    text = (_CASES / probe / case / "stdout").read_bytes()
    if probe == "sockets":
        text = text.replace(b"31890", b"1019")  # one process listens and has the limits that were recorded elsewhere
    return Section(probe, SectionStatus.COMPLETE, 0, text, b"", 3)


class _Own:
    """What one host has for itself, the same in all of its sections."""

    def __init__(self, name: str, address: str, chance: random.Random) -> None:
        self.name = name.encode()
        self.address = address.encode()
        self.chance = chance
        self.uptime_s = chance.randrange(90_000, 9_000_000) + chance.random()
        self._numbers: dict[bytes, bytes] = {}

    def number(self, recorded: re.Match[bytes]) -> bytes:
        """A process id, inode or port of its own for each that was recorded, of the same length or so."""
        text = recorded[0]
        if text not in self._numbers:
            least = 10 ** (len(text) - 1)
            self._numbers[text] = b"%d" % self.chance.randrange(least, min(10 * least, least + 50_000))
        return self._numbers[text]

    def counted(self, recorded: re.Match[bytes]) -> bytes:
        """A counter: up to twice what was recorded, and zero stays zero."""
        return b"%d" % int(int(recorded[0]) * 2 * self.chance.random())

    def hexadecimal(self, recorded: re.Match[bytes]) -> bytes:
        """The same of a counter of eight hexadecimal digits."""
        return b"%08x" % int(int(recorded[0], 16) * 2 * self.chance.random())


def _varied(section: Section, own: _Own) -> Section:
    vary = _VARIED.get(section.probe_id)
    text = section.stdout if vary is None else vary(section.stdout, own)
    return Section(section.probe_id, section.status, 0, text, b"", own.chance.randrange(1, 9))


def _sysctl(text: bytes, own: _Own) -> bytes:
    for name, values in _SETTINGS.items():
        text = _set(text, name, own.chance.choice(values))
    text = _set(text, b"net/netfilter/nf_conntrack_count", b"%d" % own.chance.randrange(9000))
    return _set(text, b"fs/file-nr", b"%d\t0\t2466170" % own.chance.randrange(4000, 9000))


def _set(text: bytes, name: bytes, value: bytes) -> bytes:
    head, found, rest = text.partition(b"==> %s <==\n" % name)
    if not found:
        raise SystemExit(f"the recorded settings lack {name.decode()}")
    return head + found + value + rest[rest.index(b"\n") :]


def _system(text: bytes, own: _Own) -> bytes:
    total = own.chance.choice((16_262_784, 24_684_084, 65_842_312))
    text = re.sub(rb"(?<=MemTotal:)( +)[0-9]+", rb"\g<1>%d" % total, text)
    for name in (b"MemFree", b"MemAvailable", b"SUnreclaim"):
        text = re.sub(rb"(?<=%s:)( +)[0-9]+" % name, rb"\g<1>%d" % own.chance.randrange(total // 9, total), text)
    text = _part(text, b"/proc/sys/kernel/hostname", own.name)
    text = _part(text, b"/proc/sys/kernel/random/boot_id", str(uuid.UUID(int=own.chance.getrandbits(128))).encode())
    text = _part(text, b"/proc/uptime", b"%.2f %.2f" % (own.uptime_s, 1.7 * own.uptime_s))
    return re.sub(rb"(?<=btime )[0-9]+", b"%d" % (_STARTED_AT.timestamp() - own.uptime_s), text)


def _part(text: bytes, label: bytes, line: bytes) -> bytes:
    head, _, rest = text.partition(b"#@ %s\n" % label)
    return head + b"#@ %s\n" % label + line + rest[rest.index(b"\n") :]


def _nics(text: bytes, own: _Own) -> bytes:
    text = _addressed(text, own)
    text = re.sub(rb"(?<=link/ether )[0-9a-f:]{17}", b"02:" + own.chance.randbytes(5).hex(":").encode(), text)
    return re.sub(rb"(?<=  )[0-9]{2,15}(?=  )|(?<=_kicks: )[0-9]+", own.counted, text)


def _routes(text: bytes, own: _Own) -> bytes:
    return _HEXADECIMAL.sub(own.hexadecimal, _addressed(text, own))


def _addressed(text: bytes, own: _Own) -> bytes:
    return text.replace(b"192.0.2.2/24", own.address + b"/8").replace(b"192.0.2.2 ", own.address + b" ")


def _softnet(text: bytes, own: _Own) -> bytes:
    text = _HEXADECIMAL.sub(own.hexadecimal, text)
    return re.sub(rb"(?<= )[0-9]{2,9}(?= )|(?<=    )[0-9]{3,9}$", own.counted, text)


def _sockets(text: bytes, own: _Own) -> bytes:
    text = re.sub(rb"\b(1019|31890|31891)\b|(?<=ino:)[0-9]{4,9}|(?<=:)(36|51)[0-9]{3}\b", own.number, text)
    text = re.sub(rb"(?<=,d)[0-9]{2,9}", own.counted, text)
    text = re.sub(rb"(?<= sk:)[0-9a-f]{4}", lambda _: b"%04x" % own.chance.getrandbits(16), text)
    text = _part(text, b"/proc/uptime", b"%.2f %.2f" % (own.uptime_s + 1, 1.7 * own.uptime_s))
    text = re.sub(rb"(?<= )480193(?= )", b"%d" % (own.chance.random() * own.uptime_s * 100), text)
    return re.sub(rb"(?<=file-nr:1:)[0-9]+", b"%d" % own.chance.randrange(1500, 9000), text)


def _conntrack(text: bytes, own: _Own) -> bytes:
    text = re.sub(rb"(?<=nf_conntrack_count:)[0-9]+", b"%d" % own.chance.randrange(9000), text)
    return re.sub(rb"(?<=[: ])00000000(?= )", lambda _: b"%08x" % own.chance.getrandbits(12), text)


def _numbers(pattern: bytes) -> Callable[[bytes, _Own], bytes]:
    number = re.compile(pattern)
    return lambda text, own: number.sub(own.counted, text)


_HEXADECIMAL = re.compile(rb"\b[0-9a-f]{8}\b")
_VARIED: dict[str, Callable[[bytes, _Own], bytes]] = {
    "sysctl": _sysctl, "system": _system, "nics": _nics, "routes": _routes, "softnet": _softnet,
    "sockets": _sockets, "conntrack": _conntrack, "counters": _numbers(rb"\b[0-9]{2,15}\b"),
    "qdisc": _numbers(rb"(?<=Sent )[0-9]+|(?<=bytes )[0-9]+"),
}  # fmt: skip


def write(directory: Path, hosts: int) -> None:
    """The fleet as ``netaudit collect -o DIRECTORY`` would have left it."""
    targets = [Target(name_of(number), "", groups=("all", "web")) for number in range(hosts)]
    writer = CaptureDirWriter(directory, targets)
    run = RunInfo("20261120-150000-0000", "collect", _STARTED_AT, "0")
    writer.started(run, [target.name for target in targets])
    for position, capture in enumerate(fleet(hosts)):
        report = HostReport(capture.host, capture.address, HostStatus.OK, None, capture.elapsed_s)
        writer.host_done(position, report, capture)
    writer.finished(run, Summary(hosts, hosts), ())


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
