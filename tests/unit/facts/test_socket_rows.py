"""Rows of ss and of /proc/net, as records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.facts.parts import Parts
from netaudit.facts.socket_rows import (
    Owner,
    SocketRow,
    detail,
    memory_of,
    owner_of,
    owners_by_inode,
    plain_address,
    plain_host,
    read_proc,
    read_ss,
    split_local,
    unit_of,
)
from netaudit.model.reading import Absent, AbsentReason

NOTHING = Parts({}, {})
FOR_ROOT_ONLY = Parts({}, {"owners": Absent(AbsentReason.NOT_PERMITTED, "owners")})
HEADING = "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"


def row(details: str) -> SocketRow:
    """A listening socket with the given details."""
    return SocketRow("tcp", "LISTEN", 0, 128, "0.0.0.0:22", "0.0.0.0:*", details)


def test_heading_is_no_row() -> None:
    """The heading of ss is passed over, with option -H or without."""
    line = "tcp LISTEN 3 128 0.0.0.0:22 0.0.0.0:* ino:7\n"
    assert read_ss(HEADING + line) == read_ss(line)
    assert read_ss(line)[0].sent == 128


def test_details_of_udp_go_on_below() -> None:
    """The memory of a UDP socket stands on the line below its row."""
    text = "udp UNCONN 0 0 0.0.0.0:68 0.0.0.0:* ino:5 <->\n\t skmem:(r1,rb212992,t0,tb8,f0,w0,o0,bl0,d44)\n"
    assert memory_of(read_ss(text)[0]) == {
        "r": 1, "rb": 212992, "t": 0, "tb": 8, "f": 0, "w": 0, "o": 0, "bl": 0, "d": 44,
    }  # fmt: skip


def test_memory_belongs_to_the_row_above() -> None:
    """The line below a UDP socket tells its memory; that below a TCP socket is passed over."""
    text = (
        "udp UNCONN 0 0 0.0.0.0:68 0.0.0.0:* ino:5\n\t skmem:(r0,rb1,d0)\n"
        "tcp ESTAB 0 0 10.0.0.1:22 10.0.0.2:5000 ino:6\n\t skmem:(r9,rb9,d9)\n"
        "tcp LISTEN 0 128 *:22 *:* ino:7\n"
    )
    found = read_ss(text)
    assert [one.state for one in found] == ["UNCONN", "ESTAB", "LISTEN"]
    assert [memory_of(row) for row in found] == [{"r": 0, "rb": 1, "d": 0}, {}, {}]


def test_process_name_with_a_line_feed_harms_no_other_row() -> None:
    """A process may put a line feed into its name; the broken row is lost at most, never the next one."""
    text = (
        'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("evil\nname",pid=5,fd=3)) ino:7\n'
        "tcp LISTEN 0 64 0.0.0.0:80 0.0.0.0:* ino:8\n"
    )
    assert [one.local for one in read_ss(text)] == ["0.0.0.0:22", "0.0.0.0:80"]


@pytest.mark.parametrize("number", ["٣", "1_0", "-1", "0x10", ""])
def test_number_in_another_script_is_no_row(number: str) -> None:
    """Queue lengths are ASCII digits; a line with anything else is no row."""
    assert read_ss(f"tcp LISTEN {number} 128 0.0.0.0:22 0.0.0.0:* x\n") == ()


@pytest.mark.parametrize(
    ("printed", "address"),
    [
        ("0100007F:1F90", "127.0.0.1:8080"),
        ("00000000:0016", "0.0.0.0:22"),
        ("00000000000000000000000001000000:0035", "[::1]:53"),
        ("000080FE00000000FF5450520156340C:0222", "[fe80::5250:54ff:c34:5601]:546"),
    ],
)
def test_proc_address(printed: str, address: str) -> None:
    """Addresses of /proc/net/tcp are 32-bit words in the byte order of the machine."""
    assert plain_address(printed) == address


@given(st.ip_addresses(v=4))
def test_every_ipv4_address_comes_back(address: object) -> None:
    """Whatever the kernel prints for an IPv4 address is read as that address."""
    packed = address.packed  # type: ignore[attr-defined]  # hypothesis says object
    assert plain_host(packed[::-1].hex().upper()) == str(address)


@pytest.mark.parametrize(
    ("local", "split"),
    [
        ("0.0.0.0:22", ("0.0.0.0", "", 22)),
        ("127.0.0.53%lo:53", ("127.0.0.53", "lo", 53)),
        ("[fe80::1]%eth0:546", ("fe80::1", "eth0", 546)),
        ("[::]:443", ("::", "", 443)),
        ("*:443", ("*", "", 443)),
        (":::22", ("::", "", 22)),
        ("0.0.0.0:*", ("0.0.0.0", "", 0)),
    ],
)
def test_local_address(local: str, split: tuple[str, str, int]) -> None:
    """Brackets, a device and an absent port are understood in every version's way of writing."""
    assert split_local(local) == split


@pytest.mark.parametrize(
    ("users", "owner"),
    [
        ('users:(("sshd",pid=812,fd=3))', Owner("sshd", 812, (812,))),
        ('users:(("sshd",812,3))', Owner("sshd", 812, (812,))),
        ('users:(("nginx",pid=99,fd=6),("nginx",pid=41,fd=6))', Owner("nginx", 41, (41, 99))),
        ('users:(("a b(c)",pid=7,fd=6))', Owner("a b(c)", 7, (7,))),
        ("ino:5 sk:1", Owner("", 0, ())),
    ],
)
def test_owner_by_ss(users: str, owner: Owner) -> None:
    """The oldest process of a shared socket is its owner; a socket of the kernel has none."""
    assert owner_of(row(users), NOTHING) == owner


def test_owner_is_hidden_from_users() -> None:
    """Without root an owner that ss does not name is not permitted, never empty."""
    owner = owner_of(row("ino:5"), FOR_ROOT_ONLY)
    assert isinstance(owner.pid, Absent)
    assert owner.pid.reason is AbsentReason.NOT_PERMITTED


def test_own_process_is_shown_to_users() -> None:
    """What ss does name to a user is taken."""
    assert owner_of(row('users:(("me",pid=9,fd=3))'), FOR_ROOT_ONLY) == Owner("me", 9, (9,))


def test_owners_by_inode_keep_blanks_in_names() -> None:
    """A name of several words stays whole; a line without numbers is passed over."""
    parts = Parts({"owners": "77 12 my server\nx y z\n"}, {})
    assert owners_by_inode(parts) == {77: Owner("my server", 12, (12,))}


@pytest.mark.parametrize(
    ("details", "unit"),
    [
        ("ino:5 cgroup:/system.slice/ssh.service <->", "ssh.service"),
        ("ino:5 cgroup:/system.slice/docker-abc.scope/init <->", "docker-abc.scope"),
        ("ino:5 cgroup:/ <->", ""),
        ("ino:5 cgroup:unreachable:1 <->", ""),
        ("ino:5", ""),
    ],
)
def test_unit(details: str, unit: str) -> None:
    """The unit is the innermost part of the control group that systemd could have named."""
    assert unit_of(row(details)) == unit


def test_detail_at_the_end_of_the_line() -> None:
    """A key without a value gives no text and no error."""
    assert detail(row("ino:"), "ino:") == ""


def test_proc_rows_skip_what_is_no_row() -> None:
    """Headings, short rows and unknown states of /proc/net are passed over."""
    text = (
        "tcp  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "tcp   0: 0100007F:1538 00000000:0000 0A 00000000:00000002 00:00000000 00000000 0 0 5 1 0 100 0 0 10 0\n"
        "tcp   1: 0100007F:1538 00000000:0000 FF 00000000:00000000 00:00000000 00000000 0 0 5 1 0 100 0 0 10 0\n"
        "udp   2: 00000000:0044\n"
    )
    (only,) = read_proc(text)
    assert (only.received, only.inode, only.state) == (2, 5, "LISTEN")
