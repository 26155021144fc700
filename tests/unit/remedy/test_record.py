"""What follows from the journal for whoever takes changes up again."""

from __future__ import annotations

from datetime import UTC, datetime

from netaudit.remedy.record import ChangeRecord, to_be_undone
from netaudit.remedy.scripts import StepScript
from netaudit.remedy.work import FileState, Work, WorkStep

SET = StepScript("cat f", "echo 2 >f", "echo 1 >f", ("2",))
AGAIN = StepScript("systemctl is-active web", "systemctl restart web", "systemctl restart web", ("active",))


def record(name: str, *scripts: StepScript, files: tuple[FileState, ...] = ()) -> ChangeRecord:
    """A change of some steps."""
    steps = tuple(WorkStep(str(place), "1", script) for place, script in enumerate(scripts))
    return ChangeRecord(name, "r", "web1", 0, "me", datetime(2026, 1, 1, tzinfo=UTC), Work("web1", "", steps, files))


def test_what_is_only_done_again_is_undone_last() -> None:
    """A service is restarted when the setting it was restarted for has its old value back."""
    records = [record("a", SET), record("restart", AGAIN), record("b", SET)]
    assert [each.id for each in to_be_undone(records)] == ["restart", "a", "b"]


def test_a_change_that_also_sets_or_writes_something_keeps_its_place() -> None:
    """Whatever has a value or a file to put back is undone in its turn."""
    file = FileState("/etc/sysctl.d/x.conf", b"")
    records = [record("a", SET), record("mixed", SET, AGAIN), record("kept", AGAIN, files=(file,))]
    assert [each.id for each in to_be_undone(records)] == ["a", "mixed", "kept"]
