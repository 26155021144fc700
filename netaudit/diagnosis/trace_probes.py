"""The answers of opt-in probes of tracing among the samples of one host."""

from __future__ import annotations

from collections.abc import Sequence

from netaudit.diagnosis.window import Window
from netaudit.facts.snapshot import value_of
from netaudit.facts.trace_probe import parse_seen
from netaudit.model.probe import Capture, Section, SectionStatus
from netaudit.model.reading import Absent
from netaudit.model.trace import ProbeSeen, Seen

_LONGEST = 300
PROBES = ("tcp_receive", "netfilter_verdicts", "application_calls", "drop_stacks")


def probes_of(captures: Sequence[Capture], window: Window) -> tuple[ProbeSeen, ...]:
    """One entry for each that was sent, in the order of ``PROBES``."""
    kernel = window.first.kernel
    offset_s = 0.0 if isinstance(kernel, Absent) else kernel.clock_s - kernel.uptime_s
    sections = {section.probe_id: section for capture in captures for section in capture.sections}
    found = []
    for name in PROBES:
        if name not in sections:
            continue
        seen = value_of(sections[name], parse_seen)
        if isinstance(seen, Seen):
            calls = sum(seen.seconds.values())
            moments = tuple(at_s + offset_s for at_s in seen.moments_s)
            found.append(ProbeSeen(name, "", seen.counts, calls, moments, seen.seconds))
        else:
            found.append(ProbeSeen(name, _why(seen, sections[name])))
    return tuple(found)


def _why(seen: object, section: Section) -> str:
    """The probe's own words, which say more than how it ended; else that."""
    said = section.stderr[:_LONGEST].decode("utf-8", "replace").partition("\n")[0].strip()
    ended_by_itself = section.status in {SectionStatus.NOT_PRESENT, SectionStatus.NOT_PERMITTED}
    return said if said and ended_by_itself else str(seen)
