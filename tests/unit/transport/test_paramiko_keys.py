"""Private keys are read once, in the order of ssh(1), and each that cannot be used says why."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import paramiko
import pytest

from netaudit.errors import ErrorKind, WorldError
from netaudit.model.target import Credentials
from netaudit.transport.options import TransportOptions
from netaudit.transport.paramiko_keys import KeyRing, read_key_file
from netaudit.transport.resolved import Resolved

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")


def keygen(path: Path, *options: str, passphrase: str = "") -> Path:
    """A new key pair."""
    subprocess.run(["ssh-keygen", "-q", "-N", passphrase, "-f", path, *options], check=True)
    return path


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Keys of every kind, and certificates for some."""
    folder = tmp_path_factory.mktemp("keys")
    made = {
        "ed25519": keygen(folder / "ed25519", "-t", "ed25519"),
        "rsa": keygen(folder / "rsa", "-t", "rsa", "-b", "2048"),
        "ecdsa": keygen(folder / "ecdsa", "-t", "ecdsa"),
        "pem": keygen(folder / "pem", "-t", "rsa", "-b", "2048", "-m", "PEM"),
        "locked": keygen(folder / "locked", "-t", "ed25519", passphrase="open sesame"),
        "authority": keygen(folder / "authority", "-t", "ed25519"),
    }
    for name in ("ed25519", "rsa", "ecdsa"):
        sign = ["ssh-keygen", "-q", "-s", made["authority"], "-I", "x", "-n", "me", f"{made[name]}.pub"]
        subprocess.run(sign, check=True)
        Path(f"{made[name]}-cert.pub").rename(folder / f"{name}.cert")
    return made


def resolved(*files: Path, **settings) -> Resolved:
    """A connection with some identity files."""
    return Resolved("web1", "web1", "192.0.2.1", 22, "me", identity_files=tuple(map(str, files)), **settings)


def names(found) -> list[str]:
    """The last components of what is tried, in order."""
    return [Path(name).name for name in found.names]


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa", "pem"])
def test_every_kind_of_key_is_read(keys, kind):
    """And is the one whose public half stands beside it."""
    found = read_key_file(keys[kind], None)
    public = paramiko.RSAKey if kind == "pem" else type(found.key)
    assert isinstance(found.key, public)
    assert found.key.get_base64() in keys[kind].with_name(f"{kind}.pub").read_text()


def test_an_encrypted_key_wants_its_passphrase(keys):
    """None, a wrong one and the right one."""
    assert read_key_file(keys["locked"], None).encrypted
    assert "encrypted" in read_key_file(keys["locked"], None).error.message
    assert "passphrase is wrong" in read_key_file(keys["locked"], "nope").error.message
    assert read_key_file(keys["locked"], "open sesame").key is not None


def test_what_cannot_be_a_key_says_so(keys, tmp_path):
    """A missing file, a public key, an open mode, bytes of any kind."""
    rubbish = tmp_path / "rubbish"
    rubbish.write_bytes(b"\xff\xfe")
    rubbish.chmod(0o600)
    public = tmp_path / "public"
    public.write_text(keys["rsa"].with_name("rsa.pub").read_text())
    public.chmod(0o600)
    lax = tmp_path / "lax"
    lax.write_bytes(keys["rsa"].read_bytes())
    lax.chmod(0o644)
    for path, words in ((tmp_path / "none", "No such file"), (rubbish, "no private key"), (public, "no private key"),
                        (lax, "too open")):  # fmt: skip
        error = read_key_file(path, None).error
        assert error.kind is ErrorKind.KEY_UNREADABLE
        assert str(path) in error.message
        assert words in error.message


def test_named_keys_are_tried_in_order(keys):
    """As they were named; default ones are not looked at."""
    options = TransportOptions(default_identities=(keys["pem"],))
    found = KeyRing(options).identities(resolved(keys["rsa"], keys["ed25519"]), Credentials())
    assert names(found) == ["rsa", "ed25519"]


def test_default_keys_that_are_there(keys, tmp_path):
    """One that is not there is no error."""
    options = TransportOptions(default_identities=(tmp_path / "none", keys["ecdsa"]))
    assert names(KeyRing(options).identities(resolved(), Credentials())) == ["ecdsa"]


def test_a_named_key_that_cannot_be_read_is_an_error_when_nothing_else_is_left(keys, tmp_path):
    """With another key or a password the login is tried first."""
    ring = KeyRing(TransportOptions())
    with pytest.raises(WorldError, match="cannot use the key"):
        ring.identities(resolved(tmp_path / "none"), Credentials())
    assert names(ring.identities(resolved(tmp_path / "none", keys["rsa"]), Credentials())) == ["rsa"]
    found = ring.identities(resolved(tmp_path / "none"), Credentials(password="x"))
    assert (found.keys, len(found.unreadable)) == ([], 1)


def test_a_passphrase_is_asked_for_once(keys):
    """For all hosts and all threads together; the answer is remembered, a refusal too."""
    asked = []

    def ask(path: Path) -> str:
        asked.append(path)
        return "open sesame"

    ring = KeyRing(TransportOptions(ask_passphrase=ask))
    threads = [
        threading.Thread(target=ring.identities, args=(resolved(keys["locked"]), Credentials())) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == [keys["locked"]]
    silent = KeyRing(TransportOptions(ask_passphrase=lambda _path: None))
    with pytest.raises(WorldError, match="encrypted"):
        silent.identities(resolved(keys["locked"]), Credentials())


def test_a_passphrase_that_is_given_is_not_asked_for(keys):
    """From the inventory or the command line."""
    found = KeyRing(TransportOptions()).identities(resolved(keys["locked"]), Credentials(key_passphrase="open sesame"))
    assert names(found) == ["locked"]


def test_a_default_key_that_is_encrypted_is_not_asked_for_while_others_work(keys):
    """A person is not troubled for a key that is not needed."""
    options = TransportOptions(
        default_identities=(keys["rsa"], keys["locked"]), ask_passphrase=lambda _path: pytest.fail("asked")
    )
    assert names(KeyRing(options).identities(resolved(), Credentials())) == ["rsa"]


def test_keys_that_are_not_to_be_used(keys):
    """PubkeyAuthentication no."""
    found = KeyRing(TransportOptions()).identities(
        resolved(keys["rsa"], refused_auth=frozenset({"publickey"})), Credentials(password="x")
    )
    assert found.keys == []


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_certificate_goes_before_its_key(keys, tmp_path, kind):
    """Whether it stands beside the key or is named; one of another key is not offered."""
    path = tmp_path / kind
    path.write_bytes(keys[kind].read_bytes())
    path.chmod(0o600)
    folder = keys[kind].parent
    certificates = tuple(str(folder / f"{name}.cert") for name in ("ed25519", "rsa", "ecdsa"))
    named = KeyRing(TransportOptions()).identities(resolved(path, certificate_files=certificates), Credentials())
    assert [key.public_blob is not None for key in named.keys] == [True, False]
    assert "cert-v01" in named.keys[0].public_blob.key_type
    Path(f"{path}-cert.pub").write_bytes((folder / f"{kind}.cert").read_bytes())
    beside = KeyRing(TransportOptions()).identities(resolved(path), Credentials())
    assert [key.public_blob is not None for key in beside.keys] == [True, False]


@pytest.fixture
def agent(tmp_path, keys):
    """An agent with an ed25519 and an RSA key."""
    if shutil.which("ssh-agent") is None:
        pytest.skip("needs ssh-agent")
    path = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    try:
        while not path.exists():
            process.poll()
        for kind in ("ed25519", "rsa"):
            command = ["ssh-add", "-q", keys[kind]]
            subprocess.run(command, check=True, env={"SSH_AUTH_SOCK": str(path), "PATH": "/usr/bin:/bin"})
        yield path
    finally:
        process.terminate()
        process.wait()


def test_keys_of_an_agent(agent, keys):
    """After named ones, before default ones, and each key once."""
    options = TransportOptions(agent_socket=agent, default_identities=(keys["ecdsa"],))
    for files, expected in (
        ((), ["agent", "agent", "ecdsa"]),
        ((keys["pem"],), ["pem", "agent", "agent"]),
        ((keys["rsa"],), ["agent", "agent"]),
    ):
        found = KeyRing(options).identities(resolved(*files), Credentials())
        assert [name.partition(":")[0].rpartition("/")[2] for name in found.names] == expected
        assert found.keys[0].sign_ssh_data(b"x")
        found.close()


def test_an_agent_that_is_not_meant(agent, keys):
    """IdentityAgent none, and IdentitiesOnly."""
    options = TransportOptions(agent_socket=agent)
    ring = KeyRing(options)
    assert names(ring.identities(resolved(keys["pem"], identity_agent="none"), Credentials())) == ["pem"]
    only = ring.identities(resolved(keys["pem"], identities_only=True), Credentials())
    assert names(only) == ["pem"]
    only.close()


def test_an_agent_that_is_gone_or_silent_costs_a_notice(tmp_path, keys, monkeypatch):
    """And not the login: the other keys are tried."""
    monkeypatch.setattr("netaudit.transport.paramiko_keys.AGENT_WITHIN_S", 0.1)
    silent = tmp_path / "silent"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(silent))
        listener.listen()
        for path, words in ((tmp_path / "gone", "cannot be used"), (silent, "did not answer")):
            said: list[str] = []
            options = TransportOptions(agent_socket=path, notice=said.append)
            found = KeyRing(options).identities(resolved(keys["rsa"]), Credentials())
            assert names(found) == ["rsa"]
            assert words in said[0]


def test_an_agent_that_talks_rubbish_costs_a_notice(tmp_path, keys):
    """Whatever it says."""
    path = tmp_path / "rubbish"
    said: list[str] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer() -> None:
            with suppress(OSError):
                connection, _ = listener.accept()
                connection.sendall(b"\0\0\0\x05\x0c\0\0\0\x01")
                connection.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        options = TransportOptions(agent_socket=path, notice=said.append)
        found = KeyRing(options).identities(resolved(keys["rsa"]), Credentials())
        thread.join(5)
        found.close()
    assert names(found) == ["rsa"]
    assert said == [] or "cannot be used" in said[0]
