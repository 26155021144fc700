"""Where packets are received: the domain ``softnet``. The files are host-wide, also inside a namespace.

Sources: net/core/net-procfs.c for softnet_stat, whose columns grew from 10 to 15; proc(5) for /proc/stat.
"""

from __future__ import annotations

from collections.abc import Mapping

from netaudit.facts.numbers import hexadecimals, natural, naturals
from netaudit.facts.parts import grep_lines, split_parts
from netaudit.model.facts import Irq, Softnet, SoftnetCpu
from netaudit.model.probe import Section
from netaudit.model.reading import Absent, AbsentReason

_SOFTIRQ, _STEAL, _GUEST = 6, 7, 8  # columns of a cpu line of /proc/stat; guest time is part of user time
_INDEX_COLUMN = 12  # of softnet_stat, since 5.10: the number of the CPU
_NO_AFFINITY = Absent(AbsentReason.NOT_PRESENT, "smp_affinity_list")


def parse_softnet(section: Section) -> Softnet:
    """Backlog, interrupts and softirq time, by CPU."""
    parts = split_parts(section)
    files = grep_lines(parts["files"])
    stat = [line.split() for line in files.get("proc/stat", [])]
    softirq, steal = _shares(stat)
    return Softnet(
        cpus=_cpus(files["proc/net/softnet_stat"], stat),
        irqs=_irqs(parts.texts.get("irqs", ""), files),
        net_rx_by_cpu=_net_rx(files.get("proc/softirqs", [])),
        softirq_ratio_by_cpu=softirq,
        steal_ratio=steal,
    )


def _cpus(lines: list[str], stat: list[list[str]]) -> tuple[SoftnetCpu, ...]:
    """One row for each online CPU; kernels before 5.10 do not number the rows, /proc/stat does."""
    online = [natural(words[0][3:]) for words in stat if words[0] != "cpu"]
    found = []
    for row, line in enumerate(lines):
        values = hexadecimals(line)
        number = online[row] if len(online) == len(lines) else row
        found.append(
            SoftnetCpu(
                cpu=values[_INDEX_COLUMN] if len(values) > _INDEX_COLUMN else number,
                processed=values[0],
                dropped=values[1],
                time_squeeze=values[2],
                received_rps=values[9] if len(values) > 9 else 0,
                flow_limit=values[10] if len(values) > 10 else 0,
            )
        )
    return tuple(found)


def _irqs(text: str, files: Mapping[str, list[str]]) -> tuple[Irq, ...]:
    """The rows of /proc/interrupts that belong to an interface: by number, else by a name that starts with its own."""
    devices: dict[str, str] = {}
    unnumbered: list[str] = []
    for line in text.split("\n"):
        name, *numbers = line.split()[:1024] or [""]
        devices.update(dict.fromkeys(numbers, name))
        if name and not numbers:
            unnumbered.append(name)
    rows = files.get("proc/interrupts", [])
    cpus = len(rows[0].split()) if rows else 0
    found = []
    for row in rows[1:]:
        number, _, rest = row.partition(":")
        words = rest.split()
        number, action = number.strip(), words[-1]
        device = devices.get(number) or next((name for name in unnumbered if action.startswith(name)), "")
        if device:
            affinity = files.get(f"proc/irq/{number}/smp_affinity_list")
            counts = tuple(map(int, words[:cpus]))
            found.append(Irq(natural(number), device, counts, affinity[0] if affinity else _NO_AFFINITY, action))
    return tuple(found)


def _net_rx(lines: list[str]) -> tuple[int, ...]:
    for line in lines:
        name, _, rest = line.partition(":")
        if name.strip() == "NET_RX":
            return tuple(naturals(rest.split()))
    return ()


def _shares(stat: list[list[str]]) -> tuple[tuple[float, ...], float]:
    """The share of softirq in the time of each CPU, and of steal in that of all, since boot."""
    softirq: list[float] = []
    steal = 0.0
    for words in stat:
        ticks = naturals(words[1 : _GUEST + 1])
        total = sum(ticks) or 1
        if words[0] == "cpu":
            steal = ticks[_STEAL] / total
        else:
            softirq.append(round(ticks[_SOFTIRQ] / total, 6))
    return tuple(softirq), round(steal, 6)
