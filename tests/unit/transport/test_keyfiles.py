"""Which keys are tried, and in which order, holds for both libraries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from netaudit.errors import ErrorKind, WorldError
from netaudit.transport.keyfiles import agent_socket, in_order, key_data, public_beside
from netaudit.transport.options import TransportOptions
from netaudit.transport.resolved import Resolved


@dataclass(frozen=True)
class File:
    """A key file, by its public key."""

    public: bytes


A, B, C = (File(name) for name in (b"a", b"b", b"c"))
HELD = {b"b": "agent b", b"x": "agent x"}


@pytest.mark.parametrize(
    ("named", "only", "expected"),
    [
        (True, False, [A, "agent b", "agent x"]),  # a server lets only some keys be tried: named ones first
        (True, True, [A, "agent b"]),
        (False, False, ["agent x", A, "agent b"]),
        (False, True, ["agent x", A, "agent b"]),  # IdentitiesOnly means files that somebody named
    ],
)
def test_named_keys_come_before_the_others_of_an_agent(named: bool, only: bool, expected: list[object]) -> None:
    """And a file whose key the agent holds is left to the agent, in the file's place."""
    assert in_order([A, B], HELD, named=named, only=only) == expected
    assert set(HELD) == {b"b", b"x"}  # what others share is left as it is


def test_without_an_agent_there_are_the_files() -> None:
    """In the order in which they were named."""
    assert in_order([C, A], {}, named=True, only=False) == [C, A]


@pytest.mark.parametrize(
    ("identity_agent", "expected"), [(None, "/run/agent"), ("none", ""), ("/run/other", "/run/other")]
)
def test_a_host_may_have_an_agent_of_its_own(identity_agent: str | None, expected: str) -> None:
    """IdentityAgent of ssh_config(5) counts before the environment; "none" is none."""
    resolved = Resolved("web1", "web1", "192.0.2.1", 22, "me", identity_agent=identity_agent)
    assert agent_socket(resolved, TransportOptions(agent_socket=Path("/run/agent"))) == expected


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """As ssh(1) refuses it, with the command that mends it."""
    key = tmp_path / "key"
    key.write_bytes(b"secret")
    key.chmod(0o600)
    assert key_data(key) == b"secret"
    key.chmod(0o640)
    with pytest.raises(WorldError, match="its mode is 0640, too open") as caught:
        key_data(key)
    assert (caught.value.kind, caught.value.hint) == (ErrorKind.KEY_UNREADABLE, f"chmod 600 {key}")


def test_a_key_that_is_not_there_says_what_names_keys(tmp_path: Path) -> None:
    """The reason is that of the system."""
    with pytest.raises(WorldError, match="No such file or directory"):
        key_data(tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "expected"), [(b"ssh-ed25519 AAAA me@here", b"\0\0\0"), (b"ssh-ed25519", b""), (b"x %%%%%", b"")]
)
def test_the_public_half_beside_a_key_may_be_anything(tmp_path: Path, text: bytes, expected: bytes) -> None:
    """What cannot be understood is none."""
    (tmp_path / "key.pub").write_bytes(text)
    assert public_beside(tmp_path / "key") == expected
    assert public_beside(tmp_path / "other") == b""
