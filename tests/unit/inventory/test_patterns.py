"""The algebra of host patterns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.errors import InventoryError
from netaudit.inventory import load
from netaudit.inventory.patterns import Matcher, split_pattern

HOSTS = [f"h{number}" for number in range(6)]
GROUPS = {"all": HOSTS, "ungrouped": [], "a": ["h0", "h1", "h2"], "b": ["h2", "h3"], "c": ["h5", "h0"], "none": []}


def no_file(path: str) -> Sequence[str]:
    """A limit file that is not there."""
    raise InventoryError(f"{path}: no such file")


def matcher() -> Matcher:
    """A matcher over HOSTS and GROUPS."""
    return Matcher(GROUPS, HOSTS, None, no_file)


NAMES = st.sampled_from(["all", "a", "b", "c", "none", "h1", "h4", "a*", "~[bc]", "h[!45]", "*", "nosuch"])
PARTS = st.lists(st.tuples(st.sampled_from(["", "&", "!"]), NAMES), min_size=1, max_size=6)


def hosts_of(name: str) -> set[str]:
    """The hosts that one pattern without a sign means, found anew."""
    if name in HOSTS:
        return {name}
    test = re.compile({"a*": "a.*", "~[bc]": "[bc]", "h[!45]": "h[0-3]$", "*": ".*"}.get(name, re.escape(name) + "$"))
    found = {host for group, members in GROUPS.items() if test.match(group) for host in members}
    return found | {host for host in HOSTS if name in {"a*", "~[bc]", "h[!45]", "*"} and test.match(host)}


@given(PARTS, st.sampled_from([":", ",", " , "]))
def test_unions_come_first_then_intersections_then_exclusions(parts: list[tuple[str, str]], separator: str) -> None:
    """Whatever the order in which they stand, all unions are made first, then ``&`` narrows, then ``!`` takes away."""
    chosen = set().union(*(hosts_of(name) for sign, name in parts if not sign))
    if all(sign for sign, _ in parts):
        chosen = set(HOSTS)
    for sign, name in parts:
        if sign == "&":
            chosen &= hosts_of(name)
    for sign, name in parts:
        if sign == "!":
            chosen -= hosts_of(name)
    selected = matcher().select(separator.join(sign + name for sign, name in parts)).hosts
    assert set(selected) == chosen
    assert len(selected) == len(chosen)


@given(PARTS, PARTS)
def test_limit_narrows_and_keeps_the_order(pattern: list[tuple[str, str]], limit: list[tuple[str, str]]) -> None:
    """A limit leaves those hosts of the pattern that it selects itself, in the order of the pattern."""
    wanted, narrow = (",".join(sign + name for sign, name in parts) for parts in (pattern, limit))
    allowed = set(matcher().select(narrow).hosts)
    expected = [host for host in matcher().select(wanted).hosts if host in allowed]
    assert list(matcher().select(wanted, narrow).hosts) == expected


@given(st.integers(-7, 7))
def test_index_is_pythons(index: int) -> None:
    """``all[N]`` is the N-th host from either end; out of range is an error that counts the hosts."""
    if -6 <= index < 6:
        assert matcher().select(f"all[{index}]").hosts == (HOSTS[index],)
    else:
        with pytest.raises(InventoryError, match="counts too far: 'all' is 6 hosts"):
            matcher().select(f"all[{index}]")


@given(st.integers(0, 8), st.integers(1, 8))
def test_slice_includes_its_end(first: int, last: int) -> None:
    """``all[M:N]`` is everything from M to N, both included, as far as there are hosts."""
    assert matcher().select(f"all[{first}:{last}]").hosts == tuple(HOSTS[first : last + 1])
    assert matcher().select(f"all[{first}:]").hosts == tuple(HOSTS[first:])


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("a:b", ["a", "b"]),
        ("a,b:c", ["a", "b:c"]),
        ("2001:db8::1", ["2001:db8::1"]),
        ("2001:db8::1,web", ["2001:db8::1", "web"]),
        ("web[1:3]:&b", ["web[1:3]", "&b"]),
        ("web[1:3]", ["web[1:3]"]),
        ("web:22", ["web:22"]),
        (" a : b ", ["a", "b"]),
        ("a b", ["a", "b"]),
        (",,", []),
        ("~(a|b)[0:9]:c", ["~(a|b)[0:9]", "c"]),
    ],
)
def test_pattern_is_split(pattern: str, parts: list[str]) -> None:
    """Commas split alone where there are any; colons do not split brackets and IPv6 addresses."""
    assert split_pattern(pattern) == parts


def test_part_without_a_match_is_warned_of() -> None:
    """A pattern that matches nothing does no harm, and is named once."""
    selection = matcher().select("a:nosuch:!nosuch:~x+")
    assert selection.hosts == ("h0", "h1", "h2")
    assert selection.warnings == (
        "host pattern 'nosuch' matches no host",
        "host pattern '~x+' matches no host",
    )


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("~(", r"host pattern '~\(' cannot be read"),
        ("a,!", "nothing behind it"),
        ("&", "nothing behind it"),
        ("x" * 200_000, "more than 100000 characters"),
    ],
)
def test_pattern_without_sense_is_refused(pattern: str, problem: str) -> None:
    """A broken regular expression, a lone sign and a pattern without end are errors."""
    with pytest.raises(InventoryError, match=problem):
        matcher().select(pattern)


def test_first_name_of_this_machine_names_it() -> None:
    """The names of this machine are one host, called by the first that was used."""
    one = matcher()
    assert one.select("127.0.0.1:localhost").hosts == ("127.0.0.1",)
    assert one.select("localhost").hosts == ("127.0.0.1",)
    assert matcher().select("all:*").hosts == tuple(HOSTS)


def test_a_name_is_the_groups_before_it_is_the_hosts() -> None:
    """Where both are called alike, a sign before the name means the group, and the bare name the host."""
    one = Matcher({"all": ["x", "h"], "x": ["h"]}, ["x", "h"], None, no_file)
    found = [one.select(pattern).hosts for pattern in ("x", "all:&x", "all:!x", "all:&x*")]
    assert found == [("x",), ("h",), ("x",), ("x", "h")]


def test_a_name_of_this_machine_that_is_listed_means_that_host_alone() -> None:
    """Another name of this machine that is listed as well is another host."""
    names = ["127.0.0.1", "localhost"]
    one = Matcher({"all": names}, names, "127.0.0.1", no_file)
    assert one.select("all:&localhost").hosts == ("localhost",)


def test_answers_are_told_apart_by_their_limit() -> None:
    """The same pattern is asked for with one limit, another, and none."""
    one = matcher()
    found = [one.select("a", limit).hosts for limit in ("b", None, "h0", None, "b")]
    assert found == [("h2",), ("h0", "h1", "h2"), ("h0",), ("h0", "h1", "h2"), ("h2",)]


def test_all_of_nothing_is_no_mistake() -> None:
    """``all`` of an inventory without hosts is not warned of, another pattern is."""
    one = Matcher({"all": [], "a": []}, [], None, no_file)
    assert one.select("all").warnings == ()
    assert one.select("a").warnings == ("host pattern 'a' matches no host",)


def test_pattern_file_holds_a_pattern_a_line(tmp_path: Path) -> None:
    """Each line of ``@file`` is one pattern, taken whole; an empty file is no limit; a missing one is an error."""
    inventory = load(["a,b,c,"])
    file = tmp_path / "limit"
    file.write_text("a\n\n  c \n", "utf-8")
    assert inventory.select("all", f"@{file}") == ("a", "c")
    assert inventory.select(f"@{file}:!c") == ("a",)
    file.write_text("a,b\n", "utf-8")
    assert load(["a,b,c,"]).select("all", f"@{file}") == ()
    file.write_text("", "utf-8")
    assert load(["a,b,c,"]).select("all", f"@{file}") == ("a", "b", "c")
    with pytest.raises(InventoryError, match="No such file"):
        inventory.select("all", "@/nonexistent/file")


def test_matcher_gives_the_names_of_a_pattern() -> None:
    """A set of names answers which hosts match, also when none does."""
    inventory = load(["a,b,c,"])
    assert inventory.matcher("all:!b") == {"a", "c"}
    assert inventory.matcher("nosuch") == frozenset()
