"""From a capture to facts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from netaudit.facts.snapshot import facts_of
from netaudit.model.facts import Memory, Persisted, Sysctls
from netaudit.model.probe import Capture, Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason

WHEN = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
MEMORY = b"#@ /proc/self/smaps\nKernelPageSize:        4 kB\n#@ files\nproc/meminfo:MemTotal: 1024 kB\n"


def section(probe: str, stdout: bytes, status: SectionStatus = SectionStatus.COMPLETE, **more: bytes) -> Section:
    """A section of a probe."""
    return Section(probe, status, 0, stdout, more.get("stderr", b""), 1)


def capture(*sections: Section) -> Capture:
    """A whole capture."""
    return Capture("web1", "192.0.2.1", "", WHEN, 0.1, sections)


def test_facts_carry_where_and_when() -> None:
    """Host, address and time are those of the capture."""
    facts = facts_of(capture())
    assert (facts.host, facts.address, facts.taken_at) == ("web1", "192.0.2.1", WHEN)


def test_what_was_not_sent_is_not_asked() -> None:
    """A domain whose probe has no section is *not asked*."""
    assert facts_of(capture()).memory == Absent(AbsentReason.NOT_ASKED)


def test_only_asked_domains_are_parsed() -> None:
    """Named domains are read, the others are not asked although their text is there."""
    facts = facts_of(capture(section("system", MEMORY), section("sysctl", b"==> net/a <==\n1\n")), ["memory"])
    assert isinstance(facts.memory, Memory)
    assert facts.sysctl == Absent(AbsentReason.NOT_ASKED)
    assert isinstance(facts_of(capture(section("sysctl", b"==> net/a <==\n1\n"))).sysctl, Sysctls)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (SectionStatus.NOT_APPLICABLE, AbsentReason.NOT_APPLICABLE),
        (SectionStatus.NOT_PRESENT, AbsentReason.NOT_PRESENT),
        (SectionStatus.NOT_PERMITTED, AbsentReason.NOT_PERMITTED),
        (SectionStatus.FAILED, AbsentReason.NOT_FINISHED),
        (SectionStatus.TIMED_OUT, AbsentReason.NOT_FINISHED),
        (SectionStatus.CUT, AbsentReason.NOT_FINISHED),
    ],
)
def test_ending_of_a_section_is_the_reason(status: SectionStatus, reason: AbsentReason) -> None:
    """A section that did not complete gives no value, though it has text, and says how it ended."""
    facts = facts_of(capture(section("system", MEMORY, status, stderr=b"sh: boom\nmore\n")))
    assert isinstance(facts.memory, Absent)
    assert facts.memory.reason is reason
    assert "system" in facts.memory.detail
    assert facts.memory.detail.endswith("sh: boom")


def test_one_broken_domain_leaves_the_others() -> None:
    """What one parser cannot understand is absent, the other domains of the same section are read."""
    facts = facts_of(capture(section("system", MEMORY)))
    assert isinstance(facts.memory, Memory)
    assert isinstance(facts.kernel, Absent)
    assert facts.kernel.reason is AbsentReason.NOT_UNDERSTOOD
    assert "/proc/sys/kernel/osrelease" in facts.kernel.detail


def test_hosts_that_answer_alike_share_what_was_read() -> None:
    """The same bytes are read once, whatever else differs; other bytes, and errors, are read for themselves."""
    text = b"#@ loaders\nprocps libproc2.so.0\n#@ entries\nfile /etc/sysctl.conf\n#@ lines\netc/sysctl.conf:1:%s=1\n"
    first, again, other, broken = (
        facts_of(capture(Section("persisted", SectionStatus.COMPLETE, 0, stdout, b"", took))).persisted
        for took, stdout in enumerate([text % b"net.a", text % b"net.a", text % b"net.b", b"#@ entries\n"])
    )
    assert isinstance(first, Persisted)
    assert first is again
    assert isinstance(other, Persisted)
    assert (list(first.system), list(other.system)) == (["net.a"], ["net.b"])
    assert isinstance(broken, Absent)


def test_a_refusal_is_not_taken_for_the_answer_of_another_host() -> None:
    """What stands on standard error counts as well."""
    text = b"#@ loaders\n#@ entries\nfile /etc/sysctl.conf\n#@ lines\n"
    open_to_all = facts_of(capture(section("persisted", text)))
    refused = b"grep: etc/sysctl.conf: Permission denied\n"
    closed = facts_of(capture(section("persisted", text, stderr=refused)))
    assert isinstance(open_to_all.persisted, Persisted)
    assert closed.persisted == Absent(AbsentReason.NOT_PERMITTED, "/etc/sysctl.conf")
