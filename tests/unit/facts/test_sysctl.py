"""Running settings."""

from __future__ import annotations

import random

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


def files(*pairs: tuple[str, str]) -> str:
    """What head prints of files with these texts."""
    return "\n".join(f"==> {path} <==\n{text}" for path, text in pairs)


def test_values_are_kept_as_text_with_single_blanks() -> None:
    """Tabs and runs of blanks become one blank, blanks at the end go, an empty value stays empty."""
    text = files(
        ("net/a", "4096\t131072\t6291456\n"),
        ("net/b", "1   2 \n"),
        ("net/c", "\n"),
        ("net/d", ""),
        ("net/e", "x  y\t\n"),
    )
    values = parse_sysctl(section(text)).values
    assert values == {"net.a": "4096 131072 6291456", "net.b": "1 2", "net.c": "", "net.d": "", "net.e": "x y"}


def test_value_of_several_lines_keeps_them() -> None:
    """A setting of several lines keeps them, wherever it stands; one that was read twice is there once."""
    text = files(("net/m", "x\ny\n"), ("net/a", "1\n"), ("net/m", "x\ny\n"), ("net/last", "p\nq\n"))
    assert parse_sysctl(section(text)).values == {"net.m": "x\ny", "net.a": "1", "net.last": "p\nq"}


def test_value_without_a_newline_at_its_end() -> None:
    """A file that ends without a newline has its whole text as value."""
    text = "==> net/a <==\n1\n==> net/b <==\n2"
    assert parse_sysctl(section(text)).values == {"net.a": "1", "net.b": "2"}


@pytest.mark.parametrize("text", ["oops", "net/a:1\n", "==> net/a\n1\n", "1\n==> net/a <==\n1\n", "==> a <==\n\0\n"])
def test_text_of_another_form_is_not_understood(text: str) -> None:
    """Text that is no list of headings and values is an error, not a wrong setting."""
    with pytest.raises(ValueError):
        parse_sysctl(section(text))


def test_what_could_not_be_read_says_so() -> None:
    """A file that the kernel refused is absent with its reason; one that is not there is not mentioned."""
    found = parse_sysctl(
        section(
            files(("net/a", "1\n"), ("net/broken", "")),
            "head: cannot open 'net/core/bpf_jit_limit' for reading: Permission denied\n"
            "head: cannot open 'net/ipv6/[!cn]*' for reading: No such file or directory\n"
            "head: error reading 'net/broken': Input/output error\n",
        )
    )
    assert found.values == {"net.a": "1"}
    assert found.absent == {
        "net.core.bpf_jit_limit": Absent(AbsentReason.NOT_PERMITTED, "Permission denied"),
        "net.broken": Absent(AbsentReason.NOT_APPLICABLE, "Input/output error"),
    }


def test_left_out_interfaces_are_named() -> None:
    """Where there are too many interfaces, the tree of their settings is not finished."""
    text = "#! net/ipv4/conf: not finished: of 22 interfaces some\n" + files(("net/a", "1\n"))
    found = parse_sysctl(section(text))
    assert found.values == {"net.a": "1"}
    assert found.absent == {"net.ipv4.conf": Absent(AbsentReason.NOT_FINISHED, "of 22 interfaces some")}


def test_no_settings_are_no_error() -> None:
    """An empty answer has no settings."""
    assert parse_sysctl(section("")).values == {}


@pytest.mark.parametrize("seed", range(20))
def test_hosts_that_have_much_in_common_are_told_apart(seed: int) -> None:
    """Whatever was read of other hosts, each gets its own values, in whichever order they come."""
    chance = random.Random(seed)
    names = [
        "net/core/somaxconn", "net/ipv4/tcp_rmem", "net/ipv4/tcp_sack", "net/ipv4/tcp_fin_timeout", "fs/file-nr",
        "net/netfilter/nf_conntrack_count", "net/netfilter/nf_conntrack_max", "net/unix/max_dgram_qlen",
        *[f"net/ipv4/conf/veth{number}/rp_filter" for number in range(200)],
    ]  # fmt: skip
    for _ in range(10):
        chance.shuffle(names)
        values = {name: chance.choice(("0", "1", "4096\t87380", "a\nb", "")) for name in names[: chance.randrange(207)]}
        text = "\n".join(f"==> {name} <==\n{value}\n" for name, value in values.items())
        wanted = {name_of(name): value.replace("\t", " ") for name, value in values.items()}
        found = parse_sysctl(section(text)).values
        assert found == wanted
        assert list(found) == list(wanted)
