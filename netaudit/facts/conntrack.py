"""Connection tracking: the domain ``conntrack``. A host without the module gives *not present*, by the probe's exit.

Source: Documentation/networking/nf_conntrack-sysctl.rst; net/netfilter/nf_conntrack_standalone.c for the statistics.
"""

from __future__ import annotations

from collections.abc import Mapping

from netaudit.facts.numbers import hexadecimals, natural
from netaudit.facts.parts import Parts, grep_lines, split_parts
from netaudit.model.facts import Conntrack
from netaudit.model.probe import Section
from netaudit.model.reading import Absent, AbsentReason, Maybe

_SETTINGS = "proc/sys/net/netfilter/nf_conntrack_"
_SLAB = "sys/kernel/slab/nf_conntrack/slab_size"


def parse_conntrack(section: Section) -> Conntrack:
    """The table of the audited namespace: how full, how large, how it fared."""
    parts = split_parts(section)
    files = grep_lines(parts[""])
    return Conntrack(
        count=_number(_SETTINGS + "count", files, parts),
        max=_number(_SETTINGS + "max", files, parts),
        buckets=_number(_SETTINGS + "buckets", files, parts),
        hashsize=_number("sys/module/nf_conntrack/parameters/hashsize", files, parts),
        entry_bytes=_entry_bytes(files, parts),
        stats=_stats(files, parts),
    )


def _number(path: str, files: Mapping[str, list[str]], parts: Parts) -> Maybe[int]:
    lines = files.get(path)
    if lines is None:
        return parts.missing.get(path, Absent(AbsentReason.NOT_PRESENT, path))
    return natural(lines[0])


def _entry_bytes(files: Mapping[str, list[str]], parts: Parts) -> Maybe[int]:
    """The size of one entry: of sysfs, else the fourth column of its row in /proc/slabinfo.

    Kernels before 4.10 have one cache for each namespace, with the namespace's address behind the name.
    """
    for line in files.get("proc/slabinfo", ()):
        words = line.split()
        if words[0] == "nf_conntrack" or words[0].startswith("nf_conntrack_ffff"):
            return natural(words[3])
    return _number(_SLAB, files, parts)


def _stats(files: Mapping[str, list[str]], parts: Parts) -> Maybe[dict[str, int]]:
    """The rows of the CPUs summed by the names of the header; "entries" is the same in every row, and no sum."""
    path = "proc/net/stat/nf_conntrack"
    lines = files.get(path)
    if lines is None:
        return parts.missing.get(path, Absent(AbsentReason.NOT_PRESENT, path))
    return sum_rows(lines)


def sum_rows(lines: list[str]) -> dict[str, int]:
    """A table of /proc/net/stat: a header, then a row of hexadecimal numbers for each CPU; "entries" is not summed."""
    names = lines[0].split()
    rows = [hexadecimals(line) for line in lines[1:]]
    if not rows:
        return dict.fromkeys(names, 0)
    found = dict(zip(names, map(sum, zip(*rows, strict=False)), strict=False))
    if "entries" in found:
        found["entries"] = rows[0][names.index("entries")]
    return found
