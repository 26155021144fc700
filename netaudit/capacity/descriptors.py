"""File descriptors: of the process that holds the connections, and of the whole host.

A connection takes one of each. A proxy has two loads of one process: one comes in, the other goes out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from netaudit.capacity.figures import Inquiry
from netaudit.capacity.host import NOFILE, Host
from netaudit.capacity.population import Part, open_now
from netaudit.capacity.rows import Limit, Need, Resource, ceil_pow2, row, summed, unknown
from netaudit.capacity.words import number
from netaudit.facts.limits import UNLIMITED
from netaudit.model.capacity import Assessment, SettingChange, Uncertainty
from netaudit.model.facts import ProcessLimits
from netaudit.model.reading import Absent, AbsentReason, Maybe
from netaudit.model.workload import Load, LoadKind

FILE_MAX, NR_OPEN = "fs.file-max", "fs.nr_open"
OTHER_FILES = 100  # of a process at most: listeners, logs, epoll. Fewer, where it has fewer open of any sort
_UNCERTAINTY = Uncertainty(0.9, 1.1, "files that are no connections")
PROCESS = Resource(
    "process-descriptors", "File descriptors of a process", "application", "descriptors", 1.25, _UNCERTAINTY,
    "accept() and connect() fail with EMFILE, the accept queue fills, and the service looks dead while it is idle",
    (
        "man: getrlimit(2) (RLIMIT_NOFILE), systemd.exec(5) (LimitNOFILE)",
        "measured on Linux 6.18: with a limit of 16, accept() failed with EMFILE and the accept queue overflowed",
    ),
)  # fmt: skip
SYSTEM = Resource(
    "system-descriptors", "Open files of the whole host", "host", "files", 1.5, _UNCERTAINTY,
    "every open(), accept() and connect() of the host fails with ENFILE",
    ("kernel: Documentation/admin-guide/sysctl/fs.rst (file-max, nr_open)",),
)  # fmt: skip


def assess(host: Host) -> Iterator[Assessment]:
    """A row for each process that is named, and one for the host."""
    loads = host.of_kind(LoadKind.INBOUND, LoadKind.OUTBOUND)
    if not loads:
        return
    for load in loads:
        if not load.process:
            inquiry = Inquiry(host.load)
            inquiry.need("process", load)
            yield row(PROCESS, host, inquiry, [load], Need(0, ""), Limit(0.0))
    for process in dict.fromkeys(load.process for load in loads if load.process):
        yield _process(host, process, [load for load in loads if load.process == process])
    yield _system(host, loads)


def _process(host: Host, name: str, loads: Sequence[Load]) -> Assessment:
    found = _running(host, name)
    running = () if isinstance(found, Absent) else found
    inquiry = Inquiry(host.load)
    sharing = _sharing(loads, running, inquiry)
    parts = [_of_one(open_now(load, inquiry), sharing) for load in loads]
    variable = sum(value for _, value in parts)
    used = [process.open_files for process in running if isinstance(process.open_files, int)]
    others = _others(host, used)
    parts.append((f"{others} other files", float(others)))
    need = Need(variable, summed(parts, PROCESS.unit), others)
    limit, evidence = _limit(host, found)
    return row(
        PROCESS, host, inquiry, loads, need, Limit(limit, evidence), subject=name,
        in_use=max(used) if used else None, changes=_changes(host, name, need, limit, running),
    )  # fmt: skip


def _others(host: Host, used: Sequence[int]) -> int:
    """Files of a process that are no connections of the load; where it adds to the present, all that are open now."""
    if host.adds_present and used:
        return 0
    return min(used[0], OTHER_FILES) if len(used) == 1 else OTHER_FILES


def _running(host: Host, name: str) -> Maybe[tuple[ProcessLimits, ...]]:
    """The processes of that name; a reason where there are none."""
    limits = host.facts.limits
    if isinstance(limits, Absent):
        return limits
    if isinstance(limits.processes, Absent):
        return limits.processes
    found = tuple(process for process in limits.processes if process.process == name)
    return found or Absent(AbsentReason.NOT_PRESENT, f"no process of that name listens here{_seen(limits.processes)}")


def _seen(processes: Sequence[ProcessLimits]) -> str:
    names = sorted({process.process for process in processes})
    return f" (those that do: {', '.join(names[:8])})" if names else ", as far as can be seen without root"


def _sharing(loads: Sequence[Load], running: Sequence[ProcessLimits], inquiry: Inquiry) -> float:
    """How many processes share the connections: as declared, or the only one there is."""
    declared = [load.processes for load in loads if load.processes is not None]
    if declared:
        return max(declared)
    if len(running) > 1:
        inquiry.need("processes", loads[0])
    return 1.0


def _of_one(part: Part, sharing: float) -> Part:
    return part if sharing == 1 else (f"{part[0]} / {number(sharing)} processes", part[1] / sharing)


def _limit(host: Host, running: Maybe[tuple[ProcessLimits, ...]]) -> tuple[Maybe[float], str]:
    tried = host.tried(NOFILE)
    if tried is not None:
        return float(tried), f"{NOFILE} = {tried}, as tried out"
    if isinstance(running, Absent):
        return running, ""
    limits = [process.nofile_soft for process in running]
    for limit in limits:
        if isinstance(limit, Absent):
            return limit, ""
    least = min(limit for limit in limits if isinstance(limit, int))
    pids = ", ".join(str(process.pid) for process in running[:4])
    return float(least), f"/proc/PID/limits of {pids}: Max open files {least} (soft)"


def _changes(
    host: Host, name: str, need: Need, limit: Maybe[float], running: Sequence[ProcessLimits]
) -> Sequence[SettingChange]:
    wanted = ceil_pow2(need.total * PROCESS.headroom)
    unit = next((process.unit for process in running if process.unit), "")
    how = (
        f"LimitNOFILE={wanted} in a drop-in of {unit}"
        if unit
        else "where it is started; limits.conf is for logins only"
    )
    now = "" if isinstance(limit, Absent) else number(limit).replace(",", "")
    found = [SettingChange(NOFILE, str(wanted), now, name, f"{how}; then restart it")]
    most = host.number(NR_OPEN)
    if not isinstance(most, Absent) and most < wanted:
        found.insert(0, SettingChange(NR_OPEN, str(wanted), str(most), note="no limit can be set above it"))
    return found


def _system(host: Host, loads: Sequence[Load]) -> Assessment:
    limits = host.facts.limits
    if isinstance(limits, Absent):
        return unknown(SYSTEM, f"the open files of the host are not known: {limits}", loads=loads)
    inquiry = Inquiry(host.load)
    parts = [open_now(load, inquiry) for load in loads]
    variable = sum(value for _, value in parts)
    others = float(limits.files_allocated) if host.adds_present else _other_files(host, loads, limits.files_allocated)
    what = "open now" if host.adds_present else "other files that are open now"
    parts.append((f"{number(others)} {what}", others))
    tried = host.number(FILE_MAX)
    limit = tried if host.tried(FILE_MAX) else limits.files_max
    wanted = str(ceil_pow2((variable + others) * SYSTEM.headroom))
    least = math.inf if isinstance(limit, int) and limit >= UNLIMITED else limit
    return row(
        SYSTEM, host, inquiry, loads, Need(variable, summed(parts, SYSTEM.unit), others),
        Limit(least, f"{FILE_MAX} = {limit}"), in_use=limits.files_allocated, is_stock=False,
        changes=[SettingChange(FILE_MAX, wanted, str(limit))],
    )  # fmt: skip


def _other_files(host: Host, loads: Sequence[Load], allocated: int) -> float:
    """What is open now and does not belong to the processes of the load."""
    limits = host.facts.limits
    if isinstance(limits, Absent) or isinstance(limits.processes, Absent):
        return float(allocated)
    names = {load.process for load in loads}
    own = sum(
        each.open_files for each in limits.processes if each.process in names and isinstance(each.open_files, int)
    )
    return float(max(0, allocated - own))
