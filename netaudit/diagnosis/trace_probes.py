"""The answers of opt-in probes of tracing among the samples of one host."""

from __future__ import annotations

from collections.abc import Sequence

from netaudit.diagnosis.beside import own_words, sections_of
from netaudit.diagnosis.window import Window
from netaudit.facts.snapshot import value_of
from netaudit.facts.trace_probe import parse_seen
from netaudit.model.probe import Capture
from netaudit.model.reading import Absent
from netaudit.model.trace import ProbeSeen, Seen

PROBES = ("tcp_receive", "netfilter_verdicts", "application_calls", "drop_stacks")


def probes_of(captures: Sequence[Capture], window: Window) -> tuple[ProbeSeen, ...]:
    """One entry for each that was sent, in the order of ``PROBES``."""
    kernel = window.first.kernel
    offset_s = 0.0 if isinstance(kernel, Absent) else kernel.clock_s - kernel.uptime_s
    sections = sections_of(captures)
    found = []
    for name in PROBES:
        if (section := sections.get(name)) is None:
            continue
        seen = value_of(section, parse_seen)
        if isinstance(seen, Seen):
            calls = sum(seen.seconds.values())
            moments = tuple(at_s + offset_s for at_s in seen.moments_s)
            found.append(ProbeSeen(name, "", seen.counts, calls, moments, seen.seconds))
        else:
            found.append(ProbeSeen(name, own_words(section) or str(seen)))
    return tuple(found)
