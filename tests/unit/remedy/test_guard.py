"""The table of the guard, and what must hold of every way through it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from netaudit.remedy.guard import (
    FINAL,
    STRAIGHT,
    TABLE,
    Event,
    ImpossibleError,
    State,
    after,
    allows,
    as_diagram,
    as_markdown,
    as_text,
    events_of,
    paths,
)


def test_every_state_and_event_is_in_the_table():
    """No state is unreachable, no event is without use, and no row stands there twice."""
    assert set(State) == {row.state for row in TABLE} | {row.to for row in TABLE}
    assert set(Event) == {row.event for row in TABLE}
    assert len(TABLE) == len({(row.state, row.event) for row in TABLE})


def test_every_path_ends_in_one_of_four():
    """Each way through the table ends persisted, rolled back, refused or lost."""
    ends = [path[-1].to for path in paths()]
    assert FINAL == set(ends)
    assert len(ends) > len(TABLE) / 2


def test_nothing_is_applied_before_it_was_armed():
    """Whoever is applied was armed one step before, and that was seen by a new connection."""
    for path in paths():
        states = [row.to for row in path]
        if State.APPLIED in states:
            assert states[: states.index(State.APPLIED)] == [State.CLAIMED, State.ARMED]


def test_nothing_is_confirmed_that_was_not_verified_but_what_the_host_says_itself():
    """Confirmed comes after verified, or out of an undo that found the confirmation there."""
    for path in paths():
        for row in path:
            if row.to is State.CONFIRMED:
                assert row.state in {State.VERIFIED, State.ROLLING_BACK}


def test_persisted_comes_only_from_confirmed():
    """What lasts was confirmed."""
    assert {State.CONFIRMED} == {row.state for row in TABLE if row.to is State.PERSISTED}


def test_final_states_are_left_by_nobody_but_who_resumes_the_lost():
    """Persisted, rolled back and refused are the end; lost is until somebody asks again."""
    for row in TABLE:
        if row.state in FINAL:
            assert (row.state, row.event) == (State.LOST, Event.RESUMED)


def test_every_state_before_the_end_can_be_taken_up_again():
    """A controller may die in each of them."""
    for state in set(State) - FINAL - {State.ROLLING_BACK}:
        assert after(state, Event.RESUMED) is State.ROLLING_BACK


def test_silence_is_an_event_of_every_state_before_the_end():
    """There is no state in which a host that says nothing leaves the controller without an answer."""
    for state in set(State) - FINAL:
        assert allows(state, Event.SILENCE)


def test_an_event_that_cannot_happen_is_a_defect():
    """The table is not walked by guessing."""
    with pytest.raises(ImpossibleError, match=r"confirmed.*cannot happen.*planned"):
        after(State.PLANNED, Event.CONFIRMED)


def test_the_straight_way_is_in_the_table():
    """Each state of it is followed by the next one."""
    for state, to in pairwise(STRAIGHT):
        assert any(row.state is state and row.to is to for row in TABLE)


def test_it_prints_as_text_table_and_diagram():
    """Each form holds every row."""
    text, table, diagram = as_text(), as_markdown(), as_diagram()
    for row in TABLE:
        assert row.means in text
        assert f"| {row.state} | {row.event} | {row.to} |" in table
        if row.event is not Event.RESUMED:
            assert f"{row.state} --> {row.to}: " in diagram
    assert events_of(State.PERSISTED) == ()
