"""Several samples as one capture to keep, and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.diagnosis.samples import is_joined, joined, separated
from netaudit.errors import ErrorKind, Phase
from netaudit.model.probe import Capture, HostError, Section, SectionStatus
from netaudit.wire.codec import dump_capture, load_capture

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECTIONS = st.builds(
    Section, st.sampled_from(("counters", "nics", "system")), st.sampled_from(SectionStatus), st.integers(0, 9),
    st.binary(max_size=20), st.binary(max_size=5), st.integers(0, 99),
)  # fmt: skip
ERRORS = st.none() | st.builds(
    HostError, st.sampled_from(ErrorKind), st.text(max_size=9), st.sampled_from(Phase), st.just("")
)


def captures(sections, error, place):
    """One sample."""
    unique = {section.probe_id: section for section in sections}
    return Capture("web1", "192.0.2.1", "d", START + timedelta(seconds=place), 0.5, tuple(unique.values()), error)


@given(st.lists(st.tuples(st.lists(SECTIONS, max_size=3), ERRORS), min_size=1, max_size=4))
def test_samples_come_back_as_they_were(rows):
    """Also through the bytes that are kept."""
    samples = [captures(sections, error, place) for place, (sections, error) in enumerate(rows)]
    whole = joined(samples)
    assert is_joined(whole)
    back = separated(load_capture(dump_capture(whole)))
    assert [(one.started_at, one.sections) for one in back] == [(one.started_at, one.sections) for one in samples]
    assert [bool(one.error) for one in back] == [bool(one.error) for one in samples]
    assert (whole.error is None) == any(error is None for _, error in rows)


def test_a_plain_capture_is_not_joined():
    """One of the audit's is a single sample."""
    assert not is_joined(captures([], None, 0))


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"started":1}', b"\xff"])
def test_damaged_marks_are_refused(text):
    """Whoever changed the file gets one line."""
    whole = joined([captures([], None, 0)])
    broken = replace(whole, sections=(replace(whole.sections[0], stdout=text),))
    with pytest.raises(ValueError, match="damaged"):
        separated(broken)


def test_foreign_sections_are_refused():
    """A section that is of no sample cannot be told apart."""
    whole = joined([captures([], None, 0)])
    stray = replace(whole.sections[0], probe_id="counters")
    with pytest.raises(ValueError, match="no section of a sample"):
        separated(replace(whole, sections=(*whole.sections, stray)))
