"""One host as a flat vector of named values: what can be compared between hosts, and between two moments of one.

A setting is what somebody chose, or could have. Counters, addresses, identities and whatever else differs between any
two hosts is left out here, once and for all; what the kernel sizes by memory and processors at boot is kept and marked,
so that it is only compared between machines of one size.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache

from netaudit.model.facts import Facts, Kernel, Nic, Qdisc, Route
from netaudit.model.reading import Absent, Maybe, is_known

DOMAINS = frozenset(
    {"sysctl", "nics", "qdiscs", "kernel", "cpu", "memory", "persisted", "writers", "routing", "conntrack"}
)
BOOT = "next boot "  # before the name of a sysctl: what a file sets

_NOISE = frozenset({
    "fs.file-nr", "net.netfilter.nf_conntrack_count", "net.ipv4.fib_multipath_hash_seed", "net.ipv6.ioam6_id",
    "net.ipv6.ioam6_id_wide", "net.ipv4.tcp_available_congestion_control", "net.ipv4.tcp_available_ulp",
    "net.ipv4.route.flush", "net.ipv6.route.flush",
})  # fmt: skip
SIZED = frozenset({
    "fs.aio-max-nr", "fs.epoll.max_user_watches", "fs.file-max", "fs.inotify.max_user_watches", "kernel.pid_max",
    "kernel.threads-max", "net.core.bpf_jit_limit", "net.core.flow_limit_cpu_bitmap", "net.core.rps_default_mask",
    "net.ipv4.inet_peer_threshold", "net.ipv4.tcp_child_ehash_entries", "net.ipv4.tcp_ehash_entries",
    "net.ipv4.tcp_max_orphans", "net.ipv4.tcp_max_syn_backlog", "net.ipv4.tcp_max_tw_buckets", "net.ipv4.tcp_mem",
    "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem", "net.ipv4.udp_child_hash_entries", "net.ipv4.udp_hash_entries",
    "net.ipv4.udp_mem", "net.netfilter.nf_conntrack_buckets", "net.netfilter.nf_conntrack_expect_max",
    "net.netfilter.nf_conntrack_max", "net.nf_conntrack_max", "net.ipv4.route.max_size", "user.max_net_namespaces",
    "vm.min_free_kbytes", "conntrack hashsize",
})  # fmt: skip
# What the kernel counts or makes up by itself below /proc/sys: sysctl(5), Documentation/admin-guide/sysctl.
_COUNTED = re.compile(
    r"fs\.(?:dentry-state|inode-nr|inode-state|aio-nr|quota\.)|kernel\.(?:random\.|ns_last_pid|pty\.nr|tainted|"
    r"usermodehelper\.)|net\.ipv4\..*nf_conntrack_count|net\.ipv[46]\.conf\.[^.]*\.mc_forwarding",
    re.ASCII,
)
_MACHINE = ("kernel ", "cpu ", "memory ", "distribution", "machine", "init", "virtualization")
_OF_INTERFACE = re.compile(r"net\.(?:ipv4|ipv6|mpls)\.(?:conf|neigh)\.([^.]+)\.", re.ASCII)
_PASSING = re.compile(r"(?:veth|cali|lxc|tap|vnet|fwln|fwpr|nl)[0-9a-f]", re.ASCII)  # names that engines make up
_IDENTITY = re.compile(
    r"\A(?:BOOT_IMAGE|root|resume|initrd|ip|ifname|BOOTIF|rd\.luks\.uuid|machine_id|systemd\.machine_id)=", re.ASCII
)


class Kind(StrEnum):
    """What a value says of its host."""

    SETTING = "setting"  # somebody chose it, or left it as it was made
    SIZED = "sized"  # the kernel derives it from memory or processors unless somebody set it
    MACHINE = "machine"  # what the host is


@lru_cache(maxsize=16_384)
def kind_of(name: str) -> Kind:
    """The kind of a value, by its name."""
    if name in SIZED:
        return Kind.SIZED
    return Kind.MACHINE if name.startswith(_MACHINE) else Kind.SETTING


def settings_of(facts: Facts) -> dict[str, str]:
    """Every value of one host that can be compared, by its name; what could not be read is not in it.

    A sysctl bears its own name, ``next boot NAME`` is what a file sets, and the rest is named in words:
    ``eth0 mtu``, ``kernel release``, ``eth0 offload generic-receive-offload``.
    """
    found: dict[str, str] = {}
    for values in by_domain(facts).values():
        found.update(values)
    return found


def by_domain(facts: Facts) -> dict[str, dict[str, str]]:
    """The same by the domain that each value was read from; a domain that could not be read is not in it."""
    nics = facts.nics if is_known(facts.nics) else ()
    passing = frozenset(nic.name for nic in nics if _is_passing(nic))
    found: dict[str, dict[str, str]] = {}
    if is_known(facts.sysctl):
        values = facts.sysctl.values
        found["sysctl"] = {name: values[name] for name in compared_sysctls(tuple(values), passing)}
    if is_known(facts.persisted):
        found["persisted"] = {BOOT + name: each.value for name, each in facts.persisted.boot.items()}
        found["persisted"].update(_of_modules(facts.persisted.module_options))
    if is_known(facts.nics):
        compared = filter(is_compared, facts.nics)
        found["nics"] = dict(pair for nic in compared for pair in _of_nic(nic))
    if is_known(facts.qdiscs):
        found["qdiscs"] = dict(_of_queues(facts.qdiscs, passing))
    if is_known(facts.routing):
        found["routing"] = dict(_of_routes(facts.routing.routes))
    found.update(_of_machine(facts))
    return found


def size_of(facts: Facts) -> str:
    """The class of machine within which sized values are compared: processors, and memory to within a twelfth."""
    count = str(facts.cpu.count) if is_known(facts.cpu) else "?"
    return f"{count} CPUs, {_gib(facts)}"


@lru_cache(maxsize=256)
def compared_sysctls(names: tuple[str, ...], passing: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Those of some sysctls that can be compared: hosts that were set up alike share one answer."""
    kept = []
    for name in names:
        of = _OF_INTERFACE.match(name)
        if name not in _NOISE and not _COUNTED.match(name) and not (of and (of[1] in passing or _PASSING.match(of[1]))):
            kept.append(name)
    return tuple(kept)


def is_compared(nic: Nic) -> bool:
    """Whether the settings of an interface are among those of its host."""
    return nic.kind != "loopback" and not _is_passing(nic)


def _is_passing(nic: Nic) -> bool:
    """Whether an interface comes and goes with a container or a virtual machine."""
    return bool(_PASSING.match(nic.name)) or (nic.kind in {"veth", "tun"} and nic.master != "")


def _of_nic(nic: Nic) -> Iterator[tuple[str, str]]:
    pairs: list[tuple[str, object]] = [
        ("kind", nic.kind), ("mtu", nic.mtu), ("driver", nic.driver), ("speed_mbps", nic.speed_mbps),
        ("duplex", nic.duplex), ("txqueuelen", nic.txqueuelen), ("rx queues", nic.rx_queues),
        ("tx queues", nic.tx_queues),
    ]  # fmt: skip
    if nic.rps_cpus:
        pairs.append(("rps", ",".join(nic.rps_cpus)))
    if nic.master:
        pairs.append(("master", nic.master))
    if is_known(nic.rings):
        pairs += [("ring rx", nic.rings.rx_slots), ("ring tx", nic.rings.tx_slots)]
    if is_known(nic.channels):
        pairs += [("channels combined", nic.channels.combined), ("channels rx", nic.channels.rx)]
    if is_known(nic.rss):
        pairs.append(("rss", nic.rss.words))
    if is_known(nic.coalesce):
        pairs += [
            ("coalesce adaptive-rx", nic.coalesce.adaptive_rx), ("coalesce rx-usecs", nic.coalesce.rx_usecs),
            ("coalesce rx-frames", nic.coalesce.rx_frames),
        ]  # fmt: skip
    if is_known(nic.offloads):
        pairs += [(f"offload {name}", "on" if on else "off") for name, on in nic.offloads.items()]
    if is_known(nic.bond):
        pairs += [("bond mode", nic.bond.mode), ("bond members", nic.bond.members)]
    for name, value in pairs:
        if not isinstance(value, Absent):
            yield f"{nic.name} {name}", str(value)


def _of_modules(options: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for module, words in options.items():
        yield f"{BOOT}module {module}", words


def _of_queues(qdiscs: Iterable[Qdisc], passing: frozenset[str]) -> Iterator[tuple[str, str]]:
    for qdisc in qdiscs:
        if qdisc.parent == "root" and qdisc.device not in passing and not _PASSING.match(qdisc.device):
            yield f"{qdisc.device} qdisc", qdisc.kind


def _of_routes(routes: Iterable[Route]) -> Iterator[tuple[str, str]]:
    for route in routes:
        if route.destination == "default" and route.table == "main":
            for name in ("mtu", "initcwnd", "initrwnd", "advmss"):
                value = getattr(route, name)
                if value is not None:
                    yield f"default route {route.family} {name}", str(value)


def _of_machine(facts: Facts) -> Iterator[tuple[str, dict[str, str]]]:
    if is_known(facts.kernel):
        yield "kernel", dict(_of_kernel(facts.kernel))
    if is_known(facts.cpu):
        yield "cpu", {"cpu count": str(facts.cpu.count), "cpu model": facts.cpu.model}
    if is_known(facts.memory):
        yield "memory", {"memory total": _gib(facts)}
    if is_known(facts.writers):
        yield "writers", {"writers": ", ".join(sorted({writer.name for writer in facts.writers})) or "none"}
    if is_known(facts.conntrack):
        hashsize: Maybe[int] = facts.conntrack.hashsize
        yield "conntrack", {"conntrack hashsize": str(hashsize)} if is_known(hashsize) else {}


def _of_kernel(kernel: Kernel) -> Iterator[tuple[str, str]]:
    words = sorted(word for word in kernel.command_line.split() if not _IDENTITY.match(word))
    yield from (
        ("kernel release", kernel.release), ("kernel command line", " ".join(words)), ("machine", kernel.machine),
        ("distribution", kernel.distribution), ("init", kernel.init), ("virtualization", kernel.virtualization),
    )  # fmt: skip


def _gib(facts: Facts) -> str:
    """Memory as people count it: hosts of one size differ by some megabytes that firmware and kernel keep."""
    if isinstance(facts.memory, Absent):
        return "memory not known"
    gib = facts.memory.total_bytes / 2**30
    step = 2.0 ** max(-3, (int(gib).bit_length() - 4))
    return f"{round(gib / step) * step:g} GiB"


def differences(first: Mapping[str, str], second: Mapping[str, str]) -> Iterator[tuple[str, str | None, str | None]]:
    """Every name whose value is not the same in both, in the order of the names; None: it is not there."""
    for name in sorted(first.keys() | second.keys()):
        before, after = first.get(name), second.get(name)
        if before != after:
            yield name, before, after
