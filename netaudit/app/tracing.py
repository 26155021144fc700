"""What runs on hosts beside the samples of a diagnosis: traces and watchers, each in a channel of its own.

All are the same for every host of a run, so that their payloads have one digest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netaudit.app.sampling import Beside
from netaudit.model.probe import Probe

TRACE = "trace_events"
LONGEST_TRACE_S = 50  # a probe ends after a minute
SHORTEST_TRACE_S = 2
_STARTING_S = 15.0  # bpftrace compiles its program first


@dataclass(frozen=True, slots=True)
class Companions:
    """What was asked for besides samples. ``run_id`` is a few hex digits that tell this run's traces from others'."""

    run_id: str
    trace: bool = False


def companions(asked: Companions, probes: Sequence[Probe], for_s: float) -> tuple[Beside, ...]:
    """The payloads that run beside the samples of ``for_s`` seconds."""
    by_id = {probe.id: probe for probe in probes}
    seconds = max(SHORTEST_TRACE_S, min(LONGEST_TRACE_S, int(for_s)))
    found: list[Beside] = []
    if asked.trace:
        found.append(_beside(by_id[TRACE], seconds, {"TRACE_ID": asked.run_id}))
    return tuple(found)


def _beside(probe: Probe, seconds: int, params: Mapping[str, str]) -> Beside:
    return Beside(probe, {"TRACE_S": str(seconds), **params}, seconds + _STARTING_S)
