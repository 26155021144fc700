"""Running settings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.facts.sysctl import name_of, parse_sysctl, path_of
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason


def section(stdout: str, stderr: str = "") -> Section:
    """A complete answer of the probe."""
    return Section("sysctl", SectionStatus.COMPLETE, 0, stdout.encode(), stderr.encode(), 1)


def test_names_are_written_as_sysctl_writes_them() -> None:
    """Slashes become dots; a dot of an interface name becomes a slash, and comes back."""
    assert name_of("net/ipv4/conf/eth0.100/rp_filter") == "net.ipv4.conf.eth0/100.rp_filter"
    assert path_of("net.ipv4.conf.eth0/100.rp_filter") == "net/ipv4/conf/eth0.100/rp_filter"


@given(st.text(alphabet="abc./-_", max_size=30))
def test_name_and_path_are_inverse(path: str) -> None:
    """A path becomes a name and the same path again."""
    assert path_of(name_of(path)) == path


def test_values_are_kept_as_text_with_single_blanks() -> None:
    """Tabs and runs of blanks become one blank, blanks at the end go, an empty value stays empty."""
    values = parse_sysctl(section("net/a:4096\t131072\t6291456\nnet/b:1   2 \nnet/c:\nnet/d:x  y\t\n")).values
    assert values == {"net.a": "4096 131072 6291456", "net.b": "1 2", "net.c": "", "net.d": "x y"}


@pytest.mark.parametrize("other", ["", "net/plain:1\n", "net/plain:1\nnet/more:2\n"])
def test_values_may_hold_colons(other: str) -> None:
    """The first colon ends the path, however many there are and whatever stands around."""
    values = parse_sysctl(section(f"{other}net/key:52:a9:00\nnet/last:3\n")).values
    assert values["net.key"] == "52:a9:00"
    assert values["net.last"] == "3"


def test_colons_that_even_out_do_not_shift_names() -> None:
    """A line without a colon beside one with two is not understood, rather than read askew."""
    with pytest.raises(ValueError, match=r"^oops$"):
        parse_sysctl(section("net/a:1\noops\nnet/b:2:3\n"))


def test_lines_of_one_setting_are_joined() -> None:
    """A setting of several lines keeps them; one that was read twice is taken once."""
    values = parse_sysctl(section("net/a:1\nnet/m:x\nnet/m:y\nnet/b:2\nnet/a:1\n")).values
    assert values == {"net.a": "1", "net.m": "x\ny", "net.b": "2"}


def test_what_could_not_be_read_says_so() -> None:
    """A file that the kernel refused is absent with its reason; one that is not there is not mentioned."""
    absent = parse_sysctl(
        section(
            "net/a:1\n",
            "grep: net/core/bpf_jit_limit: Permission denied\ngrep: net/ipv6/[!cn]*: No such file or directory\n",
        )
    ).absent
    assert absent == {"net.core.bpf_jit_limit": Absent(AbsentReason.NOT_PERMITTED, "Permission denied")}


def test_left_out_interfaces_are_named() -> None:
    """Where there are too many interfaces, the tree of their settings is not finished."""
    found = parse_sysctl(section("#! net/ipv4/conf: not finished: of 22 interfaces some\nnet/a:1\n"))
    assert found.values == {"net.a": "1"}
    assert found.absent == {"net.ipv4.conf": Absent(AbsentReason.NOT_FINISHED, "of 22 interfaces some")}


def test_no_settings_are_no_error() -> None:
    """An empty answer has no settings."""
    assert parse_sysctl(section("")).values == {}
