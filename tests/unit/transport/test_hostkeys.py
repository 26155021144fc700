"""The judge of host keys."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from netaudit.errors import ErrorKind, WorldError
from netaudit.transport.hostkeys import HostKeys, HostPlace, fingerprint
from netaudit.transport.hostkeys_record import _hashed_name, known_hosts_line
from netaudit.transport.options import HostKeyChecking, TransportOptions

WEB = HostPlace("web1", "10.0.0.1")
ODD = HostPlace("odd", "10.0.0.1", 2222)


def key(number: int, kind: str = "ssh-ed25519") -> bytes:
    """A key in wire format that nobody has."""
    body = hashlib.sha256(f"{kind}{number}".encode()).digest()
    return b"".join(len(part).to_bytes(4, "big") + part for part in (kind.encode(), body))


@pytest.fixture
def judge(tmp_path):
    """A judge over a file with some lines: ``judge([("10.0.0.1", key)], checking)``."""
    notices: list[str] = []

    def made(lines=(), checking=HostKeyChecking.STRICT, text="") -> HostKeys:
        path = tmp_path / "known_hosts"
        path.write_bytes(text.encode() + b"".join(known_hosts_line(host, blob) for host, blob in lines))
        options = TransportOptions(host_key_checking=checking, user_known_hosts=(path,), notice=notices.append)
        return HostKeys.of(options)

    made.notices = notices
    made.path = tmp_path / "known_hosts"
    return made


def kind_of(judge: HostKeys, place: HostPlace, blob: bytes):
    """The kind of refusal; None when the key passes."""
    try:
        judge.check(place, blob)
    except WorldError as error:
        return error.kind
    return None


@pytest.mark.parametrize(
    ("lines", "place", "expected"),
    [
        ([("10.0.0.1", key(1))], WEB, None),
        ([("10.0.0.1", key(2))], WEB, ErrorKind.HOST_KEY_MISMATCH),
        ([("10.0.0.1", key(2, "ssh-rsa"))], WEB, ErrorKind.HOST_KEY_MISMATCH),
        ([("10.0.0.1", key(2)), ("10.0.0.1", key(1))], WEB, None),
        ([("10.0.0.2", key(1))], WEB, ErrorKind.HOST_KEY_UNKNOWN),
        ([], WEB, ErrorKind.HOST_KEY_UNKNOWN),
        ([("[10.0.0.1]:2222", key(1))], ODD, None),
        ([("10.0.0.1", key(1))], ODD, None),
        ([("10.0.0.1", key(2))], ODD, ErrorKind.HOST_KEY_UNKNOWN),
        ([("[10.0.0.1]:2222", key(2)), ("10.0.0.1", key(1))], ODD, None),
        ([("[10.0.0.1]:2222", key(1))], WEB, ErrorKind.HOST_KEY_UNKNOWN),
        ([("cluster", key(1))], HostPlace("web1", "10.0.0.1", 2222, "Cluster"), None),
        ([("10.0.0.1", key(1))], HostPlace("web1", "10.0.0.1", 22, "cluster"), ErrorKind.HOST_KEY_UNKNOWN),
    ],
)
def test_strict(judge, lines, place, expected):
    """Stored, changed, unknown; another port; an alias instead of the name."""
    assert kind_of(judge(lines), place, key(1)) is expected


def test_a_changed_key_is_told_by_one_of_its_own_type(judge):
    """Of several stored keys the one of the same type is shown beside it."""
    with pytest.raises(WorldError) as caught:
        judge([("10.0.0.1", key(1, "ssh-rsa")), ("10.0.0.1", key(2))]).check(WEB, key(3))
    assert fingerprint(key(2)) in caught.value.message
    assert f"{judge.path}:2" in caught.value.message


def test_revoked_keys_and_authorities(judge):
    """``@revoked`` beats a stored key and an authority; ``@cert-authority`` vouches for the hosts it covers only."""
    text = "".join(
        f"{marker} {known_hosts_line(hosts, blob).decode()}"
        for marker, hosts, blob in [
            ("@revoked", "*", key(1)),
            ("@cert-authority", "10.0.0.*", key(8)),
            ("@cert-authority", "*", key(9)),
            ("@revoked", "*", key(9)),
        ]
    )
    strict = judge([("10.0.0.1", key(1))], text=text)
    assert kind_of(strict, WEB, key(1)) is ErrorKind.HOST_KEY_MISMATCH
    assert strict.trusts_authority(WEB, key(8), strict.known())
    assert not strict.trusts_authority(HostPlace("x", "10.1.0.1"), key(8), strict.known())
    assert not strict.trusts_authority(WEB, key(1, "ssh-rsa"), strict.known())
    with pytest.raises(WorldError, match="revoked"):
        strict.trusts_authority(WEB, key(9), strict.known())


def test_a_line_without_a_port_is_of_all_ports(judge):
    """A key that is revoked for a host is revoked whatever port it is shown on, and so with authorities."""
    text = f"@revoked {known_hosts_line('10.0.0.1', key(1)).decode()}"
    text += f"@cert-authority {known_hosts_line('10.0.0.1', key(8)).decode()}"
    strict = judge([("[10.0.0.1]:2222", key(1))], text=text)
    assert kind_of(strict, ODD, key(1)) is ErrorKind.HOST_KEY_MISMATCH
    assert strict.trusts_authority(ODD, key(8), strict.known())


def test_files_of_the_system_and_of_one_host(tmp_path):
    """The files of the system count beside the user's; a host whose ssh_config names files has those instead."""
    user, system, other = (tmp_path / name for name in ("user", "system", "other"))
    for number, path in enumerate((user, system, other)):
        path.write_bytes(known_hosts_line("10.0.0.1", key(number)))
    strict = HostKeys(HostKeyChecking.STRICT, pytest.fail, (user,), (system,))
    found = []
    for files in ({}, {"user": (other,)}, {"system": (other,)}, {"user": (other,), "system": ()}):
        known = strict.known(**files)
        found.append([number for number in range(3) if known.holds(WEB, key(number))])
    assert found == [[0, 1], [1, 2], [0, 2], [2]]
    strict.check(WEB, key(2), (other,), ())
    with pytest.raises(WorldError):
        strict.check(WEB, key(0), (other,), ())


class TestAcceptNew:
    """Keys of hosts that are not known."""

    def test_it_is_recorded_in_the_files_of_the_host(self, judge, tmp_path):
        """The first one that its ssh_config names, hashed where that says so; the user's own stays as it is."""
        accepting, other = judge(checking=HostKeyChecking.ACCEPT_NEW), tmp_path / "other"
        accepting.check(WEB, key(1), (other,), hash_names=True)
        assert other.read_bytes().startswith(b"|1|")
        assert judge.path.read_bytes() == b""

    def test_a_file_that_cannot_be_written_is_told(self, judge, tmp_path):
        """The key counts for this run, and a line says that the next one will not know it."""
        accepting = judge(checking=HostKeyChecking.ACCEPT_NEW)
        accepting.check(WEB, key(1), (tmp_path,))
        assert ["not recorded" in notice for notice in judge.notices][-1]

    def test_a_new_key_is_recorded_once(self, judge):
        """And known from then on, in this run and the next."""
        accepting = judge(checking=HostKeyChecking.ACCEPT_NEW)
        for _ in range(3):
            accepting.check(ODD, key(1))
        assert judge.path.read_bytes() == known_hosts_line("[10.0.0.1]:2222", key(1))
        assert kind_of(accepting, ODD, key(2)) is ErrorKind.HOST_KEY_MISMATCH
        assert len(judge.notices) == 1

    def test_what_another_run_recorded_meanwhile_counts(self, judge):
        """The file has changed since it was read: another key of the host stands there now."""
        accepting = judge(checking=HostKeyChecking.ACCEPT_NEW)
        accepting.known()
        judge.path.write_bytes(known_hosts_line("10.0.0.1", key(2)))
        assert kind_of(accepting, WEB, key(1)) is ErrorKind.HOST_KEY_MISMATCH
        assert judge.path.read_bytes() == known_hosts_line("10.0.0.1", key(2))
        assert accepting.known().holds(WEB, key(2))

    def test_without_a_file_it_is_only_accepted(self):
        """``UserKnownHostsFile none``."""
        accepting = HostKeys(HostKeyChecking.ACCEPT_NEW, pytest.fail, (), ())
        accepting.check(WEB, key(1))


def test_off_accepts_everything_and_says_so_once(judge):
    """Revoked and changed keys too."""
    text = f"@revoked {known_hosts_line('*', key(1)).decode()}"
    careless = judge([("10.0.0.1", key(2))], HostKeyChecking.OFF, text)
    for _ in range(3):
        careless.check(WEB, key(1))
    assert careless.trusts_authority(WEB, key(3), careless.known())
    assert len(judge.notices) == 1


def test_files_are_read_once(judge, monkeypatch):
    """When the judge is made, however many hosts are checked: later there may be no descriptor left to open them."""
    strict = judge([("10.0.0.1", key(1))])
    judge.path.unlink()
    strict.check(WEB, key(1))
    strict.check(WEB, key(1))


def test_types_that_are_stored_are_known_before_contact(judge):
    """Those of names and patterns; of hashed lines as long as they are few."""
    strict = judge([("10.0.0.1", key(1, "ssh-rsa")), ("10.*", key(2, "ecdsa-sha2-nistp256")), ("x", key(3))])
    assert strict.known().key_types(WEB) == ("ssh-rsa", "ecdsa-sha2-nistp256")
    hashed = judge([(_hashed_name("10.0.0.1"), key(1, "ssh-rsa"))])
    assert hashed.known().key_types(WEB) == ("ssh-rsa",)


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_fingerprints_are_those_of_ssh_keygen(tmp_path, kind):
    """Type and SHA256, character by character."""
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", path], check=True)
    blob = base64.b64decode(path.with_suffix(".pub").read_text().split()[1])
    shown = subprocess.run(["ssh-keygen", "-lf", path], check=True, capture_output=True, text=True).stdout.split()
    assert fingerprint(blob) == f"{shown[-1].strip('()')} {shown[1]}"


def test_a_key_that_is_none_has_a_fingerprint_too():
    """A server may show anything."""
    assert fingerprint(b"nonsense").startswith("unreadable SHA256:")


def test_many_hashed_hosts_are_checked_by_one_hash_each(tmp_path, monkeypatch):
    """The cost of a check does not grow with the file."""
    import hmac

    path = Path(tmp_path / "known_hosts")
    with path.open("wb") as file:
        for number in range(2000):
            file.write(known_hosts_line(_hashed_name(f"host{number}"), key(number)))
    strict = HostKeys(HostKeyChecking.STRICT, pytest.fail, (path,), ())
    strict.known()
    counted = []
    real = hmac.digest
    monkeypatch.setattr("hmac.digest", lambda *arguments: counted.append(1) or real(*arguments))
    for number in range(2000):
        place = HostPlace("x", f"host{number}")
        assert strict.known().key_types(place) == ()
        strict.check(place, key(number))
    assert len(counted) == 2000
