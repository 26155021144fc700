"""The loss counters of a host in one look that costs it one program: what a gate compares before and after a change.

An audit learns the same numbers from five probes, which tell a hundred times as much. Just before a change and just
after it, the same small question is asked both times, so that the two answers can be subtracted. Sources: /proc/net of
the kernel's Documentation/filesystems/proc.rst; net/core/net-procfs.c, where ``drop`` of /proc/net/dev is the sum of
rx_dropped and rx_missed_errors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress

from netaudit.facts.conntrack import sum_rows
from netaudit.facts.counters import parse_netstat, parse_snmp
from netaudit.facts.numbers import counter, hexadecimals
from netaudit.facts.parts import grep_lines
from netaudit.model.probe import Capture, Needs, Probe, Section, SectionStatus
from netaudit.model.reading import is_known
from netaudit.remedy.gates import (
    CONNTRACK,
    CONNTRACK_DROP,
    INTERFACES,
    OVERFLOWS,
    REFUSED,
    RETRANSMITS,
    SENT,
    SOFTNET,
    Sample,
)

_TEXT = """\
cd "${ROOT:-}/proc/net" 2>/dev/null || exit 11
boot= uptime= rest= place=initial
read -r boot <"${ROOT:-}/proc/sys/kernel/random/boot_id"
read -r uptime rest <"${ROOT:-}/proc/uptime"
[ ! -d "${ROOT:-}/proc/sys/net/core" ] || [ -e "${ROOT:-}/proc/sys/net/core/netdev_max_backlog" ] || place=other
printf 'boot:%s\\nuptime:%s\\nnamespace:%s\\n' "$boot" "$uptime" "$place"
set --
for file in netstat snmp softnet_stat stat/nf_conntrack dev; do
    [ ! -r "$file" ] || set -- "$@" "$file"
done
[ $# -gt 0 ] || exit 11
exec grep -H '' "$@"
"""
LOSS = Probe(
    id="loss",
    text=_TEXT,
    digest=hashlib.sha256(_TEXT.encode()).hexdigest(),
    summary="The counters of loss that a gate compares.",
    reads=("/proc/net/netstat", "/proc/net/snmp", "/proc/net/softnet_stat", "/proc/net/stat/nf_conntrack",
           "/proc/net/dev", "/proc/uptime", "/proc/sys/kernel/random/boot_id"),
    needs=Needs.ROOT,
    timeout_s=5,
    max_bytes=1024 * 1024,
    format="file below /proc/net, a colon, its line; boot, uptime and namespace likewise",
    params=(),
)  # fmt: skip


def sample_in(capture: Capture) -> Sample | None:
    """The counters that a look at a host holds; None when its clock and boot could not be read."""
    section = next((each for each in capture.sections if each.probe_id == LOSS.id), None)
    if section is None or section.status is not SectionStatus.COMPLETE:
        return None
    files = grep_lines(section.stdout.decode("utf-8", "replace"))
    boot_id, uptime_s = _first(files, "boot"), None
    with suppress(ValueError):
        uptime_s = float(_first(files, "uptime"))
    if not boot_id or uptime_s is None:
        return None
    return Sample(boot_id, uptime_s, *_counters(section, files))


def _first(files: Mapping[str, Sequence[str]], path: str) -> str:
    return next(iter(files.get(path, ())), "")


def _counters(section: Section, files: Mapping[str, list[str]]) -> tuple[dict[str, int], dict[str, int]]:
    """What could be read, by the names of the gate's counters, and what ratios are taken of."""
    values: dict[str, int] = {}
    totals: dict[str, int] = {}
    with suppress(ValueError, KeyError, IndexError):
        if is_known(netstat := parse_netstat(section)):
            values |= {name: netstat[name] for name in (OVERFLOWS, REFUSED) if name in netstat}
    with suppress(ValueError, KeyError, IndexError):
        if is_known(snmp := parse_snmp(section)):
            values[RETRANSMITS], totals[RETRANSMITS] = snmp[RETRANSMITS], snmp[SENT]
    with suppress(ValueError, KeyError, IndexError):
        if _first(files, "namespace") == "initial":
            values[SOFTNET] = sum(hexadecimals(line)[1] for line in files["softnet_stat"])
    with suppress(ValueError, KeyError, IndexError):
        rows = sum_rows(files["stat/nf_conntrack"])
        values[CONNTRACK], values[CONNTRACK_DROP] = rows["insert_failed"], rows["drop"]
    with suppress(ValueError, KeyError, IndexError):
        values[INTERFACES] = sum(map(_dropped, files["dev"][2:]))
    return values, totals


def _dropped(line: str) -> int:
    """What one interface has dropped, and what its own memory was too small for; nothing of the loopback."""
    name, _, numbers = line.rpartition(":")
    words = numbers.split()
    return 0 if name.strip() == "lo" else counter(words[3]) + counter(words[4]) + counter(words[11])
