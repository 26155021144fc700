"""The diagnosis: samples of every host at the same moments, causes in pure functions, observers told as it goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from netaudit.app.audit import Outcome
from netaudit.app.collect import deadline_s as whole_s
from netaudit.app.ports import Observer
from netaudit.app.rules import SAMPLE
from netaudit.app.sampling import Beat, Sampler, offsets_s
from netaudit.diagnosis import PROBES_BETWEEN, PROBES_EACH, PROBES_ONCE, diagnosis_of
from netaudit.diagnosis.links import linked
from netaudit.diagnosis.results import report_of
from netaudit.diagnosis.samples import joined
from netaudit.errors import ErrorKind, Phase
from netaudit.fleet.tally import Tally
from netaudit.model.diagnosis import HostDiagnosis
from netaudit.model.probe import Capture, HostError, Probe
from netaudit.model.result import HostStatus, RunInfo
from netaudit.model.target import Target
from netaudit.wire.bundle import build

Told = Callable[[int, HostDiagnosis], None]


def beat_of(probes: Sequence[Probe], for_s: float, every_s: float | None) -> Beat:
    """What is asked when: settings once, everything at both ends, counters in between."""
    by_id = {probe.id: probe for probe in probes}
    moments = offsets_s(for_s, every_s)
    asked = []
    for place in range(len(moments)):
        ends = place in {0, len(moments) - 1}
        names = (*(PROBES_EACH if ends else PROBES_BETWEEN), *(PROBES_ONCE if place == 0 else ()))
        asked.append(tuple(by_id[name] for name in names if name in by_id))
    params: tuple[Mapping[str, str], ...] = tuple({SAMPLE: str(place + 1)} for place in range(len(moments)))
    return Beat(moments, tuple(asked), params)


def digests_of(beat: Beat, deadline_s: int) -> tuple[str, ...]:
    """The digests of the payloads that are sent, in their order: equal for all hosts."""
    return tuple(
        build(probes, nonce="0" * 32, deadline_s=deadline_s, params=params).digest
        for probes, params in zip(beat.probes, beat.params, strict=True)
    ) + tuple(
        build((one.probe,), nonce="0" * 32, deadline_s=whole_s(one.limit_s), params=one.params).digest
        for one in beat.beside
    )


@dataclass(slots=True)
class Diagnosing:
    """One run over many hosts. ``told`` gets each diagnosis as it is ready, and again when others explain it."""

    observer: Observer
    told: Told
    timeline: bool = False
    _tally: Tally = field(default_factory=Tally)
    _known: dict[int, HostDiagnosis] = field(default_factory=dict)

    async def run(
        self, run: RunInfo, targets: Sequence[Target], sampler: Sampler, beat: Beat, stop: asyncio.Event
    ) -> Outcome:
        """Sample and diagnose every host. Once ``stop`` is set, hosts are diagnosed by what they have told so far."""
        clock = time.monotonic()
        self.observer.started(run, [target.name for target in targets])
        left = set(range(len(targets)))

        def done(place: int, captures: tuple[Capture, ...]) -> None:
            left.discard(place)
            self.take(place, captures)

        await replace(sampler, started=self.observer.host_started).run(targets, beat, done, stop)
        for place in sorted(left):
            self._tell(place, _cancelled(targets[place]), None)
        return self.finish(replace(run, duration_s=time.monotonic() - clock, interrupted=stop.is_set()))

    def take(self, place: int, captures: tuple[Capture, ...]) -> None:
        """Diagnose one host by its samples and tell."""
        duration_s = sum(capture.elapsed_s for capture in captures)
        self._tell(place, diagnosis_of(captures, duration_s, timeline=self.timeline), joined(captures))

    def finish(self, run: RunInfo) -> Outcome:
        """Tell that all hosts are known."""
        for place, diagnosis in linked(self._known).items():
            self.told(place, diagnosis)
        outcome = Outcome(run, self._tally.summary(()), ())
        self.observer.finished(outcome.run, outcome.summary, outcome.fleet)
        return outcome

    def _tell(self, place: int, diagnosis: HostDiagnosis, capture: Capture | None) -> None:
        report = report_of(diagnosis)
        if diagnosis.causes:
            self._known[place] = diagnosis
        self._tally.add(report)
        self.told(place, diagnosis)
        self.observer.host_done(place, report, capture)


def _cancelled(target: Target) -> HostDiagnosis:
    error = HostError(ErrorKind.CANCELLED, "the run was interrupted before this host was asked", Phase.CONNECT)
    return HostDiagnosis(target.name, target.address, HostStatus.UNREACHABLE, error, 0.0)
