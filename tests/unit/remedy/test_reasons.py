"""What an operator reads of a host's answer."""

from __future__ import annotations

import pytest

from netaudit.remedy.answer import Answer, Word
from netaudit.remedy.reasons import reason_of
from netaudit.remedy.scripts import StepScript
from netaudit.remedy.work import Work, WorkStep

WORK = Work("web1", "", (WorkStep("net.core.somaxconn", "1", StepScript("r", "a", "u", ("2",))),))


@pytest.mark.parametrize(
    ("word", "why", "alive"), [(Word.ARMED, "", False), (Word.EXPIRED, "ended", False)], ids=["killed", "told-to-end"]
)
def test_a_timer_that_went_with_its_session(word: Word, why: str, alive: bool) -> None:
    """Whether logind's signal ended it at once or let it put things in order: the cause is said, with what helps."""
    reason = reason_of(Answer(word, why, alive=alive), WORK)
    assert reason.text == "the timer did not outlive the session that started it"
    assert "KillUserProcesses" in reason.hint


def test_a_change_that_was_called_off_before_it_began() -> None:
    """That is no fault of the host's."""
    assert reason_of(Answer(Word.EXPIRED, "abandoned"), WORK).text == "it was called off"


def test_a_timer_that_belonged_to_no_session() -> None:
    """Nothing is said of a session where none could have taken it along."""
    reason = reason_of(Answer(Word.ARMED, alive=False, is_bound=False), WORK)
    assert (reason.text, "session" in reason.hint) == ("the timer was ended before anything was changed", False)
