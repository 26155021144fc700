"""Several samples of one host as one capture to keep, and back.

The sections of the first sample stand under ``1/counters``, those of the second under ``2/counters``, and so on; so a
store or a directory that keeps one capture a host keeps them all. What became of each sample is told by a section
``N/sample`` without content but its error.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from netaudit.errors import ErrorKind, Phase
from netaudit.model.probe import Capture, HostError, Section, SectionStatus

MARK = "sample"


def joined(samples: Sequence[Capture]) -> Capture:
    """One capture of all samples; its error is that of the first sample if there was none to follow it."""
    first = samples[0]
    sections: list[Section] = []
    for number, sample in enumerate(samples, 1):
        sections.append(_mark(number, sample))
        sections += [replace(section, probe_id=f"{number}/{section.probe_id}") for section in sample.sections]
    failed = all(sample.error is not None for sample in samples)
    return replace(
        first,
        sections=tuple(sections),
        elapsed_s=sum(sample.elapsed_s for sample in samples),
        error=first.error if failed else None,
        notes=tuple(dict.fromkeys(note for sample in samples for note in sample.notes)),
    )


def is_joined(capture: Capture) -> bool:
    """Whether a capture holds several samples."""
    return any(section.probe_id == f"1/{MARK}" for section in capture.sections)


def separated(capture: Capture) -> tuple[Capture, ...]:
    """The samples that a capture was joined of. Raises ValueError when it is damaged."""
    marks: dict[int, Section] = {}
    parts: dict[int, list[Section]] = {}
    for section in capture.sections:
        number, slash, probe = section.probe_id.partition("/")
        if not slash or not number.isdigit():
            raise ValueError(f"{section.probe_id!r} is no section of a sample")
        if probe == MARK:
            marks[int(number[:6])] = section
        else:
            parts.setdefault(int(number[:6]), []).append(replace(section, probe_id=probe))
    return tuple(_sample(capture, mark, tuple(parts.get(number, ()))) for number, mark in sorted(marks.items()))


def _mark(number: int, sample: Capture) -> Section:
    error = sample.error
    said = [error.kind, error.message, error.phase, error.hint] if error else None
    text = json.dumps({"started": sample.started_at.isoformat(), "elapsed_s": sample.elapsed_s, "error": said})
    return Section(f"{number}/{MARK}", SectionStatus.COMPLETE, 0, text.encode("ascii"), b"", 0)


def _sample(whole: Capture, mark: Section, sections: tuple[Section, ...]) -> Capture:
    try:
        said = json.loads(mark.stdout)
        kind, message, phase, hint = said["error"] or ("", "", "", "")
        error = HostError(ErrorKind(kind), str(message), Phase(phase), str(hint)) if kind else None
        started_at = datetime.fromisoformat(said["started"]).astimezone(UTC)
        elapsed_s = float(said["elapsed_s"])
    except (ValueError, TypeError, KeyError) as wrong:
        raise ValueError(f"the mark of a sample is damaged: {wrong}") from wrong
    return replace(whole, started_at=started_at, elapsed_s=elapsed_s, sections=sections, error=error)
