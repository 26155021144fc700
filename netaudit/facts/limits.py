"""Open files: the domain ``limits``. Sources: proc(5), limits.conf(5), cgroups(7)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from netaudit.facts.numbers import decimal, natural
from netaudit.facts.parts import Parts, grep_lines, split_parts
from netaudit.model.facts import Limits, LimitsLine, ProcessLimits
from netaudit.model.probe import Section
from netaudit.model.reading import Absent, AbsentReason, Maybe

_TICKS_PER_S = 100  # USER_HZ: the unit of times in /proc/PID/stat, on every architecture
_START_FIELD = 19  # starttime, counted from the state that follows the command name
_KINDS = frozenset({"soft", "hard", "-"})
_OF_SS = re.compile(r'\("([^"]*)",pid=([0-9]{1,10}),')
UNLIMITED = 2**63 - 1


def parse_limits(section: Section) -> Maybe[Limits]:
    """The host's limits, and those of every process that listens, in the order of their ids."""
    parts = split_parts(section)
    text = parts.text("files")
    if isinstance(text, Absent):
        return text
    files = grep_lines(text)
    allocated, _, highest = files["proc/sys/fs/file-nr"][0].partition(":")[2].split()
    return Limits(
        files_allocated=natural(allocated),
        files_max=natural(highest),
        nr_open=natural(files["proc/sys/fs/nr_open"][0].partition(":")[2].strip()),
        processes=_processes(parts, files),
        limits_conf=_limits_conf(files),
    )


def _processes(parts: Parts, files: Mapping[str, list[str]]) -> Maybe[tuple[ProcessLimits, ...]]:
    reason = parts.missing.get("processes")
    if reason is not None:
        return reason
    open_files = dict(line.split() for line in parts.texts.get("open files", "").splitlines())
    uptime_s = decimal(parts["/proc/uptime"].split()[0])
    users = _users(files.get("etc/passwd", ()))
    owners = dict(line.split() for line in parts.texts.get("users", "").splitlines())
    pids = {natural(word) for path in files if path.startswith("proc/") and (word := path.split("/", 2)[1]).isdigit()}
    found = []
    for pid in sorted(pids):
        if f"proc/{pid}/limits" not in files:
            continue  # it has ended meanwhile: its limits are readable to everyone
        name, age_s = name_and_age(_texts(files, f"proc/{pid}/stat"), uptime_s)
        soft, hard = _nofile(_texts(files, f"proc/{pid}/limits"))
        uid = owners.get(str(pid), "")
        count = open_files.get(str(pid))
        found.append(
            ProcessLimits(
                pid=pid,
                process=name,
                unit=_unit(_texts(files, f"proc/{pid}/cgroup")),
                user=users.get(uid, uid),
                nofile_soft=soft,
                nofile_hard=hard,
                open_files=_denied(f"/proc/{pid}/fd") if count is None else natural(count),
                age_s=age_s,
            )
        )
    return (*found, *_left_out(parts))


def _left_out(parts: Parts) -> Iterable[ProcessLimits]:
    """The processes that listen and whose limits were not read, as there are so many: each with that reason."""
    pids = parts.texts.get("left out", "").split()
    if not pids:
        return
    reason = Absent(AbsentReason.NOT_FINISHED, "too many processes listen to look at each")
    names = {pid: name for name, pid in _OF_SS.findall(parts.texts.get("ss", ""))}
    names |= {
        words[1]: words[2] for line in parts.texts.get("owners", "").split("\n") if len(words := line.split(" ", 2)) > 2
    }
    for pid in pids:
        yield ProcessLimits(natural(pid), names.get(pid, ""), "", "", reason, reason, reason, reason)


def _texts(files: Mapping[str, list[str]], path: str) -> list[str]:
    """The lines of a file without their numbers."""
    return [line.partition(":")[2] for line in files.get(path, ())]


def _users(lines: list[str] | tuple[()]) -> dict[str, str]:
    """Names by number, of ``line:name:x:number:``."""
    rows = (line.split(":") for line in lines)
    return {row[3]: row[1] for row in rows if len(row) > 3}


def _nofile(lines: list[str]) -> tuple[Maybe[int], Maybe[int]]:
    return next(filter(None, map(_soft_and_hard, lines)), (_denied("limits"), _denied("limits")))


@lru_cache(maxsize=256)  # services of one kind are limited alike
def _soft_and_hard(line: str) -> tuple[int, int] | None:
    words = line.removeprefix("Max open files").split()
    if len(words) < 2:
        return None
    soft, hard = (UNLIMITED if word == "unlimited" else natural(word) for word in words[:2])
    return soft, hard


def name_and_age(lines: list[str], uptime_s: float) -> tuple[str, Maybe[float]]:
    """Command name, which may hold anything, and seconds since the start, of /proc/PID/stat."""
    if not lines:
        return "", _denied("stat")
    left, close, right = lines[0].rpartition(")")
    name = left.partition("(")[2]
    fields = right.split()
    if not close or len(fields) <= _START_FIELD:
        return name, Absent(AbsentReason.NOT_UNDERSTOOD, lines[0][:80])
    return name, round(max(0.0, uptime_s - natural(fields[_START_FIELD]) / _TICKS_PER_S), 2)


def _unit(lines: list[str]) -> str:
    """The systemd unit of a control group path: its last part that is a service, a scope or the like."""
    return next(filter(None, map(_unit_in, lines)), "")


@lru_cache(maxsize=1024)
def _unit_in(line: str) -> str:
    for part in reversed(line.split("/")):
        if part.endswith((".service", ".scope", ".socket", ".mount")):
            return part
    return ""


def _limits_conf(files: Mapping[str, list[str]]) -> tuple[LimitsLine, ...]:
    found = []
    for path in sorted(files):
        if not path.startswith("etc/security/"):
            continue
        for line in files[path]:
            number, _, text = line.partition(":")
            words = text.split()
            if len(words) >= 4 and words[1] in _KINDS and words[2] == "nofile":
                found.append(LimitsLine(f"/{path}", natural(number), words[0], words[1], words[3]))
    return tuple(found)


def _denied(what: str) -> Absent:
    return Absent(AbsentReason.NOT_PERMITTED, what)
