"""Order and meaning of files of settings; the loaders themselves are asked in ``tests/probes``."""

from __future__ import annotations

import pytest

from netaudit.facts.precedence import (
    DIRECTORIES,
    OLD_PROCPS_DIRECTORIES,
    Assignment,
    Line,
    files_in_order,
    path_of_key,
    procps_values,
    read_procps,
    read_systemd,
    systemd_values,
)


def line(text: str, number: int = 1) -> Line:
    """A line of some file."""
    return Line("/etc/sysctl.d/a.conf", number, text)


def said(*texts: str) -> list[Assignment]:
    """What systemd-sysctl reads in these lines."""
    return [one for number, text in enumerate(texts, 1) for one in read_systemd(line(text, number)) or ()]


def test_files_are_ordered_by_name_over_all_directories() -> None:
    """Names decide, in bytes; of one name the highest directory's file is read, be it a mask."""
    present = [
        "/usr/lib/sysctl.d/50-default.conf", "/etc/sysctl.d/10-a.conf", "/run/sysctl.d/50-default.conf",
        "/usr/lib/sysctl.d/99-z.conf", "/etc/sysctl.d/Z.conf", "/etc/sysctl.d/.x.conf", "/etc/sysctl.conf",
    ]  # fmt: skip
    assert files_in_order(present, DIRECTORIES, dotfiles=False) == (
        "/etc/sysctl.d/10-a.conf", "/run/sysctl.d/50-default.conf", "/usr/lib/sysctl.d/99-z.conf",
        "/etc/sysctl.d/Z.conf",
    )  # fmt: skip
    assert files_in_order(present, DIRECTORIES, dotfiles=True)[0] == "/etc/sysctl.d/.x.conf"


def test_old_procps_prefers_run() -> None:
    """Before procps 3.3.17 a file in /run replaced its namesake in /etc."""
    both = ["/etc/sysctl.d/a.conf", "/run/sysctl.d/a.conf"]
    assert files_in_order(both, DIRECTORIES, dotfiles=True) == ("/etc/sysctl.d/a.conf",)
    assert files_in_order(both, OLD_PROCPS_DIRECTORIES, dotfiles=True) == ("/run/sysctl.d/a.conf",)


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("net.ipv4.tcp_rmem", "net/ipv4/tcp_rmem"),
        ("net/ipv4/tcp_rmem", "net/ipv4/tcp_rmem"),
        ("net.ipv4.conf.eth0/100.rp_filter", "net/ipv4/conf/eth0.100/rp_filter"),
        ("net/ipv4/conf/eth0.100/rp_filter", "net/ipv4/conf/eth0.100/rp_filter"),
        ("/net//ipv4/ip_forward", "net/ipv4/ip_forward"),
        ("nothing", "nothing"),
        ("", ""),
    ],
)
def test_first_separator_decides(key: str, path: str) -> None:
    """Dots and slashes change places if a dot comes first, and stay if a slash does."""
    assert path_of_key(key) == path


@pytest.mark.parametrize("text", ["# net.a = 1", "; net.a = 1", "", "   ", "\t# x", "\r"])
def test_comments_and_empty_lines_say_nothing(text: str) -> None:
    """Both loaders pass over comments and empty lines."""
    assert not read_systemd(line(text))
    assert not read_procps(line(text))


@pytest.mark.parametrize("text", ["net.a 1", "hello", "\ufeffnet.a"])
def test_lines_without_an_assignment_cannot_be_used(text: str) -> None:
    """A line that neither assigns nor takes back is of no use to either loader."""
    assert read_systemd(line(text)) is None
    assert read_procps(line(text)) is None


def test_blanks_after_the_minus_differ() -> None:
    """systemd strips the key behind a minus, procps looks for a file whose name begins with a blank."""
    systemd, procps = read_systemd(line("- net.a = 1")), read_procps(line("- net.a = 1"))
    assert systemd is not None
    assert procps is not None
    assert systemd[0].path == "net/a"
    assert procps[0].path == " net/a"


def test_carriage_return_ends_a_line_for_systemd_only() -> None:
    """Two assignments in one line of an old Macintosh are two for systemd-sysctl, one odd value for procps."""
    both = read_systemd(line("net.a = 1\rnet.b = 2"))
    one = read_procps(line("net.a = 1\rnet.b = 2"))
    assert both is not None
    assert one is not None
    assert [(found.path, found.value) for found in both] == [("net/a", "1"), ("net/b", "2")]
    assert len(one) == 1


def test_last_value_wins_with_its_place() -> None:
    """A key assigned twice has the later value, and the later line is named."""
    for values in (systemd_values, procps_values):
        winner = values(said("net.a = 1", "net.b = 2", "net.a = 3"), {})["net/a"]
        assert (winner.value, winner.file, winner.line) == ("3", "/etc/sysctl.d/a.conf", 3)


def test_taking_back_differs() -> None:
    """A later key behind a bare minus takes the value back under systemd-sysctl and not under procps."""
    lines = said("net.a = 1", "-net.a")
    assert systemd_values(lines, {}) == {}
    assert procps_values(lines, {})["net/a"].value == "1"


def test_wildcards_leave_named_keys_alone() -> None:
    """What is named anywhere, assigned or kept out, is not touched by a wildcard before or after it."""
    matches = {"net/*/x": ["net/a/x", "net/b/x", "net/c/x"]}
    lines = said("net.*.x = 1", "net.a.x = 5", "-net.b.x")
    for values in (systemd_values, procps_values):
        assert {path: value.value for path, value in values(lines, matches).items()} == {
            "net/a/x": "5", "net/c/x": "1",
        }  # fmt: skip


def test_repeated_wildcard_keeps_its_place_under_systemd() -> None:
    """The same value again does not move an assignment; another value does. procps applies each in turn."""
    matches = {"net/*/x": ["net/a/x"], "net/a*/x": ["net/a/x"]}
    same = said("net.*.x = 1", "net.a*.x = 2", "net.*.x = 1")
    assert systemd_values(same, matches)["net/a/x"].value == "2"
    assert procps_values(same, matches)["net/a/x"].value == "1"
    moved = said("net.*.x = 1", "net.a*.x = 2", "net.*.x = 3")
    assert systemd_values(moved, matches)["net/a/x"].value == "3"


def test_values_have_single_blanks() -> None:
    """The fields of a vector are compared whatever stood between them."""
    assert systemd_values(said("net.a =  4096\t87380   6291456 "), {})["net/a"].value == "4096 87380 6291456"
