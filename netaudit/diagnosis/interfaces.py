"""Holds each interface of a host against one cause, and makes one case of it: of several that are hit, all are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from netaudit.diagnosis.rule import Case
from netaudit.diagnosis.state import nics
from netaudit.diagnosis.window import Window
from netaudit.model.facts import Nic

_TOLD = 10  # whose summaries are evidence; of more than that, the names
_SUMS = frozenset({"bond", "team"})  # what their members counted is counted in them once more


def of_interfaces(window: Window, judge: Callable[[Window, Nic], Case | None]) -> Case | None:
    """The one case of all interfaces that are hit; None when none is."""
    here = nics(window)
    found = {nic.name: case for nic in here if (case := judge(window, nic))}
    hit = {nic.master for nic in here if nic.name in found}
    return _together(
        [found[nic.name] for nic in here if nic.name in found and not (nic.kind in _SUMS and nic.name in hit)]
    )


def _together(cases: Sequence[Case]) -> Case | None:
    """The surest comes first, and the others are in its evidence, subjects and changes."""
    if len(cases) < 2:
        return cases[0] if cases else None
    first, *others = sorted(cases, key=lambda case: -case.confidence.rank)
    said = [case.summary for case in others[:_TOLD]]
    if unsaid := [name for case in others[_TOLD:] for name in case.subjects]:
        said.append(f"the same of {', '.join(unsaid)}")
    every = (first, *others)
    return replace(
        first,
        summary=f"{first.summary}; and {len(others)} more interface{'s' if len(others) > 1 else ''}",
        changes=tuple(name for case in every for name in case.changes),
        evidence=tuple(dict.fromkeys((*said, *(text for case in every for text in case.evidence)))),
        subjects=tuple(dict.fromkeys(name for case in every for name in case.subjects)),
    )
