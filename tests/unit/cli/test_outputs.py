"""Files of reports: whole or not there, their owner's only, and never in the place of a device."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from netaudit.cli.telling.outputs import Output, ReportFile, opened, parse_outputs
from netaudit.errors import UsageError

FORMATS = ("console", "json", "jsonl")


def test_the_first_format_is_the_default():
    """Without -o the console, on standard output."""
    assert (Output("console", None),) == parse_outputs([], FORMATS)
    assert (Output("json", None),) == parse_outputs(["json"], FORMATS)


def test_a_path_may_hold_an_equals_sign(tmp_path):
    """Only the first one separates."""
    (output,) = parse_outputs([f"json={tmp_path}/a=b.json"], FORMATS)
    assert tmp_path / "a=b.json" == output.path


def test_a_file_appears_whole(tmp_path):
    """While it is written it has no name that anybody knows; then it has its own, and nothing else is left."""
    path = tmp_path / "report.json"
    with opened(Output("json", path)) as stream:
        stream.write("half ")
        stream.flush()
        assert not path.exists()
        stream.write("whole \udcff")
    assert "half whole \\udcff" == path.read_text()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == list(tmp_path.iterdir())


def test_a_failure_leaves_nothing(tmp_path):
    """The old report stays; the error is the one that happened, not one of the file."""
    path = tmp_path / "report.json"
    path.write_text("old")

    def write():
        with opened(Output("json", path)) as stream:
            stream.write("new")
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        write()
    assert "old" == path.read_text()
    assert [path] == list(tmp_path.iterdir())


def test_a_file_that_cannot_be_made(tmp_path):
    """The option is named."""
    with pytest.raises(UsageError, match=r"-o json=.*/gone/x: No such file or directory"):
        ReportFile(Output("json", tmp_path / "gone" / "x"), tmp_path / "gone" / "x")


def test_what_is_no_file_is_not_replaced(tmp_path):
    """A pipe gets the bytes and stays a pipe."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with opened(Output("json", pipe)) as stream:
            stream.write("through")
        assert b"through" == os.read(reader, 100)
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_a_full_device_is_told_when_it_is_flushed():
    """The error names the option, and leaving does not raise once more."""

    def write():
        with opened(Output("jsonl", Path("/dev/full"))) as stream:
            stream.write("x" * 100_000)
            stream.flush()

    with pytest.raises(UsageError, match="-o jsonl=/dev/full: No space left on device"):
        write()
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)
