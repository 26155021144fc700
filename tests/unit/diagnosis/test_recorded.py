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


def _told(case: str, edits: dict[bytes, bytes]):
    """The causes of a case whose last answer told something else of its interfaces, and the notes about backlogs."""
    first, last = (_sample(folder) for folder in sorted((CASES / case).iterdir()))
    (nics,) = (section for section in last.sections if section.probe_id == "nics")
    text = nics.stdout
    for before, after in edits.items():
        assert text.count(before) == 1
        text = text.replace(before, after)
    sections = tuple(replace(nics, stdout=text) if section is nics else section for section in last.sections)
    diagnosis = diagnosis_of([first, replace(last, sections=sections)])
    return [cause.id for cause in diagnosis.causes], [note for note in diagnosis.notes if "backlog" in note]


def test_a_burst_that_is_not_named_is_told():
    """One packet less are too few for a cause, and are not kept quiet."""
    assert _told("broadcasts", {b"4973      0     128 ": b"4973      0     127 "}) == (
        [],
        ["a burst found the backlog of a CPU full and lost 9 packets: too few to be named a cause"],
    )
    assert _told("broadcasts", {}) == (["cpu-backlog"], [])
    assert _told("flood", {})[1] == []


def test_frames_that_a_full_backlog_can_have_taken_are_told():
    """They are not called too long, and are not kept quiet; where the backlog is a cause, that says it."""
    received, sent = b"4973      0     128 ", b"3470      0       0 "
    none_lost, nine, one = b"4973      0     118 ", b"3470      0       9 ", b"3470      0       1 "
    assert _told("broadcasts", {received: none_lost}) == ([], [])
    note = "a CPU of this machine had a full backlog: it can have lost {} that this host sent"
    assert _told("broadcasts", {received: none_lost, sent: nine}) == ([], [note.format("9 frames")])
    assert _told("broadcasts", {received: none_lost, sent: one}) == ([], [note.format("1 frame")])
    assert _told("broadcasts", {sent: nine}) == (["cpu-backlog"], [])


def test_queues_of_nobody_are_said_to_be():
    """What a program left behind when it ended waits without a process."""
    stuck = [queue for queue in _diagnosis("window-closed-orphan").stuck if queue.kind == "send"]
    assert {queue.holder for queue in stuck} == {"no process"}
