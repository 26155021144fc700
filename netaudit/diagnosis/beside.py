"""What ran beside the samples of a host, such as a trace: its answer, or why there is none in the probe's own words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from netaudit.facts.snapshot import value_of
from netaudit.model.probe import Capture, Section, SectionStatus
from netaudit.model.reading import Absent

_LONGEST = 300
_BY_ITSELF = frozenset({SectionStatus.NOT_PRESENT, SectionStatus.NOT_PERMITTED})

T = TypeVar("T")


def sections_of(captures: Sequence[Capture]) -> dict[str, Section]:
    """The last answer of each probe among the samples of one host."""
    return {section.probe_id: section for capture in captures for section in capture.sections}


def answer_of(
    captures: Sequence[Capture], probe: str, parse: Callable[[Section], object], kind: type[T]
) -> T | Absent | None:
    """What a probe that ran once beside the samples told; None when it was not asked for."""
    section = sections_of(captures).get(probe)
    if section is None:
        return None
    found = value_of(section, parse)
    if isinstance(found, Absent):
        said = own_words(section)
        return replace(found, detail=said) if said else found
    if not isinstance(found, kind):
        raise TypeError(f"{type(found).__name__} is no answer of {probe}")
    return found


def own_words(section: Section) -> str:
    """The first line of what a probe said when it ended for a reason that it knows; empty where it does not tell."""
    if section.status not in _BY_ITSELF:
        return ""
    return section.stderr[:_LONGEST].decode("utf-8", "replace").partition("\n")[0].strip()
