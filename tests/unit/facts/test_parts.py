"""Cutting an answer into its parts."""

from __future__ import annotations

from netaudit.facts.parts import grep_lines, split_parts, unreadable
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason


def section(text: str) -> Section:
    """A complete section with some text."""
    return Section("any", SectionStatus.COMPLETE, 0, text.encode(), b"", 1)


def test_parts_are_cut_at_their_labels() -> None:
    """Each part has the lines below its label, whole ones; what stands before the first label has none."""
    parts = split_parts(section("before\n#@ /proc/a\none\ntwo\n#@ tool -x\n#@ last\nno newline"))
    assert parts.texts == {"": "before\n", "/proc/a": "one\ntwo\n", "tool -x": "", "last": "no newline\n"}
    assert parts["last"] == "no newline\n"


def test_label_that_comes_twice_is_one_part() -> None:
    """The texts under one label are joined, line by line."""
    assert split_parts(section("#@ a\n1\n#@ b\n2\n#@ a\n3")).texts == {"a": "1\n3\n", "b": "2\n"}


def test_label_inside_a_line_is_text() -> None:
    """Only a line of its own is a label: a path in front of it keeps text of users harmless."""
    parts = split_parts(section("#@ files\netc/x:1:#@ fake\netc/x:2:#! fake: not permitted\n"))
    assert list(parts.texts) == ["files"]
    assert parts.missing == {}


def test_reasons_are_taken_out_of_the_text() -> None:
    """A mark gives its label's reason and detail, wherever it stands; a mark without a known reason is text."""
    parts = split_parts(section("#! /proc/a: not permitted\n#@ b\n1\n#! tool: x: not present: no tool\n#! odd\n2\n"))
    assert parts.missing == {
        "/proc/a": Absent(AbsentReason.NOT_PERMITTED, "/proc/a"),
        "tool: x": Absent(AbsentReason.NOT_PRESENT, "no tool"),
    }
    assert parts["b"] == "1\n#! odd\n2\n"


def test_missing_part_says_why() -> None:
    """A part that is not there has the reason the probe gave, else it is not present."""
    parts = split_parts(section("#! a: not finished: too many\n#@ b\n"))
    assert parts.text("a") == Absent(AbsentReason.NOT_FINISHED, "too many")
    assert parts.text("b") == ""
    assert parts.text("c") == Absent(AbsentReason.NOT_PRESENT, "c")


def test_bytes_that_are_no_text_are_replaced() -> None:
    """Invalid UTF-8 becomes replacement characters."""
    odd = Section("any", SectionStatus.COMPLETE, 0, b"#@ a\n\xff\xfe\n", b"", 1)
    assert split_parts(odd)["a"] == "��\n"


def test_lines_of_grep_are_gathered_by_file() -> None:
    """Lines keep their colons; a line without one belongs to no file."""
    text = "proc/a:1:2\nBinary file matches\nproc/b:\nproc/a:3\n"
    assert grep_lines(text) == {"proc/a": ["1:2", "3"], "proc/b": [""]}


def test_unreadable_files_are_read_from_standard_error() -> None:
    """GNU and busybox wordings give the path and the reason; other noise gives nothing."""
    stderr = (
        b"grep: net/a: Permission denied\n"
        b"grep: net/b: No such file or directory\n"
        b"cat: can't open '/proc/c': Operation not permitted\n"
        b"grep: net/d: Input/output error\n"
        b"head: cannot open 'net/e' for reading: Permission denied\n"
        b"head: error reading 'net/f': Invalid argument\n"
        b"noise\n"
    )
    reasons = {path: absent.reason for path, absent in unreadable(stderr).items()}
    assert reasons == {
        "net/a": AbsentReason.NOT_PERMITTED,
        "net/b": AbsentReason.NOT_PRESENT,
        "/proc/c": AbsentReason.NOT_PERMITTED,
        "net/d": AbsentReason.NOT_APPLICABLE,
        "net/e": AbsentReason.NOT_PERMITTED,
        "net/f": AbsentReason.NOT_APPLICABLE,
    }
    assert unreadable(b"") == {}
