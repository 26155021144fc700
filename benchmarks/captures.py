"""A made-up fleet in stored captures: one recorded host, with numbers of its own for each of the others.

What a fleet has in common stays equal (kernel, packages, most settings); what differs from host to host differs here:
names, addresses, counters, memory, uptime, and a few settings of some hosts.

Usage: captures.py DIRECTORY HOSTS
"""

from __future__ import annotations

import random
import re
import sys
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
        sections = tuple(_varied(section, chance) for section in recorded)
        yield Capture(name_of(number), address, "0" * 64, _STARTED_AT, 0.4, sections)


def name_of(number: int) -> str:
    """The name of a host by its number."""
    return f"web{number + 1:05}"


def _section(probe: str, case: str) -> Section:
    text = (_CASES / probe / case / "stdout").read_bytes()
    if probe == "sockets":
        text = text.replace(b"31890", b"1019")  # one process listens and has the limits that were recorded elsewhere
    return Section(probe, SectionStatus.COMPLETE, 0, text, b"", 3)


def _varied(section: Section, chance: random.Random) -> Section:
    vary = _VARIED.get(section.probe_id)
    if vary is None:
        return section
    return Section(section.probe_id, section.status, 0, vary(section.stdout, chance), b"", chance.randrange(1, 9))


def _other_settings(text: bytes, chance: random.Random) -> bytes:
    for name, values in _SETTINGS.items():
        text = _set(text, name, chance.choice(values))
    text = _set(text, b"net/netfilter/nf_conntrack_count", b"%d" % chance.randrange(9000))
    return _set(text, b"fs/file-nr", b"%d\t0\t2466170" % chance.randrange(4000, 9000))


def _set(text: bytes, name: bytes, value: bytes) -> bytes:
    head, found, rest = text.partition(b"==> %s <==\n" % name)
    if not found:
        raise SystemExit(f"the recorded settings lack {name.decode()}")
    return head + found + value + rest[rest.index(b"\n") :]


def _other_numbers(pattern: bytes) -> Callable[[bytes, random.Random], bytes]:
    """Numbers behind a pattern are made up anew: up to twice what they are, and no longer."""
    number = re.compile(pattern)

    def vary(text: bytes, chance: random.Random) -> bytes:
        return number.sub(lambda found: b"%d" % int(int(found[0]) * 2 * chance.random()), text)

    return vary


_VARIED: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "sysctl": _other_settings,
    "counters": _other_numbers(rb"\b[0-9]{2,15}\b"),
    "nics": _other_numbers(rb"(?<=  )[0-9]{4,15}(?=  )"),
    "qdisc": _other_numbers(rb"(?<=Sent )[0-9]+"),
    "softnet": _other_numbers(rb"(?<=   )[0-9]{3,9}(?= )"),
    "system": _other_numbers(rb"(?<=  )[0-9]{5,12}(?= kB)"),
    "sockets": _other_numbers(rb"(?<=ino:)[0-9]{4,9}|(?<=bytes_acked:)[0-9]+|(?<=,d)[0-9]{2,9}"),
}


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
