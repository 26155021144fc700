"""Open files."""

from __future__ import annotations

import pytest

from netaudit.facts.limits import UNLIMITED, parse_limits
from netaudit.model.facts import ProcessLimits
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason

FILES = "proc/sys/fs/file-nr:1:1000\t0\t9223372036854775807\nproc/sys/fs/nr_open:1:1048576\n"
STAT = "S 1 7 7 0 -1 4194560 1417 0 4 0 1 0 0 0 20 0 1 0 1200 15826944 1152"


def section(files: str = "", more: str = "") -> Section:
    """A complete answer of the probe."""
    text = f"{more}#@ /proc/uptime\n100.00 1.00\n#@ files\n{FILES}{files}"
    return Section("sockets", SectionStatus.COMPLETE, 0, text.encode(), b"", 1)


def process(stat: str, limits: str = "1024 4096", cgroup: str = "0::/", more: str = "") -> ProcessLimits:
    """The one process of an answer."""
    files = f"proc/7/limits:8:Max open files  {limits}  files\nproc/7/stat:1:{stat}\nproc/7/cgroup:1:{cgroup}\n"
    found = parse_limits(section(files, more)).processes
    assert isinstance(found, tuple)
    return found[0]


def test_host_limits_are_read() -> None:
    """Allocated and highest number of files of the host, and the highest limit a process may have."""
    limits = parse_limits(section())
    assert (limits.files_allocated, limits.files_max, limits.nr_open) == (1000, 2**63 - 1, 1048576)
    assert limits.processes == ()


@pytest.mark.parametrize("name", ["sshd", "a b", "x) (y", "(", ")))", "nginx: worker"])
def test_names_may_hold_anything(name: str) -> None:
    """A command name with blanks and parentheses neither ends early nor moves the fields behind it."""
    found = process(f"7 ({name}) {STAT}")
    assert (found.process, found.age_s) == (name, 88.0)


def test_limits_open_files_user_and_unit() -> None:
    """Soft and hard limit, number of open files, the user's name and the unit of a process."""
    found = process(
        f"7 (sshd) {STAT}", cgroup="0::/system.slice/ssh.service/inner", more="#@ open files\n7 12\n#@ users\n7 0\n"
    )
    assert (found.nofile_soft, found.nofile_hard, found.open_files) == (1024, 4096, 12)
    assert (found.user, found.unit) == ("0", "ssh.service")
    assert process(f"7 (sshd) {STAT}", limits="unlimited unlimited").nofile_hard == UNLIMITED


def test_name_of_the_user_comes_from_passwd() -> None:
    """The number of the owner becomes the name that the host lists for it."""
    text = f"proc/7/limits:8:Max open files 1 2 files\nproc/7/stat:1:7 (x) {STAT}\netc/passwd:3:www-data:x:33:\n"
    found = parse_limits(section(text, "#@ users\n7 33\n")).processes
    assert isinstance(found, tuple)
    assert found[0].user == "www-data"


def test_hidden_owners_make_the_processes_absent() -> None:
    """Where some sockets' processes cannot be seen, those that can be seen are not passed off as all."""
    limits = parse_limits(section("", "#! processes: not permitted: the owners of 3 sockets\n"))
    assert limits.processes == Absent(AbsentReason.NOT_PERMITTED, "the owners of 3 sockets")
    assert limits.files_allocated == 1000


def test_process_that_ended_is_left_out() -> None:
    """A process of which only the name was still there is not listed."""
    assert parse_limits(section("proc/7/stat:1:7 (x\n")).processes == ()


def test_uncounted_files_say_so() -> None:
    """A directory of descriptors that could not be read is absent, not zero."""
    found = process(f"7 (x) {STAT}")
    assert isinstance(found.open_files, Absent)
    assert found.open_files.reason is AbsentReason.NOT_PERMITTED


def test_lines_of_limits_conf_are_read() -> None:
    """The nofile lines of limits.conf and of its directory, with place, domain, kind and value."""
    text = (
        "etc/security/limits.conf:5:* soft nofile 4096\n"
        "etc/security/limits.d/9.conf:1:@web - nofile unlimited\n"
        "etc/security/limits.d/9.conf:2:not a nofile line\n"
    )
    found = parse_limits(section(text)).limits_conf
    assert [(line.file, line.line, line.domain, line.kind, line.value) for line in found] == [
        ("/etc/security/limits.conf", 5, "*", "soft", "4096"),
        ("/etc/security/limits.d/9.conf", 1, "@web", "-", "unlimited"),
    ]


def test_a_host_without_these_files_has_no_limits() -> None:
    """What the probe says is the reason; an answer without a word on them is no zero either."""
    said = Section("sockets", SectionStatus.COMPLETE, 0, b"#! files: not present: /proc/sys/fs/file-nr\n", b"", 1)
    assert parse_limits(said) == Absent(AbsentReason.NOT_PRESENT, "/proc/sys/fs/file-nr")
    silent = Section("sockets", SectionStatus.COMPLETE, 0, b"#@ ss\n", b"", 1)
    assert parse_limits(silent) == Absent(AbsentReason.NOT_PRESENT, "files")


def test_processes_beyond_the_bound_are_named_and_unknown() -> None:
    """Where too many processes listen, nothing is read of the others; they are there, with the reason."""
    row = 'tcp LISTEN 0 128 *:{port} *:* users:(("{name}",pid={pid},fd=3))\n'
    rows = row.format(port=1, name="web", pid=7) + row.format(port=2, name="late one", pid=9)
    files = f"proc/7/limits:8:Max open files  1024 4096  files\nproc/7/stat:1:7 (web) {STAT}\n"
    found = parse_limits(section(files, f"#@ ss\n{rows}#@ left out\n 9 10 \n")).processes
    assert isinstance(found, tuple)
    assert [(one.pid, one.process) for one in found] == [(7, "web"), (9, "late one"), (10, "")]
    for one in found[1:]:
        assert isinstance(one.nofile_soft, Absent)
        assert one.nofile_soft.reason is AbsentReason.NOT_FINISHED
        assert isinstance(one.free_files, Absent)
