"""Says where the numbers of a finding were read, when a check does not say so itself.

A path such as ``facts.memory.total_bytes`` becomes the file or tool it comes from; of a subject such as a listener the
whole row is shown as its tool prints it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from netaudit.baseline.closures import Tree, closure, path_text
from netaudit.baseline.functions import text
from netaudit.baseline.scope import Scope
from netaudit.baseline.texts import Rests
from netaudit.baseline.unknown import Unknown
from netaudit.baseline.values import as_text
from netaudit.model.facts import Listener, Nic, ProcessLimits, Qdisc
from netaudit.model.reading import Absent

PLACE = " in network namespace {}"

_MOST = 6  # so many facts are shown; a finding that rests on more says so in its own words
_LISTED = 8  # elements of a list that are shown

# The beginning of a path -> where it is read. The longest one counts.
_SOURCES = {
    "facts.netstat": "/proc/net/netstat", "facts.snmp": "/proc/net/snmp", "facts.snmp6": "/proc/net/snmp6",
    "facts.sockstat": "/proc/net/sockstat", "facts.sockets": "ss -tan", "facts.listeners": "ss -ltnu",
    "facts.sockets.udp": "ss -uanm", "facts.nics": "/sys/class/net", "facts.softnet": "/proc/net/softnet_stat",
    "facts.softnet.irqs": "/proc/interrupts", "facts.softnet.net_rx_by_cpu": "/proc/softirqs",
    "facts.softnet.softirq_ratio_by_cpu": "/proc/stat", "facts.softnet.steal_ratio": "/proc/stat",
    "facts.qdiscs": "tc -s qdisc", "facts.routing": "ip route", "facts.routing.ways_out": "ip route",
    "facts.routing.policy_rules": "ip rule", "facts.neighbours": "ip neigh",
    "facts.conntrack.count": "/proc/sys/net/netfilter/nf_conntrack_count",
    "facts.conntrack.max": "/proc/sys/net/netfilter/nf_conntrack_max",
    "facts.conntrack.buckets": "/proc/sys/net/netfilter/nf_conntrack_buckets",
    "facts.conntrack.hashsize": "/sys/module/nf_conntrack/parameters/hashsize",
    "facts.conntrack.entry_bytes": "/proc/slabinfo nf_conntrack", "facts.conntrack": "/proc/net/stat/nf_conntrack",
    "facts.firewall": "nft list ruleset", "facts.memory.total_bytes": "/proc/meminfo MemTotal",
    "facts.memory.available_bytes": "/proc/meminfo MemAvailable", "facts.memory.page_bytes": "getconf PAGESIZE",
    "facts.memory.slab_unreclaimable_bytes": "/proc/meminfo SUnreclaim", "facts.cpu": "/proc/cpuinfo",
    "facts.kernel.release": "uname -r", "facts.kernel.version": "uname -r",
    "facts.kernel.command_line": "/proc/cmdline",
    "facts.kernel.uptime_s": "/proc/uptime", "facts.kernel.modules": "/proc/modules",
    "facts.limits.files_allocated": "/proc/sys/fs/file-nr allocated",
    "facts.limits.files_max": "/proc/sys/fs/file-nr max",
    "facts.limits.nr_open": "/proc/sys/fs/nr_open", "facts.limits.limits_conf": "/etc/security/limits.conf",
    "facts.limits.processes": "/proc/PID/limits", "facts.persisted.boot": "sysctl.d, as systemd-sysctl reads it",
    "facts.persisted.system": "sysctl.d, as sysctl --system reads it", "facts.kernel_log": "dmesg",
    "facts.paths": "ping",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """One fact that was read, and where. ``tree`` is all that it rests on; None of a row, which shows more."""

    tree: Tree
    write: Callable[[Scope], str]


class Rows:
    """The facts that a check looks at, in one line."""

    __slots__ = ("_pieces",)

    def __init__(self, some: Sequence[Piece | str]) -> None:
        self._pieces = some

    def __call__(self, scope: Scope) -> str | None:
        """Facts that are absent are left out; None when nothing is left."""
        found: dict[str, None] = {}
        for piece in self._pieces:
            try:
                found[piece if isinstance(piece, str) else piece.write(scope)] = None
            except Unknown:  # an absent fact is the reason of the verdict, not its evidence
                continue
        return "; ".join(found) or None

    def settled(self, scope: Scope, rests: Rests) -> Rows | str | None:
        """The line with all that rests on what is known to be the same on other hosts."""
        found: list[Piece | str] = []
        for piece in self._pieces:
            if isinstance(piece, str) or piece.tree is None or not rests(piece.tree):
                found.append(piece)
                continue
            with suppress(Unknown):
                found.append(piece.write(scope))
        rows = Rows(found)
        return rows if any(isinstance(piece, Piece) for piece in found) else rows(scope)


def pieces(trees: Sequence[Tree], definitions: Mapping[str, Tree]) -> tuple[Piece, ...]:
    """What to say about the facts that some expressions read, each once, in the order they are read."""
    found: dict[str, Piece] = {}
    for tree in trees:
        for key, piece in _walk(tree, definitions, set()):
            found.setdefault(key, piece)
    return tuple(found.values())[:_MOST]


def _walk(tree: Tree, definitions: Mapping[str, Tree], seen: set[str]) -> Iterator[tuple[str, Piece]]:
    op = tree[0] if isinstance(tree, list) and tree else None
    if not isinstance(tree, list) or not isinstance(op, str):  # a constant, or steps down from the elements of a list
        return
    if op == "sysctl":
        yield _sysctl(tree)
        return
    if op == "name" and tree[1] in definitions:
        name = str(tree[1])
        if name not in seen:
            yield from _walk(definitions[name], definitions, seen | {name})
        return
    if op in {"attr", "key", "at"}:
        root = _root(tree)
        if root == "facts":
            yield _fact(tree)
            return
        if root not in {"", "value", "expected"} and root not in definitions:
            yield f"name:{root}", _subject(root, tree)
            return
    for part in tree[1:]:
        yield from _walk(part, definitions, seen)


def _root(tree: Tree) -> str:
    """``facts``, or the name of a subject, that a path of attributes and fixed keys begins with; else nothing."""
    parts = cast("Sequence[Tree]", tree)
    if parts[0] == "facts":
        return "facts"
    if parts[0] == "name":
        return str(parts[1])
    if parts[0] == "attr" or (parts[0] in {"key", "at"} and cast("Sequence[Tree]", parts[2])[0] == "c"):
        return _root(parts[1])
    return ""


def sysctl_path(name: str) -> str:
    """The file of a sysctl: dots become slashes, and slashes inside a segment become dots again."""
    return "/proc/sys/" + name.translate(_SWAP)


_SWAP = str.maketrans("./", "/.")


def _sysctl(tree: Sequence[Tree]) -> tuple[str, Piece]:
    name, value = closure(tree[1]), closure(tree)

    def piece(scope: Scope) -> str:
        return f"{sysctl_path(text(name(scope)))}{place(scope)} = {as_text(value(scope))}"

    return str(tree), Piece(tree, piece)


def place(scope: Scope) -> str:
    """Which network namespace is looked at, for the end of a text; empty for the host's own."""
    return PLACE.format(scope.namespace) if scope.namespace else ""


def _fact(tree: Sequence[Tree]) -> tuple[str, Piece]:
    path, value = path_text(tree), closure(tree)
    label = source_of(path)

    def piece(scope: Scope) -> str:
        return f"{label} = {_brief(value(scope))}"

    return path, Piece(tree, piece)


def source_of(path: str) -> str:
    """Where the fact of a path is read: a file or tool, and what is left of the path."""
    known = max(
        (source for source in _SOURCES if path == source or path.startswith((f"{source}.", f"{source}["))),
        default="",
        key=len,
    )
    if not known:
        return path
    rest = path.removeprefix(known).lstrip(".")
    if rest.startswith("["):
        rest = rest[1:-1].strip("'")
    return f"{_SOURCES[known]} {rest}".rstrip()


def _brief(value: object) -> str:
    if isinstance(value, list | tuple):
        if len(value) > _LISTED or any(not isinstance(item, str | int | float) for item in value):
            return counted(value)
        return as_text(value)
    if isinstance(value, Mapping) and len(value) > _LISTED:
        return counted(value)
    return as_text(value) if isinstance(value, str | int | float | Mapping) else "present"


def counted(value: Sized) -> str:
    """``1 entry``, ``12 entries``."""
    return "1 entry" if len(value) == 1 else f"{len(value)} entries"


def _subject(name: str, tree: Sequence[Tree]) -> Piece:
    value, path = closure(tree), path_text(tree)

    def piece(scope: Scope) -> str:
        subject = scope.names.get(name)
        row = described(subject)
        return f"{row}{place(scope)}" if row is not None else f"{path} = {_brief(value(scope))}"

    return Piece(None, piece)


# Every attribute that the row of a subject below is made of: such a row tells no other two subjects apart.
DESCRIBED = frozenset({
    "address", "backlog", "device", "driver", "dropped", "kind", "mtu", "name", "nofile_soft", "open_files",
    "operstate", "parent", "pid", "port", "process", "protocol", "queue", "speed_mbps", "unit",
})  # fmt: skip


def described(subject: object) -> str | None:
    """A subject as its tool shows it, or None when there is no such row."""
    match subject:
        case Listener():
            return _listener(subject)
        case Nic():
            speed = f", {subject.speed_mbps} Mbit/s" if isinstance(subject.speed_mbps, int) else ""
            driver = f", driver {subject.driver}" if isinstance(subject.driver, str) else ""
            return f"/sys/class/net/{subject.name}: mtu {subject.mtu}, {subject.operstate}{speed}{driver}"
        case ProcessLimits():
            unit = f", {subject.unit}" if subject.unit else ""
            return (
                f"/proc/{subject.pid}/limits: {subject.process}{unit}, open files {as_text(subject.open_files)} "
                f"of {as_text(subject.nofile_soft)}"
            )
        case Qdisc():
            return f"tc -s qdisc: {subject.device} {subject.kind} {subject.parent}, dropped {subject.dropped}"
        case _:
            return None


def _listener(listener: Listener) -> str:
    address = f"[{listener.address}]" if ":" in listener.address else listener.address
    row = f"ss -ltn: {address}:{listener.port}" if listener.protocol == "tcp" else f"ss -lun: {address}:{listener.port}"
    row += f" Recv-Q {listener.queue} Send-Q {listener.backlog}"
    if isinstance(listener.process, Absent) or not listener.process:
        return row
    return f"{row} ({listener.process} pid {as_text(listener.pid)})"
