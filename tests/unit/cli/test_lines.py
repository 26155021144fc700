"""Reports that are a line a host, and reports that fail on the way."""

from __future__ import annotations

import pytest

from netaudit.cli.telling.lines import Guarded, Lines
from netaudit.cli.telling.outputs import Output
from netaudit.errors import UsageError


@pytest.mark.parametrize("kept", [True, False])
def test_a_file_has_its_name_once_it_is_whole(tmp_path, kept):
    """Every line is there at once; what is given up leaves nothing."""
    path = tmp_path / "hosts.jsonl"
    lines = Lines(Output("jsonl", path))
    lines.write("one")
    (growing,) = tmp_path.iterdir()
    assert growing != path
    assert growing.read_text() == "one\n"
    if kept:
        lines.keep()
    lines.close()
    assert [each.name for each in tmp_path.iterdir()] == (["hosts.jsonl"] if kept else [])


def test_lines_without_a_file_go_to_standard_output(capsys):
    """And closing them closes nothing."""
    lines = Lines(Output("jsonl", None))
    lines.write("one")
    lines.keep()
    lines.close()
    lines.write("two")
    assert capsys.readouterr().out == "one\ntwo\n"


def test_a_report_that_fails_is_told_nothing_more():
    """Its first failure is said once; what is no failure of a report is raised."""
    said, told = [], []

    def full(report):
        told.append(report)
        raise UsageError("no space left")

    guarded = Guarded("report", said.append)
    guarded.tell(told.append)
    guarded.tell(full)
    guarded.tell(full)
    assert told == ["report", "report"]
    assert [error.message for error in said] == ["no space left"]
    with pytest.raises(ZeroDivisionError):
        Guarded("report", said.append).tell(lambda _report: 1 // 0)
