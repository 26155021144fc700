"""The settings of a host as a flat vector of names and texts, and what changed from one time to another.

Settings are what somebody or something has set: sysctls, MTU, rings, offloads, queueing disciplines, what the next boot
will bring, who else writes. Counters, addresses, and what the kernel counts under a sysctl's name are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from functools import lru_cache

from netaudit.facts.domains import DOMAINS as _DOMAINS
from netaudit.model.facts import Channels, Coalesce, Facts, Kernel, Nic, Persisted, Rings, Sysctls, Writer
from netaudit.model.probe import Capture
from netaudit.model.reading import Absent

DOMAINS = frozenset({"sysctl", "nics", "qdiscs", "persisted", "writers", "kernel", "cpu", "memory"})
MOST_SETTINGS = 20_000
VALUE_CHARS = 400
_ROUND_BYTES = 64 * 2**20  # memory of a virtual machine differs by some pages from boot to boot

# What the kernel counts or makes up by itself below /proc/sys: sysctl(5), Documentation/admin-guide/sysctl.
_NOT_SET = (
    "fs.dentry-state", "fs.file-nr", "fs.inode-nr", "fs.inode-state", "fs.aio-nr", "fs.quota.*",
    "kernel.random.*", "kernel.ns_last_pid", "kernel.pty.nr", "kernel.tainted", "kernel.usermodehelper.*",
    "net.netfilter.nf_conntrack_count", "net.ipv4.*.nf_conntrack_count", "net.ipv4.conf.*.mc_forwarding",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One setting of one host at two times; None: it was not there, or could not be read."""

    host: str
    name: str
    before: str | None
    after: str | None


def settings_of(facts: Facts) -> dict[str, str]:
    """Every setting that was read, by a name that tells what it belongs to: ``nic eth0 mtu``, ``boot net.core.…``."""
    found: dict[str, str] = {}
    for name, value in _all(facts):
        if len(found) >= MOST_SETTINGS:
            break
        found[name] = value[:VALUE_CHARS]
    return found


def differing(before: Capture, after: Capture) -> frozenset[str]:
    """The domains in which two captures can differ at all: of the others the answers are the same bytes."""
    first = {section.probe_id: section.stdout for section in before.sections}
    second = {section.probe_id: section.stdout for section in after.sections}
    return frozenset(name for name in DOMAINS if first.get(probe := _DOMAINS[name].probe) != second.get(probe))


def changes(host: str, before: Facts, after: Facts) -> tuple[SettingChange, ...]:
    """What is set otherwise at the later time. What only one of the two could read, or none was asked, is no change."""
    first, second = settings_of(before), settings_of(after)
    unread = _unread(before) | _unread(after)
    return tuple(
        SettingChange(host, name, first.get(name), second.get(name))
        for name in dict.fromkeys([*first, *second])
        if first.get(name) != second.get(name) and not _belongs(name, unread)
    )


def _unread(facts: Facts) -> frozenset[str]:
    """The first words of settings whose domain was not read as a whole."""
    words = {"sysctl": "", "nics": "nic", "qdiscs": "qdisc", "persisted": "boot", "writers": "writer",
             "kernel": "kernel", "cpu": "cpus", "memory": "memory"}  # fmt: skip
    found = {word for domain, word in words.items() if isinstance(getattr(facts, domain), Absent)}
    if isinstance(facts.sysctl, Sysctls):
        found |= set(facts.sysctl.absent)
    return frozenset(found)


def _belongs(name: str, unread: frozenset[str]) -> bool:
    first, blank, _ = name.partition(" ")
    return (first if blank else "") in unread or name in unread


def _all(facts: Facts) -> Iterator[tuple[str, str]]:
    yield from _machine(facts)
    if isinstance(facts.sysctl, Sysctls):
        yield from _sysctls(facts.sysctl.values)
    if not isinstance(facts.nics, Absent):
        for nic in facts.nics:
            yield from _nic(nic)
    if not isinstance(facts.qdiscs, Absent):
        for qdisc in facts.qdiscs:
            if qdisc.parent == "root":
                yield f"qdisc {qdisc.device}", qdisc.kind
    if isinstance(facts.persisted, Persisted):
        yield from _persisted(facts.persisted)
    if not isinstance(facts.writers, Absent):
        yield from _writers(facts.writers)


def _machine(facts: Facts) -> Iterator[tuple[str, str]]:
    if isinstance(facts.kernel, Kernel):
        yield from _kernel(facts.kernel)
    if not isinstance(facts.memory, Absent):
        yield "memory total", f"{round(facts.memory.total_bytes / _ROUND_BYTES) * _ROUND_BYTES // 2**20} MiB"
    if not isinstance(facts.cpu, Absent):
        yield "cpus count", str(facts.cpu.count)


def _persisted(persisted: Persisted) -> Iterator[tuple[str, str]]:
    for name, boot in persisted.boot.items():
        yield f"boot {name}", f"{boot.value} ({boot.file}:{boot.line})"
    for module, options in persisted.module_options.items():
        yield f"boot module {module}", options


def _kernel(kernel: Kernel) -> Iterator[tuple[str, str]]:
    yield "kernel release", kernel.release
    yield "kernel command line", kernel.command_line
    yield "kernel distribution", kernel.distribution


def _sysctls(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if _is_set(name):
            yield name, value


@lru_cache(maxsize=MOST_SETTINGS)
def _is_set(name: str) -> bool:
    """Whether somebody sets it, as against the kernel; hosts of a fleet have nearly the same names."""
    return not any(fnmatchcase(name, pattern) for pattern in _NOT_SET)


def _nic(nic: Nic) -> Iterator[tuple[str, str]]:
    """The settings of one interface; those that come and go with containers say only that they are there."""
    if nic.kind == "veth":
        return
    about = f"nic {nic.name}"
    yield f"{about} mtu", str(nic.mtu)
    for name in ("driver", "speed_mbps", "duplex", "txqueuelen", "rx_queues", "tx_queues"):
        value = getattr(nic, name)
        if not isinstance(value, Absent):
            yield f"{about} {name}", str(value)
    if nic.master:
        yield f"{about} master", nic.master
    for label, record in (("ring", nic.rings), ("channels", nic.channels), ("coalesce", nic.coalesce)):
        if not isinstance(record, Absent):
            yield from _record(f"{about} {label}", record)
    if not isinstance(nic.offloads, Absent):
        for feature, is_on in nic.offloads.items():
            yield f"{about} offload {feature}", "on" if is_on else "off"
    if any(mask.strip("0,") for mask in nic.rps_cpus):
        yield f"{about} rps", " ".join(nic.rps_cpus)


def _record(about: str, record: Rings | Channels | Coalesce) -> Iterator[tuple[str, str]]:
    for each in fields(record):
        value = getattr(record, each.name)
        if not isinstance(value, Absent):
            yield f"{about} {each.name}", str(value)


def _writers(writers: Iterable[Writer]) -> Iterator[tuple[str, str]]:
    for writer in writers:
        yield (
            f"writer {writer.name}",
            f"{writer.detail}{'' if writer.active else ' (not running)'}".strip() or "present",
        )
