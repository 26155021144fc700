"""Tracing means and tracers."""

from __future__ import annotations

import pytest

from netaudit.facts.tracing import parse_tracing
from netaudit.model.facts import Tracing
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason

STAT = "S 1 7 7 0 -1 4194560 1417 0 4 0 1 0 0 0 20 0 1 0 1200 15826944 1152"
TRACEFS = "#@ tracefs\n"


def tracing(tools: str = "", more: str = "", before: str = TRACEFS) -> Tracing:
    """What is read of an answer."""
    text = f"{before}#@ tools\n{tools}{more}"
    return parse_tracing(Section("tracing", SectionStatus.COMPLETE, 0, text.encode(), b"", 1))


def test_means_are_told() -> None:
    """Drop reasons, kprobes, BTF and bpftrace are there when the probe saw them."""
    found = tracing("bpftrace /usr/bin/bpftrace\nbtf\nkprobes\n", before="#@ tracefs\nreason\n")
    assert (found.kfree_skb_reason, found.kprobes, found.btf, found.bpftrace) == (True, True, True, "/usr/bin/bpftrace")


def test_format_without_a_reason_is_a_no() -> None:
    """A format that was read and names no reason is of a kernel before 5.17."""
    assert tracing().kfree_skb_reason is False


@pytest.mark.parametrize("why", ["not permitted", "not present: not mounted"])
def test_unreadable_tracefs_is_no_no(why: str) -> None:
    """Where tracefs could not be read, neither the reason nor kprobes are denied."""
    found = tracing(before=f"#! tracefs: {why}\n")
    assert isinstance(found.kfree_skb_reason, Absent)
    assert isinstance(found.kprobes, Absent)


def test_kprobes_are_told_without_tracefs() -> None:
    """The kernel's own switch for kprobes answers for them where tracefs does not; tracefs without them is a no."""
    assert tracing("kprobes\n", before="#! tracefs: not permitted\n").kprobes is True
    assert tracing().kprobes is False


def test_tracers_are_listed_with_arguments_and_age() -> None:
    """Each running tracer has its arguments, cut to a readable length, and its age."""
    found = tracing(
        more=f"#@ /proc/uptime\n100.00 1.00\n#@ process 20\nstat 20 (perf) {STAT}\n"
        f"#@ process 7\nstat 7 (tcpdump) {STAT}\narguments tcpdump\x1f-i\x1feth0\x1f{'x' * 900}\x1f\n"
    )
    capture, perf = found.processes
    assert (capture.pid, capture.program, capture.age_s) == (7, "tcpdump", 88.0)
    assert capture.arguments[:3] == ("tcpdump", "-i", "eth0")
    assert len(capture.arguments[3]) == 200
    assert (perf.program, perf.arguments) == ("perf", ())


def test_reason_is_kept() -> None:
    """The reason why tracefs could not be read is the one the probe gave."""
    found = tracing(before="#! tracefs: not permitted\n")
    assert found.kfree_skb_reason == Absent(AbsentReason.NOT_PERMITTED, "tracefs")
