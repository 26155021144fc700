"""What files will set again."""

from __future__ import annotations

from netaudit.facts.persisted import parse_persisted
from netaudit.model.facts import Persisted
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason

SYSTEMD = "systemd runs\nsystemd-sysctl /usr/lib/systemd/systemd-sysctl\nprocps libproc2.so.0\n"


def answer(entries: str, lines: str, *, loaders: str = SYSTEMD, more: str = "", stderr: str = "") -> Section:
    """A complete answer of the probe."""
    text = f"#@ loaders\n{loaders}#@ entries\n{entries}#@ lines\n{lines}{more}"
    return Section("persisted", SectionStatus.COMPLETE, 0, text.encode(), stderr.encode(), 1)


def read(entries: str, lines: str, **more: str) -> Persisted:
    """What the parser makes of it."""
    found = parse_persisted(answer(entries, lines, **more))
    assert isinstance(found, Persisted)
    return found


def test_boot_and_system_differ_by_sysctl_conf() -> None:
    """systemd-sysctl does not read /etc/sysctl.conf; ``sysctl --system`` reads it last."""
    found = read(
        "file /etc/sysctl.d/90-a.conf\nfile /etc/sysctl.conf\n",
        "etc/sysctl.d/90-a.conf:1:net.core.somaxconn = 4096\netc/sysctl.conf:7:net.core.somaxconn=1024\n",
    )
    assert (found.boot["net.core.somaxconn"].value, found.boot["net.core.somaxconn"].line) == ("4096", 1)
    assert (found.system["net.core.somaxconn"].file, found.system["net.core.somaxconn"].line) == ("/etc/sysctl.conf", 7)


def test_link_to_sysctl_conf_is_read_by_both() -> None:
    """Where 99-sysctl.conf leads to /etc/sysctl.conf, boot sets what stands there, by the name of the link."""
    found = read(
        "conf /etc/sysctl.d/99-sysctl.conf\nfile /etc/sysctl.conf\n",
        "etc/sysctl.d/99-sysctl.conf:2:net.a.b = 1\netc/sysctl.conf:2:net.a.b = 1\n",
    )
    assert found.boot["net.a.b"].file == "/etc/sysctl.d/99-sysctl.conf"
    assert found.system["net.a.b"].file == "/etc/sysctl.conf"
    assert [file.target for file in found.files] == ["", "/etc/sysctl.conf"]


def test_masked_and_replaced_files_say_nothing() -> None:
    """A link to /dev/null, or any entry of the same name further up, silences a file; it is listed as masked."""
    found = read(
        "null /etc/sysctl.d/50-a.conf\nfile /usr/lib/sysctl.d/50-a.conf\n"
        "directory /run/sysctl.d/60-b.conf\nfile /usr/lib/sysctl.d/60-b.conf\n",
        "usr/lib/sysctl.d/50-a.conf:1:net.a = 1\nusr/lib/sysctl.d/60-b.conf:1:net.b = 1\n",
    )
    assert found.boot == found.system == {}
    assert {file.path: file.masked for file in found.files} == {
        "/etc/sysctl.d/50-a.conf": False, "/usr/lib/sysctl.d/50-a.conf": True,
        "/run/sysctl.d/60-b.conf": False, "/usr/lib/sysctl.d/60-b.conf": True,
    }  # fmt: skip


def test_wildcards_become_the_names_they_match() -> None:
    """A pattern is resolved by what the host says it matches now."""
    found = read(
        "file /etc/sysctl.d/a.conf\n",
        "etc/sysctl.d/a.conf:3:net.ipv4.conf.*.rp_filter = 2\n",
        more="#@ glob net/ipv4/conf/*/rp_filter\nnet/ipv4/conf/eth0.5/rp_filter\nnet/ipv4/conf/lo/rp_filter\n",
    )
    assert sorted(found.boot) == ["net.ipv4.conf.eth0/5.rp_filter", "net.ipv4.conf.lo.rp_filter"]
    assert found.boot["net.ipv4.conf.lo.rp_filter"].line == 3


def test_names_with_colons_and_blanks_are_told_apart() -> None:
    """A file name with colons does not shift the line number, for the entries say where it ends."""
    found = read(
        "file /etc/sysctl.d/a:1:b c.conf\n", "etc/sysctl.d/a:1:b c.conf:12:net.a = 1\n",
    )  # fmt: skip
    assert (found.boot["net.a"].file, found.boot["net.a"].line) == ("/etc/sysctl.d/a:1:b c.conf", 12)


def test_unreadable_file_makes_all_of_it_absent() -> None:
    """What stands in a file that could not be read might win: nothing is foretold then."""
    section = answer("file /etc/sysctl.d/a.conf\n", "", stderr="grep: etc/sysctl.d/a.conf: Permission denied\n")
    assert parse_persisted(section) == Absent(AbsentReason.NOT_PERMITTED, "/etc/sysctl.d/a.conf")


def test_without_systemd_boot_is_what_sysctl_sets() -> None:
    """Where systemd-sysctl is missing or masked, the init scripts' ``sysctl --system`` decides."""
    for loaders in ("", "systemd runs\nsystemd-sysctl /x\nsystemd-sysctl masked\n"):
        found = read("file /etc/sysctl.conf\n", "etc/sysctl.conf:1:net.a = 1\n", loaders=loaders)
        assert found.boot == found.system != {}
        assert not found.systemd
    assert read("", "").systemd


def test_old_procps_is_told_by_its_library() -> None:
    """Before 3.3.17 /run came first and wildcards meant nothing; its library has a lower number."""
    entries = "file /etc/sysctl.d/a.conf\nfile /run/sysctl.d/a.conf\n"
    lines = "etc/sysctl.d/a.conf:1:net.a = 1\nrun/sysctl.d/a.conf:1:net.a = 2\nrun/sysctl.d/a.conf:2:net.*.x = 2\n"
    more = "#@ glob net/*/x\nnet/b/x\n"
    for library, value in (
        ("libprocps.so.8.0.2", "2"), ("libprocps.so.4.0.0", "2"), ("libprocps.so.8.0.3", "1"),
        ("libproc2.so.0.0.2", "1"),
    ):  # fmt: skip
        found = read(entries, lines, loaders=f"procps {library}\n", more=more)
        assert found.system["net.a"].value == value, library
        assert "net.b.x" not in found.system


def test_problems_name_their_line() -> None:
    """A line that is no assignment is named with file and line, once, and only where a loader reads it."""
    found = read(
        "file /etc/sysctl.d/a.conf\nfile /usr/lib/sysctl.d/a.conf\nfile /etc/sysctl.conf\n",
        "etc/sysctl.d/a.conf:4:  net.a 1\nusr/lib/sysctl.d/a.conf:1:bad\netc/sysctl.conf:1:worse\n",
    )
    assert found.problems == (
        "/etc/sysctl.d/a.conf:4: not an assignment: net.a 1",
        "/etc/sysctl.conf:1: not an assignment: worse",
    )


def test_modules_and_their_options() -> None:
    """Modules of modules-load.d and /etc/modules, and options of modprobe.d, by the names the kernel uses."""
    found = read(
        "file /etc/modules-load.d/k.conf\nfile /etc/modprobe.d/c.conf\nfile /etc/modules\n",
        "etc/modules-load.d/k.conf:1:nf-conntrack\netc/modules:3:tcp_bbr extra\n"
        "etc/modprobe.d/c.conf:1:options nf_conntrack hashsize=1\netc/modprobe.d/c.conf:2:options nf-conntrack acct=1\n"
        "etc/modprobe.d/c.conf:3:blacklist x\n",
    )
    assert found.modules_load == ("nf_conntrack", "tcp_bbr")
    assert found.module_options == {"nf_conntrack": "hashsize=1 acct=1"}


def test_digest_changes_with_an_assignment_only() -> None:
    """Equal assignments have equal digests wherever they stand in the file."""
    entries = "file /etc/sysctl.d/a.conf\n"
    first, same, other = (
        read(entries, lines).files[0].digest
        for lines in (
            "etc/sysctl.d/a.conf:1:net.a = 1\n",
            "etc/sysctl.d/a.conf:9: net.a = 1\n",
            "etc/sysctl.d/a.conf:1:net.a = 2\n",
        )
    )
    assert first == same != other
