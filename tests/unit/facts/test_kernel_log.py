"""Kernel log lines by topic."""

from __future__ import annotations

from netaudit.facts.kernel_log import parse_kernel_log
from netaudit.model.facts import KernelLog
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason


def log(text: str) -> KernelLog | Absent:
    """What is read of an answer."""
    return parse_kernel_log(Section("kernel_log", SectionStatus.COMPLETE, 0, text.encode(), b"", 1))


def test_lines_are_in_order_of_time_with_their_counts() -> None:
    """Lines of all topics stand in order of time; the count of a topic may exceed the lines that were kept."""
    found = log(
        "syn-flood\t1\t[  200.5] TCP: request_sock_TCP: Possible SYN flooding on port 80\n"
        "conntrack-full\t61\t<4>[  100.25] nf_conntrack: table full\n"
    )
    assert isinstance(found, KernelLog)
    assert [(line.topic, line.at_s) for line in found.lines] == [("conntrack-full", 100.25), ("syn-flood", 200.5)]
    assert found.lines[0].text == "nf_conntrack: table full"
    assert found.counts == {"conntrack-full": 61, "syn-flood": 1}


def test_line_without_a_stamp_has_no_time() -> None:
    """A kernel that stamps no times gives lines all the same."""
    found = log("link-down\t1\teth0: link down\n")
    assert isinstance(found, KernelLog)
    assert isinstance(found.lines[0].at_s, Absent)
    assert found.lines[0].text == "eth0: link down"


def test_silence_is_an_empty_log() -> None:
    """Nothing of ours in the log is an answer."""
    assert log("") == KernelLog((), {})


def test_log_that_was_refused_is_not_permitted() -> None:
    """A log that only root may read is absent, not empty."""
    assert log("#! dmesg: not permitted\n") == Absent(AbsentReason.NOT_PERMITTED, "dmesg")


def test_lines_of_another_form_are_passed_over() -> None:
    """What is no line of the probe says nothing."""
    assert log("hello\nsyn-flood\tx\tt\n\t\n") == KernelLog((), {})
