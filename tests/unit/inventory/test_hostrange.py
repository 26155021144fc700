"""Host expressions: ranges, ports and what is refused."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.inventory.hostrange import MAX_EXPANDED, expand, is_address, split_port


@pytest.mark.parametrize(
    ("expression", "names", "port"),
    [
        ("web1", ["web1"], None),
        ("web1:2222", ["web1"], 2222),
        ("web[1:3]", ["web1", "web2", "web3"], None),
        ("web[08:11]", ["web08", "web09", "web10", "web11"], None),
        ("web[1:9:4]x:22", ["web1x", "web5x", "web9x"], 22),
        ("db-[a:c]", ["db-a", "db-b", "db-c"], None),
        ("[y:B]", ["y", "z", "A", "B"], None),
        ("r[1:2]s[a:b]", ["r1sa", "r1sb", "r2sa", "r2sb"], None),
        ("n[:2]", ["n0", "n1", "n2"], None),
        ("192.0.2.[9:10]", ["192.0.2.9", "192.0.2.10"], None),
        ("2001:db8::1", ["2001:db8::1"], None),
        ("[2001:db8::1]:22", ["2001:db8::1"], 22),
        ("fe80::[1:2]", ["fe80::1", "fe80::2"], None),
        ("[web[1:2]]:22", ["web1", "web2"], 22),
        ("w[3:1]", [], None),
        ("w[1:3:-1]", [], None),
        ("host:", ["host:"], None),
        ("a-:22", ["a-:22"], None),
    ],
)
def test_expression_stands_for_names(expression: str, names: list[str], port: int | None) -> None:
    """An expression gives its names in order, and the port when it has one."""
    expanded, found = expand(expression)
    assert (list(expanded), found) == (names, port)


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("w[1]", "must be [first:last]"),
        ("w[1-3]", "must be [first:last]"),
        ("w[1:2:3:4]", "must be [first:last]"),
        ("w[1:", "brackets"),
        ("w]1[1:2]", "brackets"),
        ("w|[1:2]", "brackets"),
        ("w[1:]", "where it ends"),
        ("w[01:5]", "same number of digits"),
        ("w[01:100]", "same number of digits"),
        ("w[c:a]", "ends before it begins"),
        ("w[A:a]", "ends before it begins"),
        ("w[a:5]", "neither of numbers nor of letters"),
        ("w[1:x]", "neither of numbers nor of letters"),
        ("w[1:5:0]", "neither of numbers nor of letters"),
        ("w[a:c:0]", "step"),
        ("w[a:c:x]", "step"),
        ("w[1:999999999]", f"more than {MAX_EXPANDED} hosts"),
        ("w[1:99999999999999999999999999]", f"more than {MAX_EXPANDED} hosts"),
        ("w[1:999][1:999]", f"more than {MAX_EXPANDED} hosts"),
    ],
)
def test_range_without_sense_is_refused(expression: str, problem: str) -> None:
    """What Ansible cannot expand, and what would fill the memory, is a ValueError that says why."""
    with pytest.raises(ValueError, match=problem.replace("[", r"\[")):
        expand(expression)


@pytest.mark.parametrize(
    "text", ["::", "::1", "1::", "2001:db8::1", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1", "web_1.example"]
)
def test_address_is_known(text: str) -> None:
    """Host names with underscores, IPv4 and IPv6 addresses are addresses."""
    assert is_address(text)


@pytest.mark.parametrize(
    "text", ["", "-web", "web-", "a..b", "1:2", "1:2:3:4:5:6:7:8:9", "::g", "fe80::1%eth0", "a b", "1:::2"]
)
def test_no_address(text: str) -> None:
    """Text that is neither a name nor an address is none, and keeps its colons when it is a host."""
    assert not is_address(text)


@given(st.integers(0, 999), st.integers(0, 30), st.integers(1, 7), st.integers(0, 4))
def test_numeric_range_counts_as_python_does(first: int, more: int, step: int, width: int) -> None:
    """A numeric range with equal widths gives every step-th number, both ends included, padded to the width."""
    last = first + more
    low, high = str(first).zfill(width), str(last).zfill(width)
    if len(low) != len(high):
        width = len(high)
        low = low.zfill(width)
    padded = len(low) > 1 and low.startswith("0")
    names, _ = expand(f"h[{low}:{high}:{step}]")
    expected = [str(number).zfill(len(low)) if padded else str(number) for number in range(first, last + 1, step)]
    assert list(names) == [f"h{number}" for number in expected]


@given(st.sampled_from(string.ascii_letters), st.sampled_from(string.ascii_letters))
def test_letter_range_runs_through_the_alphabet(first: str, last: str) -> None:
    """Letters run from a to z and then from A to Z."""
    begin, end = string.ascii_letters.index(first), string.ascii_letters.index(last)
    if begin <= end:
        assert list(expand(f"x[{first}:{last}]")[0]) == [
            f"x{letter}" for letter in string.ascii_letters[begin : end + 1]
        ]


@given(st.text(alphabet=string.ascii_lowercase + string.digits, min_size=1, max_size=12), st.integers(0, 99999))
def test_port_is_split_off(host: str, port: int) -> None:
    """A host and a port that are put together come apart again."""
    assert split_port(f"{host}:{port}") == (host, port)
    assert split_port(host) == (host, None)
