"""What the probe ``trace_events`` printed, as one trace: drops by reason and place, TCP events, driver and stack."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from netaudit.facts.numbers import decimal, natural
from netaudit.facts.parts import Parts, split_parts
from netaudit.model.probe import Section
from netaudit.model.reading import Absent
from netaudit.model.trace import DevicePath, Drop, Means, Scope, TcpEvent, Trace

_REASON = re.compile(r'\{ ?(\d{1,10}), "([A-Z0-9_]{1,64})" ?\}', re.ASCII)
_SUBSYSTEMS = {1: "MAC80211_UNUSABLE", 2: "MAC80211_MONITOR", 3: "OPENVSWITCH"}
_DROPS = "kfree_skb"
_PATHS = ("netif_receive_skb", "net_dev_queue")
_MOST = 400  # different drops, and different TCP events
_MOST_BINS = 5000


def parse_trace(section: Section) -> Trace:
    """The trace that a section holds. Raises ValueError or KeyError for what is none."""
    parts = split_parts(section)
    host = dict(line.partition(" ")[::2] for line in parts["host"].splitlines())
    uptime_s, clock_s = decimal(host["uptime"]), decimal(host["clock"])
    reasons = reason_names(parts.texts.get("reasons", ""))
    counted = _Counted(parts.texts.get("counts", ""), clock_s - uptime_s)
    bpf = _bpftrace(parts.texts.get("bpftrace", ""), reasons, host.get("namespace", ""))
    means = Means.BPFTRACE if "bpftrace" in parts.texts else Means.TRACEFS if counted.has_drops else Means.NONE
    return Trace(
        means=means,
        seconds=decimal(parts.texts.get("seconds", "0").strip() or "0"),
        started_uptime_s=uptime_s,
        clock_offset_s=clock_s - uptime_s,
        drops=_ordered([*bpf.drops, *counted.drops]),
        elsewhere=bpf.elsewhere,
        tcp=tuple(sorted(counted.tcp, key=lambda each: (-each.count, each.event))[:_MOST]),
        series={**counted.series, **bpf.series},
        paths=tuple(each for event in _PATHS for each in _paths(event, parts)),
        unseen_drops=counted.unseen_drops,
        unseen_events=counted.unseen_events,
        notes=tuple(_notes(parts, means)),
    )


def reason_names(text: str) -> Mapping[int, str]:
    """The kernel's own names of drop reasons: the symbols in the format of skb:kfree_skb. Numbers differ by kernel."""
    return {natural(number): name for number, name in _REASON.findall(text)}


def _named(number: int, reasons: Mapping[int, str]) -> str:
    """The name of a reason; those of a subsystem carry its number in the upper half."""
    subsystem = _SUBSYSTEMS.get(number >> 16)
    return reasons.get(number) or (f"{subsystem}_{number & 0xFFFF}" if subsystem else f"REASON_{number}")


def _ordered(drops: list[Drop]) -> tuple[Drop, ...]:
    return tuple(sorted(drops, key=lambda one: (-one.packets, one.reason, one.place))[:_MOST])


class _Counted:
    """What awk counted on the host, line by line."""

    def __init__(self, text: str, clock_offset_s: float) -> None:
        self.drops: list[Drop] = []
        self.tcp: list[TcpEvent] = []
        self.series: dict[tuple[int, str, str], int] = {}
        self.unseen_drops = 0
        self.unseen_events = 0
        self.has_drops = False
        self._symbols: dict[str, str] = {}
        self._offset_s = clock_offset_s
        for line in text.splitlines():
            self._take(line)

    def _take(self, line: str) -> None:
        kind, _, rest = line.partition(" ")
        match kind:
            case "written":
                name, written, seen = rest.split(" ")
                self.has_drops |= name == "drops"
                unseen = max(0, natural(written) - natural(seen))
                if name == "drops":
                    self.unseen_drops += unseen
                else:
                    self.unseen_events += unseen
            case "symbol":
                address, _, symbol = rest.partition(" ")
                self._symbols[address] = symbol
            case "total":
                count, event, *words = rest.split(" ")
                self._total(natural(count), event, dict(word.partition("=")[::2] for word in words))
            case "second":
                at, count, event, *tag = rest.split(" ")
                if len(self.series) < _MOST_BINS:
                    self.series[round(natural(at) + self._offset_s), event, " ".join(tag)] = natural(count)
            case _:
                raise ValueError(f"{kind[:40]!r} is no count")

    def _total(self, count: int, event: str, details: dict[str, str]) -> None:
        if event != _DROPS:
            self.tcp.append(TcpEvent(event, count, details))
            return
        reason = details.get("reason", "")
        if reason.startswith("0x"):
            reason = _named(int(reason, 16), {})
        place = details.get("place", "").removeprefix("0x")
        protocol = details.get("protocol", "")
        self.drops.append(
            Drop(
                reason="" if reason == "-" else reason,
                place=self._symbols.get(place, place),
                protocol=int(protocol) if protocol.isdigit() else 0,
                packets=count,
                scope=Scope.MACHINE,
            )
        )


class _Bpftrace:
    """What bpftrace told, one JSON object a line; maps hold everything since the beginning."""

    def __init__(self, namespace: str) -> None:
        self.drops: list[Drop] = []
        self.elsewhere: dict[str, int] = {}
        self.series: dict[tuple[int, str, str], int] = {}
        self._namespace = namespace
        self._before: dict[str, int] = {}
        self._clock = 0

    def second(self, clock: int) -> None:
        """What follows was counted until then; it happened in the second before."""
        self._clock = clock - 1

    def counts(self, counts: Mapping[str, int], reasons: Mapping[int, str]) -> None:
        """All drops so far."""
        if self._clock and len(self.series) < _MOST_BINS:
            for key, count in counts.items():
                grown = count - self._before.get(key, 0)
                bin_ = self._clock, _DROPS, _named(int(key.partition(",")[0]), reasons)
                if grown > 0:
                    self.series[bin_] = self.series.get(bin_, 0) + grown
        self._before.update(counts)
        self._clock = 0

    def finish(self, reasons: Mapping[int, str]) -> None:
        """No more follow."""
        together: dict[tuple[str, str, int, Scope], int] = {}
        for key, count in self._before.items():
            reason, protocol, place, namespace = key.split(",")
            scope = Scope.NAMESPACE if namespace == self._namespace else Scope.MACHINE
            drop = _named(int(reason), reasons) if reasons else "", place.partition("+")[0], int(protocol), scope
            together[drop] = together.get(drop, 0) + count
        self.drops = [Drop(*drop[:3], packets=count, scope=drop[3]) for drop, count in together.items()]


def _bpftrace(text: str, reasons: Mapping[int, str], namespace: str) -> _Bpftrace:
    said = _Bpftrace(namespace)
    for kind, data in _objects(text):
        if kind == "time" and isinstance(data, str):
            said.second(natural(data.strip()))
        elif kind == "map" and isinstance(data, dict):
            for name, counts in data.items():
                if name == "@drops":
                    said.counts(_numbers(counts), reasons)
                elif name == "@elsewhere":
                    said.elsewhere = {_named(int(key), reasons): count for key, count in _numbers(counts).items()}
    said.finish(reasons)
    return said


def _objects(text: str) -> Iterator[tuple[str, object]]:
    """Type and data of each whole line of JSON; the last one may be cut."""
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                said = json.loads(line)
            except (ValueError, RecursionError):
                continue
            yield str(said.get("type", "")), said.get("data")


def _numbers(counts: object) -> dict[str, int]:
    if not isinstance(counts, dict):
        return {}
    return {str(key): count for key, count in list(counts.items())[:_MOST] if isinstance(count, int)}


def _paths(event: str, parts: Parts) -> Iterator[DevicePath]:
    """Interfaces of the host's own namespace at which something passed in that second."""
    if event not in parts.texts:
        return
    before, after = _devices(parts[f"{event} before"]), _devices(parts[f"{event} after"])
    written, seen = 0, {}
    for line in parts[event].splitlines():
        word, *rest = line.split(" ")
        if word == "written":
            written = natural(rest[0])
        else:
            seen[rest[0]] = natural(rest[1]), natural(rest[2])
    looked_at = sum(packets for packets, _ in seen.values())
    factor = written / looked_at if looked_at else 1.0
    first = 0 if event == _PATHS[0] else 8  # columns of /proc/net/dev: eight received, then those that were sent
    for device, counters in after.items():
        grown = [new - old for new, old in zip(counters, before.get(device, counters), strict=True)]
        packets, total_bytes = seen.get(device, (0, 0))
        if packets or grown[first + 1] > 0:
            yield DevicePath(
                device=device,
                event=event,
                driver_packets=max(0, grown[first + 1]),
                driver_bytes=max(0, grown[first]),
                driver_dropped=max(0, grown[first + 3]),
                stack_packets=round(packets * factor),
                stack_bytes=round(total_bytes * factor),
                is_estimate=factor > 1.01,  # not only what came while it was being read
            )


def _devices(text: str) -> dict[str, list[int]]:
    found = {}
    for line in text.splitlines():
        device, colon, columns = line.rpartition(":")
        if colon and "|" not in line:
            found[device.strip()] = [natural(word) for word in columns.split()]
    return found


def _notes(parts: Parts, means: Means) -> Iterator[str]:
    """What was not to be had, and what was done about it."""
    tracefs = parts.texts.get("tracefs", "")
    if "private" in tracefs.splitlines():
        yield "tracefs is not mounted there: it was mounted for this while in a mount namespace of its own"
    stale = [line.partition(" ")[2] for line in tracefs.splitlines() if line.startswith("removed ")]
    if stale:
        yield f"what an earlier trace had left there was removed: {', '.join(stale[:3])}"
    failed = parts.texts.get("bpftrace failed")
    if failed is not None:
        told = [line for line in failed.splitlines() if line.strip() and "RLIMIT_MEMLOCK" not in line]
        told = told or [failed.strip() or "it said nothing"]
        yield f"bpftrace did not work ({told[-1].strip()[:160]}): {_INSTEAD[means]}"
    if isinstance(missing := parts.missing.get("bpftrace"), Absent) and means is Means.TRACEFS:
        yield f"bpftrace is {missing.detail}: {_INSTEAD[means]}"
    for label, absent in parts.missing.items():
        if label != "bpftrace":
            yield f"{label}: {absent}"


_INSTEAD = {
    Means.BPFTRACE: "",
    Means.TRACEFS: "drops were counted through tracefs alone, which tells those of all network namespaces as one",
    Means.NONE: "drops were not traced",
}
