"""A host certificate vouches for a host only when everything in it holds."""

from __future__ import annotations

import base64
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from netaudit.errors import ErrorKind, WorldError
from netaudit.transport.hostkeys import HostKeys, HostPlace
from netaudit.transport.options import HostKeyChecking
from netaudit.transport.paramiko_hostcert import check_certificate, parse_certificate

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
PLACE = HostPlace("web1", "web1.example")


def run(*command: object) -> None:
    """Run ssh-keygen quietly."""
    subprocess.run(["ssh-keygen", "-q", *map(str, command)], check=True)


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    """Authorities of every type of key."""
    folder = tmp_path_factory.mktemp("authorities")
    for kind in ("ed25519", "ecdsa", "rsa"):
        run("-N", "", "-t", kind, "-f", folder / kind)
    return folder


def blob(path: Path) -> bytes:
    """The wire format of a public key or a certificate."""
    return base64.b64decode(path.read_text().split()[1])


@pytest.fixture
def signed(tmp_path, authorities):
    """Makes host certificates: ``signed("-n", "web1.example", by="rsa", kind="ecdsa")``."""

    def make(*options: str, by: str = "ed25519", kind: str = "ed25519", host: bool = True) -> bytes:
        key = tmp_path / f"host{len(list(tmp_path.iterdir()))}"
        run("-N", "", "-t", kind, "-f", key)
        run("-s", authorities / by, *(["-h"] if host else []), "-I", "id", *options, f"{key}.pub")
        return blob(Path(f"{key}-cert.pub"))

    return make


@pytest.fixture
def check(tmp_path, authorities):
    """Judges a certificate against a known_hosts file; the outcome is None or the error."""

    def judged(certificate: bytes, *lines: str, place: HostPlace = PLACE, now_s: float | None = None):
        file = tmp_path / "known_hosts"
        text = [f"@cert-authority *.example {(authorities / kind).with_suffix('.pub').read_text()}"
                for kind in ("ed25519", "ecdsa", "rsa")]  # fmt: skip
        file.write_text("".join(lines) or "".join(text))
        judge = HostKeys(HostKeyChecking.STRICT, print, (file,), ())
        try:
            check_certificate(certificate, place, judge, judge.known(), time.time() if now_s is None else now_s)
        except WorldError as error:
            return error
        return None

    return judged


@pytest.mark.parametrize("by", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_certificate_that_holds(signed, check, by, kind):
    """Of a key of any type, signed by one of any type."""
    assert check(signed("-n", "web1.example,web1", by=by, kind=kind)) is None


def test_names(signed, check):
    """Of several, with wildcards, in any case; without any it is for all; HostKeyAlias is a name too."""
    assert check(signed("-n", "other.example")).kind is ErrorKind.HOST_KEY_MISMATCH
    assert check(signed("-n", "*.example")) is None
    assert check(signed("-n", "WEB1.example")) is None
    assert check(signed()) is None
    aliased = HostPlace("web1", "192.0.2.1", 2222, alias="alias.example")
    assert check(signed("-n", "alias.example"), place=aliased) is None


def test_times(signed, check):
    """Before and after it is valid."""
    certificate = signed("-n", "web1.example", "-V", "20300101000000Z:20300102000000Z")
    parsed = parse_certificate(certificate)
    assert check(certificate, now_s=parsed.valid_after) is None
    assert "its time" in check(certificate, now_s=parsed.valid_after - 1).message
    assert "its time" in check(certificate, now_s=parsed.valid_before).message


def test_a_certificate_of_a_user_is_none_of_a_host(signed, check):
    """Even with the right name."""
    assert "one of a user" in check(signed("-n", "web1.example", host=False)).message


def test_an_authority_that_is_not_named_for_the_host(signed, check, authorities):
    """Unknown, with the authority's fingerprint; the same when it is named for others only."""
    certificate = signed("-n", "web1.example")
    other = (authorities / "rsa.pub").read_text()
    assert check(certificate, f"@cert-authority * {other}").kind is ErrorKind.HOST_KEY_UNKNOWN
    own = (authorities / "ed25519.pub").read_text()
    assert check(certificate, f"@cert-authority *.elsewhere {own}").kind is ErrorKind.HOST_KEY_UNKNOWN
    assert check(certificate, f"web1.example {own}").kind is ErrorKind.HOST_KEY_UNKNOWN


def test_what_is_revoked(signed, check, authorities):
    """The authority, or the key inside."""
    certificate = signed("-n", "web1.example")
    own = (authorities / "ed25519.pub").read_text()
    trust = f"@cert-authority * {own}"
    assert check(certificate, trust, f"@revoked * {own}").kind is ErrorKind.HOST_KEY_MISMATCH
    inside = parse_certificate(certificate).key
    revoked = f"@revoked * ssh-ed25519 {base64.b64encode(inside).decode()}\n"
    assert check(certificate, trust, revoked).kind is ErrorKind.HOST_KEY_MISMATCH


def test_every_byte_counts(signed, check):
    """No byte of a certificate can be changed without its being refused."""
    certificate = signed("-n", "web1.example")
    assert check(certificate) is None
    for place in range(len(certificate)):
        forged = bytearray(certificate)
        forged[place] ^= 1
        assert check(bytes(forged)) is not None, place


def test_what_is_cut_or_none_at_all(signed, check):
    """Any length of it, and anything else."""
    certificate = signed("-n", "web1.example")
    for end in range(0, len(certificate), 7):
        assert check(certificate[:end]) is not None
    for rubbish in (b"", b"\0\0\0\x0bssh-ed25519", b"\xff" * 100):
        assert check(rubbish).kind is ErrorKind.HOST_KEY_MISMATCH


def test_critical_options_are_not_passed_over(signed, check):
    """None are known for hosts, so none can be honoured."""
    assert "critical options" in check(signed("-n", "web1.example", "-O", "critical:x=y")).message
