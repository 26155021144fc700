"""What is compared: the samples of one host that belong together, the growth between them, and what was odd.

Samples of different boots are not compared, and neither are those between which the host's clock ran backwards: the
longest run of good ones counts. Rates are by the host's own clock since boot, which no setting of the time moves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from netaudit.diagnosis.counters import counters_of
from netaudit.diagnosis.deltas import Deltas, Moment, deltas_of
from netaudit.model.facts import Facts
from netaudit.model.probe import HostError
from netaudit.model.reading import Absent, is_known
from netaudit.units import format_duration

_JUMP_S = 2.0  # by which time of day and uptime may differ: one of them is told in whole seconds
_STALL_S, _STALL_RATIO = 3.0, 1.5  # by both of which the clocks here and there must differ
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer of the host: its facts, or what went wrong."""

    facts: Facts | None
    error: HostError | None = None

    @property
    def boot_id(self) -> str:
        """The boot that it is of; empty when the host did not tell."""
        kernel = self.facts.kernel if self.facts else None
        return kernel.boot_id if kernel is not None and is_known(kernel) else ""

    @property
    def at_s(self) -> float:
        """When it was taken: seconds since boot, else by the controller's clock."""
        if self.facts is None:
            return 0.0
        kernel = self.facts.kernel
        return kernel.uptime_s if is_known(kernel) else self.facts.taken_at.timestamp()


@dataclass(frozen=True, slots=True)
class Window:
    """What is known of a host over some time. There is at least one sample."""

    samples: tuple[Facts, ...]
    deltas: Deltas
    notes: tuple[str, ...] = ()

    @property
    def first(self) -> Facts:
        """The earliest sample."""
        return self.samples[0]

    @property
    def last(self) -> Facts:
        """The latest one."""
        return self.samples[-1]

    @property
    def has_growth(self) -> bool:
        """Whether there are two moments to compare."""
        return len(self.samples) > 1

    def sysctl(self, name: str) -> str | None:
        """A setting as the host printed it; None when it is not known."""
        for facts in self.samples:
            if is_known(facts.sysctl) and name in facts.sysctl.values:
                return facts.sysctl.values[name]
        return None

    def setting(self, name: str) -> int | None:
        """A setting that is one number."""
        text = self.sysctl(name)
        return int(text) if text is not None and text.lstrip("-").isdigit() and len(text) < 20 else None

    def log_lines(self, topic: str) -> tuple[str, ...]:
        """What the kernel log says of a topic within this window; lines without a time are taken if they are new."""
        log = self.last.kernel_log
        if isinstance(log, Absent):
            return ()
        earlier = self.first.kernel_log
        before = earlier.counts.get(topic, 0) if is_known(earlier) else 0
        start = self.first.kernel.uptime_s if is_known(self.first.kernel) else None
        new = log.counts.get(topic, 0) > before
        return tuple(
            line.text
            for line in log.lines
            if line.topic == topic and (new if isinstance(line.at_s, Absent) or start is None else line.at_s >= start)
        )


def window_of(samples: Sequence[Sample]) -> Window | None:
    """The window over the samples that belong together; None when not one of them was answered."""
    notes = list(_failures(samples))
    runs = _runs(samples)
    if not runs:
        return None
    chosen = max(reversed(runs), key=len)
    notes += _breaks(runs)
    notes += _clock_notes(chosen)
    moments = [Moment(sample.at_s, counters_of(sample.facts)) for sample in chosen if sample.facts is not None]
    deltas = deltas_of(moments)
    if len(chosen) < 2:
        notes.append(
            "one sample only: what grows cannot be told, and queues, tables and limits are judged as they stand"
        )
    notes += _counter_notes(deltas)
    facts = tuple(sample.facts for sample in chosen if sample.facts is not None)
    return Window(facts, deltas, tuple(notes))


def _failures(samples: Sequence[Sample]) -> Iterator[str]:
    for number, sample in enumerate(samples, 1):
        if sample.error is not None:
            yield f"sample {number} of {len(samples)} failed: {sample.error.kind}: {sample.error.message}"


def _runs(samples: Sequence[Sample]) -> list[list[Sample]]:
    """The samples that were answered, broken where a boot ends or the clock runs backwards."""
    runs: list[list[Sample]] = []
    for sample in samples:
        if sample.facts is None:
            continue
        last = runs[-1][-1] if runs else None
        if last is not None and last.boot_id == sample.boot_id and sample.at_s > last.at_s:
            runs[-1].append(sample)
        else:
            runs.append([sample])
    return runs


def _breaks(runs: Sequence[Sequence[Sample]]) -> Iterator[str]:
    for before, after in pairwise(runs):
        if before[-1].boot_id != after[0].boot_id:
            yield "the host was rebooted between two samples (another boot_id): only those of one boot are compared"
        else:
            yield "the host's clock since boot ran backwards between two samples: only those in order are compared"


def _clock_notes(samples: Sequence[Sample]) -> Iterator[str]:
    for before, after in pairwise(samples):
        if before.facts is None or after.facts is None:
            continue
        old, new = before.facts.kernel, after.facts.kernel
        if isinstance(old, Absent) or isinstance(new, Absent):
            yield "the host's clock is not known: rates are by the controller's"
            continue
        since_boot = new.uptime_s - old.uptime_s
        jump = new.clock_s - old.clock_s - since_boot
        if abs(jump) > _JUMP_S:
            yield f"the host's time of day jumped by {jump:+.0f} s; rates are by its clock since boot, which did not"
        here = max(0.001, (after.facts.taken_at - before.facts.taken_at).total_seconds())
        if abs(here - since_boot) > _STALL_S and not 1 / _STALL_RATIO < since_boot / here < _STALL_RATIO:
            passed = f"{format_duration(here)} passed here and {format_duration(since_boot)} on the host"
            yield f"{passed}: it, or the way to it, stood still"


def _counter_notes(deltas: Deltas) -> Iterator[str]:
    if deltas.reset:
        yield f"set back between samples, so what they did is not known: {_named(deltas.reset)}"
    if deltas.vanished:
        yield f"there in the first sample and gone later: {_named(deltas.vanished)}"


def _named(names: Sequence[str]) -> str:
    """The first few names, and how many more."""
    told = ", ".join(names[:_NAMED])
    return f"{told} and {len(names) - _NAMED} more" if len(names) > _NAMED else told
