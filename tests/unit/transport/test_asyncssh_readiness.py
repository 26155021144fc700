"""What is known of the way to hosts before any of them is contacted."""

from __future__ import annotations

import asyncio

import asyncssh
import pytest

from netaudit.model.target import SshSettings, Target
from netaudit.transport.asyncssh_readiness import ReadinessSource
from netaudit.transport.options import TransportOptions

KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()


@pytest.fixture
def ready(tmp_path):
    """Looks at some hosts in turn: ``ready([targets], known_hosts lines, jumps)`` gives what is told of each."""

    def look(targets, known="", jumps=()):
        (tmp_path / "known_hosts").write_text(known)
        options = TransportOptions(
            user_known_hosts=(tmp_path / "known_hosts",),
            command_line=SshSettings(jumps=jumps),
            use_ssh_config=False,
            notice=pytest.fail,
        )

        async def main():
            source = ReadinessSource(options)
            try:
                return [await source.of(target) for target in targets]
            finally:
                await source.close()

        return asyncio.run(main())

    return look


def test_a_jump_host_is_told_of_once(ready):
    """Before the first host behind it, by the name that ProxyJump gives it."""
    first, second = ready([Target("web1", "192.0.2.1"), Target("web2", "192.0.2.2")], jumps=("gate.example",))
    assert [(each.name, each.is_jump) for each in first] == [("gate.example", True), ("web1", False)]
    assert [(each.name, each.is_jump) for each in second] == [("web2", False)]


@pytest.mark.parametrize(
    ("marked", "has_key"), [("192.0.2.1", True), ("@cert-authority 192.0.2.*", True), ("192.0.2.9", False)]
)
def test_a_key_of_its_own_or_an_authority_will_do(ready, marked, has_key):
    """Either lets a connection check the host; the key of another host does not."""
    ((told,),) = ready([Target("web1", "192.0.2.1")], known=f"{marked} {KEY}\n")
    assert told.has_key is has_key


def test_nothing_to_log_in_with(ready):
    """Without keys, agent and password a host is told what would help."""
    ((told,),) = ready([Target("web1", "192.0.2.1")])
    assert told.settings is None
    assert told.login is not None
    assert "--private-key" in told.login.hint
