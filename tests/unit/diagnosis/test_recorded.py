"""Windows that were recorded on hosts: what is named, and what is not, out of the text that probes printed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from netaudit.diagnosis import diagnosis_of
from netaudit.model.probe import Capture, Section, SectionStatus

CASES = Path(__file__).parents[2] / "cases" / "windows"
NAMED = {
    "broadcasts": ["cpu-backlog"],
    "flood": ["cpu-backlog", "firewall-drop"],
    "window-closed": ["peer-not-reading", "path-mtu-black-hole"],
    "window-closed-orphan": [],
}


def _sample(folder: Path) -> Capture:
    """One answer: a file a probe."""
    sections = tuple(
        Section(path.name, SectionStatus.COMPLETE, 0, path.read_bytes(), b"", 1) for path in sorted(folder.iterdir())
    )
    at = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(seconds=5 * int(folder.name))
    return Capture("web03", "192.0.2.3", "", at, 0.1, sections)


def _diagnosis(case: str):
    return diagnosis_of([_sample(folder) for folder in sorted((CASES / case).iterdir())])


@pytest.mark.parametrize("case", NAMED)
def test_what_was_recorded_is_named(case):
    """The causes that the hosts had, and no others."""
    assert [cause.id for cause in _diagnosis(case).causes] == NAMED[case]


def test_every_recorded_window_is_held_against_its_causes():
    """No folder is forgotten."""
    assert {path.name for path in CASES.iterdir() if path.is_dir()} == set(NAMED)


def test_a_burst_that_is_not_named_is_told():
    """One packet less are too few for a cause, and are not kept quiet."""
    first, last = (_sample(folder) for folder in sorted((CASES / "broadcasts").iterdir()))
    counted = {section.probe_id: section.stdout for section in last.sections}
    assert counted["nics"].count(b"     128       0") == 1
    fewer = counted["nics"].replace(b"     128       0", b"     127       0")
    sections = tuple(
        replace(section, stdout=fewer) if section.probe_id == "nics" else section for section in last.sections
    )
    diagnosis = diagnosis_of([first, replace(last, sections=sections)])
    assert not diagnosis.causes
    assert [note for note in diagnosis.notes if "backlog" in note] == [
        "a burst found the backlog of a CPU full and lost 9 packets: too few to be named a cause"
    ]
    assert not any("backlog" in note for note in (*_diagnosis("flood").notes, *_diagnosis("broadcasts").notes))


def test_queues_of_nobody_are_said_to_be():
    """What a program left behind when it ended waits without a process."""
    stuck = [queue for queue in _diagnosis("window-closed-orphan").stuck if queue.kind == "send"]
    assert {queue.holder for queue in stuck} == {"no process"}
